//! A Gaussian mixture as a model of what is normal: what is unlikely is an anomaly.
//!
//! # Source
//! Dempster, Laird and Rubin, "Maximum likelihood from incomplete data via the EM algorithm" (1977); the number of components by the
//! information criterion of Schwarz (1978).

use crate::{FitError, error::check_rows, kmeans};
use edgewright_ir::{
    Graph,
    gmm::{Covariance, Mixture, cholesky, inverse_lower},
    math::{exp, ln},
};

/// Rounds of a fit, at most, and the gain of the mean log-likelihood below which it stops.
const ROUNDS: usize = 200;
const TOLERANCE: f64 = 1e-4;
/// Added to variances of the standardised features, so that no component shrinks to a point.
const LEAST_VARIANCE: f64 = 1e-3;

/// Kinds of covariances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Every pair of features.
    Full,
    /// Each feature alone.
    Diagonal,
}

/// How to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Components; `None`: 1 to 8, whichever explains the rows best for its size.
    pub components: Option<usize>,
    /// Kind of covariance; `None`: whichever explains the rows best for its size.
    pub shape: Option<Shape>,
    /// Columns to look at; `None` chooses those that vary.
    pub axes: Option<Vec<usize>>,
    /// Share of normal rows that may score above the threshold, 0..1.
    pub false_alarm_rate: f64,
    /// Seed of the first centres.
    pub seed: u64,
}

impl Default for Spec {
    fn default() -> Self {
        Self { components: None, shape: None, axes: None, false_alarm_rate: 0.01, seed: 1 }
    }
}

/// A fitted mixture.
#[derive(Clone, Debug, PartialEq)]
pub struct Gmm {
    mixture: Mixture,
    width: usize,
    centre: f32,
    scale: f32,
    /// Kind of covariance.
    pub shape: Shape,
    /// Columns that are looked at.
    pub axes: Vec<usize>,
    /// Information criterion; smaller is better.
    pub bic: f64,
    /// Scores above it are anomalies.
    pub threshold: f32,
}

impl Gmm {
    /// Number of components.
    pub fn components(&self) -> usize {
        self.mixture.components()
    }

    /// Score of a row: how many standard deviations its log-likelihood lies below the mean of the training rows.
    ///
    /// # Errors
    /// A sentence when the row is too short or a value is no number.
    pub fn score(&self, row: &[f32]) -> Result<f32, String> {
        Ok((self.centre - self.mixture.log_likelihood(row)?) * self.scale)
    }

    /// The same as a graph: features in, score out.
    pub fn to_graph(&self, name: &str) -> Graph {
        self.mixture.to_graph(self.width, self.centre, self.scale, name)
    }
}

/// Components in the making, on standardised rows.
struct Parts {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    covariances: Vec<Covariance>,
    /// Mean log-likelihood.
    likelihood: f64,
}

/// Fits a mixture to row-major normal rows. The threshold is the quantile of the scores of `held_out` normal rows (of the training rows
/// themselves when there are none) that leaves `false_alarm_rate` above it.
///
/// # Errors
/// [`FitError`].
pub fn fit(values: &[f32], width: usize, held_out: &[f32], spec: &Spec) -> Result<Gmm, FitError> {
    let rows = check_rows(values, width)?;
    if !held_out.is_empty() {
        check_rows(held_out, width)?;
    }
    if spec.components == Some(0) {
        return Err(FitError::Setting {
            name: "components",
            value: "0".into(),
            possible: "at least 1 is possible",
        });
    }
    let axes: Vec<usize> = spec
        .axes
        .clone()
        .unwrap_or_else(|| kmeans::automatic_axes(values, width))
        .into_iter()
        .filter(|&a| kmeans::varies(values, width, a))
        .collect();
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
    let points: Vec<f64> = values
        .chunks_exact(width)
        .flat_map(|row| {
            let own = axes.iter().enumerate().map(|(i, &a)| (f64::from(row[a]) - mean[i]) * scale[i]);
            own.collect::<Vec<_>>()
        })
        .collect();
    let mut best: Option<(f64, Shape, Parts)> = None;
    let counts = match spec.components {
        Some(k) => k..=k,
        None => 1..=8,
    };
    for shape in [Shape::Diagonal, Shape::Full] {
        if spec.shape.is_some_and(|s| s != shape) {
            continue;
        }
        for k in counts.clone() {
            let each = if shape == Shape::Full { n * (n + 1) / 2 } else { n };
            let parameters = k * (1 + n + each) - 1;
            // More to estimate than there are values cannot be estimated.
            let chosen = if k > 1 {
                spec.components.is_some()
            } else {
                shape == Shape::Diagonal || spec.shape.is_some()
            };
            if !chosen && parameters > rows * n / 2 {
                continue;
            }
            let parts = expectation_maximisation(&points, n, k, shape, spec.seed);
            let bic = parameters as f64 * ln(rows as f64) - 2.0 * parts.likelihood * rows as f64;
            if best.as_ref().is_none_or(|b| bic < b.0) {
                best = Some((bic, shape, parts));
            }
        }
    }
    let (bic, shape, parts) = best.ok_or(FitError::Empty)?;
    let mixture = Mixture::new(&axes, (&mean, &scale), &parts.weights, &parts.means, &parts.covariances)
        .map_err(|_| FitError::Constant)?;
    let likelihood = |row: &[f32]| mixture.log_likelihood(row).unwrap_or(f32::MIN);
    let own: Vec<f64> = values.chunks_exact(width).map(|row| f64::from(likelihood(row))).collect();
    let centre = own.iter().sum::<f64>() / rows as f64;
    let deviation = (own.iter().map(|l| (l - centre).powi(2)).sum::<f64>() / rows as f64).sqrt();
    let scale = if deviation > 1e-6 { 1.0 / deviation } else { 1.0 };
    let mut made =
        Gmm { mixture, width, centre: centre as f32, scale: scale as f32, shape, axes, bic, threshold: 0.0 };
    let judged = if held_out.is_empty() { values } else { held_out };
    let scores = judged.chunks_exact(width).map(|row| made.score(row).unwrap_or(f32::MAX)).collect();
    made.threshold = kmeans::quantile(scores, spec.false_alarm_rate);
    Ok(made)
}

