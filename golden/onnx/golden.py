#!/usr/bin/env python3
"""Small ONNX models with seeded weights, and what ONNX Runtime makes of seeded inputs.

    pip install numpy==2.4.6 onnx==1.23.2 onnxruntime==1.32.0 && python3 golden.py

Writes NAME.onnx and expected.json (per model: input, shape, output) beside itself.
"""
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)


def values(*shape, scale=0.6):
    return (rng.standard_normal(shape) * scale).astype(np.float32)


def model(name, shape, nodes, constants):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    held = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, name, [x], [y], held)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="golden")
    made.ir_version = 9
    onnx.save(made, HERE / f"{name}.onnx")
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    given = values(*shape, scale=1.0)
    (out,) = session.run(["y"], {"x": given})
    return {
        "input": given.flatten().tolist(),
        "shape": list(out.shape),
        "output": out.astype(np.float32).flatten().tolist(),
    }


def recurrent(kind, gates, directions, steps=5, inputs=3, units=4, **more):
    weights = {
        "w": values(directions, gates * units, inputs),
        "r": values(directions, gates * units, units),
        "b": values(directions, 2 * gates * units),
    }
    return kind, steps, inputs, units, weights, dict(hidden_size=units, **more)


def alone(name, made, outputs):
    kind, steps, inputs, _, weights, attributes = made
    node = helper.make_node(kind, ["x", "w", "r", "b"], outputs, **attributes)
    return model(name, [steps, 1, inputs], [node], weights)


expected = {}
expected["lstm"] = alone("lstm", recurrent("LSTM", 4, 1), ["y"])
expected["lstm_both_ways"] = alone("lstm_both_ways", recurrent("LSTM", 4, 2, direction="bidirectional"), ["y"])
expected["lstm_cell"] = alone("lstm_cell", recurrent("LSTM", 4, 1), ["", "", "y"])
expected["gru"] = alone("gru", recurrent("GRU", 3, 1), ["y"])
expected["gru_split"] = alone("gru_split", recurrent("GRU", 3, 1, linear_before_reset=1), ["y"])
expected["gru_backward"] = alone("gru_backward", recurrent("GRU", 3, 1, direction="reverse"), ["", "y"])
expected["rnn"] = alone("rnn", recurrent("RNN", 1, 1), ["y"])
expected["rnn_relu"] = alone("rnn_relu", recurrent("RNN", 1, 1, activations=["Relu"]), ["y"])

# As PyTorch writes a layer with the batch first whose last step is classified, with a state made of the input's shape.
kind, steps, inputs, units, weights, attributes = recurrent("GRU", 3, 1, linear_before_reset=1)
nodes = [
    helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
    helper.make_node("Shape", ["x"], ["extents"]),
    helper.make_node("Gather", ["extents", "zero"], ["batch"], axis=0),
    helper.make_node("Unsqueeze", ["batch", "axis0"], ["batch1"]),
    helper.make_node("Concat", ["one", "batch1", "width"], ["state_shape"], axis=0),
    helper.make_node("ConstantOfShape", ["state_shape"], ["h0"]),
    helper.make_node(kind, ["t", "w", "r", "b", "", "h0"], ["all", "hn"], **attributes),
    helper.make_node("Squeeze", ["all", "axis1"], ["some"]),
    helper.make_node("Transpose", ["some"], ["back"], perm=[1, 0, 2]),
    helper.make_node("Gather", ["back", "last"], ["end"], axis=1),
    helper.make_node("Gemm", ["end", "head", "offset"], ["scores"], transB=1),
    helper.make_node("Softmax", ["scores"], ["y"], axis=-1),
]
constants = weights | {
    "zero": np.int64(0),
    "axis0": np.array([0]),
    "axis1": np.array([1]),
    "one": np.array([1]),
    "width": np.array([units]),
    "last": np.int64(-1),
    "head": values(3, units),
    "offset": values(3),
}
expected["classifier"] = model("classifier", [1, steps, inputs], nodes, constants)

