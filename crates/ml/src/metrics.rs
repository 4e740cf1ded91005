//! Figures of a test: classification, regression, anomaly scores.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The figure.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Normal deviate of a two-sided 95 % interval.
const Z: f64 = 1.959_963_984_540_054;

/// Counts by truth (row) and what was said (column). Pairs beyond `classes` are left out.
pub fn confusion(truth: &[usize], said: &[usize], classes: usize) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; classes]; classes];
    for (&t, &s) in truth.iter().zip(said) {
        if t < classes && s < classes {
            table[t][s] += 1;
        }
    }
    table
}

/// Share of right answers with an interval that knows that the answers of one cluster are alike (windows of one label in one
/// recording, which may overlap as well): Wilson's interval (Wilson, 1927) of as many answers as would tell as much if they were
/// independent, by the correlation within clusters (analysis of variance; Donner and Eliasziw, 1991). When all answers are right, or
/// all wrong, nothing is known of the correlation and each cluster counts as one answer. `cluster` is as long as `right`.
pub fn clustered<C: Ord>(right: &[bool], cluster: &[C]) -> Interval {
    let mut clusters: BTreeMap<&C, (f64, f64)> = BTreeMap::new();
    for (right, cluster) in right.iter().zip(cluster) {
        let (n, hits) = clusters.entry(cluster).or_default();
        *n += 1.0;
        *hits += f64::from(u8::from(*right));
    }
    let (k, n) = (clusters.len() as f64, right.len() as f64);
    if clusters.len() == right.len() || right.is_empty() {
        return wilson(right.iter().filter(|r| **r).count(), right.len());
    }
    let p = clusters.values().map(|c| c.1).sum::<f64>() / n;
    if p == 0.0 || p == 1.0 || clusters.len() == 1 {
        return wilson_of(p, k);
    }
    let squares = clusters.values().map(|c| c.0 * c.0).sum::<f64>() / n;
    let between = clusters.values().map(|(m, hits)| m * (hits / m - p).powi(2)).sum::<f64>() / (k - 1.0);
    let within = clusters.values().map(|(m, hits)| hits * (1.0 - hits / m)).sum::<f64>() / (n - k);
    let size = (n - squares) / (k - 1.0);
    let correlation = ((between - within) / (between + (size - 1.0) * within)).clamp(0.0, 1.0);
    wilson_of(p, n / (1.0 + (squares - 1.0) * correlation))
}

/// Wilson's interval of `right` out of `all`.
pub fn wilson(right: usize, all: usize) -> Interval {
    if all == 0 {
        return Interval { value: 0.0, low: 0.0, high: 1.0 };
    }
    wilson_of(right as f64 / all as f64, all as f64)
}

/// Wilson's interval of a share of `n` answers, which need not be a whole number.
fn wilson_of(p: f64, n: f64) -> Interval {
    let z2 = Z * Z;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    Interval { value: p, low: (centre - half).max(0.0), high: (centre + half).min(1.0) }
}

/// Figures of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassFigures {
    /// Of those called so, the share that is; 0 when none was.
    pub precision: f64,
    /// Of those that are, the share called so; 0 when there is none.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// How many are.
    pub support: usize,
}

/// Figures of each class.
pub fn per_class(confusion: &[Vec<usize>]) -> Vec<ClassFigures> {
    let share = |a: usize, b: usize| if b == 0 { 0.0 } else { a as f64 / b as f64 };
    (0..confusion.len())
        .map(|c| {
            let hit = confusion[c][c];
            let support: usize = confusion[c].iter().sum();
            let called: usize = confusion.iter().map(|row| row[c]).sum();
            ClassFigures {
                precision: share(hit, called),
                recall: share(hit, support),
                f1: share(2 * hit, called + support),
                support,
            }
        })
        .collect()
}

/// Mean F1 of the classes that occur.
pub fn macro_f1(confusion: &[Vec<usize>]) -> f64 {
    let there: Vec<f64> = per_class(confusion).iter().filter(|c| c.support > 0).map(|c| c.f1).collect();
    if there.is_empty() { 0.0 } else { there.iter().sum::<f64>() / there.len() as f64 }
}

