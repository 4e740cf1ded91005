//! Recurrent layers, unrolled over time.

use super::{
    Importer, Key,
    model::{RawOp, Type},
};
use crate::{
    extra::{BinaryKind, Function, State},
    graph::{Activation, DType, Data, Op, TensorId},
    import::{ImportError, shape},
};

impl Importer<'_> {
    /// Imports the operator when it is one of these.
    pub(super) fn recurrent(&mut self, op: &RawOp<'_>) -> Result<bool, ImportError> {
        if op.code != 44 {
            return Ok(false);
        }
        self.lstm(op)?;
        Ok(true)
    }

    /// Constant weights of one gate, input and recurrent side by side, as rows.
    fn gate(
        &mut self,
        op: &RawOp<'_>,
        gate: usize,
        inputs: usize,
        units: usize,
    ) -> Result<[TensorId; 2], ImportError> {
        let (w, r, b) = (self.arg(op, 1 + gate)?, self.arg(op, 5 + gate)?, self.arg(op, 12 + gate)?);
        let values = |id: i32| self.tensor(id).map(|t| t.floats(0));
        let (Some(w), Some(r), Some(b)) = (values(w)?, values(r)?, values(b)?) else {
            return self.b.fail("its weights and biases must be constants");
        };
        if w.len() != units * inputs || r.len() != units * units || b.len() != units {
            return self.b.fail("the shapes of its weights do not fit");
        }
        let rows: Vec<f32> = (0..units)
            .flat_map(|u| [&w[u * inputs..(u + 1) * inputs], &r[u * units..(u + 1) * units]].concat())
            .collect();
        let name = ["input", "forget", "cell", "output"][gate];
        let weights =
            self.b.constant(&format!("{name}_weights"), &[units, inputs + units], Data::F32(rows), None);
        Ok([weights, self.b.constant(&format!("{name}_bias"), &[units], Data::F32(b), None)])
    }

    fn lstm(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, out) = (self.arg(op, 0)?, self.out(op)?);
        let time_major = self.small(op, 3)? != 0;
        let full = self.full(id)?.to_vec();
        let (steps, inputs) = match *full.as_slice() {
            [1, steps, inputs] if !time_major => (steps, inputs),
            [steps, 1, inputs] if time_major => (steps, inputs),
            _ => return self.b.fail(format!("its input is {full:?}, expected [1, time, features]")),
        };
        if self.small(op, 0)? != 4 {
            return self.b.fail("its activation must be TANH");
        }
        let given = |i: usize| op.inputs.get(i).is_some_and(|&id| id >= 0);
        if [1, 5, 12].iter().any(|&i| !given(i))
            || [9, 10, 11, 16, 17, 20, 21, 22, 23].iter().any(|&i| given(i))
        {
            return self
                .b
                .fail("peepholes, projections, layer normalisation and coupled gates are not supported");
        }
        let clip = match &op.options {
            Some(t) => t.f32(1).or_else(|e| self.b.fail(e))?,
            None => 0.0,
        };
        let (h_id, c_id) = (self.arg(op, 18)?, self.arg(op, 19)?);
        let units = self.tensor(c_id)?.len();
        if units == 0 || self.tensor(h_id)?.len() != units || steps == 0 || steps > 4096 {
            return self.b.fail("its state or its time does not fit");
        }
        if shape::count(self.full(out)?) != Some(steps * units) {
            return self.b.fail("its output does not fit its time and units");
        }
        if self.kind(id)?.0 != DType::F32 {
            return self.integer_lstm(op, [steps, inputs, units], clip);
        }
        let gates = (0..4).map(|g| self.gate(op, g, inputs, units)).collect::<Result<Vec<_>, _>>()?;
        let x = self.input(id)?;
        let (h_key, c_key) = (Key::Tensor(self.at, h_id), Key::Tensor(self.at, c_id));
        let (mut h, mut c) = (self.read_state(&h_key, h_id)?, self.read_state(&c_key, c_id)?);
        let mut every = Vec::new();
        for t in 0..steps {
            let now = self.b.view(x, vec![inputs], vec![1], t * inputs)?;
            let joined = self.b.make(Op::Concat { outer: 1 }, vec![now, h], x, &[inputs + units]);
            let mut value = |gate: usize, function: Function| {
                let [w, b] = gates[gate];
                let dense = Op::FullyConnected { activation: Activation::None };
                let sum = self.b.make(dense, vec![joined, w, b], c, &[units]);
                self.b.make(Op::Unary { function }, vec![sum], c, &[units])
            };
            let (i, f) = (value(0, Function::Logistic), value(1, Function::Logistic));
            let (g, o) = (value(2, Function::Tanh), value(3, Function::Logistic));
            let mut pair = |kind, a, b| {
                self.b.make(Op::Binary { kind, activation: Activation::None }, vec![a, b], c, &[units])
            };
            let (kept, new) = (pair(BinaryKind::Mul, f, c), pair(BinaryKind::Mul, i, g));
            let mut cell = pair(BinaryKind::Add, kept, new);
            if clip > 0.0 {
                let limit = self.b.constant("clip", &[units], Data::F32(vec![clip; units]), None);
                let floor = self.b.constant("clip", &[units], Data::F32(vec![-clip; units]), None);
                for (kind, bound) in [(BinaryKind::Minimum, limit), (BinaryKind::Maximum, floor)] {
                    let clipped = Op::Binary { kind, activation: Activation::None };
                    cell = self.b.make(clipped, vec![cell, bound], c, &[units]);
                }
            }
            c = cell;
            let shown = self.b.make(Op::Unary { function: Function::Tanh }, vec![c], c, &[units]);
            let product = Op::Binary { kind: BinaryKind::Mul, activation: Activation::None };
            h = self.b.make(product, vec![o, shown], c, &[units]);
            every.push(h);
        }
        self.keep_state(&h_key, h);
        self.keep_state(&c_key, c);
        let y = self.output(out)?;
        self.b.node(Op::Concat { outer: 1 }, every, y);
        Ok(())
    }

    /// Bytes with a cell of 16 bits: one operator with the state in a tensor of its own.
    fn integer_lstm(
        &mut self,
        op: &RawOp<'_>,
        [steps, inputs, units]: [usize; 3],
        clip: f32,
    ) -> Result<(), ImportError> {
        let (id, out, h_id, c_id) = (self.arg(op, 0)?, self.out(op)?, self.arg(op, 18)?, self.arg(op, 19)?);
        let (DType::I8, Some(quant)) = self.kind(h_id)? else {
            return self.b.fail("its hidden state must be int8; convert the model with int8 activations");
        };
        let (kind, cell) = (self.tensor(c_id)?.kind, self.tensor(c_id)?.scale.clone());
        if self.kind(id)?.0 != DType::I8 || self.kind(out)? != (DType::I8, Some(quant.clone())) {
            return self
                .b
                .fail("its input and output must be int8, the output with the scale of the hidden state");
        }
        let (Type::I16, &[cell]) = (kind, cell.as_slice()) else {
            return self.b.fail("its cell must be int16 with one scale");
        };
        let (mut weights, mut bias, mut scales) = (Vec::new(), Vec::new(), [[0.0; 2]; 4]);
        for (g, scales) in scales.iter_mut().enumerate() {
            let mut parts = Vec::new();
            for (k, (first, columns)) in [(1, inputs), (5, units)].into_iter().enumerate() {
                let t = self.tensor(self.arg(op, first + g)?)?;
                match (t.data, t.kind, t.scale.as_slice(), t.zero.iter().all(|&z| z == 0)) {
                    (Some(d), Type::I8, &[scale], true) if d.len() == units * columns => {
                        scales[k] = scale;
                        parts.push(d);
                    }
                    _ => {
                        return self
                            .b
                            .fail("its weights must be int8 constants with one scale and no zero point");
                    }
                }
            }
            for (a, b) in parts[0].chunks_exact(inputs).zip(parts[1].chunks_exact(units)) {
                weights.extend(a.iter().chain(b).map(|&b| b as i8));
            }
            let t = self.tensor(self.arg(op, 12 + g)?)?;
            match t.ints() {
                Some(v) if t.kind == Type::I32 && v.len() == units => {
                    bias.extend(v.iter().map(|&v| v as i32))
                }
                _ => return self.b.fail("its biases must be int32 constants"),
            }
        }
        let x = self.input(id)?;
        let weights = self.b.constant("lstm_weights", &[4, units, inputs + units], Data::I8(weights), None);
        let bias = self.b.constant("lstm_bias", &[4, units], Data::I32(bias), None);
        let name = self.state_name(&self.tensor(h_id)?.name);
        let state = self.b.flow(&format!("state {name}"), &[3 * units], DType::I8, Some(quant.clone()));
        let all =
            self.b.flow(&format!("{name} and state"), &[(steps + 3) * units], DType::I8, Some(quant.clone()));
        self.b.node(Op::Lstm { units, scales, cell, clip }, vec![x, state, weights, bias], all);
        let write = self.b.view(all, vec![3 * units], vec![1], steps * units)?;
        // Before the first run the hidden value is real 0 and the cell is 0.
        let mut initial = vec![quant.zero_point as i8; units];
        initial.resize(3 * units, 0);
        self.b.graph.states.push(State { name, read: state, write, initial: Some(Data::I8(initial)) });
        let y = self.output(out)?;
        self.b.node(Op::Strided { shape: vec![steps * units], strides: vec![1], offset: 0 }, vec![all], y);
        self.b.note("the LSTM in integers follows TFLM, whatever the reference; LiteRT's own gives other values at times".into());
        Ok(())
    }
}
