//! What to do with windows that a classifier is not sure of: leave them out below a confidence, or answer with a set of labels that
//! holds the right one as often as asked for.
//!
//! # Source
//! Sets by the least score: Sadinle, Lei and Wasserman, "Least ambiguous set-valued classifiers with bounded error levels" (2019). Sets by
//! the sum of scores: Romano, Sesia and Candès, "Classification with valid and adaptive coverage" (2020), with their randomisation: without
//! it a set takes its last label whole and covers more than was asked for. Both split conformal: Vovk, Gammerman and Shafer, "Algorithmic
//! learning in a random world" (2005). What stands for chance is drawn from
//! the window's features, so that a window always has the same set.

use crate::{
    calibration::highest,
    metrics::{Interval, wilson},
};

/// How a set is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All labels that score at least as much as a limit: the smallest sets on average; a window may have none.
    Lac,
    /// Labels from the highest score down, while their sum, with a drawn part of the last one's score, stays within a limit: more
    /// labels where the model wavers; a window of which it is very sure may have none.
    Aps,
}

/// Sets of labels that hold the right one with a chosen probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sets {
    /// How they are made.
    pub kind: Kind,
    /// Least score of a label (LAC), or largest sum (APS; above 1 for all labels).
    pub limit: f32,
}

/// What sets are worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// Share of the rows whose set holds the right label.
    pub coverage: Interval,
    /// Mean number of labels in a set.
    pub mean_size: f64,
    /// Share of sets of exactly one label.
    pub single: f64,
    /// Share of sets without a label.
    pub empty: f64,
}

impl Sets {
    /// The limit that held-out rows ask for: of rows that come from where those came from, a share of at least `coverage` (0..1) has its
    /// label in its set, on average over choices of the rows. `parts` are those of [`part`], one for each row. With fewer than `1 / (1 - coverage) - 1` rows that takes all labels.
    pub fn fit(
        kind: Kind,
        truth: &[usize],
        (scores, parts): (&[f32], &[f32]),
        classes: usize,
        coverage: f64,
    ) -> Self {
        let n = truth.len();
        // Rows that must be held: rounding in the last place does not ask for one more.
        let held = ((n + 1) as f64 * coverage - 1e-9).ceil() as usize;
        let rows = truth.iter().zip(scores.chunks_exact(classes));
        let limit = match kind {
            Kind::Lac => {
                let mut own: Vec<f32> = rows.map(|(&t, row)| row[t]).collect();
                own.sort_by(|a, b| b.total_cmp(a));
                if held == 0 { 1.0 } else { own.get(held - 1).copied().unwrap_or(0.0) }
            }
            Kind::Aps => {
                let mut own: Vec<f32> =
                    rows.zip(parts).map(|((&t, row), part)| reached(row, t, *part)).collect();
                own.sort_by(f32::total_cmp);
                if held == 0 { 0.0 } else { own.get(held - 1).copied().unwrap_or(2.0) }
            }
        };
        Self { kind, limit }
    }

    /// Labels of the set of one row, the highest score first; `part` is what [`part`] gives for its features.
    pub fn of(&self, scores: &[f32], part: f32) -> Vec<usize> {
        let within = |&k: &usize| match self.kind {
            Kind::Lac => scores[k] >= self.limit,
            Kind::Aps => reached(scores, k, part) <= self.limit,
        };
        let mut set: Vec<usize> = (0..scores.len()).filter(within).collect();
        set.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        set
    }

    /// How often sets hold the truth, and how large they are.
    pub fn judge(&self, truth: &[usize], (scores, parts): (&[f32], &[f32]), classes: usize) -> Judged {
        let rows = scores.chunks_exact(classes).zip(parts);
        let sets: Vec<Vec<usize>> = rows.map(|(row, part)| self.of(row, *part)).collect();
        let held = sets.iter().zip(truth).filter(|(set, t)| set.contains(t)).count();
        let rows = truth.len().max(1) as f64;
        let of_size = |n: usize| sets.iter().filter(|s| s.len() == n).count() as f64 / rows;
        Judged {
            coverage: wilson(held, truth.len()),
            mean_size: sets.iter().map(Vec::len).sum::<usize>() as f64 / rows,
            single: of_size(1),
            empty: of_size(0),
        }
    }
}