/// Accuracy of the sum of the scores of each group (the windows of a recording). `scores` is row-major. Nothing when no group has two
/// members, or the members of one differ in truth.
pub fn together(group: &[usize], truth: &[usize], scores: &[f32], classes: usize) -> Option<Interval> {
    let mut sums: BTreeMap<usize, (usize, Vec<f64>)> = BTreeMap::new();
    for ((group, &truth), row) in group.iter().zip(truth).zip(scores.chunks_exact(classes)) {
        let (of, sum) = sums.entry(*group).or_insert_with(|| (truth, vec![0.0; classes]));
        if *of != truth {
            return None;
        }
        for (sum, score) in sum.iter_mut().zip(row) {
            *sum += f64::from(*score);
        }
    }
    let largest = |sum: &[f64]| (1..classes).fold(0, |best, i| if sum[i] > sum[best] { i } else { best });
    let right = sums.values().filter(|(of, sum)| *of == largest(sum)).count();
    (sums.len() < truth.len()).then(|| wilson(right, sums.len()))
}

/// Mean of `-ln` of the score of the right class; scores below 1e-7 count as that. `scores` is row-major.
pub fn log_loss(truth: &[usize], scores: &[f32], classes: usize) -> f64 {
    let sum: f64 = truth
        .iter()
        .zip(scores.chunks_exact(classes))
        .map(|(&t, row)| -f64::from(row[t].max(1e-7)).ln())
        .sum();
    sum / truth.len().max(1) as f64
}

/// Figures of a regression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regression {
    /// 1 - squared error / spread of the truth; 0 when the truth does not vary.
    pub r2: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Root mean squared error.
    pub rmse: f64,
}

/// Figures of estimates.
pub fn regression(truth: &[f32], said: &[f32]) -> Regression {
    let n = truth.len().max(1) as f64;
    let mean = truth.iter().map(|t| f64::from(*t)).sum::<f64>() / n;
    let (mut squared, mut absolute, mut spread) = (0.0, 0.0, 0.0);
    for (t, s) in truth.iter().zip(said) {
        let d = f64::from(*s) - f64::from(*t);
        squared += d * d;
        absolute += d.abs();
        spread += (f64::from(*t) - mean).powi(2);
    }
    Regression {
        r2: if spread > 0.0 { 1.0 - squared / spread } else { 0.0 },
        mae: absolute / n,
        rmse: (squared / n).sqrt(),
    }
}

