//! Scores of what is not normal: K-means distance, Gaussian mixture.

use edgewright_ir::gmm::{self, Covariance};

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

/// A full-covariance Gaussian mixture, as the learning block computes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture(gmm::Mixture);

impl Mixture {
    /// From weights, means and covariance matrices (row-major).
    ///
    /// # Errors
    /// A sentence when lengths differ, a weight is not above 0 or a covariance is not positive definite.
    pub fn new(weights: &[f64], means: &[Vec<f64>], covariances: &[Vec<f64>]) -> Result<Self, String> {
        let n = means.first().map_or(0, Vec::len);
        let axes: Vec<usize> = (0..n).collect();
        let covariances: Vec<Covariance> = covariances.iter().map(|c| Covariance::Full(c.clone())).collect();
        let plain = (vec![0.0; n], vec![1.0; n]);
        gmm::Mixture::new(&axes, (&plain.0, &plain.1), weights, means, &covariances).map(Self)
    }

    /// Log-likelihood of a row.
    ///
    /// # Errors
    /// A sentence when the row has another length or a value is no number.
    pub fn log_likelihood(&self, row: &[f64]) -> Result<f64, String> {
        let row: Vec<f32> = row.iter().map(|v| *v as f32).collect();
        if row.len() != self.0.width() {
            return Err(format!("a row of {} features, the mixture has {}", row.len(), self.0.width()));
        }
        self.0.log_likelihood(&row).map(f64::from)
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
