//! XGBoost's dumps for people: `Booster.dump_model("model.txt")`, and the same with `dump_format="json"`.
//!
//! # Source
//! The forms that XGBoost 3.2 writes. A dump has trees alone: no objective, no base score, no number of classes or features. So the graph
//! gives the sum of the leaves, and a note says so.

use super::{Build, Foreign, Link, MOST_FEATURES, below, tree};
use crate::{
    import::{ImportError, Imported},
    trees::Ensemble,
};
use serde::Deserialize;
use std::collections::BTreeMap;

fn malformed(reason: impl Into<String>) -> ImportError {
    ImportError::Malformed { format: "XGBoost dump", reason: reason.into() }
}

fn refused(what: &str, place: &str, reason: &str) -> ImportError {
    ImportError::Operator { operator: what.into(), place: place.into(), reason: reason.into() }
}

/// A node by its number; whether it is a leaf says `leaf`.
#[derive(Clone, Default, Deserialize)]
struct Dumped {
    nodeid: usize,
    #[serde(default)]
    split: String,
    split_condition: Option<Condition>,
    #[serde(default)]
    yes: usize,
    #[serde(default)]
    no: usize,
    #[serde(default)]
    missing: Option<usize>,
    leaf: Option<Leaf>,
    #[serde(default)]
    children: Vec<Dumped>,
}

/// A list of categories has a form of its own.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Condition {
    Number(f32),
    #[expect(dead_code, reason = "that it is there says all")]
    Categories(Vec<serde_json::Value>),
}

/// A list: a value for each output.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Leaf {
    Number(f32),
    #[expect(dead_code, reason = "that it is there says all")]
    Values(Vec<f32>),
}

/// Nodes of a tree side by side.
fn flat(root: Dumped) -> Vec<Dumped> {
    let (mut nodes, mut open) = (Vec::new(), vec![root]);
    while let Some(mut node) = open.pop() {
        open.append(&mut node.children);
        nodes.push(node);
    }
    nodes
}

/// One line: `0:[f0<0.98] yes=1,no=2,missing=1`, or `7:leaf=0.07`, with what statistics may follow.
fn line(text: &str, number: usize) -> Result<Dumped, ImportError> {
    let wrong =
        || malformed(format!("line {number}: `{}` is no node", text.chars().take(80).collect::<String>()));
    let (id, rest) = text.split_once(':').ok_or_else(wrong)?;
    let mut node = Dumped { nodeid: id.parse().map_err(|_| wrong())?, ..Dumped::default() };
    let mut fields = rest;
    if let Some(inner) = rest.strip_prefix('[') {
        let (test, after) = inner.split_once(']').ok_or_else(wrong)?;
        if test.contains(":{") {
            node.split_condition = Some(Condition::Categories(Vec::new()));
        } else {
            // A feature that is 1 or 0 has no condition.
            let (split, condition) = test.split_once('<').ok_or_else(|| {
                refused(
                    "indicator feature",
                    &format!("line {number}"),
                    "dump the model without a feature map",
                )
            })?;
            node.split = split.into();
            node.split_condition = Some(Condition::Number(condition.parse().map_err(|_| wrong())?));
        }
        fields = after.trim_start();
    }
    for field in fields.split(',') {
        let (key, value) = field.split_once('=').ok_or_else(wrong)?;
        let place = || value.trim().parse().map_err(|_| wrong());
        match key {
            "yes" => node.yes = place()?,
            "no" => node.no = place()?,
            "missing" => node.missing = Some(place()?),
            "leaf" if value.starts_with('[') => node.leaf = Some(Leaf::Values(Vec::new())),
            "leaf" => node.leaf = Some(Leaf::Number(value.trim().parse().map_err(|_| wrong())?)),
            _ => {}
        }
    }
    Ok(node)
}