/// 95 % intervals of R2, mean absolute and root mean squared error: the middle of what drawing as many clusters anew, a thousand times,
/// comes to (bootstrap of Efron, 1979, on clusters: windows of one recording are alike). `of` names the cluster of each estimate. `None`
/// with fewer than three clusters.
pub fn regression_intervals(truth: &[f32], said: &[f32], of: &[usize]) -> Option<[Interval; 3]> {
    const DRAWN: usize = 1000;
    let own = regression(truth, said);
    let middle = truth.iter().map(|t| f64::from(*t)).sum::<f64>() / truth.len().max(1) as f64;
    // Of each cluster: estimates, sums of the truth and of its squares, of squared and absolute errors.
    let mut sums: BTreeMap<usize, [f64; 5]> = BTreeMap::new();
    for ((t, s), cluster) in truth.iter().zip(said).zip(of) {
        let (t, s) = (f64::from(*t) - middle, f64::from(*s) - middle);
        let add = [1.0, t, t * t, (s - t) * (s - t), (s - t).abs()];
        let sum = sums.entry(*cluster).or_default();
        sum.iter_mut().zip(add).for_each(|(sum, v)| *sum += v);
    }
    let clusters: Vec<[f64; 5]> = sums.into_values().collect();
    if clusters.len() < 3 {
        return None;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut drawn = [const { Vec::new() }; 3];
    for _ in 0..DRAWN {
        let mut sum = [0.0; 5];
        for _ in 0..clusters.len() {
            let one = clusters[rng.random_range(0..clusters.len())];
            sum.iter_mut().zip(one).for_each(|(sum, v)| *sum += v);
        }
        let [n, t, tt, squared, absolute] = sum;
        let spread = tt - t * t / n;
        // Where one cluster was drawn over and over the truth does not vary, and R2 says nothing.
        if spread > 1e-12 * tt {
            drawn[0].push(1.0 - squared / spread);
        }
        drawn[1].push(absolute / n);
        drawn[2].push((squared / n).sqrt());
    }
    let interval = |value: f64, drawn: &mut Vec<f64>| {
        drawn.sort_by(f64::total_cmp);
        let end = |share: f64| drawn.get((share * drawn.len() as f64) as usize).copied().unwrap_or(value);
        Interval { value, low: end(0.025).min(value), high: end(0.975).max(value) }
    };
    let [r2, mae, rmse] = &mut drawn;
    Some([interval(own.r2, r2), interval(own.mae, mae), interval(own.rmse, rmse)])
}

/// Area under the ROC curve of scores that should be larger for the second set; ties count half. The interval is that of
/// Hanley and McNeil (1982).
pub fn auroc(normal: &[f32], anomalous: &[f32]) -> Interval {
    let (n, m) = (normal.len() as f64, anomalous.len() as f64);
    if normal.is_empty() || anomalous.is_empty() {
        return Interval { value: 0.5, low: 0.0, high: 1.0 };
    }
    let mut all: Vec<(f32, bool)> =
        normal.iter().map(|s| (*s, false)).chain(anomalous.iter().map(|s| (*s, true))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = 0.0;
    let mut i = 0;
    while i < all.len() {
        let same = all[i..].iter().take_while(|s| s.0 == all[i].0).count();
        // Ranks count from 1; equal scores share the mean of theirs.
        let rank = i as f64 + (same as f64 + 1.0) / 2.0;
        ranks += rank * all[i..i + same].iter().filter(|s| s.1).count() as f64;
        i += same;
    }
    let a = (ranks - m * (m + 1.0) / 2.0) / (n * m);
    // The areas from which this one is no further than chance takes it: an end is where both are equal.
    let further = |area: f64| {
        let mean = (n + m) / 2.0 - 1.0;
        let spread = 1.0 + mean * (1.0 - area) / (2.0 - area) + mean * area / (1.0 + area);
        (a - area).abs() > Z * (area * (1.0 - area) * spread / (n * m)).sqrt()
    };
    let end = |mut out: f64, mut within: f64| {
        for _ in 0..60 {
            let middle = (out + within) / 2.0;
            if further(middle) { out = middle } else { within = middle }
        }
        within
    };
    Interval { value: a, low: end(0.0, a), high: end(1.0, a) }
}

/// Points of the ROC curve from (0, 0) to (1, 1): share of false alarms, share of anomalies found.
pub fn roc(normal: &[f32], anomalous: &[f32]) -> Vec<(f64, f64)> {
    let mut thresholds: Vec<f32> = normal.iter().chain(anomalous).copied().collect();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let above = |scores: &[f32], t: f32| {
        scores.iter().filter(|s| **s >= t).count() as f64 / scores.len().max(1) as f64
    };
    let step = thresholds.len().div_ceil(200).max(1);
    let mut out = vec![(0.0, 0.0)];
    out.extend(thresholds.iter().step_by(step).map(|&t| (above(normal, t), above(anomalous, t))));
    out.push((1.0, 1.0));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_speak_for_their_recording_together() {
        // Two recordings; the first is wrong in one window of two, the second in the sum.
        let scores = [0.4, 0.6, 0.9, 0.1, 0.8, 0.2, 0.3, 0.7];
        let share = together(&[4, 4, 9, 9], &[0, 0, 1, 1], &scores, 2).map(|a| a.value);
        assert_eq!(share, Some(0.5));
        assert_eq!(together(&[1, 2, 3, 4], &[0, 0, 1, 1], &scores, 2), None, "one window each");
        assert_eq!(together(&[4, 4, 9, 9], &[0, 1, 1, 1], &scores, 2), None, "a recording of two labels");
    }

    #[test]
    fn figures_of_a_small_table() {
        let table = confusion(&[0, 0, 0, 1, 1, 2], &[0, 0, 1, 1, 1, 0], 3);
        assert_eq!(table, [[2, 1, 0], [0, 2, 0], [1, 0, 0]]);
        let classes = per_class(&table);
        assert!((classes[0].precision - 2.0 / 3.0).abs() < 1e-12);
        assert!((classes[1].f1 - 0.8).abs() < 1e-12);
        assert_eq!(classes[2].f1, 0.0);
    }

    #[test]
    fn windows_of_a_recording_count_less_when_they_are_alike() {
        // Ten recordings of ten windows; eight are right as a whole.
        let of: Vec<usize> = (0..100).map(|i| i / 10).collect();
        let alike: Vec<bool> = of.iter().map(|r| *r < 8).collect();
        let told = clustered(&alike, &of);
        assert!((told.low - wilson(8, 10).low).abs() < 1e-9 && (told.high - wilson(8, 10).high).abs() < 1e-9);
        // The same share, in every recording the same: as good as independent.
        let mixed: Vec<bool> = (0..100).map(|i| i % 10 < 8).collect();
        assert_eq!(clustered(&mixed, &of), wilson(80, 100));
        assert_eq!(clustered(&alike, &(0..100).collect::<Vec<_>>()), wilson(80, 100), "one window each");
        assert_eq!(clustered(&[true; 100], &of).low, wilson(10, 10).low);
        assert_eq!(clustered::<usize>(&[], &[]), wilson(0, 0));
    }

    #[test]
    fn wilson_is_the_published_interval() {
        let i = wilson(81, 263);
        assert!((i.low - 0.2553).abs() < 5e-4 && (i.high - 0.3662).abs() < 5e-4, "{i:?}");
        assert_eq!(wilson(0, 0).value, 0.0);
        assert!(wilson(10, 10).low > 0.7 && wilson(10, 10).high > 0.999_999);
    }

    #[test]
    fn auroc_counts_pairs() {
        assert_eq!(auroc(&[1.0, 2.0, 3.0], &[4.0, 5.0]).value, 1.0);
        assert_eq!(auroc(&[1.0, 2.0], &[1.0, 2.0]).value, 0.5);
        // Of 6 pairs 4 are in order and one is tied.
        assert!((auroc(&[1.0, 2.0, 3.0], &[2.0, 4.0]).value - 4.5 / 6.0).abs() < 1e-12);
        // Few scores leave much open, even when all are in order.
        let few = auroc(&[1.0, 2.0, 3.0], &[4.0, 5.0]);
        let many: Vec<f32> = (0..200).map(|i| i as f32).collect();
        let all = auroc(&many[..100], &many[100..]);
        assert!(few.low < 0.5 && few.high == 1.0, "{few:?}");
        assert!((0.95..1.0).contains(&all.low) && all.high == 1.0, "{all:?}");
        let half = auroc(&[1.0, 2.0], &[1.0, 2.0]);
        assert!((half.low + half.high - 1.0).abs() < 1e-9 && half.low > 0.0, "{half:?}");
    }

    #[test]
    fn regression_of_a_line() {
        let r = regression(&[1.0, 2.0, 3.0], &[1.0, 2.0, 4.0]);
        assert!((r.r2 - 0.5).abs() < 1e-12 && (r.mae - 1.0 / 3.0).abs() < 1e-12);
        assert!((log_loss(&[1, 0], &[0.5, 0.5, 1.0, 0.0], 2) - 0.5f64.ln().abs() / 2.0).abs() < 1e-9);
    }

    #[test]
    fn intervals_of_estimates_hold_the_truth_as_often_as_they_say_and_know_of_recordings() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut even = move || rng.random_range(-1.0f32..1.0);
        let (mut held, mut wide) = (0, 0.0);
        for _ in 0..200 {
            // Errors are even in -1..1: mean absolute 1/2. Targets are even in -3..3.
            let truth: Vec<f32> = (0..60).map(|_| 3.0 * even()).collect();
            let said: Vec<f32> = truth.iter().map(|t| t + even()).collect();
            let each: Vec<usize> = (0..60).collect();
            let [r2, mae, rmse] = regression_intervals(&truth, &said, &each).unwrap();
            held += usize::from((mae.low..=mae.high).contains(&0.5));
            assert!(r2.low <= r2.value && r2.value <= r2.high && r2.high < 1.0 && rmse.low > 0.0);
            wide += mae.high - mae.low;
            let own = regression(&truth, &said);
            assert_eq!((r2.value, mae.value, rmse.value), (own.r2, own.mae, own.rmse));
        }
        assert!((180..=199).contains(&held), "{held} of 200");
        // Each recording five times: no more is known than of the recordings.
        let truth: Vec<f32> = (0..12).map(|_| 3.0 * even()).collect();
        let said: Vec<f32> = truth.iter().map(|t| t + even()).collect();
        let five = |v: &[f32]| v.iter().flat_map(|v| [*v; 5]).collect::<Vec<_>>();
        let of: Vec<usize> = (0..60).map(|i| i / 5).collect();
        let mae = regression_intervals(&five(&truth), &five(&said), &of).unwrap()[1];
        let blind =
            regression_intervals(&five(&truth), &five(&said), &(0..60).collect::<Vec<_>>()).unwrap()[1];
        assert!(mae.high - mae.low > 1.7 * (blind.high - blind.low), "{mae:?} {blind:?} {wide}");
        assert!(regression_intervals(&truth[..2], &said[..2], &[0, 1]).is_none());
    }
}
