//! Linear support vector machines: for each class a plane that leaves its rows on one side.
//!
//! # Source
//! Hsieh, Chang, Lin, Keerthi and Sundararajan, "A dual coordinate descent method for large-scale linear SVM" (2008).

use crate::{
    FitError,
    forest::Targets,
    linear::{Linear, check_l2, dot, standardise},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Passes over the rows, at most.
const PASSES: usize = 1000;
/// The solver stops when no derivative of the dual is larger in a pass.
const TOLERANCE: f64 = 1e-4;

/// Planes for `count` classes, each against all others: the smallest `l2 / 2 * |weights|^2 + sum of squared hinge losses`, the bias
/// being a weight as any other. The largest sum is the class; the sums are margins, of which 1 is beyond doubt. `steps` is the
/// largest number of passes over the rows, which come in an order drawn from `seed`.
///
/// # Errors
/// [`FitError`]; `l2` must be above 0.
pub fn fit(
    values: &[f32],
    width: usize,
    classes: &[u32],
    count: usize,
    l2: f64,
    seed: u64,
) -> Result<Linear, FitError> {
    check_l2(l2)?;
    if l2 == 0.0 {
        return Err(FitError::Setting { name: "l2", value: "0".into(), possible: "above 0 is possible" });
    }
    let s = standardise(values, width)?;
    Targets::Classes(classes, count).check(values.len() / width)?;
    let mut made = Linear {
        mean: s.mean,
        scale: s.scale,
        weights: Vec::with_capacity(count * width),
        bias: Vec::with_capacity(count),
        steps: 0,
        gradient: 0.0,
    };
    for class in 0..count {
        let plane = plane(&s.x, width, classes, class as u32, l2, seed);
        made.weights.extend(plane.weights[..width].iter().map(|w| *w as f32));
        made.bias.push(plane.weights[width] as f32);
        made.steps = made.steps.max(plane.passes);
        made.gradient = made.gradient.max(plane.gradient);
    }
    Ok(made)
}

/// One class against the others.
pub(crate) struct Plane {
    /// The bias last.
    pub(crate) weights: Vec<f64>,
    /// Over the rows.
    pub(crate) passes: usize,
    /// Largest derivative of the last pass.
    pub(crate) gradient: f64,
}

/// The plane that leaves the rows of `class` on its upper side.
pub(crate) fn plane(x: &[f64], width: usize, classes: &[u32], class: u32, l2: f64, seed: u64) -> Plane {
    let rows = classes.len();
    let row = |i: usize| &x[i * width..(i + 1) * width];
    // With the loss `(1 / (2 * softness)) * hinge^2` of the dual: its diagonal.
    let softness = 0.5 * l2;
    let curvature: Vec<f64> = (0..rows).map(|i| dot(row(i), row(i)) + 1.0 + softness).collect();
    let mut alpha = vec![0.0f64; rows];
    let mut made = Plane { weights: vec![0.0; width + 1], passes: 0, gradient: f64::INFINITY };
    let mut order: Vec<usize> = (0..rows).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    while made.passes < PASSES && made.gradient > TOLERANCE {
        made.passes += 1;
        made.gradient = 0.0;
        for i in (1..rows).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        for &i in &order {
            let side = if classes[i] == class { 1.0 } else { -1.0 };
            let sum = dot(&made.weights[..width], row(i)) + made.weights[width];
            let derivative = side * sum - 1.0 + softness * alpha[i];
            // Where the multiplier is 0 it can only grow.
            let free = if alpha[i] == 0.0 { derivative.min(0.0) } else { derivative };
            made.gradient = made.gradient.max(free.abs());
            if free == 0.0 {
                continue;
            }
            let next = (alpha[i] - derivative / curvature[i]).max(0.0);
            let step = side * (next - alpha[i]);
            alpha[i] = next;
            made.weights[..width].iter_mut().zip(row(i)).for_each(|(w, x)| *w += step * x);
            made.weights[width] += step;
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three clouds that overlap a little, and a column that does not vary.
    fn clouds() -> (Vec<f32>, Vec<u32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut values = Vec::new();
        let mut classes = Vec::new();
        for i in 0..300 {
            let centre = [[0.0f32, 0.0], [4.0, 0.0], [0.0, 4.0]][i % 3];
            let mut near = |c: f32| c + 2.5 * (rng.random::<f32>() + rng.random::<f32>() - 1.0);
            values.extend([near(centre[0]), near(centre[1]), 2.0]);
            classes.push((i % 3) as u32);
        }
        (values, classes)
    }

    fn sums(m: &Linear, row: &[f32]) -> Vec<f64> {
        let z: Vec<f64> = (0..3).map(|i| f64::from((row[i] - m.mean[i]) * m.scale[i])).collect();
        (0..m.bias.len())
            .map(|k| {
                f64::from(m.bias[k]) + (0..3).map(|i| f64::from(m.weights[3 * k + i]) * z[i]).sum::<f64>()
            })
            .collect()
    }

    #[test]
    fn the_plane_is_where_the_loss_is_least() {
        let (values, classes) = clouds();
        let l2 = 2.0;
        let m = fit(&values, 3, &classes, 3, l2, 1).expect("fitted");
        assert!(m.gradient <= TOLERANCE && m.steps < PASSES, "{} {}", m.gradient, m.steps);
        let right = values
            .chunks_exact(3)
            .zip(&classes)
            .filter(|(row, c)| {
                let s = sums(&m, row);
                (0..3).all(|k| k == **c as usize || s[k] < s[**c as usize])
            })
            .count();
        assert!(right >= 285, "{right} of 300");
        // The derivative of the loss itself vanishes: `l2 * w = sum of 2 * hinge * side * x`.
        for k in 0..3 {
            let mut pull = [0.0f64; 4];
            for (row, c) in values.chunks_exact(3).zip(&classes) {
                let side = if *c == k as u32 { 1.0 } else { -1.0 };
                let hinge = (1.0 - side * sums(&m, row)[k]).max(0.0);
                for i in 0..3 {
                    pull[i] += 2.0 * hinge * side * f64::from((row[i] - m.mean[i]) * m.scale[i]);
                }
                pull[3] += 2.0 * hinge * side;
            }
            for i in 0..3 {
                assert!((l2 * f64::from(m.weights[3 * k + i]) - pull[i]).abs() < 0.05, "{k} {i} {pull:?}");
            }
            assert!((l2 * f64::from(m.bias[k]) - pull[3]).abs() < 0.05, "{k} {pull:?}");
        }
        assert_eq!(m, fit(&values, 3, &classes, 3, l2, 1).expect("fitted"), "the same seed");
    }

    #[test]
    fn what_cannot_be_fitted_is_named() {
        assert_eq!(fit(&[1.0, 1.0], 1, &[0, 1], 2, 1.0, 1), Err(FitError::Constant));
        let error = fit(&[1.0, 2.0], 1, &[0, 1], 2, 0.0, 1).expect_err("refused").to_string();
        assert_eq!(error, "`l2` is 0; above 0 is possible");
    }
}
