//! LightGBM's JSON: `json.dump(Booster.dump_model(), file)`.
//!
//! # Source
//! The form that LightGBM 4.7 writes: the head of the text form, and trees whose nodes hold each other.

use super::lightgbm::{Head, Listed, assemble};
use crate::import::{ImportError, Imported};
use serde::Deserialize;

#[derive(Deserialize)]
struct Model {
    num_tree_per_iteration: usize,
    max_feature_idx: usize,
    #[serde(default)]
    objective: String,
    #[serde(default)]
    average_output: bool,
    tree_info: Vec<Info>,
}

#[derive(Deserialize)]
struct Info {
    tree_structure: Nested,
}

#[derive(Deserialize)]
struct Nested {
    leaf_value: Option<f64>,
    /// Of a leaf that is a line.
    #[serde(default)]
    leaf_coeff: Vec<f64>,
    split_feature: Option<usize>,
    threshold: Option<Threshold>,
    decision_type: Option<String>,
    #[serde(default)]
    default_left: bool,
    missing_type: Option<String>,
    left_child: Option<Box<Nested>>,
    right_child: Option<Box<Nested>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Threshold {
    Number(f64),
    /// Categories.
    #[expect(dead_code, reason = "that it is there says all")]
    Text(String),
}

fn malformed(reason: impl Into<String>) -> ImportError {
    ImportError::Malformed { format: "LightGBM JSON", reason: reason.into() }
}

/// Adds a node and what hangs on it; its number, as the text form has it.
fn add(node: &Nested, to: &mut Listed) -> Result<i64, ImportError> {
    if let Some(value) = node.leaf_value {
        to.linear |= !node.leaf_coeff.is_empty();
        to.leaves.push(value);
        return Ok(-(to.leaves.len() as i64));
    }
    let (Some(feature), Some(threshold), Some(left), Some(right)) =
        (node.split_feature, &node.threshold, &node.left_child, &node.right_child)
    else {
        return Err(malformed(format!("{} has a node that is neither leaf nor split", to.place)));
    };
    let number = to.kind.len();
    let missing = match node.missing_type.as_deref() {
        None | Some("None") => 0,
        Some("Zero") => 1,
        Some("NaN") => 2,
        Some(other) => return Err(malformed(format!("{}: `missing_type` is `{other}`", to.place))),
    };
    let (categorical, threshold) = match (threshold, node.decision_type.as_deref()) {
        (Threshold::Number(v), Some("<=")) => (0, *v),
        (Threshold::Text(_), _) | (_, Some("==")) => (1, 0.0),
        (_, other) => return Err(malformed(format!("{}: `decision_type` is {other:?}", to.place))),
    };
    to.feature.push(feature);
    to.threshold.push(threshold);
    to.kind.push(categorical | u32::from(node.default_left) << 1 | missing << 2);
    to.left.push(0);
    to.right.push(0);
    to.left[number] = add(left, to)?;
    to.right[number] = add(right, to)?;
    Ok(number as i64)
}

/// Reads a model, as [`super::lightgbm::read`] does the text.
///
/// # Errors
/// [`ImportError`] naming the tree and what is wrong with it or not supported.
pub fn read(bytes: &[u8], name: &str) -> Result<Imported, ImportError> {
    let model: Model = serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?;
    let mut trees = Vec::new();
    for (i, info) in model.tree_info.iter().enumerate() {
        let mut tree = Listed {
            place: format!("tree {i}"),
            linear: false,
            leaves: Vec::new(),
            feature: Vec::new(),
            threshold: Vec::new(),
            kind: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
        };
        // No deeper than the reader of JSON goes.
        add(&info.tree_structure, &mut tree)?;
        trees.push(tree);
    }
    let head = Head {
        sums: model.num_tree_per_iteration,
        features: model.max_feature_idx.saturating_add(1),
        objective: &model.objective,
        average: model.average_output,
    };
    assemble(&head, &trees, name)
}
