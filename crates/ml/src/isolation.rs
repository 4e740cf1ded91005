//! Isolation forest: what a few random splits set apart from everything else is an anomaly.
//!
//! # Source
//! Liu, Ting and Zhou, "Isolation forest" (2008). Splits are drawn between the values of a node, as there, and set to the nearest of 255
//! borders of the feature, evenly spaced over the training rows, so that bytes decide as floats do.

use crate::{
    FitError,
    error::check_rows,
    kmeans::{quantile, varies},
};
use edgewright_ir::{
    math::ln,
    trees::{Ensemble, MOST_EDGES, Split, Tree},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How to fit.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Number of trees, 1 to 1000.
    pub trees: usize,
    /// Splits from root to leaf, at most, 1 to 12; a tree is grown on 2 to that power rows.
    pub max_depth: usize,
    /// Columns to look at; `None` for those that vary.
    pub axes: Option<Vec<usize>>,
    /// Share of normal rows that may score above the threshold, 0..1.
    pub false_alarm_rate: f64,
    /// Seed of rows, features and borders.
    pub seed: u64,
}

impl Default for Spec {
    fn default() -> Self {
        Self { trees: 50, max_depth: 7, axes: None, false_alarm_rate: 0.01, seed: 1 }
    }
}

/// A fitted forest.
#[derive(Clone, Debug, PartialEq)]
pub struct Isolation {
    /// Features in, score out: 1 less the mean number of splits, in units of what random rows take. At most 1; about 0 for what lies
    /// among the training rows. (2 to the power of it less 1 is the score of the paper.)
    pub ensemble: Ensemble,
    /// Columns that are looked at.
    pub axes: Vec<usize>,
    /// Scores above it are anomalies.
    pub threshold: f32,
}

/// Splits that a search for one of `n` rows takes on average in a random tree.
fn usual(n: usize) -> f64 {
    match n {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let m = (n - 1) as f64;
            2.0 * (ln(m) + 0.577_215_664_901_532_9) - 2.0 * m / n as f64
        }
    }
}

/// Fits a forest to row-major normal rows. The threshold is the quantile of the scores of `held_out` normal rows (of the training rows
/// themselves when there are none) that leaves `false_alarm_rate` above it.
///
/// # Errors
/// [`FitError`].
pub fn fit(values: &[f32], width: usize, held_out: &[f32], spec: &Spec) -> Result<Isolation, FitError> {
    let rows = check_rows(values, width)?;
    if !held_out.is_empty() {
        check_rows(held_out, width)?;
    }
    let setting = |name, value: usize, high: usize, possible| {
        if (1..=high).contains(&value) {
            Ok(())
        } else {
            Err(FitError::Setting { name, value: value.to_string(), possible })
        }
    };
    setting("trees", spec.trees, 1000, "1 to 1000 are possible")?;
    setting("max_depth", spec.max_depth, 12, "1 to 12 are possible")?;
    let axes: Vec<usize> = spec.axes.clone().unwrap_or_else(|| (0..width).collect());
    let axes: Vec<usize> = axes.into_iter().filter(|&a| varies(values, width, a)).collect();
    if axes.is_empty() {
        return Err(FitError::Constant);
    }
    let borders: Vec<Vec<f32>> = axes.iter().map(|&a| even(values, width, a)).collect();
    let taken = rows.min(1 << spec.max_depth);
    let mut ensemble = Ensemble { features: width, base: vec![1.0], width: 1, trees: Vec::new() };
    // A single row has no length to be compared with.
    let unit = -1.0 / (spec.trees as f64 * usual(taken).max(1.0));
    for number in 0..spec.trees {
        let mut rng = ChaCha8Rng::seed_from_u64(spec.seed);
        rng.set_stream(number as u64 + 1);
        let mut order: Vec<usize> = (0..rows).collect();
        for i in 0..taken {
            let other = rng.random_range(i..rows);
            order.swap(i, other);
        }
        order.truncate(taken);
        let mut grower = Grower {
            values,
            width,
            axes: &axes,
            borders: &borders,
            deepest: spec.max_depth,
            rng,
            tree: Tree::default(),
            unit,
        };
        grower.node(&mut order, 0);
        ensemble.push(grower.tree);
    }
    let mut made = Isolation { ensemble, axes, threshold: 0.0 };
    let judged = if held_out.is_empty() { values } else { held_out };
    let scores = judged.chunks_exact(width).map(|row| made.score(row)).collect();
    made.threshold = quantile(scores, spec.false_alarm_rate);
    Ok(made)
}

