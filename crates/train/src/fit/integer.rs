//! Training in int8 arithmetic: the integer graph that runs forward, and what it hands to the float engine for the way back.

use crate::{
    EpochRecord, Model, Rows, TrainError, data::Normaliser, engine::Engine, export, plan::SHARD, unit::Unit,
};
use edgewright_ir::{
    Data, Graph, GraphError, Op, TensorId,
    interpret::Interpreter,
    quantize::{self, Closest},
};
use rayon::prelude::*;

/// Rows that set the ranges of activations, at most.
const CALIBRATION_ROWS: usize = 256;
/// Values of them, at most, but for 32 rows.
const CALIBRATION_VALUES: usize = 4 << 20;

/// A network that was trained on in int8 arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The float weights behind the integers, as a graph.
    pub graph: Graph,
    /// The integer graph that training ran.
    pub int8: Graph,
    /// Learning curve, in int8.
    pub history: Vec<EpochRecord>,
    /// Epoch whose weights these are; 0 for those that were brought.
    pub best_epoch: usize,
}

/// The integer graph, and the weights behind it.
pub(super) struct Integer {
    /// Without batch normalisation, with equalised channels; its weights are what is learned.
    pub model: Model,
    /// The normalisation before channels were equalised, and what then multiplies each column.
    pub plain: Normaliser,
    pub stretch: Vec<f32>,
    /// From raw rows on, and from normalised rows on.
    whole: Graph,
    core: Graph,
    /// Of each value of the engine: its tensor in `core`, with scale and zero point.
    places: Vec<(TensorId, f32, i32)>,
    /// Of each unit: its node in `core`.
    nodes: Vec<Option<usize>>,
}

fn failed(e: GraphError) -> TrainError {
    TrainError::Data(format!("quantisation: {e}"))
}

fn lost(what: &str) -> TrainError {
    TrainError::Data(format!("quantisation: `{what}` is not in the graph"))
}

impl Integer {
    /// Quantises a model with ranges from evenly spaced rows.
    pub fn new(model: &Model, rows: &dyn Rows) -> Result<Self, TrainError> {
        if rows.is_empty() {
            return Err(TrainError::Data("no row to calibrate on".into()));
        }
        let of_time = |u: &&Unit| matches!(u.op, crate::unit::Op::Recurrent(_) | crate::unit::Op::LayerNorm);
        if let Some(unit) = model.units.iter().find(of_time) {
            return Err(TrainError::Data(format!(
                "`{}` is made of many steps, which `quantisation_aware` does not train in int8; leave it out, or the layer",
                unit.name
            )));
        }
        let fitting = (CALIBRATION_VALUES / rows.width().max(1)).max(32);
        let count = rows.len().min(CALIBRATION_ROWS).min(fitting);
        let mut windows = vec![vec![0.0; rows.width()]; count];
        for (i, window) in windows.iter_mut().enumerate() {
            rows.read(&[i * rows.len() / count], window)?;
        }
        let mut own = model.plain();
        let Closest { float, ranges, .. } = quantize::closest(&own.graph(), &windows).map_err(failed)?;
        let plain = own.normaliser.clone();
        equalised(&mut own, &float)?;
        let stretch = plain.scale.iter().zip(&own.normaliser.scale);
        let stretch = stretch.map(|(a, b)| if *a == 0.0 { 1.0 } else { b / a }).collect();
        let (float, raw) = export::graph(&own.network, &own.input, &own.real_units(), &own.normaliser);
        let whole = quantize::quantize(&float, &ranges).map_err(failed)?;
        let mut core = whole.clone();
        let normalize = core.nodes.iter().position(|n| matches!(n.op, Op::Normalize));
        let normalize = core.nodes.remove(normalize.ok_or_else(|| lost("normalize"))?);
        core.inputs = vec![normalize.output];
        let node = |name: &str| core.nodes.iter().position(|n| n.name == name);
        let mut places = Vec::new();
        for name in &raw {
            // What was normalised flows in integers from `quantize` on.
            let name = if *name == normalize.name { "quantize" } else { name };
            let id = core.nodes[node(name).ok_or_else(|| lost(name))?].output;
            let quant = core.tensor(id).quant.as_ref().ok_or_else(|| lost(name))?;
            places.push((id, quant.scale[0], quant.zero_point));
        }
        let nodes =
            own.units.iter().map(|u| if u.weights.is_empty() { None } else { node(&u.name) }).collect();
        Ok(Self { model: own, plain, stretch, whole, core, places, nodes })
    }

    /// The integer graph with the weights of a model.
    pub fn whole(&self, model: &Model) -> Result<Graph, TrainError> {
        let mut out = self.whole.clone();
        for unit in model.real_units().iter().filter(|u| !u.weights.is_empty()) {
            let node = out.nodes.iter().position(|n| n.name == unit.name).ok_or_else(|| lost(&unit.name))?;
            quantize::set_weights(&mut out, node, &unit.weights, &unit.bias).map_err(failed)?;
        }
        Ok(out)
    }

