//! Networks that were trained elsewhere and help here in training: from a file, or as another project has them.

use super::imported;
use crate::{EngineError, Silent, model_tool, project::Project, run, session::Session};
use edgewright_impulse::{DspBlock, Impulse, Task, Window};
use edgewright_ir::{
    DType, Graph, Op,
    extra::Reference,
    quantize::{fold_scales, fuse_activations},
};
use std::path::Path;

/// Which network is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'n> {
    /// Key of the section in the project file, such as `impulse.learn.backbone`.
    pub key: &'n str,
    /// A file, or the folder of another project, from the project's folder on.
    pub model: &'n str,
    /// Learning block of that project; its first network when left out.
    pub block: Option<&'n str>,
}

/// A network from elsewhere.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    pub graph: Graph,
    /// Labels of its outputs, where they are known.
    pub labels: Option<Vec<String>>,
}

impl Named<'_> {
    /// What stands for the network in the key of a stage: the hash of the file, or of what the other project trained.
    pub fn fingerprint(&self, project: &Project) -> String {
        let path = project.dir.join(self.model);
        if path.is_dir() {
            // What is missing fails when the stage reads it.
            let missing = || "missing".to_owned();
            return trained(&path, |_, trained| Ok(trained.float.to_string())).unwrap_or_else(|_| missing());
        }
        model_tool::fingerprint(&path)
    }

    /// The network, which takes the features of some DSP blocks of an impulse.
    ///
    /// # Errors
    /// [`EngineError::ProjectFile`] naming the key, the model and what does not fit: a file that cannot be read, another number of values, a
    /// project that is not trained or computes other features.
    pub fn read(
        &self,
        project: &Project,
        impulse: &Impulse,
        inputs: &[usize],
    ) -> Result<Elsewhere, EngineError> {
        let fail = |e: &dyn std::fmt::Display| {
            super::train::project_error(project, format!("`{}.model = {:?}`: {e}", self.key, self.model))
        };
        let path = project.dir.join(self.model);
        let found = if path.is_dir() {
            trained(&path, |session, trained| {
                of_project(&trained.impulse_float(session)?, self.block, impulse, inputs)
            })
        } else if self.block.is_some() {
            return Err(fail(&"`block` is for a project's folder, and this is a file"));
        } else {
            of_file(&path)
        };
        let found = found.map_err(|e| fail(&e))?;
        let takes = found.graph.tensor(found.graph.inputs[0]);
        let width: usize = inputs.iter().map(|&i| impulse.dsp[i].features()).sum();
        if takes.len() != width {
            return Err(fail(&format!(
                "the model takes {} values ({:?}), but the DSP blocks give {width}; change window or blocks",
                takes.len(),
                takes.shape
            )));
        }
        Ok(found)
    }
}

fn of_file(path: &Path) -> Result<Elsewhere, EngineError> {
    let graph = model_tool::load(path, Reference::Litert)?.graph;
    imported::usable(path, &graph)?;
    if integer(&graph) {
        // A teacher may compute in integers; what it takes and gives is float all the same.
        return Ok(Elsewhere { graph: imported::float_ends(graph), labels: None });
    }
    Ok(Elsewhere { graph: fuse_activations(&fold_scales(&graph)), labels: None })
}

/// What another project trained last with its settings as they are now.
fn trained<R>(
    dir: &Path,
    take: impl FnOnce(&Session<'_>, &super::train::Trained) -> Result<R, EngineError>,
) -> Result<R, EngineError> {
    let observer = Silent::default();
    let session = Session::shared(dir, &observer)?;
    if session.project.elsewhere().any(|named| dir.join(named.model).is_dir()) {
        return Err(EngineError::Data(
            "its network builds on that of a project again; name that project, or a file".into(),
        ));
    }
    let trained = run::until_train(&session).map_err(|e| {
        EngineError::Data(format!(
            "that project is not trained as its file is now: {e}\nhint: edgewright run {} --until train",
            dir.display()
        ))
    })?;
    take(&session, &trained)
}

fn of_project(
    other: &Impulse,
    block: Option<&str>,
    impulse: &Impulse,
    inputs: &[usize],
) -> Result<Elsewhere, EngineError> {
    let fail = |reason: String| Err(EngineError::Data(reason));
    let weighted = |g: &Graph| {
        g.nodes.iter().any(|n| {
            matches!(n.op, Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. })
        })
    };
    let found = other.learn.iter().find(|l| block.map_or(weighted(&l.graph), |id| l.id == id));
    let Some(found) = found else {
        let ids: Vec<&str> = other.learn.iter().map(|l| l.id.as_str()).collect();
        return match block {
            Some(id) => fail(format!("that project has no learning block `{id}`; it has {}", ids.join(", "))),
            None => fail("that project has no network".into()),
        };
    };
    let theirs: Vec<&DspBlock> = found.inputs.iter().map(|&i| &other.dsp[i]).collect();
    let ours: Vec<&DspBlock> = inputs.iter().map(|&i| &impulse.dsp[i]).collect();
    let names = |of: &[&DspBlock]| of.iter().map(|b| b.id.as_str()).collect::<Vec<_>>().join(", ");
    // The same quantities in the same units and order, or the features mean something else.
    let axes = |window: &Window, b: &DspBlock| {
        b.axes
            .iter()
            .map(|&a| window.axes.get(a).map(|x| (x.name.clone(), x.units.clone())))
            .collect::<Vec<_>>()
    };
    let alike = |(a, b): (&&DspBlock, &&DspBlock)| {
        (&a.block, a.version, &a.params, &a.keep, a.features())
            == (&b.block, b.version, &b.params, &b.keep, b.features())
            && axes(&other.window, a) == axes(&impulse.window, b)
    };
    let rates = (other.window.rate_hz, impulse.window.rate_hz);
    if other.window.frames != impulse.window.frames || other.window.image != impulse.window.image {
        return fail(format!(
            "that network was trained on windows of {} frames, here they have {}; windows must be of one length",
            other.window.frames, impulse.window.frames
        ));
    }
    if theirs.len() != ours.len() || !theirs.iter().zip(&ours).all(alike) || rates.0 != rates.1 {
        return fail(format!(
            "that network was trained on other features: on {} at {} Hz, here {} at {} Hz; the DSP blocks must have the same parameters and axes of the same names and units",
            names(&theirs),
            rates.0,
            names(&ours),
            rates.1
        ));
    }
    let labels = match &found.task {
        Task::Classification { labels, .. } => Some(labels.clone()),
        _ => None,
    };
    Ok(Elsewhere { graph: found.graph.clone(), labels })
}

/// Whether a graph computes with integers.
pub(super) fn integer(graph: &Graph) -> bool {
    graph.tensors.iter().any(|t| matches!(t.dtype, DType::I8 | DType::U8 | DType::I16))
}