/// Evenly spaced borders between the least and the largest value of a column.
fn even(values: &[f32], width: usize, column: usize) -> Vec<f32> {
    let of = || values.iter().skip(column).step_by(width).copied();
    let (low, high) = of().fold((f32::MAX, f32::MIN), |(l, h), v| (l.min(v), h.max(v)));
    let (low, span) = (f64::from(low), f64::from(high) - f64::from(low));
    let mut all: Vec<f32> =
        (0..MOST_EDGES).map(|i| (low + span * (i as f64 + 0.5) / MOST_EDGES as f64) as f32).collect();
    all.dedup();
    all
}

struct Grower<'a> {
    values: &'a [f32],
    width: usize,
    axes: &'a [usize],
    borders: &'a [Vec<f32>],
    deepest: usize,
    rng: ChaCha8Rng,
    tree: Tree,
    /// What a split takes from the score.
    unit: f64,
}

impl Grower<'_> {
    fn value(&self, row: usize, axis: usize) -> f32 {
        self.values[row * self.width + self.axes[axis]]
    }

    /// Grows a node on its rows; returns its number as a child.
    fn node(&mut self, rows: &mut [usize], depth: usize) -> i32 {
        let split = if rows.len() < 2 || depth == self.deepest { None } else { self.split(rows) };
        let Some((axis, threshold)) = split else {
            let length = depth as f64 + usual(rows.len());
            self.tree.leaves.push((self.unit * length) as f32);
            return -(self.tree.leaves.len() as i32);
        };
        let mut middle = 0;
        for i in 0..rows.len() {
            if self.value(rows[i], axis) <= threshold {
                rows.swap(i, middle);
                middle += 1;
            }
        }
        let number = self.tree.splits.len();
        self.tree.splits.push(Split { feature: self.axes[axis], threshold, left: 0, right: 0 });
        let (left, right) = rows.split_at_mut(middle);
        let left = self.node(left, depth + 1);
        let right = self.node(right, depth + 1);
        (self.tree.splits[number].left, self.tree.splits[number].right) = (left, right);
        number as i32
    }

    /// A random feature that a border parts, and the border nearest to a random value between its least and largest.
    fn split(&mut self, rows: &[usize]) -> Option<(usize, f32)> {
        let mut left: Vec<usize> = (0..self.axes.len()).collect();
        while !left.is_empty() {
            let axis = left.swap_remove(self.rng.random_range(0..left.len()));
            let (low, high) = rows.iter().fold((f32::MAX, f32::MIN), |(l, h), &r| {
                let v = self.value(r, axis);
                (l.min(v), h.max(v))
            });
            let borders = &self.borders[axis];
            // Those with rows on both sides.
            let first = borders.partition_point(|b| *b < low);
            let last = borders.partition_point(|b| *b < high);
            if first >= last {
                continue;
            }
            let drawn = low + (high - low) * self.rng.random::<f32>();
            let above = borders.partition_point(|b| *b < drawn).clamp(first, last - 1);
            let below = above.saturating_sub(1).max(first);
            let nearer = if drawn - borders[below] < borders[above] - drawn { below } else { above };
            return Some((axis, borders[nearer]));
        }
        None
    }
}

