//! Decision trees as values, as nodes of a graph, and in integers.

use crate::{
    graph::{DType, Data, Graph, GraphError, Node, Op, Quant, Tensor, TensorId},
    lower::{f32_data, i32_data},
};
use edgewright_kernels::trees::Trees;
use std::collections::BTreeMap;

/// Largest integer of a leaf.
pub const LARGEST_LEAF: i32 = 32767;
/// Thresholds that one feature may have in the integer form.
pub const MOST_EDGES: usize = 255;
/// Levels of a leaf with several values: shares of labels.
const SHARE_LEVELS: f32 = 127.0;

/// One split: left when the feature lies at or below the threshold, else right (so what is not a number goes right). A child of 0 or
/// more is a split of the same tree behind this one; a negative child is the leaf `-1 - child`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Split {
    /// Which feature.
    pub feature: usize,
    /// The largest value that goes left.
    pub threshold: f32,
    /// Where values at or below the threshold go.
    pub left: i32,
    /// Where others go.
    pub right: i32,
}

/// A tree with at least one split.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// First output that the leaves add to.
    pub first: usize,
    /// Splits; the first is the root.
    pub splits: Vec<Split>,
    /// Rows of values, one more than splits.
    pub leaves: Vec<f32>,
}

/// A sum of trees.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ensemble {
    /// Number of inputs.
    pub features: usize,
    /// Where the sum starts, one for each output.
    pub base: Vec<f32>,
    /// Values of a leaf.
    pub width: usize,
    /// The trees.
    pub trees: Vec<Tree>,
}

impl Ensemble {
    /// Adds a tree; one without a split only moves the base.
    pub fn push(&mut self, tree: Tree) {
        if tree.splits.is_empty() {
            for (base, leaf) in self.base.iter_mut().skip(tree.first).zip(&tree.leaves) {
                *base += leaf;
            }
        } else {
            self.trees.push(tree);
        }
    }

    /// Number of splits of all trees.
    pub fn splits(&self) -> usize {
        self.trees.iter().map(|t| t.splits.len()).sum()
    }

    /// Adds the ensemble to a graph behind the float tensor `x`; returns its output of one value for each of [`Self::base`].
    pub fn append(&self, graph: &mut Graph, x: TensorId, name: &str) -> TensorId {
        let mut values: Vec<f32> = self.trees.iter().flat_map(|t| &t.splits).map(|s| s.threshold).collect();
        values.sort_by(f32::total_cmp);
        values.dedup_by(|a, b| a.to_bits() == b.to_bits());
        let mut tables = Tables::default();
        for tree in self.trees.iter().chain(self.trees.is_empty().then_some(&self.nothing())) {
            let numbers = tree.splits.iter().map(|s| {
                let at = values.partition_point(|v| v.total_cmp(&s.threshold).is_lt());
                [s.feature as i32, at as i32, s.left, s.right]
            });
            tables.tree(tree.first, numbers, tree.leaves.chunks_exact(self.width), self.width > 1);
        }
        if values.is_empty() {
            values.push(0.0);
        }
        let mut push = |name: &str, shape: Vec<usize>, data: Data| constant(graph, name, shape, data);
        let rows = tables.rows.len();
        let leaves: Vec<f32> = tables.rows.concat();
        let inputs = vec![
            x,
            push("nodes", vec![tables.nodes.len() / 4, 4], Data::I32(tables.nodes)),
            push("trees", vec![tables.trees.len() / 2, 2], Data::I32(tables.trees)),
            push("leaves", vec![rows, self.width], Data::F32(leaves)),
            push("base", vec![self.base.len()], Data::F32(self.base.clone())),
            push("thresholds", vec![values.len()], Data::F32(values)),
        ];
        let output = graph.push_tensor(Tensor {
            name: format!("{name}_sum"),
            shape: vec![self.base.len()],
            dtype: DType::F32,
            quant: None,
            data: None,
        });
        let op = Op::TreeEnsemble { shared: self.width > 1, scale: 1.0 };
        graph.nodes.push(Node { name: name.into(), op, inputs, output });
        output
    }

    /// A tree that adds nothing: an operator has at least one.
    fn nothing(&self) -> Tree {
        let split = Split { feature: 0, threshold: 0.0, left: -1, right: -2 };
        Tree { first: 0, splits: vec![split], leaves: vec![0.0; 2 * self.width] }
    }

