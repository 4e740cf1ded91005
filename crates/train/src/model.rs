//! A network with its weights, between two trainings.

use crate::{
    Network,
    data::Normaliser,
    export,
    unit::{Conv, Op, Unit},
};
use edgewright_ir::Graph;

/// A trained network as training goes on with it: weights apart from the batch normalisation behind them.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// As it was written. Layers may have lost channels since.
    pub(crate) network: Network,
    /// Height, width, channels of the input.
    pub(crate) input: [usize; 3],
    pub(crate) units: Vec<Unit>,
    pub(crate) normaliser: Normaliser,
    /// Mean and deviation of a regression's targets, in which the last unit answers; 0 and 1 for classes.
    pub(crate) centre: f32,
    pub(crate) spread: f32,
}

impl Model {
    /// The float graph: normalisation, layers (batch normalisation folded, dropout gone), softmax.
    pub fn graph(&self) -> Graph {
        export::graph(&self.network, &self.input, &self.real_units(), &self.normaliser).0
    }

    /// Weights of each layer as they are learned, before a normalisation is folded into them; empty for a layer without.
    pub fn weights(&self) -> impl Iterator<Item = &[f32]> {
        self.units.iter().map(|u| u.weights.as_slice())
    }

    /// Units whose last one answers in the unit of the targets.
    pub(crate) fn real_units(&self) -> Vec<Unit> {
        let mut units = self.units.clone();
        if (self.centre, self.spread) != (0.0, 1.0)
            && let Some(last) = units.last_mut()
        {
            last.weights.iter_mut().for_each(|w| *w *= self.spread);
            last.bias.iter_mut().for_each(|b| *b = *b * self.spread + self.centre);
        }
        units
    }

    /// A number that hardly any other model has (FNV-1a over all weights).
    pub(crate) fn fingerprint(&self) -> u64 {
        let vectors = self.units.iter().flat_map(Unit::state);
        let normaliser = [&self.normaliser.mean, &self.normaliser.scale];
        vectors.chain(normaliser).flatten().fold(0xcbf2_9ce4_8422_2325, |hash, v| {
            (hash ^ u64::from(v.to_bits())).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// The same function without batch normalisation and dropout: weights have taken over what normalisations do. One that has no
    /// weights before it becomes a depthwise layer of one element.
    pub(crate) fn plain(&self) -> Self {
        let mut units: Vec<Unit> = Vec::new();
        // Where each value of before is now.
        let mut place = vec![0];
        for unit in &self.units {
            let mut own = unit.clone();
            own.inputs.iter_mut().for_each(|v| *v = place[*v]);
            if let Op::Dropout(_) = own.op {
                own.op = Op::Same;
            }
            let weighted = unit.folds();
            if weighted {
                (own.weights, own.bias) = export::folded(unit);
            }
            let after = own.norm.take().filter(|_| !weighted);
            if let Some(norm) = after {
                let (weights, bias) = export::affine(&norm);
                let behind = Unit {
                    name: format!("{}_norm", unit.name),
                    op: Op::Depthwise(Conv::DENSE),
                    inputs: vec![units.len() + 1],
                    input: unit.output,
                    output: unit.output,
                    weights,
                    bias,
                    norm: None,
                    activation: unit.activation,
                };
                own.activation = crate::Activation::None;
                units.push(own);
                units.push(behind);
            } else {
                units.push(own);
            }
            place.push(units.len());
        }
        Self { units, ..self.clone() }
    }
}
