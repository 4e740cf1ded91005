#!/usr/bin/env python3
"""Outputs and gradients of layers, computed by PyTorch in double precision: golden/train/expected.json.

    pip install torch numpy; python3 golden.py

Each case is a list of layers as in a project file, with a dense layer of two outputs behind it. What is learned is drawn here and
stored in the order and layout in which the trainer keeps it; the loss is the sum of the outputs times `weight`.
"""
import json
import numpy as np
import torch
import torch.nn.functional as F

SAMPLES = 3
CASES = [
    ([7], [{"type": "dense", "units": 6, "activation": "tanh"}, {"type": "dense", "units": 5, "activation": "sigmoid"}]),
    ([7], [{"type": "dense", "units": 6, "activation": "relu"}, {"type": "dense", "units": 5, "activation": "leaky_relu"}]),
    ([7], [{"type": "dense", "units": 9, "activation": "gelu"}, {"type": "dense", "units": 5, "activation": "hard_swish"}]),
    ([7], [{"type": "dense", "units": 9, "activation": "relu6"}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [3, 3], "stride": [2, 1]}, {"type": "activation", "activation": "relu"}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [2, 3], "dilation": [2, 1], "padding": "valid"}]),
    ([9, 4], [{"type": "conv1d", "filters": 5, "kernel": 3, "dilation": 2}, {"type": "conv1d", "filters": 3, "kernel": 4, "stride": 2}]),
    ([6, 5, 3], [{"type": "depthwise_conv", "kernel": [3, 2], "stride": [1, 2]}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [1, 1]}, {"type": "max_pool", "size": [2, 2]}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [1, 1]}, {"type": "average_pool", "size": [3, 2], "stride": [1, 2]}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [3, 3]}, {"type": "global_average_pool"}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [3, 3]}, {"type": "global_max_pool"}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [3, 3]}, {"type": "batch_norm"}, {"type": "activation", "activation": "relu"}]),
    ([9, 4], [{"type": "conv1d", "filters": 5, "kernel": 3}, {"type": "batch_norm"}, {"type": "activation", "activation": "tanh"}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [1, 1]}, {"type": "layer_norm"}]),
    ([9, 4], [{"type": "layer_norm"}, {"type": "conv1d", "filters": 3, "kernel": 3}, {"type": "layer_norm"}]),
    ([9, 4], [{"type": "lstm", "units": 6}]),
    ([9, 4], [{"type": "lstm", "units": 5, "sequences": True}, {"type": "lstm", "units": 3}]),
    ([9, 4], [{"type": "gru", "units": 6}]),
    ([9, 4], [{"type": "conv1d", "filters": 3, "kernel": 3}, {"type": "gru", "units": 5, "sequences": True}, {"type": "gru", "units": 4}]),
    ([9, 4], [{"type": "attention", "heads": 1, "key": 5}]),
    ([7, 6], [{"type": "residual", "layers": [{"type": "attention", "heads": 3, "key": 2}]}, {"type": "layer_norm"},
              {"type": "attention", "heads": 2, "key": 4}, {"type": "batch_norm"}]),
    ([6, 5, 3], [{"type": "conv2d", "filters": 4, "kernel": [1, 1]},
                 {"type": "residual", "layers": [{"type": "conv2d", "filters": 4, "kernel": [3, 3]}], "activation": "relu"}]),
    ([6, 5, 3], [{"type": "concat", "branches": [[], [{"type": "conv2d", "filters": 2, "kernel": [3, 3]}]]},
                 {"type": "conv2d", "filters": 3, "kernel": [1, 1]}]),
]

draw = np.random.default_rng(20261126)


def parameter(*shape):
    # Single precision, as the trainer reads it.
    values = draw.normal(0, 0.4, shape).astype(np.float32).astype(np.float64)
    return torch.tensor(values, requires_grad=True)


def activate(x, kind):
    return {
        "none": lambda: x,
        "relu": lambda: F.relu(x),
        "relu6": lambda: F.relu6(x),
        "leaky_relu": lambda: F.leaky_relu(x, 0.1),
        "sigmoid": lambda: torch.sigmoid(x),
        "tanh": lambda: torch.tanh(x),
        "hard_swish": lambda: F.hardswish(x),
        "gelu": lambda: F.gelu(x, approximate="tanh"),
    }[kind]()


