//! Gradient boosting of trees: classes by softmax, numbers by squared error.
//!
//! # Source
//! Friedman, "Greedy Function Approximation", Annals of Statistics 29 (2001), with second-order leaf values and trees that grow at the
//! leaf of the largest gain on features in 256 steps, as Ke et al., "LightGBM", NeurIPS 2017.

use crate::{
    FitError,
    bins::Bins,
    forest::{Targets, partition},
};
use edgewright_ir::{
    math::{exp, ln},
    trees::{Ensemble, Split, Tree},
};

/// Smallest sum of second derivatives of a leaf.
const LEAST_HESSIAN: f64 = 1e-3;

/// How trees are boosted.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Rounds, at most, 1 to 10,000; each adds one tree (one for each class when there are more than two).
    pub rounds: usize,
    /// Leaves of a tree, at most, 2 to 4096.
    pub max_leaves: usize,
    /// Splits from root to leaf, at most, 1 to 64.
    pub max_depth: usize,
    /// Rows of a leaf, at least 1.
    pub min_leaf: usize,
    /// Share of each tree's answer that is added, above 0 to 1.
    pub learning_rate: f64,
    /// Pull of leaf values towards zero, 0 or more.
    pub l2: f64,
    /// Rounds without a smaller validation loss before boosting stops; 0 goes on to the end.
    pub patience: usize,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            rounds: 100,
            max_leaves: 31,
            max_depth: 8,
            min_leaf: 20,
            learning_rate: 0.1,
            l2: 0.0,
            patience: 20,
        }
    }
}

/// One round, for the learning curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// Mean loss on the training rows: cross-entropy, or half the squared error.
    pub loss: f64,
    /// Share of right classes, or R2.
    pub metric: f64,
    /// Both on the validation rows, when there are any.
    pub validation: Option<(f64, f64)>,
}

/// What boosting made.
#[derive(Clone, Debug, PartialEq)]
pub struct Boosted {
    /// One sum for each class (the first stays 0 when there are two), before softmax; or the number.
    pub ensemble: Ensemble,
    /// Every round that was computed.
    pub history: Vec<Round>,
    /// Rounds that were kept.
    pub rounds: usize,
}

/// A matrix with its targets and the sums that trees gave its rows so far.
struct Side<'a> {
    bins: &'a Bins,
    targets: Targets<'a>,
    /// One column for each output that trees add to.
    sums: Vec<Vec<f64>>,
    /// Probabilities of the classes after the last round, row by row.
    shares: Vec<f64>,
}

