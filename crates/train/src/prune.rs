//! Channels that tell least are taken out of a trained network, weights and all.

use crate::{
    Model, TrainError,
    unit::{Op, Unit},
};

/// A layer that lost channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Name of the layer.
    pub layer: String,
    /// Channels before.
    pub before: usize,
    /// Channels that stayed.
    pub kept: usize,
}

/// The channels of one layer, wherever they flow: element `e` of a value that holds them belongs to channel `e` modulo their number.
struct Group {
    /// The layer that makes them.
    unit: usize,
    channels: usize,
    /// All must stay.
    fixed: bool,
}

/// Groups of all layers, and that of each value.
struct Groups {
    all: Vec<Group>,
    of: Vec<Option<usize>>,
}

impl Groups {
    fn new(units: &[Unit]) -> Self {
        let mut made = Self { all: Vec::new(), of: vec![None] };
        for (i, unit) in units.iter().enumerate() {
            let own = made.of[unit.inputs[0]];
            let fits = |g: usize, all: &[Group]| {
                unit.input[2].is_multiple_of(all[g].channels) && unit.in_len().is_multiple_of(all[g].channels)
            };
            let through = own.filter(|g| fits(*g, &made.all));
            if let (Some(g), None) = (own, through) {
                made.all[g].fixed = true;
            }
            let next = match unit.op {
                Op::Dense | Op::Conv(_) => {
                    // The last layer answers; nothing of it can go.
                    let fixed = i + 1 == units.len();
                    made.all.push(Group { unit: i, channels: unit.output[2], fixed });
                    Some(made.all.len() - 1)
                }
                // What meets other channels stays as wide as those, and so does what gates and channel statistics are made of.
                Op::Add | Op::Concat | Op::Recurrent(_) | Op::Attention(_) | Op::LayerNorm => {
                    for g in unit.inputs.iter().filter_map(|v| made.of[*v]) {
                        made.all[g].fixed = true;
                    }
                    None
                }
                _ => through,
            };
            made.of.push(next);
        }
        made
    }
}

/// How much a channel tells: the scale of its normalisation (Liu and others, 2017), or the norm of its weights where there is none (Li
/// and others, 2017).
fn scores(unit: &Unit) -> Vec<f64> {
    let size = |v: &[f32]| v.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
    match &unit.norm {
        Some(norm) => norm.gamma.iter().map(|g| f64::from(g.abs())).collect(),
        None => unit.weights.chunks_exact(unit.weights.len() / unit.output[2]).map(size).collect(),
    }
}

/// Which channels stay, in order: all but the share with the smallest scores, and at least one.
fn kept(unit: &Unit, share: f32) -> Vec<usize> {
    let scores = scores(unit);
    let gone = ((scores.len() as f64 * f64::from(share)).floor() as usize).min(scores.len() - 1);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order.truncate(scores.len() - gone);
    order.sort_unstable();
    order
}

/// Keeps the values whose channel stays; channels repeat with a period of `keep.len()`.
fn thin(values: &mut Vec<f32>, channel: impl Fn(usize) -> usize, keep: &[bool]) {
    let mut at = 0;
    values.retain(|_| {
        at += 1;
        keep[channel(at - 1) % keep.len()]
    });
}

/// One value per channel of what a unit makes.
fn thin_outputs(unit: &mut Unit, keep: &[bool]) {
    thin(&mut unit.bias, |i| i, keep);
    if let Some(n) = &mut unit.norm {
        for v in [&mut n.gamma, &mut n.beta, &mut n.mean, &mut n.variance] {
            thin(v, |i| i, keep);
        }
    }
}

