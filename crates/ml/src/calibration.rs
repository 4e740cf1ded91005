//! Whether scores are probabilities, and one number that brings them closer to that.
//!
//! # Source
//! Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017): a temperature, fitted on held-out rows; Brier,
//! "Verification of forecasts expressed in terms of probability" (1950); targets that leave room for the classes not seen as in Platt,
//! "Probabilistic outputs for support vector machines" (1999), so that rows without an error do not ask for infinite certainty.

use edgewright_ir::{
    Activation, Data, Graph, Node, Op, TensorId,
    math::{exp, ln},
};

/// Bins of equal width that confidence is counted in.
pub const BINS: usize = 10;
/// The temperature lies within one divided by it, and it.
const WIDEST: f64 = 16.0;

/// Rows whose highest score falls in one range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// How many.
    pub count: usize,
    /// Mean of their highest score, 0..1.
    pub confidence: f64,
    /// Share that is right, 0..1.
    pub accuracy: f64,
}

/// How far scores are from probabilities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reliability {
    /// [`BINS`] ranges of the highest score from 0 to 1.
    pub bins: Vec<Bin>,
    /// Expected calibration error: mean distance of confidence and accuracy over the bins, weighted by their rows. 0..1.
    pub ece: f64,
    /// Mean over the rows of the squared distances of all scores from 1 for the right class and 0 for the others. 0..2.
    pub brier: f64,
}

/// Place of the highest score; the first of equals.
pub(crate) fn highest(scores: &[f32]) -> usize {
    (1..scores.len()).fold(0, |best, i| if scores[i] > scores[best] { i } else { best })
}

/// Compares row-major scores with the truth. Nothing for no rows.
pub fn reliability(truth: &[usize], scores: &[f32], classes: usize) -> Option<Reliability> {
    if truth.is_empty() {
        return None;
    }
    let mut bins = vec![Bin::default(); BINS];
    let mut brier = 0.0;
    for (&truth, row) in truth.iter().zip(scores.chunks_exact(classes)) {
        let said = highest(row);
        let confidence = f64::from(row[said]);
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin.count += 1;
        bin.confidence += confidence;
        bin.accuracy += f64::from(u8::from(said == truth));
        let of = |(k, s): (usize, &f32)| (f64::from(*s) - f64::from(u8::from(k == truth))).powi(2);
        brier += row.iter().enumerate().map(of).sum::<f64>();
    }
    let rows = truth.len() as f64;
    let mut ece = 0.0;
    for bin in bins.iter_mut().filter(|b| b.count > 0) {
        ece += (bin.confidence - bin.accuracy).abs() / rows;
        bin.confidence /= bin.count as f64;
        bin.accuracy /= bin.count as f64;
    }
    Some(Reliability { bins, ece, brier: brier / rows })
}

/// The temperature by which row-major sums are divided before the softmax so that the scores of held-out rows lose least: least
/// cross-entropy against targets of `(n + 1) / (n + classes)` for the right class. Above 1 the model is too sure of itself. `None` for
/// no rows or sums that are not finite.
pub fn temperature(truth: &[usize], sums: &[f32], classes: usize) -> Option<f64> {
    if truth.is_empty() || classes < 2 || sums.iter().any(|s| !s.is_finite()) {
        return None;
    }
    let n = truth.len() as f64;
    let other = 1.0 / (n + classes as f64);
    // The loss is convex in the inverse of the temperature: its derivative rises.
    let derivative = |inverse: f64| {
        let mut total = 0.0;
        for (&truth, row) in truth.iter().zip(sums.chunks_exact(classes)) {
            let top = f64::from(row[highest(row)]);
            let (mut weights, mut expected, mut wanted) = (0.0, 0.0, 0.0);
            for (k, s) in row.iter().enumerate() {
                let s = f64::from(*s) - top;
                let w = exp(inverse * s);
                weights += w;
                expected += w * s;
                wanted += s * if k == truth { (n + 1.0) * other } else { other };
            }
            total += expected / weights - wanted;
        }
        total
    };
    let (mut low, mut high) = (-ln(WIDEST), ln(WIDEST));
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        *(if derivative(exp(middle)) < 0.0 { &mut low } else { &mut high }) = middle;
    }
    Some(1.0 / exp(0.5 * (low + high)))
}

