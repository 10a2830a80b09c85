"""Writes the reference coefficients that the tests of crates/learn-linear compare with.

    python benches/parity/linear/make_reference.py crates/learn-linear/src/golden/reference.txt
    python benches/parity/linear/make_reference.py crates/learn-linear/src/golden/linear_svm.txt linear_svm
    python benches/parity/linear/make_reference.py crates/learn-linear/src/golden/scores.txt scores

The rows are real ones that scikit-learn ships (diabetes, breast cancer, iris), some standardised columns of them; the
weights are drawn with a fixed seed. A case is a header, the rows (target, weight, columns), and the expected numbers.
"""

import sys

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import (
    ElasticNet, GammaRegressor, HuberRegressor, Lasso, LogisticRegression, PoissonRegressor, QuantileRegressor, Ridge,
    TweedieRegressor)
from sklearn.svm import LinearSVC, LinearSVR


def standardised(x):
    return np.round((x - x.mean(axis=0)) / x.std(axis=0), 4)


def tables():
    rng = np.random.default_rng(0)
    weight = lambda n: np.round(rng.gamma(2.0, 0.5, n), 2)  # noqa: E731
    data = load_diabetes()
    yield "diabetes", standardised(data.data[:60, :6]), data.target[:60], weight(60)
    data = load_breast_cancer()
    yield "cancer", standardised(data.data[:80, :5]), data.target[:80], weight(80)
    data = load_iris()
    yield "iris", standardised(data.data[::3]), data.target[::3], weight(50)


def models(name):
    if name == "diabetes":
        yield "ridge", {"alpha": 2.0}, Ridge(alpha=2.0)
        yield "lasso", {"alpha": 3.0}, Lasso(alpha=3.0, tol=1e-14, max_iter=10**6)
        yield "elastic_net", {"alpha": 1.5, "l1_ratio": 0.3}, ElasticNet(alpha=1.5, l1_ratio=0.3, tol=1e-14, max_iter=10**6)
        return
    tight = dict(tol=1e-13, max_iter=10**6)
    yield "logistic_regression", {"c": 0.7}, LogisticRegression(C=0.7, solver="newton-cholesky", **tight)
    yield "logistic_regression", {"c": 0.7, "class_weight": "balanced"}, LogisticRegression(
        C=0.7, class_weight="balanced", solver="newton-cholesky", **tight)
    yield "logistic_regression", {"c": 0.5, "penalty": "l1"}, LogisticRegression(C=0.5, l1_ratio=1.0, solver="saga", **tight)
    yield "logistic_regression", {"c": 0.5, "penalty": "elastic_net", "l1_ratio": 0.4}, LogisticRegression(
        C=0.5, l1_ratio=0.4, solver="saga", **tight)


def linear_svm(name):
    """liblinear's primal solver; the intercept is a column of value 1000, so that its penalty is next to none."""
    tight = dict(dual=False, intercept_scaling=1e3, tol=1e-14, max_iter=10**6)
    for c in (0.05, 2.0):
        if name == "diabetes":
            for epsilon in (0.0, 20.0):
                yield "linear_svm", {"c": c, "epsilon": epsilon}, LinearSVR(
                    C=c, epsilon=epsilon, loss="squared_epsilon_insensitive", **tight)
        else:
            # Of several classes, liblinear weights the rows of the one class and not those of the rest.
            for weight in (None, "balanced") if name == "cancer" else (None,):
                yield "linear_svm", {"c": c, "class_weight": weight or "none"}, LinearSVC(C=c, class_weight=weight, **tight)


def scores(name):
    if name != "diabetes":
        return
    for epsilon, alpha in ((1.35, 1e-4), (1.1, 2.0)):
        yield "huber", {"epsilon": epsilon, "alpha": alpha}, HuberRegressor(
            epsilon=epsilon, alpha=alpha, tol=1e-12, max_iter=10**6)
    for quantile in (0.5, 0.8):
        yield "quantile", {"quantile": quantile, "alpha": 0.0}, QuantileRegressor(quantile=quantile, alpha=0.0)
    tight = dict(solver="newton-cholesky", tol=1e-12, max_iter=10**4)
    yield "glm", {"family": "poisson", "alpha": 0.5}, PoissonRegressor(alpha=0.5, **tight)
    yield "glm", {"family": "gamma", "alpha": 0.1}, GammaRegressor(alpha=0.1, **tight)
    yield "glm", {"family": "tweedie", "power": 1.3, "alpha": 0.2}, TweedieRegressor(power=1.3, alpha=0.2, link="log", **tight)
    yield "glm", {"family": "normal", "alpha": 0.2}, TweedieRegressor(power=0, alpha=0.2, link="identity", **tight)


FILES = {"reference": models, "linear_svm": linear_svm, "scores": scores}


def line(word, values):
    return " ".join([word, *(repr(float(v)) for v in values)])


def main(path, file="reference"):
    lines = [f"# scikit-learn {sklearn.__version__}, NumPy {np.__version__}; written by benches/parity/linear/make_reference.py"]
    for name, x, y, w in tables():
        if not list(FILES[file](name)):
            continue
        lines.append(f"table {name}")
        lines += [line("row", [a, b, *c]) for a, b, c in zip(y, w, x)]
        for learner, params, model in FILES[file](name):
            for kind, weight in (("plain", None), ("weighted", w)):
                model.fit(x, y, sample_weight=weight)
                pairs = " ".join(f"{k}={v}" for k, v in params.items())
                lines.append(f"fit {learner} {kind} {pairs}")
                lines.append(line("coefficients", np.ravel(model.coef_)))
                lines.append(line("intercepts", np.ravel(model.intercept_)))
    with open(path, "w", newline="\n") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
