//! Linear models: logistic regression for classes, ridge regression for numbers, on standardised features.

use crate::{FitError, error::check_rows, forest::Targets};

use edgewright_ir::math::{exp, ln};

/// Features of a ridge regression, at most: its matrix is square.
const MOST_RIDGE: usize = 2048;
/// Steps of the logistic solver, at most, and pairs that it remembers.
const STEPS: usize = 1000;
const MEMORY: usize = 10;
/// The solver stops when no derivative of the mean loss is larger.
const TOLERANCE: f64 = 1e-7;

/// A linear model on standardised features.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    /// Of each feature.
    pub mean: Vec<f32>,
    /// One over the deviation of each feature; 0 where it does not vary.
    pub scale: Vec<f32>,
    /// `[outputs, features]`.
    pub weights: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
    /// Steps that the solver took.
    pub steps: usize,
    /// Largest derivative where it stopped.
    pub gradient: f64,
}

/// Standardised columns as rows of doubles.
pub(crate) struct Standard {
    pub(crate) mean: Vec<f32>,
    pub(crate) scale: Vec<f32>,
    pub(crate) x: Vec<f64>,
}

pub(crate) fn standardise(values: &[f32], width: usize) -> Result<Standard, FitError> {
    let rows = check_rows(values, width)?;
    let mut sums = vec![0.0f64; width];
    for row in values.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(s, v)| *s += f64::from(*v));
    }
    let mean: Vec<f32> = sums.iter().map(|s| (s / rows as f64) as f32).collect();
    let mut squares = vec![0.0f64; width];
    for row in values.chunks_exact(width) {
        for ((s, v), m) in squares.iter_mut().zip(row).zip(&mean) {
            *s += (f64::from(*v) - f64::from(*m)).powi(2);
        }
    }
    let scale: Vec<f32> = squares
        .iter()
        .zip(&mean)
        .map(|(s, m)| {
            let deviation = (s / rows as f64).sqrt();
            if deviation > 1e-6 * (1e-30 + f64::from(m.abs())) { (1.0 / deviation) as f32 } else { 0.0 }
        })
        .map(|s| if s.is_finite() { s } else { 0.0 })
        .collect();
    if scale.iter().all(|s| *s == 0.0) {
        return Err(FitError::Constant);
    }
    let x = values
        .chunks_exact(width)
        .flat_map(|row| {
            row.iter().zip(&mean).zip(&scale).map(|((v, m), s)| f64::from((v - m) * s)).collect::<Vec<_>>()
        })
        .collect();
    Ok(Standard { mean, scale, x })
}

pub(crate) fn check_l2(l2: f64) -> Result<(), FitError> {
    if l2.is_finite() && l2 >= 0.0 {
        return Ok(());
    }
    Err(FitError::Setting { name: "l2", value: l2.to_string(), possible: "0 or more is possible" })
}

/// Ridge regression: the smallest `sum of squared errors + l2 * |weights|^2`, solved exactly.
///
/// # Errors
/// [`FitError`]; [`FitError::Wide`] beyond 2048 features.
pub fn ridge(values: &[f32], width: usize, targets: &[f32], l2: f64) -> Result<Linear, FitError> {
    check_l2(l2)?;
    if width > MOST_RIDGE {
        return Err(FitError::Wide { features: width, method: "ridge regression", most: MOST_RIDGE });
    }
    let s = standardise(values, width)?;
    Targets::Values(targets).check(values.len() / width)?;
    let rows = targets.len() as f64;
    let centre = targets.iter().map(|t| f64::from(*t)).sum::<f64>() / rows;
    // The means of the standardised columns are zero but for rounding.
    let mut matrix = vec![0.0f64; width * width];
    let mut right = vec![0.0f64; width];
    for (x, t) in s.x.chunks_exact(width).zip(targets) {
        let t = f64::from(*t) - centre;
        for i in 0..width {
            right[i] += x[i] * t;
            for j in 0..=i {
                matrix[i * width + j] += x[i] * x[j];
            }
        }
    }
    for i in 0..width {
        // A column that does not vary, or follows from others without `l2`, gets no weight.
        matrix[i * width + i] += l2 + 1e-9 * rows;
    }
    let weights = solve(&mut matrix, right, width);
    let gradient = 0.0;
    Ok(Linear {
        mean: s.mean,
        scale: s.scale,
        weights: weights.iter().map(|w| *w as f32).collect(),
        bias: vec![centre as f32],
        steps: 1,
        gradient,
    })
}

