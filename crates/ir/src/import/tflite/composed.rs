//! Operators that are made of others.

use super::{Importer, model::RawOp};
use crate::{
    extra::BinaryKind,
    graph::{Activation, DType, Data, Op, Padding},
    import::{ImportError, shape},
};

impl Importer<'_> {
    /// Imports the operator when it is one of these.
    pub(super) fn composed(&mut self, op: &RawOp<'_>) -> Result<bool, ImportError> {
        match op.code {
            27 => self.svdf(op)?,
            54 => self.prelu(op)?,
            67 => self.transposed(op)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// PRELU: in bytes an operator of its own; in float `max(x, 0) + alpha * min(x, 0)`, which rounds no more than the product does.
    fn prelu(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (id, alpha_id, out) = (self.arg(op, 0)?, self.arg(op, 1)?, self.out(op)?);
        let full = self.full(id)?.to_vec();
        let from = self.full(alpha_id)?.to_vec();
        match self.kind(id)?.0 {
            DType::F32 => {}
            DType::I8 => {
                let (x, alpha) = (self.input(id)?, self.input(alpha_id)?);
                // Slopes of the last axes alone stay as they are.
                let slopes: Vec<usize> = from.iter().skip_while(|&&d| d == 1).copied().collect();
                let alpha = if full.ends_with(&slopes) && from.len() <= full.len() {
                    alpha
                } else {
                    self.b.spread(alpha, &from, &full)?
                };
                let y = self.output(out)?;
                self.b.node(Op::Prelu, vec![x, alpha], y);
                return Ok(());
            }
            _ => return self.b.fail("it is supported in int8 and in float"),
        }
        let (x, alpha) = (self.input(id)?, self.input(alpha_id)?);
        let alpha = self.b.spread(alpha, &from, &full)?;
        let own = shape::without_batch(&full);
        let Some(count) = shape::count(&own) else {
            return self.b.fail(format!("{full:?} is too large"));
        };
        let zeros = self.b.constant("zeros", &own, Data::F32(vec![0.0; count]), None);
        let binary = |kind| Op::Binary { kind, activation: Activation::None };
        let below = self.b.make(binary(BinaryKind::Minimum), vec![x, zeros], x, &own);
        let scaled = self.b.make(binary(BinaryKind::Mul), vec![below, alpha], x, &own);
        let above = self.b.make(Op::Activate { activation: Activation::Relu }, vec![x], x, &own);
        let y = self.output(out)?;
        self.b.node(Op::Add { activation: Activation::None }, vec![above, scaled], y);
        Ok(())
    }

    /// TRANSPOSE_CONV: zeros between the pixels, then a convolution with the kernel turned round. Sums are the same integers,
    /// and requantisation is that of a convolution, as in the reference kernels of LiteRT and TFLM.
    fn transposed(&mut self, op: &RawOp<'_>) -> Result<(), ImportError> {
        let (weights, id, out) = (self.arg(op, 1)?, self.arg(op, 2)?, self.out(op)?);
        let (x, y) = (self.image(id)?, self.image(out)?);
        let [outputs, kh, kw, inputs] = *self.full(weights)? else {
            return self.b.fail(format!("its weights are {:?}", self.full(weights)?));
        };
        if inputs != x[2] || outputs != y[2] || kh == 0 || kw == 0 {
            return self.b.fail(format!("weights of {:?} do not fit {x:?} and {y:?}", self.full(weights)?));
        }
        let (kernel, stride) = ([kh, kw], [self.step(op, 2)?, self.step(op, 1)?]);
        let same = match self.small(op, 0)? {
            0 => true,
            1 => false,
            other => return self.b.fail(format!("padding {other} is not known")),
        };
        let activation = self.activation(self.small(op, 3)?)?;
        let mut around = [(0, 0); 2];
        for a in 0..2 {
            let covered = (x[a] - 1).saturating_mul(stride[a]).saturating_add(kernel[a]);
            let cut = if same { covered.saturating_sub(y[a]) / 2 } else { 0 };
            let stuffed = x[a].saturating_mul(stride[a]);
            match ((kernel[a] - 1).checked_sub(cut), (y[a] + cut).checked_sub(stuffed)) {
                (Some(before), Some(after)) => around[a] = (before, after),
                _ => return self.b.fail("a stride larger than the kernel is not supported; use RESIZE_NEAREST_NEIGHBOR and CONV_2D"),
            }
        }
        let wide = [x[0].saturating_mul(stride[0]), x[1].saturating_mul(stride[1]), x[2]];
        if shape::count(&wide).is_none() {
            return self.b.fail(format!("{wide:?} is too large"));
        }
        let original = self.input(id)?;
        let mut stuffed = original;
        if stride != [1, 1] {
            let pad = Op::Pad {
                shape: vec![x[0], 1, x[1], 1, x[2]],
                before: vec![0; 5],
                after: vec![0, stride[0] - 1, 0, stride[1] - 1, 0],
                value: 0.0,
            };
            stuffed = self.b.make(pad, vec![original], original, &wide);
        }
        let padding =
            Padding { top: around[0].0, bottom: around[0].1, left: around[1].0, right: around[1].1 };
        let what = Op::Conv2d { stride: [1, 1], dilation: [1, 1], padding, activation };
        let inner = RawOp {
            code: op.code,
            custom: String::new(),
            inputs: vec![id, weights, op.inputs.get(3).copied().unwrap_or(-1)],
            outputs: op.outputs.clone(),
            options: None,
        };
        let before = self.map.insert(id, stuffed);
        let made = self.layer(&inner, what, &[outputs, kh, kw, inputs], 0, outputs);
        match before {
            Some(there) => self.map.insert(id, there),
            None => self.map.remove(&id),
        };
        made?;
        if let Some(node) = self.b.graph.nodes.last() {
            let w = node.inputs[1];
            match &mut self.b.graph.tensors[w.0 as usize].data {
                Some(Data::F32(v)) => turn(v, outputs, kh * kw, inputs),
                Some(Data::I8(v)) => turn(v, outputs, kh * kw, inputs),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Turns each kernel round: its last pixel comes first.
fn turn<T: Copy>(values: &mut [T], outputs: usize, pixels: usize, inputs: usize) {
    let old = values.to_vec();
    for o in 0..outputs {
        for p in 0..pixels {
            let (to, from) = ((o * pixels + p) * inputs, (o * pixels + pixels - 1 - p) * inputs);
            values[to..to + inputs].copy_from_slice(&old[from..from + inputs]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        export::flat::{Table, Value, file},
        extra::Reference,
        import::tflite::read,
        interpret::Interpreter,
    };

    fn tensor(shape: &[i32], kind: u8, buffer: i32, name: &str) -> Table {
        vec![
            (0, Value::Ints(shape.to_vec())),
            (1, Value::Byte(kind)),
            (2, Value::Int(buffer)),
            (3, Value::Text(name.into())),
        ]
    }

    fn floats(v: &[f32]) -> Table {
        vec![(0, Value::Bytes(v.iter().flat_map(|v| v.to_le_bytes()).collect()))]
    }

    /// A file with one operator in float: constants of these shapes and values, then `x`, in the order of `inputs`.
    fn model(
        code: i32,
        tensors: Vec<Table>,
        buffers: Vec<Table>,
        inputs: &[i32],
        x: i32,
        options: (u8, Table),
    ) -> Vec<u8> {
        let y = tensors.len() as i32 - 1;
        let op = vec![
            (0, Value::Int(0)),
            (1, Value::Ints(inputs.to_vec())),
            (2, Value::Ints(vec![y])),
            (3, Value::Byte(options.0)),
            (4, Value::Table(options.1)),
        ];
        let graph = vec![
            (0, Value::Tables(tensors)),
            (1, Value::Ints(vec![x])),
            (2, Value::Ints(vec![y])),
            (3, Value::Tables(vec![op])),
        ];
        let codes = vec![(0, Value::Byte(code as u8)), (3, Value::Int(code))];
        let root = vec![
            (0, Value::Int(3)),
            (1, Value::Tables(vec![codes])),
            (2, Value::Tables(vec![graph])),
            (4, Value::Tables(std::iter::once(Table::new()).chain(buffers).collect())),
        ];
        file(&root, b"TFL3").expect("a file")
    }

    #[test]
    fn a_transposed_convolution_adds_each_pixel_times_the_kernel() {
        for (same, h, w, kernel, stride, out) in [
            (true, 3usize, 4usize, [3usize, 3usize], [2usize, 2usize], [6usize, 8usize]),
            (false, 3, 2, [2, 3], [2, 1], [6, 4]),
            (true, 4, 3, [4, 2], [2, 2], [8, 6]),
            (true, 3, 3, [3, 3], [1, 1], [3, 3]),
        ] {
            let (c, o) = (2, 3);
            let weights: Vec<f32> =
                (0..o * kernel[0] * kernel[1] * c).map(|i| (i % 13) as f32 - 6.0).collect();
            let bias = [0.5, -1.0, 2.0];
            let shape = |s: &[usize]| s.iter().map(|&d| d as i32).collect::<Vec<_>>();
            let size: Vec<u8> =
                [1, out[0], out[1], o].iter().flat_map(|&d| (d as i32).to_le_bytes()).collect();
            let tensors = vec![
                tensor(&[4], 2, 1, "size"),
                tensor(&shape(&[o, kernel[0], kernel[1], c]), 0, 2, "w"),
                tensor(&shape(&[1, h, w, c]), 0, 0, "x"),
                tensor(&[o as i32], 0, 3, "b"),
                tensor(&shape(&[1, out[0], out[1], o]), 0, 0, "y"),
            ];
            let buffers = vec![vec![(0, Value::Bytes(size))], floats(&weights), floats(&bias)];
            let options = vec![
                (0, Value::Byte(u8::from(!same))),
                (1, Value::Int(stride[1] as i32)),
                (2, Value::Int(stride[0] as i32)),
            ];
            let bytes = model(67, tensors, buffers, &[0, 1, 2, 3], 2, (49, options));
            let model = read(&bytes, "up", Reference::Litert).unwrap_or_else(|e| panic!("{e}"));
            let x: Vec<f32> = (0..h * w * c).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let mut got = vec![0.0; out[0] * out[1] * o];
            Interpreter::new(&model.graph).expect("valid").run(&x, &mut got).expect("run");
            // As the operator is defined: small integers, so that the order of the sum cannot be seen.
            let cut = |a: usize, n: usize| {
                if same { ((n - 1) * stride[a] + kernel[a]).saturating_sub(out[a]) / 2 } else { 0 }
            };
            let mut expected = vec![0.0f32; got.len()];
            expected.chunks_exact_mut(o).for_each(|p| p.copy_from_slice(&bias));
            for iy in 0..h {
                for ix in 0..w {
                    for ky in 0..kernel[0] {
                        for kx in 0..kernel[1] {
                            let (Some(y), Some(z)) = (
                                (iy * stride[0] + ky).checked_sub(cut(0, h)).filter(|&y| y < out[0]),
                                (ix * stride[1] + kx).checked_sub(cut(1, w)).filter(|&z| z < out[1]),
                            ) else {
                                continue;
                            };
                            for oc in 0..o {
                                for ic in 0..c {
                                    expected[(y * out[1] + z) * o + oc] += x[(iy * w + ix) * c + ic]
                                        * weights[((oc * kernel[0] + ky) * kernel[1] + kx) * c + ic];
                                }
                            }
                        }
                    }
                }
            }
            assert_eq!(got, expected, "same {same}, {h} x {w}, kernel {kernel:?}, stride {stride:?}");
        }
    }

    #[test]
    fn a_parametric_relu_scales_what_lies_below_zero() {
        let alpha = [0.1f32, -2.0, 0.3];
        let tensors = vec![
            tensor(&[1, 2, 2, 3], 0, 0, "x"),
            tensor(&[1, 1, 3], 0, 1, "alpha"),
            tensor(&[1, 2, 2, 3], 0, 0, "y"),
        ];
        let bytes = model(54, tensors, vec![floats(&alpha)], &[0, 1], 0, (0, Table::new()));
        let model = read(&bytes, "prelu", Reference::Litert).unwrap_or_else(|e| panic!("{e}"));
        let x: Vec<f32> = (0..12).map(|i| (i as f32 - 6.0) * 0.37).collect();
        let mut got = vec![0.0; 12];
        Interpreter::new(&model.graph).expect("valid").run(&x, &mut got).expect("run");
        let expected: Vec<f32> =
            x.iter().enumerate().map(|(i, &v)| if v >= 0.0 { v } else { v * alpha[i % 3] }).collect();
        assert_eq!(got, expected);
    }
}
