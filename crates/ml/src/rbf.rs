//! Support vector machines with a radial kernel `exp(-gamma * |x - y|^2)`, each class against all others, on a bounded number of
//! vectors.
//!
//! # Source
//! The vectors are chosen before: Lee and Mangasarian, "RSVM: Reduced support vector machines" (2001); they are centres of clusters of
//! the rows: Zhang, Tsang and Kwok, "Improved Nyström low-rank approximation and error analysis" (2008). With the root of their kernel
//! matrix the machine is a linear one: Williams and Seeger, "Using the Nyström method to speed up kernel machines" (2000).

use crate::{
    FitError,
    forest::Targets,
    kmeans,
    linear::{Standard, check_l2, dot, standardise},
    svm,
};
use edgewright_ir::{
    Activation, DType, Data, Graph, Node, Op, Tensor, TensorId,
    extra::{BinaryKind, Function},
    gmm::{cholesky, inverse_lower},
    math::exp,
};

/// Added to the diagonal of the kernel matrix, so that vectors that nearly coincide can be told apart.
const RIDGE: f64 = 1e-6;
/// Rows that the clusters are sought in: with more, an even choice of about as many values.
const VALUES: usize = 1 << 20;

/// How to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Vectors, at most.
    pub vectors: usize,
    /// Steepness of the kernel on standardised features; `None`: one over the number of features that vary.
    pub gamma: Option<f64>,
    /// Pull of the weights towards zero, above 0: larger is smoother.
    pub l2: f64,
    /// Seed of clusters and of the order of rows.
    pub seed: u64,
}

impl Default for Spec {
    fn default() -> Self {
        Self { vectors: 64, gamma: None, l2: 1.0, seed: 1 }
    }
}

/// A fitted machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    mean: Vec<f32>,
    scale: Vec<f32>,
    /// Rows of as many values as features, standardised.
    vectors: Vec<f32>,
    gamma: f32,
    /// `[classes, vectors]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// Passes of the solver.
    pub passes: usize,
    /// Largest derivative where it stopped.
    pub gradient: f64,
}

/// Machines for `count` classes: the largest sum is the class; the sums are margins, of which 1 is beyond doubt.
///
/// # Errors
/// [`FitError`].
pub fn fit(
    values: &[f32],
    width: usize,
    classes: &[u32],
    count: usize,
    spec: &Spec,
) -> Result<Machine, FitError> {
    check_l2(spec.l2)?;
    let above = "above 0 is possible";
    if spec.l2 == 0.0 {
        return Err(FitError::Setting { name: "l2", value: "0".into(), possible: above });
    }
    if spec.vectors == 0 {
        return Err(FitError::Setting { name: "prototypes", value: "0".into(), possible: above });
    }
    let Standard { mean, scale, x } = standardise(values, width)?;
    let rows = values.len() / width;
    Targets::Classes(classes, count).check(rows)?;
    let varying = scale.iter().filter(|s| **s != 0.0).count();
    let gamma = spec.gamma.unwrap_or(1.0 / varying as f64);
    if !(gamma > 0.0 && gamma.is_finite()) {
        return Err(FitError::Setting { name: "gamma", value: gamma.to_string(), possible: above });
    }
    let step = (rows * width).div_ceil(VALUES).max(1);
    let points: Vec<f32> = x.chunks_exact(width).step_by(step).flatten().map(|v| *v as f32).collect();
    let vectors = kmeans::cluster(&points, width, spec.vectors, spec.seed);
    let wide: Vec<f64> = vectors.iter().map(|v| f64::from(*v)).collect();
    let m = vectors.len() / width;
    let kernel = |a: &[f64], b: &[f64]| {
        let d: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
        exp(-gamma * d)
    };
    let of = |row: &[f64]| -> Vec<f64> { wide.chunks_exact(width).map(|v| kernel(row, v)).collect() };
    let mut matrix: Vec<f64> = wide.chunks_exact(width).flat_map(of).collect();
    for i in 0..m {
        matrix[i * m + i] += RIDGE;
    }
    let root = cholesky(&matrix, m).ok_or(FitError::Constant)?;
    let inverse = inverse_lower(&root, m);
    // Rows in the space where the machine is linear.
    let mapped: Vec<f64> = x
        .chunks_exact(width)
        .flat_map(|row| {
            let k = of(row);
            (0..m).map(|r| dot(&inverse[r * m..r * m + r + 1], &k[..=r])).collect::<Vec<_>>()
        })
        .collect();
    let mut made = Machine {
        mean,
        scale,
        vectors,
        gamma: gamma as f32,
        weights: Vec::with_capacity(count * m),
        bias: Vec::with_capacity(count),
        passes: 0,
        gradient: 0.0,
    };
    for class in 0..count {
        let plane = svm::plane(&mapped, m, classes, class as u32, spec.l2, spec.seed);
        // Back to weights of the kernel's values.
        made.weights.extend(
            (0..m).map(|c| (c..m).map(|r| inverse[r * m + c] * plane.weights[r]).sum::<f64>() as f32),
        );
        made.bias.push(plane.weights[m] as f32);
        made.passes = made.passes.max(plane.passes);
        made.gradient = made.gradient.max(plane.gradient);
    }
    Ok(made)
}

