"""Makes the models of this folder and what their libraries say of `inputs.json`: python golden.py

Synthetic data from a seed. LightGBM, XGBoost and scikit-learn are needed; versions.json names those that were used."""
import json, os, sys, warnings
import numpy as np, lightgbm as lgb, xgboost as xgb, sklearn
from sklearn.ensemble import ExtraTreesRegressor, GradientBoostingClassifier, GradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../docs"))
import scikit_to_json

warnings.filterwarnings("ignore")
rng = np.random.default_rng(7)
X = rng.normal(size=(400, 5)).astype(np.float32)
three = (X[:, 0] > 0.2).astype(int) + (X[:, 1] * X[:, 2] > 0).astype(int)
two = (three > 0).astype(int)
number = (X[:, 0] * 2 + np.sin(X[:, 1] * 2) + 0.1 * rng.normal(size=400)).astype(np.float32)
T = rng.normal(size=(20, 5)).astype(np.float32)
out = {}

small = {"n_estimators": 4, "num_leaves": 5, "verbose": -1, "n_jobs": 1}
for name, y in [("two", two), ("three", three), ("number", number)]:
    kind = lgb.LGBMRegressor if name == "number" else lgb.LGBMClassifier
    m = kind(**small).fit(X, y)
    m.booster_.save_model(os.path.join(here, f"lightgbm_{name}.txt"))
    out[f"lightgbm_{name}.txt"] = m.predict(T) if name == "number" else m.predict_proba(T)
    kind = xgb.XGBRegressor if name == "number" else xgb.XGBClassifier
    m = kind(n_estimators=3, max_depth=3, n_jobs=1).fit(X, y)
    m.save_model(os.path.join(here, f"xgboost_{name}.json"))
    out[f"xgboost_{name}.json"] = m.predict(T) if name == "number" else m.predict_proba(T)
for name, params in [
    ("count", {"objective": "poisson"}),
    ("sigmoid", {"objective": "binary", "sigmoid": 0.7}),
    ("forest", {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}),
    ("ova", {"objective": "multiclassova", "num_class": 3}),
]:
    y = np.abs(number) if name == "count" else three if name == "ova" else two
    m = lgb.train({**params, "num_leaves": 4, "verbose": -1, "num_threads": 1}, lgb.Dataset(X, y), 3)
    m.save_model(os.path.join(here, f"lightgbm_{name}.txt"))
    p = m.predict(T)
    out[f"lightgbm_{name}.txt"] = np.stack([1 - p, p], axis=1) if name in ("sigmoid", "forest") else p
for name, y, params in [
    ("dart", two, {"booster": "dart", "rate_drop": 0.5, "objective": "binary:logistic", "max_depth": 2}),
    ("count", np.abs(number), {"objective": "count:poisson", "max_depth": 2}),
]:
    m = xgb.train({**params, "nthread": 1, "seed": 3}, xgb.DMatrix(X, y), 4)
    m.save_model(os.path.join(here, f"xgboost_{name}.json"))
    p = m.predict(xgb.DMatrix(T))
    out[f"xgboost_{name}.json"] = np.stack([1 - p, p], axis=1) if name == "dart" else p
for name, m, y in [
    ("tree", DecisionTreeClassifier(max_depth=4, random_state=0), three),
    ("forest", RandomForestClassifier(5, max_depth=4, random_state=0), three),
    ("extra", ExtraTreesRegressor(4, max_depth=4, random_state=0), number),
    ("boosting_two", GradientBoostingClassifier(n_estimators=4, max_depth=2, random_state=0), two),
    ("boosting_three", GradientBoostingClassifier(n_estimators=3, max_depth=2, random_state=0), three),
    ("boosting_number", GradientBoostingRegressor(n_estimators=4, max_depth=2, random_state=0), number),
    ("logistic_two", make_pipeline(StandardScaler(), LogisticRegression()), two),
    ("logistic_three", make_pipeline(StandardScaler(), LogisticRegression()), three),
    ("ridge", Ridge(), number),
]:
    m.fit(X, y)
    scikit_to_json.write(m, os.path.join(here, f"scikit_{name}.json"))
    out[f"scikit_{name}.json"] = m.predict_proba(T) if hasattr(m, "predict_proba") else m.predict(T)
# Other forms of the same libraries: a linear booster, the binary form, dumps (the sums of their leaves), LightGBM's JSON.
def leaves(m):
    """The sum of the leaves that the library goes to."""
    frame = m.trees_to_dataframe()
    leaves = {(r.Tree, r.Node): r.Gain for r in frame.itertuples() if r.Feature == "Leaf"}
    at = m.predict(xgb.DMatrix(T), pred_leaf=True).reshape(len(T), -1).astype(int)
    return np.array([sum(leaves[(t, n)] for t, n in enumerate(row)) for row in at])


for name, y, objective in [("linear", two, "binary:logistic"), ("linear_three", three, "multi:softprob")]:
    more = {"num_class": 3} if name == "linear_three" else {}
    m = xgb.train({"booster": "gblinear", "objective": objective, "nthread": 1, "seed": 3, **more}, xgb.DMatrix(X, y), 5)
    m.save_model(os.path.join(here, f"xgboost_{name}.json"))
    p = m.predict(xgb.DMatrix(T))
    out[f"xgboost_{name}.json"] = np.stack([1 - p, p], axis=1) if name == "linear" else p
holes = X.copy()
holes[rng.random(X.shape) < 0.1] = np.nan
m = xgb.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "seed": 3}, xgb.DMatrix(holes, two), 4)
m.save_model(os.path.join(here, "xgboost_two.ubj"))
p = m.predict(xgb.DMatrix(T))
out["xgboost_two.ubj"] = np.stack([1 - p, p], axis=1)
m.dump_model(os.path.join(here, "xgboostdump_two.txt"), with_stats=True)
m.dump_model(os.path.join(here, "xgboostdump_two.json"), dump_format="json")
out["xgboostdump_two.txt"] = out["xgboostdump_two.json"] = leaves(m)
for name, y, params in [("two", two, {"objective": "binary"}), ("three", three, {"objective": "multiclass", "num_class": 3})]:
    m = lgb.train({**params, "num_leaves": 5, "verbose": -1, "num_threads": 1}, lgb.Dataset(holes, y), 3)
    with open(os.path.join(here, f"lightgbmjson_{name}.json"), "w", encoding="utf-8") as file:
        json.dump(m.dump_model(), file)
    p = m.predict(T)
    out[f"lightgbmjson_{name}.json"] = np.stack([1 - p, p], axis=1) if name == "two" else p
with open(os.path.join(here, "expected.json"), "w", encoding="utf-8") as file:
    answers = {k: np.asarray(v, dtype=float).reshape(len(T), -1).round(7).tolist() for k, v in out.items()}
    versions = {"lightgbm": lgb.__version__, "xgboost": xgb.__version__, "scikit-learn": sklearn.__version__}
    json.dump({"made_by": "golden/trees/golden.py", "versions": versions, "inputs": T.astype(float).tolist(), "outputs": answers}, file)
    file.write("\n")
