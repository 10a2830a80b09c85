"""Writes the reference derivatives and start scores that the tests of boosting objectives compare with.

Run with a Python that has LightGBM and XGBoost:
    python benches/parity/objectives/make_cases.py crates/learn-tree/src/boost/objective/golden/cases.txt

Neither library shows its derivatives, so they are read off a tree that gives every row a leaf of its own: without
regularisation such a leaf answers -g/h, and its weight is h. Scores are handed in as the scores before the first tree.
Objectives whose leaves are renewed (absolute, quantile, percentage) answer with residuals instead; of them the weight of
each leaf and the start score are compared. What cannot be read off (a leaf of two rows) is nan.

A case is a header line (name, library, parameters), one line a row (target, weight, group, scores, derivatives, hessians)
and one line with the start scores. Rows are drawn with a fixed seed: they exercise formulas, they are no data set.
"""

import json
import sys
import warnings

import lightgbm
import numpy as np
import xgboost

ROWS = 24


def lightgbm_case(params, y, w, scores, groups):
    common = dict(params, verbose=-1, learning_rate=1.0, num_threads=1, deterministic=True, force_row_wise=True)
    common |= dict(min_data_in_bin=1, min_data_in_leaf=1, min_sum_hessian_in_leaf=0.0, feature_pre_filter=False)
    grad, hess = np.full_like(scores, np.nan), np.full_like(scores, np.nan)
    for row in range(ROWS):
        if groups is None:
            # LightGBM estimates counts from hessians: copies keep a row of small hessian from counting as none.
            rows = np.concatenate([np.repeat(row, 32), np.delete(np.arange(ROWS), row)])
            x = np.repeat([1.0, 0.0], [32, ROWS - 1])
        else:
            rows, x = np.arange(ROWS), (np.arange(ROWS) == row).astype(float)
        start = scores[rows].T.ravel() if scores.shape[1] > 1 else scores[rows, 0]
        data = lightgbm.Dataset(x.reshape(-1, 1), y[rows], weight=w[rows], group=groups, init_score=start, params=common)
        try:
            model = lightgbm.train(dict(common, num_leaves=2, boost_from_average=False), data, 1)
        except lightgbm.basic.LightGBMError:
            continue
        for output, tree in enumerate(model.dump_model()["tree_info"]):
            root = tree["tree_structure"]
            if "right_child" in root:
                leaf, copies = root["right_child"], 32 if groups is None else 1
                hess[row, output] = leaf["leaf_weight"] / copies
                grad[row, output] = -leaf["leaf_value"] * hess[row, output]
    x = np.zeros((ROWS, 1))
    data = lightgbm.Dataset(x, y, weight=w, group=groups, params=common)
    flat = lightgbm.train(dict(common, min_data_in_leaf=ROWS + 1), data, 1)
    return grad, hess, np.atleast_1d(flat.predict(x[:1], raw_score=True)[0])


def xgboost_case(params, y, w, scores, groups):
    x = np.random.default_rng(5).permutation(ROWS).astype(float).reshape(-1, 1)
    common = dict(params, eta=1.0, nthread=1, tree_method="exact", max_depth=ROWS, min_child_weight=0.0)
    common |= {"lambda": 0.0, "gamma": 0.0}
    data = xgboost.DMatrix(x, y)
    if groups is None:
        data.set_weight(w)
    else:
        data.set_group(groups)
        data.set_weight(w[np.cumsum([0] + list(groups[:-1]))])
    outputs = scores.shape[1]
    config = json.loads(xgboost.train(dict(common, max_depth=1), data, 1).save_config())
    base = np.array(json.loads(config["learner"]["learner_model_param"]["base_score"]), dtype=float)
    data.set_base_margin(scores if outputs > 1 else scores[:, 0])
    full = xgboost.train(common, data, 1)
    leaf = full.predict(data, pred_leaf=True).reshape(ROWS, -1).astype(int)
    table = full.trees_to_dataframe()
    grad, hess = np.full_like(scores, np.nan), np.full_like(scores, np.nan)
    for output in range(outputs):
        own = table[table.Tree == output].set_index("Node")
        for row in range(ROWS):
            one = own.loc[leaf[row, output]]
            # XGBoost cuts the leaves of Poisson trees at the largest step.
            is_cut = abs(one.Gain) > 0.6999 and params["objective"] == "count:poisson"
            if (leaf[:, output] == leaf[row, output]).sum() == 1 and not is_cut:
                hess[row, output] = one.Cover
                grad[row, output] = -one.Gain * one.Cover
    return grad, hess, base


