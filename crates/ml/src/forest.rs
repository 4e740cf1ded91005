//! Random forests of classes and of numbers.
//!
//! # Source
//! Breiman, "Random Forests", Machine Learning 45 (2001): each tree on a bootstrap sample, each split the best of a random choice of
//! features (Gini impurity, squared error); here on features in 256 steps.

use crate::{FitError, bins::Bins};
use edgewright_ir::trees::{Ensemble, Split, Tree};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rows of a node below which they are sorted instead of counted.
const FEW: usize = 48;

/// How a forest is grown.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Number of trees, 1 to 10,000.
    pub trees: usize,
    /// Splits from root to leaf, at most, 1 to 64.
    pub max_depth: usize,
    /// Rows of a leaf, at least 1.
    pub min_leaf: usize,
    /// Features that are tried for a split; `None`: the root of their number for classes, a third for numbers.
    pub features: Option<usize>,
    /// Seed of samples and choices.
    pub seed: u64,
}

impl Default for Spec {
    fn default() -> Self {
        Self { trees: 50, max_depth: 10, min_leaf: 2, features: None, seed: 1 }
    }
}

/// What rows are.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// A class each, below the count.
    Classes(&'a [u32], usize),
    /// A number each.
    Values(&'a [f32]),
}

impl Targets<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Classes(of, _) => of.len(),
            Self::Values(of) => of.len(),
        }
    }
    /// Values of a leaf.
    pub(crate) fn width(&self) -> usize {
        if let Self::Classes(_, count) = self { *count } else { 1 }
    }
    /// Refuses targets that do not fit the rows.
    pub(crate) fn check(&self, rows: usize) -> Result<(), FitError> {
        if self.len() != rows {
            return Err(FitError::Lengths { rows, targets: self.len() });
        }
        let bad = match self {
            Self::Classes(of, count) => of.iter().position(|c| *c as usize >= *count),
            Self::Values(of) => of.iter().position(|v| !v.is_finite()),
        };
        match bad {
            Some(row) => Err(FitError::NotFinite { row, column: 0 }),
            None => Ok(()),
        }
    }
}

/// A forest that grows tree by tree, in any order and on any thread.
#[derive(Clone, Debug)]
pub struct Forest<'a> {
    bins: &'a Bins,
    targets: Targets<'a>,
    /// Mean of the values: sums are of what they differ by, so that nothing is lost where they lie far from zero.
    middle: f64,
    spec: Spec,
    tried: usize,
}

impl<'a> Forest<'a> {
    /// Checks rows, targets and settings.
    ///
    /// # Errors
    /// [`FitError::Lengths`], [`FitError::NotFinite`] for a target, [`FitError::Setting`].
    pub fn new(bins: &'a Bins, targets: Targets<'a>, spec: &Spec) -> Result<Self, FitError> {
        targets.check(bins.rows())?;
        let setting = |name, value: usize, low: usize, high: usize, possible| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(FitError::Setting { name, value: value.to_string(), possible })
            }
        };
        setting("trees", spec.trees, 1, 10_000, "1 to 10000 are possible")?;
        setting("max_depth", spec.max_depth, 1, 64, "1 to 64 are possible")?;
        setting("min_leaf", spec.min_leaf, 1, usize::MAX, "at least 1 is possible")?;
        let all = bins.features();
        let usual = match targets {
            Targets::Classes(..) => (1..=all).rfind(|n| n * n <= all).unwrap_or(1),
            Targets::Values(_) => all.div_ceil(3),
        };
        let tried = spec.features.unwrap_or(usual).clamp(1, all);
        let middle = match targets {
            Targets::Classes(..) => 0.0,
            Targets::Values(of) => of.iter().map(|v| f64::from(*v)).sum::<f64>() / of.len().max(1) as f64,
        };
        Ok(Self { bins, targets, middle, spec: spec.clone(), tried })
    }

    /// Tree number `number`.
    pub fn tree(&self, number: usize) -> Tree {
        let mut rng = ChaCha8Rng::seed_from_u64(self.spec.seed);
        rng.set_stream(number as u64 + 1);
        let rows = self.bins.rows();
        let mut weights = vec![0u32; rows];
        for _ in 0..rows {
            weights[rng.random_range(0..rows)] += 1;
        }
        let picked: Vec<u32> = (0..rows as u32).filter(|&r| weights[r as usize] > 0).collect();
        let mut grower = Grower {
            forest: self,
            weights: &weights,
            features: (0..self.bins.features() as u32).collect(),
            rng,
            cells: vec![Cell::default(); 256 * self.cells()],
            keys: Vec::new(),
            tree: Tree::default(),
        };
        let mut order = picked;
        grower.node(&mut order, 0);
        grower.tree
    }

    /// Numbers that are counted for each byte: one for each class; weight, sum and sum of squares.
    fn cells(&self) -> usize {
        if let Targets::Classes(_, count) = self.targets { count } else { 1 }
    }

    /// The forest of all its trees in order.
    pub fn finish(&self, trees: Vec<Tree>) -> Ensemble {
        let width = self.targets.width();
        let mut made =
            Ensemble { features: self.bins.features(), base: vec![0.0; width], width, trees: Vec::new() };
        let share = 1.0 / trees.len().max(1) as f32;
        for mut tree in trees {
            tree.leaves.iter_mut().for_each(|v| *v *= share);
            made.push(tree);
        }
        made
    }
}

