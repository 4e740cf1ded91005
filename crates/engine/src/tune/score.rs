//! How well features tell windows apart, without training a model.

use super::TrainingWindows;
use edgewright_impulse::{DspBlock, Window};
use rayon::prelude::*;

/// Neighbours that are asked.
const NEIGHBOURS: usize = 5;

/// Share of the nearest neighbours of each window, in other recordings, that have its label; the mean over labels of the mean over their
/// windows, so that rare labels count as much. Features are freed of mean and scale. `None` when the block refuses a window.
pub(super) fn separability(block: &DspBlock, window: &Window, from: &TrainingWindows) -> Option<f64> {
    let axes = window.axes.len();
    let rows: Option<Vec<Vec<f32>>> = from
        .values
        .par_iter()
        .map(|values| {
            let seen: Vec<f32> =
                values.chunks_exact(axes).flat_map(|f| block.axes.iter().map(|&a| f[a])).collect();
            let mut scratch = vec![0.0; block.plan.wide_scratch_len()];
            let mut out = vec![0.0; block.plan.output().len()];
            block.plan.extract(&seen, &mut scratch, &mut out).ok()?;
            Some(match &block.keep {
                None => out,
                Some(keep) => keep.iter().map(|&k| out[k]).collect(),
            })
        })
        .collect();
    let rows = scaled(rows?);
    let shares: Vec<f64> = (0..rows.len())
        .into_par_iter()
        .map(|i| {
            let mut near: Vec<(f64, usize)> = (0..rows.len())
                .filter(|&j| from.recordings[j] != from.recordings[i])
                .map(|j| (distance(&rows[i], &rows[j]), j))
                .collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.truncate(NEIGHBOURS);
            let same = near.iter().filter(|(_, j)| from.labels[*j] == from.labels[i]).count();
            same as f64 / near.len().max(1) as f64
        })
        .collect();
    let most = from.labels.iter().max().map_or(0, |l| *l as usize + 1);
    let mut of = vec![(0.0, 0.0); most];
    for (label, share) in from.labels.iter().zip(shares) {
        of[*label as usize].0 += share;
        of[*label as usize].1 += 1.0;
    }
    let means: Vec<f64> = of.iter().filter(|(_, n)| *n > 0.0).map(|(s, n)| s / n).collect();
    Some(means.iter().sum::<f64>() / means.len().max(1) as f64)
}

/// Each column less its mean over its deviation; columns that are constant or no numbers tell nothing and become 0.
fn scaled(mut rows: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let n = rows.len() as f64;
    for c in 0..rows.first().map_or(0, Vec::len) {
        let mean = rows.iter().map(|r| f64::from(r[c])).sum::<f64>() / n;
        let deviation = (rows.iter().map(|r| (f64::from(r[c]) - mean).powi(2)).sum::<f64>() / n).sqrt();
        for row in &mut rows {
            let v = (f64::from(row[c]) - mean) / deviation;
            row[c] = if v.is_finite() { v as f32 } else { 0.0 };
        }
    }
    rows
}

fn distance(x: &[f32], y: &[f32]) -> f64 {
    x.iter().zip(y).map(|(a, b)| f64::from((a - b) * (a - b))).sum()
}
