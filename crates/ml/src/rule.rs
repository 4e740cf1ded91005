//! The plainest model: one feature, cut into a few ranges, an answer for each. What a network is worth shows beside it.

use crate::{FitError, bins::Bins, forest::Targets};
use edgewright_ir::trees::{Ensemble, Split, Tree};

/// Ranges of a rule, at most.
const MOST_RANGES: usize = 4;
/// Steps in which borders are tried.
const STEPS: usize = 64;
/// Further ranges must explain this share of the rows (of the spread) more.
const WORTH: f64 = 0.005;

/// A rule on one feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Which feature.
    pub feature: usize,
    /// Ascending borders; a value at or below one lies before it.
    pub borders: Vec<f32>,
    /// One answer for each range, one more than borders: a class, or a number.
    pub answers: Vec<f32>,
    /// Share of right training rows, or R2 on them.
    pub metric: f64,
}

/// What is known of the rows up to each step of a feature.
struct Steps {
    borders: Vec<f32>,
    /// For each step (the first is none): rows, sum and sum of squares of numbers; or rows of each class.
    sums: Vec<Vec<f64>>,
}

impl Steps {
    fn new(bins: &Bins, targets: &Targets<'_>, feature: usize) -> Self {
        let edges = bins.edges(feature);
        let cells = targets.width().max(3);
        let mut counts = vec![vec![0.0; cells]; edges.len() + 1];
        for (row, &bin) in bins.column(feature).iter().enumerate() {
            let own = &mut counts[usize::from(bin)];
            match targets {
                Targets::Classes(of, _) => own[of[row] as usize] += 1.0,
                Targets::Values(of) => {
                    let v = f64::from(of[row]);
                    own[0] += 1.0;
                    own[1] += v;
                    own[2] += v * v;
                }
            }
        }
        // An even choice of borders by rows.
        let share = bins.rows().div_ceil(STEPS);
        let (mut borders, mut sums) = (Vec::new(), vec![vec![0.0; cells]]);
        let (mut now, mut inside) = (vec![0.0; cells], 0.0);
        for (bin, own) in counts.iter().enumerate() {
            now.iter_mut().zip(own).for_each(|(n, o)| *n += o);
            inside += match targets {
                Targets::Classes(..) => own.iter().sum::<f64>(),
                Targets::Values(_) => own[0],
            };
            let few = edges.len() <= STEPS;
            if bin < edges.len() && (few || inside >= share as f64) {
                borders.push(edges[bin]);
                sums.push(now.clone());
                inside = 0.0;
            }
        }
        sums.push(now);
        Self { borders, sums }
    }

    /// What a range explains, and its answer: right rows, or the squares that its mean takes away.
    fn range(&self, targets: &Targets<'_>, from: usize, to: usize) -> (f64, f32) {
        let own = |k: usize| self.sums[to][k] - self.sums[from][k];
        match targets {
            Targets::Classes(_, count) => {
                let mut best = (0, own(0));
                for k in 1..*count {
                    if own(k) > best.1 {
                        best = (k, own(k));
                    }
                }
                (best.1, best.0 as f32)
            }
            Targets::Values(_) => {
                let rows = own(0).max(1e-300);
                (own(1) * own(1) / rows, (own(1) / rows) as f32)
            }
        }
    }

    /// The best ranges: explained, borders, answers, for one range and more.
    fn best(&self, targets: &Targets<'_>) -> Vec<(f64, Vec<f32>, Vec<f32>)> {
        let n = self.sums.len() - 1;
        // explained[s][b]: s + 1 ranges up to step b, and where the last begins.
        let mut explained: Vec<Vec<(f64, usize)>> = vec![
            (0..=n)
                .map(|b| (if b == 0 { f64::NEG_INFINITY } else { self.range(targets, 0, b).0 }, 0))
                .collect(),
        ];
        for s in 1..MOST_RANGES.min(n) {
            let row = (0..=n)
                .map(|b| {
                    let mut best = (f64::NEG_INFINITY, 0);
                    for a in s..b {
                        let value = explained[s - 1][a].0 + self.range(targets, a, b).0;
                        if value > best.0 {
                            best = (value, a);
                        }
                    }
                    best
                })
                .collect();
            explained.push(row);
        }
        (0..explained.len())
            .map(|s| {
                let (mut borders, mut answers, mut b) = (Vec::new(), Vec::new(), n);
                for row in explained[..=s].iter().rev() {
                    let from = row[b].1;
                    answers.insert(0, self.range(targets, from, b).1);
                    if from > 0 {
                        borders.insert(0, self.borders[from - 1]);
                    }
                    b = from;
                }
                (explained[s][n].0, borders, answers)
            })
            .collect()
    }
}