/// Rows under one component: logarithm of its weighted density.
fn densities(points: &[f64], n: usize, weight: f64, mean: &[f64], covariance: &Covariance) -> Vec<f64> {
    let half = 0.5 * n as f64 * ln(2.0 * std::f64::consts::PI);
    match covariance {
        Covariance::Diagonal(v) => {
            let inverse: Vec<f64> = v.iter().map(|v| 1.0 / v).collect();
            let constant = ln(weight) - half - 0.5 * v.iter().map(|v| ln(*v)).sum::<f64>();
            let of = |p: &[f64]| {
                let d: f64 = (0..n).map(|i| (p[i] - mean[i]) * (p[i] - mean[i]) * inverse[i]).sum();
                constant - 0.5 * d
            };
            points.chunks_exact(n).map(of).collect()
        }
        Covariance::Full(c) => {
            // The matrix has a root: its diagonal was raised.
            let inverse = inverse_lower(&cholesky(c, n).unwrap_or_else(|| unit(n)), n);
            let constant = ln(weight) - half + (0..n).map(|i| ln(inverse[i * n + i])).sum::<f64>();
            let mut centred = vec![0.0; n];
            let mut of = |p: &[f64]| {
                centred.iter_mut().zip(p).zip(mean).for_each(|((c, p), m)| *c = p - m);
                let mut d = 0.0;
                for r in 0..n {
                    let row = &inverse[r * n..r * n + r + 1];
                    let y: f64 = row.iter().zip(&centred).map(|(a, b)| a * b).sum();
                    d += y * y;
                }
                constant - 0.5 * d
            };
            points.chunks_exact(n).map(&mut of).collect()
        }
    }
}

fn unit(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| f64::from(u8::from(i % (n + 1) == 0))).collect()
}

fn expectation_maximisation(points: &[f64], n: usize, k: usize, shape: Shape, seed: u64) -> Parts {
    let rows = points.len() / n;
    let singles: Vec<f32> = points.iter().map(|v| *v as f32).collect();
    let centroids = kmeans::cluster(&singles, n, k, seed);
    let k = centroids.len() / n;
    // Each row begins with its nearest centre.
    let mut shares = vec![vec![0.0; rows]; k];
    for (r, p) in singles.chunks_exact(n).enumerate() {
        shares[kmeans::nearest(p, &centroids, n).0][r] = 1.0;
    }
    let mut parts = maximise(points, n, &shares, shape);
    let mut before = f64::NEG_INFINITY;
    for _ in 0..ROUNDS {
        let logs: Vec<Vec<f64>> = (0..k)
            .map(|j| densities(points, n, parts.weights[j], &parts.means[j], &parts.covariances[j]))
            .collect();
        let mut total = 0.0;
        for r in 0..rows {
            let top = logs.iter().map(|l| l[r]).fold(f64::NEG_INFINITY, f64::max);
            let mut sum = 0.0;
            for (log, share) in logs.iter().zip(&mut shares) {
                share[r] = exp(log[r] - top);
                sum += share[r];
            }
            shares.iter_mut().for_each(|s| s[r] /= sum);
            total += top + ln(sum);
        }
        parts.likelihood = total / rows as f64;
        if parts.likelihood - before < TOLERANCE {
            break;
        }
        before = parts.likelihood;
        parts = Parts { likelihood: before, ..maximise(points, n, &shares, shape) };
    }
    parts
}

