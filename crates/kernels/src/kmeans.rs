//! Distance to the nearest cluster.

use crate::math::sqrt;

/// Ceiling of the score.
pub const SCORE_CEILING: f32 = 1000.0;

/// `min over clusters of (|z - centroid| - radius)`, at most [`SCORE_CEILING`], with `z = (x[axes] - mean) * scale`.
/// `centroids` is row-major, one row of `axes.len()` values per cluster.
pub fn kmeans_score_f32(
    x: &[f32],
    axes: &[usize],
    mean: &[f32],
    scale: &[f32],
    centroids: &[f32],
    radii: &[f32],
) -> f32 {
    let mut best = SCORE_CEILING;
    for (centroid, radius) in centroids.chunks_exact(axes.len()).zip(radii) {
        let mut sum = 0.0f32;
        for (i, &axis) in axes.iter().enumerate() {
            let difference = (x[axis] - mean[i]) * scale[i] - centroid[i];
            sum += difference * difference;
        }
        let score = sqrt(sum) - radius;
        if score < best {
            best = score;
        }
    }
    best
}
