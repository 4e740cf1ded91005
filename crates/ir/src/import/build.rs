//! Nodes and constants of a graph that is being imported.

use super::{ImportError, MOST_CONSTANT_BYTES, plain, shape};
use crate::{
    extra::{BinaryKind, ReduceKind},
    fold::fold_pads,
    graph::{DType, Data, Graph, GraphError, Node, Op, Quant, Tensor, TensorId},
    interpret::Interpreter,
};

use std::collections::BTreeMap;

/// An operator and its inputs.
pub type Product = (Op, Vec<TensorId>);

/// A graph in the making, with the place that an error names.
pub struct Build {
    pub graph: Graph,
    pub notes: Vec<String>,
    operator: String,
    place: String,
    made: usize,
    /// Bytes of the constants that were made.
    held: usize,
    /// Constants that are alike are made once.
    pub share: bool,
    shared: BTreeMap<String, Vec<TensorId>>,
}

impl Build {
    pub fn new(name: &str) -> Self {
        Self {
            graph: Graph { name: plain(name), ..Graph::default() },
            notes: Vec::new(),
            operator: String::new(),
            place: String::new(),
            made: 0,
            held: 0,
            share: false,
            shared: BTreeMap::new(),
        }
    }

    /// The operator that is being read.
    pub fn at(&mut self, operator: &str, number: usize, makes: &str) {
        self.operator = plain(operator);
        self.place = format!("node {number} (`{}`)", plain(makes));
    }

    /// The operator is not supported in this form.
    pub fn fail<T>(&self, reason: impl Into<String>) -> Result<T, ImportError> {
        Err(ImportError::Operator {
            operator: self.operator.clone(),
            place: self.place.clone(),
            reason: plain(&reason.into()),
        })
    }

