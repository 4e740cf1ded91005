//! Sums of decision trees, and the bytes that their integer form compares.

/// Tables of an ensemble.
#[derive(Clone, Copy, Debug)]
pub struct Trees<'a> {
    /// Four numbers a split: feature, threshold, left, right. A child of 0 or more is a split of the same tree behind this one, a
    /// negative child is the leaf `-1 - child`.
    pub nodes: &'a [i32],
    /// Two numbers a tree: number of splits, first output that its leaves add to.
    pub trees: &'a [i32],
    /// Leaves are counted over all trees; else from the first leaf of the tree, which has one more than splits.
    pub shared: bool,
    /// Values of a leaf.
    pub width: usize,
}

impl Trees<'_> {
    /// Calls `add` with first output and row of the leaf for each tree in order; `left` says whether a value of the feature lies at
    /// or below the threshold.
    fn each(&self, left: impl Fn(usize, i32) -> bool, mut add: impl FnMut(usize, usize)) {
        let (mut split, mut row) = (0, 0);
        for tree in self.trees.chunks_exact(2) {
            let count = tree[0] as usize;
            let nodes = &self.nodes[4 * split..4 * (split + count)];
            let mut at = 0i32;
            while at >= 0 {
                let n = &nodes[4 * at as usize..4 * at as usize + 4];
                at = if left(n[0] as usize, n[1]) { n[2] } else { n[3] };
            }
            add(tree[1] as usize, row + !at as usize);
            split += count;
            row += if self.shared { 0 } else { count + 1 };
        }
    }
}

/// Sum over float inputs: a split goes left when `x[feature] <= thresholds[threshold]`, so what is not a number goes right.
/// `out` is `base` and the leaves of all trees in order; `leaves` are rows of [`Trees::width`] values.
pub fn tree_ensemble_f32(
    x: &[f32],
    trees: &Trees<'_>,
    thresholds: &[f32],
    leaves: &[f32],
    base: &[f32],
    out: &mut [f32],
) {
    out.copy_from_slice(base);
    let width = trees.width;
    trees.each(
        |feature, threshold| x[feature] <= thresholds[threshold as usize],
        |first, row| {
            for (out, leaf) in out[first..].iter_mut().zip(&leaves[row * width..(row + 1) * width]) {
                *out += leaf;
            }
        },
    );
}

/// Sum over bytes: a split goes left when `x[feature] <= threshold`. `out` is `base + scale * sum`, with the sums of the integer
/// leaves in `sums`, one for each output.
pub fn tree_ensemble_s8(
    x: &[i8],
    trees: &Trees<'_>,
    leaves: &[i32],
    scale: f32,
    base: &[f32],
    sums: &mut [i32],
    out: &mut [f32],
) {
    sums.fill(0);
    let width = trees.width;
    trees.each(
        |feature, threshold| i32::from(x[feature]) <= threshold,
        |first, row| {
            for (sum, leaf) in sums[first..].iter_mut().zip(&leaves[row * width..(row + 1) * width]) {
                *sum += leaf;
            }
        },
    );
    for ((out, sum), base) in out.iter_mut().zip(sums).zip(base) {
        let scaled = *sum as f32 * scale;
        *out = base + scaled;
    }
}

/// Number of edges below each value, less 128; what is not a number counts as above all. `counts` says how many of the ascending
/// `edges` belong to each value, at most 255.
pub fn bucketize_s8(x: &[f32], counts: &[i32], edges: &[f32], out: &mut [i8]) {
    let mut rest = edges;
    for ((x, &count), out) in x.iter().zip(counts).zip(out) {
        let (own, later) = rest.split_at(count as usize);
        rest = later;
        let (mut low, mut high) = (0, own.len());
        while low < high {
            let middle = (low + high) / 2;
            if *x <= own[middle] {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        *out = (low as i32 - 128) as i8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x0 <= 1 ? 10 : (x1 <= 2 ? 20 : 30), then x1 <= 2 ? 1 : 2 on the second output.
    const NODES: [i32; 12] = [0, 0, -1, 1, 1, 1, -2, -3, 1, 1, -1, -2];
    const SIZES: [i32; 4] = [2, 0, 1, 1];

    #[test]
    fn bytes_decide_as_floats_do() {
        let trees = Trees { nodes: &NODES, trees: &SIZES, shared: false, width: 1 };
        let (thresholds, leaves) = ([1.0, 2.0], [10.0, 20.0, 30.0, 1.0, 2.0]);
        let mut bytes = NODES;
        bytes[1] = -128;
        bytes[5] = -128;
        bytes[9] = -128;
        let integer = Trees { nodes: &bytes, ..trees };
        for (x, expected) in [
            ([1.0, 9.0], [10.5, 2.0]),
            ([1.1, 2.0], [20.5, 1.0]),
            ([7.0, 2.1], [30.5, 2.0]),
            ([f32::NAN, f32::NAN], [30.5, 2.0]),
        ] {
            let mut out = [0.0; 2];
            tree_ensemble_f32(&x, &trees, &thresholds, &leaves, &[0.5, 0.0], &mut out);
            assert_eq!(out, expected, "{x:?}");
            let mut bins = [0i8; 2];
            bucketize_s8(&x, &[1, 1], &thresholds, &mut bins);
            let mut sums = [0; 2];
            let leaves = [100, 200, 300, 10, 20];
            tree_ensemble_s8(&bins, &integer, &leaves, 0.1, &[0.5, 0.0], &mut sums, &mut out);
            assert_eq!(out, expected, "{x:?} as bytes");
        }
    }
}
