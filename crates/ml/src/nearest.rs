//! Distance to the nearest of some normal rows: far from all of them is an anomaly.
//!
//! # Source
//! The rows are chosen by the greedy rule of Gonzalez, "Clustering to minimize the maximum intercluster distance" (1985): no choice of
//! as many leaves a training row less than half as far from its nearest.

use crate::{
    FitError,
    error::check_rows,
    kmeans::{KMeans, automatic_axes, moments, quantile, squared, varies},
};

/// How to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Rows that are kept, at most.
    pub prototypes: usize,
    /// Columns to look at; `None` chooses those that vary.
    pub axes: Option<Vec<usize>>,
    /// Share of normal rows that may score above the threshold, 0..1.
    pub false_alarm_rate: f64,
}

impl Default for Spec {
    fn default() -> Self {
        Self { prototypes: 64, axes: None, false_alarm_rate: 0.01 }
    }
}

/// Keeps rows of row-major normal rows: first the one nearest to the mean, then always the one farthest from those kept. The score is
/// the distance to the nearest of them, in standard deviations. The threshold is the quantile of the scores of `held_out` normal rows
/// that leaves `false_alarm_rate` above it; when there are none, of the training rows, the kept ones judged by the others.
///
/// # Errors
/// [`FitError`].
pub fn fit(values: &[f32], width: usize, held_out: &[f32], spec: &Spec) -> Result<KMeans, FitError> {
    check_rows(values, width)?;
    if !held_out.is_empty() {
        check_rows(held_out, width)?;
    }
    if spec.prototypes == 0 {
        let possible = "at least 1 is possible";
        return Err(FitError::Setting { name: "prototypes", value: "0".into(), possible });
    }
    let axes: Vec<usize> = spec.axes.clone().unwrap_or_else(|| automatic_axes(values, width));
    let axes: Vec<usize> = axes.into_iter().filter(|&a| varies(values, width, a)).collect();
    if axes.is_empty() {
        return Err(FitError::Constant);
    }
    let (mean, scale): (Vec<f32>, Vec<f32>) = axes
        .iter()
        .map(|&a| {
            let (m, deviation) = moments(values, width, a);
            (m as f32, (1.0 / deviation) as f32)
        })
        .unzip();
    let n = axes.len();
    let points: Vec<f32> = values
        .chunks_exact(width)
        .flat_map(|row| {
            axes.iter().enumerate().map(|(i, &a)| (row[a] - mean[i]) * scale[i]).collect::<Vec<_>>()
        })
        .collect();
    let kept = choose(&points, n, spec.prototypes);
    let point = |i: usize| &points[i * n..(i + 1) * n];
    let centroids: Vec<f32> = kept.iter().flat_map(|&i| point(i)).copied().collect();
    let mut model =
        KMeans { axes, width, mean, scale, radii: vec![0.0; kept.len()], centroids, threshold: 0.0 };
    let scores: Vec<f32> = if held_out.is_empty() && kept.len() > 1 {
        (0..points.len() / n)
            .map(|r| {
                let others = kept.iter().filter(|&&k| k != r).map(|&k| squared(point(r), point(k)));
                others.fold(f32::INFINITY, f32::min).sqrt()
            })
            .collect()
    } else {
        let judged = if held_out.is_empty() { values } else { held_out };
        judged.chunks_exact(width).map(|row| model.score(row)).collect()
    };
    model.threshold = quantile(scores, spec.false_alarm_rate);
    Ok(model)
}

/// Indices of the rows to keep, all different from each other.
fn choose(points: &[f32], n: usize, most: usize) -> Vec<usize> {
    let origin = vec![0.0; n];
    let mut best = (0, f32::INFINITY);
    for (i, p) in points.chunks_exact(n).enumerate() {
        let d = squared(p, &origin);
        if d < best.1 {
            best = (i, d);
        }
    }
    let mut kept = vec![best.0];
    let mut distance = vec![f32::INFINITY; points.len() / n];
    let mut last = best.0;
    while kept.len() < most {
        let mut far = (0, 0.0f32);
        for (i, (p, d)) in points.chunks_exact(n).zip(&mut distance).enumerate() {
            *d = d.min(squared(p, &points[last * n..(last + 1) * n]));
            if *d > far.1 {
                far = (i, *d);
            }
        }
        if far.1 == 0.0 {
            break;
        }
        last = far.0;
        kept.push(last);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// A ring, which no mean describes, and a column that does not vary.
    fn ring(rows: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..rows)
            .flat_map(|_| {
                let (t, r) = (std::f32::consts::TAU * rng.random::<f32>(), 10.0 + 0.6 * rng.random::<f32>());
                [r * t.cos(), r * t.sin(), 4.0]
            })
            .collect()
    }

    #[test]
    fn the_middle_of_a_ring_is_not_normal() {
        for held_out in [ring(300, 2), Vec::new()] {
            let model = fit(&ring(300, 1), 3, &held_out, &Spec::default()).expect("fitted");
            assert_eq!((model.clusters(), model.axes()), (64, &[0, 1][..]));
            assert!(model.score(&[0.0, 0.0, 4.0]) > 3.0 * model.threshold, "{}", model.threshold);
            let normal = ring(1000, 3);
            let alarms = normal.chunks_exact(3).filter(|r| model.score(r) > model.threshold).count();
            assert!(alarms < 50, "{alarms}");
            let graph = model.to_graph("anomaly");
            let mut interpreter = edgewright_ir::interpret::Interpreter::new(&graph).expect("valid");
            let mut out = [0.0];
            interpreter.run(&[3.0, -4.0, 4.0], &mut out).expect("runs");
            assert!((out[0] - model.score(&[3.0, -4.0, 4.0])).abs() < 1e-5);
        }
    }

    #[test]
    fn the_farthest_row_is_kept_next_and_equal_rows_once() {
        assert_eq!(choose(&[0.0, 1.0, 1.0, -5.0, 4.0, 0.0], 1, 4), [0, 3, 4, 1]);
        assert_eq!(choose(&[0.0, 1.0, 1.0, -5.0, 4.0, 0.0], 1, 99).len(), 4);
        assert_eq!(fit(&[1.0, 1.0], 1, &[], &Spec::default()), Err(FitError::Constant));
        assert_eq!(fit(&[], 1, &[], &Spec::default()), Err(FitError::Empty));
        let none = Spec { prototypes: 0, ..Spec::default() };
        assert!(fit(&[1.0, 2.0], 1, &[], &none).is_err());
    }
}
