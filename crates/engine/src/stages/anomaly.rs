//! Learning blocks that know only what is normal.

use super::{
    classical::read,
    gold::WindowAt,
    split::{NORMAL, Side, anomaly_only},
    train::{Block, LearnSummary, Trainer, id},
};
use crate::{
    EngineError,
    project::{CovarianceKind, LearnSection, Method},
};
use edgewright_impulse::{Impulse, LearnBlock, Task};
use edgewright_ir::Graph;
use edgewright_ml::{
    gmm,
    graph::{Head as Ending, of_trees},
    isolation, kmeans, nearest, pca,
};
use edgewright_train::Rows;

impl Trainer<'_> {
    /// Learns what is normal, by the method that the project names.
    pub(super) fn anomaly(
        &self,
        n: usize,
        impulse: &Impulse,
        section: &LearnSection,
        inputs: Vec<usize>,
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        // Beside a classifier everything it learns is known and so normal; alone only `normal` is, when that label is used.
        let has_normal = self.silver.has_normal();
        let only_normal = anomaly_only(self.session) && has_normal;
        let keep = |w: &WindowAt| !only_normal || self.label(w) == Some(NORMAL);
        let mut training = self.rows(Side::Training, keep);
        let mut validation = self.rows(Side::Validation, keep);
        if training.is_empty() {
            return Err(EngineError::Data("the anomaly block has no normal window to train on".into()));
        }
        if validation.is_empty() {
            let samples: Vec<usize> =
                training.iter().map(|&i| self.gold.training.windows()[i].sample).collect();
            let held = held_back(&samples);
            validation = pick(&training, &held, true);
            training = pick(&training, &held, false);
            notes.push(if validation.is_empty() {
                "no sample validates and there are too few windows to hold some back: the threshold is that of windows the block knows, so it will raise false alarms; record more"
                    .into()
            } else {
                format!(
                    "no sample validates: {} training windows are held back to set the threshold",
                    validation.len()
                )
            });
        }
        let columns = self.columns(impulse, &inputs);
        let rows = self.open(&training, &columns)?;
        let watch = self.open(&validation, &columns)?;
        let names: Vec<&str> =
            columns.iter().flat_map(|c| self.gold.names[c.clone()].iter().map(String::as_str)).collect();
        let axes = match &section.features {
            Some(wanted) => Some(
                wanted
                    .iter()
                    .map(|f| {
                        names.iter().position(|n| n == f).ok_or_else(|| {
                            let hint = crate::project::nearest(f, names.iter().copied()).unwrap_or_default();
                            self.project_error(format!(
                                "`features` names `{f}`, which no block gives\nhint: did you mean `{hint}`?"
                            ))
                        })
                    })
                    .collect::<Result<Vec<_>, _>>()?,
            ),
            None => None,
        };
        let values = read(&rows)?;
        let watched = read(&watch)?;
        let picture = impulse.window.image.is_some();
        let (graph, threshold, note) =
            learn(section, &values, rows.width(), &watched, axes, picture, self.session.seed)?;
        notes.push(format!("{note}, threshold {threshold:.3}"));
        let summary = LearnSummary {
            id: id(section, n),
            kind: section.kind,
            labels: Vec::new(),
            history: Vec::new(),
            best_epoch: 0,
            layers: Vec::new(),
            training_windows: rows.len(),
            validation_windows: watch.len(),
            threshold: Some(threshold),
            temperature: None,
            steps: Vec::new(),
        };
        let block = |graph: Graph| LearnBlock {
            id: id(section, n),
            task: Task::Anomaly { threshold },
            inputs: inputs.clone(),
            graph,
        };
        // Trees have an integer form; what measures distances stays in single precision.
        let int8 = match section.method {
            Method::IsolationForest => self.quantise(&graph, &rows)?.0,
            _ => graph.clone(),
        };
        Ok(Block { float: block(graph), int8: block(int8), summary, rule: None })
    }
}

/// Which of the windows of these samples are held back when nothing validates: the last fifth of each recording, of recordings of
/// fewer than five windows every fifth window.
fn held_back(samples: &[usize]) -> Vec<bool> {
    let mut held = Vec::with_capacity(samples.len());
    let mut short = 0;
    for recording in samples.chunk_by(|a, b| a == b) {
        let n = recording.len();
        for i in 0..n {
            let last = n >= 5 && i >= n - n / 5;
            short += usize::from(n < 5);
            held.push(last || (n < 5 && short.is_multiple_of(5)));
        }
    }
    held
}