expected["layer_norm"] = model(
    "layer_norm",
    [1, 3, 6],
    [helper.make_node("LayerNormalization", ["x", "s", "b"], ["y"], axis=-1, epsilon=1e-3)],
    {"s": values(6), "b": values(6)},
)
expected["prelu"] = model(
    "prelu",
    [1, 2, 3, 3],
    [helper.make_node("PRelu", ["x", "slope"], ["y"])],
    {"slope": values(2, 1, 1)},
)
expected["split"] = model(
    "split",
    [1, 7, 2],
    [
        helper.make_node("Split", ["x", "sizes"], ["a", "b", "c"], axis=1),
        helper.make_node("Mul", ["a", "c"], ["d"]),
        helper.make_node("Concat", ["b", "d"], ["y"], axis=1),
    ],
    {"sizes": np.array([2, 3, 2])},
)
expected["powers"] = model(
    "powers",
    [1, 4, 5],
    [
        helper.make_node("Pow", ["x", "two"], ["a"]),
        helper.make_node("ReduceMin", ["a"], ["b"], axes=[2], keepdims=1),
        helper.make_node("Pow", ["b", "half"], ["c"]),
        helper.make_node("Add", ["a", "c"], ["y"]),
    ],
    {"two": np.float32(2), "half": np.float32(0.5)},
)
expected["largest"] = model(
    "largest",
    [1, 3, 4, 4],
    [
        helper.make_node("Conv", ["x", "w"], ["a"], kernel_shape=[3, 3]),
        helper.make_node("GlobalMaxPool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["y"]),
    ],
    {"w": values(5, 3, 3, 3)},
)

# As PyTorch writes attention: heads apart, a product with what was turned, shares, a product, heads together.
def heads_apart(name):
    return [
        helper.make_node("MatMul", ["x", f"w_{name}"], [f"{name}_flat"]),
        helper.make_node("Reshape", [f"{name}_flat", "split"], [f"{name}_split"]),
        helper.make_node("Transpose", [f"{name}_split"], [name], perm=[0, 2, 1, 3]),
    ]


expected["attention"] = model(
    "attention",
    [1, 5, 6],
    [
        *(node for name in "qkv" for node in heads_apart(name)),
        helper.make_node("Transpose", ["k"], ["k_turned"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["q", "k_turned"], ["products"]),
        helper.make_node("Mul", ["products", "factor"], ["scaled"]),
        helper.make_node("Softmax", ["scaled"], ["shares"], axis=-1),
        helper.make_node("MatMul", ["shares", "v"], ["mixed"]),
        helper.make_node("Transpose", ["mixed"], ["together"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["together", "join"], ["joined"]),
        # A constant for every head, and a matrix that is repeated.
        helper.make_node("MatMul", ["mixed", "own"], ["each"]),
        helper.make_node("MatMul", ["each", "joined"], ["y"]),
    ],
    {f"w_{name}": values(6, 6) for name in "qkv"}
    | {
        "split": np.array([0, 5, 3, 2]),
        "join": np.array([0, 5, 6]),
        "factor": np.float32(0.5**0.5),
        "own": values(1, 3, 2, 5),
    },
)
# One operator each, or a chain of them, as PyTorch writes them.
chains = {
    "functions": (
        [1, 40],
        [
            helper.make_node("Erf", ["x"], ["a"]),
            helper.make_node("Softplus", ["x"], ["b"]),
            helper.make_node("Selu", ["x"], ["c"]),
            helper.make_node("Celu", ["x"], ["d"], alpha=0.7),
            helper.make_node("Softsign", ["x"], ["e"]),
            helper.make_node("LogSoftmax", ["x"], ["f"], axis=1),
            helper.make_node("Clip", ["x", "low", "high"], ["g"]),
            helper.make_node("Abs", ["x"], ["h0"]),
            helper.make_node("Log", ["h0"], ["h"]),
            # An exact GELU before it became an operator.
            helper.make_node("Div", ["x", "root"], ["i0"]),
            helper.make_node("Erf", ["i0"], ["i1"]),
            helper.make_node("Add", ["i1", "one"], ["i2"]),
            helper.make_node("Mul", ["x", "i2"], ["i3"]),
            helper.make_node("Mul", ["i3", "half"], ["i"]),
            helper.make_node("Reciprocal", ["x"], ["j"]),
            helper.make_node("ReduceL2", ["x"], ["k"], axes=[1]),
            helper.make_node("ReduceL1", ["x"], ["l"], axes=[1]),
            helper.make_node("Concat", list("abcdefghijkl"), ["y"], axis=1),
        ],
        {"low": np.float32(-0.3), "high": np.float32(0.9), "root": np.float32(2**0.5), "one": np.float32(1), "half": np.float32(0.5)},
    ),
    "groups": (
        [1, 4, 6, 5],
        [
            helper.make_node("Conv", ["x", "w", "b"], ["a"], group=2, pads=[1, 1, 1, 1], strides=[2, 1]),
            helper.make_node("InstanceNormalization", ["a", "scale", "offset"], ["n"], epsilon=1e-3),
            helper.make_node("Pad", ["n", "pads"], ["p"], mode="reflect"),
            helper.make_node("Resize", ["p", "", "scales"], ["r"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
            helper.make_node("Gather", ["r", "places"], ["g"], axis=2),
            helper.make_node("SpaceToDepth", ["g"], ["y"], blocksize=2),
        ],
        {
            "w": values(6, 2, 3, 3), "b": values(6), "scale": values(6), "offset": values(6),
            "pads": np.array([0, 0, 2, 1, 0, 0, 1, 3]), "scales": np.array([1, 1, 3, 2], np.float32), "places": np.array([5, 0, 0, 7, 2, 11]),
        },
    ),
    "transposed": (
        [1, 3, 4, 5],
        [
            helper.make_node("ConvTranspose", ["x", "w", "b"], ["a"], strides=[2, 3], pads=[1, 0, 1, 2], output_padding=[1, 0]),
            helper.make_node("ConvTranspose", ["a", "v"], ["c"], dilations=[2, 1], kernel_shape=[2, 2]),
            helper.make_node("DepthToSpace", ["c"], ["d"], blocksize=2, mode="CRD"),
            helper.make_node("DepthToSpace", ["c"], ["e"], blocksize=2),
            helper.make_node("Add", ["d", "e"], ["y"]),
        ],
        {"w": values(3, 2, 3, 4), "b": values(2), "v": values(2, 8, 2, 2)},
    ),
    # Halves of a channel axis whose extent is computed, joined again in a computed shape.
    "arithmetic": (
        [1, 6, 4],
        [
            helper.make_node("Shape", ["x"], ["s"]),
            helper.make_node("Gather", ["s", "place"], ["channels"]),
            helper.make_node("Add", ["channels", "ones"], ["more"]),
            helper.make_node("Div", ["more", "two"], ["half"]),
            helper.make_node("Mul", ["half", "two"], ["end"]),
            helper.make_node("Slice", ["x", "zero", "half", "place"], ["front"]),
            helper.make_node("Slice", ["x", "half", "end", "place"], ["back"]),
            helper.make_node("Mul", ["front", "back"], ["product"]),
            helper.make_node("Slice", ["s", "minus", "start", "zero", "minus"], ["turned"]),
            helper.make_node("Cast", ["turned"], ["reals"], to=TensorProto.FLOAT),
            helper.make_node("Cast", ["reals"], ["whole"], to=TensorProto.INT64),
            helper.make_node("ReduceProd", ["whole"], ["all"], keepdims=0),
            helper.make_node("Mod", ["all", "five"], ["rest"]),
            helper.make_node("Cast", ["rest"], ["factor"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["product", "factor"], ["scaled"]),
            helper.make_node("Concat", ["minus", "two"], ["shape"], axis=0),
            helper.make_node("Reshape", ["scaled", "shape"], ["y"]),
        ],
        {
            "place": np.array([1]), "ones": np.array([1]), "two": np.array([2]), "zero": np.array([0]), "minus": np.array([-1]),
            "start": np.array([-5]), "five": np.array(5),
        },
    ),
}
for name, (shape, nodes, constants) in chains.items():
    expected[name] = model(name, shape, nodes, constants)
# Later than the others, so that their numbers stay.
chains = {
    # Padding that counts, windows that reach beyond it, and both.
    "pooled": (
        [1, 2, 7, 6],
        [
            helper.make_node("AveragePool", ["x"], ["a0"], kernel_shape=[3, 2], pads=[1, 0, 2, 1], strides=[2, 2], count_include_pad=1),
            helper.make_node("AveragePool", ["x"], ["b0"], kernel_shape=[3, 3], strides=[3, 2], ceil_mode=1),
            helper.make_node("AveragePool", ["x"], ["c0"], kernel_shape=[2, 3], pads=[1, 1, 1, 1], strides=[3, 3], ceil_mode=1, count_include_pad=1),
            helper.make_node("MaxPool", ["x"], ["d0"], kernel_shape=[2, 2], pads=[1, 0, 1, 0], strides=[4, 3], ceil_mode=1),
            helper.make_node("MaxPool", ["x"], ["e0"], kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
            # A last window would begin behind the input.
            helper.make_node("MaxPool", ["x"], ["f0"], kernel_shape=[1, 1], strides=[2, 3], pads=[0, 0, 0, 0], ceil_mode=1),
            *(helper.make_node("Reshape", [f"{n}0", "flat"], [n]) for n in "abcdef"),
            helper.make_node("Concat", list("abcdef"), ["y"], axis=1),
        ],
        {"flat": np.array([1, -1])},
    ),
    # Groups and resizing of a sequence; transposed convolutions in groups.
    "sequence": (
        [1, 4, 9],
        [
            helper.make_node("Conv", ["x", "w", "b"], ["a"], group=2, pads=[1, 1]),
            helper.make_node("Resize", ["a", "", "scales"], ["c"], mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
            helper.make_node("Resize", ["c", "", "", "sizes"], ["d"], mode="linear", coordinate_transformation_mode="half_pixel"),
            helper.make_node("ConvTranspose", ["d", "v"], ["e"], group=3, strides=[2], pads=[1, 1]),
            helper.make_node("ConvTranspose", ["e", "u"], ["f"], group=6, strides=[1]),
            helper.make_node("AveragePool", ["f"], ["y"], kernel_shape=[3], strides=[2], pads=[1, 1], count_include_pad=1),
        ],
        {
            "w": values(6, 2, 3), "b": values(6), "scales": np.array([1, 1, 2], np.float32), "sizes": np.array([1, 6, 12]),
            "v": values(6, 2, 4), "u": values(6, 1, 2),
        },
    ),
}
for name, (shape, nodes, constants) in chains.items():
    expected[name] = model(name, shape, nodes, constants)
chains = {
    # Comparisons over each other's axes, what is joined of them, truth as a number, a mask of a triangle as attention has it.
    "choices": (
        [1, 3, 4, 4],
        [
            helper.make_node("Greater", ["x", "edge"], ["a"]),
            helper.make_node("LessOrEqual", ["x", "row"], ["b"]),
            helper.make_node("And", ["a", "b"], ["c"]),
            helper.make_node("Not", ["c"], ["d"]),
            helper.make_node("Less", ["row", "x"], ["e"]),
            helper.make_node("Or", ["d", "e"], ["f"]),
            helper.make_node("GreaterOrEqual", ["x", "zero"], ["g"]),
            helper.make_node("Xor", ["f", "g"], ["h"]),
            helper.make_node("Relu", ["x"], ["i"]),
            helper.make_node("Equal", ["i", "zero"], ["j"]),
            helper.make_node("Cast", ["j"], ["k"], to=TensorProto.FLOAT),
            helper.make_node("Where", ["h", "x", "row"], ["l"]),
            helper.make_node("Add", ["l", "k"], ["m"]),
            helper.make_node("Trilu", ["ones"], ["triangle"], upper=0),
            helper.make_node("Cast", ["triangle"], ["kept"], to=TensorProto.BOOL),
            helper.make_node("Where", ["kept", "m", "least"], ["n"]),
            helper.make_node("Softmax", ["n"], ["o"], axis=-1),
            helper.make_node("Cast", ["x"], ["p"], to=TensorProto.BOOL),
            helper.make_node("Where", ["p", "o", "zero"], ["y"]),
        ],
        {
            "edge": np.float32(0.2), "row": values(1, 3, 1, 1), "zero": np.float32(0), "least": np.float32(-np.inf),
            "ones": np.ones([4, 4], np.int64),
        },
    ),
    # A comparison of channels behind a convolution, whose channels lie last here.
    "channels": (
        [1, 2, 5, 4],
        [
            helper.make_node("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
            helper.make_node("Greater", ["a", "edge"], ["b"]),
            helper.make_node("Where", ["b", "a", "row"], ["y"]),
        ],
        {"w": values(3, 2, 3, 3), "edge": values(3, 1, 1), "row": values(4)},
    ),
    # Products of matrices as sums over letters.
    "einsum": (
        [1, 2, 3, 4],
        [
            helper.make_node("Einsum", ["x", "x"], ["a"], equation="bhqd,bhkd->bhqk"),
            helper.make_node("Einsum", ["a", "x"], ["b"], equation="bhqk,bhkd->bqhd"),
            helper.make_node("Einsum", ["b", "w"], ["c"], equation="bqhd,hde->bqe"),
            helper.make_node("Einsum", ["c", "v"], ["y"], equation="bqe, fe -> fbq"),
        ],
        {"w": values(2, 4, 5, scale=0.1), "v": values(6, 5, scale=0.1)},
    ),
}
for name, (shape, nodes, constants) in chains.items():
    expected[name] = model(name, shape, nodes, constants)
(HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