/// Solves a symmetric positive definite system by Cholesky; the lower triangle is given.
fn solve(a: &mut [f64], mut b: Vec<f64>, n: usize) -> Vec<f64> {
    for i in 0..n {
        for j in 0..=i {
            let mut sum = a[i * n + j];
            for k in 0..j {
                sum -= a[i * n + k] * a[j * n + k];
            }
            a[i * n + j] = if i == j { sum.max(1e-300).sqrt() } else { sum / a[j * n + j] };
        }
    }
    for i in 0..n {
        for k in 0..i {
            b[i] -= a[i * n + k] * b[k];
        }
        b[i] /= a[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            b[i] -= a[k * n + i] * b[k];
        }
        b[i] /= a[i * n + i];
    }
    b
}

/// Multinomial logistic regression: the smallest `mean cross-entropy + l2 / (2 rows) * |weights|^2`, by L-BFGS until no derivative is
/// above 1e-7. The bias is free.
///
/// # Errors
/// [`FitError`].
///
/// # Source
/// Liu and Nocedal, "On the limited memory BFGS method", Mathematical Programming 45 (1989).
pub fn logistic(
    values: &[f32],
    width: usize,
    classes: &[u32],
    count: usize,
    l2: f64,
) -> Result<Linear, FitError> {
    check_l2(l2)?;
    let s = standardise(values, width)?;
    Targets::Classes(classes, count).check(values.len() / width)?;
    let loss = Loss { x: &s.x, width, classes, count, l2: l2 / classes.len() as f64 };
    let n = count * (width + 1);
    let (mut w, mut g) = (vec![0.0; n], vec![0.0; n]);
    let mut value = loss.at(&w, &mut g);
    let mut pairs: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    let mut steps = 0;
    let largest = |g: &[f64]| g.iter().fold(0.0f64, |m, v| m.max(v.abs()));
    while steps < STEPS && largest(&g) > TOLERANCE {
        steps += 1;
        let direction = direction(&g, &pairs);
        let slope = dot(&direction, &g);
        let mut size = if pairs.is_empty() { 1.0 / largest(&g).max(1.0) } else { 1.0 };
        let (mut next, mut gradient) = (w.clone(), g.clone());
        let mut found = false;
        for _ in 0..40 {
            for i in 0..n {
                next[i] = w[i] + size * direction[i];
            }
            let reached = loss.at(&next, &mut gradient);
            if reached <= value + 1e-4 * size * slope {
                (value, found) = (reached, true);
                break;
            }
            size /= 2.0;
        }
        if !found {
            break;
        }
        let moved: Vec<f64> = next.iter().zip(&w).map(|(a, b)| a - b).collect();
        let turned: Vec<f64> = gradient.iter().zip(&g).map(|(a, b)| a - b).collect();
        let curvature = dot(&moved, &turned);
        if curvature > 1e-14 * dot(&turned, &turned).sqrt() * dot(&moved, &moved).sqrt() {
            if pairs.len() == MEMORY {
                pairs.remove(0);
            }
            pairs.push((moved, turned, 1.0 / curvature));
        }
        (w, g) = (next, gradient);
    }
    let row = |k: usize| &w[k * (width + 1)..(k + 1) * (width + 1)];
    Ok(Linear {
        mean: s.mean,
        scale: s.scale,
        weights: (0..count).flat_map(|k| row(k)[..width].iter().map(|v| *v as f32)).collect(),
        bias: (0..count).map(|k| row(k)[width] as f32).collect(),
        steps,
        gradient: largest(&g),
    })
}

pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The direction of steepest descent, bent by what is remembered of the curvature.
fn direction(g: &[f64], pairs: &[(Vec<f64>, Vec<f64>, f64)]) -> Vec<f64> {
    let mut q = g.to_vec();
    let mut shares = Vec::new();
    for (moved, turned, rho) in pairs.iter().rev() {
        let share = rho * dot(moved, &q);
        q.iter_mut().zip(turned).for_each(|(q, t)| *q -= share * t);
        shares.push(share);
    }
    if let Some((moved, turned, _)) = pairs.last() {
        let size = dot(moved, turned) / dot(turned, turned);
        q.iter_mut().for_each(|q| *q *= size);
    }
    for ((moved, turned, rho), share) in pairs.iter().zip(shares.iter().rev()) {
        let back = rho * dot(turned, &q);
        q.iter_mut().zip(moved).for_each(|(q, m)| *q += m * (share - back));
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

/// Mean cross-entropy with its pull towards zero.
struct Loss<'a> {
    x: &'a [f64],
    width: usize,
    classes: &'a [u32],
    count: usize,
    l2: f64,
}

impl Loss<'_> {
    /// Value at weights `[classes, features + 1]` (the bias last); derivatives go to `g`.
    fn at(&self, w: &[f64], g: &mut [f64]) -> f64 {
        let (width, stride) = (self.width, self.width + 1);
        g.fill(0.0);
        let share = 1.0 / self.classes.len() as f64;
        let mut z = vec![0.0; self.count];
        let mut value = 0.0;
        for (x, &class) in self.x.chunks_exact(width).zip(self.classes) {
            for (z, w) in z.iter_mut().zip(w.chunks_exact(stride)) {
                *z = w[width] + dot(&w[..width], x);
            }
            let top = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let own = z[class as usize];
            z.iter_mut().for_each(|z| *z = exp(*z - top));
            let sum: f64 = z.iter().sum();
            value += share * (top + ln(sum) - own);
            for (k, (z, g)) in z.iter().zip(g.chunks_exact_mut(stride)).enumerate() {
                let d = share * (z / sum - f64::from(u8::from(k == class as usize)));
                g[..width].iter_mut().zip(x).for_each(|(g, x)| *g += d * x);
                g[width] += d;
            }
        }
        for (w, g) in w.chunks_exact(stride).zip(g.chunks_exact_mut(stride)) {
            for (w, g) in w[..width].iter().zip(&mut g[..width]) {
                value += 0.5 * self.l2 * w * w;
                *g += self.l2 * w;
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found() {
        let values: Vec<f32> = (0..60).flat_map(|i| [i as f32, (i * 7 % 13) as f32, 4.0]).collect();
        let targets: Vec<f32> = values.chunks_exact(3).map(|v| 3.0 * v[0] - 2.0 * v[1] + 5.0).collect();
        let m = ridge(&values, 3, &targets, 0.0).expect("fitted");
        for (row, t) in values.chunks_exact(3).zip(&targets) {
            let y: f32 =
                (0..3).map(|i| (row[i] - m.mean[i]) * m.scale[i] * m.weights[i]).sum::<f32>() + m.bias[0];
            assert!((y - t).abs() < 1e-3, "{y} {t}");
        }
        assert_eq!(m.weights[2], 0.0, "a constant column has no weight");
        let pulled = ridge(&values, 3, &targets, 60.0).expect("fitted");
        assert!((pulled.weights[0] / m.weights[0] - 0.5).abs() < 0.1);
    }

    #[test]
    fn the_solver_ends_where_derivatives_vanish() {
        // Two overlapping classes on a line: the mean of the probabilities is the share of the class.
        let values: Vec<f32> = (0..200).map(|i| (i % 20) as f32).collect();
        let classes: Vec<u32> = (0..200).map(|i| u32::from((i % 20) + (i / 20) % 3 > 10)).collect();
        let m = logistic(&values, 1, &classes, 2, 1.0).expect("fitted");
        assert!(m.gradient <= TOLERANCE, "{m:?}");
        let mean: f64 = values
            .iter()
            .map(|v| {
                let z = f64::from((v - m.mean[0]) * m.scale[0]);
                let d =
                    (0..2).map(|k| f64::from(m.weights[k]) * z + f64::from(m.bias[k])).collect::<Vec<_>>();
                1.0 / (1.0 + (d[0] - d[1]).exp())
            })
            .sum::<f64>()
            / 200.0;
        let share = classes.iter().filter(|c| **c == 1).count() as f64 / 200.0;
        assert!((mean - share).abs() < 1e-5, "{mean} {share}");
        assert_eq!(logistic(&[1.0, 1.0], 1, &[0, 1], 2, 1.0), Err(FitError::Constant));
    }
}
