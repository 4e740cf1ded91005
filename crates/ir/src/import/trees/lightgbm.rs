//! LightGBM's text: `Booster.save_model("model.txt")`.
//!
//! # Source
//! The format as LightGBM 4.7 writes it (`version=v4`) and as v3 did: `key=value` lines, a block for each tree. A split goes left when the
//! value is at or below its threshold; a child below 0 is the leaf `-1 - child`.

use super::{Build, Foreign, Link, MOST_FEATURES, MOST_OUTPUTS, at_or_below, tree};
use crate::{
    import::{ImportError, Imported},
    trees::Ensemble,
};
use std::collections::BTreeMap;

fn malformed(reason: impl Into<String>) -> ImportError {
    ImportError::Malformed { format: "LightGBM", reason: reason.into() }
}

fn refused(what: &str, place: &str, reason: &str) -> ImportError {
    ImportError::Operator { operator: what.into(), place: place.into(), reason: reason.into() }
}

/// Lines `key=value` (or a key alone) of one block, with the number of its first line.
struct Block<'a> {
    line: usize,
    values: BTreeMap<&'a str, &'a str>,
}

impl<'a> Block<'a> {
    fn get(&self, key: &str) -> Result<&'a str, ImportError> {
        let found = self.values.get(key).copied();
        found.ok_or_else(|| malformed(format!("the block at line {} has no `{key}`", self.line)))
    }

    fn number(&self, key: &str) -> Result<usize, ImportError> {
        let text = self.get(key)?;
        text.trim()
            .parse()
            .map_err(|_| malformed(format!("the block at line {}: `{key}={text}` is no count", self.line)))
    }

    fn list<T: std::str::FromStr>(&self, key: &str, count: usize) -> Result<Vec<T>, ImportError> {
        let values: Result<Vec<T>, _> = self.get(key)?.split_whitespace().map(str::parse).collect();
        match values {
            Ok(v) if v.len() == count => Ok(v),
            Ok(v) => Err(malformed(format!(
                "the block at line {}: `{key}` has {} values, expected {count}",
                self.line,
                v.len()
            ))),
            Err(_) => Err(malformed(format!("the block at line {}: `{key}` holds no numbers", self.line))),
        }
    }
}

/// The head and the trees.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks = vec![Block { line: 1, values: BTreeMap::new() }];
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line == "end of trees" {
            break;
        }
        if line.starts_with("Tree=") {
            blocks.push(Block { line: number + 1, values: BTreeMap::new() });
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if let Some(block) = blocks.last_mut() {
            block.values.insert(key, value);
        }
    }
    blocks
}

/// What the objective makes of the sums, and a factor on them.
fn link(objective: &str, classes: usize) -> Result<(Link, f64), ImportError> {
    let mut words = objective.split_whitespace();
    let name = words.next().unwrap_or_default();
    let mut sigmoid = 1.0;
    for word in words {
        match word.split_once(':') {
            Some(("sigmoid", v)) => {
                sigmoid = v
                    .parse()
                    .ok()
                    .filter(|s: &f64| s.is_finite() && *s > 0.0)
                    .ok_or_else(|| malformed(format!("`objective={objective}` has no sigmoid")))?;
            }
            None if word == "sqrt" => {
                return Err(refused(
                    "objective",
                    objective,
                    "square roots are not supported; train without `reg_sqrt`",
                ));
            }
            _ => {}
        }
    }
    Ok(match name {
        "binary" => (Link::Binary, sigmoid),
        "multiclass" | "softmax" => (Link::Softmax, 1.0),
        "multiclassova" | "multiclass_ova" | "ova" | "ovr" => (Link::Logistic, sigmoid),
        "cross_entropy" | "xentropy" => (Link::Logistic, 1.0),
        "poisson" | "gamma" | "tweedie" => (Link::Exp, 1.0),
        "" | "custom" | "none" if classes > 1 => (Link::Softmax, 1.0),
        "" | "custom" | "none" | "regression" | "regression_l2" | "l2" | "mse" | "regression_l1" | "l1"
        | "mae" | "huber" | "fair" | "quantile" | "mape" | "lambdarank" | "rank_xendcg" => (Link::Plain, 1.0),
        _ => return Err(refused("objective", objective, "this objective is not supported")),
    })
}

/// What stands before the trees.
pub(super) struct Head<'a> {
    /// Trees of a round.
    pub sums: usize,
    pub features: usize,
    pub objective: &'a str,
    /// The mean of the rounds, not their sum.
    pub average: bool,
}

/// A tree. A child below 0 is the leaf `-1 - child`; bits of a kind: categorical, missing goes left, and two of what is missing (nothing,
/// zero, NaN).
pub(super) struct Listed {
    pub place: String,
    pub linear: bool,
    pub leaves: Vec<f64>,
    pub feature: Vec<usize>,
    pub threshold: Vec<f64>,
    pub kind: Vec<u32>,
    pub left: Vec<i64>,
    pub right: Vec<i64>,
}