/// Reads a dump, text or JSON: features in, the sum of the leaves out.
///
/// # Errors
/// [`ImportError`] naming the line or the tree.
pub fn read(bytes: &[u8], name: &str) -> Result<Imported, ImportError> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("it is no text"))?;
    let trees: Vec<Vec<Dumped>> = if text.trim_start().starts_with('[') {
        let roots: Vec<Dumped> = serde_json::from_str(text).map_err(|e| malformed(e.to_string()))?;
        roots.into_iter().map(flat).collect()
    } else {
        let mut trees: Vec<Vec<Dumped>> = Vec::new();
        for (number, text) in text.lines().enumerate().map(|(i, l)| (i + 1, l.trim())) {
            if text.starts_with("bias:") {
                return Err(refused(
                    "booster",
                    "gblinear",
                    "save it with `Booster.save_model(\"model.json\")`",
                ));
            }
            if text.is_empty() || text.starts_with("booster[") {
                continue;
            }
            let node = line(text, number)?;
            match trees.last_mut() {
                Some(tree) if node.nodeid != 0 => tree.push(node),
                _ => trees.push(vec![node]),
            }
        }
        trees
    };
    if trees.is_empty() {
        return Err(malformed("it has no trees"));
    }
    assemble(&trees, name)
}

fn assemble(trees: &[Vec<Dumped>], name: &str) -> Result<Imported, ImportError> {
    let feature = |node: &Dumped, place: &str| -> Result<usize, ImportError> {
        let number = node.split.strip_prefix('f').and_then(|n| n.parse::<usize>().ok());
        number.filter(|n| *n < MOST_FEATURES).ok_or_else(|| {
            let why = format!(
                "`{}` is no feature f0, f1, ... of up to {MOST_FEATURES}, and a dump does not say which input it is; \
                 save the model with `Booster.save_model(\"model.json\")`",
                node.split
            );
            refused("feature", place, &why)
        })
    };
    let mut features = 0;
    for (i, nodes) in trees.iter().enumerate() {
        for node in nodes.iter().filter(|n| n.leaf.is_none()) {
            let place = format!("tree {i}, node {}", node.nodeid);
            if matches!(node.split_condition, Some(Condition::Categories(_))) {
                return Err(refused(
                    "categorical split",
                    &place,
                    "give categories as numbers, or one feature each",
                ));
            }
            features = features.max(feature(node, &place)? + 1);
        }
    }
    let features = features.max(1);
    let mut build = Build::new(name, features);
    build.notes.push(format!(
        "a dump has no objective and no base score: the output is the sum of the leaves of {} trees over the {features} features that \
         they ask for; save the model with `Booster.save_model(\"model.json\")` for probabilities",
        trees.len()
    ));
    let mut ensemble = Ensemble { features, base: vec![0.0], width: 1, trees: Vec::new() };
    for (i, nodes) in trees.iter().enumerate() {
        let places: BTreeMap<usize, usize> = nodes.iter().enumerate().map(|(at, n)| (n.nodeid, at)).collect();
        if places.len() != nodes.len() {
            return Err(malformed(format!("tree {i} has a node twice")));
        }
        let child =
            |id: usize| places.get(&id).copied().ok_or(format!("leads to node {id}, which is not there"));
        let made = tree(0, nodes.len(), features, 1, |at| {
            let node = &nodes[at];
            let place = format!("tree {i}, node {}", node.nodeid);
            match (&node.leaf, &node.split_condition) {
                (Some(Leaf::Number(value)), _) => Ok(Foreign::Leaf(std::slice::from_ref(value))),
                (Some(Leaf::Values(_)), _) => Err("has leaves of several values".into()),
                (None, Some(Condition::Number(threshold))) => Ok(Foreign::Split {
                    feature: feature(node, &place).map_err(|e| e.to_string())?,
                    threshold: below(*threshold),
                    left: child(node.yes)?,
                    right: child(node.no)?,
                    nan_left: node.missing == Some(node.yes),
                }),
                (None, _) => Err(format!("has no condition at node {}", node.nodeid)),
            }
        });
        ensemble.push(made.map_err(|e| malformed(format!("tree {i} {e}")))?);
    }
    build.trees(ensemble);
    build.finish(Link::Plain)
}
