//! LSTM, GRU and RNN in float, unrolled over time.

use super::{Attribute, Importer, RawNode, Value};
use crate::{
    extra::{BinaryKind, Function},
    graph::{Activation, Data, Op, TensorId},
    import::{ImportError, shape},
};

/// Steps of time that are unrolled, at most.
const MOST_STEPS: usize = 1024;

/// Which layer, and how many gates it has.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Gates: input, output, forget, cell.
    Lstm,
    /// Gates: update, reset, hidden.
    Gru,
    Rnn,
}

impl Kind {
    fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Rnn => 1,
        }
    }
}

/// Weights of one direction: rows of a gate over x and over the hidden value, and their biases.
struct Weights {
    inputs: usize,
    units: usize,
    w: Vec<f32>,
    r: Vec<f32>,
    wb: Vec<f32>,
    rb: Vec<f32>,
}

/// Dense layers of one direction in the graph.
struct Layers {
    /// Of each gate over x and the hidden value side by side; the gates that are not split.
    joined: Vec<[TensorId; 2]>,
    /// The hidden gate of a GRU over x alone and over the hidden value alone.
    parts: Option<[[TensorId; 2]; 2]>,
}

impl Importer {
    /// Imports the node when it is one of these.
    pub(super) fn recurrent(&mut self, node: &RawNode) -> Result<bool, ImportError> {
        let kind = match node.kind.as_str() {
            "LSTM" => Kind::Lstm,
            "GRU" => Kind::Gru,
            "RNN" => Kind::Rnn,
            _ => return Ok(false),
        };
        self.unrolled(node, kind)?;
        Ok(true)
    }

