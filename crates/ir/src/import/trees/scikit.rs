//! Our JSON for scikit-learn's trees and linear models, as `docs/scikit_to_json.py` writes it.
//!
//! One object: `edgewright_sklearn` 1, `model` (name of the class), `features`, `link` (`none`, `softmax`, `binary`: one sum whose logistic
//! function is the share of the second class), perhaps `mean` and `scale` (what `StandardScaler` takes off and divides by), and either
//! `weights` `[outputs][features]` with `bias`, or `base` with `trees`: `output`, `left`, `right` (-1: none), `feature`, `threshold` (at or
//! below goes left), `values` (rows of one value, or one for each output).

use super::{Build, Foreign, Link, MOST_FEATURES, MOST_OUTPUTS, at_or_below, tree};
use crate::{
    import::{ImportError, Imported},
    trees::Ensemble,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    edgewright_sklearn: u32,
    model: String,
    features: usize,
    link: String,
    #[serde(default)]
    mean: Option<Vec<f32>>,
    #[serde(default)]
    scale: Option<Vec<f32>>,
    #[serde(default)]
    weights: Vec<Vec<f32>>,
    #[serde(default)]
    bias: Vec<f32>,
    #[serde(default)]
    base: Vec<f32>,
    #[serde(default)]
    trees: Vec<OneTree>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneTree {
    output: usize,
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f64>,
    values: Vec<Vec<f32>>,
}

fn malformed(reason: impl Into<String>) -> ImportError {
    ImportError::Malformed { format: "scikit-learn JSON", reason: reason.into() }
}

/// Reads a model: features in; probabilities of all classes, or the number, out.
///
/// # Errors
/// [`ImportError`] naming the field or the tree.
pub fn read(bytes: &[u8], name: &str) -> Result<Imported, ImportError> {
    let m: Model = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    if m.edgewright_sklearn != 1 {
        return Err(malformed(format!("version {} is not known here", m.edgewright_sklearn)));
    }
    let features = m.features;
    if features == 0 || features > MOST_FEATURES || m.base.len().max(m.bias.len()) > MOST_OUTPUTS {
        return Err(malformed(format!("{features} features; 1 to {MOST_FEATURES} are read")));
    }
    let link = match m.link.as_str() {
        "none" => Link::Plain,
        "softmax" => Link::Softmax,
        "binary" => Link::Binary,
        other => return Err(malformed(format!("`link` is `{other}`; none, softmax or binary are possible"))),
    };
    let finite = |name: &str, values: &[f32]| match values.iter().position(|v| !v.is_finite()) {
        Some(i) => Err(malformed(format!("`{name}` {i} of {} is no number", m.model))),
        None => Ok(()),
    };
    let mut build = Build::new(name, features);
    if let (Some(mean), Some(scale)) = (&m.mean, &m.scale) {
        let inverse: Vec<f32> = scale.iter().map(|s| 1.0 / s).collect();
        if mean.len() != features || scale.len() != features {
            return Err(malformed(format!(
                "`mean` and `scale` have {} and {} values",
                mean.len(),
                scale.len()
            )));
        }
        finite("mean", mean)?;
        finite("scale", &inverse)?;
        build.standardise(mean.clone(), inverse);
    }
    if m.trees.is_empty() {
        let sums = m.bias.len();
        if sums == 0 || m.weights.len() != sums || m.weights.iter().any(|w| w.len() != features) {
            return Err(malformed(format!(
                "{} rows of `weights` for {sums} of `bias` and {features} features, and no trees",
                m.weights.len()
            )));
        }
        if link == Link::Binary && sums != 1 {
            return Err(malformed(format!("`link` is `binary` with {sums} sums")));
        }
        let weights = m.weights.concat();
        finite("weights", &weights)?;
        finite("bias", &m.bias)?;
        build.linear(weights, m.bias.clone(), link);
        return build.finish(link);
    }
    let sums = m.base.len();
    if sums == 0 || (link == Link::Binary && sums != 1) {
        return Err(malformed(format!("`base` has {sums} values with the link `{}`", m.link)));
    }
    finite("base", &m.base)?;
    let width = m.trees[0].values.first().map_or(0, Vec::len);
    if width != 1 && width != sums || (width > 1 && link == Link::Binary) {
        return Err(malformed(format!("leaves of {width} values for {sums} outputs")));
    }
    let mut base = vec![0.0; link.outputs(sums)];
    for (k, b) in m.base.iter().enumerate() {
        base[link.first(k)] = *b;
    }
    let mut ensemble = Ensemble { features, base, width, trees: Vec::new() };
    for (i, t) in m.trees.iter().enumerate() {
        let nodes = t.left.len();
        let lengths = [t.right.len(), t.feature.len(), t.threshold.len(), t.values.len()];
        if nodes == 0 || lengths.iter().any(|l| *l != nodes) || t.output.saturating_add(width) > sums {
            return Err(malformed(format!(
                "tree {i}: its lists have {nodes} and {lengths:?} entries, output {}",
                t.output
            )));
        }
        let made = tree(link.first(t.output), nodes, features, width, |node| {
            if t.left[node] < 0 {
                return Ok(Foreign::Leaf(&t.values[node]));
            }
            let number = |c: i64| usize::try_from(c).map_err(|_| format!("has {c} at node {node}"));
            Ok(Foreign::Split {
                feature: number(t.feature[node])?,
                threshold: at_or_below(t.threshold[node]),
                left: number(t.left[node])?,
                right: number(t.right[node])?,
                nan_left: false,
            })
        });
        ensemble.push(made.map_err(|e| malformed(format!("tree {i} {e}")))?);
    }
    build.trees(ensemble);
    build.finish(link)
}
