//! What an expression is: its type with lengths, and the steps that give it.

use super::{Op, lex::Place};
use alloc::vec::Vec;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Type {
    /// One number.
    Scalar,
    /// Numbers in a row; the rate is 0 where they do not follow in time.
    Series { len: usize, rate: f64 },
    /// Power of each bin from 0 Hz on.
    Spectrum { bins: usize, width: f64 },
}

impl Type {
    pub(super) fn len(self) -> usize {
        match self {
            Self::Scalar => 1,
            Self::Series { len, .. } => len,
            Self::Spectrum { bins, .. } => bins,
        }
    }
}

impl core::fmt::Display for Type {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match *self {
            Self::Scalar => f.write_str("a scalar"),
            Self::Series { len, rate } if rate > 0.0 => write!(f, "a series of {len} at {rate} Hz"),
            Self::Series { len, .. } => write!(f, "a series of {len}"),
            Self::Spectrum { bins, width } => write!(f, "a spectrum of {bins} bins of {width} Hz"),
        }
    }
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Source {
    /// Known before the run.
    Const(f64),
    /// Of this node.
    Node(usize),
}

/// An expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Expr {
    pub source: Source,
    pub kind: Type,
    pub place: Place,
}

/// A step before it has its place in memory.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub op: Op,
    pub args: Vec<Arg>,
    pub len: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Arg {
    Const(f32),
    Node(usize),
}
