"""Makes the small models and expected scores that the Rust tests of the readers are checked against.

    python golden.py

Writes into crates/learn-tree/src/boost/interop/golden: a model that a library trained on a table of examples/data, and
beside it the rows that were scored, the scores before the link, and the answers.
"""

import json
import pathlib
import sys
import tempfile
import warnings

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

import cases  # noqa: E402

FOLDER = harness.ROOT / "crates" / "learn-tree" / "src" / "boost" / "interop" / "golden"
ROWS = 16
# File name, case, and its table.
GOLDEN = [
    ("xgboost-binary", "XGBoost binary, depth-wise", "breast_cancer"),
    ("xgboost-codes", "XGBoost golden codes", "penguins"),
    ("xgboost-classes-ubj", "XGBoost classes, softmax, UBJ", "penguins"),
    ("xgboost-partitions", "XGBoost golden partitions", "penguins"),
    ("xgboost-vectors", "XGBoost classes, vector leaves", "penguins"),
    ("xgboost-dart", "XGBoost binary, DART", "breast_cancer"),
    ("xgboost-poisson", "XGBoost Poisson", "diabetes"),
    ("lightgbm-binary", "LightGBM binary, sigmoid 1.7", "breast_cancer"),
    ("lightgbm-zero", "LightGBM binary, zero as missing", "breast_cancer"),
    ("lightgbm-classes", "LightGBM golden sets", "penguins"),
    ("lightgbm-codes", "LightGBM golden codes", "penguins"),
    ("lightgbm-linear", "LightGBM squared error, linear leaves", "diabetes"),
    ("lightgbm-forest", "LightGBM binary, forest", "breast_cancer"),
    ("catboost-oblivious", "CatBoost binary, oblivious, numbers", "breast_cancer"),
    ("catboost-loss-guided", "CatBoost quantile, loss-guided", "diabetes"),
    ("catboost-combinations", "CatBoost classes, statistics", "penguins"),
    ("catboost-statistics", "CatBoost golden statistics", "penguins"),
    ("catboost-one-hot", "CatBoost golden one-hot", "penguins"),
]
MORE = [
    cases.xgb("golden codes", "classes", objective="multi:softprob", coded=True, max_cat_to_onehot=1),
    cases.xgb("golden partitions", "classes", objective="multi:softprob", max_cat_to_onehot=1),
    cases.lgb("golden sets", "classes", objective="multiclass", **cases.SETS),
    cases.lgb("golden codes", "classes", objective="multiclass", coded=True, **cases.SETS),
    cases.cat("quantile, loss-guided", "number", loss_function="Quantile:alpha=0.3", numbers_only=True, grow_policy="Lossguide"),
    cases.cat("golden statistics", "classes", loss_function="MultiClass", max_ctr_complexity=1, one_hot_max_size=1),
    cases.cat("golden one-hot", "classes", loss_function="MultiClass", one_hot_max_size=10),
]
SMALL = {"xgboost": {"max_depth": 3}, "lightgbm": {"num_leaves": 5}, "catboost": {"depth": 3}}


def make(name, case, table, folder):
    case.options = case.options | SMALL[case.library]
    if case.options.get("grow_policy") == "Lossguide":
        case.options |= {"max_leaves": 6}
    model = case.fit(table)
    path = model.save(folder)
    data = path.read_bytes()
    if case.library == "catboost":
        data = trimmed(data)
    if path.suffix == ".ubj":
        FOLDER.joinpath(f"{name}.hex.txt").write_text(data.hex() + "\n")
    else:
        FOLDER.joinpath(f"{name}.model.txt").write_bytes(data)
    table.write(folder / "rows.csv", model.categories, model.probe)
    rows = [line.split(",") for line in (folder / "rows.csv").read_text().splitlines()[1:]]
    answers = model.answers()
    expected = {
        "rows": rows,
        "scores": np.asarray(model.scores(), float).reshape(len(rows), -1).tolist(),
        "answers": None if answers is None else np.asarray(answers, float).reshape(len(rows), -1).tolist(),
    }
    FOLDER.joinpath(f"{name}.expected.json").write_text(json.dumps(expected) + "\n")
    print(name, len(data))


def trimmed(data):
    """CatBoost's file without what it says of the training, of which readers need the loss alone."""
    model = json.loads(data)
    info = model["model_info"]
    params = {"loss_function": info["params"]["loss_function"]}
    model["model_info"] = {"params": params} | {k: v for k, v in info.items() if k in ("class_params", "catboost_version_info")}
    return (json.dumps(model, separators=(",", ":")) + "\n").encode()


def main():
    warnings.filterwarnings("ignore")
    cases.ROUNDS = 3
    known = {case.name: case for case in cases.CASES + MORE}
    with tempfile.TemporaryDirectory() as folder:
        for name, case, table in GOLDEN:
            found = next(iter(cases.tables(None, table)))
            found.probe = found.probe.iloc[:ROWS].reset_index(drop=True)
            make(name, known[case], found, pathlib.Path(folder))


if __name__ == "__main__":
    main()