    fn unrolled(&mut self, node: &RawNode, kind: Kind) -> Result<(), ImportError> {
        let x = self.value(self.arg(node, 0)?)?;
        let x = self.first(&x)?;
        let (steps, inputs) = match *x.shape.as_slice() {
            [steps, 1, inputs] if (1..=MOST_STEPS).contains(&steps) && inputs > 0 => (steps, inputs),
            ref other => return self.b.fail(format!("its input is {other:?}, expected [time, 1, features]")),
        };
        let only = |this: &Self, fits: bool, what: &str| if fits { Ok(()) } else { this.b.fail(what) };
        only(self, self.int(node, "layout", 0) == 0, "layout 1 is not supported; export with layout 0")?;
        only(self, !self.given(node, 4), "lengths of sequences are not supported; leave them out")?;
        only(self, !self.given(node, 7), "peepholes are not supported")?;
        only(self, !node.attributes.contains_key("clip"), "a limit of the cell (clip) is not supported")?;
        only(self, self.int(node, "input_forget", 0) == 0, "coupled gates are not supported")?;
        let (first, both) = match node.attributes.get("direction") {
            Some(Attribute::Text(t)) if t == "reverse" => (true, false),
            Some(Attribute::Text(t)) if t == "bidirectional" => (false, true),
            _ => (false, false),
        };
        let directions = 1 + usize::from(both);
        let usual: &[&str] = match kind {
            Kind::Lstm => &["sigmoid", "tanh", "tanh"],
            Kind::Gru => &["sigmoid", "tanh"],
            Kind::Rnn => &["tanh"],
        };
        let mut relu = false;
        if let Some(Attribute::Texts(given)) = node.attributes.get("activations") {
            let given: Vec<String> = given.iter().map(|t| t.to_lowercase()).collect();
            relu = kind == Kind::Rnn && given.iter().all(|t| t == "relu");
            let fits = relu || given.iter().map(String::as_str).eq(usual.repeat(directions));
            only(self, fits, "only the usual activations (and Relu in RNN) are supported")?;
        }
        let units = usize::try_from(self.int(node, "hidden_size", 0)).unwrap_or(0);
        let (all_w, w_shape) = self.float_constant(self.arg(node, 1)?)?;
        let (all_r, _) = self.float_constant(self.arg(node, 2)?)?;
        let all_b = match self.given(node, 3) {
            true => self.float_constant(self.arg(node, 3)?)?.0,
            false => Vec::new(),
        };
        let units = if units == 0 { w_shape.get(1).map_or(0, |g| g / kind.gates()) } else { units };
        let rows = kind.gates().checked_mul(units).unwrap_or(0);
        let fits = |len: usize, columns: usize| {
            rows > 0 && rows.checked_mul(columns).and_then(|n| n.checked_mul(directions)) == Some(len)
        };
        let sound = fits(all_w.len(), inputs)
            && fits(all_r.len(), units)
            && (all_b.is_empty() || fits(all_b.len(), 2));
        only(self, sound, "the shapes of its weights do not fit")?;

        let mut states = Vec::new();
        let mut every: Vec<Vec<TensorId>> = Vec::new();
        for d in 0..directions {
            let part =
                |all: &[f32], columns: usize| all[d * rows * columns..(d + 1) * rows * columns].to_vec();
            let bias = if all_b.is_empty() { vec![0.0; 2 * rows] } else { part(&all_b, 2) };
            let weights = Weights {
                inputs,
                units,
                w: part(&all_w, inputs),
                r: part(&all_r, units),
                wb: bias[..rows].to_vec(),
                rb: bias[rows..].to_vec(),
            };
            let backward = first || d == 1;
            let split = kind == Kind::Gru && self.int(node, "linear_before_reset", 0) != 0;
            let layers = self.layers(&weights, kind);
            let mut h = self.initial(node, 5, d, directions, units)?;
            let mut c = if kind == Kind::Lstm { self.initial(node, 6, d, directions, units)? } else { h };
            let mut shown = vec![h; steps];
            for n in 0..steps {
                let t = if backward { steps - 1 - n } else { n };
                let now = self.b.view(x.id, vec![inputs], vec![1], t * inputs)?;
                (h, c) = match kind {
                    Kind::Lstm => self.lstm_step(&layers, [now, h, c], units),
                    Kind::Gru => (self.gru_step(&layers, [now, h], split, units), c),
                    Kind::Rnn => (self.rnn_step(&layers, [now, h], relu, units), c),
                };
                shown[t] = h;
            }
            every.push(shown);
            states.push([h, c]);
        }
        let ordered: Vec<TensorId> = (0..steps).flat_map(|t| every.iter().map(move |d| d[t])).collect();
        let parts = [
            (ordered, vec![steps, directions, 1, units]),
            (states.iter().map(|s| s[0]).collect(), vec![directions, 1, units]),
            (states.iter().map(|s| s[1]).collect(), vec![directions, 1, units]),
        ];
        for (name, (ids, full)) in node.outputs.iter().zip(parts) {
            if !name.is_empty() {
                let id =
                    self.b.make(Op::Concat { outer: 1 }, ids.clone(), ids[0], &shape::without_batch(&full));
                self.values.insert(name.clone(), Value { id, shape: full, last: false });
            }
        }
        Ok(())
    }

    /// State of a direction before the first step.
    fn initial(
        &mut self,
        node: &RawNode,
        input: usize,
        direction: usize,
        directions: usize,
        units: usize,
    ) -> Result<TensorId, ImportError> {
        if !self.given(node, input) {
            return Ok(self.b.constant("zero_state", &[units], Data::F32(vec![0.0; units]), None));
        }
        let v = self.value(self.arg(node, input)?)?;
        let v = self.first(&v)?;
        if v.shape.iter().product::<usize>() != directions * units {
            return self.b.fail(format!("a state of {:?} does not fit {units} units", v.shape));
        }
        self.b.view(v.id, vec![units], vec![1], direction * units)
    }

    fn layers(&mut self, weights: &Weights, kind: Kind) -> Layers {
        let Weights { inputs, units, w, r, wb, rb } = weights;
        let (inputs, units) = (*inputs, *units);
        let gate = |all: &[f32], g: usize, columns: usize| {
            all[g * units * columns..(g + 1) * units * columns].to_vec()
        };
        let whole = if kind == Kind::Gru { 2 } else { kind.gates() };
        let joined = (0..whole)
            .map(|g| {
                let (w, r) = (gate(w, g, inputs), gate(r, g, units));
                let rows: Vec<f32> = w
                    .chunks_exact(inputs)
                    .zip(r.chunks_exact(units))
                    .flat_map(|(w, r)| [w, r].concat())
                    .collect();
                let bias: Vec<f32> = gate(wb, g, 1).iter().zip(gate(rb, g, 1)).map(|(a, b)| a + b).collect();
                let rows = self.b.constant("gate_weights", &[units, inputs + units], Data::F32(rows), None);
                [rows, self.b.constant("gate_bias", &[units], Data::F32(bias), None)]
            })
            .collect();
        let mut part = |all: &[f32], bias: &[f32], columns: usize| {
            let rows =
                self.b.constant("gate_weights", &[units, columns], Data::F32(gate(all, 2, columns)), None);
            [rows, self.b.constant("gate_bias", &[units], Data::F32(gate(bias, 2, 1)), None)]
        };
        let parts = (kind == Kind::Gru).then(|| [part(w, wb, inputs), part(r, rb, units)]);
        Layers { joined, parts }
    }

