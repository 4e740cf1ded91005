//! Recurrent layers, unrolled over time.

use super::{Importer, model::RawOp};
use crate::{
    extra::{BinaryKind, Function},
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
        if self.kind(id)?.0 != DType::F32 {
            return self.b.fail("integer LSTM is not supported yet; convert the model to float32");
        }
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
        let gates = (0..4).map(|g| self.gate(op, g, inputs, units)).collect::<Result<Vec<_>, _>>()?;
        let x = self.input(id)?;
        let (h_name, c_name) = (self.tensor(h_id)?.name.clone(), self.tensor(c_id)?.name.clone());
        let (mut h, mut c) = (self.read_state(&h_name, h_id)?, self.read_state(&c_name, c_id)?);
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
        self.keep_state(&h_name, h);
        self.keep_state(&c_name, c);
        if shape::count(self.full(out)?) != Some(steps * units) {
            return self.b.fail("its output does not fit its time and units");
        }
        let y = self.output(out)?;
        self.b.node(Op::Concat { outer: 1 }, every, y);
        Ok(())
    }
}