    /// Takes over the weights, as integers and as the floats that those stand for.
    fn requantise(&mut self, engine: &mut Engine, centre: f32, spread: f32) -> Result<(), TrainError> {
        let last = self.model.units.len() - 1;
        for (i, unit) in self.model.units.iter().enumerate() {
            let Some(node) = self.nodes[i] else { continue };
            let scaled: Option<(Vec<f32>, Vec<f32>)> = (i == last).then(|| real(unit, centre, spread));
            let (weights, bias) = scaled.as_ref().map_or((&unit.weights, &unit.bias), |(w, b)| (w, b));
            quantize::set_weights(&mut self.core, node, weights, bias).map_err(failed)?;
            let tensor = self.core.tensor(self.core.nodes[node].inputs[1]);
            let (Some(quant), Some(Data::I8(integers))) = (&tensor.quant, &tensor.data) else {
                return Err(lost(&unit.name));
            };
            let inner: usize = tensor.shape[quant.axis + 1..].iter().product();
            let unit_of = if i == last { spread } else { 1.0 };
            for (k, (to, q)) in engine.units[i].weights.iter_mut().zip(integers).enumerate() {
                *to = f32::from(*q) * quant.scale[k / inner % quant.scale.len()] / unit_of;
            }
        }
        Ok(())
    }

    /// Runs the normalised rows that the engine holds through the integer graph and leaves the values in the engine, ready for
    /// the way back when it is `training`.
    pub fn forward(
        &mut self,
        engine: &mut Engine,
        samples: usize,
        training: bool,
        (centre, spread): (f32, f32),
    ) -> Result<(), TrainError> {
        self.requantise(engine, centre, spread)?;
        let x = engine.input(samples).to_vec();
        let width = x.len() / samples;
        engine.hold(samples, training);
        let (core, places) = (&self.core, &self.places);
        let last = places.len() - 1;
        // Shards of all values, then of each shard all its values.
        let shards = samples.div_ceil(SHARD);
        let mut rooms: Vec<Vec<(usize, &mut [f32])>> = (0..shards).map(|_| Vec::new()).collect();
        for (value, all) in engine.values.iter_mut().enumerate() {
            if !training && value != last {
                continue;
            }
            let len = all.len() / samples;
            for (room, part) in rooms.iter_mut().zip(all.chunks_mut(SHARD * len)) {
                room.push((value, part));
            }
        }
        rooms
            .into_par_iter()
            .zip(x.par_chunks(SHARD * width))
            .try_for_each(|(mut room, x)| {
                let mut interpreter = Interpreter::new(core)?;
                for (s, x) in x.chunks_exact(width).enumerate() {
                    interpreter.with_input(x)?;
                    for (value, part) in &mut room {
                        let (id, scale, zero) = places[*value];
                        let bytes = interpreter.bytes(id);
                        for (to, q) in part[s * bytes.len()..].iter_mut().zip(bytes) {
                            *to = (i32::from(*q) - zero) as f32 * scale;
                        }
                    }
                }
                Ok(())
            })
            .map_err(failed)?;
        if spread != 1.0 || centre != 0.0 {
            engine.values[last].iter_mut().for_each(|y| *y = (*y - centre) / spread);
        }
        engine.limits.clear();
        engine.limits.extend(
            places.iter().map(|(_, scale, zero)| [(-128 - zero) as f32 * scale, (127 - zero) as f32 * scale]),
        );
        Ok(())
    }
}

/// Weights and bias of the last unit in the unit of the targets, as [`Model::real_units`] has them.
fn real(unit: &Unit, centre: f32, spread: f32) -> (Vec<f32>, Vec<f32>) {
    if (centre, spread) == (0.0, 1.0) {
        return (unit.weights.clone(), unit.bias.clone());
    }
    let bias = unit.bias.iter().map(|b| b * spread + centre).collect();
    (unit.weights.iter().map(|w| w * spread).collect(), bias)
}

/// Takes over constants of a graph of the model whose channels were equalised.
fn equalised(model: &mut Model, graph: &Graph) -> Result<(), TrainError> {
    let constant = |name: &str, slot: usize| -> Result<Vec<f32>, TrainError> {
        let node = graph.nodes.iter().find(|n| n.name == name).ok_or_else(|| lost(name))?;
        match &graph.tensor(node.inputs[slot]).data {
            Some(Data::F32(v)) => Ok(v.clone()),
            _ => Err(lost(name)),
        }
    };
    model.normaliser = Normaliser { mean: constant("normalize", 1)?, scale: constant("normalize", 2)? };
    let last = model.units.len() - 1;
    let (centre, spread) = (model.centre, model.spread);
    for (i, unit) in model.units.iter_mut().enumerate().filter(|(_, u)| !u.weights.is_empty()) {
        (unit.weights, unit.bias) = (constant(&unit.name, 1)?, constant(&unit.name, 2)?);
        if i == last && (centre, spread) != (0.0, 1.0) {
            unit.weights.iter_mut().for_each(|w| *w /= spread);
            unit.bias.iter_mut().for_each(|b| *b = (*b - centre) / spread);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
