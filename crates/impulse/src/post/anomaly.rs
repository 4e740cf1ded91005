//! Scores of what is not normal: K-means distance, Gaussian mixture.

/// A cluster of normal rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// Centre, in scaled features.
    pub centroid: Vec<f32>,
    /// Radius in training.
    pub max_error: f32,
}

/// Least distance beyond the radius of a cluster, 1000 at most; negative inside. Features are scaled by
/// (x - mean) / scale first.
///
/// # Errors
/// A sentence when the lengths differ.
pub fn kmeans(row: &[f32], mean: &[f32], scale: &[f32], clusters: &[Cluster]) -> Result<f32, String> {
    let n = row.len();
    if mean.len() != n || scale.len() != n || clusters.iter().any(|c| c.centroid.len() != n) {
        return Err(format!(
            "a row of {n} features, {} means, {} scales: all must be as long",
            mean.len(),
            scale.len()
        ));
    }
    let mut best = 1000.0f32;
    for cluster in clusters {
        let mut sum = 0.0f32;
        for i in 0..n {
            let d = (row[i] - mean[i]) / scale[i] - cluster.centroid[i];
            sum += d * d;
        }
        let score = sum.sqrt() - cluster.max_error;
        if score < best {
            best = score;
        }
    }
    Ok(best)
}

/// A full-covariance Gaussian mixture, factored.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    means: Vec<Vec<f64>>,
    /// Lower triangular roots of the covariances, row-major.
    roots: Vec<Vec<f64>>,
    /// Logarithm of weight and normalisation of each component.
    constants: Vec<f64>,
}

/// Natural logarithm of a positive finite number: the exponent, and the shared polynomial for the rest.
fn ln(x: f64) -> f64 {
    let exponent = (x.to_bits() >> 52) as i64 - 1023;
    let fraction = f64::from_bits(x.to_bits() & ((1 << 52) - 1) | 1023 << 52);
    // ln(f) = 2 atanh((f - 1) / (f + 1)), f from 1 to 2: the ratio is at most a third.
    let t = (fraction - 1.0) / (fraction + 1.0);
    let square = t * t;
    let mut sum = 0.0;
    for k in (0..20).rev() {
        sum = sum * square + 1.0 / f64::from(2 * k + 1);
    }
    2.0 * t * sum + exponent as f64 * std::f64::consts::LN_2
}

/// e^x for x <= 0.
fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let k = (x / std::f64::consts::LN_2).floor();
    let r = x - k * std::f64::consts::LN_2;
    let mut sum = 1.0;
    for i in (1..=20).rev() {
        sum = sum * r / f64::from(i) + 1.0;
    }
    sum * f64::from_bits(((k as i64 + 1023) as u64) << 52)
}

impl Mixture {
    /// From weights, means and covariance matrices (row-major).
    ///
    /// # Errors
    /// A sentence when lengths differ, a weight is not above 0 or a covariance is not positive definite.
    pub fn new(weights: &[f64], means: &[Vec<f64>], covariances: &[Vec<f64>]) -> Result<Self, String> {
        let n = means.first().map_or(0, Vec::len);
        if n == 0 || weights.len() != means.len() || weights.len() != covariances.len() {
            return Err("a mixture needs as many weights as means and covariances, and at least one".into());
        }
        let (mut roots, mut constants) = (Vec::new(), Vec::new());
        for (i, ((&weight, mean), covariance)) in weights.iter().zip(means).zip(covariances).enumerate() {
            if mean.len() != n || covariance.len() != n * n {
                return Err(format!("component {i} does not have {n} features"));
            }
            if !(weight.is_normal() && weight > 0.0) {
                return Err(format!("weight {i} is {weight}; it must be above 0"));
            }
            let mut root = vec![0.0; n * n];
            let mut constant = ln(weight) - 0.5 * n as f64 * ln(2.0 * std::f64::consts::PI);
            for r in 0..n {
                for c in 0..=r {
                    let mut sum = covariance[r * n + c];
                    for k in 0..c {
                        sum -= root[r * n + k] * root[c * n + k];
                    }
                    root[r * n + c] = if r == c {
                        if !(sum.is_normal() && sum > 0.0) {
                            return Err(format!("covariance {i} is not positive definite"));
                        }
                        sum.sqrt()
                    } else {
                        sum / root[c * n + c]
                    };
                }
                constant -= ln(root[r * n + r]);
            }
            roots.push(root);
            constants.push(constant);
        }
        Ok(Self { means: means.to_vec(), roots, constants })
    }

    /// Log-likelihood of a row.
    ///
    /// # Errors
    /// A sentence when the row has another length or a value is no number.
    pub fn log_likelihood(&self, row: &[f64]) -> Result<f64, String> {
        let n = self.means[0].len();
        if row.len() != n || row.iter().any(|v| !v.is_finite()) {
            return Err(format!("a row of {} features, the mixture has {n}; all must be finite", row.len()));
        }
        let each = self.means.iter().zip(&self.roots).zip(&self.constants).map(|((mean, root), constant)| {
            let mut z = vec![0.0; n];
            let mut distance = 0.0;
            for r in 0..n {
                let mut sum = row[r] - mean[r];
                for c in 0..r {
                    sum -= root[r * n + c] * z[c];
                }
                z[r] = sum / root[r * n + r];
                distance += z[r] * z[r];
            }
            constant - 0.5 * distance
        });
        let each: Vec<f64> = each.collect();
        let top = each.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = each.iter().map(|l| exp(l - top)).sum();
        Ok(top + ln(sum))
    }

    /// |(l - mean) / scale| of the log-likelihood l; `mean` and `scale` are those of the training rows. Rows that are
    /// unusually likely score high as well.
    ///
    /// # Errors
    /// As [`Mixture::log_likelihood`].
    pub fn score(&self, row: &[f64], mean: f64, scale: f64) -> Result<f64, String> {
        Ok(((self.log_likelihood(row)? - mean) / scale).abs())
    }
}
