//! Operators that give the same elements another shape.

use super::{Importer, RawNode};
use crate::{
    graph::Op,
    import::{ImportError, shape},
};

impl Importer {
    /// Flatten, Reshape, Squeeze and Unsqueeze of a value that flows.
    pub(super) fn reshape(&mut self, node: &RawNode) -> Result<(), ImportError> {
        let v = self.value(self.arg(node, 0)?)?;
        let v = self.first(&v)?;
        let count: usize = v.shape.iter().product();
        let to = match node.kind.as_str() {
            "Flatten" => self.flattened(node, &v.shape)?,
            "Reshape" => {
                let wanted = self.int_constant(self.arg(node, 1)?)?;
                let mut to: Vec<usize> = Vec::new();
                for (i, &d) in wanted.iter().enumerate() {
                    to.push(match d {
                        0 => v.shape.get(i).copied().unwrap_or(1),
                        d => usize::try_from(d).unwrap_or(1),
                    });
                }
                if let Some(free) = wanted.iter().position(|&d| d == -1) {
                    let rest = shape::count(&to).unwrap_or(0).max(1);
                    to[free] = count / rest;
                }
                to
            }
            _ => self.squeezed(node, &v.shape)?,
        };
        if shape::count(&to) != Some(count) {
            return self.b.fail(format!("{:?} has not as many elements as {to:?}", v.shape));
        }
        let id = self.b.make(Op::Reshape, vec![v.id], v.id, &shape::without_batch(&to));
        self.give(node, id, to, false)
    }

    /// Two axes out of all: those before `axis` and the rest.
    pub(super) fn flattened(&self, node: &RawNode, full: &[usize]) -> Result<Vec<usize>, ImportError> {
        let axis = self.int(node, "axis", 1);
        // Behind the last axis is possible; from the end only the axes themselves count.
        let Some(axis) = shape::axis(axis, full.len() + usize::from(axis >= 0)) else {
            return self.b.fail(format!("its axis {axis} does not exist"));
        };
        Ok(vec![full[..axis].iter().product(), full[axis..].iter().product()])
    }

    /// The shape that Squeeze or Unsqueeze gives.
    pub(super) fn squeezed(&self, node: &RawNode, full: &[usize]) -> Result<Vec<usize>, ImportError> {
        let axes = self.either(node, "axes", 1)?;
        let grows = node.kind == "Unsqueeze";
        let rank = full.len() + if grows { axes.as_ref().map_or(0, Vec::len) } else { 0 };
        let axes = axes.map(|a| a.iter().map(|&a| shape::axis(a, rank)).collect::<Option<Vec<_>>>());
        let mut at = match axes {
            Some(Some(axes)) => axes,
            Some(None) => return self.b.fail(format!("one of its axes is none of {rank}")),
            None => (0..rank).filter(|&a| !grows && full[a] == 1).collect(),
        };
        at.sort_unstable();
        let twice = at.windows(2).any(|w| w[0] == w[1]);
        if twice || (!grows && at.iter().any(|&a| full[a] != 1)) {
            return self
                .b
                .fail(format!("axes {at:?} of {full:?}: each must be named once, and hold one element"));
        }
        if !grows {
            return Ok((0..rank).filter(|a| !at.contains(a)).map(|a| full[a]).collect());
        }
        let mut to = full.to_vec();
        for a in at {
            to.insert(a, 1);
        }
        Ok(to)
    }
}
