#!/usr/bin/env python3
"""A random forest of scikit-learn as a learning block. Needs scikit-learn, and docs/scikit_to_json.py beside it or on PYTHONPATH."""
import argparse
import json
import os
import sys

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

sys.path += [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs")]
import scikit_to_json

parser = argparse.ArgumentParser()
parser.add_argument("--data-directory", required=True)
parser.add_argument("--out-directory", required=True)
parser.add_argument("--info-file", required=True)
parser.add_argument("--trees", type=int, default=50)
parser.add_argument("--depth", type=int, default=10)
args, _ = parser.parse_known_args()

with open(args.info_file, encoding="utf-8") as file:
    info = json.load(file)
load = lambda name: np.load(os.path.join(args.data_directory, name))
settings = {"n_estimators": args.trees, "max_depth": args.depth, "random_state": info["seed"] % 2**32}
x, y = load("X_split_train.npy"), load("Y_split_train.npy")
if info["mode"] == "classification":
    model, y = RandomForestClassifier(**settings), y.argmax(axis=1)
    held = load("Y_split_test.npy").argmax(axis=1)
else:
    model, held = RandomForestRegressor(**settings), load("Y_split_test.npy")
model.fit(x, y)
if len(held):
    print("validation:", model.score(load("X_split_test.npy"), held), flush=True)
scikit_to_json.write(model, os.path.join(args.out_directory, "model.json"))