/// Reads a model: features in; probabilities of all classes (both of a binary model), or the number, out.
///
/// # Errors
/// [`ImportError`] naming the line of the block and what is wrong, or the tree and what is not supported.
pub fn read(bytes: &[u8], name: &str) -> Result<Imported, ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is no text"))?;
    if !text.starts_with("tree") {
        return Err(malformed("the first line is not `tree`"));
    }
    let blocks = blocks(text);
    let (head, blocks) = blocks.split_first().ok_or_else(|| malformed("it is empty"))?;
    let mut trees = Vec::new();
    for (i, block) in blocks.iter().enumerate() {
        let place = format!("tree {i} (line {})", block.line);
        let count = block.number("num_leaves")?;
        if count == 0 || count > bytes.len() {
            return Err(malformed(format!("{place} has {count} leaves")));
        }
        let splits = count - 1;
        // A tree of one leaf has no such lines.
        let some = |key: &str| if splits > 0 { block.list(key, splits) } else { Ok(Vec::new()) };
        trees.push(Listed {
            linear: block.values.get("is_linear").is_some_and(|v| *v == "1"),
            leaves: block.list("leaf_value", count)?,
            feature: if splits > 0 { block.list("split_feature", splits)? } else { Vec::new() },
            threshold: if splits > 0 { block.list("threshold", splits)? } else { Vec::new() },
            kind: if splits > 0 { block.list("decision_type", splits)? } else { Vec::new() },
            left: some("left_child")?,
            right: some("right_child")?,
            place,
        });
    }
    let head = Head {
        sums: head.number("num_tree_per_iteration")?,
        features: head.number("max_feature_idx")?.saturating_add(1),
        objective: head.values.get("objective").copied().unwrap_or_default(),
        average: head.values.contains_key("average_output"),
    };
    assemble(&head, &trees, name)
}

/// The graph of a model.
pub(super) fn assemble(head: &Head<'_>, trees: &[Listed], name: &str) -> Result<Imported, ImportError> {
    let &Head { sums, features, objective, average } = head;
    if sums == 0 || sums > MOST_OUTPUTS || features > MOST_FEATURES {
        return Err(malformed(format!(
            "{features} features and {sums} outputs; up to {MOST_FEATURES} and {MOST_OUTPUTS} are read"
        )));
    }
    if trees.is_empty() || !trees.len().is_multiple_of(sums) {
        return Err(malformed(format!("{} trees are no whole rounds of {sums}", trees.len())));
    }
    let (link, sigmoid) = link(objective, sums)?;
    if link == Link::Binary && sums != 1 {
        return Err(malformed(format!("`objective={objective}` has {sums} trees in a round")));
    }
    let share = if average { sums as f64 / trees.len() as f64 } else { 1.0 };
    let mut build = Build::new(name, features);
    let knows_missing = trees.iter().flat_map(|t| &t.kind).any(|k| k >> 2 == 2);
    if !knows_missing {
        build.notes.push(
            "trained without missing values: NaN goes right at every split, where LightGBM takes it for 0"
                .into(),
        );
    }
    let base = vec![0.0; link.outputs(sums)];
    let mut ensemble = Ensemble { features, base, width: 1, trees: Vec::new() };
    for (i, listed) in trees.iter().enumerate() {
        let Listed { place, linear, leaves, feature, threshold, kind, left, right } = listed;
        if *linear {
            return Err(refused(
                "linear tree",
                place,
                "leaves that are lines are not supported; train with `linear_tree=false`",
            ));
        }
        let (count, splits) = (leaves.len(), kind.len());
        let leaves: Vec<f32> = leaves.iter().map(|v| (v * sigmoid * share) as f32).collect();
        for (node, kind) in kind.iter().enumerate() {
            if kind & 1 != 0 {
                let place = format!("{place}, split {node}");
                return Err(refused(
                    "categorical split",
                    &place,
                    "give categories as numbers, or one feature each",
                ));
            }
            if kind >> 2 == 1 {
                let place = format!("{place}, split {node}");
                return Err(refused("zero as missing", &place, "train with `zero_as_missing=false`"));
            }
        }
        // Splits first, then leaves.
        let child = |c: i64| -> usize {
            usize::try_from(c)
                .unwrap_or_else(|_| splits.saturating_add(usize::try_from(-1 - c).unwrap_or(usize::MAX)))
        };
        let made = tree(link.first(i % sums), splits + count, features, 1, |node| {
            Ok(if node < splits {
                Foreign::Split {
                    feature: feature[node],
                    threshold: at_or_below(threshold[node]),
                    left: child(left[node]),
                    right: child(right[node]),
                    // Where the training data had nothing missing, the library takes what is not a number for 0.
                    nan_left: if kind[node] >> 2 == 2 {
                        kind[node] & 2 != 0
                    } else {
                        knows_missing && threshold[node] >= 0.0
                    },
                }
            } else {
                Foreign::Leaf(&leaves[node - splits..=node - splits])
            })
        });
        ensemble.push(made.map_err(|e| malformed(format!("{place} {e}")))?);
    }
    build.trees(ensemble);
    build.finish(link)
}