/// Boosts trees on binned rows; `validation` holds other rows in the same bins ([`Bins::same`]). `watch` sees every round and says
/// whether to go on.
///
/// # Errors
/// [`FitError::Lengths`], [`FitError::NotFinite`] for a target, [`FitError::Setting`].
pub fn fit(
    bins: &Bins,
    targets: Targets<'_>,
    validation: Option<(&Bins, Targets<'_>)>,
    spec: &Spec,
    watch: &mut dyn FnMut(usize, &Round) -> bool,
) -> Result<Boosted, FitError> {
    check(spec)?;
    targets.check(bins.rows())?;
    if let Some((other, targets)) = &validation {
        targets.check(other.rows())?;
    }
    let base = start(&targets);
    let sums = |bins: &Bins| -> Vec<Vec<f64>> { base.iter().map(|b| vec![*b; bins.rows()]).collect() };
    let mut train = Side { bins, targets, sums: sums(bins), shares: Vec::new() };
    let mut other = validation.filter(|(b, _)| b.rows() > 0).map(|(bins, targets)| Side {
        bins,
        targets,
        sums: sums(bins),
        shares: Vec::new(),
    });
    train.spread();
    let binary = matches!(targets, Targets::Classes(_, 2));
    let mut trees: Vec<Tree> = Vec::new();
    let (mut history, mut best, mut kept) = (Vec::new(), f64::INFINITY, 0);
    let mut grower = Grower::new(bins, spec);
    for round in 0..spec.rounds {
        let gradients = gradients(&train);
        let mut grown = false;
        for (k, (g, h)) in gradients.iter().enumerate() {
            let tree = grower.tree(g, h);
            grown |= !tree.splits.is_empty();
            for row in 0..bins.rows() {
                train.sums[k][row] += f64::from(tree.leaves[grower.leaf_of[row] as usize]);
            }
            if let Some(other) = &mut other {
                for row in 0..other.bins.rows() {
                    other.sums[k][row] += f64::from(grower.answer(&tree, other.bins, row));
                }
            }
            trees.push(Tree { first: k + usize::from(binary), ..tree });
        }
        train.spread();
        if let Some(other) = &mut other {
            other.spread();
        }
        let (loss, metric) = judge(&train);
        let made = Round { loss, metric, validation: other.as_ref().map(judge) };
        history.push(made);
        let watched = made.validation.map_or(loss, |v| v.0);
        if watched < best || other.is_none() {
            (best, kept) = (watched, round + 1);
        }
        let waited = round + 1 - kept;
        if !watch(round + 1, &made) || !grown || (spec.patience > 0 && waited >= spec.patience) {
            break;
        }
    }
    let outputs = base.len() + usize::from(binary);
    let mut ensemble =
        Ensemble { features: bins.features(), base: vec![0.0; outputs], width: 1, trees: Vec::new() };
    for (k, b) in base.iter().enumerate() {
        ensemble.base[k + usize::from(binary)] = *b as f32;
    }
    for tree in trees.into_iter().take(kept * base.len()) {
        ensemble.push(tree);
    }
    Ok(Boosted { ensemble, history, rounds: kept })
}

fn check(spec: &Spec) -> Result<(), FitError> {
    let fail = |name, value: String, possible| Err(FitError::Setting { name, value, possible });
    if !(1..=10_000).contains(&spec.rounds) {
        return fail("trees", spec.rounds.to_string(), "1 to 10000 are possible");
    }
    if !(2..=4096).contains(&spec.max_leaves) {
        return fail("max_leaves", spec.max_leaves.to_string(), "2 to 4096 are possible");
    }
    if !(1..=64).contains(&spec.max_depth) {
        return fail("max_depth", spec.max_depth.to_string(), "1 to 64 are possible");
    }
    if spec.min_leaf == 0 {
        return fail("min_leaf", "0".into(), "at least 1 is possible");
    }
    if !(spec.learning_rate > 0.0 && spec.learning_rate <= 1.0) {
        return fail("learning_rate", spec.learning_rate.to_string(), "above 0 to 1 is possible");
    }
    if !(spec.l2 >= 0.0 && spec.l2.is_finite()) {
        return fail("l2", spec.l2.to_string(), "0 or more is possible");
    }
    Ok(())
}

/// Sums before the first tree: logarithms of the classes' shares (their difference for two), or the mean.
fn start(targets: &Targets<'_>) -> Vec<f64> {
    match targets {
        Targets::Values(of) => {
            vec![of.iter().map(|v| f64::from(*v)).sum::<f64>() / of.len().max(1) as f64]
        }
        Targets::Classes(of, count) => {
            let mut counts = vec![0usize; *count];
            of.iter().for_each(|&c| counts[c as usize] += 1);
            let share = |n: usize| ln((n as f64).max(1e-3) / of.len().max(1) as f64);
            if *count == 2 {
                vec![share(counts[1]) - share(counts[0])]
            } else {
                counts.into_iter().map(share).collect()
            }
        }
    }
}

impl Side<'_> {
    /// Brings the probabilities up to date with the sums.
    fn spread(&mut self) {
        let Targets::Classes(_, count) = self.targets else { return };
        self.shares.resize(self.bins.rows() * count, 0.0);
        let binary = self.sums.len() == 1;
        for (row, out) in self.shares.chunks_exact_mut(count).enumerate() {
            out[0] = 0.0;
            let own = if binary { &mut out[1..] } else { &mut *out };
            own.iter_mut().zip(&self.sums).for_each(|(v, s)| *v = s[row]);
            let top = out.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            out.iter_mut().for_each(|v| *v = exp(*v - top));
            let sum: f64 = out.iter().sum();
            out.iter_mut().for_each(|v| *v /= sum);
        }
    }
}

/// First and second derivatives of the loss, for each output.
fn gradients(side: &Side<'_>) -> Vec<(Vec<f32>, Vec<f32>)> {
    let rows = side.bins.rows();
    let mut out = vec![(vec![0.0f32; rows], vec![1.0f32; rows]); side.sums.len()];
    match side.targets {
        Targets::Values(of) => {
            for (row, truth) in of.iter().enumerate() {
                out[0].0[row] = (side.sums[0][row] - f64::from(*truth)) as f32;
            }
        }
        Targets::Classes(of, count) => {
            let binary = usize::from(side.sums.len() == 1);
            // As LightGBM: the bound on the second derivative that holds for the whole matrix of a softmax.
            let factor = if binary == 1 { 1.0 } else { count as f64 / (count as f64 - 1.0) };
            for (row, p) in side.shares.chunks_exact(count).enumerate() {
                for (k, (g, h)) in out.iter_mut().enumerate() {
                    let share = p[k + binary];
                    let is = f64::from(u8::from(of[row] as usize == k + binary));
                    g[row] = (share - is) as f32;
                    h[row] = (factor * share * (1.0 - share)) as f32;
                }
            }
        }
    }
    out
}