/// The best rule on one feature: the fewest ranges that come within half a point of what up to four explain.
///
/// # Errors
/// [`FitError`]; [`FitError::Constant`] when no feature varies.
pub fn fit(bins: &Bins, targets: Targets<'_>) -> Result<Rule, FitError> {
    targets.check(bins.rows())?;
    let rows = bins.rows() as f64;
    let (floor, spread) = match targets {
        Targets::Classes(..) => (0.0, rows),
        Targets::Values(of) => {
            let sum: f64 = of.iter().map(|v| f64::from(*v)).sum();
            let squares: f64 = of.iter().map(|v| f64::from(*v).powi(2)).sum();
            (sum * sum / rows, (squares - sum * sum / rows).max(1e-300))
        }
    };
    let mut best: Option<Rule> = None;
    for feature in 0..bins.features() {
        if bins.edges(feature).is_empty() {
            continue;
        }
        let all = Steps::new(bins, &targets, feature).best(&targets);
        let share = |explained: f64| (explained - floor) / spread;
        let most = all.iter().map(|a| share(a.0)).fold(f64::NEG_INFINITY, f64::max);
        let Some((explained, borders, answers)) = all.into_iter().find(|a| share(a.0) >= most - WORTH) else {
            continue;
        };
        let metric = share(explained);
        if best.as_ref().is_none_or(|b| metric > b.metric) {
            best = Some(Rule { feature, borders, answers, metric });
        }
    }
    best.ok_or(FitError::Constant)
}

impl Rule {
    /// Answer for a value of the feature; what is not a number lies above every border.
    pub fn answer(&self, value: f32) -> f32 {
        let at = self.borders.iter().position(|b| value <= *b).unwrap_or(self.borders.len());
        self.answers[at]
    }

    /// The rule as a tree over `features` features: shares of `classes` classes, or the number when that is 0.
    pub fn to_trees(&self, features: usize, classes: usize) -> Ensemble {
        let width = classes.max(1);
        let mut made = Ensemble { features, base: vec![0.0; width], width, trees: Vec::new() };
        let mut tree = Tree::default();
        for answer in &self.answers {
            let one_of = |k: usize| f32::from(u8::from(k == *answer as usize));
            if classes == 0 { tree.leaves.push(*answer) } else { tree.leaves.extend((0..width).map(one_of)) }
        }
        for (i, border) in self.borders.iter().enumerate() {
            let last = i + 1 == self.borders.len();
            let right = if last { -2 - i as i32 } else { i as i32 + 1 };
            let left = -1 - i as i32;
            tree.splits.push(Split { feature: self.feature, threshold: *border, left, right });
        }
        made.push(tree);
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_the_telling_feature_are_found() {
        let rows: Vec<f32> = (0..300).flat_map(|i| [(i * 7 % 31) as f32, i as f32, 1.0]).collect();
        let classes: Vec<u32> = (0..300).map(|i| [2, 0, 1, 2][i / 75]).collect();
        let bins = Bins::new(&rows, 3).expect("bins");
        let rule = fit(&bins, Targets::Classes(&classes, 3)).expect("found");
        assert_eq!((rule.feature, rule.answers.as_slice()), (1, &[2.0, 0.0, 1.0, 2.0][..]));
        assert!(rule.metric > 0.97 && (rule.borders[0] - 74.5).abs() < 6.0, "{rule:?}");
        let trees = rule.to_trees(3, 3);
        assert_eq!(trees.trees[0].leaves.len(), 12);
        let values: Vec<f32> = (0..300).map(|i| if i < 100 { 5.0 } else { -3.0 }).collect();
        let rule = fit(&bins, Targets::Values(&values)).expect("found");
        assert_eq!((rule.feature, rule.borders.len()), (1, 1), "{rule:?}");
        assert!((rule.answer(3.0) - 5.0).abs() < 0.5 && (rule.answer(f32::NAN) + 3.0).abs() < 0.5);
        let flat = Bins::new(&[1.0, 1.0], 1).expect("bins");
        assert_eq!(fit(&flat, Targets::Classes(&[0, 1], 2)), Err(FitError::Constant));
    }
}