/// Whether a temperature fitted on half of the rows loses less on the other half than none, both ways round, by more than the standard
/// error of the difference: what a few rows suggest would make scores worse as often as better.
pub fn temperature_helps(truth: &[usize], sums: &[f32], classes: usize) -> bool {
    let rows: Vec<(usize, &[f32])> = truth.iter().copied().zip(sums.chunks_exact(classes.max(1))).collect();
    let loss = |truth: usize, row: &[f32], t: f64| {
        let top = f64::from(row[highest(row)]);
        let sum: f64 = row.iter().map(|s| exp((f64::from(*s) - top) / t)).sum();
        ln(sum) - (f64::from(row[truth]) - top) / t
    };
    let mut gains = Vec::with_capacity(rows.len());
    for half in 0..2 {
        let (fitted, judged): (Vec<_>, Vec<_>) = rows.iter().enumerate().partition(|(i, _)| i % 2 == half);
        let truth: Vec<usize> = fitted.iter().map(|(_, r)| r.0).collect();
        let sums: Vec<f32> = fitted.iter().flat_map(|(_, r)| r.1).copied().collect();
        let Some(t) = temperature(&truth, &sums, classes) else { return false };
        gains.extend(judged.iter().map(|(_, r)| loss(r.0, r.1, 1.0) - loss(r.0, r.1, t)));
    }
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let variance = gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n;
    mean > (variance / n).sqrt()
}

/// What the softmax reads that gives the graph's first output, when one does.
pub fn sums(graph: &Graph) -> Option<TensorId> {
    let before = |id: TensorId| graph.nodes.iter().find(|n| n.output == id);
    let out = *graph.outputs.first()?;
    let last = before(out).filter(|n| matches!(n.op, Op::Dequantize)).map_or(out, |n| n.inputs[0]);
    before(last).filter(|n| matches!(n.op, Op::Softmax)).map(|n| n.inputs[0])
}

/// Divides what the softmax at the end reads by `temperature`, in the constants of the nodes before it: nothing is added to what is
/// computed, and of an integer graph no integer changes, just what their units mean. False, with the graph as it was, when there is no
/// softmax or its sums come from nodes whose constants cannot be divided.
pub fn divide(graph: &mut Graph, temperature: f32) -> bool {
    let mut made = graph.clone();
    let done = sums(graph).is_some_and(|id| scale(&mut made, id, 1.0 / temperature));
    if done && made.validate().is_ok() {
        *graph = made;
        return true;
    }
    false
}

/// Whether nobody but `of` reads a tensor, and the graph does not give it.
fn alone(graph: &Graph, id: TensorId, of: usize) -> bool {
    let read = |(i, n): (usize, &Node)| i != of && n.inputs.contains(&id);
    !graph.nodes.iter().enumerate().any(read) && !graph.outputs.contains(&id)
}