/// Mean loss, and share of right classes or R2.
fn judge(side: &Side<'_>) -> (f64, f64) {
    let rows = side.bins.rows() as f64;
    match side.targets {
        Targets::Values(of) => {
            let mean = of.iter().map(|v| f64::from(*v)).sum::<f64>() / rows;
            let (mut error, mut spread) = (0.0, 0.0);
            for (truth, sum) in of.iter().zip(&side.sums[0]) {
                error += (sum - f64::from(*truth)).powi(2);
                spread += (mean - f64::from(*truth)).powi(2);
            }
            (0.5 * error / rows, if spread > 0.0 { 1.0 - error / spread } else { 0.0 })
        }
        Targets::Classes(of, count) => {
            let (mut loss, mut right) = (0.0, 0);
            for (&class, p) in of.iter().zip(side.shares.chunks_exact(count)) {
                loss -= ln(p[class as usize].max(1e-300));
                let mut said = 0;
                for (k, share) in p.iter().enumerate() {
                    if *share > p[said] {
                        said = k;
                    }
                }
                right += usize::from(said == class as usize);
            }
            (loss / rows, right as f64 / rows)
        }
    }
}

/// Sums over the rows of one byte.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    g: f64,
    h: f64,
    n: u32,
}

/// A leaf that may be split.
struct Leaf {
    /// Where its rows lie.
    from: usize,
    to: usize,
    depth: usize,
    total: Cell,
    cells: Vec<Cell>,
    best: Option<Best>,
    /// Where the tree refers to it: split and side.
    parent: Option<(usize, bool)>,
}

#[derive(Clone, Copy)]
struct Best {
    gain: f64,
    feature: usize,
    bin: u8,
}

struct Grower<'a> {
    bins: &'a Bins,
    spec: &'a Spec,
    /// First cell of each feature.
    places: Vec<usize>,
    order: Vec<u32>,
    /// Leaf of each row in the last tree.
    leaf_of: Vec<u32>,
    /// Byte of each split of the last tree.
    split_bins: Vec<u8>,
    ordered: Vec<(f32, f32)>,
}

impl<'a> Grower<'a> {
    fn new(bins: &'a Bins, spec: &'a Spec) -> Self {
        let mut places = vec![0];
        for f in 0..bins.features() {
            places.push(places[f] + bins.edges(f).len() + 1);
        }
        let rows = bins.rows();
        Self {
            bins,
            spec,
            places,
            order: Vec::with_capacity(rows),
            leaf_of: vec![0; rows],
            split_bins: Vec::new(),
            ordered: Vec::new(),
        }
    }

    fn sums(&mut self, from: usize, to: usize, g: &[f32], h: &[f32]) -> (Vec<Cell>, Cell) {
        let rows = &self.order[from..to];
        self.ordered.clear();
        self.ordered.extend(rows.iter().map(|&r| (g[r as usize], h[r as usize])));
        let mut total = Cell { n: rows.len() as u32, ..Cell::default() };
        for (g, h) in &self.ordered {
            total.g += f64::from(*g);
            total.h += f64::from(*h);
        }
        let mut cells = vec![Cell::default(); self.places[self.bins.features()]];
        for f in 0..self.bins.features() {
            let own = &mut cells[self.places[f]..self.places[f + 1]];
            if own.len() < 2 {
                continue;
            }
            let column = self.bins.column(f);
            for (&r, (g, h)) in rows.iter().zip(&self.ordered) {
                let cell = &mut own[usize::from(column[r as usize])];
                cell.g += f64::from(*g);
                cell.h += f64::from(*h);
                cell.n += 1;
            }
        }
        (cells, total)
    }

    fn gain(&self, c: &Cell) -> f64 {
        c.g * c.g / (c.h + self.spec.l2).max(1e-300)
    }

    /// The split of a leaf with the largest gain; the first of equals.
    fn best(&self, leaf: &Leaf) -> Option<Best> {
        let least = self.spec.min_leaf as u32;
        if leaf.depth >= self.spec.max_depth || leaf.total.n < 2 * least {
            return None;
        }
        let whole = self.gain(&leaf.total);
        let mut best: Option<Best> = None;
        for f in 0..self.bins.features() {
            let mut low = Cell::default();
            let own = &leaf.cells[self.places[f]..self.places[f + 1]];
            for (bin, cell) in own[..own.len() - 1].iter().enumerate() {
                if cell.n == 0 {
                    continue;
                }
                low = Cell { g: low.g + cell.g, h: low.h + cell.h, n: low.n + cell.n };
                let high = Cell { g: leaf.total.g - low.g, h: leaf.total.h - low.h, n: leaf.total.n - low.n };
                if high.n < least {
                    break;
                }
                if low.n < least || low.h < LEAST_HESSIAN || high.h < LEAST_HESSIAN {
                    continue;
                }
                let gain = self.gain(&low) + self.gain(&high) - whole;
                if gain > 1e-9 * (1.0 + whole) && best.is_none_or(|b| gain > b.gain) {
                    best = Some(Best { gain, feature: f, bin: bin as u8 });
                }
            }
        }
        best
    }