    fn dense_of(&mut self, x: TensorId, [weights, bias]: [TensorId; 2], units: usize) -> TensorId {
        let op = Op::FullyConnected { activation: Activation::None };
        self.b.make(op, vec![x, weights, bias], x, &[units])
    }

    fn function(&mut self, x: TensorId, function: Function, units: usize) -> TensorId {
        self.b.make(Op::Unary { function }, vec![x], x, &[units])
    }

    fn pair(&mut self, kind: BinaryKind, a: TensorId, b: TensorId, units: usize) -> TensorId {
        self.b.make(Op::Binary { kind, activation: Activation::None }, vec![a, b], a, &[units])
    }

    fn beside(&mut self, x: TensorId, h: TensorId, units: usize) -> TensorId {
        let width = self.b.tensor(x).len() + units;
        self.b.make(Op::Concat { outer: 1 }, vec![x, h], x, &[width])
    }

    fn lstm_step(&mut self, layers: &Layers, [x, h, c]: [TensorId; 3], units: usize) -> (TensorId, TensorId) {
        let both = self.beside(x, h, units);
        let functions = [Function::Logistic, Function::Logistic, Function::Logistic, Function::Tanh];
        let mut gates = [x; 4];
        for (g, function) in functions.into_iter().enumerate() {
            let sum = self.dense_of(both, layers.joined[g], units);
            gates[g] = self.function(sum, function, units);
        }
        let [input, output, forget, cell] = gates;
        let kept = self.pair(BinaryKind::Mul, forget, c, units);
        let new = self.pair(BinaryKind::Mul, input, cell, units);
        let c = self.pair(BinaryKind::Add, kept, new, units);
        let shown = self.function(c, Function::Tanh, units);
        (self.pair(BinaryKind::Mul, output, shown, units), c)
    }

    /// `split`: the reset gate weighs the hidden value behind its weights, not before them.
    fn gru_step(&mut self, layers: &Layers, [x, h]: [TensorId; 2], split: bool, units: usize) -> TensorId {
        let both = self.beside(x, h, units);
        let update = self.dense_of(both, layers.joined[0], units);
        let update = self.function(update, Function::Logistic, units);
        let reset = self.dense_of(both, layers.joined[1], units);
        let reset = self.function(reset, Function::Logistic, units);
        let Some([over_x, over_h]) = layers.parts else { return h };
        let from_x = self.dense_of(x, over_x, units);
        let from_h = if split {
            let sum = self.dense_of(h, over_h, units);
            self.pair(BinaryKind::Mul, reset, sum, units)
        } else {
            let weighed = self.pair(BinaryKind::Mul, reset, h, units);
            self.dense_of(weighed, over_h, units)
        };
        let sum = self.pair(BinaryKind::Add, from_x, from_h, units);
        let new = self.function(sum, Function::Tanh, units);
        // (1 - update) * new + update * h.
        let difference = self.pair(BinaryKind::Sub, h, new, units);
        let share = self.pair(BinaryKind::Mul, update, difference, units);
        self.pair(BinaryKind::Add, new, share, units)
    }

    fn rnn_step(&mut self, layers: &Layers, [x, h]: [TensorId; 2], relu: bool, units: usize) -> TensorId {
        let both = self.beside(x, h, units);
        let sum = self.dense_of(both, layers.joined[0], units);
        match relu {
            true => self.b.make(Op::Activate { activation: Activation::Relu }, vec![sum], sum, &[units]),
            false => self.function(sum, Function::Tanh, units),
        }
    }
}
