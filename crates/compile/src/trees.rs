//! Emission of decision trees: splits packed into bytes of the widths that the ensemble needs.

use crate::{
    names::{array, float},
    nn::Emitter,
};
use edgewright_ir::{
    DType, Graph, Node, TensorId,
    lower::{f32_data, i32_data},
};

/// Tables of an ensemble as C has them.
pub(crate) struct Packed {
    nodes: Vec<u8>,
    trees: Vec<u8>,
    /// Bytes of a feature, of a threshold, of a child, of a first output, of an integer leaf.
    widths: [usize; 5],
    count: usize,
    /// Splits on the way to a leaf, for a leaf of each tree in the middle, all trees together.
    pub(crate) depth: f64,
}

/// The smallest of one or two bytes that holds every number up to `largest`.
fn width(largest: usize, one: usize) -> usize {
    if largest <= one { 1 } else { 2 }
}

fn put(out: &mut Vec<u8>, value: usize, width: usize) {
    out.extend_from_slice(&value.to_le_bytes()[..width]);
}

/// Packs the trees of a valid node.
///
/// # Errors
/// A sentence when a number does not fit two bytes.
pub(crate) fn pack(graph: &Graph, node: &Node, shared: bool) -> Result<Packed, String> {
    let t = graph.trees(node, shared)?;
    let float = graph.tensor(node.inputs[0]).dtype == DType::F32;
    let splits = || t.nodes.chunks_exact(4);
    let most = |values: &mut dyn Iterator<Item = i32>| values.max().unwrap_or(0).max(0) as usize;
    let feature = most(&mut splits().map(|n| n[0]));
    let threshold = if float { most(&mut splits().map(|n| n[1])) } else { 0 };
    // Both kinds of children and the number of splits of a tree leave the highest bit free.
    let child = most(&mut splits().flat_map(|n| [n[2], n[3]]).map(|c| if c < 0 { !c } else { c }))
        .max(most(&mut t.trees.chunks_exact(2).map(|t| t[0])));
    let first = most(&mut t.trees.chunks_exact(2).map(|t| t[1]));
    if feature > 65535 || threshold > 65535 || child > 32767 || first > 65535 {
        return Err(format!(
            "the trees are too large for C: up to 65536 features and thresholds and trees of 32767 splits are possible, \
             these have feature {feature}, {threshold} thresholds and a tree with {child} splits or shared leaves"
        ));
    }
    let leaf = if float {
        4
    } else {
        let values = i32_data(graph.tensor(node.inputs[3]))?;
        if values.iter().all(|v| i8::try_from(*v).is_ok()) { 1 } else { 2 }
    };
    let everywhere = t.width == graph.tensor(node.output).len();
    let widths = [
        width(feature, 255),
        if float { width(threshold, 255) } else { 1 },
        width(child, 127),
        if everywhere { 0 } else { width(first, 255) },
        leaf,
    ];
    let mark = if widths[2] == 1 { 0x80 } else { 0x8000 };
    let (mut nodes, mut trees) = (Vec::new(), Vec::new());
    for n in splits() {
        put(&mut nodes, n[0] as usize, widths[0]);
        put(&mut nodes, if float { n[1] as usize } else { (n[1] + 128) as usize }, widths[1]);
        for c in [n[2], n[3]] {
            put(&mut nodes, if c < 0 { mark | !c as usize } else { c as usize }, widths[2]);
        }
    }
    let (mut at, mut depth) = (0, 0.0);
    for tree in t.trees.chunks_exact(2) {
        put(&mut trees, tree[0] as usize, widths[2]);
        put(&mut trees, tree[1] as usize, widths[3]);
        let count = tree[0] as usize;
        // Chance of coming by each split when both ways are as likely.
        let mut chance = vec![0.0; count];
        chance[0] = 1.0;
        for i in 0..count {
            for c in [t.nodes[4 * (at + i) + 2], t.nodes[4 * (at + i) + 3]] {
                if c >= 0 {
                    chance[c as usize] += chance[i] / 2.0;
                }
            }
        }
        depth += chance.iter().sum::<f64>();
        at += count;
    }
    Ok(Packed { nodes, trees, widths, count: t.trees.len() / 2, depth })
}

