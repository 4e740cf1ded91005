//! A network before it is trained: what it will be like.

use crate::{
    Network, TrainError,
    data::Normaliser,
    export,
    network::{self, Built},
    unit::{Op, Unit},
};
use edgewright_ir::Graph;

/// A layer as it is written, with what it makes of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchedLayer {
    /// `[height, width, channels]` behind it.
    pub shape: [usize; 3],
    /// Weights and biases, as exported.
    pub parameters: usize,
    /// Multiply-accumulates of one row.
    pub macs: u64,
}

/// A network with the weights that training starts from.
#[derive(Clone, Debug)]
pub struct Sketch {
    /// The float graph, as training would export it.
    pub graph: Graph,
    /// One per layer of [`Network::layers`], and the head.
    pub layers: Vec<SketchedLayer>,
}

/// Lays a network out without training it.
///
/// # Errors
/// [`TrainError::Layer`] for a layer that does not fit what comes before it, [`TrainError::Data`] for an input that is no shape.
pub fn sketch(network: &Network) -> Result<Sketch, TrainError> {
    let Built { input, units, head, mut layers } = network::build(network, 1)?;
    layers.push((head, units.len()));
    let mut first = 0;
    let layers = layers
        .into_iter()
        .map(|(shape, end)| {
            let own = &units[first..end];
            first = end;
            SketchedLayer {
                shape,
                parameters: own.iter().map(parameters).sum(),
                macs: own.iter().map(macs).sum(),
            }
        })
        .collect();
    let width = input.iter().product();
    let normaliser = Normaliser { mean: vec![0.0; width], scale: vec![1.0; width] };
    Ok(Sketch { graph: export::graph(network, &input, &units, &normaliser).0, layers })
}

/// Weights and biases of a unit, as exported: a normalisation is folded into those before it, or stands as a factor and an offset of
/// each channel.
pub(crate) fn parameters(unit: &Unit) -> usize {
    let own = if unit.norm.is_some() { 2 * unit.output[2] } else { 0 };
    match unit.folds() {
        true => unit.weights.len() + unit.output[2],
        false => unit.weights.len() + unit.bias.len() + own,
    }
}

fn macs(unit: &Unit) -> u64 {
    match unit.op {
        Op::Dense | Op::Conv(_) | Op::Depthwise(_) | Op::Recurrent(_) | Op::Attention(_) => {
            unit.macs() as u64
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::sketch;
    use crate::{Activation, Head, Layer, Network, TrainError};

    fn network(layers: Vec<Layer>) -> Network {
        Network { input: vec![50, 13], layers, head: Head::Softmax { classes: 4 } }
    }

    #[test]
    fn layers_add_up_to_the_exported_graph() {
        let conv = |filters| Layer::Conv1d {
            filters,
            kernel: 3,
            stride: 1,
            dilation: 1,
            padding: crate::Padding::Same,
            activation: Activation::None,
        };
        let made = sketch(&network(vec![
            conv(8),
            Layer::BatchNorm {},
            Layer::Activation { activation: Activation::Relu },
            Layer::MaxPool { size: vec![2], stride: vec![] },
            Layer::Residual { layers: vec![conv(8)], shortcut: vec![], activation: Activation::Relu },
            Layer::Flatten {},
        ]))
        .unwrap();
        let shapes: Vec<_> = made.layers.iter().map(|l| l.shape).collect();
        assert_eq!(
            shapes,
            [[1, 50, 8], [1, 50, 8], [1, 50, 8], [1, 25, 8], [1, 25, 8], [1, 1, 200], [1, 1, 4]]
        );
        assert_eq!(made.layers[0].parameters, 3 * 13 * 8 + 8);
        assert_eq!(made.layers.iter().map(|l| l.macs).sum::<u64>(), made.graph.macs());
        let constants: usize = made
            .graph
            .nodes
            .iter()
            .filter(|n| !matches!(n.op, edgewright_ir::Op::Normalize))
            .flat_map(|n| &n.inputs[1..])
            .map(|id| made.graph.tensor(*id))
            .filter(|t| t.data.is_some())
            .map(|t| t.len())
            .sum();
        assert_eq!(made.layers.iter().map(|l| l.parameters).sum::<usize>(), constants);
    }

    #[test]
    fn a_layer_that_does_not_fit_is_named() {
        let bad = network(vec![Layer::MaxPool { size: vec![60], stride: vec![] }]);
        match sketch(&bad) {
            Err(TrainError::Layer { number, name, .. }) => {
                assert_eq!((number, name.as_str()), (1, "max_pool"))
            }
            other => panic!("{other:?}"),
        }
        let absurd = network(vec![Layer::Dense { units: usize::MAX, activation: Activation::None }]);
        assert!(matches!(sketch(&absurd), Err(TrainError::Layer { number: 1, .. })));
    }
}
