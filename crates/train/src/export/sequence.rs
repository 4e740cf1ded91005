//! Layers over time and over channels, as nodes of the graph.

use super::Exporter;
use crate::{
    kernels::{
        attention::Heads,
        recurrent::{Cell, Kind},
    },
    unit::{EPSILON, Unit},
};
use edgewright_ir::{
    Activation as IrActivation, Op, Padding, TensorId,
    extra::{BinaryKind, Function, ReduceKind},
};

impl Exporter {
    fn pair(&mut self, name: &str, kind: BinaryKind, a: TensorId, b: TensorId) -> TensorId {
        let shape = self.graph.tensor(a).shape.clone();
        let op = match kind {
            BinaryKind::Add => Op::Add { activation: IrActivation::None },
            kind => Op::Binary { kind, activation: IrActivation::None },
        };
        self.node(name, op, vec![a, b], &shape)
    }

    fn unary(&mut self, name: &str, function: Function, x: TensorId) -> TensorId {
        let shape = self.graph.tensor(x).shape.clone();
        self.node(name, Op::Unary { function }, vec![x], &shape)
    }

    fn slice(&mut self, name: &str, x: TensorId, offset: usize, len: usize) -> TensorId {
        self.node(name, Op::Strided { shape: vec![len], strides: vec![1], offset }, vec![x], &[len])
    }

    /// Every step by itself. What all steps make of their inputs is one dense layer over rows; before the first step the state is 0, so
    /// that there it is left out.
    pub(super) fn recurrent(&mut self, unit: &Unit, cell: &Cell, x: TensorId) -> TensorId {
        let name = unit.name.as_str();
        let (u, wide) = (cell.units, cell.kind.gates() * cell.units);
        let [_, steps, values] = unit.input;
        let turned = |rows: &[f32]| -> Vec<f32> {
            let k = rows.len() / wide;
            (0..rows.len()).map(|i| rows[i % k * wide + i / k]).collect()
        };
        let (w, r) = unit.weights.split_at(values * wide);
        let x = self.shaped(&format!("{name}_input"), x, &[steps, values]);
        let dense = Op::FullyConnected { activation: IrActivation::None };
        let seen = format!("{name}_seen");
        let seen = self.weighted(
            &seen,
            dense.clone(),
            x,
            vec![wide, values],
            turned(w),
            unit.bias.clone(),
            &[steps, wide],
        );
        let recurrent = self.tensor(format!("{name}_recurrent"), vec![wide, u], Some(turned(r)));
        let zeros = self.constant(format!("{name}_zeros"), vec![0.0; wide]);
        let (mut state, mut every): (Option<[TensorId; 2]>, Vec<TensorId>) = (None, Vec::new());
        for t in 0..steps {
            let own = |what: &str| format!("{name}_{t}_{what}");
            let now = self.slice(&own("now"), seen, t * wide, wide);
            let back = state
                .map(|[h, _]| self.node(&own("back"), dense.clone(), vec![h, recurrent, zeros], &[wide]));
            state = Some(match cell.kind {
                Kind::Lstm => {
                    let sum = back.map_or(now, |b| self.pair(&own("sum"), BinaryKind::Add, now, b));
                    let mut gate = |g: usize, what: &str, function| {
                        let part = self.slice(&own(what), sum, g * u, u);
                        self.unary(&own(&format!("{what}_gate")), function, part)
                    };
                    let input = gate(0, "input", Function::Logistic);
                    let forget = state.map(|_| gate(1, "forget", Function::Logistic));
                    let new = gate(2, "new", Function::Tanh);
                    let output = gate(3, "output", Function::Logistic);
                    let mut c = self.pair(&own("added"), BinaryKind::Mul, input, new);
                    if let (Some([_, before]), Some(forget)) = (state, forget) {
                        let kept = self.pair(&own("kept"), BinaryKind::Mul, forget, before);
                        c = self.pair(&own("cell"), BinaryKind::Add, kept, c);
                    }
                    let shown = self.unary(&own("shown"), Function::Tanh, c);
                    [self.pair(&own("hidden"), BinaryKind::Mul, output, shown), c]
                }
                Kind::Gru => {
                    let mut gate = |g: usize, what: &str| {
                        let mut part = self.slice(&own(what), now, g * u, u);
                        if let Some(back) = back {
                            let other = self.slice(&own(&format!("{what}_back")), back, g * u, u);
                            part = self.pair(&own(&format!("{what}_sum")), BinaryKind::Add, part, other);
                        }
                        self.unary(&own(&format!("{what}_gate")), Function::Logistic, part)
                    };
                    let update = gate(0, "update");
                    let reset = back.map(|_| gate(1, "reset"));
                    let mut sum = self.slice(&own("new"), now, 2 * u, u);
                    if let (Some(back), Some(reset)) = (back, reset) {
                        let other = self.slice(&own("new_back"), back, 2 * u, u);
                        let other = self.pair(&own("new_reset"), BinaryKind::Mul, reset, other);
                        sum = self.pair(&own("new_sum"), BinaryKind::Add, sum, other);
                    }
                    let new = self.unary(&own("candidate"), Function::Tanh, sum);
                    // candidate + update * (before - candidate)
                    let way = match state {
                        Some([h, _]) => self.pair(&own("way"), BinaryKind::Sub, h, new),
                        None => self.unary(&own("way"), Function::Neg, new),
                    };
                    let moved = self.pair(&own("moved"), BinaryKind::Mul, update, way);
                    let h = self.pair(&own("hidden"), BinaryKind::Add, new, moved);
                    [h, h]
                }
            });
            if let Some([h, _]) = state
                && (cell.sequences || t + 1 == steps)
            {
                every.push(h);
            }
        }
        let at = match every.as_slice() {
            [only] => *only,
            _ => self.node(name, Op::Concat { outer: 1 }, every, &[unit.out_len()]),
        };
        self.shaped(&format!("{name}_all"), at, &unit.output)
    }