/// Sum of the scores above that of a label, in the order of the labels, and of a part of its own and of those that equal it.
fn reached(scores: &[f32], label: usize, part: f32) -> f32 {
    let own = scores[label];
    let above: f32 = scores.iter().filter(|s| **s > own).sum();
    let equal = scores.iter().filter(|s| **s == own).count() as f32;
    above + part * own * equal
}

/// A number from 0 to below 1 that the bits of a window's features give, spread as by chance: FNV-1a, then the mixing steps of SplitMix64
/// (Steele, Lea and Flood, 2014), whose high bits are even.
pub fn part(features: &[f32]) -> f32 {
    let bytes = features.iter().flat_map(|s| s.to_bits().to_le_bytes());
    let mut mixed = bytes
        .fold(0xCBF2_9CE4_8422_2325u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1u32 << 24) as f32
}

/// What is left when unsure rows are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accepted {
    /// Highest score below which a row is left out.
    pub min_confidence: f32,
    /// Share of rows that are left.
    pub coverage: f64,
    /// Of these, the share that is right; `None` when none is left.
    pub accuracy: Option<f64>,
}

/// Leaves out the rows whose highest score lies below `min_confidence`.
pub fn accepted(truth: &[usize], scores: &[f32], classes: usize, min_confidence: f32) -> Accepted {
    let (mut left, mut right) = (0usize, 0usize);
    for (&truth, row) in truth.iter().zip(scores.chunks_exact(classes)) {
        let said = highest(row);
        if row[said] >= min_confidence {
            left += 1;
            right += usize::from(said == truth);
        }
    }
    Accepted {
        min_confidence,
        coverage: left as f64 / truth.len().max(1) as f64,
        accuracy: (left > 0).then(|| right as f64 / left as f64),
    }
}