    /// Leaves of a tree that lie further from zero than from each other are made around zero, and the base takes the distance: integers
    /// have steps of the largest.
    fn around_zero(&mut self) {
        if self.width > 1 {
            return;
        }
        for tree in &mut self.trees {
            let low = tree.leaves.iter().copied().fold(f32::INFINITY, f32::min);
            let high = tree.leaves.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let Some(base) = self.base.get_mut(tree.first) else { continue };
            if low.max(-high) > high - low {
                let middle = low + (high - low) / 2.0;
                tree.leaves.iter_mut().for_each(|v| *v -= middle);
                *base += middle;
            }
        }
    }

    /// The trees of a float node of a valid graph; leaves that trees share are theirs again.
    ///
    /// # Errors
    /// A sentence when the node has another type.
    pub fn of(graph: &Graph, node: &Node) -> Result<Self, String> {
        let Op::TreeEnsemble { shared, .. } = node.op else { return Err("is no sum of trees".into()) };
        let tensor = |i: usize| graph.tensor(node.inputs[i]);
        let (nodes, trees) = (i32_data(tensor(1))?, i32_data(tensor(2))?);
        let (leaves, base, thresholds) = (f32_data(tensor(3))?, f32_data(tensor(4))?, f32_data(tensor(5))?);
        let width = tensor(3).shape[1];
        let mut made = Self { features: tensor(0).len(), base: base.to_vec(), width, trees: Vec::new() };
        let (mut at, mut row) = (0, 0);
        for tree in trees.chunks_exact(2) {
            let count = tree[0] as usize;
            let mut own = Tree { first: tree[1] as usize, ..Tree::default() };
            let mut child = |c: i32| {
                if c >= 0 {
                    return c;
                }
                let from = (row + !c as usize) * width;
                own.leaves.extend_from_slice(&leaves[from..from + width]);
                -((own.leaves.len() / width) as i32)
            };
            let splits = nodes[4 * at..4 * (at + count)].chunks_exact(4);
            own.splits = splits
                .map(|n| Split {
                    feature: n[0] as usize,
                    threshold: thresholds[n[1] as usize],
                    left: child(n[2]),
                    right: child(n[3]),
                })
                .collect();
            made.trees.push(own);
            at += count;
            row += if shared { 0 } else { count + 1 };
        }
        Ok(made)
    }
}

fn constant(graph: &mut Graph, name: &str, shape: Vec<usize>, data: Data) -> TensorId {
    let dtype = if matches!(data, Data::F32(_)) { DType::F32 } else { DType::I32 };
    let name = format!("{name}_{}", graph.tensors.len());
    graph.push_tensor(Tensor { name, shape, dtype, quant: None, data: Some(data) })
}

/// Tables of an operator in the making.
#[derive(Default)]
struct Tables<T> {
    nodes: Vec<i32>,
    trees: Vec<i32>,
    rows: Vec<Vec<T>>,
    /// Place of each row that is shared, by its bits.
    places: BTreeMap<Vec<u32>, usize>,
}

/// A value of a leaf.
trait Leaf: Copy {
    fn bits(self) -> u32;
}

impl Leaf for f32 {
    fn bits(self) -> u32 {
        self.to_bits()
    }
}

impl Leaf for i32 {
    fn bits(self) -> u32 {
        self as u32
    }
}

impl<T: Leaf> Tables<T> {
    fn tree<'r>(
        &mut self,
        first: usize,
        splits: impl ExactSizeIterator<Item = [i32; 4]>,
        rows: impl Iterator<Item = &'r [T]>,
        share: bool,
    ) where
        T: 'r,
    {
        self.trees.extend([splits.len() as i32, first as i32]);
        let places: Vec<i32> = rows
            .enumerate()
            .map(|(i, row)| {
                if !share {
                    self.rows.push(row.to_vec());
                    return i as i32;
                }
                let key: Vec<u32> = row.iter().map(|v| v.bits()).collect();
                let rows = &mut self.rows;
                let at = self.places.entry(key).or_insert_with(|| {
                    rows.push(row.to_vec());
                    rows.len() - 1
                });
                *at as i32
            })
            .collect();
        for [feature, threshold, left, right] in splits {
            let child = |c: i32| if c < 0 { !places[!c as usize] } else { c };
            self.nodes.extend([feature, threshold, child(left), child(right)]);
        }
    }
}

