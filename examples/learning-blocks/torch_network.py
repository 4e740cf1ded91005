#!/usr/bin/env python3
"""A small dense network of PyTorch as a learning block, written as ONNX. Needs torch, onnx and onnxscript."""
import argparse
import json
import os

import numpy as np
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--data-directory", required=True)
parser.add_argument("--out-directory", required=True)
parser.add_argument("--info-file", required=True)
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--learning-rate", type=float, default=0.005)
args, _ = parser.parse_known_args()

with open(args.info_file, encoding="utf-8") as file:
    info = json.load(file)
torch.manual_seed(info["seed"] % 2**32)
load = lambda name: torch.from_numpy(np.load(os.path.join(args.data_directory, name)))
x, y, held_x, held_y = (load(name) for name in ("X_split_train.npy", "Y_split_train.npy", "X_split_test.npy", "Y_split_test.npy"))


class Scaled(torch.nn.Module):
    """Standardised features, then dense layers."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", x.mean(0))
        self.register_buffer("scale", 1 / x.std(0).clamp(min=1e-6))
        wide = 40
        self.body = torch.nn.Sequential(
            torch.nn.Linear(x.shape[1], wide), torch.nn.ReLU(), torch.nn.Linear(wide, 20), torch.nn.ReLU(),
            torch.nn.Linear(20, y.shape[1]))

    def forward(self, x):
        return torch.softmax(self.body((x - self.mean) * self.scale), 1)


model = Scaled()
optimizer = torch.optim.Adam(model.parameters(), args.learning_rate)
for epoch in range(args.epochs):
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss = -(y[rows] * torch.log(model(x[rows]) + 1e-9)).sum(1).mean()
        loss.backward()
        optimizer.step()
    if (epoch + 1) % 10 == 0 and len(held_x):
        with torch.no_grad():
            right = (model(held_x).argmax(1) == held_y.argmax(1)).float().mean()
        print(f"epoch {epoch + 1}: validation {right:.3f}", flush=True)
model.eval()
torch.onnx.export(model, (x[:1],), os.path.join(args.out_directory, "model.onnx"), opset_version=17, dynamo=False)
