//! Principal components of normal rows: what they cannot rebuild, and what lies far out along them, is an anomaly.
//!
//! # Source
//! Residual (Q) and Hotelling's T² of principal components, as in statistical process monitoring: Jackson, "A User's Guide to Principal
//! Components" (1991), chapter 2. The sum of both in units of their means on the training rows is the score.

use crate::{
    FitError,
    error::check_rows,
    kmeans::{moments, quantile, varies},
};
use edgewright_ir::{
    Activation, DType, Data, Graph, Node, Op, Tensor, TensorId,
    extra::{BinaryKind, Function, ReduceKind},
};

/// Components at most.
const MOST: usize = 32;
/// Share of the variance that components explain when their number is left out.
const SHARE: f64 = 0.9;
/// Rounds of the iteration that finds them.
const ROUNDS: usize = 60;
/// Rows that are compared with each other, at most, where there are more columns than that.
const ROWS: usize = 1000;

/// How to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Number of components; `None`: as many as explain nine tenths of the variance, at most 32.
    pub components: Option<usize>,
    /// Columns to look at; `None`: those that vary.
    pub axes: Option<Vec<usize>>,
    /// The columns are the pixels of a picture: one scale for all, and the score is the largest residual, without T².
    pub picture: bool,
    /// Share of normal rows that may score above the threshold, 0..1.
    pub false_alarm_rate: f64,
}

/// A fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct Pca {
    /// Columns that are looked at.
    pub axes: usize,
    /// Share of the variance that the components explain, 0..1.
    pub explained: f64,
    /// Score above which a row is an anomaly.
    pub threshold: f32,
    width: usize,
    mean: Vec<f32>,
    /// 0 where a column is not looked at.
    scale: Vec<f32>,
    /// Row-major `[components, width]`, and their standard deviations.
    directions: Vec<f64>,
    deviations: Vec<f64>,
    picture: bool,
    /// Mean residual of the training rows.
    residual: f32,
}

