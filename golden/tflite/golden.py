#!/usr/bin/env python3
"""Small TFLite models with seeded weights, and what LiteRT's reference kernels and TFLM make of seeded inputs.

    pip install numpy==2.4.6 flatbuffers==25.12.19 ai-edge-litert==2.3.0 tflite-micro==0.dev20261023182759 && python3 golden.py

Writes NAME.tflite and expected.json beside itself. Per model: inputs (per case, one list per input of the model), and the
outputs of each runtime that runs it, in the same form. Cases are fed in order to one instance.
"""
import json
import pathlib

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro.python.tflite_micro import runtime

HERE = pathlib.Path(__file__).parent
T = schema.TensorType
B = schema.BuiltinOperator
DTYPES = {
    T.BOOL: np.bool_, T.FLOAT32: np.float32, T.INT8: np.int8, T.INT16: np.int16, T.INT32: np.int32, T.INT64: np.int64, T.UINT8: np.uint8,
}
rng = np.random.default_rng(7)


class Model:
    def __init__(self):
        self.tensors, self.buffers, self.codes, self.ops = [], [schema.BufferT()], [], []

    def tensor(self, shape, kind, scale=None, zero=0, data=None, variable=False, axis=0):
        t = schema.TensorT()
        t.shape, t.type, t.name, t.isVariable = list(shape), kind, f"t{len(self.tensors)}".encode(), variable
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.asarray(data, DTYPES[kind]).tobytes(), np.uint8)
            t.buffer = len(self.buffers)
            self.buffers.append(buffer)
        if scale is not None:
            q = schema.QuantizationParametersT()
            scale = np.atleast_1d(np.asarray(scale, np.float32))
            q.scale, q.zeroPoint, q.quantizedDimension = list(scale), [zero] * len(scale), axis
            t.quantization = q
        self.tensors.append(t)
        return len(self.tensors) - 1

    def op(self, code, inputs, output, version=1, kind=0, **fields):
        key = (code, version)
        if key not in self.codes:
            self.codes.append(key)
        o = schema.OperatorT()
        o.opcodeIndex, o.inputs, o.outputs = self.codes.index(key), inputs, output if isinstance(output, list) else [output]
        if kind:
            name = {v: k for k, v in vars(schema.BuiltinOptions).items() if isinstance(v, int)}[kind]
            options = getattr(schema, name + "T")()
            for field, value in fields.items():
                assert hasattr(options, field), (name, field)
                setattr(options, field, value)
            o.builtinOptionsType, o.builtinOptions = kind, options
        self.ops.append(o)
        return output

    def inner(self):
        """Another graph of the same file."""
        m = Model()
        m.buffers, m.codes = self.buffers, self.codes
        return m

    def graph(self, inputs, outputs):
        graph = schema.SubGraphT()
        graph.tensors, graph.inputs, graph.outputs, graph.operators, graph.name = self.tensors, inputs, outputs, self.ops, b"main"
        return graph

    def bytes(self, inputs, outputs, others=()):
        codes = []
        for code, version in self.codes:
            c = schema.OperatorCodeT()
            c.builtinCode, c.deprecatedBuiltinCode, c.version = code, min(code, 127), version
            codes.append(c)
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [self.graph(inputs, outputs), *others], self.buffers, codes
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def numbers(values):
    values = values.flatten()
    return (values.astype(np.int8) if values.dtype == np.bool_ else values).tolist()


def litert(content, cases):
    run = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    run.allocate_tensors()
    out = []
    for case in cases:
        for about, value in zip(run.get_input_details(), case):
            run.set_tensor(about["index"], value)
        run.invoke()
        out.append([numbers(run.get_tensor(o["index"])) for o in run.get_output_details()])
    return out


def tflm(content, cases, outputs):
    run = runtime.Interpreter.from_bytes(content)
    out = []
    for case in cases:
        for i, value in enumerate(case):
            run.set_input(value, i)
        run.invoke()
        out.append([numbers(run.get_output(i)) for i in range(outputs)])
    return out


expected = {}


def save(name, m, inputs, outputs, cases=6, wrong=(), others=(), rows=None):
    content = m.bytes(inputs, outputs, others)
    given = []
    for n in range(cases):
        case = []
        for i in inputs:
            t = m.tensors[i]
            dtype = DTYPES[t.type]
            if dtype == np.float32:
                case.append((rng.standard_normal(t.shape) * 1.5).astype(np.float32))
            else:
                low, high = (0, rows - 1) if rows else (np.iinfo(dtype).min, np.iinfo(dtype).max)
                # The second case holds only extremes.
                values = rng.choice([low, high], t.shape) if n == 1 else rng.integers(low, high + 1, t.shape)
                case.append(values.astype(dtype))
        given.append(case)
    found = {"inputs": [[v.flatten().tolist() for v in case] for case in given]}
    for runtime_name, call in (("litert", litert), ("tflm", lambda c, g: tflm(c, g, len(outputs)))):
        if runtime_name in wrong:
            continue
        try:
            found[runtime_name] = call(content, given)
        except Exception as e:  # a runtime that has no such kernel
            print(f"{name}: {runtime_name} does not run it: {str(e).splitlines()[0][:150]}")
    both = "litert" in found and "tflm" in found
    print(f"{name}: {len(content)} bytes, runtimes {[k for k in found if k != 'inputs']}",
          "alike" if both and found["litert"] == found["tflm"] else "DIFFER" if both else "")
    assert "litert" in found or "tflm" in found, name
    (HERE / f"{name}.tflite").write_bytes(content)
    expected[name] = found