impl Packed {
    /// Bytes of all tables, with leaves, starting values and thresholds.
    pub(crate) fn bytes(&self, graph: &Graph, node: &Node) -> usize {
        let floats: usize = node.inputs[4..].iter().map(|id| graph.tensor(*id).bytes()).sum();
        self.nodes.len() + self.trees.len() + graph.tensor(node.inputs[3]).len() * self.widths[4] + floats
    }

    /// Number of trees.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Emitter<'_> {
    fn floats(&mut self, name: &str, id: TensorId) -> Result<(), String> {
        let text = array("float", name, f32_data(self.graph.tensor(id))?, |v| float(*v));
        self.data.push_str(&text);
        Ok(())
    }

    /// Call of the kernel that sums trees.
    pub(crate) fn trees(
        &mut self,
        i: usize,
        node: &Node,
        shared: bool,
        scale: Option<f32>,
    ) -> Result<String, String> {
        let graph = self.graph;
        self.need(&["ew_trees.h"]);
        let base = format!("{}_{i}", self.symbol);
        let (x, y) = (self.pointer(node.inputs[0]), self.pointer(node.output));
        let p = pack(graph, node, shared)?;
        self.data.push_str(&array("uint8_t", &format!("{base}_nodes"), &p.nodes, u8::to_string));
        self.data.push_str(&array("uint8_t", &format!("{base}_trees"), &p.trees, u8::to_string));
        self.floats(&format!("{base}_base"), node.inputs[4])?;
        let [fw, tw, rw, ow, lw] = p.widths;
        let (count, outputs) = (p.count, graph.tensor(node.output).len());
        let width = graph.tensor(node.inputs[3]).shape[1];
        let shared = u8::from(shared);
        let Some(scale) = scale else {
            self.floats(&format!("{base}_leaves"), node.inputs[3])?;
            self.floats(&format!("{base}_thresholds"), node.inputs[5])?;
            return Ok(format!(
                "ew_trees_f32({x}, {base}_nodes, {fw}u, {tw}u, {rw}u, {base}_thresholds, {base}_trees, {count}u, {ow}u, {shared}u,\n        {base}_leaves, {width}u, {base}_base, {outputs}u, {y});"
            ));
        };
        let kind = if lw == 1 { "int8_t" } else { "int16_t" };
        let leaves = i32_data(graph.tensor(node.inputs[3]))?;
        self.data.push_str(&array(kind, &format!("{base}_leaves"), leaves, i32::to_string));
        Ok(format!(
            "{{\n        int32_t sums[{outputs}];\n        ew_trees_s8({x}, {base}_nodes, {fw}u, {rw}u, {base}_trees, {count}u, {ow}u, {shared}u, {base}_leaves, {lw}u, {width}u,\n            {}, {base}_base, {outputs}u, sums, {y});\n    }}",
            float(scale)
        ))
    }

    /// Call of the kernel that counts edges.
    pub(crate) fn bucketize(&mut self, i: usize, node: &Node) -> Result<String, String> {
        let graph = self.graph;
        self.need(&["ew_trees.h"]);
        let base = format!("{}_{i}", self.symbol);
        let (x, y) = (self.pointer(node.inputs[0]), self.pointer(node.output));
        let counts = i32_data(graph.tensor(node.inputs[1]))?;
        self.data.push_str(&array("uint8_t", &format!("{base}_counts"), counts, i32::to_string));
        self.floats(&format!("{base}_edges"), node.inputs[2])?;
        Ok(format!("ew_bucketize_s8({x}, {}u, {base}_counts, {base}_edges, {y});", counts.len()))
    }
}