def around(n, kernel, stride, dilation, padding):
    if padding == "valid":
        return 0, 0
    covered = (kernel - 1) * dilation + 1
    total = max((-(-n // stride) - 1) * stride + covered - n, 0)
    return total // 2, total - total // 2


class Run:
    """Values are [samples, height, width, channels]."""

    def __init__(self):
        self.units = []

    def unit(self, *learned):
        self.units.append(list(learned))

    def conv(self, x, filters, kernel, stride, dilation, padding, depthwise):
        c = x.shape[3]
        if depthwise:
            w = parameter(*kernel, c)
            turned = w.permute(2, 0, 1).unsqueeze(1)
        else:
            w = parameter(filters, *kernel, c)
            turned = w.permute(0, 3, 1, 2)
        b = parameter(c if depthwise else filters)
        self.unit(w, b)
        top, bottom = around(x.shape[1], kernel[0], stride[0], dilation[0], padding)
        left, right = around(x.shape[2], kernel[1], stride[1], dilation[1], padding)
        image = F.pad(x.permute(0, 3, 1, 2), (left, right, top, bottom))
        y = F.conv2d(image, turned, b, stride, dilation=dilation, groups=c if depthwise else 1)
        return y.permute(0, 2, 3, 1)

    def recurrent(self, x, kind, units, sequences):
        values, gates = x.shape[3], 4 if kind == "lstm" else 3
        w, r, b = parameter(values, gates * units), parameter(units, gates * units), parameter(gates * units)
        joined = torch.cat([w, r])
        joined.retain_grad()
        self.unit(joined, b)
        cell = (torch.nn.LSTM if kind == "lstm" else torch.nn.GRU)(values, units, batch_first=True).double()
        w, r = joined[:values], joined[values:]
        zeros = torch.zeros_like(b)
        if kind == "lstm":
            # Input, forget, cell, output: PyTorch's order.
            weights = [w.T, r.T, b, zeros]
        else:
            # Ours: update, reset, candidate; PyTorch's: reset, update, candidate.
            turn = lambda v: torch.cat([v[units:2 * units], v[:units], v[2 * units:]])
            weights = [turn(w.T), turn(r.T), turn(b), zeros]
        names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
        y, _ = torch.func.functional_call(cell, dict(zip(names, weights)), (x[:, 0],))
        return y[:, None] if sequences else y[:, None, -1:]

    def layer(self, x, layer):
        kind = layer["type"]
        n, h, w, c = x.shape
        if kind == "dense":
            weights, b = parameter(layer["units"], h * w * c), parameter(layer["units"])
            self.unit(weights, b)
            x = F.linear(x.reshape(n, -1), weights, b).reshape(n, 1, 1, -1)
        elif kind in ("conv1d", "conv2d"):
            pair = (lambda v: v) if kind == "conv2d" else (lambda v: [1, v])
            one = [1, 1] if kind == "conv2d" else 1
            x = self.conv(x, layer["filters"], pair(layer["kernel"]), pair(layer.get("stride", one)),
                          pair(layer.get("dilation", one)), layer.get("padding", "same"), False)
        elif kind == "depthwise_conv":
            x = self.conv(x, c, layer["kernel"], layer["stride"], [1, 1], "same", True)
        elif kind == "max_pool":
            x = F.max_pool2d(x.permute(0, 3, 1, 2), layer["size"], layer.get("stride", layer["size"])).permute(0, 2, 3, 1)
        elif kind == "average_pool":
            x = F.avg_pool2d(x.permute(0, 3, 1, 2), layer["size"], layer.get("stride", layer["size"])).permute(0, 2, 3, 1)
        elif kind == "global_average_pool":
            x = x.mean((1, 2), keepdim=True)
        elif kind == "global_max_pool":
            x = x.amax((1, 2), keepdim=True)
        elif kind == "batch_norm":
            # Behind a layer with weights, whose bias it takes away.
            gamma, beta = parameter(c), parameter(c)
            before = self.units[-1]
            x = x - before[1]
            before[1:] = [None, gamma, beta]
            x = F.batch_norm(x.permute(0, 3, 1, 2), None, None, gamma, beta, True, eps=1e-3).permute(0, 2, 3, 1)
        elif kind == "layer_norm":
            gamma, beta = parameter(c), parameter(c)
            self.unit(gamma, beta)
            x = F.layer_norm(x, [c], gamma, beta, 1e-3)
        elif kind in ("lstm", "gru"):
            x = self.recurrent(x, kind, layer["units"], layer.get("sequences", False))
        elif kind == "attention":
            width = layer["heads"] * layer["key"]
            parts = [self.conv(x, width, [1, 1], [1, 1], [1, 1], "valid", False) for _ in range(3)]
            # The factor 1 / sqrt(key) is in the weights.
            q, k, v = [p.reshape(n, w, layer["heads"], layer["key"]).transpose(1, 2) for p in parts]
            mixed = F.scaled_dot_product_attention(q, k, v, scale=1.0)
            self.unit()
            x = self.conv(mixed.transpose(1, 2).reshape(n, 1, w, width), c, [1, 1], [1, 1], [1, 1], "valid", False)
        elif kind == "residual":
            x = x + self.layers(x, layer["layers"])
            self.unit()
        elif kind == "concat":
            x = torch.cat([self.layers(x, branch) for branch in layer["branches"]], 3)
            self.unit()
        elif kind != "activation":
            raise ValueError(kind)
        if kind in ("max_pool", "average_pool", "global_average_pool", "global_max_pool"):
            self.unit()
        return activate(x, layer.get("activation", "none"))

    def layers(self, x, layers):
        for layer in layers:
            x = self.layer(x, layer)
        return x


def rounded(values):
    """Nine digits: more than single precision holds."""
    return [float(f"{v:.9g}") for v in np.asarray(values, np.float64).ravel()]


out = []
for shape, layers in CASES:
    run = Run()
    full = [SAMPLES] + {1: [1, 1], 2: [1], 3: []}[len(shape)] + shape
    x = parameter(*full)
    y = run.layer(run.layers(x, layers), {"type": "dense", "units": 2}).reshape(SAMPLES, 2)
    weight = parameter(SAMPLES, 2).detach()
    (y * weight).sum().backward()
    blank = lambda p: [] if p is None else rounded(p.detach().numpy())
    gradient = lambda p: [] if p is None else rounded(p.grad.numpy())
    four = lambda unit: unit + [None] * (4 - len(unit))
    out.append({
        "input": shape,
        "layers": layers,
        "x": blank(x),
        "learned": [[blank(p) for p in four(unit)] for unit in run.units],
        "weight": rounded(weight.numpy()),
        "output": rounded(y.detach().numpy()),
        "gradients": [[gradient(p) for p in four(unit)] for unit in run.units],
    })
with open("expected.json", "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(case) for case in out) + "\n]\n")
print(len(out), "cases with PyTorch", torch.__version__)