def weights8(*shape):
    return np.clip(np.round(rng.standard_normal(shape) * 45), -127, 127).astype(np.int8)


def svdf(m, x, inputs, units, rank, memory, in_scale, out_scale, out_zero):
    filters = units * rank
    feature = m.tensor([filters, inputs], T.INT8, 0.01, 0, weights8(filters, inputs))
    time = m.tensor([filters, memory], T.INT16, 2.0**-13, 0, rng.integers(-3000, 3000, (filters, memory)))
    state_scale = 0.001
    bias = m.tensor([units], T.INT32, state_scale * 2.0**-13, 0, rng.integers(-40000, 40000, units))
    state = m.tensor([1, filters * memory], T.INT16, state_scale, 0, variable=True)
    y = m.tensor([1, units], T.INT8, out_scale, out_zero)
    # LiteRT insists on RELU; neither runtime clamps to more than the bytes.
    return m.op(B.SVDF, [x, feature, time, bias, state], y, 3, schema.BuiltinOptions.SVDFOptions, rank=rank,
                fusedActivationFunction=1)


def keywords_with_memory():
    m = Model()
    x = m.tensor([1, 12], T.INT8, 0.08, -5)
    first = svdf(m, x, 12, 8, 2, 6, 0.08, 0.06, -128)
    second = svdf(m, first, 8, 5, 1, 4, 0.06, 0.05, 9)
    w = m.tensor([4, 5], T.INT8, 0.02, 0, weights8(4, 5))
    b = m.tensor([4], T.INT32, 0.001, 0, rng.integers(-900, 900, 4))
    logits = m.tensor([1, 4], T.INT8, 0.1, 3)
    m.op(B.FULLY_CONNECTED, [second, w, b], logits, 4, schema.BuiltinOptions.FullyConnectedOptions)
    p = m.tensor([1, 4], T.INT8, 1 / 256, -128)
    m.op(B.SOFTMAX, [logits], p, 2, schema.BuiltinOptions.SoftmaxOptions, beta=1.0)
    save("svdf", m, [x], [p], 14)


def prelu():
    m = Model()
    x = m.tensor([1, 3, 4, 5], T.INT8, 0.05, -7)
    a = m.tensor([1, 1, 5], T.INT8, 0.004, 11, rng.integers(-128, 128, 5))
    y = m.op(B.PRELU, [x, a], m.tensor([1, 3, 4, 5], T.INT8, 0.031, 4))
    every = m.tensor([3, 4, 5], T.INT8, 0.002, -3, rng.integers(-128, 128, 60))
    z = m.op(B.PRELU, [y, every], m.tensor([1, 3, 4, 5], T.INT8, 0.029, -20))
    save("prelu", m, [x], [z])


def i16(m, shape, scale, data=None):
    return m.tensor(shape, T.INT16, scale, 0, data)


def layer(m, x, code, in_scale, out, weights, outputs, axis, kind, bias_scale=None, **fields):
    scales = (0.004 * (0.5 + rng.random(outputs))).astype(np.float32)
    w = m.tensor(weights, T.INT8, scales, 0, weights8(*weights), axis=axis)
    biases = rng.integers(-(2**24), 2**24, outputs)
    b = m.tensor([outputs], T.INT64, scales * np.float32(in_scale), 0, biases)
    return m.op(code, [x, w, b], out, 5 if code != B.FULLY_CONNECTED else 7, kind, **fields)


O = schema.BuiltinOptions


def network16():
    """Convolution, depthwise convolution, sum, pooling, dense layer, softmax."""
    m = Model()
    s = 0.0004
    x = i16(m, [1, 8, 6, 2], s)
    a = layer(m, x, B.CONV_2D, s, i16(m, [1, 8, 6, 4], 0.0005), [4, 3, 3, 2], 4, 0, O.Conv2DOptions, padding=0,
              strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=1)
    d = layer(m, a, B.DEPTHWISE_CONV_2D, 0.0005, i16(m, [1, 8, 6, 4], 0.0007), [1, 3, 3, 4], 4, 3,
              O.DepthwiseConv2DOptions, padding=0, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1,
              depthMultiplier=1, fusedActivationFunction=0)
    y = m.op(B.ADD, [a, d], i16(m, [1, 8, 6, 4], 0.0009), 2, O.AddOptions, fusedActivationFunction=1, potScaleInt16=False)
    p = m.op(B.MAX_POOL_2D, [y], i16(m, [1, 4, 3, 4], 0.0009), 3, O.Pool2DOptions, padding=1, strideH=2, strideW=2,
             filterHeight=2, filterWidth=2, fusedActivationFunction=0)
    v = m.op(B.AVERAGE_POOL_2D, [p], i16(m, [1, 4, 3, 4], 0.0009), 3, O.Pool2DOptions, padding=0, strideH=1, strideW=1,
             filterHeight=3, filterWidth=3, fusedActivationFunction=0)
    flat = m.tensor([2], T.INT32, data=[1, 48])
    r = m.op(B.RESHAPE, [v, flat], i16(m, [1, 48], 0.0009), 1, O.ReshapeOptions, newShape=[1, 48])
    l = layer(m, r, B.FULLY_CONNECTED, 0.0009, i16(m, [1, 3], 0.0008), [3, 48], 1, 0, O.FullyConnectedOptions)
    # One scale for a dense layer, as converters make it: biases for three outputs.
    m.tensors[m.ops[-1].inputs[2]].shape = [3]
    m.buffers[m.tensors[m.ops[-1].inputs[2]].buffer].data = np.frombuffer(
        rng.integers(-(2**24), 2**24, 3).astype(np.int64).tobytes(), np.uint8)
    out = m.op(B.SOFTMAX, [l], i16(m, [1, 3], 1 / 32768), 3, O.SoftmaxOptions, beta=1.0)
    save("network_int16", m, [x], [l, out], 10)