/// The confidence that leaves out fewest rows while those that are left are right in a share of at least `target`; 0 leaves out none.
/// `None` when no confidence reaches it.
pub fn suggest(truth: &[usize], scores: &[f32], classes: usize, target: f64) -> Option<Accepted> {
    let mut rows: Vec<(f32, bool)> = truth
        .iter()
        .zip(scores.chunks_exact(classes))
        .map(|(&t, row)| (row[highest(row)], highest(row) == t))
        .collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut best) = (0usize, None);
    for (i, (confidence, hit)) in rows.iter().enumerate() {
        right += usize::from(*hit);
        let next = rows.get(i + 1).map(|n| n.0);
        // Equal scores stay together.
        if next != Some(*confidence) && right as f64 >= target * (i + 1) as f64 - 1e-9 {
            best = Some((*confidence, next));
        }
    }
    let (confidence, next) = best?;
    // Three digits say it, when they part it from the next row.
    let short = (confidence * 1000.0).floor() / 1000.0;
    let limit = match next {
        None => 0.0,
        Some(next) if short > next && short <= confidence => short,
        Some(_) => confidence,
    };
    Some(accepted(truth, scores, classes, limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Rows of scores of five classes, steeper or flatter, and a class that follows the scores in part: the model is not calibrated.
    fn drawn(rows: usize, rng: &mut ChaCha8Rng) -> (Vec<usize>, Vec<f32>, Vec<f32>) {
        let (mut truth, mut scores, mut parts) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rows {
            let steep = 1 + rng.random_range(0..4);
            let raw: Vec<f32> = (0..5).map(|_| rng.random::<f32>().powi(steep) + 1e-3).collect();
            let sum: f32 = raw.iter().sum();
            let row: Vec<f32> = raw.iter().map(|v| v / sum).collect();
            let mut left = rng.random::<f32>();
            let mut class = rng.random_range(0..5);
            if rng.random::<f32>() < 0.8 {
                class = 0;
                while class < 4 && left >= row[class] {
                    left -= row[class];
                    class += 1;
                }
            }
            truth.push(class);
            parts.push(part(&row));
            scores.extend(row);
        }
        (truth, scores, parts)
    }

    /// Coverage over 200 draws of 200 calibration rows and 200 others. Its mean lies between what is asked for and that and 1 / 201;
    /// the deviation of one draw is below 0.04, that of the mean below 0.003.
    #[test]
    fn sets_hold_the_truth_as_often_as_asked_for() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        for kind in [Kind::Lac, Kind::Aps] {
            for asked in [0.8, 0.95] {
                let (mut held, mut size) = (0.0, 0.0);
                for _ in 0..200 {
                    let (truth, scores, parts) = drawn(200, &mut rng);
                    let sets = Sets::fit(kind, &truth, (&scores, &parts), 5, asked);
                    let (truth, scores, parts) = drawn(200, &mut rng);
                    let judged = sets.judge(&truth, (&scores, &parts), 5);
                    held += judged.coverage.value / 200.0;
                    size += judged.mean_size / 200.0;
                }
                assert!(held > asked - 0.01 && held < asked + 1.0 / 201.0 + 0.01, "{kind:?} {asked}: {held}");
                assert!(size > 1.0 && size < 5.0, "{kind:?} {asked}: {size}");
            }
        }
    }

    #[test]
    fn small_sets_and_few_rows() {
        let scores = [0.7, 0.2, 0.1, 0.5, 0.4, 0.1, 0.3, 0.6, 0.1, 0.8, 0.1, 0.1];
        let sets = Sets::fit(Kind::Lac, &[0, 1, 1, 0], (&scores, &[0.5; 4]), 3, 0.6);
        assert_eq!(sets.limit, 0.6, "three of five, counted from the highest own score");
        assert_eq!(sets.of(&[0.3, 0.61, 0.09], 0.5), [1]);
        assert!(sets.of(&[0.3, 0.4, 0.3], 0.5).is_empty());
        // Four rows cannot speak for more than four of five.
        let all = Sets::fit(Kind::Lac, &[0, 1, 1, 0], (&scores, &[0.5; 4]), 3, 0.9);
        assert_eq!(all.of(&[0.3, 0.61, 0.09], 0.5), [1, 0, 2]);
        let sums = Sets { kind: Kind::Aps, limit: 0.9 };
        assert_eq!(sums.of(&[0.3, 0.55, 0.15], 0.25), [1, 0, 2], "0.85 and a quarter of 0.15 are within");
        assert_eq!(sums.of(&[0.3, 0.55, 0.15], 0.5), [1, 0]);
        assert_eq!(sums.of(&[0.3, 0.4, 0.3], 0.25), [1, 0, 2], "what is equal goes together");
        assert_eq!(sums.of(&[0.3, 0.4, 0.3], 0.9), [1]);
        assert!(sums.of(&[0.95, 0.05, 0.0], 0.99).is_empty());
        let judged = sums.judge(&[1, 2], (&[0.3, 0.55, 0.15, 0.95, 0.05, 0.0], &[0.5, 0.5]), 3);
        assert_eq!(
            (judged.coverage.value, judged.mean_size, judged.single, judged.empty),
            (0.5, 1.5, 0.5, 0.0)
        );
        let all = Sets::fit(Kind::Aps, &[], (&[], &[]), 3, 0.9);
        assert_eq!(all.of(&[0.3, 0.55, 0.15], 0.5).len(), 3);
    }

    /// Sixteen ranges of a thousand draws from rows that differ in one bit or more hold about 62 each; the deviation is 8.
    #[test]
    fn parts_are_even_and_the_same_again() {
        let mut counts = [0; 16];
        for n in 0..1000u32 {
            let row = [1.0, n as f32, -0.5];
            assert_eq!(part(&row).to_bits(), part(&row).to_bits());
            counts[(part(&row) * 16.0) as usize] += 1;
        }
        assert!(counts.iter().all(|c| (30..95).contains(c)), "{counts:?}");
    }

    #[test]
    fn fewest_rows_are_left_out_for_the_accuracy_that_is_wanted() {
        // Confidence 0.9, 0.8, 0.8, 0.7, 0.6: right, right, wrong, right, wrong.
        let scores = [0.9, 0.1, 0.8, 0.2, 0.8, 0.2, 0.7, 0.3, 0.6, 0.4];
        let truth = [0, 0, 1, 0, 1];
        let at = |target| suggest(&truth, &scores, 2, target);
        let three_of_four = at(0.75).expect("reached");
        assert_eq!((three_of_four.min_confidence, three_of_four.coverage), (0.7, 0.8));
        assert_eq!(three_of_four.accuracy, Some(0.75));
        assert_eq!(at(1.0).map(|a| a.coverage), Some(0.2), "equal scores stay together");
        assert_eq!(at(0.5).map(|a| a.min_confidence), Some(0.0));
        assert_eq!(suggest(&[1], &[0.9, 0.1], 2, 0.5), None);
        assert_eq!(accepted(&truth, &scores, 2, 0.95).accuracy, None);
    }
}
