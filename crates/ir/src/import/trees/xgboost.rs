//! XGBoost's models: `Booster.save_model("model.json")`, and `model.ubj`, which holds the same in binary.
//!
//! # Source
//! The schema that XGBoost documents for its JSON models, as 1.7 to 3.2 write it. A split goes left when the value is below its condition;
//! the condition of a node without children is its value.

use super::{Build, Foreign, Link, MOST_FEATURES, MOST_OUTPUTS, below, tree, ubj};
use crate::{
    import::{ImportError, Imported},
    math::ln,
    trees::Ensemble,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Model {
    learner: Learner,
}

#[derive(Deserialize)]
struct Learner {
    learner_model_param: Param,
    objective: Objective,
    gradient_booster: Booster,
}

#[derive(Deserialize)]
struct Param {
    base_score: String,
    num_class: String,
    num_feature: String,
    #[serde(default)]
    num_target: Option<String>,
}

#[derive(Deserialize)]
struct Objective {
    name: String,
}

#[derive(Deserialize)]
struct Booster {
    name: String,
    model: Option<Boosted>,
    /// Of `dart`.
    gbtree: Option<Inner>,
    #[serde(default)]
    weight_drop: Vec<f64>,
}

#[derive(Deserialize)]
struct Inner {
    model: Boosted,
}

#[derive(Deserialize)]
struct Boosted {
    #[serde(default)]
    trees: Vec<Foreigner>,
    #[serde(default)]
    tree_info: Vec<usize>,
    /// Of `gblinear`: `[features + 1, outputs]`, the biases last.
    #[serde(default)]
    weights: Vec<f32>,
}

#[derive(Deserialize)]
struct Foreigner {
    left_children: Vec<i64>,
    right_children: Vec<i64>,
    split_indices: Vec<usize>,
    split_conditions: Vec<f32>,
    /// Whether what is missing goes left.
    default_left: Vec<Flag>,
    #[serde(default)]
    split_type: Vec<u32>,
    #[serde(default)]
    categories_nodes: Vec<i64>,
    tree_param: TreeParam,
}

/// As older and newer files write it.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Flag {
    Word(bool),
    Number(u8),
}

#[derive(Deserialize)]
struct TreeParam {
    #[serde(default)]
    size_leaf_vector: Option<String>,
}

fn malformed(reason: impl Into<String>) -> ImportError {
    ImportError::Malformed { format: "XGBoost JSON", reason: reason.into() }
}

fn refused(what: &str, place: &str, reason: &str) -> ImportError {
    ImportError::Operator { operator: what.into(), place: place.into(), reason: reason.into() }
}

/// A number that the file has as text; an empty list is none.
fn count(name: &str, text: &str) -> Result<usize, ImportError> {
    text.trim().parse().map_err(|_| malformed(format!("`{name}` is `{text}`")))
}