def ends16():
    """From float to 16 bits, to bytes, back, to another scale, to float."""
    m = Model()
    x = m.tensor([1, 24], T.FLOAT32)
    a = m.op(B.QUANTIZE, [x], i16(m, [1, 24], 0.0001), 3)
    b = m.op(B.QUANTIZE, [a], m.tensor([1, 24], T.INT8, 0.03, -9), 3)
    c = m.op(B.QUANTIZE, [b], i16(m, [1, 24], 0.00015), 3)
    d = m.op(B.QUANTIZE, [c], i16(m, [1, 24], 0.00013), 3)
    y = m.op(B.DEQUANTIZE, [d], m.tensor([1, 24], T.FLOAT32), 3)
    save("ends_int16", m, [x], [y])


def curves16():
    """Logistic function and tangent of scales that are a power of two and that are not; side by side."""
    m = Model()
    inputs, parts = [], []
    for scale in (2.0**-12, 0.0003, 2.0**-11):
        x = i16(m, [1, 16], scale)
        inputs.append(x)
        for code in (B.LOGISTIC, B.TANH):
            parts.append(m.op(code, [x], i16(m, [1, 16], 1 / 32768), 3))
    y = m.op(B.CONCATENATION, parts, i16(m, [1, 96], 1 / 32768), 3, O.ConcatenationOptions, axis=1)
    save("curves_int16", m, inputs, [y], 12)


def products16():
    """Product, difference, extremes, leaky RELU, RELU at another scale, mean, sums with a constant, of two inputs."""
    m = Model()
    s = 0.0003
    a, b = i16(m, [1, 2, 3, 4], s), i16(m, [1, 2, 3, 4], 0.0002)
    p = m.op(B.MUL, [a, b], i16(m, [1, 2, 3, 4], s), 4, O.MulOptions, fusedActivationFunction=0)
    d = m.op(B.SUB, [p, a], i16(m, [1, 2, 3, 4], 0.0005), 5, O.SubOptions, fusedActivationFunction=0, potScaleInt16=False)
    l = m.op(B.LEAKY_RELU, [d], i16(m, [1, 2, 3, 4], 0.0004), 2, O.LeakyReluOptions, alpha=0.2)
    c = i16(m, [1, 1, 1, 4], 0.0001, rng.integers(-32768, 32768, 4))
    e = m.op(B.ADD, [l, c], i16(m, [1, 2, 3, 4], 0.0005), 2, O.AddOptions, fusedActivationFunction=3, potScaleInt16=False)
    r = m.op(B.RELU, [e], i16(m, [1, 2, 3, 4], 0.0003), 3)
    t = m.op(B.MAXIMUM, [r, a], i16(m, [1, 2, 3, 4], s), 3, O.MaximumMinimumOptions)
    axes = m.tensor([2], T.INT32, data=[1, 2])
    y = m.op(B.MEAN, [t, axes], i16(m, [1, 4], 0.0002), 3, O.ReducerOptions, keepDims=False)
    save("products_int16", m, [a, b], [y, e], 10)


def two_inputs():
    """Two inputs in bytes, of which one comes twice."""
    m = Model()
    x, y = m.tensor([1, 6], T.INT8, 0.05, -3), m.tensor([1, 4], T.INT8, 0.07, 12)
    w = m.tensor([4, 6], T.INT8, 0.02, 0, weights8(4, 6))
    b = m.tensor([4], T.INT32, 0.001, 0, rng.integers(-900, 900, 4))
    d = m.op(B.FULLY_CONNECTED, [x, w, b], m.tensor([1, 4], T.INT8, 0.09, 2), 4, O.FullyConnectedOptions)
    a = m.op(B.ADD, [d, y], m.tensor([1, 4], T.INT8, 0.1, -6), 2, O.AddOptions, fusedActivationFunction=1)
    z = m.op(B.MUL, [a, y], m.tensor([1, 4], T.INT8, 0.2, 0), 2, O.MulOptions, fusedActivationFunction=0)
    save("two_inputs", m, [x, y], [z])


def svdf_without_names():
    """Weights over time of the full range, as converters make them; tensors without names, so that nothing but numbers tells states apart."""
    m = Model()
    x = m.tensor([1, 9], T.INT8, 0.08, -5)
    for units, rank, memory in ((6, 2, 10), (6, 1, 10), (4, 1, 10)):
        inputs, filters = m.tensors[m.ops[-1].outputs[0] if m.ops else x].shape[1], units * rank
        feature = m.tensor([filters, inputs], T.INT8, 0.01, 0, weights8(filters, inputs))
        values = rng.integers(-32768, 32768, (filters, memory))
        assert np.abs(values).reshape(units, -1).sum(1).min() > 65535
        time = m.tensor([filters, memory], T.INT16, 2.0**-16, 0, values)
        bias = m.tensor([units], T.INT32, 0.004 * 2.0**-16, 0, rng.integers(-400000, 400000, units))
        state = m.tensor([1, filters * memory], T.INT16, 0.004, 0, variable=True)
        y = m.tensor([1, units], T.INT8, 0.05, -128)
        before = m.ops[-1].outputs[0] if m.ops else x
        m.op(B.SVDF, [before, feature, time, bias, state], y, 3, O.SVDFOptions, rank=rank, fusedActivationFunction=1)
    for t in m.tensors:
        t.name = b""
    save("svdf_full", m, [x], [y], 14)