impl Isolation {
    /// Score of a row.
    pub fn score(&self, row: &[f32]) -> f32 {
        let mut sum = self.ensemble.base[0];
        for tree in &self.ensemble.trees {
            let mut at = 0i32;
            while at >= 0 {
                let split = &tree.splits[at as usize];
                at = if row[split.feature] <= split.threshold { split.left } else { split.right };
            }
            sum += tree.leaves[!at as usize];
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        graph::{Head, of_trees},
        metrics::auroc,
    };
    use edgewright_ir::{interpret::Interpreter, quantize};

    /// A cloud with a tail along one column, and a column that does not vary.
    fn cloud(rows: usize, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut normal = || (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0;
        (0..rows).flat_map(|_| [normal(), 100.0 + 10.0 * normal(), 3.0]).collect()
    }

    /// A ring around it.
    fn ring(rows: usize) -> Vec<f32> {
        (0..rows)
            .flat_map(|i| {
                let t = std::f32::consts::TAU * i as f32 / rows as f32;
                [4.5 * t.cos(), 100.0 + 45.0 * t.sin(), 3.0]
            })
            .collect()
    }

    #[test]
    fn what_lies_around_the_cloud_is_set_apart_sooner() {
        let model = fit(&cloud(500, 1), 3, &cloud(500, 2), &Spec::default()).expect("fitted");
        assert_eq!(model.axes, [0, 1], "a constant column says nothing");
        assert_eq!(model.ensemble.trees.len(), 50);
        let scores = |rows: &[f32]| rows.chunks_exact(3).map(|r| model.score(r)).collect::<Vec<_>>();
        let (normal, around) = (scores(&cloud(500, 3)), scores(&ring(200)));
        let a = auroc(&normal, &around).value;
        assert!(a > 0.99, "{a}");
        assert!(normal.iter().chain(&around).all(|s| *s <= 1.0 && *s > -1.5));
        let alarms = normal.iter().filter(|s| **s > model.threshold).count();
        assert!(alarms < 25, "{alarms}");
        // The middle takes about as many splits as are usual.
        assert!(model.score(&[0.0, 100.0, 3.0]).abs() < 0.3, "{}", model.score(&[0.0, 100.0, 3.0]));
        let again = fit(&cloud(500, 1), 3, &cloud(500, 2), &Spec::default()).expect("fitted");
        assert_eq!(model, again, "the same seed");
    }

    #[test]
    fn bytes_decide_as_floats_do() {
        let model = fit(&cloud(500, 1), 3, &[], &Spec::default()).expect("fitted");
        let float = of_trees(&model.ensemble, Head::Plain, "isolation");
        let inputs: Vec<Vec<f32>> = cloud(64, 4).chunks_exact(3).map(<[f32]>::to_vec).collect();
        let int8 = quantize::closest(&float, &inputs).expect("quantised").int8;
        let (mut a, mut b) =
            (Interpreter::new(&float).expect("valid"), Interpreter::new(&int8).expect("valid"));
        for row in cloud(100, 5).chunks_exact(3).chain(ring(40).chunks_exact(3)) {
            let (mut x, mut y) = ([0.0], [0.0]);
            a.run(row, &mut x).expect("runs");
            b.run(row, &mut y).expect("runs");
            assert_eq!(x[0], model.score(row), "{row:?}");
            assert!((x[0] - y[0]).abs() < 1e-3, "{row:?}: {x:?} {y:?}");
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_named() {
        assert_eq!(fit(&[1.0, 1.0], 1, &[], &Spec::default()), Err(FitError::Constant));
        assert_eq!(fit(&[], 1, &[], &Spec::default()), Err(FitError::Empty));
        let none = Spec { trees: 0, ..Spec::default() };
        assert!(fit(&[1.0, 2.0], 1, &[], &none).is_err());
        let deep = Spec { max_depth: 13, ..Spec::default() };
        assert!(fit(&[1.0, 2.0], 1, &[], &deep).is_err());
        // Two rows are parted by one split.
        assert!(fit(&[1.0, 2.0], 1, &[], &Spec::default()).is_ok());
    }
}
