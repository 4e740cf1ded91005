//! K-means as a model of what is normal: far from every cluster is an anomaly.

use crate::FitError;
use edgewright_ir::{DType, Data, Graph, Node, Op, Tensor, TensorId};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Passes over the rows, at most.
const ROUNDS: usize = 100;
/// Features chosen when the user names none, at most.
const AUTOMATIC_AXES: usize = 24;

/// How to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Clusters; fewer when there are fewer different rows.
    pub clusters: usize,
    /// Columns to look at; `None` chooses those that vary.
    pub axes: Option<Vec<usize>>,
    /// Share of normal rows that may score above the threshold, 0..1.
    pub false_alarm_rate: f64,
    /// Seed of the first centroids.
    pub seed: u64,
}

impl Default for Spec {
    fn default() -> Self {
        Self { clusters: 32, axes: None, false_alarm_rate: 0.01, seed: 1 }
    }
}

/// Clusters of normal rows.
#[derive(Clone, Debug, PartialEq)]
pub struct KMeans {
    pub(crate) axes: Vec<usize>,
    pub(crate) width: usize,
    pub(crate) mean: Vec<f32>,
    pub(crate) scale: Vec<f32>,
    pub(crate) centroids: Vec<f32>,
    pub(crate) radii: Vec<f32>,
    /// Scores above it are anomalies.
    pub threshold: f32,
}

impl KMeans {
    /// Number of clusters.
    pub fn clusters(&self) -> usize {
        self.radii.len()
    }
    /// Columns that are looked at.
    pub fn axes(&self) -> &[usize] {
        &self.axes
    }

    /// Which cluster a row is nearest to, the first of equals.
    pub fn nearest(&self, row: &[f32]) -> usize {
        let z: Vec<f32> =
            self.axes.iter().enumerate().map(|(i, &a)| (row[a] - self.mean[i]) * self.scale[i]).collect();
        nearest(&z, &self.centroids, z.len()).0
    }

    /// Score of a row: distance to the nearest cluster beyond its radius.
    pub fn score(&self, row: &[f32]) -> f32 {
        let mut best = 1000.0f32;
        let z: Vec<f32> =
            self.axes.iter().enumerate().map(|(i, &a)| (row[a] - self.mean[i]) * self.scale[i]).collect();
        for (centroid, radius) in self.centroids.chunks_exact(z.len()).zip(&self.radii) {
            let score = squared(&z, centroid).sqrt() - radius;
            if score < best {
                best = score;
            }
        }
        best
    }

    /// The same as a graph: features in, score out.
    pub fn to_graph(&self, name: &str) -> Graph {
        let mut graph = Graph { name: name.into(), ..Graph::default() };
        let n = self.axes.len();
        let mut push = |name: &str, shape: Vec<usize>, data: Option<Vec<f32>>| -> TensorId {
            graph.push_tensor(Tensor {
                name: name.into(),
                shape,
                dtype: DType::F32,
                quant: None,
                data: data.map(Data::F32),
            })
        };
        let features = push("features", vec![self.width], None);
        let mean = push("mean", vec![n], Some(self.mean.clone()));
        let scale = push("scale", vec![n], Some(self.scale.clone()));
        let centroids = push("centroids", vec![self.radii.len(), n], Some(self.centroids.clone()));
        let radii = push("radii", vec![self.radii.len()], Some(self.radii.clone()));
        let score = push("score", vec![1], None);
        graph.nodes.push(Node {
            name: "kmeans".into(),
            op: Op::KMeansScore { axes: self.axes.clone() },
            inputs: vec![features, mean, scale, centroids, radii],
            output: score,
        });
        graph.inputs = vec![features];
        graph.outputs = vec![score];
        graph
    }
}

