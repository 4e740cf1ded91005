//! From the nodes of a program to steps with places in memory: only what a feature needs, each right before it is needed.

use super::{
    CustomPlan, Op, Operand, Step,
    compile::Compiled,
    nearest,
    types::{Arg, Node, Type},
};
use crate::{DspError, WindowSpec, plan::refuse};
use alloc::{format, string::String, vec, vec::Vec};

/// Features of a program, at most.
const MOST_FEATURES: usize = 65_536;
/// Operations of a program for one window, at most: a fraction of a second on a computer. A mean of so many neighbours is their whole sum for
/// each value, because a running sum would round otherwise on a device.
const MOST_WORK: usize = 1 << 28;

pub(super) fn schedule(program: Compiled, wanted: &str, window: &WindowSpec) -> Result<CustomPlan, DspError> {
    let Compiled { nodes, features, .. } = program;
    let mut picked = vec![wanted.trim().is_empty(); features.len()];
    for name in wanted.split(',').map(str::trim).filter(|n| !n.is_empty()) {
        let Some(at) = features.iter().position(|f| f.name == name) else {
            let hint = nearest(name, features.iter().map(|f| f.name.as_str()))
                .map(|n| format!("; did you mean `{n}`?"))
                .unwrap_or_default();
            return refuse(
                "program_name",
                format!("`features` names `{name}`, which the program does not give{hint}"),
            );
        };
        picked[at] = true;
    }
    let mut order = Vec::new();
    let mut taken = vec![false; nodes.len()];
    let (mut names, mut lines) = (Vec::new(), Vec::new());
    for (feature, _) in features.iter().zip(picked).filter(|(_, p)| *p) {
        visit(&nodes, feature.node, &mut taken, &mut order);
        order.push(Todo::Feature(feature.node, names.len()));
        lines.push((feature.name.clone(), names.len()));
        match feature.kind {
            Type::Scalar => names.push(feature.name.clone()),
            Type::Series { len, .. } => names.extend((1..=len).map(|i| format!("{} {i}", feature.name))),
            Type::Spectrum { bins, width } => {
                names.extend((0..bins).map(|b| format!("{} {} Hz", feature.name, hertz(b as f64 * width))));
            }
        }
        if names.len() > MOST_FEATURES {
            return refuse(
                "program_too_large",
                format!("the program gives {} features; it can give at most {MOST_FEATURES}", names.len()),
            );
        }
    }
    if names.is_empty() {
        return refuse(
            "program_name",
            format!("`features` is `{wanted}`, which names no feature; name some, or leave it empty for all"),
        );
    }
    let (steps, scratch) = place(&nodes, &order);
    let work = steps.iter().map(operations).fold(0, usize::saturating_add);
    if work > MOST_WORK {
        return refuse(
            "program_too_large",
            format!(
                "the program takes about {work} operations a window; it can take at most {MOST_WORK}: smooth over fewer values, or `decimate` first"
            ),
        );
    }
    Ok(CustomPlan { frames: window.frames, axes: window.axes, steps, names, lines, scratch })
}

/// Operations of a step, about: values that it reads or writes, times what each of them costs.
fn operations(step: &Step) -> usize {
    let len = |a: &Operand| match a {
        Operand::Const(_) => 1,
        Operand::At { len, .. } => *len,
    };
    match &step.op {
        Op::Smooth(n) => step.len.saturating_mul(*n),
        _ => step.args.iter().map(len).fold(step.len, usize::max),
    }
}

/// A frequency with three decimals at most.
fn hertz(f: f64) -> String {
    let text = format!("{f:.3}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

enum Todo {
    Compute(usize),
    /// A node becomes features from this one on.
    Feature(usize, usize),
}

fn visit(nodes: &[Node], node: usize, taken: &mut [bool], order: &mut Vec<Todo>) {
    if core::mem::replace(&mut taken[node], true) {
        return;
    }
    for arg in &nodes[node].args {
        if let Arg::Node(n) = arg {
            visit(nodes, *n, taken, order);
        }
    }
    order.push(Todo::Compute(node));
}

/// Floats that a step works in, behind its result.
fn work(node: &Node, nodes: &[Node]) -> usize {
    match (&node.op, &node.args[..]) {
        (Op::Power(welch), _) => welch.scratch_len() - node.len,
        // Made of a copy.
        (Op::Decimate(_), [Arg::Node(x)]) => nodes[*x].len - node.len,
        _ => 0,
    }
}

/// Which operand's place the result may take.
fn in_place(node: &Node, nodes: &[Node], dies: impl Fn(usize) -> bool) -> Option<usize> {
    let may = match node.op {
        Op::Binary(_) => 2,
        Op::Unary(_)
        | Op::Difference
        | Op::Running
        | Op::Smooth(_)
        | Op::Slice(_)
        | Op::Filter(_)
        | Op::Decimate(_)
        | Op::Sort => 1,
        _ => 0,
    };
    node.args.iter().take(may).find_map(|a| match a {
        // Values by the side of a series are read again for each.
        Arg::Node(n) if dies(*n) && nodes[*n].len >= node.len => Some(*n),
        _ => None,
    })
}

fn place(nodes: &[Node], order: &[Todo]) -> (Vec<Step>, usize) {
    let mut last = vec![0; nodes.len()];
    for (at, todo) in order.iter().enumerate() {
        match todo {
            Todo::Compute(n) => {
                for arg in &nodes[*n].args {
                    if let Arg::Node(a) = arg {
                        last[*a] = at;
                    }
                }
            }
            Todo::Feature(n, _) => last[*n] = at,
        }
    }
    // What lives: first and last place, node.
    let mut live: Vec<(usize, usize, usize)> = Vec::new();
    let mut places = vec![0; nodes.len()];
    let (mut steps, mut most) = (Vec::new(), 0);
    for (at, todo) in order.iter().enumerate() {
        let of = |n: usize, places: &[usize]| Operand::At { at: places[n], len: nodes[n].len };
        match todo {
            Todo::Feature(n, first) => {
                let args = vec![of(*n, &places)];
                steps.push(Step { op: Op::Feature(*first), args, at: 0, len: nodes[*n].len });
            }
            Todo::Compute(n) => {
                let node = &nodes[*n];
                let args = node
                    .args
                    .iter()
                    .map(|a| match a {
                        Arg::Const(c) => Operand::Const(*c),
                        Arg::Node(a) => of(*a, &places),
                    })
                    .collect();
                if let Some(over) = in_place(node, nodes, |a| last[a] == at) {
                    places[*n] = places[over];
                    live.retain(|l| l.2 != over);
                } else {
                    let need = node.len + work(node, nodes);
                    let mut from = 0;
                    for (first, end, _) in &live {
                        if *first >= from + need {
                            break;
                        }
                        from = *end;
                    }
                    places[*n] = from;
                    most = most.max(from + need);
                }
                let (first, end) = (places[*n], places[*n] + node.len);
                let index = live.partition_point(|l| l.0 < first);
                live.insert(index, (first, end, *n));
                steps.push(Step { op: node.op.clone(), args, at: first, len: node.len });
            }
        }
        live.retain(|l| last[l.2] > at);
    }
    (steps, most)
}
