"""Writes the reference values that the metric tests of crates/learner compare with.

Run with a Python that has scikit-learn and NumPy:
    python benches/parity/metrics/make_cases.py crates/learner/src/metric/golden/cases.txt

The file holds cases; each is a header line, one line a row (target, weight, prediction numbers) and one line an
expected value. Numbers are printed so that they read back to the same bits. The rows are drawn with a fixed seed: they
exercise definitions (ties, weights of zero, absent classes, zeros in the target), they are no data set.
The calibration error has no counterpart in scikit-learn; it is computed here from its definition with NumPy.
"""

import sys

import numpy as np
import sklearn
from sklearn import metrics as m


def ece(y, proba, w):
    called = proba.argmax(axis=1)
    confidence = proba.max(axis=1)
    edges = np.arange(1, 15) / 15
    bins = np.searchsorted(edges, confidence, side="left")
    total = 0.0
    for b in range(15):
        inside = bins == b
        if w[inside].sum() > 0:
            share = w[inside].sum() / w.sum()
            accuracy = np.average(called[inside] == y[inside], weights=w[inside])
            total += share * abs(accuracy - np.average(confidence[inside], weights=w[inside]))
    return total


def classification(y, proba, w):
    classes = proba.shape[1]
    called = proba.argmax(axis=1)
    labels = list(range(classes))
    onehot = np.eye(classes)[y]
    binary = classes == 2
    score = proba[:, 1] if binary else proba
    values = {
        "log_loss": m.log_loss(y, proba, sample_weight=w, labels=labels),
        "accuracy": m.accuracy_score(y, called, sample_weight=w),
        "balanced_accuracy": m.balanced_accuracy_score(y, called, sample_weight=w),
        "f1_macro": m.f1_score(y, called, average="macro", sample_weight=w, zero_division=0),
        "f1_weighted": m.f1_score(y, called, average="weighted", sample_weight=w, zero_division=0),
        "mcc": m.matthews_corrcoef(y, called, sample_weight=w),
        "kappa": m.cohen_kappa_score(y, called, sample_weight=w),
        "brier": m.brier_score_loss(y, score, sample_weight=w, labels=labels),
        "ece": ece(y, proba, np.ones(len(y)) if w is None else w),
    }
    if len(np.unique(y)) == classes:
        values["auc"] = m.roc_auc_score(y, score, multi_class="ovr", labels=labels, sample_weight=w)
        truth = y if binary else onehot
        values["average_precision"] = m.average_precision_score(truth, score, sample_weight=w)
    if binary:
        values["f1"] = m.f1_score(y, called, sample_weight=w, zero_division=0)
        for threshold in (0.2, 0.75):
            values[f"f1@{threshold}"] = m.f1_score(y, score > threshold, sample_weight=w, zero_division=0)
            values[f"mcc@{threshold}"] = m.matthews_corrcoef(y, score > threshold, sample_weight=w)
    return values


def regression(y, p, w):
    values = {
        "rmse": m.root_mean_squared_error(y, p, sample_weight=w),
        "mae": m.mean_absolute_error(y, p, sample_weight=w),
        "medae": m.median_absolute_error(y, p, sample_weight=w),
        "r2": m.r2_score(y, p, sample_weight=w),
        "mape": m.mean_absolute_percentage_error(y, p, sample_weight=w),
        "pinball": m.mean_pinball_loss(y, p, sample_weight=w),
        "pinball@0.9": m.mean_pinball_loss(y, p, sample_weight=w, alpha=0.9),
    }
    if (y > -1).all() and (p > -1).all():
        values["rmsle"] = m.root_mean_squared_log_error(y, p, sample_weight=w)
    if (y >= 0).all() and (p > 0).all():
        values["poisson_deviance"] = m.mean_poisson_deviance(y, p, sample_weight=w)
    return values


def cases(rng):
    def weights(n):
        w = np.round(rng.gamma(1.0, 1.0, n), 3)
        w[rng.random(n) < 0.1] = 0.0
        return w

    def binary(n, digits, share):
        y = (rng.random(n) < share).astype(int)
        p = np.round(1 / (1 + np.exp(-rng.normal(1.5 * y - 1, 1.2))), digits)
        return y, np.column_stack([1 - p, p]), weights(n)

    def multiclass(n, classes, used, digits):
        y = rng.integers(0, used, n)
        raw = np.exp(rng.normal(0, 1, (n, classes)) + 1.2 * np.eye(classes)[y])
        p = np.round(raw / raw.sum(axis=1, keepdims=True), digits)
        p[:, -1] = np.round(1 - p[:, :-1].sum(axis=1), digits)
        return y, np.clip(p, 0, 1), weights(n)

    yield "binary_ties", *binary(120, 1, 0.4)
    yield "binary_smooth", *binary(120, 6, 0.15)
    y, p, w = binary(40, 2, 0.5)
    p[:] = [0.9, 0.1]
    yield "binary_one_call", y, p, w
    y, p, w = binary(40, 2, 0.5)
    p[:5, 1], p[:5, 0] = [0, 1, 1, 0, 1], [1, 0, 0, 1, 0]
    yield "binary_certain", y, p, w
    yield "multiclass_ties", *multiclass(120, 4, 4, 1)
    yield "multiclass_smooth", *multiclass(120, 5, 5, 5)
    yield "multiclass_absent", *multiclass(60, 6, 4, 2)
    y = np.round(rng.normal(3, 5, 101), 3)
    yield "regression_odd", y, np.round(y + rng.normal(0, 2, 101), 3), weights(101)
    y = rng.poisson(2.0, 100).astype(float)
    yield "regression_counts", y, np.round(np.exp(rng.normal(0.5, 0.5, 100)), 2), np.round(weights(100))
    yield "regression_constant", np.full(20, 2.0), np.round(rng.normal(2, 1, 20), 2), weights(20)


def main(path):
    rng = np.random.default_rng(0)
    lines = [f"# scikit-learn {sklearn.__version__}, NumPy {np.__version__}; written by benches/parity/metrics/make_cases.py"]
    for name, y, p, w in cases(rng):
        width = 1 if p.ndim == 1 else p.shape[1]
        lines.append(f"case {name} {width}")
        for i in range(len(y)):
            # The first of two probabilities is one minus the second: the reader knows.
            shown = [p[i]] if width == 1 else p[i][1:] if width == 2 else p[i]
            lines.append(" ".join(["row", repr(float(y[i])), repr(float(w[i])), *(repr(float(v)) for v in shown)]))
        measure = regression if width == 1 else classification
        for kind, weight in (("plain", None), ("weighted", w)):
            for metric, value in measure(y, p, weight).items():
                lines.append(f"expect {metric} {kind} {float(value)!r}")
    with open(path, "w", newline="\n") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