def cases(rng):
    numbers = rng.normal(size=ROWS) * 2
    counts = rng.poisson(2.0, size=ROWS).astype(float)
    amounts = rng.gamma(2.0, size=ROWS)
    shares = rng.random(ROWS)
    binary = (rng.random(ROWS) < 0.4).astype(float)
    classes = rng.integers(0, 4, ROWS).astype(float)
    labels = rng.integers(0, 5, ROWS).astype(float)
    groups = [7, 1, 6, 10]
    light = {
        "squared": ({"objective": "regression"}, numbers),
        "absolute": ({"objective": "regression_l1"}, numbers),
        "huber": ({"objective": "huber", "alpha": 2.5}, numbers),
        "fair": ({"objective": "fair", "fair_c": 1.3}, numbers),
        "poisson": ({"objective": "poisson"}, counts),
        "gamma": ({"objective": "gamma"}, amounts),
        "tweedie": ({"objective": "tweedie", "tweedie_variance_power": 1.3}, counts),
        "quantile": ({"objective": "quantile", "alpha": 0.3}, numbers),
        "percentage": ({"objective": "mape"}, numbers),
        "cross_entropy": ({"objective": "cross_entropy"}, shares),
        "binary": ({"objective": "binary"}, binary),
        "binary_positive": ({"objective": "binary", "scale_pos_weight": 2.5}, binary),
        "softmax": ({"objective": "multiclass", "num_class": 4}, classes),
        "one_vs_all": ({"objective": "multiclassova", "num_class": 4}, classes),
        "lambdarank": ({"objective": "lambdarank"}, labels),
        "lambdarank_3": ({"objective": "lambdarank", "lambdarank_truncation_level": 3, "lambdarank_norm": False}, labels),
    }
    extreme = {
        "squared": ({"objective": "reg:squarederror"}, numbers),
        "absolute": ({"objective": "reg:absoluteerror"}, numbers),
        "pseudo_huber": ({"objective": "reg:pseudohubererror", "huber_slope": 1.5}, numbers),
        "poisson": ({"objective": "count:poisson", "max_delta_step": 0.7}, counts),
        "gamma": ({"objective": "reg:gamma"}, amounts),
        "tweedie": ({"objective": "reg:tweedie", "tweedie_variance_power": 1.3}, counts),
        "cross_entropy": ({"objective": "reg:logistic"}, shares),
        "binary": ({"objective": "binary:logistic"}, binary),
        "binary_positive": ({"objective": "binary:logistic", "scale_pos_weight": 2.5}, binary),
        "softmax_doubled": ({"objective": "multi:softprob", "num_class": 4}, classes),
        "pairwise": ({"objective": "rank:pairwise", "lambdarank_normalization": False, "lambdarank_score_normalization": False,
                      "lambdarank_pair_method": "topk", "lambdarank_num_pair_per_sample": 32}, labels),
    }
    for library, table, run in (("lightgbm", light, lightgbm_case), ("xgboost", extreme, xgboost_case)):
        for name, (params, y) in table.items():
            outputs = params.get("num_class", 1)
            scores = rng.normal(size=(ROWS, outputs)).astype(np.float32).astype(float)
            is_ranking = y is labels
            w = np.ones(ROWS) if is_ranking and library == "lightgbm" else rng.integers(1, 5, ROWS) / 2
            if is_ranking:
                w = np.repeat(w[: len(groups)], groups)
            y = y.astype(np.float32).astype(float)
            grad, hess, base = run(params, y, w, scores, groups if is_ranking else None)
            if name in ("absolute", "quantile", "percentage"):
                grad[:] = np.nan
            group = np.repeat(np.arange(len(groups)), groups) if is_ranking else np.zeros(ROWS, int)
            yield name, library, params, (y, w, group, scores, grad, hess, base)


def main(path):
    warnings.filterwarnings("ignore")
    lines = [f"# lightgbm {lightgbm.__version__}, xgboost {xgboost.__version__}; made by benches/parity/objectives/make_cases.py"]
    number = lambda values: " ".join(f"{value:.9g}" for value in np.atleast_1d(values))
    for name, library, params, (y, w, group, scores, grad, hess, base) in cases(np.random.default_rng(11)):
        lines.append(f"case {name} {library} {json.dumps(params)}")
        for row in range(ROWS):
            parts = [f"{y[row]:.9g}", f"{w[row]:g}", str(group[row]), number(scores[row]), number(grad[row]), number(hess[row])]
            lines.append("row " + " ".join(parts))
        lines.append("base " + number(base))
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n")


main(sys.argv[1])