def dequantized():
    """A constant with a scale for each channel, whose other axes are as long. TFLM takes the first scale for all."""
    m = Model()
    x = m.tensor([1, 3, 3, 3], T.FLOAT32)
    w = m.tensor([1, 3, 3, 3], T.INT8, [0.01, 0.2, 3.0], 0, weights8(1, 3, 3, 3), axis=3)
    w = m.op(B.DEQUANTIZE, [w], m.tensor([1, 3, 3, 3], T.FLOAT32), 5)
    y = m.op(B.ADD, [x, w], m.tensor([1, 3, 3, 3], T.FLOAT32), 1, O.AddOptions, fusedActivationFunction=0)
    save("dequantized", m, [x], [y], 3, wrong=("tflm",))


def svdf_int8():
    """A state and weights over time of bytes, as TFLM alone has them; zero points that take sums out of a byte; a softmax to 16 bits that
    is rescaled to 32. Outputs of three types."""
    m = Model()
    x = i16(m, [1, 12], 0.0006)
    now, zeros = m.op(B.QUANTIZE, [x], m.tensor([1, 12], T.INT8, 0.08, -128), 3), iter([-50, 37])
    for units, rank, memory in ((8, 2, 6), (5, 1, 7)):
        inputs, filters = m.tensors[now].shape[1], units * rank
        feature = m.tensor([filters, inputs], T.INT8, 0.01, 0, weights8(filters, inputs))
        time = m.tensor([filters, memory], T.INT8, 0.01, 0, weights8(filters, memory))
        bias = m.tensor([units], T.INT32, 0.15 * 0.01, 0, rng.integers(-900, 900, units))
        state = m.tensor([1, filters * memory], T.INT8, 0.15, next(zeros), variable=True)
        y = m.tensor([1, units], T.INT8, 0.2, -128)
        now = m.op(B.SVDF, [now, feature, time, bias, state], y, 4, O.SVDFOptions, rank=rank, fusedActivationFunction=1)
    w = m.tensor([4, 5], T.INT8, 0.02, 0, weights8(4, 5))
    b = m.tensor([4], T.INT32, 0.004, 0, rng.integers(-900, 900, 4))
    logits = m.op(B.FULLY_CONNECTED, [now, w, b], m.tensor([1, 4], T.INT8, 0.1, 3), 4, O.FullyConnectedOptions)
    p = m.op(B.SOFTMAX, [logits], m.tensor([1, 4], T.INT16, 1.5259e-05, -32768), 3, O.SoftmaxOptions, beta=1.0)
    y = m.op(B.QUANTIZE, [p], m.tensor([1, 4], T.INT32, 3.05185e-05), 3)
    real = m.op(B.DEQUANTIZE, [p], m.tensor([1, 4], T.FLOAT32), 3)
    save("svdf_int8", m, [x], [y, logits, real], 20)


def from_int32():
    """32 bits to 16 and 8, and back to 32."""
    m = Model()
    x = m.tensor([1, 30], T.INT32, 1.5e-8)
    a = m.op(B.QUANTIZE, [x], i16(m, [1, 30], 0.0009), 3)
    b = m.op(B.QUANTIZE, [x], m.tensor([1, 30], T.INT8, 0.2, -19), 3)
    c = m.op(B.QUANTIZE, [a], m.tensor([1, 30], T.INT32, 1.5e-7), 3)
    d = m.op(B.QUANTIZE, [b], m.tensor([1, 30], T.INT32, 1.3e-3), 3)
    save("from_int32", m, [x], [a, b, c, d])