/// Rows of one class, or numbers: weight and sum.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    weight: f64,
    sum: f64,
}

/// The best split that was found.
#[derive(Clone, Copy)]
struct Best {
    gain: f64,
    feature: usize,
    bin: u8,
}

struct Grower<'a> {
    forest: &'a Forest<'a>,
    weights: &'a [u32],
    features: Vec<u32>,
    rng: ChaCha8Rng,
    cells: Vec<Cell>,
    keys: Vec<(u8, u32)>,
    tree: Tree,
}

impl Grower<'_> {
    fn add(cells: &mut [Cell], forest: &Forest<'_>, row: usize, weight: f64) {
        match forest.targets {
            Targets::Classes(of, _) => cells[of[row] as usize].weight += weight,
            Targets::Values(of) => {
                cells[0].weight += weight;
                cells[0].sum += weight * (f64::from(of[row]) - forest.middle);
            }
        }
    }

    /// What a split raises: the sum over both sides of (sum of squares of what is counted) / weight.
    fn score(targets: &Targets<'_>, side: &[Cell]) -> (f64, f64) {
        match targets {
            Targets::Classes(..) => {
                let weight: f64 = side.iter().map(|c| c.weight).sum();
                (side.iter().map(|c| c.weight * c.weight).sum::<f64>() / weight.max(1e-300), weight)
            }
            Targets::Values(_) => (side[0].sum * side[0].sum / side[0].weight.max(1e-300), side[0].weight),
        }
    }

    /// Grows a node on its rows; returns its number as a child.
    fn node(&mut self, rows: &mut [u32], depth: usize) -> i32 {
        let targets = self.forest.targets;
        let width = self.forest.cells();
        let mut all = vec![Cell::default(); width];
        for &r in rows.iter() {
            Self::add(&mut all, self.forest, r as usize, f64::from(self.weights[r as usize]));
        }
        let (whole, weight) = Self::score(&targets, &all);
        let pure = match targets {
            Targets::Classes(..) => all.iter().filter(|c| c.weight > 0.0).count() < 2,
            Targets::Values(of) => rows.iter().all(|&r| of[r as usize] == of[rows[0] as usize]),
        };
        let least = self.forest.spec.min_leaf as f64;
        let split = if pure || depth >= self.forest.spec.max_depth || weight < 2.0 * least {
            None
        } else {
            self.best(rows, &all, whole)
        };
        let Some(best) = split else {
            let number = self.tree.leaves.len() / targets.width();
            match targets {
                Targets::Classes(..) => {
                    self.tree.leaves.extend(all.iter().map(|c| (c.weight / weight) as f32));
                }
                Targets::Values(_) => {
                    self.tree.leaves.push((self.forest.middle + all[0].sum / weight) as f32);
                }
            }
            return -1 - number as i32;
        };
        let column = self.forest.bins.column(best.feature);
        let middle = partition(rows, |r| column[r as usize] <= best.bin);
        let number = self.tree.splits.len();
        let threshold = self.forest.bins.edges(best.feature)[usize::from(best.bin)];
        self.tree.splits.push(Split { feature: best.feature, threshold, left: 0, right: 0 });
        let (left, right) = rows.split_at_mut(middle);
        let left = self.node(left, depth + 1);
        let right = self.node(right, depth + 1);
        (self.tree.splits[number].left, self.tree.splits[number].right) = (left, right);
        number as i32
    }

    /// The best split of a random choice of features; further features are tried while none can be split.
    fn best(&mut self, rows: &[u32], all: &[Cell], whole: f64) -> Option<Best> {
        let mut best: Option<Best> = None;
        let count = self.features.len();
        for i in 0..count {
            if i >= self.forest.tried && best.is_some() {
                break;
            }
            let other = self.rng.random_range(i..count);
            self.features.swap(i, other);
            let feature = self.features[i] as usize;
            if let Some(found) = self.split(rows, all, whole, feature)
                && best.is_none_or(|b| found.gain > b.gain)
            {
                best = Some(found);
            }
        }
        best
    }

    fn split(&mut self, rows: &[u32], all: &[Cell], whole: f64, feature: usize) -> Option<Best> {
        let forest = self.forest;
        let (targets, width) = (forest.targets, all.len());
        let column = forest.bins.column(feature);
        let edges = forest.bins.edges(feature).len();
        if edges == 0 {
            return None;
        }
        let least = forest.spec.min_leaf as f64;
        let mut left = vec![Cell::default(); width];
        let mut best: Option<Best> = None;
        let mut judge = |left: &[Cell], bin: u8| {
            let (low, before) = Self::score(&targets, left);
            let right: Vec<Cell> = all
                .iter()
                .zip(left)
                .map(|(a, l)| Cell { weight: a.weight - l.weight, sum: a.sum - l.sum })
                .collect();
            let (high, behind) = Self::score(&targets, &right);
            let gain = low + high - whole;
            if before >= least
                && behind >= least
                && gain > 1e-9 * (1.0 + whole.abs())
                && best.is_none_or(|b| gain > b.gain)
            {
                best = Some(Best { gain, feature, bin });
            }
        };
        if rows.len() <= FEW {
            self.keys.clear();
            self.keys.extend(rows.iter().map(|&r| (column[r as usize], r)));
            self.keys.sort_unstable();
            for (i, &(bin, row)) in self.keys.iter().enumerate() {
                Self::add(&mut left, forest, row as usize, f64::from(self.weights[row as usize]));
                if self.keys.get(i + 1).is_some_and(|next| next.0 != bin) {
                    judge(&left, bin);
                }
            }
            return best;
        }
        let cells = &mut self.cells[..(edges + 1) * width];
        cells.fill(Cell::default());
        for &r in rows {
            let bin = usize::from(column[r as usize]);
            let own = &mut cells[bin * width..(bin + 1) * width];
            Self::add(own, forest, r as usize, f64::from(self.weights[r as usize]));
        }
        for (bin, own) in cells.chunks_exact(width).take(edges).enumerate() {
            if own.iter().all(|c| c.weight == 0.0) {
                continue;
            }
            for (l, c) in left.iter_mut().zip(own) {
                l.weight += c.weight;
                l.sum += c.sum;
            }
            judge(&left, bin as u8);
        }
        best
    }
}

/// Brings those that pass to the front, in order within both parts; returns how many pass.
pub(crate) fn partition(rows: &mut [u32], pass: impl Fn(u32) -> bool) -> usize {
    let mut rest = Vec::with_capacity(rows.len());
    let mut front = 0;
    for i in 0..rows.len() {
        let row = rows[i];
        if pass(row) {
            rows[front] = row;
            front += 1;
        } else {
            rest.push(row);
        }
    }
    rows[front..].copy_from_slice(&rest);
    front
}
