//! Gaussian naive Bayes: in each class every feature has a normal distribution of its own, and features know nothing of each other.

use crate::{FitError, error::check_rows, forest::Targets, kmeans};
use edgewright_ir::{
    DType, Graph, Node, Op, Tensor, TensorId,
    gmm::{Covariance, Mixture},
};

/// Added to variances of the standardised features, so that a feature that stands still in one class does not decide alone.
const LEAST_VARIANCE: f64 = 1e-3;

/// A fitted model: for each class a normal distribution, weighted by how often the class came.
#[derive(Clone, Debug, PartialEq)]
pub struct NaiveBayes {
    classes: Vec<Mixture>,
    width: usize,
    centre: f32,
    /// Columns that vary.
    pub axes: Vec<usize>,
}

/// Fits `count` classes to row-major rows. A class that has no row has the distribution of all rows.
///
/// # Errors
/// [`FitError`].
pub fn fit(values: &[f32], width: usize, classes: &[u32], count: usize) -> Result<NaiveBayes, FitError> {
    let rows = check_rows(values, width)?;
    Targets::Classes(classes, count).check(rows)?;
    let axes: Vec<usize> = (0..width).filter(|&a| kmeans::varies(values, width, a)).collect();
    if axes.is_empty() {
        return Err(FitError::Constant);
    }
    let (mean, scale): (Vec<f64>, Vec<f64>) = axes
        .iter()
        .map(|&a| {
            let (m, deviation) = kmeans::moments(values, width, a);
            (m, 1.0 / deviation)
        })
        .unzip();
    let n = axes.len();
    let mut made = NaiveBayes { classes: Vec::with_capacity(count), width, centre: 0.0, axes };
    for class in 0..count as u32 {
        let own: Vec<&[f32]> = values
            .chunks_exact(width)
            .zip(classes)
            .filter(|(_, c)| **c == class)
            .map(|(row, _)| row)
            .collect();
        let (mut middle, mut variance) = (vec![0.0f64; n], vec![1.0f64; n]);
        if !own.is_empty() {
            for (i, &a) in made.axes.iter().enumerate() {
                let of = || own.iter().map(|row| (f64::from(row[a]) - mean[i]) * scale[i]);
                middle[i] = of().sum::<f64>() / own.len() as f64;
                variance[i] = of().map(|v| (v - middle[i]).powi(2)).sum::<f64>() / own.len() as f64;
            }
        }
        variance.iter_mut().for_each(|v| *v += LEAST_VARIANCE);
        let weight = (own.len() + 1) as f64 / (rows + count) as f64;
        let of = [Covariance::Diagonal(variance)];
        let mixture = Mixture::new(&made.axes, (&mean, &scale), &[weight], &[middle], &of)
            .map_err(|_| FitError::Constant)?;
        made.classes.push(mixture);
    }
    // The usual likelihood of a row's best class is 0, so that sums are small where rows are usual.
    let best =
        |row: &[f32]| made.classes.iter().filter_map(|c| c.log_likelihood(row).ok()).fold(f32::MIN, f32::max);
    made.centre =
        (values.chunks_exact(width).map(|row| f64::from(best(row))).sum::<f64>() / rows as f64) as f32;
    Ok(made)
}

impl NaiveBayes {
    /// The model as a graph: features in, probabilities of the classes out. All of it computes in single precision.
    pub fn to_graph(&self, name: &str) -> Graph {
        let mut graph = Graph { name: name.into(), ..Graph::default() };
        let push = |graph: &mut Graph, name: String, shape: Vec<usize>| {
            graph.push_tensor(Tensor { name, shape, dtype: DType::F32, quant: None, data: None })
        };
        let features = push(&mut graph, "features".into(), vec![self.width]);
        graph.inputs = vec![features];
        // `(centre - log-likelihood) * -1`: the more likely the larger.
        let sums: Vec<TensorId> = self
            .classes
            .iter()
            .enumerate()
            .map(|(k, class)| class.append(&mut graph, features, (self.centre, -1.0), &format!("class_{k}")))
            .collect();
        let count = sums.len();
        let all = push(&mut graph, "sums".into(), vec![count]);
        let shares = push(&mut graph, "shares".into(), vec![count]);
        let mut node = |name: &str, op: Op, inputs: Vec<TensorId>, output: TensorId| {
            graph.nodes.push(Node { name: name.into(), op, inputs, output });
        };
        node("join", Op::Concat { outer: 1 }, sums, all);
        node("softmax", Op::Softmax, vec![all], shares);
        graph.outputs = vec![shares];
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_ir::interpret::Interpreter;

    /// Class 0 is narrow, class 1 wide around it: no line parts them. The last column does not vary.
    fn rings(rows: usize) -> (Vec<f32>, Vec<u32>) {
        let mut state = 9u64;
        let mut unit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        let mut normal = || (0..12).map(|_| unit()).sum::<f32>() - 6.0;
        let classes: Vec<u32> = (0..rows).map(|i| u32::from(i % 4 == 0)).collect();
        let spread = |c: &u32| if *c == 0 { 1.0 } else { 10.0 };
        (
            classes
                .iter()
                .flat_map(|c| [5.0 + spread(c) * normal(), 0.01 * spread(c) * normal(), 3.0])
                .collect(),
            classes,
        )
    }

    #[test]
    fn probabilities_are_those_of_the_two_distributions() {
        let (values, classes) = rings(8000);
        let model = fit(&values, 3, &classes, 2).expect("fitted");
        assert_eq!(model.axes, [0, 1], "a constant column says nothing");
        let graph = model.to_graph("classifier");
        let mut interpreter = Interpreter::new(&graph).expect("valid");
        for (a, b) in [(0.0f64, 0.0f64), (1.0, -1.0), (2.0, 1.0), (3.0, 2.5), (-2.5, 1.5)] {
            let density = |s: f64| (-(a * a + b * b) / (2.0 * s * s)).exp() / (s * s);
            let truth = 0.25 * density(10.0) / (0.25 * density(10.0) + 0.75 * density(1.0));
            let mut out = [0.0; 2];
            interpreter.run(&[5.0 + a as f32, 0.01 * b as f32, 3.0], &mut out).expect("runs");
            assert!((f64::from(out[1]) - truth).abs() < 0.05, "{a} {b}: {out:?} {truth}");
            assert!((out[0] + out[1] - 1.0).abs() < 1e-5);
        }
        // Beyond all rows an answer is still a probability.
        let mut out = [0.0; 2];
        interpreter.run(&[1e6, -1e6, 3.0], &mut out).expect("runs");
        assert_eq!(out, [0.0, 1.0]);
    }

    #[test]
    fn a_class_without_rows_and_constant_rows() {
        let model = fit(&[1.0, 2.0, 8.0, 9.0], 1, &[0, 0, 1, 1], 3).expect("fitted");
        let graph = model.to_graph("classifier");
        let mut interpreter = Interpreter::new(&graph).expect("valid");
        let mut out = [0.0; 3];
        interpreter.run(&[1.5], &mut out).expect("runs");
        assert!(out[0] > 0.9 && out[2] < 0.1, "{out:?}");
        assert_eq!(fit(&[1.0, 1.0], 1, &[0, 1], 2), Err(FitError::Constant));
        assert!(matches!(fit(&[1.0, 2.0], 1, &[0], 2), Err(FitError::Lengths { .. })));
    }
}
