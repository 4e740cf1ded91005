//! Learning blocks that are no networks: forests, boosting, linear models.

use super::{
    gold::TrainingRows,
    train::{Block, Epoch, LayerLine, LearnSummary, Trainer, id, labels},
};
use crate::{
    EngineError, Event,
    project::{LearnSection, Method},
};
use edgewright_impulse::{LearnBlock, Task};
use edgewright_ir::{Graph, quantize::LayerSnr};
use edgewright_ml::{
    bayes,
    bins::Bins,
    boosting,
    forest::{self, Forest},
    graph::{Head, of_linear, of_trees},
    linear, neighbours, rbf, rule, svm,
};
use edgewright_train::{Rows, Targets};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// All values of some rows.
///
/// # Errors
/// [`EngineError::Internal`] when they cannot be read.
pub(crate) fn read(rows: &TrainingRows) -> Result<Vec<f32>, EngineError> {
    let all: Vec<usize> = (0..rows.len()).collect();
    let mut out = vec![0.0; rows.len() * rows.width()];
    rows.read(&all, &mut out).map_err(|e| EngineError::Internal(e.to_string()))?;
    Ok(out)
}

/// One line for each node of a graph.
pub(super) fn layer_lines(graph: &Graph, snr: &[LayerSnr]) -> Vec<LayerLine> {
    graph
        .nodes
        .iter()
        .map(|node| LayerLine {
            name: node.name.clone(),
            shape: graph.tensor(node.output).shape.clone(),
            parameters: node
                .inputs
                .iter()
                .map(|id| graph.tensor(*id))
                .filter(|t| t.data.is_some())
                .map(|t| t.len())
                .sum(),
            macs: graph.node_macs(node),
            snr_db: snr.iter().find(|s| s.name == node.name).map(|s| s.snr_db),
        })
        .collect()
}

/// The same targets for the room `ml`.
fn targets<'t>(targets: &'t Targets<'_>) -> Result<forest::Targets<'t>, EngineError> {
    match targets {
        Targets::Classes { of, count } => Ok(forest::Targets::Classes(of, *count)),
        Targets::Values(of) => Ok(forest::Targets::Values(of)),
        Targets::Objects { .. } => Err(only_networks()),
    }
}

/// The project file is refused before; this is for whoever comes another way.
fn only_networks() -> EngineError {
    EngineError::Internal("objects in pictures are found by networks alone".into())
}

/// As [`only_networks`].
fn only_classes() -> EngineError {
    EngineError::Internal("this method learns classes alone".into())
}

/// Values that the search for a rule reads, at most; of larger matrices an even choice of rows.
const RULE_VALUES: usize = 4 << 20;

/// The best rule on one feature, found on the training windows: what a model is worth shows beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlainRule {
    /// In words.
    pub text: String,
    /// Column of the feature matrix.
    pub column: usize,
    /// Ascending borders of its ranges.
    borders: Vec<f32>,
    /// One more: a class or a number for each range.
    answers: Vec<f32>,
}

impl PlainRule {
    /// Answer for the features of a window: a class, or a number.
    pub fn answer(&self, features: &[f32]) -> f32 {
        let value = features[self.column];
        let at = self.borders.iter().position(|b| value <= *b).unwrap_or(self.borders.len());
        self.answers[at]
    }
}

/// A float graph and how it came about.
struct Fitted {
    graph: Graph,
    history: Vec<Epoch>,
    best: usize,
    note: String,
}

