//! Backbones: the first layers of a network from elsewhere, kept as they are. They run once over the windows; what they make of them is
//! kept in the store, and a head is trained on that.

use super::{
    elsewhere::{self, Named},
    gold::{Matrix, TrainingMatrix, TrainingRows},
    train::{Trainer, inputs, project_error},
};
use crate::{
    EngineError,
    project::{LearnSection, Project},
    session::Key,
};
use edgewright_impulse::Impulse;
use edgewright_ir::{Graph, interpret::Interpreter, splice};
use edgewright_store::Hash;
use edgewright_train::Rows;
use rayon::prelude::*;
use std::{io::Write, ops::Range};

/// Windows between two looks at whether to go on.
const WINDOWS: usize = 256;
/// Windows of one task.
const SHARD: usize = 8;

/// First layers that stay as they are, and what they make of the windows.
pub(super) struct Frozen {
    /// From features to what the head takes.
    pub front: Graph,
    /// Of windows that train.
    pub rows: TrainingRows,
    /// Of windows that validate.
    pub watch: TrainingRows,
}

/// The first layers of a section's backbone, in words as well; nothing when it has none.
///
/// # Errors
/// [`EngineError::ProjectFile`] naming what does not fit.
pub(crate) fn front(
    project: &Project,
    section: &LearnSection,
    impulse: &Impulse,
) -> Result<Option<(Graph, String)>, EngineError> {
    let Some(backbone) = &section.backbone else { return Ok(None) };
    let named = Named::from(backbone);
    let found = named.read(project, impulse, &inputs(project, impulse, section)?)?;
    let fail = |reason: String| {
        Err(project_error(project, format!("`{}.model = {:?}`: {reason}", named.key, named.model)))
    };
    if elsewhere::integer(&found.graph) {
        return fail(
            "the model computes with integers; a backbone needs the float model that it was made from".into(),
        );
    }
    let cut = match splice::front(&found.graph, backbone.layers) {
        Ok(cut) => cut,
        Err(e) => return fail(format!("{e}\nhint: `layers` says how many layers are kept")),
    };
    let words = format!(
        "backbone: the first {} of {} layers with weights of {}, {} MACs, give {:?}; they stay as they are",
        cut.layers,
        cut.of,
        named.model,
        cut.graph.macs(),
        cut.graph.tensor(cut.graph.outputs[0]).shape
    );
    Ok(Some((cut.graph, words)))
}

/// The shape in which a head takes what a backbone gives.
pub(crate) fn shape(front: &Graph) -> Vec<usize> {
    let given = front.tensor(front.outputs[0]);
    if (1..=3).contains(&given.shape.len()) { given.shape.clone() } else { vec![given.len()] }
}

impl Trainer<'_> {
    /// The backbone of a section with what it makes of some windows.
    pub(super) fn frozen(
        &self,
        section: &LearnSection,
        impulse: &Impulse,
        columns: &[Range<usize>],
        (training, rows): (&[usize], &TrainingRows),
        (validation, watch): (&[usize], &TrainingRows),
        notes: &mut Vec<String>,
    ) -> Result<Option<Frozen>, EngineError> {
        let Some((front, words)) = front(&self.session.project, section, impulse)? else { return Ok(None) };
        let (made, fresh) = self.through(&front, columns, training, rows)?;
        let (watched, _) = self.through(&front, columns, validation, watch)?;
        let how = if fresh { "run once" } else { "taken from before" };
        notes.push(format!("{words}; {how} over {} windows", rows.len() + watch.len()));
        Ok(Some(Frozen { front, rows: made, watch: watched }))
    }

    /// What a front makes of some windows, and whether it had to be computed.
    fn through(
        &self,
        front: &Graph,
        columns: &[Range<usize>],
        places: &[usize],
        rows: &TrainingRows,
    ) -> Result<(TrainingRows, bool), EngineError> {
        let store = &self.session.store;
        let key = Key::new("backbone")
            .value("front", front)
            .text("matrix", &self.gold.training.object().to_string())
            .value("columns", &columns)
            .value("windows", &places)
            .finish();
        let known = store.get_derived(&key)?.filter(|hash| store.has_blob(hash));
        let hash = match known {
            Some(hash) => hash,
            None => {
                let hash = self.compute(front, rows)?;
                store.put_derived(&key, &hash)?;
                hash
            }
        };
        let width = front.tensor(front.outputs[0]).len();
        let matrix = TrainingMatrix::new(Matrix::new(hash, width, Vec::new()));
        #[expect(clippy::single_range_in_vec_init, reason = "one range of columns is what is meant")]
        let all = [0..width];
        Ok((matrix.rows(self.session, (0..rows.len()).collect(), &all)?, known.is_none()))
    }

    fn compute(&self, front: &Graph, rows: &TrainingRows) -> Result<Hash, EngineError> {
        let failed = |e: edgewright_ir::GraphError| EngineError::Data(format!("backbone: {e}"));
        let at = |source| EngineError::Io { path: self.session.project.state_dir(), source };
        let (takes, gives) = (rows.width(), front.tensor(front.outputs[0]).len());
        let mut out = self.session.store.blob_writer()?;
        let places: Vec<usize> = (0..rows.len()).collect();
        for part in places.chunks(WINDOWS) {
            self.session.progress("train", part[0] as u64, rows.len() as u64, "backbone")?;
            let mut x = vec![0.0; part.len() * takes];
            rows.read(part, &mut x).map_err(at)?;
            let mut y = vec![0.0f32; part.len() * gives];
            y.par_chunks_mut(SHARD * gives).zip(x.par_chunks(SHARD * takes)).try_for_each(|(y, x)| {
                let mut interpreter = Interpreter::new(front).map_err(failed)?;
                let mut each = x.chunks_exact(takes).zip(y.chunks_exact_mut(gives));
                each.try_for_each(|(x, y)| interpreter.run(x, y).map_err(failed))
            })?;
            let bytes: Vec<u8> = y.iter().flat_map(|v| v.to_le_bytes()).collect();
            out.write_all(&bytes).map_err(at)?;
        }
        Ok(out.finish()?)
    }
}