/// Components that explain rows best which belong to them by shares.
fn maximise(points: &[f64], n: usize, shares: &[Vec<f64>], shape: Shape) -> Parts {
    let rows = points.len() / n;
    let mut made = Parts { weights: Vec::new(), means: Vec::new(), covariances: Vec::new(), likelihood: 0.0 };
    for share in shares {
        let total = share.iter().sum::<f64>().max(1e-9);
        let mut mean = vec![0.0; n];
        for (p, s) in points.chunks_exact(n).zip(share) {
            mean.iter_mut().zip(p).for_each(|(m, p)| *m += s * p);
        }
        mean.iter_mut().for_each(|m| *m /= total);
        let covariance = match shape {
            Shape::Diagonal => {
                let mut v = vec![0.0; n];
                for (p, s) in points.chunks_exact(n).zip(share) {
                    for i in 0..n {
                        v[i] += s * (p[i] - mean[i]) * (p[i] - mean[i]);
                    }
                }
                Covariance::Diagonal(v.into_iter().map(|v| v / total + LEAST_VARIANCE).collect())
            }
            Shape::Full => {
                let mut c = vec![0.0; n * n];
                let mut d = vec![0.0; n];
                for (p, s) in points.chunks_exact(n).zip(share).filter(|(_, s)| **s > 1e-12) {
                    d.iter_mut().zip(p).zip(&mean).for_each(|((d, p), m)| *d = p - m);
                    for r in 0..n {
                        let left = s * d[r];
                        c[r * n..r * n + r + 1].iter_mut().zip(&d).for_each(|(c, d)| *c += left * d);
                    }
                }
                for r in 0..n {
                    for i in 0..=r {
                        let v = c[r * n + i] / total + if i == r { LEAST_VARIANCE } else { 0.0 };
                        c[r * n + i] = v;
                        c[i * n + r] = v;
                    }
                }
                Covariance::Full(c)
            }
        };
        made.weights.push(total / rows as f64);
        made.means.push(mean);
        made.covariances.push(covariance);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two leaning clouds, and a column that does not vary.
    fn clouds(rows: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut unit = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32
        };
        let mut normal = || (0..12).map(|_| unit()).sum::<f32>() - 6.0;
        (0..rows)
            .flat_map(|i| {
                let (a, b) = (normal(), 0.1 * normal());
                let far = if i % 2 == 0 { 0.0 } else { 30.0 };
                [far + a + b, 100.0 + a - b, 5.0]
            })
            .collect()
    }

    #[test]
    fn the_criterion_finds_two_leaning_clouds() {
        let model = fit(&clouds(600, 1), 3, &clouds(400, 2), &Spec::default()).expect("fitted");
        assert_eq!((model.components(), model.shape), (2, Shape::Full));
        assert_eq!(model.axes, [0, 1], "a constant column says nothing");
        // Within each column's range, but off the clouds' direction.
        assert!(model.score(&[1.5, 98.5, 5.0]).expect("scored") > model.threshold + 1.0);
        assert!(model.score(&[1.5, 101.5, 5.0]).expect("scored") < model.threshold);
        let alarms = |rows: &[f32]| {
            let over =
                rows.chunks_exact(3).filter(|r| model.score(r).expect("scored") > model.threshold).count();
            over as f64 / (rows.len() / 3) as f64
        };
        assert!(alarms(&clouds(4000, 9)) < 0.03);
        let one = Spec { components: Some(1), shape: Some(Shape::Diagonal), ..Spec::default() };
        let plain = fit(&clouds(600, 1), 3, &[], &one).expect("fitted");
        assert!((plain.components(), plain.shape) == (1, Shape::Diagonal) && plain.bic > model.bic);
    }

    #[test]
    fn the_graph_scores_the_same() {
        for shape in [Shape::Full, Shape::Diagonal] {
            let spec = Spec { shape: Some(shape), ..Spec::default() };
            let model = fit(&clouds(300, 1), 3, &[], &spec).expect("fitted");
            let graph = model.to_graph("anomaly");
            let mut interpreter = edgewright_ir::interpret::Interpreter::new(&graph).expect("valid");
            for row in [[1.0, 99.0, 5.0], [29.5, 100.3, 5.0], [4000.0, -3.0, 0.0]] {
                let mut out = [0.0];
                interpreter.run(&row, &mut out).expect("runs");
                assert_eq!(out[0], model.score(&row).expect("scored").min(1000.0), "{row:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_named() {
        assert_eq!(fit(&[1.0, 1.0], 1, &[], &Spec::default()), Err(FitError::Constant));
        assert_eq!(fit(&[], 1, &[], &Spec::default()), Err(FitError::Empty));
        // Fewer rows than components.
        let many = Spec { components: Some(8), ..Spec::default() };
        assert!(fit(&[1.0, 2.0, 4.0], 1, &[], &many).is_ok_and(|m| m.components() <= 3));
    }
}