def dilated():
    """Dilated convolutions as converters write them: batches of every second row and column, in two axes and in one.
    TFLM pads with a value that it never sets."""
    m = Model()
    s = 0.05

    def i8(shape, scale=s, zero=-7):
        return m.tensor(shape, T.INT8, scale, zero)

    def ints(values):
        return m.tensor(np.shape(values), T.INT32, data=values)

    def conv(code, x, weights, outputs, axis, out, **fields):
        scales = (0.004 * (0.5 + rng.random(outputs))).astype(np.float32)
        w = m.tensor(weights, T.INT8, scales, 0, weights8(*weights), axis=axis)
        b = m.tensor([outputs], T.INT32, scales * np.float32(s), 0, rng.integers(-2000, 2000, outputs))
        kind = O.Conv2DOptions if code == B.CONV_2D else O.DepthwiseConv2DOptions
        return m.op(code, [x, w, b], out, 3, kind, padding=1, strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1, **fields)

    x = i8([1, 7, 6, 2])
    # 7 x 6 with 2 before, 3 and 2 behind: 12 x 10, in four batches of 6 x 5.
    a = m.op(B.SPACE_TO_BATCH_ND, [x, ints([2, 2]), ints([[2, 3], [2, 2]])], i8([4, 6, 5, 2]), 2, O.SpaceToBatchNDOptions)
    a = conv(B.CONV_2D, a, [3, 3, 3, 2], 3, 0, i8([4, 4, 3, 3]), fusedActivationFunction=0)
    c = m.tensor([3], T.INT8, 0.02, 3, weights8(3))
    a = m.op(B.ADD, [a, c], i8([4, 4, 3, 3], 0.06, 4), 2, O.AddOptions, fusedActivationFunction=1)
    a = m.op(B.BATCH_TO_SPACE_ND, [a, ints([2, 2]), ints([[0, 1], [0, 0]])], i8([1, 7, 6, 3], 0.06, 4), 2, O.BatchToSpaceNDOptions)
    d = m.op(B.SPACE_TO_BATCH_ND, [x, ints([3, 1]), ints([[3, 2], [1, 1]])], i8([3, 4, 8, 2]), 2, O.SpaceToBatchNDOptions)
    d = conv(B.DEPTHWISE_CONV_2D, d, [1, 2, 3, 4], 4, 3, i8([3, 3, 6, 4]), depthMultiplier=2, fusedActivationFunction=1)
    d = m.op(B.BATCH_TO_SPACE_ND, [d, ints([3, 1]), ints([[1, 1], [0, 0]])], i8([1, 7, 6, 4]), 2, O.BatchToSpaceNDOptions)
    r = m.op(B.RESHAPE, [x, ints([1, 42, 2])], i8([1, 42, 2]), 1, O.ReshapeOptions, newShape=[1, 42, 2])
    e = m.op(B.SPACE_TO_BATCH_ND, [r, ints([4]), ints([[8, 2]])], i8([4, 13, 2]), 2, O.SpaceToBatchNDOptions)
    e = m.op(B.EXPAND_DIMS, [e, ints([1])], i8([4, 1, 13, 2]), 1, O.ExpandDimsOptions)
    e = conv(B.CONV_2D, e, [5, 1, 3, 2], 5, 0, i8([4, 1, 11, 5]), fusedActivationFunction=0)
    e = m.op(B.SQUEEZE, [e], i8([4, 11, 5]), 1, O.SqueezeOptions, squeezeDims=[1])
    e = m.op(B.BATCH_TO_SPACE_ND, [e, ints([4]), ints([[0, 2]])], i8([1, 42, 5]), 2, O.BatchToSpaceNDOptions)
    save("dilated", m, [x], [a, d, e], wrong=("tflm",))


def open_shapes():
    """A batch that is left open: shapes are computed from it, and the file has placeholders for what depends on them."""
    m = Model()

    def left_open(shape, real):
        t = m.tensor(shape, T.FLOAT32)
        m.tensors[t].shapeSignature = real
        return t

    def ints(values):
        return m.tensor(np.shape(values), T.INT32, data=values)

    def index(shape):
        return m.tensor(shape, T.INT32)

    def floats(*shape):
        return m.tensor(shape, T.FLOAT32, data=rng.standard_normal(shape).astype(np.float32))

    x = left_open([1, 5, 4], [-1, 5, 4])
    shape = m.op(B.SHAPE, [x], index([3]), 1, O.ShapeOptions, outType=T.INT32)
    batch = m.op(B.STRIDED_SLICE, [shape, ints([0]), ints([1]), ints([1])], index([]), 1, O.StridedSliceOptions, shrinkAxisMask=1)
    zeros = m.op(B.FILL, [m.op(B.PACK, [batch, m.tensor([], T.INT32, data=3)], index([2]), 1, O.PackOptions, valuesCount=2, axis=0),
                          m.tensor([], T.FLOAT32, data=0.25)], left_open([1, 1], [-1, -1]))
    inner = m.op(B.GATHER, [shape, ints([0, 1])], index([2]), 1, O.GatherOptions, axis=0)
    rows = m.op(B.REDUCE_PROD, [inner, ints([0])], index([]), 1, O.ReducerOptions, keepDims=False)
    flat = m.op(B.PACK, [rows, m.tensor([], T.INT32, data=4)], index([2]), 1, O.PackOptions, valuesCount=2, axis=0)
    a = m.op(B.RESHAPE, [x, flat], left_open([1, 1], [-1, -1]), 1, O.ReshapeOptions)
    a = m.op(B.FULLY_CONNECTED, [a, floats(3, 4), floats(3)], left_open([1, 3], [-1, 3]), 1, O.FullyConnectedOptions)
    a = m.op(B.ADD, [a, zeros], left_open([1, 3], [-1, 3]), 1, O.AddOptions, fusedActivationFunction=0)
    back = m.op(B.CONCATENATION, [inner, ints([3])], index([3]), 1, O.ConcatenationOptions, axis=0)
    a = m.op(B.RESHAPE, [a, back], left_open([1, 1, 3], [-1, -1, 3]), 1, O.ReshapeOptions)
    t = m.op(B.TRANSPOSE, [a, ints([0, 2, 1])], left_open([1, 3, 1], [-1, 3, -1]), 1, O.TransposeOptions)
    # New axes and an ellipsis: [:, newaxis, ..., ::2].
    v = m.op(B.STRIDED_SLICE, [t, ints([0, 0, 0, 0]), ints([0, 0, 0, 0]), ints([1, 1, 1, 2])], left_open([1, 1, 3, 1], [-1, 1, 3, -1]), 1,
             O.StridedSliceOptions, beginMask=9, endMask=9, newAxisMask=2, ellipsisMask=4)
    save("open_shapes", m, [x], [t, v])