    /// One tree for first and second derivatives; its leaves are scaled by the learning rate.
    fn tree(&mut self, g: &[f32], h: &[f32]) -> Tree {
        let rows = self.bins.rows();
        self.order.clear();
        self.order.extend(0..rows as u32);
        self.split_bins.clear();
        let (cells, total) = self.sums(0, rows, g, h);
        let mut root = Leaf { from: 0, to: rows, depth: 0, total, cells, best: None, parent: None };
        root.best = self.best(&root);
        let mut leaves = vec![root];
        let mut splits: Vec<Split> = Vec::new();
        while leaves.len() < self.spec.max_leaves {
            let mut chosen: Option<(usize, Best)> = None;
            for (i, leaf) in leaves.iter().enumerate() {
                if let Some(b) = leaf.best
                    && chosen.is_none_or(|c| b.gain > c.1.gain)
                {
                    chosen = Some((i, b));
                }
            }
            let Some((at, best)) = chosen else { break };
            let leaf = &mut leaves[at];
            let (from, to, depth) = (leaf.from, leaf.to, leaf.depth + 1);
            let cells = std::mem::take(&mut leaf.cells);
            let (total, parent) = (leaf.total, leaf.parent);
            let column = self.bins.column(best.feature);
            let middle = from + partition(&mut self.order[from..to], |r| column[r as usize] <= best.bin);
            // The smaller side is counted, the larger is what remains.
            let left_small = middle - from <= to - middle;
            let (a, b) = if left_small { (from, middle) } else { (middle, to) };
            let (small, small_total) = self.sums(a, b, g, h);
            let mut large = cells;
            for (l, s) in large.iter_mut().zip(&small) {
                *l = Cell { g: l.g - s.g, h: l.h - s.h, n: l.n - s.n };
            }
            let large_total =
                Cell { g: total.g - small_total.g, h: total.h - small_total.h, n: total.n - small_total.n };
            let number = splits.len();
            let threshold = self.bins.edges(best.feature)[usize::from(best.bin)];
            splits.push(Split { feature: best.feature, threshold, left: 0, right: 0 });
            self.split_bins.push(best.bin);
            if let Some((split, is_left)) = parent {
                let child = if is_left { &mut splits[split].left } else { &mut splits[split].right };
                *child = number as i32;
            }
            let sides = if left_small {
                [(small, small_total), (large, large_total)]
            } else {
                [(large, large_total), (small, small_total)]
            };
            let [(left, left_total), (right, right_total)] = sides;
            let half = |from, to, cells, total, is_left| Leaf {
                from,
                to,
                depth,
                total,
                cells,
                best: None,
                parent: Some((number, is_left)),
            };
            let mut left = half(from, middle, left, left_total, true);
            let mut right = half(middle, to, right, right_total, false);
            left.best = self.best(&left);
            right.best = self.best(&right);
            leaves[at] = left;
            leaves.push(right);
        }
        let mut values = Vec::with_capacity(leaves.len());
        for (i, leaf) in leaves.iter().enumerate() {
            if let Some((split, is_left)) = leaf.parent {
                let child = if is_left { &mut splits[split].left } else { &mut splits[split].right };
                *child = -1 - i as i32;
            }
            let value = -leaf.total.g / (leaf.total.h + self.spec.l2).max(LEAST_HESSIAN);
            values.push((value * self.spec.learning_rate) as f32);
            for &r in &self.order[leaf.from..leaf.to] {
                self.leaf_of[r as usize] = i as u32;
            }
        }
        Tree { first: 0, splits, leaves: values }
    }

    /// What the last tree says of a row in the same bins.
    fn answer(&self, tree: &Tree, bins: &Bins, row: usize) -> f32 {
        let mut at = if tree.splits.is_empty() { -1 } else { 0 };
        while at >= 0 {
            let s = &tree.splits[at as usize];
            let left = bins.column(s.feature)[row] <= self.split_bins[at as usize];
            at = if left { s.left } else { s.right };
        }
        tree.leaves[!at as usize]
    }
}