impl Model {
    /// The model without a share of the channels of each layer, those that tell least. Layers whose channels meet others in a sum or
    /// beside each other keep theirs, and so does the last. What is left needs training.
    ///
    /// # Errors
    /// [`TrainError::Data`] when the share is not above 0 and below 1, or no layer can lose a channel.
    pub fn pruned(&self, share: f32) -> Result<(Self, Vec<Pruned>), TrainError> {
        if !(share > 0.0 && share < 1.0) {
            return Err(TrainError::Data(format!(
                "`training.prune` is {share}; it must be at least 0 and below 1"
            )));
        }
        let groups = Groups::new(&self.units);
        let mut units = self.units.clone();
        let mut told = Vec::new();
        for (g, group) in groups.all.iter().enumerate().filter(|(_, g)| !g.fixed) {
            let stay = kept(&self.units[group.unit], share);
            let (n, left) = (group.channels, stay.len());
            if left == n {
                continue;
            }
            let mut keep = vec![false; n];
            stay.iter().for_each(|c| keep[*c] = true);
            told.push(Pruned { layer: self.units[group.unit].name.clone(), before: n, kept: left });
            let fewer = |channels: usize| channels / n * left;
            for (i, unit) in units.iter_mut().enumerate() {
                if i == group.unit {
                    let inner = unit.weights.len() / n;
                    thin(&mut unit.weights, |k| k / inner, &keep);
                    thin_outputs(unit, &keep);
                    unit.output[2] = left;
                }
                if groups.of[unit.inputs[0]] != Some(g) {
                    continue;
                }
                // Weights of what reads them have the channel innermost, those of a depthwise layer as well.
                if !unit.weights.is_empty() {
                    thin(&mut unit.weights, |k| k, &keep);
                }
                unit.input[2] = fewer(unit.input[2]);
                if groups.of[i + 1] == Some(g) {
                    thin_outputs(unit, &keep);
                    unit.output[2] = fewer(unit.output[2]);
                    if let Op::MaxPool(p) | Op::AveragePool(p) = &mut unit.op {
                        (p.input[2], p.output[2]) = (fewer(p.input[2]), fewer(p.output[2]));
                    }
                }
            }
        }
        if told.is_empty() {
            return Err(TrainError::Data(
                "`training.prune` finds no layer that could lose a channel: each is the last, meets others in a sum or has too few"
                    .into(),
            ));
        }
        Ok((Self { units, ..self.clone() }, told))
    }
}

#[cfg(test)]
mod tests {
    use crate::{Head, Layer, Model, Network, data::Normaliser, network, rng::Stream, unit::Op};
    use edgewright_ir::interpret::Interpreter;

    fn model(layers: &str) -> Model {
        let layers: Vec<Layer> = serde_json::from_str(layers).expect("layers");
        let network = Network { input: vec![8, 6], layers, head: Head::Softmax { classes: 3 } };
        let mut built = network::build(&network, 4).expect("a network");
        let mut stream = Stream::new(&[9]);
        for unit in &mut built.units {
            for v in unit.state_mut().into_iter().skip(1) {
                v.iter_mut().for_each(|b| *b += 0.2 * stream.unit());
            }
        }
        let normaliser = Normaliser { mean: vec![0.5; 6], scale: vec![1.5; 6] };
        Model { network, input: built.input, units: built.units, normaliser, centre: 0.0, spread: 1.0 }
    }

    fn scores(model: &Model) -> Vec<f32> {
        let graph = model.graph();
        let mut interpreter = Interpreter::new(&graph).expect("valid");
        let x: Vec<f32> = (0..48).map(|i| ((i * 37 % 101) as f32) / 50.0 - 1.0).collect();
        let mut y = vec![0.0; 3];
        interpreter.run(&x, &mut y).expect("runs");
        y
    }

    /// Channels that do nothing: their outputs are 0 and so are the weights that read them.
    fn silence(model: &mut Model, unit: usize, channels: &[usize]) {
        let n = model.units[unit].output[2];
        let own = &mut model.units[unit];
        let inner = own.weights.len() / n;
        for c in channels {
            own.weights[c * inner..(c + 1) * inner].fill(0.0);
            if let Some(norm) = &mut own.norm {
                (norm.gamma[*c], norm.beta[*c]) = (0.0, 0.0);
            } else {
                own.bias[*c] = 0.0;
            }
        }
    }