/// Thresholds of each feature, ascending, at most [`MOST_EDGES`]; where there are more, an even choice of them.
fn edges(ensemble: &Ensemble) -> Vec<Vec<f32>> {
    let mut all = vec![Vec::new(); ensemble.features];
    for split in ensemble.trees.iter().flat_map(|t| &t.splits) {
        all[split.feature].push(split.threshold);
    }
    for own in &mut all {
        own.sort_by(f32::total_cmp);
        own.dedup_by(|a, b| a.partial_cmp(&b).is_some_and(std::cmp::Ordering::is_eq));
        let n = own.len();
        if n > MOST_EDGES {
            *own = (0..MOST_EDGES).map(|i| own[i * (n - 1) / (MOST_EDGES - 1)]).collect();
        }
    }
    all
}

/// The edge nearest to a threshold: the same one unless there are too many.
fn nearest(edges: &[f32], threshold: f32) -> usize {
    let above = edges.partition_point(|e| *e < threshold).min(edges.len() - 1);
    let closer = above > 0 && threshold - edges[above - 1] < edges[above] - threshold;
    if closer { above - 1 } else { above }
}

/// The integer form of a graph with trees: bytes of features, byte thresholds, integer leaves. Splits decide as in float while no
/// feature has more than [`MOST_EDGES`] different thresholds. Everything else stays float.
///
/// # Errors
/// [`GraphError`] when a node has another type than float.
pub fn quantize_trees(graph: &Graph) -> Result<Graph, GraphError> {
    let mut made = Graph { nodes: Vec::new(), ..graph.clone() };
    for node in &graph.nodes {
        if !matches!(node.op, Op::TreeEnsemble { .. }) || graph.tensor(node.inputs[0]).dtype != DType::F32 {
            made.nodes.push(node.clone());
            continue;
        }
        let mut ensemble = Ensemble::of(graph, node)
            .map_err(|reason| GraphError::Node { node: node.name.clone(), reason })?;
        ensemble.around_zero();
        integer(&mut made, node, &ensemble);
    }
    crate::import::prune_tensors(&mut made);
    Ok(made)
}

fn integer(graph: &mut Graph, node: &Node, ensemble: &Ensemble) {
    let edges = edges(ensemble);
    let counts: Vec<i32> = edges.iter().map(|e| e.len() as i32).collect();
    let width = ensemble.width;
    let largest = ensemble.trees.iter().flat_map(|t| &t.leaves).fold(0.0f32, |m, v| m.max(v.abs()));
    let levels = if width > 1 { SHARE_LEVELS } else { LARGEST_LEAF as f32 };
    let scale = if largest > 0.0 { largest / levels } else { 1.0 };
    let mut tables: Tables<i32> = Tables::default();
    for tree in &ensemble.trees {
        let splits = tree.splits.iter().map(|s| {
            let at = nearest(&edges[s.feature], s.threshold) as i32 - 128;
            [s.feature as i32, at, s.left, s.right]
        });
        let leaves: Vec<i32> =
            tree.leaves.iter().map(|v| (v / scale).round().clamp(-levels, levels) as i32).collect();
        tables.tree(tree.first, splits, leaves.chunks_exact(width), width > 1);
    }
    let features = counts.len();
    let counts = constant(graph, "counts", vec![features], Data::I32(counts));
    let all: Vec<f32> = edges.concat();
    let edges = constant(graph, "edges", vec![all.len()], Data::F32(all));
    let bytes = graph.push_tensor(Tensor {
        name: format!("{}_bytes", node.name),
        shape: vec![features],
        dtype: DType::I8,
        quant: Some(Quant { scale: vec![1.0], zero_point: -128, axis: 0 }),
        data: None,
    });
    graph.nodes.push(Node {
        name: format!("{}_bucketize", node.name),
        op: Op::Bucketize,
        inputs: vec![node.inputs[0], counts, edges],
        output: bytes,
    });
    let rows = tables.rows.len();
    let inputs = vec![
        bytes,
        constant(graph, "nodes", vec![tables.nodes.len() / 4, 4], Data::I32(tables.nodes)),
        constant(graph, "trees", vec![tables.trees.len() / 2, 2], Data::I32(tables.trees)),
        constant(graph, "leaves", vec![rows, width], Data::I32(tables.rows.concat())),
        constant(graph, "base", vec![ensemble.base.len()], Data::F32(ensemble.base.clone())),
    ];
    let op = Op::TreeEnsemble { shared: width > 1, scale };
    graph.nodes.push(Node { name: node.name.clone(), op, inputs, output: node.output });
}

