//! Trees and linear models of other libraries: LightGBM text, XGBoost JSON, and a JSON of ours for scikit-learn.

pub mod lightgbm;
pub mod lightgbm_json;
pub mod scikit;
mod ubj;
pub mod xgboost;
pub mod xgboost_dump;

use super::{ImportError, Imported};
use crate::{
    Activation, DType, Data, Graph, Node, Op, Tensor, TensorId,
    extra::Function,
    trees::{Ensemble, Split, Tree},
};

/// Features of a model, at most.
const MOST_FEATURES: usize = 1 << 16;
/// Outputs of a model, at most.
const MOST_OUTPUTS: usize = 1 << 12;

/// What follows the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Nothing.
    Plain,
    /// Shares of the classes.
    Softmax,
    /// The sum of the second class against 0.
    Binary,
    /// Logistic function of each sum.
    Logistic,
    /// Exponential of each sum.
    Exp,
}

impl Link {
    /// Outputs for so many sums.
    fn outputs(self, sums: usize) -> usize {
        if self == Self::Binary { 2 } else { sums }
    }
    /// First output that a sum adds to.
    fn first(self, sum: usize) -> usize {
        if self == Self::Binary { sum + 1 } else { sum }
    }
}

/// A node of a foreign tree.
enum Foreign<'a> {
    Leaf(&'a [f32]),
    /// `nan_left`: where what is not a number goes.
    Split {
        feature: usize,
        threshold: f32,
        left: usize,
        right: usize,
        nan_left: bool,
    },
}

/// The largest float at or below a double: `x <= v` holds for a float x exactly when x is at or below it.
fn at_or_below(v: f64) -> f32 {
    let near = v as f32;
    if f64::from(near) > v { below(near) } else { near }
}

/// The next smaller float: `x < v` holds exactly when x is at or below it.
fn below(v: f32) -> f32 {
    v.next_down()
}

/// A tree whose nodes stand in any order; node 0 is the root. `at` says what a node is; a number that is none is an error.
fn tree<'a>(
    first: usize,
    count: usize,
    features: usize,
    width: usize,
    at: impl Fn(usize) -> Result<Foreign<'a>, String>,
) -> Result<Tree, String> {
    let mut made = Tree { first, ..Tree::default() };
    let mut seen = vec![false; count];
    // Node, and the split and side that lead to it.
    let mut open: Vec<(usize, Option<(usize, bool)>)> = vec![(0, None)];
    while let Some((node, from)) = open.pop() {
        match seen.get_mut(node) {
            None => return Err(format!("leads to node {node} of {count}")),
            Some(seen) if *seen => return Err(format!("comes to node {node} twice")),
            Some(seen) => *seen = true,
        }
        let child = match at(node)? {
            Foreign::Leaf(values) => {
                if values.len() != width || values.iter().any(|v| !v.is_finite()) {
                    return Err(format!(
                        "leaf {node} has {} values or no number; {width} are expected",
                        values.len()
                    ));
                }
                made.leaves.extend_from_slice(values);
                -((made.leaves.len() / width) as i32)
            }
            Foreign::Split { feature, threshold, left, right, nan_left } => {
                if feature >= features {
                    return Err(format!("node {node} asks for feature {feature} of {features}"));
                }
                if threshold.is_nan() {
                    return Err(format!("node {node} has no threshold"));
                }
                let number = made.splits.len();
                // What is not a number goes right: where it shall go left, the split asks the negated feature, `-x < -threshold`.
                let (feature, threshold) =
                    if nan_left { (features + feature, below(-threshold)) } else { (feature, threshold) };
                made.splits.push(Split { feature, threshold, left: 0, right: 0 });
                open.push((right, Some((number, nan_left))));
                open.push((left, Some((number, !nan_left))));
                number as i32
            }
        };
        if let Some((split, left)) = from {
            let side = if left { &mut made.splits[split].left } else { &mut made.splits[split].right };
            *side = child;
        }
    }
    Ok(made)
}

fn tensor(graph: &mut Graph, name: &str, shape: &[usize], data: Option<Vec<f32>>) -> TensorId {
    graph.push_tensor(Tensor {
        name: name.into(),
        shape: shape.to_vec(),
        dtype: DType::F32,
        quant: None,
        data: data.map(Data::F32),
    })
}

/// A graph in the making.
struct Build {
    graph: Graph,
    last: TensorId,
    notes: Vec<String>,
}

impl Build {
    fn new(name: &str, features: usize) -> Self {
        let mut graph = Graph { name: name.into(), ..Graph::default() };
        let x = tensor(&mut graph, "features", &[features], None);
        graph.inputs = vec![x];
        Self { graph, last: x, notes: Vec::new() }
    }