    const LAYERS: [&str; 4] = [
        // Through a normalisation, a depthwise layer, a pool, dropout and a list.
        r#"[{"type":"conv2d","filters":8,"kernel":[3,3]},{"type":"batch_norm"},{"type":"activation","activation":"relu"},
            {"type":"depthwise_conv","kernel":[3,3]},{"type":"batch_norm"},{"type":"activation","activation":"relu6"},
            {"type":"max_pool","size":[2,2]},{"type":"dropout","rate":0.2},{"type":"flatten"},{"type":"dense","units":5,"activation":"tanh"}]"#,
        r#"[{"type":"conv1d","filters":8,"kernel":3,"activation":"relu"},{"type":"average_pool","size":[2]},
            {"type":"flatten"},{"type":"batch_norm"},{"type":"dropout","rate":0.2},{"type":"dense","units":8,"activation":"relu"}]"#,
        // What is added keeps its channels; what is only inside loses them.
        r#"[{"type":"conv2d","filters":4,"kernel":[3,3],"activation":"relu"},
            {"type":"residual","layers":[{"type":"conv2d","filters":8,"kernel":[1,1],"activation":"relu"},
                {"type":"conv2d","filters":4,"kernel":[3,3]}],"activation":"relu"},{"type":"global_average_pool"}]"#,
        r#"[{"type":"concat","branches":[[{"type":"conv2d","filters":8,"kernel":[1,1],"activation":"relu"},
            {"type":"conv2d","filters":3,"kernel":[3,3]}],[]]},{"type":"resize","size":[4,4]},{"type":"global_max_pool"}]"#,
    ];

    #[test]
    fn channels_that_do_nothing_go_and_nothing_changes() {
        // Per network: the layer that is silenced.
        for (layers, unit, expected) in [
            (LAYERS[0], 0, vec![("conv2d1", 4), ("dense10", 3)]),
            (LAYERS[1], 0, vec![("conv1d1", 4), ("dense6", 4)]),
            (LAYERS[2], 1, vec![("conv2d2a_1", 4)]),
            (LAYERS[3], 0, vec![("conv2d1a_1", 4)]),
        ] {
            let mut model = model(layers);
            silence(&mut model, unit, &[1, 2, 5, 6]);
            // A depthwise layer or a normalisation would make something of a silent channel.
            for i in unit + 1..model.units.len() {
                let next = &mut model.units[i];
                let n = next.output[2];
                if matches!(next.op, Op::Depthwise(_)) || next.weights.is_empty() {
                    for (j, b) in next.bias.iter_mut().enumerate() {
                        *b = if [1, 2, 5, 6].contains(&(j % 8)) { 0.0 } else { *b };
                    }
                    if let Some(norm) = &mut next.norm {
                        for j in (0..n).filter(|j| [1, 2, 5, 6].contains(&(j % 8))) {
                            (norm.beta[j], norm.mean[j]) = (0.0, 0.0);
                        }
                    }
                }
            }
            // Other layers lose channels too: those are compared apart.
            let (pruned, told) = model.pruned(0.5).expect("pruned");
            let told: Vec<_> = told.iter().map(|p| (p.layer.as_str(), p.kept)).collect();
            assert_eq!(told, expected);
            pruned.graph().validate().expect("a valid graph");
            let small = pruned.units.iter().map(|u| u.weights.len()).sum::<usize>();
            assert!(small < model.units.iter().map(|u| u.weights.len()).sum::<usize>());
            if expected.len() == 1 {
                let (a, b) = (scores(&model), scores(&pruned));
                assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{layers}: {a:?} {b:?}");
            } else {
                // The other silent half is that of the second layer.
                let second = pruned_alone(&model, expected[1].0);
                let (a, b) = (scores(&second), scores(&pruned));
                assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{layers}: {a:?} {b:?}");
            }
        }
    }

    /// The model where the channels that would go of one layer are silent, but there.
    fn pruned_alone(model: &Model, layer: &str) -> Model {
        let mut out = model.clone();
        let unit = model.units.iter().position(|u| u.name == layer).expect("the layer");
        let stay = super::kept(&model.units[unit], 0.5);
        let n = model.units[unit].output[2];
        let gone: Vec<usize> = (0..n).filter(|c| !stay.contains(c)).collect();
        silence(&mut out, unit, &gone);
        out
    }

    #[test]
    fn what_cannot_be_pruned_is_said() {
        let model = model(r#"[{"type":"flatten"}]"#);
        assert!(model.pruned(0.5).unwrap_err().to_string().contains("no layer"));
        assert!(model.pruned(1.0).unwrap_err().to_string().contains("training.prune"));
    }
}