/// The rows that are held back, or the others.
fn pick(rows: &[usize], held: &[bool], wanted: bool) -> Vec<usize> {
    rows.iter().zip(held).filter(|(_, held)| **held == wanted).map(|(row, _)| *row).collect()
}

/// Learns what is normal on rows of `width` features: a graph that scores, the threshold, and what it is. `watched`: rows that set the
/// threshold with them; `axes`: the features that are looked at, all or chosen ones when left out.
///
/// # Errors
/// [`EngineError::Data`] when the rows do not allow it.
pub(crate) fn learn(
    section: &LearnSection,
    values: &[f32],
    width: usize,
    watched: &[f32],
    axes: Option<Vec<usize>>,
    picture: bool,
    seed: u64,
) -> Result<(Graph, f32, String), EngineError> {
    let false_alarm_rate = section.false_alarm_rate.unwrap_or(0.01);
    let failed = |e: edgewright_ml::FitError| EngineError::Data(format!("anomaly block: {e}"));
    let (graph, threshold, note) = if section.method == Method::Gmm {
        let shape = section.covariance.map(|c| match c {
            CovarianceKind::Full => gmm::Shape::Full,
            CovarianceKind::Diagonal => gmm::Shape::Diagonal,
        });
        let spec = gmm::Spec { components: section.components, shape, axes, false_alarm_rate, seed };
        let model = gmm::fit(values, width, watched, &spec).map_err(failed)?;
        let shape = if model.shape == gmm::Shape::Full { "full" } else { "diagonal" };
        let what = format!("{} Gaussians with {shape} covariances", model.components());
        let note = format!("{what} on {} of {} features", model.axes.len(), width);
        (model.to_graph("anomaly"), model.threshold, note)
    } else if section.method == Method::IsolationForest {
        let usual = isolation::Spec::default();
        let spec = isolation::Spec {
            trees: section.trees.unwrap_or(usual.trees),
            max_depth: section.max_depth.unwrap_or(usual.max_depth),
            axes,
            false_alarm_rate,
            seed,
        };
        let model = isolation::fit(values, width, watched, &spec).map_err(failed)?;
        let what = format!("{} trees with {} splits", spec.trees, model.ensemble.splits());
        let note = format!("{what} on {} of {} features", model.axes.len(), width);
        (of_trees(&model.ensemble, Ending::Plain, "anomaly"), model.threshold, note)
    } else if section.method == Method::OneClassKnn {
        let usual = nearest::Spec::default();
        let prototypes = section.prototypes.unwrap_or(usual.prototypes);
        let spec = nearest::Spec { prototypes, axes, false_alarm_rate };
        let model = nearest::fit(values, width, watched, &spec).map_err(failed)?;
        let what = format!("{} of {} windows kept", model.clusters(), values.len() / width.max(1));
        let note = format!("{what}, {} of {} features", model.axes().len(), width);
        (model.to_graph("anomaly"), model.threshold, note)
    } else if section.method == Method::Pca {
        let spec = pca::Spec { components: section.components, axes, picture, false_alarm_rate };
        let model = pca::fit(values, width, watched, &spec).map_err(failed)?;
        let share = 100.0 * model.explained;
        let what = format!("{} principal components, {share:.0} % of the variance", model.components());
        let note = format!("{what} of {} of {} features", model.axes, width);
        (model.to_graph("anomaly"), model.threshold, note)
    } else {
        let clusters = section.clusters.unwrap_or(32);
        let spec = kmeans::Spec { clusters, axes, false_alarm_rate, seed };
        let model = kmeans::fit(values, width, watched, &spec).map_err(failed)?;
        let what = format!("{} clusters", model.clusters());
        let note = format!("{what} on {} of {} features", model.axes().len(), width);
        (model.to_graph("anomaly"), model.threshold, note)
    };
    Ok((graph, threshold, note))
}

#[cfg(test)]
mod tests {
    use super::held_back;

    #[test]
    fn the_end_of_each_recording_is_held_back() {
        let samples = [vec![0; 11], vec![1; 4], vec![2; 1], vec![3; 5]].concat();
        let held: Vec<usize> =
            held_back(&samples).iter().enumerate().filter(|(_, h)| **h).map(|(i, _)| i).collect();
        assert_eq!(held, [9, 10, 15, 20]);
        assert!(held_back(&[0, 0, 0, 0]).iter().all(|h| !h));
    }
}