impl Trainer<'_> {
    /// The best rule on one feature; `None` when no feature varies.
    pub(super) fn plain_rule(
        &self,
        columns: &[Range<usize>],
        rows: &TrainingRows,
        of: &Targets<'_>,
        task: &Task,
    ) -> Result<Option<PlainRule>, EngineError> {
        let width = rows.width();
        let step = (rows.len() * width).div_ceil(RULE_VALUES).max(1);
        let picked: Vec<usize> = (0..rows.len()).step_by(step).collect();
        let mut values = vec![0.0; picked.len() * width];
        rows.read(&picked, &mut values).map_err(|e| EngineError::Internal(e.to_string()))?;
        let Ok(bins) = Bins::new(&values, width) else { return Ok(None) };
        let found = match of {
            Targets::Classes { of, count } => {
                let of: Vec<u32> = picked.iter().map(|&r| of[r]).collect();
                rule::fit(&bins, forest::Targets::Classes(&of, *count))
            }
            Targets::Values(of) => {
                let of: Vec<f32> = picked.iter().map(|&r| of[r]).collect();
                rule::fit(&bins, forest::Targets::Values(&of))
            }
            Targets::Objects { .. } => return Ok(None),
        };
        let Ok(rule) = found else { return Ok(None) };
        let Some(column) = columns.iter().flat_map(Clone::clone).nth(rule.feature) else { return Ok(None) };
        let answer = |a: f32| match task {
            Task::Classification { labels, .. } => labels.get(a as usize).cloned().unwrap_or_default(),
            _ => format!("{a}"),
        };
        let name = self.gold.names.get(column).map_or("", String::as_str);
        let mut text = format!("`{name}`");
        for (border, a) in rule.borders.iter().zip(&rule.answers) {
            text.push_str(&format!(" <= {border}: {};", answer(*a)));
        }
        let last = rule.answers.last().copied().unwrap_or_default();
        text.push_str(&format!(" above: {}", answer(last)));
        Ok(Some(PlainRule { text, column, borders: rule.borders, answers: rule.answers }))
    }

    /// Fits a block that is no network.
    pub(super) fn classical(
        &self,
        n: usize,
        section: &LearnSection,
        inputs: Vec<usize>,
        task: Task,
        (rows, of): (&TrainingRows, &Targets<'_>),
        (watch, watched): (&TrainingRows, &Targets<'_>),
        notes: &mut Vec<String>,
    ) -> Result<Block, EngineError> {
        let id = id(section, n);
        let data = |e: edgewright_ml::FitError| EngineError::Data(format!("{id}: {e}"));
        let (values, width) = (read(rows)?, rows.width());
        let classes = matches!(of, Targets::Classes { .. });
        let fitted = match section.method {
            Method::RandomForest => {
                let bins = Bins::new(&values, width).map_err(data)?;
                let usual = forest::Spec::default();
                let spec = forest::Spec {
                    trees: section.trees.unwrap_or(usual.trees),
                    max_depth: section.max_depth.unwrap_or(usual.max_depth),
                    min_leaf: section.min_leaf.unwrap_or(usual.min_leaf),
                    features: None,
                    seed: self.session.seed,
                };
                let forest = Forest::new(&bins, targets(of)?, &spec).map_err(data)?;
                let trees = (0..spec.trees).into_par_iter().map(|i| forest.tree(i)).collect();
                let ensemble = forest.finish(trees);
                let note = format!("{} trees with {} splits", ensemble.trees.len(), ensemble.splits());
                Fitted { graph: of_trees(&ensemble, Head::Plain, &id), history: Vec::new(), best: 0, note }
            }
            Method::GradientBoosting => self.boosted(&id, section, (&values, width, of), (watch, watched))?,
            Method::LogisticRegression | Method::RidgeRegression => {
                let l2 = section.l2.unwrap_or(1.0);
                let (model, head) = match of {
                    Targets::Classes { of, count } => {
                        (linear::logistic(&values, width, of, *count, l2), Head::Softmax)
                    }
                    Targets::Values(of) => (linear::ridge(&values, width, of, l2), Head::Plain),
                    Targets::Objects { .. } => return Err(only_networks()),
                };
                let model = model.map_err(data)?;
                let note = match classes {
                    true => {
                        format!("solved in {} steps, largest derivative {:.1e}", model.steps, model.gradient)
                    }
                    false => "solved exactly".into(),
                };
                Fitted { graph: of_linear(&model, head, &id), history: Vec::new(), best: 0, note }
            }
            Method::NaiveBayes => {
                let Targets::Classes { of, count } = of else { return Err(only_classes()) };
                let model = bayes::fit(&values, width, of, *count).map_err(data)?;
                let note = format!("normal distributions of {} of {width} features", model.axes.len());
                Fitted { graph: model.to_graph(&id), history: Vec::new(), best: 0, note }
            }
            Method::LinearSvm => {
                let Targets::Classes { of, count } = of else { return Err(only_classes()) };
                let l2 = section.l2.unwrap_or(1.0);
                let model = svm::fit(&values, width, of, *count, l2, self.session.seed).map_err(data)?;
                let note =
                    format!("solved in {} passes, largest derivative {:.1e}", model.steps, model.gradient);
                Fitted { graph: of_linear(&model, Head::Softmax, &id), history: Vec::new(), best: 0, note }
            }
            Method::Knn => {
                let Targets::Classes { of, count } = of else { return Err(only_classes()) };
                let usual = neighbours::Spec::default();
                let spec = neighbours::Spec {
                    neighbours: section.neighbours.unwrap_or(usual.neighbours),
                    prototypes: section.prototypes.unwrap_or(usual.prototypes.max(*count)),
                };
                let model = neighbours::fit(&values, width, of, *count, &spec).map_err(data)?;
                let (seen, left) = model.rows;
                let note = format!(
                    "{} of {seen} windows kept, {left} left out because their neighbours contradict; {} of the others are nearest to their own label",
                    model.prototypes(),
                    model.right
                );
                Fitted { graph: model.to_graph(&id), history: Vec::new(), best: 0, note }
            }
            Method::RbfSvm => {
                let Targets::Classes { of, count } = of else { return Err(only_classes()) };
                let usual = rbf::Spec::default();
                let spec = rbf::Spec {
                    vectors: section.prototypes.unwrap_or(usual.vectors),
                    gamma: section.gamma,
                    l2: section.l2.unwrap_or(usual.l2),
                    seed: self.session.seed,
                };
                let model = rbf::fit(&values, width, of, *count, &spec).map_err(data)?;
                let note = format!(
                    "{} vectors, solved in {} passes, largest derivative {:.1e}",
                    model.vectors(),
                    model.passes,
                    model.gradient
                );
                Fitted { graph: model.to_graph(&id), history: Vec::new(), best: 0, note }
            }
            Method::Rule => {
                let bins = Bins::new(&values, width).map_err(data)?;
                let rule = rule::fit(&bins, targets(of)?).map_err(data)?;
                let count = if let Targets::Classes { count, .. } = of { *count } else { 0 };
                let note = format!("a rule on one feature with {} ranges", rule.answers.len());
                let graph = of_trees(&rule.to_trees(width, count), Head::Plain, &id);
                Fitted { graph, history: Vec::new(), best: 0, note }
            }
            Method::Network
            | Method::Kmeans
            | Method::Gmm
            | Method::OneClassKnn
            | Method::Pca
            | Method::IsolationForest => {
                return Err(EngineError::Internal("this method is fitted elsewhere".into()));
            }
        };
        // The exponent of a kernel is the difference of large numbers: it stays in single precision.
        let (int8, snr) = match section.method {
            Method::RbfSvm => (fitted.graph.clone(), Vec::new()),
            _ => self.quantise(&fitted.graph, rows)?,
        };
        notes.push(fitted.note);
        let summary = LearnSummary {
            id: id.clone(),
            kind: section.kind,
            labels: labels(&task),
            history: fitted.history,
            best_epoch: fitted.best,
            layers: layer_lines(&fitted.graph, &snr),
            training_windows: rows.len(),
            validation_windows: watch.len(),
            threshold: None,
            temperature: None,
            steps: Vec::new(),
        };
        let block =
            |graph: Graph| LearnBlock { id: id.clone(), task: task.clone(), inputs: inputs.clone(), graph };
        Ok(Block { float: block(fitted.graph), int8: block(int8), summary, rule: None })
    }

    fn boosted(
        &self,
        id: &str,
        section: &LearnSection,
        (values, width, of): (&[f32], usize, &Targets<'_>),
        (watch, watched): (&TrainingRows, &Targets<'_>),
    ) -> Result<Fitted, EngineError> {
        let data = |e: edgewright_ml::FitError| EngineError::Data(format!("{id}: {e}"));
        let usual = boosting::Spec::default();
        let spec = boosting::Spec {
            rounds: section.trees.unwrap_or(usual.rounds),
            max_leaves: section.max_leaves.unwrap_or(usual.max_leaves),
            max_depth: section.max_depth.unwrap_or(usual.max_depth),
            min_leaf: section.min_leaf.unwrap_or(usual.min_leaf),
            learning_rate: section.learning_rate.unwrap_or(usual.learning_rate),
            l2: section.l2.unwrap_or(usual.l2),
            patience: usual.patience,
        };
        let bins = Bins::new(values, width).map_err(data)?;
        let other = bins.same(&read(watch)?).map_err(data)?;
        let mut failure = None;
        let made =
            boosting::fit(&bins, targets(of)?, Some((&other, targets(watched)?)), &spec, &mut |round, r| {
                self.session.observer.event(Event::Epoch {
                    block: id.into(),
                    epoch: round,
                    epochs: spec.rounds,
                    loss: r.loss,
                    metric: r.metric,
                    validation_loss: r.validation.map(|v| v.0),
                    validation_metric: r.validation.map(|v| v.1),
                    learning_rate: None,
                    gradient_norm: None,
                });
                let shown = r.validation.map_or(r.metric, |v| v.1);
                let note = format!("loss {:.3}  {shown:.3}", r.loss);
                let told = self.session.progress("train", round as u64, spec.rounds as u64, note);
                failure = told.err();
                failure.is_none()
            })
            .map_err(data)?;
        if let Some(e) = failure {
            return Err(e);
        }
        let history = made
            .history
            .iter()
            .enumerate()
            .map(|(i, r)| Epoch {
                epoch: i + 1,
                loss: r.loss,
                metric: r.metric,
                validation_loss: r.validation.map(|v| v.0),
                validation_metric: r.validation.map(|v| v.1),
                ..Epoch::default()
            })
            .collect();
        let note = format!(
            "{} trees with {} splits from {} of {} rounds",
            made.ensemble.trees.len(),
            made.ensemble.splits(),
            made.rounds,
            made.history.len()
        );
        let head = if matches!(of, Targets::Classes { .. }) { Head::Softmax } else { Head::Plain };
        Ok(Fitted { graph: of_trees(&made.ensemble, head, id), history, best: made.rounds, note })
    }
}
