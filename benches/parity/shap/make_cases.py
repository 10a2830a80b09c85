"""Writes the cases that explanations are tested against: trees of real LightGBM and XGBoost models and the values that the
shap package gives for them.

    python benches/parity/shap/make_cases.py > crates/learn-tree/src/boost/shap/golden/cases.txt

Made with shap 0.51.0, LightGBM 4.7.0 and XGBoost 3.2.0. Path-dependent values come from shap's TreeExplainer; for LightGBM it
hands over to the library's own code, for XGBoost its own code in double precision is asked for (the library answers in
single precision). Where shap cannot take level sets, a case has no values against a background and no interactions.

One word opens each line. `case NAME`, `cover rows|weights`, `shape COLUMNS OUTPUTS`, `base B ..`; `tree OUTPUT`, then its nodes
level by level: `s COLUMN THRESHOLD MISSING COVER GAIN` (up to the threshold goes left), `c COLUMN MISSING COVER GAIN LEVEL ..`
(these levels go left), `l VALUE COVER`; then `row V ..`, `other V ..` (background); `expected V ..`, and for each row
`values V ..` (output after output), `against_expected V ..`, `against V ..`, `pairs V ..` (for the first rows), and
`gains V ..`, `splits V ..` (importances of the columns).
"""

import json
import sys
import warnings
from pathlib import Path

import lightgbm
import numpy
import pandas
import shap
import xgboost

DATA = Path(__file__).parents[3] / "examples" / "data"
ROWS, OTHERS, PAIR_ROWS = 10, 15, 3
warnings.filterwarnings("ignore")


def table(name, target, columns):
    """The columns as numbers (codes for categories) with holes, the codes of the target, and which columns are categories."""
    frame = pandas.read_csv(DATA / f"{name}.train.csv")
    categories = [at for at, column in enumerate(columns) if not pandas.api.types.is_numeric_dtype(frame[column])]
    x = numpy.empty((len(frame), len(columns)))
    for at, column in enumerate(columns):
        values = frame[column]
        if at in categories:
            codes = values.astype("category").cat.codes.astype(float)
            values = codes.where(codes >= 0)
        # Single precision, so that both libraries see the same numbers.
        x[:, at] = values.astype("float32").astype(float)
    for at in range(0, len(columns), 2):
        x[(numpy.arange(len(x)) * 7 + at) % 11 == 0, at] = numpy.nan
    y = frame[target]
    is_number = pandas.api.types.is_numeric_dtype(y)
    return x, (y if is_number else y.astype("category").cat.codes).to_numpy(), categories


def number(value):
    return repr(float(value))


def line(word, *values):
    print(word, *[value if isinstance(value, str) else number(value) for value in values])


def short(word, values):
    print(word, *["%.10g" % value for value in numpy.asarray(values).ravel()])


def level_order(root, children):
    """Nodes level by level."""
    nodes = [root]
    for node in nodes:
        nodes.extend(children(node))
    return nodes


def print_lightgbm(booster, outputs):
    for at, info in enumerate(booster.dump_model()["tree_info"]):
        print("tree", at % outputs)
        children = lambda node: [node["left_child"], node["right_child"]] if "split_index" in node else []
        for node in level_order(info["tree_structure"], children):
            if "split_index" not in node:
                line("l", node["leaf_value"], str(node.get("leaf_count", 1)))
                continue
            column, cover, gain = str(node["split_feature"]), str(node["internal_count"]), node["split_gain"]
            if node["decision_type"] == "==":
                line("c", column, "right", cover, gain, *node["threshold"].split("||"))
                continue
            # Without missing values in training LightGBM reads one as zero.
            left = node["default_left"] if node["missing_type"] == "NaN" else 0.0 <= node["threshold"]
            line("s", column, node["threshold"], "left" if left else "right", cover, gain)


def print_xgboost(booster):
    model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
    for tree in model["trees"]:
        print("tree", 0)
        left, right = tree["left_children"], tree["right_children"]
        children = lambda node: [left[node], right[node]] if left[node] >= 0 else []
        for node in level_order(0, children):
            cover = numpy.float32(tree["sum_hessian"][node])
            value = numpy.float32(tree["split_conditions"][node])
            if left[node] < 0:
                line("l", value, cover)
                continue
            # XGBoost sends numbers below the threshold left.
            cut = numpy.nextafter(value, numpy.float32(-numpy.inf), dtype=numpy.float32)
            side = "left" if tree["default_left"][node] else "right"
            line("s", str(tree["split_indices"][node]), cut, side, cover, tree["loss_changes"][node])


