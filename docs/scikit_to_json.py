"""Writes scikit-learn's trees and linear models as the JSON that `edgewright model` reads.

    import joblib, scikit_to_json
    scikit_to_json.write(joblib.load("model.joblib"), "model.json")
    # edgewright model run model.json --input X.npy --out Y.npy

Read: decision trees, random forests, extra trees, gradient boosting (classifiers and regressors), logistic regression, and linear
regressors with `coef_` and `intercept_`; alone or behind a StandardScaler in a pipeline. One target. Classifiers give `predict_proba`,
regressors `predict`. Only load models that you trust: joblib and pickle run code.
"""

import json

import numpy as np


def _tree(tree, output, values):
    return {
        "output": output,
        "left": tree.children_left.tolist(),
        "right": tree.children_right.tolist(),
        "feature": tree.feature.tolist(),
        "threshold": tree.threshold.tolist(),
        "values": np.asarray(values, dtype=float).tolist(),
    }


def _shares(tree):
    values = tree.value[:, 0, :]
    return values / values.sum(axis=1, keepdims=True)


def _body(model):
    kind = type(model).__name__
    classes = len(getattr(model, "classes_", []))
    if getattr(model, "n_outputs_", 1) != 1:
        raise ValueError("one target is supported")
    if kind.startswith("GradientBoosting"):
        raw = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))[0]
        trees = [
            _tree(stage.tree_, k, stage.tree_.value[:, 0, :] * model.learning_rate)
            for stages in model.estimators_
            for k, stage in enumerate(stages)
        ]
        link = "none" if not classes else "binary" if classes == 2 else "softmax"
        return {"link": link, "base": raw.tolist(), "trees": trees}
    if hasattr(model, "tree_") or hasattr(model, "estimators_"):
        parts = [model] if hasattr(model, "tree_") else model.estimators_
        values = [_shares(p.tree_) if classes else p.tree_.value[:, 0, :] for p in parts]
        trees = [_tree(p.tree_, 0, v / len(parts)) for p, v in zip(parts, values)]
        return {"link": "none", "base": [0.0] * max(classes, 1), "trees": trees}
    if hasattr(model, "coef_"):
        if classes and not hasattr(model, "predict_proba"):
            raise ValueError(f"{kind} gives no probabilities")
        link = "none" if not classes else "binary" if classes == 2 else "softmax"
        return {
            "link": link,
            "weights": np.atleast_2d(model.coef_).tolist(),
            "bias": np.atleast_1d(model.intercept_).tolist(),
        }
    raise ValueError(f"{kind} is not supported")


def to_dict(model):
    """The model as an object for JSON."""
    steps = [step for _, step in getattr(model, "steps", [("", model)])]
    out = {"edgewright_sklearn": 1, "model": type(steps[-1]).__name__, "features": int(model.n_features_in_)}
    if len(steps) == 2 and type(steps[0]).__name__ == "StandardScaler":
        zeros, ones = np.zeros(model.n_features_in_), np.ones(model.n_features_in_)
        out["mean"] = (steps[0].mean_ if steps[0].with_mean else zeros).tolist()
        out["scale"] = (steps[0].scale_ if steps[0].with_std else ones).tolist()
    elif len(steps) != 1:
        raise ValueError("a pipeline may have a StandardScaler before the model, nothing else")
    out.update(_body(steps[-1]))
    return out


def write(model, path):
    """Writes the model to a file."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(to_dict(model), file)
        file.write("\n")