def loop():
    """A recurrent layer as converters write it where it does not become an operator: WHILE with a counter, a place of the input for each
    round, and a list that is filled."""
    m = Model()
    x = m.tensor([1, 5, 3], T.FLOAT32)

    def ints(g, values):
        return g.tensor(np.shape(values), T.INT32, data=values)

    def floats(g, *shape):
        return g.tensor(shape, T.FLOAT32, data=rng.standard_normal(shape).astype(np.float32))

    def flow(g, *shape):
        return g.tensor(shape, T.FLOAT32)

    def arguments(g):
        return [g.tensor([], T.INT32), flow(g, 5, 1, 4), flow(g, 1, 4), flow(g, 5, 1, 3)]

    condition = m.inner()
    asked = arguments(condition)
    more = condition.op(B.LESS, [asked[0], ints(condition, 5)], condition.tensor([], T.BOOL), 1, O.LessOptions)
    body = m.inner()
    i, every, h, steps = given = arguments(body)
    one = ints(body, 1)
    after = body.op(B.ADD, [i, one], body.tensor([], T.INT32), 1, O.AddOptions, fusedActivationFunction=0)
    now = body.op(B.GATHER, [steps, i], flow(body, 1, 3), 1, O.GatherOptions, axis=0)
    a = body.op(B.FULLY_CONNECTED, [now, floats(body, 4, 3), floats(body, 4)], flow(body, 1, 4), 1, O.FullyConnectedOptions)
    b = body.op(B.FULLY_CONNECTED, [h, floats(body, 4, 4), -1], flow(body, 1, 4), 1, O.FullyConnectedOptions)
    s = body.op(B.ADD, [a, b], flow(body, 1, 4), 1, O.AddOptions, fusedActivationFunction=0)
    h = body.op(B.LOGISTIC, [s], flow(body, 1, 4), 1)
    shape = ints(body, [1])

    def place(v):
        return body.op(B.RESHAPE, [v, shape], body.tensor([1], T.INT32), 1, O.ReshapeOptions, newShape=[1])

    def triple(v, rest):
        return body.op(B.CONCATENATION, [place(v), ints(body, rest)], body.tensor([3], T.INT32), 1, O.ConcatenationOptions, axis=0)

    def part(begin, size):
        t = flow(body, 1, 1, 4)
        body.tensors[t].shapeSignature = [-1, 1, 4]
        return body.op(B.SLICE, [every, begin, size], t, 1, O.SliceOptions)

    before = part(ints(body, [0, 0, 0]), triple(i, [-1, -1]))
    behind = part(triple(after, [0, 0]), ints(body, [-1, -1, -1]))
    item = body.op(B.RESHAPE, [h, ints(body, [1, 1, 4])], flow(body, 1, 1, 4), 1, O.ReshapeOptions, newShape=[1, 1, 4])
    filled = body.op(B.CONCATENATION, [before, item, behind], flow(body, 5, 1, 4), 1, O.ConcatenationOptions, axis=0)
    steps_first = m.op(B.TRANSPOSE, [x, ints(m, [1, 0, 2])], flow(m, 5, 1, 3), 1, O.TransposeOptions)
    start = [ints(m, 0), m.tensor([5, 1, 4], T.FLOAT32, data=np.zeros([5, 1, 4])), m.tensor([1, 4], T.FLOAT32, data=np.zeros([1, 4])), steps_first]
    end = arguments(m)
    m.op(B.WHILE, start, end, 1, O.WhileOptions, condSubgraphIndex=1, bodySubgraphIndex=2)
    # What TFLM cannot compute with a resized slice LiteRT can.
    others = [condition.graph(asked, [more]), body.graph(given, [after, filled, h, steps])]
    save("loop", m, [x], [end[1], end[2]], others=others, wrong=("tflm",))


def groups():
    """A convolution of groups of channels, a mirrored border, places of an axis in any order."""
    m = Model()
    x = m.tensor([1, 5, 6, 4], T.INT8, 0.05, -7)
    pads = m.tensor([4, 2], T.INT32, data=[[0, 0], [2, 1], [0, 3], [0, 0]])
    p = m.op(B.MIRROR_PAD, [x, pads], m.tensor([1, 8, 9, 4], T.INT8, 0.05, -7), 2, O.MirrorPadOptions, mode=0)
    scales = (0.004 * (0.5 + rng.random(6))).astype(np.float32)
    w = m.tensor([6, 3, 2, 2], T.INT8, scales, 0, weights8(6, 3, 2, 2), axis=0)
    b = m.tensor([6], T.INT32, scales * np.float32(0.05), 0, rng.integers(-2000, 2000, 6))
    c = m.op(B.CONV_2D, [p, w, b], m.tensor([1, 8, 5, 6], T.INT8, 0.06, 4), 3, O.Conv2DOptions, padding=0, strideH=1, strideW=2,
             dilationHFactor=1, dilationWFactor=1, fusedActivationFunction=1)
    places = m.tensor([4], T.INT32, data=[7, 0, 2, 2])
    g = m.op(B.GATHER, [c, places], m.tensor([1, 4, 5, 6], T.INT8, 0.06, 4), 2, O.GatherOptions, axis=1)
    save("groups", m, [x], [c, g], wrong=("tflm",))


def dense16():
    """Dense layers of 16 bits, which LiteRT scales in double precision and TFLM by a multiplier of 16 bits: a scale for each output, with
    and without a bias; one scale; powers of two, where sums lie half way between two steps."""
    m = Model()
    s, outputs = 0.0001, []
    x = i16(m, [3, 40], s)
    for scale, out, bias in (
        ((0.0001 * (0.5 + rng.random(9))).astype(np.float32), 0.0002, True),
        ((0.0002 * (0.5 + rng.random(9))).astype(np.float32), 0.0003, False),
        (np.float32([0.00013]), 0.0002, True),
    ):
        w = m.tensor([9, 40], T.INT8, scale, 0, weights8(9, 40), axis=0)
        b = m.tensor([9], T.INT64, scale * np.float32(s), 0, rng.integers(-(2**22), 2**22, 9)) if bias else -1
        outputs.append(m.op(B.FULLY_CONNECTED, [x, w, b], i16(m, [3, 9], out), 7, O.FullyConnectedOptions, fusedActivationFunction=int(bias)))
    t = m.op(B.QUANTIZE, [x], i16(m, [3, 40], 2.0**-10), 3)
    w = m.tensor([9, 40], T.INT8, 2.0**-4, 0, weights8(9, 40))
    outputs.append(m.op(B.FULLY_CONNECTED, [t, w, -1], i16(m, [3, 9], 2.0**-11), 7, O.FullyConnectedOptions))
    save("dense_int16", m, [x], outputs, 8)