/// Fits row-major normal rows. The threshold is the quantile of the scores of `held_out` normal rows (of the training rows when there are
/// none) that leaves `false_alarm_rate` above it.
///
/// # Errors
/// [`FitError`].
pub fn fit(values: &[f32], width: usize, held_out: &[f32], spec: &Spec) -> Result<Pca, FitError> {
    check_rows(values, width)?;
    if !held_out.is_empty() {
        check_rows(held_out, width)?;
    }
    if let Some(k) = spec.components.filter(|k| !(1..=MOST).contains(k)) {
        return Err(FitError::Setting {
            name: "components",
            value: k.to_string(),
            possible: "1 to 32 are possible",
        });
    }
    let axes: Vec<usize> = spec.axes.clone().unwrap_or_else(|| (0..width).collect());
    let axes: Vec<usize> = axes.into_iter().filter(|&a| varies(values, width, a)).collect();
    if axes.is_empty() {
        return Err(FitError::Constant);
    }
    let (mut mean, mut scale) = (vec![0.0f32; width], vec![0.0f32; width]);
    let mut spread = 0.0;
    for a in 0..width {
        let (m, deviation) = moments(values, width, a);
        mean[a] = m as f32;
        spread += deviation * deviation;
        if axes.contains(&a) {
            scale[a] = (1.0 / deviation) as f32;
        }
    }
    if spec.picture {
        // A pixel that hardly varies would outshout all others.
        let one = (axes.len() as f64 / spread).sqrt() as f32;
        scale.iter_mut().for_each(|s| *s = one);
    }
    let rows: Vec<Vec<f64>> = values
        .chunks_exact(width)
        .map(|row| (0..width).map(|a| f64::from((row[a] - mean[a]) * scale[a])).collect())
        .collect();
    let (directions, variances, explained) = components(&rows, width, spec.components);
    let mut model = Pca {
        axes: axes.len(),
        explained,
        threshold: 0.0,
        width,
        mean,
        scale,
        directions,
        deviations: variances.iter().map(|v| v.sqrt()).collect(),
        picture: spec.picture,
        residual: 1.0,
    };
    let judge = |model: &Pca, rows: &[f32]| -> Result<Vec<f32>, FitError> {
        let graph = model.to_graph("anomaly");
        let mut run = edgewright_ir::interpret::Interpreter::new(&graph).map_err(|_| FitError::Constant)?;
        let mut out = [0.0f32];
        rows.chunks_exact(width)
            .map(|row| run.run(row, &mut out).map(|()| out[0]).map_err(|_| FitError::Constant))
            .collect()
    };
    // With the residual's mean at 1 and T² left out, scores are the residuals themselves.
    let plain = Pca { deviations: Vec::new(), ..model.clone() };
    let residuals = judge(&plain, values)?;
    let mean = residuals.iter().map(|r| f64::from(*r)).sum::<f64>() / residuals.len() as f64;
    model.residual = (mean as f32).max(1e-6);
    let scores = judge(&model, if held_out.is_empty() { values } else { held_out })?;
    model.threshold = quantile(scores, spec.false_alarm_rate);
    Ok(model)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Leading directions of centred rows, their variances, and the share of all variance that they explain.
fn components(rows: &[Vec<f64>], width: usize, wanted: Option<usize>) -> (Vec<f64>, Vec<f64>, f64) {
    let step = if width > ROWS { rows.len().div_ceil(ROWS) } else { 1 };
    let rows: Vec<&[f64]> = rows.iter().step_by(step).map(Vec::as_slice).collect();
    let count = rows.len();
    // The smaller of the two symmetric matrices: columns with columns, or rows with rows.
    let by_rows = count < width;
    let n = count.min(width);
    let mut matrix = vec![0.0f64; n * n];
    if by_rows {
        for i in 0..n {
            for j in 0..=i {
                matrix[i * n + j] = dot(rows[i], rows[j]) / count as f64;
            }
        }
    } else {
        for row in &rows {
            for i in 0..n {
                for j in 0..=i {
                    matrix[i * n + j] += row[i] * row[j] / count as f64;
                }
            }
        }
    }
    for i in 0..n {
        for j in i + 1..n {
            matrix[i * n + j] = matrix[j * n + i];
        }
    }
    let total: f64 = (0..n).map(|i| matrix[i * n + i]).sum();
    let most = wanted.unwrap_or(MOST).min(MOST).min(n.saturating_sub(1).max(1));
    let (vectors, mut values) = leading(&matrix, n, most);
    let mut kept = 0;
    let mut sum = 0.0;
    while kept < most && values[kept] > 1e-9 * total && (wanted.is_some() || sum < SHARE * total) {
        sum += values[kept];
        kept += 1;
    }
    let kept = kept.max(1);
    values.truncate(kept);
    let mut directions = Vec::with_capacity(kept * width);
    for vector in vectors.chunks_exact(n).take(kept) {
        let mut direction = if by_rows { vec![0.0; width] } else { vector.to_vec() };
        if by_rows {
            for (row, v) in rows.iter().zip(vector) {
                direction.iter_mut().zip(*row).for_each(|(d, r)| *d += v * r);
            }
        }
        let norm = dot(&direction, &direction).sqrt().max(1e-30);
        directions.extend(direction.iter().map(|d| d / norm));
    }
    (directions, values, if total > 0.0 { sum / total } else { 0.0 })
}

/// Leading eigenvectors of a symmetric matrix, as rows, and their values in descending order: orthogonal iteration.
fn leading(matrix: &[f64], n: usize, count: usize) -> (Vec<f64>, Vec<f64>) {
    // Any start that is not orthogonal to the answer; these values have no pattern.
    let mut vectors: Vec<f64> =
        (0..count * n).map(|i| ((i * 7919 + 104_729) % 1009) as f64 / 1009.0 - 0.45).collect();
    let mut values = vec![0.0; count];
    for _ in 0..ROUNDS {
        let mut next = vec![0.0; count * n];
        for c in 0..count {
            for i in 0..n {
                next[c * n + i] = dot(&matrix[i * n..(i + 1) * n], &vectors[c * n..(c + 1) * n]);
            }
        }
        for c in 0..count {
            let (before, rest) = next.split_at_mut(c * n);
            let own = &mut rest[..n];
            values[c] = dot(own, &vectors[c * n..(c + 1) * n]);
            // Twice, so that rounding leaves nothing of the others.
            for _ in 0..2 {
                for other in before.chunks_exact(n) {
                    let along = dot(own, other);
                    own.iter_mut().zip(other).for_each(|(o, v)| *o -= along * v);
                }
            }
            let norm = dot(own, own).sqrt();
            let by = if norm > 1e-30 { 1.0 / norm } else { 0.0 };
            own.iter_mut().for_each(|v| *v *= by);
        }
        vectors = next;
    }
    (vectors, values.into_iter().map(|v| v.max(0.0)).collect())
}

impl Pca {
    /// Number of components.
    pub fn components(&self) -> usize {
        self.directions.len() / self.width
    }

    /// The model as a graph: input `[width]`, output `[1]`.
    pub fn to_graph(&self, name: &str) -> Graph {
        let (n, k) = (self.width, self.components());
        // Along a component in standard deviations, and back, with mean and scale folded in.
        let deviation = |c: usize| self.deviations.get(c).copied().unwrap_or(1.0).max(1e-9);
        let inverse = |a: usize| if self.scale[a] > 0.0 { 1.0 / f64::from(self.scale[a]) } else { 0.0 };
        let at = |c: usize, a: usize| self.directions[c * n + a];
        let down: Vec<f64> =
            (0..k * n).map(|i| at(i / n, i % n) * f64::from(self.scale[i % n]) / deviation(i / n)).collect();
        let offsets: Vec<f32> = (0..k)
            .map(|c| -(0..n).map(|a| down[c * n + a] * f64::from(self.mean[a])).sum::<f64>() as f32)
            .collect();
        let up: Vec<f32> =
            (0..n * k).map(|i| (at(i % k, i / k) * deviation(i % k) * inverse(i / k)) as f32).collect();

        let dense = Op::FullyConnected { activation: Activation::None };
        let binary = |kind| Op::Binary { kind, activation: Activation::None };
        let square = Op::Unary { function: Function::Square };
        let mut b = Build(Graph { name: name.into(), ..Graph::default() });
        let x = b.tensor("features", &[n], None);
        let weights = b.tensor("components", &[k, n], Some(down.iter().map(|v| *v as f32).collect()));
        let offsets = b.tensor("offsets", &[k], Some(offsets));
        let along = b.node("along", dense.clone(), &[x, weights, offsets], &[k]);
        let back = b.tensor("back", &[n, k], Some(up));
        let mean = b.tensor("mean", &[n], Some(self.mean.clone()));
        let rebuilt = b.node("rebuilt", dense.clone(), &[along, back, mean], &[n]);
        let difference = b.node("difference", binary(BinaryKind::Sub), &[x, rebuilt], &[n]);
        let scale = b.tensor("scale", &[n], Some(self.scale.clone()));
        let scaled = b.node("scaled", binary(BinaryKind::Mul), &[difference, scale], &[n]);
        let squares = b.node("squares", square.clone(), &[scaled], &[n]);
        let kind = if self.picture { ReduceKind::Max } else { ReduceKind::Mean };
        let residual = b.node("residual", Op::Reduce { kind, count: n, inner: 1 }, &[squares], &[1]);
        let (parts, weights) = if self.picture || self.deviations.is_empty() {
            (residual, vec![1.0 / self.residual])
        } else {
            let far = b.node("far", square, &[along], &[k]);
            let mean = Op::Reduce { kind: ReduceKind::Mean, count: k, inner: 1 };
            let distance = b.node("distance", mean, &[far], &[1]);
            let both = b.node("both", Op::Concat { outer: 1 }, &[residual, distance], &[2]);
            (both, vec![1.0 / self.residual, 1.0])
        };
        let weights = b.tensor("weights", &[1, weights.len()], Some(weights));
        let zero = b.tensor("no_offset", &[1], Some(vec![0.0]));
        let score = b.node("score", dense, &[parts, weights, zero], &[1]);
        b.0.inputs = vec![x];
        b.0.outputs = vec![score];
        b.0
    }
}

/// A graph in the making, in float.
struct Build(Graph);

impl Build {
    fn tensor(&mut self, name: &str, shape: &[usize], data: Option<Vec<f32>>) -> TensorId {
        let data = data.map(Data::F32);
        let tensor =
            Tensor { name: name.into(), shape: shape.to_vec(), dtype: DType::F32, quant: None, data };
        self.0.push_tensor(tensor)
    }

    fn node(&mut self, name: &str, op: Op, inputs: &[TensorId], shape: &[usize]) -> TensorId {
        let output = self.tensor(name, shape, None);
        self.0.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec(), output });
        output
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use edgewright_ir::interpret::Interpreter;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Rows on a plane in five columns, with a little noise, and a column that does not vary.
    fn plane(rows: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut next = || 2.0 * rng.random::<f32>() - 1.0;
        (0..rows)
            .flat_map(|_| {
                let (a, b) = (next(), next());
                [a + 3.0, 40.0 * b, a - b, a + b, 2.0 * a + b + 0.02 * next(), 7.0]
            })
            .collect()
    }

    fn spec(components: Option<usize>) -> Spec {
        Spec { components, axes: None, picture: false, false_alarm_rate: 0.01 }
    }

    fn score(model: &Pca, row: &[f32]) -> f32 {
        let mut out = [0.0];
        Interpreter::new(&model.to_graph("pca")).expect("valid").run(row, &mut out).expect("runs");
        out[0]
    }

    #[test]
    fn what_leaves_the_plane_or_lies_far_out_on_it_is_told() {
        let model = fit(&plane(400, 1), 6, &plane(200, 2), &spec(None)).expect("fitted");
        assert_eq!((model.components(), model.axes), (2, 5));
        assert!(model.explained > 0.99, "{}", model.explained);
        let normal = plane(1000, 3);
        let alarms = normal.chunks_exact(6).filter(|r| score(&model, r) > model.threshold).count();
        assert!(alarms < 50, "{alarms}");
        // Each column alone looks normal; together they are not.
        assert!(score(&model, &[3.5, 20.0, 0.9, 0.1, 0.0, 7.0]) > 10.0 * model.threshold);
        // On the plane, five times as far as any row.
        assert!(score(&model, &[8.0, 0.0, 5.0, 5.0, 10.0, 7.0]) > 2.0 * model.threshold);
    }

    #[test]
    fn few_rows_of_many_columns_give_the_same_directions_as_many() {
        // Twelve rows of 40 columns: rows with rows is the smaller matrix. Turned round it is columns with columns.
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let rows: Vec<Vec<f64>> = (0..12)
            .map(|_| {
                let (a, b) = (rng.random::<f64>() - 0.5, rng.random::<f64>() - 0.5);
                (0..40).map(|c| 3.0 * a * f64::from(c % 3 == 0) + b * f64::from(c % 5 == 0)).collect()
            })
            .collect();
        let (few, values, explained) = components(&rows, 40, Some(2));
        assert!(explained > 1.0 - 1e-9 && values[0] > values[1]);
        let doubled: Vec<Vec<f64>> = (0..48).map(|i| rows[i % 12].clone()).collect();
        let (many, _, _) = components(&doubled, 40, Some(2));
        for (a, b) in few.chunks_exact(40).zip(many.chunks_exact(40)) {
            assert!((dot(a, b).abs() - 1.0).abs() < 1e-6, "{}", dot(a, b));
        }
    }

    #[test]
    fn one_wrong_pixel_of_a_picture_is_enough() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut picture = || -> Vec<f32> {
            let light = 0.5 + 0.4 * rng.random::<f32>();
            (0..64).map(|p| light * (p % 8) as f32 / 8.0 + 0.01 * rng.random::<f32>()).collect()
        };
        let rows: Vec<f32> = (0..30).flat_map(|_| picture()).collect();
        let model = fit(&rows, 64, &[], &Spec { picture: true, ..spec(None) }).expect("fitted");
        let mut wrong = picture();
        assert!(score(&model, &wrong) < 3.0 * model.threshold);
        wrong[20] += 0.3;
        assert!(score(&model, &wrong) > 10.0 * model.threshold);
    }

    #[test]
    fn settings_and_rows_that_cannot_work_are_refused() {
        assert_eq!(fit(&[], 2, &[], &spec(None)), Err(FitError::Empty));
        assert_eq!(fit(&[1.0, 1.0], 1, &[], &spec(None)), Err(FitError::Constant));
        assert!(fit(&[1.0, 2.0], 1, &[], &spec(Some(0))).is_err());
        assert!(fit(&[1.0, 2.0], 1, &[], &spec(Some(33))).is_err());
    }
}