    fn node(&mut self, name: &str, op: Op, constants: &[TensorId], shape: &[usize]) {
        let output = tensor(&mut self.graph, &format!("{name}_out"), shape, None);
        let inputs = [&[self.last], constants].concat();
        self.graph.nodes.push(Node { name: name.into(), op, inputs, output });
        self.last = output;
    }

    /// `(x - mean) * scale`.
    fn standardise(&mut self, mean: Vec<f32>, scale: Vec<f32>) {
        let n = mean.len();
        let mean = tensor(&mut self.graph, "mean", &[n], Some(mean));
        let scale = tensor(&mut self.graph, "scale", &[n], Some(scale));
        self.node("standardise", Op::Normalize, &[mean, scale], &[n]);
    }

    /// Sums of weighted features; weights are `[outputs, features]`.
    fn linear(&mut self, weights: Vec<f32>, bias: Vec<f32>, link: Link) {
        let n = weights.len() / bias.len();
        let (mut weights, mut bias) = (weights, bias);
        if link == Link::Binary {
            weights.splice(0..0, vec![0.0; n]);
            bias.insert(0, 0.0);
        }
        let m = bias.len();
        let weights = tensor(&mut self.graph, "weights", &[m, n], Some(weights));
        let bias = tensor(&mut self.graph, "bias", &[m], Some(bias));
        let op = Op::FullyConnected { activation: Activation::None };
        self.node("linear", op, &[weights, bias], &[m]);
    }

    /// Splits on features beyond those there are ask the negated ones.
    fn trees(&mut self, mut ensemble: Ensemble) {
        let n = ensemble.features;
        if ensemble.trees.iter().flat_map(|t| &t.splits).any(|s| s.feature >= n) {
            let x = self.last;
            let zeros = tensor(&mut self.graph, "zeros", &[n], Some(vec![0.0; n]));
            let signs = tensor(&mut self.graph, "signs", &[n], Some(vec![-1.0; n]));
            self.node("negated", Op::Normalize, &[zeros, signs], &[n]);
            let output = tensor(&mut self.graph, "both", &[2 * n], None);
            let inputs = vec![x, self.last];
            self.graph.nodes.push(Node { name: "both".into(), op: Op::Concat { outer: 1 }, inputs, output });
            self.last = output;
            ensemble.features = 2 * n;
        }
        self.last = ensemble.append(&mut self.graph, self.last, "trees");
    }

    fn finish(mut self, link: Link) -> Result<Imported, ImportError> {
        let shape = self.graph.tensor(self.last).shape.clone();
        match link {
            Link::Plain => {}
            Link::Softmax | Link::Binary => self.node("softmax", Op::Softmax, &[], &shape),
            Link::Logistic => self.node("logistic", Op::Unary { function: Function::Logistic }, &[], &shape),
            Link::Exp => self.node("exp", Op::Unary { function: Function::Exp }, &[], &shape),
        }
        self.graph.outputs = vec![self.last];
        self.graph.validate()?;
        let features = self.graph.tensor(self.graph.inputs[0]).len();
        let shapes = vec![vec![1, features], [&[1], &shape[..]].concat()];
        Ok(Imported { graph: self.graph, shapes, notes: self.notes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_decide_about_floats_as_doubles_do() {
        for v in [0.1, 1.0 / 3.0, -0.1, 1.0, -2.5e-39, 1e308, -1e308, 1.0000000180025095e-35] {
            let t = at_or_below(v);
            assert!(f64::from(t) <= v || t == f32::NEG_INFINITY, "{v}");
            assert!(f64::from(t.next_up()) > v, "{v}");
        }
        assert!(below(1.0) < 1.0 && below(1.0).next_up() == 1.0);
    }

    #[test]
    fn trees_that_are_none_are_refused() {
        let leaf = [1.0];
        let split = |left, right| Foreign::Split { feature: 0, threshold: 0.5, left, right, nan_left: false };
        let of = |right: usize| {
            tree(0, 3, 1, 1, |i| Ok(if i == 0 { split(1, right) } else { Foreign::Leaf(&leaf) }))
        };
        assert_eq!(of(2).expect("a tree").leaves.len(), 2);
        for (right, expected) in [(0, "node 0 twice"), (1, "node 1 twice"), (3, "node 3 of 3")] {
            assert!(of(right).expect_err("refused").contains(expected));
        }
        let far = tree(0, 1, 1, 1, |_| {
            Ok(Foreign::Split { feature: 4, threshold: 0.0, left: 0, right: 0, nan_left: false })
        });
        assert!(far.expect_err("refused").contains("feature 4 of 1"));
    }
}