/// Reads a model: features in; probabilities of all classes (both of a binary model), or the number, out.
///
/// # Errors
/// [`ImportError`] naming the field or the tree.
pub fn read(bytes: &[u8], name: &str) -> Result<Imported, ImportError> {
    let binary = bytes.first() == Some(&b'{') && bytes.get(1).is_some_and(|b| b"LiUIl".contains(b));
    let model: Model = if binary {
        serde_json::from_value(ubj::read(bytes).map_err(malformed)?).map_err(|e| malformed(e.to_string()))?
    } else {
        serde_json::from_slice(bytes).map_err(|e| malformed(e.to_string()))?
    };
    let Learner { learner_model_param: p, objective, gradient_booster: booster } = model.learner;
    let features = count("num_feature", &p.num_feature)?;
    let targets = p.num_target.as_deref().map_or(Ok(1), |t| count("num_target", t))?;
    let sums = count("num_class", &p.num_class)?.max(targets).max(1);
    if features == 0 || features > MOST_FEATURES || sums > MOST_OUTPUTS {
        return Err(malformed(format!(
            "{features} features and {sums} outputs; up to {MOST_FEATURES} and {MOST_OUTPUTS} are read"
        )));
    }
    let link = match objective.name.as_str() {
        "binary:logistic" if sums == 1 => Link::Binary,
        "binary:logistic" | "reg:logistic" => Link::Logistic,
        "multi:softprob" | "multi:softmax" => Link::Softmax,
        "count:poisson" | "reg:gamma" | "reg:tweedie" => Link::Exp,
        "binary:logitraw"
        | "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:absoluteerror"
        | "reg:pseudohubererror"
        | "reg:quantileerror"
        | "rank:ndcg"
        | "rank:map"
        | "rank:pairwise" => Link::Plain,
        other => return Err(refused("objective", other, "this objective is not supported")),
    };
    let score = p.base_score.trim().trim_start_matches('[').trim_end_matches(']');
    let scores: Result<Vec<f64>, _> = score.split(',').map(|s| s.trim().parse::<f64>()).collect();
    let scores = scores.map_err(|_| malformed(format!("`base_score` is `{}`", p.base_score)))?;
    if scores.len() != 1 && scores.len() != sums {
        return Err(malformed(format!("`base_score` has {} values for {sums} outputs", scores.len())));
    }
    // The file has the score behind the link.
    let before = |s: f64| -> Result<f32, ImportError> {
        let fits = match link {
            Link::Binary | Link::Logistic => s > 0.0 && s < 1.0,
            Link::Exp => s > 0.0 && s.is_normal(),
            _ => s.is_finite(),
        };
        if !fits {
            return Err(malformed(format!("`base_score` is {s}, which `{}` cannot give", objective.name)));
        }
        Ok(match link {
            Link::Binary | Link::Logistic => (ln(s) - ln(1.0 - s)) as f32,
            Link::Exp => ln(s) as f32,
            _ => s as f32,
        })
    };
    let mut base = vec![0.0; link.outputs(sums)];
    for sum in 0..sums {
        base[link.first(sum)] = before(scores[sum % scores.len()])?;
    }
    let (boosted, drop) = match booster.name.as_str() {
        "gbtree" => (booster.model, Vec::new()),
        "dart" => (booster.gbtree.map(|g| g.model), booster.weight_drop),
        "gblinear" => {
            let weights = booster.model.map(|m| m.weights).unwrap_or_default();
            if weights.len() != (features + 1) * sums || weights.iter().any(|w| !w.is_finite()) {
                return Err(malformed(format!(
                    "{} weights for {features} features and {sums} outputs, or one that is no number",
                    weights.len()
                )));
            }
            let rows = (0..sums).flat_map(|o| (0..features).map(move |f| f * sums + o));
            let rows = rows.map(|at| weights[at]).collect();
            // The library's linear booster adds the first score to every sum.
            let bias = (0..sums).map(|o| weights[features * sums + o] + base[link.first(0)]).collect();
            let mut build = Build::new(name, features);
            build.linear(rows, bias, link);
            return build.finish(link);
        }
        other => return Err(refused("booster", other, "gbtree, dart and gblinear are read")),
    };
    let boosted = boosted.ok_or_else(|| malformed("`gradient_booster` has no model"))?;
    let mut build = Build::new(name, features);
    if boosted.trees.is_empty() || boosted.tree_info.len() != boosted.trees.len() {
        return Err(malformed(format!(
            "{} trees and {} entries of `tree_info`",
            boosted.trees.len(),
            boosted.tree_info.len()
        )));
    }
    if !drop.is_empty() && drop.len() != boosted.trees.len() {
        return Err(malformed(format!("{} trees and {} of `weight_drop`", boosted.trees.len(), drop.len())));
    }
    let mut ensemble = Ensemble { features, base, width: 1, trees: Vec::new() };
    for (i, (t, sum)) in boosted.trees.iter().zip(&boosted.tree_info).enumerate() {
        let place = format!("tree {i}");
        let nodes = t.left_children.len();
        let lengths =
            [t.right_children.len(), t.split_indices.len(), t.split_conditions.len(), t.default_left.len()];
        if nodes == 0 || lengths.iter().any(|l| *l != nodes) || *sum >= sums {
            return Err(malformed(format!(
                "{place}: its lists have {nodes} and {lengths:?} entries, output {sum}"
            )));
        }
        if t.tree_param.size_leaf_vector.as_deref().is_some_and(|s| s != "0" && s != "1") {
            return Err(refused("leaf vector", &place, "train with `multi_strategy=one_output_per_tree`"));
        }
        if !t.categories_nodes.is_empty() || t.split_type.iter().any(|k| *k != 0) {
            return Err(refused(
                "categorical split",
                &place,
                "give categories as numbers, or one feature each",
            ));
        }
        let factor = drop.get(i).copied().unwrap_or(1.0) as f32;
        let values: Vec<f32> = t.split_conditions.iter().map(|v| v * factor).collect();
        let made = tree(link.first(*sum), nodes, features, 1, |node| {
            let (left, right) = (t.left_children[node], t.right_children[node]);
            if left == -1 {
                return Ok(Foreign::Leaf(&values[node..=node]));
            }
            let child = |c: i64| usize::try_from(c).map_err(|_| format!("leads to node {c}"));
            Ok(Foreign::Split {
                feature: t.split_indices[node],
                threshold: below(t.split_conditions[node]),
                left: child(left)?,
                right: child(right)?,
                nan_left: matches!(t.default_left[node], Flag::Word(true) | Flag::Number(1..)),
            })
        });
        ensemble.push(made.map_err(|e| malformed(format!("{place} {e}")))?);
    }
    build.trees(ensemble);
    build.finish(link)
}
