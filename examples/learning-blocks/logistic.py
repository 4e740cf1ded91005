#!/usr/bin/env python3
"""Logistic regression by gradient descent, with nothing but Python: shows the contract of a learning block."""
import argparse
import json
import math
import os
import struct

parser = argparse.ArgumentParser()
parser.add_argument("--data-directory", required=True)
parser.add_argument("--out-directory", required=True)
parser.add_argument("--info-file", required=True)
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--rate", type=float, default=0.5)
args, _ = parser.parse_known_args()


def matrix(name):
    """Rows of a float32 .npy file."""
    with open(os.path.join(args.data_directory, name), "rb") as file:
        content = file.read()
    length = struct.unpack("<H", content[8:10])[0]
    header = content[10:10 + length].decode()
    rows, columns = eval(header)["shape"]
    values = struct.unpack(f"<{rows * columns}f", content[10 + length:])
    return [values[i * columns:(i + 1) * columns] for i in range(rows)]


with open(args.info_file, encoding="utf-8") as file:
    classes = json.load(file)["classes"]
x, y = matrix("X_split_train.npy"), matrix("Y_split_train.npy")
features = len(x[0])
mean = [sum(column) / len(x) for column in zip(*x)]
scale = [math.sqrt(sum((v - m) ** 2 for v in column) / len(x)) or 1.0 for column, m in zip(zip(*x), mean)]
x = [[(v - m) / s for v, m, s in zip(row, mean, scale)] for row in x]
weights = [[0.0] * features for _ in classes]
bias = [0.0] * len(classes)
for step in range(args.steps):
    slopes = [[0.0] * features for _ in classes]
    pulls = [0.0] * len(classes)
    right = 0
    for row, wanted in zip(x, y):
        sums = [b + sum(w * v for w, v in zip(own, row)) for own, b in zip(weights, bias)]
        powers = [math.exp(s - max(sums)) for s in sums]
        right += wanted[powers.index(max(powers))] == 1.0
        for c, power in enumerate(powers):
            error = power / sum(powers) - wanted[c]
            pulls[c] += error
            slopes[c] = [s + error * v for s, v in zip(slopes[c], row)]
    for c in range(len(classes)):
        bias[c] -= args.rate * pulls[c] / len(x)
        weights[c] = [w - args.rate * s / len(x) for w, s in zip(weights[c], slopes[c])]
    if (step + 1) % 20 == 0:
        print(f"step {step + 1}: {right} of {len(x)} right", flush=True)
model = {"edgewright_sklearn": 1, "model": "LogisticRegression", "features": features, "mean": mean, "scale": scale}
if len(classes) == 2:
    # One score: how much the second class outweighs the first.
    weights, bias = [[b - a for a, b in zip(*weights)]], [bias[1] - bias[0]]
model.update(link="binary" if len(classes) == 2 else "softmax", weights=weights, bias=bias)
with open(os.path.join(args.out_directory, "model.json"), "w", encoding="utf-8") as file:
    json.dump(model, file)
