"""Trains a network of train.json with Keras or PyTorch and prints samples per second.

python train.py keras|torch|torch-channels-last NETWORK EPOCHS THREADS

The first epoch is not counted: it builds graphs and fills caches.
"""
import json
import os
import sys
import time

PEER, NETWORK, EPOCHS, THREADS = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402

BATCH, RATE = 32, 0.001
here = os.path.dirname(os.path.abspath(__file__))
net = next(n for n in json.load(open(os.path.join(here, "train.json"))) if n["name"] == NETWORK)
rows, classes = net["rows"], net["classes"]
rng = np.random.default_rng(1)
x = rng.standard_normal([rows] + net["input"], dtype=np.float32)
y = rng.integers(0, classes, rows)


def keras_run():
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    k = keras.layers

    def apply(layers, t):
        for l in layers:
            kind = l["type"]
            if kind == "conv2d":
                t = k.Conv2D(l["filters"], l["kernel"], l.get("stride", 1), "same")(t)
            elif kind == "conv1d":
                t = k.Conv1D(l["filters"], l["kernel"], padding="same")(t)
            elif kind == "depthwise_conv":
                t = k.DepthwiseConv2D(l["kernel"], l.get("stride", [1, 1]), "same")(t)
            elif kind == "batch_norm":
                t = k.BatchNormalization()(t)
            elif kind == "activation":
                t = k.Activation(l["activation"])(t)
            elif kind == "max_pool":
                t = k.MaxPooling1D(l["size"][0])(t)
            elif kind == "global_average_pool":
                t = (k.GlobalAveragePooling2D() if len(t.shape) == 4 else k.GlobalAveragePooling1D())(t)
            elif kind == "dense":
                t = k.Dense(l["units"], activation=l["activation"])(t)
            elif kind == "residual":
                t = k.Add()([apply(l["layers"], t), apply(l.get("shortcut", []), t)])
                t = k.Activation(l["activation"])(t)
            else:
                raise SystemExit(f"no {kind}")
        return t

    start = keras.Input(net["input"])
    model = keras.Model(start, k.Dense(classes, activation="softmax")(apply(net["layers"], start)))
    model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)
    began = time.perf_counter()
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    return time.perf_counter() - began, f"Keras {keras.__version__}, TensorFlow {tf.__version__}", model.count_params()


def torch_run(channels_last):
    import torch
    from torch import nn

    torch.set_num_threads(THREADS)
    torch.manual_seed(1)
    series = len(net["input"]) == 2

    class Residual(nn.Module):
        def __init__(self, main, other):
            super().__init__()
            self.main, self.other = main, other

        def forward(self, t):
            return torch.relu(self.main(t) + self.other(t))

    def padded(kind, c_in, c_out, kernel, stride, shape, **more):
        """Padding that gives TensorFlow's `same` size; symmetric where that does."""
        out = [-(-n // s) for n, s in zip(shape, stride)]
        total = [max((o - 1) * s + kk - n, 0) for o, s, kk, n in zip(out, stride, kernel, shape)]
        even = [-(-t // 2) for t in total]
        assert [(n + 2 * p - kk) // s + 1 for n, p, kk, s in zip(shape, even, kernel, stride)] == out
        return kind(c_in, c_out, kernel, stride, even, **more), out

    def build(layers, c, shape):
        parts = []
        for l in layers:
            kind = l["type"]
            if kind == "conv2d":
                stride = l.get("stride", [1, 1])
                layer, shape = padded(nn.Conv2d, c, l["filters"], l["kernel"], stride, shape)
                c = l["filters"]
                parts.append(layer)
            elif kind == "conv1d":
                parts.append(nn.Conv1d(c, l["filters"], l["kernel"], padding=l["kernel"] // 2))
                c = l["filters"]
            elif kind == "depthwise_conv":
                stride = l.get("stride", [1, 1])
                layer, shape = padded(nn.Conv2d, c, c, l["kernel"], stride, shape, groups=c)
                parts.append(layer)
            elif kind == "batch_norm":
                parts.append((nn.BatchNorm1d if series else nn.BatchNorm2d)(c))
            elif kind == "activation":
                parts.append(nn.ReLU(inplace=True))
            elif kind == "max_pool":
                parts.append(nn.MaxPool1d(l["size"][0]))
            elif kind == "global_average_pool":
                parts += [nn.AdaptiveAvgPool1d(1) if series else nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            elif kind == "dense":
                parts += [nn.Linear(c, l["units"]), nn.ReLU(inplace=True)]
                c = l["units"]
            elif kind == "residual":
                main, to, end = build(l["layers"], c, shape)
                other, _, _ = build(l.get("shortcut", []), c, shape)
                parts.append(Residual(main, other))
                c, shape = to, end
            else:
                raise SystemExit(f"no {kind}")
        return nn.Sequential(*parts), c, shape

    c = net["input"][-1]
    body, width, _ = build(net["layers"], c, net["input"][:-1])
    model = nn.Sequential(body, nn.Linear(width, classes))
    data, target = torch.from_numpy(x), torch.from_numpy(y)
    if data.ndim > 2:
        data = data.movedim(-1, 1).contiguous()
    if channels_last:
        data, model = data.to(memory_format=torch.channels_last), model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    loss = nn.CrossEntropyLoss()

    def epoch():
        order = torch.randperm(rows)
        for i in range(0, rows, BATCH):
            at = order[i : i + BATCH]
            batch = data[at]
            if channels_last:
                batch = batch.to(memory_format=torch.channels_last)
            optimizer.zero_grad(set_to_none=True)
            loss(model(batch), target[at]).backward()
            optimizer.step()

    epoch()
    began = time.perf_counter()
    for _ in range(EPOCHS):
        epoch()
    seconds = time.perf_counter() - began
    how = ", channels last" if channels_last else ""
    return seconds, f"PyTorch {torch.__version__}{how}", sum(p.numel() for p in model.parameters())


seconds, name, parameters = keras_run() if PEER == "keras" else torch_run(PEER == "torch-channels-last")
peak = next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM:")) * 1024
print(json.dumps({"name": name, "samples_per_second": rows * EPOCHS / seconds, "peak_bytes": peak, "parameters": parameters}))