def by_output(values, outputs):
    """Rows of values, output after output."""
    values = numpy.asarray(values)
    return values[..., None].transpose(0, 2, 1) if outputs == 1 else numpy.moveaxis(values, -1, 1)


def print_values(explainer, rows, outputs, words, **options):
    values = by_output(explainer.shap_values(rows, **options), outputs)
    short(words[0], explainer.expected_value)
    for row in values:
        short(words[1], row)


def print_rows(x):
    rows, others = x[3 : 3 + ROWS], x[60 : 60 + OTHERS]
    for word, lines in (("row", rows), ("other", others)):
        for values in lines:
            line(word, *values)
    return rows, others


def head(name, cover, columns, base):
    print("case", name)
    print("cover", cover)
    print("shape", columns, len(base))
    line("base", *base)


def lightgbm_case(name, data, outputs, **params):
    x, y, categories = data
    params = dict(params, num_leaves=9, min_data_in_leaf=5, learning_rate=0.3, seed=1, verbose=-1, num_threads=1)
    train = lightgbm.Dataset(x, y, categorical_feature=categories)
    booster = lightgbm.train(params, train, num_boost_round=6)
    head(name, "rows", x.shape[1], [0.0] * outputs)
    print_lightgbm(booster, outputs)
    rows, others = print_rows(x)
    explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    print_values(explainer, rows, outputs, ("expected", "values"))
    if not categories:
        against = shap.TreeExplainer(booster, others, feature_perturbation="interventional")
        print_values(against, rows, outputs, ("against_expected", "against"))
        for row in numpy.asarray(explainer.shap_interaction_values(rows[:PAIR_ROWS])):
            short("pairs", row)
    short("gains", booster.feature_importance("gain"))
    short("splits", booster.feature_importance("split"))


def xgboost_case(name, data):
    x, y, _ = data
    params = dict(objective="binary:logistic", max_depth=4, eta=0.4, seed=1, nthread=1, base_score=0.6)
    booster = xgboost.train(params, xgboost.DMatrix(x, y), num_boost_round=8)
    explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    head(name, "weights", x.shape[1], [numpy.log(0.6 / 0.4)])
    print_xgboost(booster)
    rows, others = print_rows(x)
    single = explainer.shap_values(rows)
    short("expected", explainer.expected_value)  # the double-precision code leaves the trees' share out of it
    explainer.model.model_type = "internal"
    values = explainer.shap_values(rows, check_additivity=False)
    assert abs(values - single).max() < 1e-5
    for row in values:
        short("values", row)
    against = shap.TreeExplainer(booster, others, feature_perturbation="interventional")
    print_values(against, rows, 1, ("against_expected", "against"))
    for row in numpy.asarray(explainer.shap_interaction_values(rows[:PAIR_ROWS])):
        short("pairs", row)
    names = [f"f{at}" for at in range(x.shape[1])]
    for word, kind in (("gains", "total_gain"), ("splits", "weight")):
        scores = booster.get_score(importance_type=kind)
        short(word, [scores.get(name, 0.0) for name in names])


def main():
    diabetes = table("diabetes", "progression", ["age", "sex", "bmi", "bp", "s1", "s2", "s5"])
    lightgbm_case("lightgbm_regression", diabetes, 1, objective="regression")
    columns = ["mean radius", "mean texture", "mean area", "mean smoothness", "mean concavity", "mean symmetry"]
    cancer = table("breast_cancer", "diagnosis", columns)
    lightgbm_case("lightgbm_binary", cancer, 1, objective="binary")
    columns = ["island", "bill_length_mm", "bill_depth_mm", "sex", "body_mass_g", "year"]
    penguins = table("penguins", "species", columns)
    options = dict(cat_smooth=1, cat_l2=1, min_data_per_group=1, max_cat_to_onehot=1)
    lightgbm_case("lightgbm_classes_with_categories", penguins, 3, objective="multiclass", num_class=3, **options)
    xgboost_case("xgboost_binary", cancer)
    print(f"made: shap {shap.__version__}", file=sys.stderr)


main()