pub(crate) fn squared(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Mean and deviation of a column.
pub(crate) fn moments(values: &[f32], width: usize, column: usize) -> (f64, f64) {
    let rows = (values.len() / width) as f64;
    let of = || values.iter().skip(column).step_by(width).map(|v| f64::from(*v));
    let mean = of().sum::<f64>() / rows;
    (mean, (of().map(|v| (v - mean).powi(2)).sum::<f64>() / rows).sqrt())
}

/// Columns that vary, those that stray least from the normal shape first: heavy tails make clusters of outliers.
pub(crate) fn automatic_axes(values: &[f32], width: usize) -> Vec<usize> {
    let mut ranked: Vec<(f64, usize)> = (0..width)
        .filter_map(|c| {
            let (mean, deviation) = moments(values, width, c);
            if deviation <= 1e-6 * (1.0 + mean.abs()) {
                return None;
            }
            let rows = (values.len() / width) as f64;
            let fourth = values
                .iter()
                .skip(c)
                .step_by(width)
                .map(|v| ((f64::from(*v) - mean) / deviation).powi(4))
                .sum::<f64>();
            Some((fourth / rows, c))
        })
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut axes: Vec<usize> = ranked.into_iter().take(AUTOMATIC_AXES).map(|(_, c)| c).collect();
    axes.sort_unstable();
    axes
}

/// Fits clusters to row-major normal rows. The threshold is the quantile of the scores of `held_out` normal rows (of the
/// training rows themselves when there are none) that leaves `false_alarm_rate` above it.
///
/// # Errors
/// [`FitError`].
pub fn fit(values: &[f32], width: usize, held_out: &[f32], spec: &Spec) -> Result<KMeans, FitError> {
    if width == 0 || values.len() < width {
        return Err(FitError::Empty);
    }
    if let Some(at) = values.iter().chain(held_out).position(|v| !v.is_finite()) {
        return Err(FitError::NotFinite { row: at / width, column: at % width });
    }
    let axes = spec.axes.clone().unwrap_or_else(|| automatic_axes(values, width));
    if axes.is_empty() {
        return Err(FitError::Constant);
    }
    let (mut mean, mut scale) = (Vec::new(), Vec::new());
    for &a in &axes {
        let (m, deviation) = moments(values, width, a);
        mean.push(m as f32);
        scale.push(if deviation > 1e-6 * (1.0 + m.abs()) { (1.0 / deviation) as f32 } else { 0.0 });
    }
    let n = axes.len();
    let standardise = |row: &[f32]| -> Vec<f32> {
        axes.iter().enumerate().map(|(i, &a)| (row[a] - mean[i]) * scale[i]).collect()
    };
    let points: Vec<f32> = values.chunks_exact(width).flat_map(standardise).collect();
    let centroids = cluster(&points, n, spec.clusters.max(1), spec.seed);
    let mut radii = vec![0.0f32; centroids.len() / n];
    for p in points.chunks_exact(n) {
        let (c, d) = nearest(p, &centroids, n);
        radii[c] = radii[c].max(d.sqrt());
    }
    let mut model = KMeans { axes, width, mean, scale, centroids, radii, threshold: 0.0 };
    let judged = if held_out.len() >= width { held_out } else { values };
    let scores: Vec<f32> = judged.chunks_exact(width).map(|row| model.score(row)).collect();
    model.threshold = quantile(scores, spec.false_alarm_rate).max(0.0);
    Ok(model)
}

/// The score of one of the rows above which at most a share of them lies.
pub(crate) fn quantile(mut scores: Vec<f32>, above: f64) -> f32 {
    scores.sort_by(f32::total_cmp);
    let at = ((scores.len() as f64) * (1.0 - above)).ceil() as usize;
    scores[at.clamp(1, scores.len()) - 1]
}

/// Whether a column varies.
pub(crate) fn varies(values: &[f32], width: usize, column: usize) -> bool {
    let (mean, deviation) = moments(values, width, column);
    deviation > 1e-6 * (1.0 + mean.abs())
}

/// Index of the nearest centroid (the first of equals) and the squared distance to it.
pub(crate) fn nearest(p: &[f32], centroids: &[f32], n: usize) -> (usize, f32) {
    let mut best = (0, f32::INFINITY);
    for (i, c) in centroids.chunks_exact(n).enumerate() {
        let d = squared(p, c);
        if d < best.1 {
            best = (i, d);
        }
    }
    best
}

/// Lloyd's algorithm from k-means++ centroids (Arthur and Vassilvitskii, 2007).
pub(crate) fn cluster(points: &[f32], n: usize, k: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let count = points.len() / n;
    let point = |i: usize| &points[i * n..(i + 1) * n];
    let mut centroids = point(rng.random_range(0..count)).to_vec();
    let mut distance: Vec<f64> = (0..count).map(|i| f64::from(squared(point(i), &centroids))).collect();
    while centroids.len() / n < k {
        let total: f64 = distance.iter().sum();
        if total <= 0.0 {
            break;
        }
        let mut left = rng.random::<f64>() * total;
        let mut chosen = count - 1;
        for (i, d) in distance.iter().enumerate() {
            left -= d;
            if left < 0.0 {
                chosen = i;
                break;
            }
        }
        let new = point(chosen).to_vec();
        for (i, d) in distance.iter_mut().enumerate() {
            *d = d.min(f64::from(squared(point(i), &new)));
        }
        centroids.extend(new);
    }
    let clusters = centroids.len() / n;
    for _ in 0..ROUNDS {
        let mut sums = vec![0.0f64; centroids.len()];
        let mut sizes = vec![0usize; clusters];
        for p in points.chunks_exact(n) {
            let (c, _) = nearest(p, &centroids, n);
            sizes[c] += 1;
            sums[c * n..(c + 1) * n].iter_mut().zip(p).for_each(|(s, v)| *s += f64::from(*v));
        }
        let before = centroids.clone();
        for c in 0..clusters {
            // An empty cluster stays where it is.
            if sizes[c] > 0 {
                for i in 0..n {
                    centroids[c * n + i] = (sums[c * n + i] / sizes[c] as f64) as f32;
                }
            }
        }
        if centroids == before {
            break;
        }
    }
    centroids
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs() -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        (0..300)
            .flat_map(|i| {
                let centre = [[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]][i % 3];
                let near = |c: f32, r: f32| c + r - 0.5;
                [near(centre[0], rng.random()), near(centre[1], rng.random()), 7.0]
            })
            .collect()
    }

    #[test]
    fn blobs_are_normal_and_the_gap_between_them_is_not() {
        let spec = Spec { clusters: 3, ..Spec::default() };
        let model = fit(&blobs(), 3, &[], &spec).expect("fitted");
        assert_eq!(model.axes(), [0, 1], "a constant column says nothing");
        assert!(model.score(&[10.0, 0.0, 7.0]) <= model.threshold);
        assert!(model.score(&[5.0, 5.0, 7.0]) > model.threshold + 0.3);
        assert_eq!(model, fit(&blobs(), 3, &[], &spec).expect("fitted"));
    }

    #[test]
    fn the_graph_scores_the_same() {
        let model = fit(&blobs(), 3, &[], &Spec::default()).expect("fitted");
        let graph = model.to_graph("anomaly");
        let mut interpreter = edgewright_ir::interpret::Interpreter::new(&graph).expect("valid");
        for row in [[1.0, 2.0, 7.0], [9.5, 0.3, 7.0], [40.0, -3.0, 0.0]] {
            let mut out = [0.0];
            interpreter.run(&row, &mut out).expect("runs");
            assert!((out[0] - model.score(&row)).abs() < 1e-5, "{row:?}");
        }
    }

    #[test]
    fn few_or_equal_rows_make_few_clusters() {
        let model = fit(&[1.0, 2.0, 1.0, 2.0, 3.0, 5.0], 2, &[], &Spec::default()).expect("fitted");
        assert_eq!(model.clusters(), 2);
        assert_eq!(fit(&[1.0, 1.0], 1, &[], &Spec::default()), Err(FitError::Constant));
        assert_eq!(fit(&[], 1, &[], &Spec::default()), Err(FitError::Empty));
    }
}