def differences():
    """Squares of differences in bytes, of scales of their own and of a constant; the smallest along axes, at its own and at another scale."""
    m = Model()
    a, b = m.tensor([1, 4, 3, 5], T.INT8, 0.05, -7), m.tensor([1, 4, 3, 5], T.INT8, 0.08, 31)
    d = m.op(B.SQUARED_DIFFERENCE, [a, b], m.tensor([1, 4, 3, 5], T.INT8, 0.9, -128), 2, O.SquaredDifferenceOptions)
    c = m.tensor([1, 1, 1, 5], T.INT8, 0.03, 5, weights8(5))
    e = m.op(B.SQUARED_DIFFERENCE, [c, a], m.tensor([1, 4, 3, 5], T.INT8, 0.31, -90), 2, O.SquaredDifferenceOptions)
    axes = m.tensor([2], T.INT32, data=[1, 2])
    f = m.op(B.REDUCE_MIN, [e, axes], m.tensor([1, 5], T.INT8, 0.31, -90), 2, O.ReducerOptions, keepDims=False)
    last = m.tensor([1], T.INT32, data=[3])
    g = m.op(B.REDUCE_MIN, [a, last], m.tensor([1, 4, 3, 1], T.INT8, 0.05, -7), 2, O.ReducerOptions, keepDims=True)
    save("differences", m, [a, b], [d, e, f, g], 8)


COMPARISONS = [
    (B.LESS, O.LessOptions), (B.LESS_EQUAL, O.LessEqualOptions), (B.GREATER, O.GreaterOptions),
    (B.GREATER_EQUAL, O.GreaterEqualOptions), (B.EQUAL, O.EqualOptions), (B.NOT_EQUAL, O.NotEqualOptions),
]


def choices(integer):
    """Comparisons with constants of other scales, some so small that neighbours count as equal; and, or, not; truth as a number; choices of
    both operators, over all and by the last axis."""
    m = Model()
    shape = [1, 4, 6]
    kind, s, z = (T.INT8, 0.01, -7) if integer else (T.FLOAT32, None, 0)
    truth = lambda: m.tensor(shape, T.BOOL)
    x = m.tensor(shape, kind, s, z)
    version = 2 if integer else 1

    def constant(shape, scale, zero):
        if integer:
            return m.tensor(shape, kind, scale, zero, weights8(*shape))
        return m.tensor(shape, kind, data=rng.standard_normal(shape).astype(np.float32))

    now, outputs = x, []
    for i, (code, options) in enumerate(COMPARISONS):
        edge = constant(shape if i % 2 else [6], [0.02, 0.001, 0.5][i % 3], 3 * i)
        a = m.op(code, [now, edge], truth(), version, options)
        b = m.op(COMPARISONS[(i + 2) % 6][0], [edge, x], truth(), version, COMPARISONS[(i + 2) % 6][1])
        joined = (B.LOGICAL_AND, O.LogicalAndOptions) if i % 2 else (B.LOGICAL_OR, O.LogicalOrOptions)
        c = m.op(joined[0], [a, b], truth(), 1, joined[1])
        if i % 3 == 2:
            c = m.op(B.LOGICAL_NOT, [c], truth(), 1, O.LogicalNotOptions)
        other = constant(shape, s, z)
        # TFLM has the newer one alone.
        select = (B.SELECT_V2, O.SelectV2Options) if integer or i % 2 == 0 else (B.SELECT, O.SelectOptions)
        now = m.op(select[0], [c, now, other], m.tensor(shape, kind, s, z), version if select[0] == B.SELECT else 1, select[1])
        if i == 3:
            outputs.append(c)
        if i == 4:
            outputs.append(m.op(B.CAST, [c], m.tensor(shape, T.FLOAT32), 1, O.CastOptions))
    mask = m.tensor([6], T.BOOL, data=np.arange(6) % 2 == 0)
    one = constant([1], s, z)
    outputs.append(m.op(B.SELECT_V2, [mask, now, one], m.tensor(shape, kind, s, z), 1, O.SelectV2Options))
    save("choices_int8" if integer else "choices", m, [x], outputs, 8)


def places():
    """Where the largest and the smallest values lie, of several axes and types, and in another shape."""
    m = Model()
    x = m.tensor([1, 5, 4], T.INT8, 0.1, 3)
    y = m.tensor([1, 5, 4], T.FLOAT32)
    outputs = []
    for source in (x, y):
        for code, options, axis in ((B.ARG_MAX, O.ArgMaxOptions, -1), (B.ARG_MIN, O.ArgMinOptions, 1)):
            shape = [1, 5] if axis == -1 else [1, 4]
            at = m.tensor([], T.INT32, data=axis)
            outputs.append(m.op(code, [source, at], m.tensor(shape, T.INT32), 2, options, outputType=T.INT32))
    size = m.tensor([1], T.INT32, data=[5])
    outputs.append(m.op(B.RESHAPE, [outputs[0], size], m.tensor([5], T.INT32), 1, O.ReshapeOptions, newShape=[5]))
    save("places", m, [x, y], outputs, 8)