impl Graph {
    /// Tables of a sum of trees for its kernel.
    ///
    /// # Errors
    /// A sentence when a constant has another type.
    pub fn trees(&self, node: &Node, shared: bool) -> Result<Trees<'_>, String> {
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let (nodes, trees) = (i32_data(tensor(1))?, i32_data(tensor(2))?);
        let width = tensor(3).shape.get(1).copied().ok_or("the leaves are no rows")?;
        Ok(Trees { nodes, trees, shared, width })
    }

    /// Checks tables of trees: whatever passes ends and stays within its tables.
    pub(crate) fn check_trees(&self, node: &Node, shared: bool, scale: f32) -> Result<(), String> {
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let (x, out) = (tensor(0), self.tensor(node.output));
        let float = x.dtype == DType::F32;
        let (t, base) = (self.trees(node, shared)?, f32_data(tensor(4))?);
        let width = t.width;
        let rows = tensor(3).shape[0];
        if tensor(1).shape.get(1) != Some(&4) || tensor(2).shape.get(1) != Some(&2) || width == 0 {
            return Err("nodes are rows of 4, trees rows of 2, leaves rows of at least 1".into());
        }
        if base.len() != out.len() {
            return Err(format!("{} starting values for {} outputs", base.len(), out.len()));
        }
        if !(scale.is_finite() && scale > 0.0) || t.trees.len() / 2 > 65535 {
            return Err("its scale or number of trees is not possible".into());
        }
        let thresholds = if float {
            let values = f32_data(tensor(5))?;
            if values.iter().any(|v| v.is_nan()) || f32_data(tensor(3))?.iter().any(|v| !v.is_finite()) {
                return Err("a threshold or a leaf is not a number".into());
            }
            0..values.len() as i32
        } else {
            if i32_data(tensor(3))?.iter().any(|v| !(-LARGEST_LEAF..=LARGEST_LEAF).contains(v)) {
                return Err(format!("leaves lie between -{LARGEST_LEAF} and {LARGEST_LEAF}"));
            }
            -128..128
        };
        let (mut at, mut row) = (0usize, 0usize);
        for (number, tree) in t.trees.chunks_exact(2).enumerate() {
            let fail = |reason: String| Err(format!("tree {number}: {reason}"));
            let (Ok(count), Ok(first)) = (usize::try_from(tree[0]), usize::try_from(tree[1])) else {
                return fail("its size or output is below 0".into());
            };
            if count == 0 || count > t.nodes.len() / 4 - at {
                return fail(format!("{count} splits of {}", t.nodes.len() / 4 - at));
            }
            if first + width > base.len() {
                return fail(format!("adds to output {}, of {}", first + width - 1, base.len()));
            }
            let reach = if shared { rows } else { (count + 1).min(rows.saturating_sub(row)) };
            for (i, n) in t.nodes[4 * at..4 * (at + count)].chunks_exact(4).enumerate() {
                let feature = usize::try_from(n[0]).unwrap_or(usize::MAX);
                if feature >= x.len() || !thresholds.contains(&n[1]) {
                    return fail(format!("split {i} asks for feature {} and threshold {}", n[0], n[1]));
                }
                for child in [n[2], n[3]] {
                    let fits = if child < 0 {
                        (!child as usize) < reach
                    } else {
                        child as usize > i && (child as usize) < count
                    };
                    if !fits {
                        return fail(format!("split {i} leads to {child}"));
                    }
                }
            }
            at += count;
            row += if shared { 0 } else { count + 1 };
        }
        if 4 * at != t.nodes.len() {
            return Err(format!("{} splits belong to no tree", t.nodes.len() / 4 - at));
        }
        Ok(())
    }

    pub(crate) fn check_bucketize(&self, node: &Node) -> Result<(), String> {
        let tensor = |i: usize| self.tensor(node.inputs[i]);
        let (counts, edges) = (i32_data(tensor(1))?, f32_data(tensor(2))?);
        let n = tensor(0).len();
        if counts.len() != n || self.tensor(node.output).len() != n {
            return Err(format!("{} counts for {n} values", counts.len()));
        }
        let mut rest = edges;
        for (i, &count) in counts.iter().enumerate() {
            let own = usize::try_from(count).ok().filter(|c| *c <= MOST_EDGES.min(rest.len()));
            let Some(own) = own else {
                return Err(format!("value {i} has {count} edges; 0 to {MOST_EDGES} are possible"));
            };
            if rest[..own].windows(2).any(|w| w[0] >= w[1]) || rest[..own].iter().any(|e| e.is_nan()) {
                return Err(format!("edges of value {i} do not ascend"));
            }
            rest = &rest[own..];
        }
        if rest.is_empty() { Ok(()) } else { Err(format!("{} edges belong to no value", rest.len())) }
    }
}