impl Machine {
    /// Number of vectors.
    pub fn vectors(&self) -> usize {
        self.vectors.len() / self.mean.len()
    }

    /// The machine as a graph: features in, shares of the classes out. The exponent is put together from
    /// `2 * x * y - |y|^2` and `-|x|^2`, both times gamma.
    pub fn to_graph(&self, name: &str) -> Graph {
        let mut graph = Graph { name: name.into(), ..Graph::default() };
        let push = |graph: &mut Graph, name: &str, shape: Vec<usize>, data: Option<Vec<f32>>| -> TensorId {
            let data = data.map(Data::F32);
            graph.push_tensor(Tensor { name: name.into(), shape, dtype: DType::F32, quant: None, data })
        };
        let (n, m, count) = (self.mean.len(), self.vectors(), self.bias.len());
        let gamma = f64::from(self.gamma);
        let rows: Vec<f32> = self.vectors.iter().map(|v| (2.0 * gamma * f64::from(*v)) as f32).collect();
        let own: Vec<f32> = self
            .vectors
            .chunks_exact(n)
            .map(|v| (-gamma * v.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>()) as f32)
            .collect();
        let features = push(&mut graph, "features", vec![n], None);
        let mean = push(&mut graph, "mean", vec![n], Some(self.mean.clone()));
        let scale = push(&mut graph, "scale", vec![n], Some(self.scale.clone()));
        let standard = push(&mut graph, "standardised", vec![n], None);
        let vectors = push(&mut graph, "vectors", vec![m, n], Some(rows));
        let own = push(&mut graph, "own", vec![m], Some(own));
        let products = push(&mut graph, "products", vec![m], None);
        let squares = push(&mut graph, "squares", vec![n], None);
        let ones = push(&mut graph, "ones", vec![1, n], Some(vec![-self.gamma; n]));
        let zero = push(&mut graph, "zero", vec![1], Some(vec![0.0]));
        let length = push(&mut graph, "length", vec![1], None);
        let lengths = push(&mut graph, "lengths", vec![m], None);
        let exponents = push(&mut graph, "exponents", vec![m], None);
        let kernels = push(&mut graph, "kernels", vec![m], None);
        let weights = push(&mut graph, "weights", vec![count, m], Some(self.weights.clone()));
        let bias = push(&mut graph, "bias", vec![count], Some(self.bias.clone()));
        let sums = push(&mut graph, "sums", vec![count], None);
        let shares = push(&mut graph, "shares", vec![count], None);
        let line = || Op::FullyConnected { activation: Activation::None };
        let mut node = |name: &str, op: Op, inputs: Vec<TensorId>, output: TensorId| {
            graph.nodes.push(Node { name: name.into(), op, inputs, output });
        };
        let activation = Activation::None;
        node("standardise", Op::Normalize, vec![features, mean, scale], standard);
        node("products", line(), vec![standard, vectors, own], products);
        node("square", Op::Binary { kind: BinaryKind::Mul, activation }, vec![standard, standard], squares);
        node("length", line(), vec![squares, ones, zero], length);
        node("spread", Op::Strided { shape: vec![m], strides: vec![0], offset: 0 }, vec![length], lengths);
        node("exponent", Op::Add { activation }, vec![products, lengths], exponents);
        node("kernel", Op::Unary { function: Function::Exp }, vec![exponents], kernels);
        node("weigh", line(), vec![kernels, weights, bias], sums);
        node("softmax", Op::Softmax, vec![sums], shares);
        graph.inputs = vec![features];
        graph.outputs = vec![shares];
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_ir::interpret::Interpreter;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// A square of four corners, opposite ones of one class, and a third class far away; a column that does not vary.
    fn corners(rows: usize, seed: u64) -> (Vec<f32>, Vec<u32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut values = Vec::new();
        let mut classes = Vec::new();
        for i in 0..rows {
            let mut near = |c: f32| c + 0.6 * (rng.random::<f32>() + rng.random::<f32>() - 1.0);
            let (x, y, class) =
                [(0.0, 0.0, 0), (1.0, 1.0, 0), (0.0, 1.0, 1), (1.0, 0.0, 1), (4.0, 4.0, 2)][i % 5];
            values.extend([near(x), 1000.0 * near(y), 7.0]);
            classes.push(class);
        }
        (values, classes)
    }

    /// The sums of the definition, in double precision.
    fn sums(m: &Machine, row: &[f32]) -> Vec<f64> {
        let n = m.mean.len();
        let z: Vec<f64> = (0..n).map(|i| f64::from((row[i] - m.mean[i]) * m.scale[i])).collect();
        let k: Vec<f64> = m
            .vectors
            .chunks_exact(n)
            .map(|v| {
                let d: f64 = v.iter().zip(&z).map(|(v, z)| (f64::from(*v) - z).powi(2)).sum();
                exp(-f64::from(m.gamma) * d)
            })
            .collect();
        let weights = m.weights.chunks_exact(k.len());
        weights
            .zip(&m.bias)
            .map(|(w, b)| f64::from(*b) + w.iter().zip(&k).map(|(w, k)| f64::from(*w) * k).sum::<f64>())
            .collect()
    }

    #[test]
    fn corners_that_no_plane_parts_are_parted() {
        let (values, classes) = corners(500, 1);
        let spec = Spec { vectors: 20, gamma: Some(4.0), l2: 0.1, seed: 1 };
        let model = fit(&values, 3, &classes, 3, &spec).expect("fitted");
        assert_eq!(model.vectors(), 20);
        assert!(model.gradient < 1e-3, "{}", model.gradient);
        let linear = svm::fit(&values, 3, &classes, 3, 0.1, 1).expect("fitted");
        let graph = model.to_graph("rbf");
        let mut interpreter = Interpreter::new(&graph).expect("valid");
        let (values, classes) = corners(500, 2);
        let (mut right, mut straight) = (0, 0);
        for (row, &class) in values.chunks_exact(3).zip(&classes) {
            let mut out = [0.0; 3];
            interpreter.run(row, &mut out).expect("runs");
            let s = sums(&model, row);
            let best = (0..3).fold(0, |b, i| if out[i] > out[b] { i } else { b });
            right += usize::from(best == class as usize);
            for i in 1..3 {
                let odds = f64::from((out[i] / out[0]).ln());
                assert!((odds - (s[i] - s[0])).abs() < 2e-3, "{row:?}: {out:?} {s:?}");
            }
            let z: Vec<f32> = (0..3).map(|i| (row[i] - linear.mean[i]) * linear.scale[i]).collect();
            let line =
                |k: usize| linear.bias[k] + (0..3).map(|i| linear.weights[3 * k + i] * z[i]).sum::<f32>();
            straight += usize::from((0..3).all(|k| k == class as usize || line(k) < line(class as usize)));
        }
        assert!(right >= 460 && right > straight + 90, "{right} {straight}");
        // Far from all vectors nothing overflows: what is left is the bias.
        let mut out = [0.0; 3];
        interpreter.run(&[1e7, -1e9, 7.0], &mut out).expect("runs");
        assert!(out.iter().all(|v| v.is_finite()), "{out:?}");
    }

    #[test]
    fn few_rows_and_settings() {
        let (values, classes) = corners(10, 1);
        let model = fit(&values, 3, &classes, 3, &Spec::default()).expect("fitted");
        assert_eq!(model.vectors(), 10, "no more vectors than rows");
        let again = fit(&values, 3, &classes, 3, &Spec::default()).expect("fitted");
        assert_eq!(model, again, "the same seed");
        for spec in [
            Spec { l2: 0.0, ..Spec::default() },
            Spec { vectors: 0, ..Spec::default() },
            Spec { gamma: Some(-1.0), ..Spec::default() },
        ] {
            assert!(fit(&values, 3, &classes, 3, &spec).is_err(), "{spec:?}");
        }
        assert_eq!(fit(&[1.0, 1.0], 1, &[0, 1], 2, &Spec::default()), Err(FitError::Constant));
    }
}