def tables():
    """Rows of tables by numbers: of floats, of bytes, of bytes as floats."""
    m = Model()
    at = m.tensor([7], T.INT32)
    wide = m.tensor([9, 2, 3], T.FLOAT32, data=rng.standard_normal([9, 2, 3]).astype(np.float32))
    a = m.op(B.GATHER, [wide, at], m.tensor([7, 2, 3], T.FLOAT32), 1, O.GatherOptions, axis=0)
    table = m.tensor([9, 4], T.INT8, 0.02, 5, weights8(9, 4))
    b = m.op(B.GATHER, [table, at], m.tensor([7, 4], T.INT8, 0.02, 5), 1, O.GatherOptions, axis=0)
    c = m.op(B.EMBEDDING_LOOKUP, [at, m.tensor([9, 4], T.FLOAT32, data=rng.standard_normal([9, 4]).astype(np.float32))],
             m.tensor([7, 4], T.FLOAT32))
    save("tables", m, [at], [a, b, c], 4, rows=9)


def running():
    """Running sums, from both ends and without what stands at the place itself."""
    m = Model()
    x = m.tensor([1, 5, 4], T.FLOAT32)
    outputs = []
    for axis, exclusive, reverse in ((1, False, False), (2, True, False), (-1, False, True), (1, True, True)):
        at = m.tensor([], T.INT32, data=axis)
        outputs.append(m.op(B.CUMSUM, [x, at], m.tensor([1, 5, 4], T.FLOAT32), 1, O.CumsumOptions, exclusive=exclusive, reverse=reverse))
    save("running", m, [x], outputs, 4)


def narrow_bias():
    """A dense layer of 16 bits whose bias has 32, as newer converters write it."""
    m = Model()
    x = i16(m, [1, 40], 0.0001)
    w = m.tensor([9, 40], T.INT8, 0.004, 0, weights8(9, 40))
    b = m.tensor([9], T.INT32, 0.004 * 0.0001, 0, rng.integers(-(2**20), 2**20, 9))
    y = m.op(B.FULLY_CONNECTED, [x, w, b], i16(m, [1, 9], 0.0007), 11, O.FullyConnectedOptions, quantizedBiasType=T.INT32)
    save("narrow_bias", m, [x], [y], 8, wrong=("tflm",))


def hybrid():
    """Layers of float activations and weights of 8 bits, as a converter of dynamic ranges writes them: dense ones over rows, with ranges of
    both kinds, with one scale and several; convolutions likewise, and a depthwise one."""
    m = Model()
    x = m.tensor([1, 6, 5, 4], T.FLOAT32)
    w = m.tensor([8, 3, 3, 4], T.INT8, 0.01 * (0.5 + rng.random(8)), 0, weights8(8, 3, 3, 4), axis=0)
    b = m.tensor([8], T.FLOAT32, data=rng.standard_normal(8))
    a = m.op(B.CONV_2D, [x, w, b], m.tensor([1, 3, 3, 8], T.FLOAT32), 3, O.Conv2DOptions, padding=0, strideW=2, strideH=2, fusedActivationFunction=1)
    w = m.tensor([1, 3, 3, 8], T.INT8, 0.01 * (0.5 + rng.random(8)), 0, weights8(1, 3, 3, 8), axis=3)
    d = m.op(B.DEPTHWISE_CONV_2D, [a, w, b], m.tensor([1, 3, 3, 8], T.FLOAT32), 6, O.DepthwiseConv2DOptions, padding=0, strideW=1, strideH=1,
             depthMultiplier=1)
    size = m.tensor([2], T.INT32, data=[3, 24])
    r = m.op(B.RESHAPE, [d, size], m.tensor([3, 24], T.FLOAT32), 1, O.ReshapeOptions, newShape=[3, 24])
    w = m.tensor([5, 3, 3, 4], T.INT8, 0.013, 0, weights8(5, 3, 3, 4))
    b = m.tensor([5], T.FLOAT32, data=rng.standard_normal(5))
    one = m.op(B.CONV_2D, [x, w, b], m.tensor([1, 6, 5, 5], T.FLOAT32), 3, O.Conv2DOptions, padding=0, strideW=1, strideH=1)
    outputs = [a, d, one]
    for scale, asymmetric in ((0.01, True), (0.02, False), (0.01 * (0.5 + rng.random(7)), True)):
        w = m.tensor([7, 24], T.INT8, scale, 0, weights8(7, 24), axis=0)
        b = m.tensor([7], T.FLOAT32, data=rng.standard_normal(7))
        outputs.append(m.op(B.FULLY_CONNECTED, [r, w, b], m.tensor([3, 7], T.FLOAT32), 12 if np.ndim(scale) else 9, O.FullyConnectedOptions, asymmetricQuantizeInputs=asymmetric))
    save("hybrid", m, [x], outputs, 6, wrong=("tflm",))


keywords_with_memory()
prelu()
network16()
ends16()
curves16()
products16()
two_inputs()
svdf_without_names()
dequantized()
svdf_int8()
from_int32()
dilated()
open_shapes()
loop()
groups()
dense16()
differences()
choices(True)
choices(False)
places()
tables()
running()
narrow_bias()
hybrid()
(HERE / "expected.json").write_text(json.dumps(expected, separators=(",", ":")).replace('},"', '},\n"') + "\n")