    /// Says something once.
    pub fn note(&mut self, text: String) {
        let text = plain(&text);
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// A name that no tensor has yet. None is empty: in ONNX that stands for an input that is left out.
    fn name(&self, wanted: &str) -> String {
        let wanted = if wanted.is_empty() { "value" } else { &plain(wanted) };
        if self.graph.tensors.iter().all(|t| t.name != wanted) {
            return wanted.into();
        }
        format!("{wanted}_{}", self.graph.tensors.len())
    }

    pub fn tensor(&self, id: TensorId) -> &Tensor {
        self.graph.tensor(id)
    }

    /// A tensor that flows.
    pub fn flow(&mut self, name: &str, shape: &[usize], dtype: DType, quant: Option<Quant>) -> TensorId {
        let name = self.name(name);
        self.graph.push_tensor(Tensor { name, shape: shape.to_vec(), dtype, quant, data: None })
    }

    /// A constant.
    pub fn constant(&mut self, name: &str, shape: &[usize], data: Data, quant: Option<Quant>) -> TensorId {
        let dtype = data.dtype();
        if self.share {
            let there = self.shared.get(name).into_iter().flatten().copied().find(|id| {
                let t = self.tensor(*id);
                t.shape == shape && t.quant == quant && t.data.as_ref() == Some(&data)
            });
            if let Some(there) = there {
                return there;
            }
            let next = TensorId(self.graph.tensors.len() as u32);
            self.shared.entry(name.to_owned()).or_default().push(next);
        }
        self.held = self.held.saturating_add(data.len() * dtype.bytes());
        let name = self.name(name);
        self.graph.push_tensor(Tensor { name, shape: shape.to_vec(), dtype, quant, data: Some(data) })
    }

    /// Refuses a model whose constants, spread out and joined, have become too large.
    pub fn check_constants(&self) -> Result<(), ImportError> {
        if self.held > MOST_CONSTANT_BYTES {
            return self.fail(format!(
                "with its constants all constants together are larger than {MOST_CONSTANT_BYTES} bytes"
            ));
        }
        Ok(())
    }

    /// Counts bytes of constants that are held beside the graph.
    ///
    /// # Errors
    /// When all constants together have become too large.
    pub fn hold(&mut self, bytes: usize) -> Result<(), ImportError> {
        self.held = self.held.saturating_add(bytes);
        self.check_constants()
    }

    /// Refuses constants of so many more bytes before they are made.
    pub fn fits(&self, bytes: usize) -> Result<(), ImportError> {
        if self.held.saturating_add(bytes) > MOST_CONSTANT_BYTES {
            return self.fail(format!(
                "with {bytes} bytes more all constants together are larger than {MOST_CONSTANT_BYTES} bytes"
            ));
        }
        Ok(())
    }

    /// A node that makes `output`.
    pub fn node(&mut self, op: Op, inputs: Vec<TensorId>, output: TensorId) {
        let name = format!("{}_{}", self.operator.to_lowercase(), self.made);
        self.made += 1;
        self.graph.nodes.push(Node { name, op, inputs, output });
    }

    /// A node that makes a new tensor of the type and scale of `like`.
    pub fn make(&mut self, op: Op, inputs: Vec<TensorId>, like: TensorId, shape: &[usize]) -> TensorId {
        let t = self.tensor(like);
        let (dtype, quant, name) = (t.dtype, t.quant.clone(), format!("{}_{}", t.name, self.made));
        let output = self.flow(&name, shape, dtype, quant);
        self.node(op, inputs, output);
        output
    }

    /// `x` of shape `from`, spread over `to`: unchanged when it is, folded when it is a constant.
    pub fn spread(&mut self, x: TensorId, from: &[usize], to: &[usize]) -> Result<TensorId, ImportError> {
        if from.iter().product::<usize>() == to.iter().product::<usize>() {
            return Ok(x);
        }
        let Some(strides) = shape::broadcast(from, to) else {
            return self.fail(format!("{from:?} cannot be spread over {to:?}"));
        };
        self.view(x, to.to_vec(), strides, 0)
    }

    /// A view of `x`; folded when it is a constant.
    pub fn view(
        &mut self,
        x: TensorId,
        shape: Vec<usize>,
        strides: Vec<isize>,
        offset: usize,
    ) -> Result<TensorId, ImportError> {
        let Some(count) = shape::count(&shape) else {
            return self.fail(format!("{shape:?} is too large"));
        };
        let t = self.tensor(x).clone();
        if t.data.is_none() {
            let outer = shape::without_batch(&shape);
            return Ok(self.make(Op::Strided { shape, strides, offset }, vec![x], x, &outer));
        }
        if self.held.saturating_add(count * t.dtype.bytes()) > MOST_CONSTANT_BYTES {
            return self.fail(format!(
                "a constant of {shape:?} makes all constants together larger than {MOST_CONSTANT_BYTES} bytes"
            ));
        }
        let copy = |len: usize, at: &dyn Fn(usize)| {
            for n in 0..count {
                let (mut rest, mut from) = (n, offset as isize);
                for (extent, stride) in shape.iter().zip(&strides).rev() {
                    from += (rest % extent) as isize * stride;
                    rest /= extent;
                }
                match usize::try_from(from).ok().filter(|&f| f < len) {
                    Some(from) => at(from),
                    None => return false,
                }
            }
            true
        };
        fn gather<T: Copy>(v: &[T], copy: impl Fn(usize, &dyn Fn(usize)) -> bool) -> Option<Vec<T>> {
            let out = std::cell::RefCell::new(Vec::new());
            copy(v.len(), &|from| out.borrow_mut().push(v[from])).then(|| out.into_inner())
        }
        let data = match t.data.as_ref() {
            Some(Data::F32(v)) => gather(v, copy).map(Data::F32),
            Some(Data::I8(v)) => gather(v, copy).map(Data::I8),
            Some(Data::I32(v)) => gather(v, copy).map(Data::I32),
            Some(Data::I16(v)) => gather(v, copy).map(Data::I16),
            Some(Data::I64(v)) => gather(v, copy).map(Data::I64),
            None => None,
        };
        match data {
            Some(data) => Ok(self.constant(&t.name, &shape::without_batch(&shape), data, t.quant)),
            None => self.fail("a view reaches outside its tensor"),
        }
    }

    /// `x` of shape `full` with its axes in another order.
    pub fn transpose(
        &mut self,
        x: TensorId,
        full: &[usize],
        order: &[usize],
    ) -> Result<TensorId, ImportError> {
        let mut seen = vec![false; full.len()];
        for &a in order {
            match seen.get_mut(a) {
                Some(s) if !*s => *s = true,
                _ => return self.fail(format!("{order:?} is no order of {} axes", full.len())),
            }
        }
        if order.len() != full.len() {
            return self.fail(format!("{order:?} is no order of {} axes", full.len()));
        }
        let own = shape::strides(full);
        let to: Vec<usize> = order.iter().map(|&a| full[a]).collect();
        // Axes of one element may move freely.
        let moved: Vec<usize> = order.iter().copied().filter(|&a| full[a] > 1).collect();
        if moved.windows(2).all(|w| w[0] < w[1]) {
            if self.tensor(x).data.is_some() {
                return self.view(x, to, order.iter().map(|&a| own[a]).collect(), 0);
            }
            return Ok(self.make(Op::Reshape, vec![x], x, &shape::without_batch(&to)));
        }
        self.view(x, to, order.iter().map(|&a| own[a]).collect(), 0)
    }

    /// One value out of those along `axes` of `x` of shape `full`, into `output`.
    pub fn reduce(
        &mut self,
        kind: ReduceKind,
        x: TensorId,
        full: &[usize],
        axes: &[usize],
        output: TensorId,
    ) -> Result<(), ImportError> {
        let wide: Vec<usize> = (0..full.len()).filter(|&a| full[a] > 1).collect();
        let reduced: Vec<usize> = wide.iter().copied().filter(|a| axes.contains(a)).collect();
        let count: usize = reduced.iter().map(|&a| full[a]).product();
        let first = wide.iter().position(|a| axes.contains(a)).unwrap_or(0);
        let together = wide[first..].iter().take(reduced.len()).eq(reduced.iter());
        if together {
            let inner = wide[first..].iter().skip(reduced.len()).map(|&a| full[a]).product();
            self.node(Op::Reduce { kind, count, inner }, vec![x], output);
            return Ok(());
        }
        let mut order: Vec<usize> = (0..full.len()).filter(|a| !axes.contains(a)).collect();
        order.extend((0..full.len()).filter(|a| axes.contains(a)));
        let moved = self.transpose(x, full, &order)?;
        self.node(Op::Reduce { kind, count, inner: 1 }, vec![moved], output);
        Ok(())
    }

    /// The operator and the inputs of a product of matrices of shapes `full`, each `turned` or not; and the shape of the result. Batches
    /// that are not there in one of them are repeated, as NumPy does.
    pub fn mat_mul(
        &mut self,
        ids: [TensorId; 2],
        full: [&[usize]; 2],
        turned: [bool; 2],
    ) -> Result<(Product, Vec<usize>), ImportError> {
        let misfit =
            |b: &Self| b.fail(format!("matrices of {:?} and {:?} do not fit each other", full[0], full[1]));
        let ([ahead_a @ .., r0, c0], [ahead_b @ .., r1, c1]) = (full[0], full[1]) else {
            return misfit(self);
        };
        let (rows, shared) = if turned[0] { (*c0, *r0) } else { (*r0, *c0) };
        let (other, columns) = if turned[1] { (*c1, *r1) } else { (*r1, *c1) };
        let (Some(ahead), true) = (shape::common(ahead_a, ahead_b), shared == other) else {
            return misfit(self);
        };
        let batch = shape::count(&ahead).unwrap_or(0);
        if batch == 0 || rows == 0 || shared == 0 || columns == 0 {
            return misfit(self);
        }
        let mut made = Vec::new();
        for (id, from) in ids.into_iter().zip(full) {
            let to: Vec<usize> = ahead.iter().chain(&from[from.len() - 2..]).copied().collect();
            made.push(self.spread(id, from, &to)?);
        }
        if turned[0] {
            let order = [0, 2, 1];
            made[0] = self.transpose(made[0], &[batch, shared, rows], &order)?;
        }
        let op = Op::MatMul { batch, shared, transposed: turned[1] };
        let to: Vec<usize> = ahead.iter().copied().chain([rows, columns]).collect();
        if shape::count(&to).is_none() {
            return self.fail(format!("{to:?} is too large"));
        }
        Ok(((op, made), to))
    }

    /// The last node, a convolution whose weights are those of groups of channels, as one convolution for each group, side by side.
    pub fn by_groups(&mut self, groups: usize) -> Result<(), ImportError> {
        let Some(node) = self.graph.nodes.pop() else { return Ok(()) };
        let (x, w, b, y) = (node.inputs[0], node.inputs[1], node.inputs[2], node.output);
        let (&[h, width, c], &[outputs, kh, kw, each]) =
            (self.tensor(x).shape.as_slice(), self.tensor(w).shape.as_slice())
        else {
            return self.fail("its input is no image");
        };
        if groups == 0 || each * groups != c || outputs % groups != 0 {
            return self.fail(format!(
                "{groups} groups of {each} channels do not fit {c} channels and {outputs} outputs"
            ));
        }
        let &[down, right, _] = self.tensor(y).shape.as_slice() else {
            return self.fail("its output is no image");
        };
        let (part, rows) = (outputs / groups, [down, right]);
        let mut parts = Vec::new();
        for g in 0..groups {
            // Not by `view`, which leaves out a first axis of 1.
            let (shape, strides) = (vec![h, width, each], vec![(width * c) as isize, c as isize, 1]);
            let channels = Op::Strided { shape, strides, offset: g * each };
            let channels = self.make(channels, vec![x], x, &[h, width, each]);
            let piece = |build: &Self, id: TensorId, size: usize| {
                let t = build.tensor(id);
                let range = g * part * size..(g + 1) * part * size;
                let data = match &t.data {
                    Some(Data::F32(v)) => Data::F32(v[range].to_vec()),
                    Some(Data::I8(v)) => Data::I8(v[range].to_vec()),
                    Some(Data::I16(v)) => Data::I16(v[range].to_vec()),
                    Some(Data::I32(v)) => Data::I32(v[range].to_vec()),
                    Some(Data::I64(v)) => Data::I64(v[range].to_vec()),
                    None => return None,
                };
                let quant = t.quant.clone().map(|mut q| {
                    if q.scale.len() > 1 {
                        q.scale = q.scale[g * part..(g + 1) * part].to_vec();
                    }
                    q
                });
                Some((t.name.clone(), data, quant))
            };
            let (Some(weights), Some(bias)) = (piece(self, w, kh * kw * each), piece(self, b, 1)) else {
                return self.fail("its weights are no constants");
            };
            let weights = self.constant(&weights.0, &[part, kh, kw, each], weights.1, weights.2);
            let bias = self.constant(&bias.0, &[part], bias.1, bias.2);
            parts.push(self.make(
                node.op.clone(),
                vec![channels, weights, bias],
                y,
                &[rows[0], rows[1], part],
            ));
        }
        self.node(Op::Concat { outer: rows[0] * rows[1] }, parts, y);
        Ok(())
    }

    /// `x` of shape `full`, with its own values mirrored around it; with the outermost ones twice when `twice`.
    pub fn mirror(
        &mut self,
        mut x: TensorId,
        full: &[usize],
        pads: &[[usize; 2]],
        twice: bool,
    ) -> Result<(TensorId, Vec<usize>), ImportError> {
        let (mut shape, from) = (full.to_vec(), usize::from(!twice));
        for (axis, &[before, after]) in pads.iter().enumerate() {
            if before == 0 && after == 0 {
                continue;
            }
            let extent = shape[axis];
            if before.max(after) + from > extent {
                return self.fail(format!("{before} and {after} mirrored values do not fit {extent}"));
            }
            let own = shape::strides(&shape);
            let step = own[axis];
            let mut parts = Vec::new();
            // Backwards from the value that comes first.
            for (count, first) in
                [(before, (before + from).wrapping_sub(1)), (after, extent.wrapping_sub(1 + from))]
            {
                let mut part = shape.clone();
                part[axis] = count;
                let mut strides = own.clone();
                strides[axis] = -step;
                parts.push(match count {
                    0 => None,
                    _ => Some(self.view(x, part, strides, first * step.unsigned_abs())?),
                });
            }
            let outer = shape[..axis].iter().product();
            shape[axis] += before + after;
            if shape::count(&shape).is_none() {
                return self.fail(format!("{shape:?} is too large"));
            }
            let inputs = [parts[0], Some(x), parts[1]].into_iter().flatten().collect();
            x = self.make(Op::Concat { outer }, inputs, x, &shape::without_batch(&shape));
        }
        Ok((x, shape))
    }

    /// Places `at` of an axis of `x` of shape `full`, in any order.
    pub fn pick(
        &mut self,
        x: TensorId,
        full: &[usize],
        axis: usize,
        at: &[usize],
    ) -> Result<TensorId, ImportError> {
        let own = shape::strides(full);
        let mut shape = full.to_vec();
        let step = at.get(1).map_or(1, |&second| second as isize - at[0] as isize);
        if at.windows(2).all(|w| w[1] as isize - w[0] as isize == step) {
            shape[axis] = at.len();
            let mut strides = own.clone();
            strides[axis] *= step;
            return self.view(x, shape, strides, at[0] * own[axis].unsigned_abs());
        }
        if at.len() > 1024 {
            return self.fail(format!(
                "{} places at unequal distances are too many, at most 1024 are possible",
                at.len()
            ));
        }
        let outer = shape[..axis].iter().product();
        shape[axis] = 1;
        let mut parts = Vec::new();
        for &place in at {
            parts.push(self.view(x, shape.clone(), own.clone(), place * own[axis].unsigned_abs())?);
        }
        shape[axis] = at.len();
        Ok(self.make(Op::Concat { outer }, parts, x, &shape::without_batch(&shape)))
    }

    /// `x` at the scale of `like`, rescaled when it has another.
    pub fn at_scale_of(&mut self, x: TensorId, like: TensorId) -> TensorId {
        let affine = |t: &Tensor| t.quant.as_ref().map(|q| (q.scale[0], q.zero_point));
        if affine(self.tensor(x)) == affine(self.tensor(like)) {
            return x;
        }
        let shape = self.tensor(x).shape.clone();
        self.make(Op::Quantize, vec![x], like, &shape)
    }
}

/// Computes nodes in float that read nothing but constants, now and with the interpreter's arithmetic. What the model gives out or keeps
/// stays a node's.
pub fn fold(graph: &mut Graph) -> Result<(), GraphError> {
    let kept: Vec<TensorId> =
        graph.outputs.iter().copied().chain(graph.states.iter().flat_map(|s| [s.read, s.write])).collect();
    let mut held: usize = graph.constant_bytes();
    let mut rest = Vec::with_capacity(graph.nodes.len());
    for mut node in std::mem::take(&mut graph.nodes) {
        let constant = |id: &TensorId| graph.tensor(*id).data.is_some();
        let float = |id: &TensorId| graph.tensor(*id).dtype == DType::F32;
        let known = !node.inputs.is_empty() && node.inputs.iter().all(|id| constant(id) && float(id));
        if known && float(&node.output) && !kept.contains(&node.output) {
            held = held.saturating_add(graph.tensor(node.output).bytes());
            if held > MOST_CONSTANT_BYTES {
                let reason = format!("its constants are larger than {MOST_CONSTANT_BYTES} bytes together");
                return Err(GraphError::Node { node: node.name, reason });
            }
            let values = alone(graph, &node)?;
            graph.tensors[node.output.0 as usize].data = Some(Data::F32(values));
            continue;
        }
        if let Op::Add { activation } = node.op
            && node.inputs.iter().any(constant)
        {
            node.op = Op::Binary { kind: BinaryKind::Add, activation };
        }
        rest.push(node);
    }
    graph.nodes = rest;
    fold_pads(graph);
    Ok(())
}

/// The result of a node whose inputs are constants.
fn alone(graph: &Graph, node: &Node) -> Result<Vec<f32>, GraphError> {
    let mut one = Graph { name: graph.name.clone(), reference: graph.reference, ..Graph::default() };
    let inputs: Vec<TensorId> =
        node.inputs.iter().map(|id| one.push_tensor(graph.tensor(*id).clone())).collect();
    let output = one.push_tensor(graph.tensor(node.output).clone());
    let x = one.tensors[inputs[0].0 as usize].data.take();
    one.inputs = vec![inputs[0]];
    one.outputs = vec![output];
    let mut values = vec![0.0; graph.tensor(node.output).len()];
    // The same constant may be read twice; each place has a tensor of its own.
    one.nodes.push(Node { inputs, output, ..node.clone() });
    for (i, t) in one.tensors.iter_mut().enumerate() {
        t.name = format!("t{i}");
    }
    if let Some(Data::F32(x)) = x {
        Interpreter::new(&one)?.run(&x, &mut values)?;
    }
    Ok(values)
}

/// Drops nodes that nothing reads and tensors that no node uses, and keeps the order of the rest.
pub fn prune(graph: &mut Graph) {
    let mut wanted = vec![false; graph.tensors.len()];
    let states = graph.states.iter().flat_map(|s| [s.read, s.write]);
    for id in graph.inputs.iter().copied().chain(graph.outputs.iter().copied()).chain(states) {
        wanted[id.0 as usize] = true;
    }
    for node in graph.nodes.iter().rev() {
        if wanted[node.output.0 as usize] {
            for id in &node.inputs {
                wanted[id.0 as usize] = true;
            }
        }
    }
    graph.nodes.retain(|n| wanted[n.output.0 as usize]);
    let mut new = 0;
    let numbers: Vec<TensorId> = wanted
        .iter()
        .map(|&w| {
            let id = TensorId(new);
            new += u32::from(w);
            id
        })
        .collect();
    let mut keep = wanted.iter();
    graph.tensors.retain(|_| keep.next().copied().unwrap_or(false));
    let renumber = |id: &mut TensorId| *id = numbers[id.0 as usize];
    for node in &mut graph.nodes {
        node.inputs.iter_mut().for_each(renumber);
        renumber(&mut node.output);
    }
    graph.inputs.iter_mut().for_each(renumber);
    graph.outputs.iter_mut().for_each(renumber);
    for state in &mut graph.states {
        renumber(&mut state.read);
        renumber(&mut state.write);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_together_have_a_limit() {
        let mut b = Build::new("constants");
        b.held = MOST_CONSTANT_BYTES - 8;
        let x = b.constant("x", &[1], Data::F32(vec![1.0]), None);
        assert!(b.check_constants().is_ok() && b.view(x, vec![1], vec![0], 0).is_ok());
        let error = b.view(x, vec![2], vec![0], 0).expect_err("full").to_string();
        assert!(error.contains("all constants together"), "{error}");
        b.constant("y", &[1], Data::F32(vec![1.0]), None);
        assert!(b.check_constants().is_err());
    }

    #[test]
    fn every_tensor_has_a_name_of_its_own() {
        let mut b = Build::new("names");
        let ids = ["", "x", "", "x"].map(|name| b.flow(name, &[1], DType::F32, None));
        let names = ids.map(|id| b.tensor(id).name.clone());
        let different: std::collections::BTreeSet<&String> = names.iter().collect();
        assert!(different.len() == 4 && !names.contains(&String::new()), "{names:?}");
    }
}
