//! Which nodes may write over their input, and how far behind it.

use crate::{kernels::Form, nn::Prepared};
use edgewright_ir::{Graph, Node, Op, lower::Geometry};

/// How many bytes before its (last read) input the output of a node must begin at least, so that nothing is overwritten
/// that is still to be read; `None` where both must lie apart.
pub(crate) fn distance(graph: &Graph, node: &Node, layer: Option<&Prepared>) -> Option<usize> {
    let (x, y) = (graph.tensor(node.inputs[0]), graph.tensor(node.output));
    let bytes_alike = x.dtype == y.dtype && x.len() == y.len();
    match (&node.op, layer) {
        (Op::Conv2d { .. }, Some(Prepared { geometry: Some(g), matrix, .. })) => {
            let direct = matches!(matrix.form, Form::Rows | Form::Blocks);
            Some(behind(g, if matrix.form == Form::Rows { 2 } else { 4 }, direct))
        }
        // Channel by channel over a copy.
        (Op::DepthwiseConv2d { multiplier: 1, .. }, Some(_)) => (x.shape == y.shape).then_some(0),
        (
            Op::Prelu
            | Op::Add { .. }
            | Op::Activate { .. }
            | Op::Softmax
            | Op::Unary { .. }
            | Op::Binary { .. },
            _,
        ) if bytes_alike => Some(0),
        (Op::Pool2d { padding, .. }, _) => {
            (padding.top + padding.bottom + padding.left + padding.right == 0).then_some(0)
        }
        _ => None,
    }
}

/// The kernel computes `together` pixels at once. It has read all that they need before it writes them, unless it reads a
/// 1 x 1 kernel's inputs `directly`.
fn behind(g: &Geometry, together: usize, directly: bool) -> usize {
    let pixels = g.out_h * g.out_w;
    // First byte of the input that is needed from a pixel on.
    let mut needed = vec![usize::MAX; pixels + 1];
    for p in (0..pixels).rev() {
        let row = (p / g.out_w * g.stride_h).saturating_sub(g.pad_h);
        let column = (p % g.out_w * g.stride_w).saturating_sub(g.pad_w);
        needed[p] = needed[p + 1].min((row.min(g.in_h - 1) * g.in_w + column.min(g.in_w - 1)) * g.in_c);
    }
    let directly = directly && g.kernel_h * g.kernel_w == 1;
    let mut most = 0;
    for first in (0..pixels).step_by(together) {
        let end = (first + together).min(pixels);
        let from = if directly { first } else { end };
        if from < pixels {
            most = most.max((end * g.out_c).saturating_sub(needed[from]));
        }
    }
    most.next_multiple_of(crate::memory::ALIGNMENT)
}