    /// Heads side by side: shares of the steps by a softmax over products, and what they make of the values.
    pub(super) fn attention(&mut self, unit: &Unit, heads: &Heads) -> TensorId {
        let name = unit.name.as_str();
        let [_, steps, width] = unit.output;
        let Heads { count, key } = *heads;
        // Columns of each head to rows of its own, and back.
        let apart = |e: &mut Self, i: usize, what: &str| {
            let at = e.values[unit.inputs[i]];
            if count == 1 {
                return e.shaped(&format!("{name}_{what}"), at, &[1, steps, key]);
            }
            let strides = vec![key as isize, width as isize, 1];
            let op = Op::Strided { shape: vec![count, steps, key], strides, offset: 0 };
            e.node(&format!("{name}_{what}"), op, vec![at], &[count, steps, key])
        };
        let [q, k, v] = [(0, "queries"), (1, "keys"), (2, "values")].map(|(i, what)| apart(self, i, what));
        let op = Op::MatMul { batch: count, shared: key, transposed: true };
        let scores = self.node(&format!("{name}_scores"), op, vec![q, k], &[count, steps, steps]);
        let shares = self.node(&format!("{name}_shares"), Op::Softmax, vec![scores], &[count, steps, steps]);
        let op = Op::MatMul { batch: count, shared: steps, transposed: false };
        if count == 1 {
            return self.node(name, op, vec![shares, v], &unit.output);
        }
        let mixed = self.node(&format!("{name}_apart"), op, vec![shares, v], &[count, steps, key]);
        let strides = vec![key as isize, (steps * key) as isize, 1];
        let op = Op::Strided { shape: vec![steps, count, key], strides, offset: 0 };
        self.node(name, op, vec![mixed], &unit.output)
    }

    /// Mean and variance of each pixel, spread over its channels.
    pub(super) fn layer_norm(&mut self, unit: &Unit, x: TensorId) -> TensorId {
        let name = unit.name.as_str();
        let [h, w, c] = unit.output;
        let x = self.shaped(&format!("{name}_input"), x, &unit.output);
        let mean = |e: &mut Self, what: &str, x: TensorId| {
            let op = Op::Reduce { kind: ReduceKind::Mean, count: c, inner: 1 };
            e.node(&format!("{name}_{what}"), op, vec![x], &[h * w])
        };
        let spread = |e: &mut Self, what: &str, x: TensorId| {
            let op = Op::Strided { shape: vec![h * w, c], strides: vec![1, 0], offset: 0 };
            e.node(&format!("{name}_{what}"), op, vec![x], &[h, w, c])
        };
        let centre = mean(self, "mean", x);
        let centre = spread(self, "mean_spread", centre);
        let centred = self.pair(&format!("{name}_centred"), BinaryKind::Sub, x, centre);
        let square = self.unary(&format!("{name}_square"), Function::Square, centred);
        let variance = mean(self, "variance", square);
        let floor = self.constant(format!("{name}_epsilon"), vec![EPSILON; h * w]);
        let raised = self.node(
            &format!("{name}_raised"),
            Op::Binary { kind: BinaryKind::Add, activation: IrActivation::None },
            vec![variance, floor],
            &[h * w],
        );
        let inverse = self.unary(&format!("{name}_inverse"), Function::Rsqrt, raised);
        let inverse = spread(self, "inverse_spread", inverse);
        let scaled = self.pair(&format!("{name}_scaled"), BinaryKind::Mul, centred, inverse);
        let op = Op::DepthwiseConv2d {
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            multiplier: 1,
            activation: IrActivation::None,
        };
        self.weighted(name, op, scaled, vec![1, 1, c], unit.weights.clone(), unit.bias.clone(), &unit.output)
    }
}