/// Multiplies the values of tensor `id` by a factor.
fn scale(graph: &mut Graph, id: TensorId, factor: f32) -> bool {
    let Some(at) = graph.nodes.iter().position(|n| n.output == id) else { return false };
    let reader = graph.nodes.iter().position(|n| n.inputs.contains(&id)).unwrap_or(at);
    if !alone(graph, id, reader) {
        return false;
    }
    let node = graph.nodes[at].clone();
    match node.op {
        Op::FullyConnected { activation: Activation::None } => {
            let own =
                node.inputs[1..].iter().all(|c| graph.tensor(*c).data.is_some() && alone(graph, *c, at));
            own && node.inputs[1..].iter().all(|c| multiply(graph, *c, factor)) && multiply(graph, id, factor)
        }
        Op::TreeEnsemble { shared, scale } => {
            let leaves = node.inputs[3];
            let float = matches!(graph.tensor(leaves).data, Some(Data::F32(_)));
            if !float {
                graph.nodes[at].op = Op::TreeEnsemble { shared, scale: scale * factor };
            }
            (!float || multiply(graph, leaves, factor)) && multiply(graph, node.inputs[4], factor)
        }
        Op::GmmScore { axes, diagonal, centre, scale } => {
            graph.nodes[at].op = Op::GmmScore { axes, diagonal, centre, scale: scale * factor };
            true
        }
        // `(x - mean) * scale`
        Op::Normalize => alone(graph, node.inputs[2], at) && multiply(graph, node.inputs[2], factor),
        Op::Concat { .. } => {
            node.inputs.iter().all(|x| scale_float(graph, *x, factor)) && multiply(graph, id, factor)
        }
        _ => false,
    }
}

/// As [`scale`], of a part that is joined: parts in integers share the parameters of the whole and are left alone.
fn scale_float(graph: &mut Graph, id: TensorId, factor: f32) -> bool {
    graph.tensor(id).quant.is_none() && scale(graph, id, factor)
}

/// Multiplies what a tensor's values mean: constants in float, else the scales of integers.
fn multiply(graph: &mut Graph, id: TensorId, factor: f32) -> bool {
    let tensor = &mut graph.tensors[id.0 as usize];
    match (&mut tensor.quant, &mut tensor.data) {
        (Some(q), _) => q.scale.iter_mut().for_each(|s| *s *= factor),
        (None, Some(Data::F32(values))) => values.iter_mut().for_each(|v| *v *= factor),
        (None, None) => {}
        (None, Some(_)) => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::{Linear, logistic};
    use crate::{bayes, graph, graph::Head};
    use edgewright_ir::{interpret::Interpreter, quantize};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Sums of three classes, and a class drawn with the probabilities that they have when divided by 2.5.
    fn drawn(rows: usize, seed: u64) -> (Vec<usize>, Vec<f32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut truth, mut sums) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let row: Vec<f32> = (0..3).map(|_| 10.0 * rng.random::<f32>()).collect();
            let weights: Vec<f64> = row.iter().map(|s| exp(f64::from(*s) / 2.5)).collect();
            let mut left = rng.random::<f64>() * weights.iter().sum::<f64>();
            let mut class = 0;
            while class < 2 && left >= weights[class] {
                left -= weights[class];
                class += 1;
            }
            truth.push(class);
            sums.extend(row);
        }
        (truth, sums)
    }

    fn softmax(sums: &[f32], temperature: f64) -> Vec<f32> {
        sums.chunks_exact(3)
            .flat_map(|row| {
                let w: Vec<f64> = row.iter().map(|s| exp(f64::from(*s) / temperature)).collect();
                let all: f64 = w.iter().sum();
                w.into_iter().map(move |w| (w / all) as f32)
            })
            .collect()
    }

    #[test]
    fn the_temperature_that_made_the_classes_is_found() {
        let (truth, sums) = drawn(6000, 1);
        let t = temperature(&truth, &sums, 3).expect("rows");
        assert!((t - 2.5).abs() < 0.15, "{t}");
        // On other rows: too sure before, right after.
        let (truth, sums) = drawn(6000, 2);
        let of = |t: f64| reliability(&truth, &softmax(&sums, t), 3).expect("rows");
        let (before, after) = (of(1.0), of(t));
        assert!(before.ece > 0.1 && after.ece < 0.03, "{} {}", before.ece, after.ece);
        assert!(after.brier < before.brier - 0.02, "{} {}", before.brier, after.brier);
        assert_eq!(after.bins.iter().map(|b| b.count).sum::<usize>(), 6000);
        // What the temperature helps it helps on both halves; where it is right already it is left alone.
        assert!(temperature_helps(&truth, &sums, 3));
        let right: Vec<f32> = sums.iter().map(|s| s / 2.5).collect();
        assert!(!temperature_helps(&truth, &right, 3));
        assert!(!temperature_helps(&[], &[], 3));
        // Rows without an error do not ask for certainty; nor do few.
        let sure = temperature(&[0, 1, 2], &[9.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 9.0], 3).expect("rows");
        assert!(sure > 2.0, "{sure}");
        assert_eq!(temperature(&[], &[], 3), None);
        assert_eq!(temperature(&[0], &[f32::NAN, 0.0], 2), None);
    }

    #[test]
    fn figures_of_a_few_rows() {
        let r = reliability(&[0, 1], &[0.95, 0.05, 0.75, 0.25], 2).expect("rows");
        assert!((r.ece - (0.05 + 0.75) / 2.0).abs() < 1e-6, "{}", r.ece);
        assert!((r.brier - (0.005 + 1.125) / 2.0).abs() < 1e-6, "{}", r.brier);
        assert_eq!((r.bins[9].count, r.bins[7].count), (1, 1));
        assert_eq!(reliability(&[], &[], 2), None);
    }

    fn outputs(graph: &Graph, row: &[f32]) -> [f32; 2] {
        let mut out = [0.0; 2];
        Interpreter::new(graph).expect("valid").run(row, &mut out).expect("runs");
        out
    }

    /// Checks that a graph divided by 2 has the scores of half its sums.
    fn halves(graph: &Graph, row: &[f32]) {
        let mut made = graph.clone();
        assert!(divide(&mut made, 2.0), "{}", graph.name);
        let (before, after) = (outputs(graph, row), outputs(&made, row));
        let odds = f64::from(before[0] / before[1]).sqrt();
        let wanted = odds / (1.0 + odds);
        assert!((f64::from(after[0]) - wanted).abs() < 1.5 / 256.0, "{}: {after:?} {wanted}", graph.name);
        assert!(divide(&mut made, 0.5) && outputs(&made, row)[0] - before[0] < 1.0 / 256.0);
    }

    #[test]
    fn sums_are_divided_where_they_are_made() {
        let values: Vec<f32> = (0..40).map(|i| i as f32 / 20.0 - 1.0).collect();
        let of: Vec<u32> = (0..40).map(|i| u32::from(i >= 20) ^ u32::from(i % 7 == 0)).collect();
        let line: Linear = logistic(&values, 1, &of, 2, 1.0).expect("fitted");
        let float = graph::of_linear(&line, Head::Softmax, "line");
        let rows: Vec<Vec<f32>> = values.iter().map(|v| vec![*v]).collect();
        let int8 = quantize::closest(&float, &rows).expect("quantised").int8;
        let trees = {
            let bins = crate::bins::Bins::new(&values, 1).expect("rows");
            let spec = crate::boosting::Spec { rounds: 3, min_leaf: 3, ..Default::default() };
            let targets = crate::forest::Targets::Classes(&of, 2);
            let made = crate::boosting::fit(&bins, targets, None, &spec, &mut |_, _| true).expect("fitted");
            graph::of_trees(&made.ensemble, Head::Softmax, "trees")
        };
        let integer_trees = quantize::closest(&trees, &rows).expect("quantised").int8;
        let bayes = bayes::fit(&values, 1, &of, 2).expect("fitted").to_graph("bayes");
        for graph in [&float, &int8, &trees, &integer_trees, &bayes] {
            for row in [-0.3f32, 0.05, 0.4] {
                halves(graph, &[row]);
            }
        }
        // The integers of the int8 form are the same.
        let mut made = int8.clone();
        assert!(divide(&mut made, 3.0));
        assert!(made.tensors.iter().zip(&int8.tensors).all(|(a, b)| a.data == b.data));
        assert_ne!(made, int8);
        // Shares without a softmax stay as they are.
        let mut plain = graph::of_linear(&line, Head::Plain, "line");
        let as_it_was = plain.clone();
        assert!(!divide(&mut plain, 2.0) && plain == as_it_was && sums(&plain).is_none());
    }
}
