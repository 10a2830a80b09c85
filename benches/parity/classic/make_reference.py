"""Writes the reference answers that the tests of crates/learn-classic compare with.

    python benches/parity/classic/make_reference.py crates/learn-classic/src/golden naive_bayes ..

One file a learner. The rows are real ones that scikit-learn ships; the weights are drawn with a fixed seed. A table is a
header, its rows (target, weight, columns), and for each fit its parameters and its answers to these rows.
"""

import pathlib
import sys

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.svm import SVC, SVR
from sklearn.utils.validation import has_fit_parameter


def standardised(x):
    return np.round((x - x.mean(axis=0)) / x.std(axis=0), 4)


def tables():
    rng = np.random.default_rng(0)
    weight = lambda n: np.round(rng.gamma(2.0, 0.5, n), 2)  # noqa: E731
    data = load_iris()
    iris = ("iris", "classes", standardised(data.data[::3]), data.target[::3], weight(50))
    data = load_breast_cancer()
    cancer = ("cancer", "classes", standardised(data.data[:80, :5]), data.target[:80], weight(80))
    data = load_digits(n_class=4)
    pixels = data.data[:60, 18:40][:, data.data[:60, 18:40].max(axis=0) > 8]
    digits = ("digits", "classes", pixels, data.target[:60], weight(60))
    levels = ("levels", "classes", np.minimum(pixels // 5, 3), data.target[:60], weight(60))
    data = load_diabetes()
    diabetes = ("diabetes", "regression", standardised(data.data[:60, :6]), data.target[:60], weight(60))
    return {table[0]: table for table in (iris, cancer, digits, levels, diabetes)}


def naive_bayes(table):
    """Parameters of ours, and the model of scikit-learn."""
    gaussian = {"form": "gaussian"}
    if table in ("iris", "cancer"):
        yield gaussian, GaussianNB()
        yield gaussian | {"var_smoothing": 0.01, "fit_prior": "false"}, GaussianNB(
            var_smoothing=0.01, priors=[1 / 3] * 3 if table == "iris" else [0.5] * 2)
        yield {"form": "bernoulli", "binarize": 0.2, "alpha": 0.5}, BernoulliNB(alpha=0.5, binarize=0.2)
    if table == "digits":
        yield {"form": "multinomial", "alpha": 0.7}, MultinomialNB(alpha=0.7)
        yield {"form": "complement", "alpha": 0.7}, ComplementNB(alpha=0.7)
        yield {"form": "complement", "alpha": 1.0, "norm": "true"}, ComplementNB(alpha=1.0, norm=True)
    if table == "levels":
        yield {"form": "categorical", "alpha": 0.4, "bins": 4}, CategoricalNB(alpha=0.4)


def neighbors(table):
    """Every metric and weighting; scikit-learn takes no weights of rows."""
    if table in ("iris", "cancer", "diabetes"):
        model = KNeighborsRegressor if table == "diabetes" else KNeighborsClassifier
        for k, weights, metric in ((5, "uniform", "euclidean"), (7, "distance", "euclidean"), (4, "distance", "manhattan")):
            params = {"n_neighbors": k, "weights": weights, "metric": metric}
            yield params, model(**params)


class ScoredSVC(SVC):
    """Two classes with the logistic function of the score for a probability."""

    def predict_proba(self, x):
        p = 1 / (1 + np.exp(-self.decision_function(x)))
        return np.stack([1 - p, p], axis=1)


class ScaledSVR(SVR):
    """A regression of the standardised target."""

    def fit(self, x, y, sample_weight=None):
        self.mean_ = np.average(y, weights=sample_weight)
        self.deviation_ = np.average((y - self.mean_) ** 2, weights=sample_weight) ** 0.5
        return super().fit(x, (y - self.mean_) / self.deviation_, sample_weight)

    def predict(self, x):
        return self.mean_ + self.deviation_ * super().predict(x)


def rbf_svm(table):
    for c, gamma in ((1.0, None), (10.0, 0.3), (0.1, 1.5)):
        params = {"c": c, "tol": 1e-9, "calibration": "none"} | ({"gamma": gamma} if gamma else {})
        settings = {"C": c, "tol": 1e-9, "gamma": gamma or "scale"}
        if table == "cancer":
            yield params, ScoredSVC(**settings)
        if table == "diabetes":
            yield params | {"epsilon": 0.2}, ScaledSVR(epsilon=0.2, **settings)


def gaussian_process(table):
    """Lengths of each column; ours standardises the target as normalize_y does."""
    kernels = {"rbf": RBF, "matern32": lambda l: Matern(l, nu=1.5), "matern52": lambda l: Matern(l, nu=2.5)}
    for name, kernel in kernels.items():
        if table == "diabetes":
            prior = ConstantKernel() * kernel(np.ones(6)) + WhiteKernel()
            yield {"kernel": name}, GaussianProcessRegressor(prior, normalize_y=True, n_restarts_optimizer=5, random_state=0)
        if table == "cancer" and name != "matern52":
            prior = ConstantKernel() * kernel(np.ones(5))
            yield {"kernel": name}, GaussianProcessClassifier(prior, n_restarts_optimizer=5, random_state=0)


LEARNERS = {
    "naive_bayes": naive_bayes, "neighbors": neighbors, "rbf_svm": rbf_svm, "gaussian_process": gaussian_process}


def line(word, values):
    return " ".join([word, *(repr(float(v)) for v in values)])


def fits(learner, name, x, y, w):
    for params, model in LEARNERS[learner](name):
        for kind, weight in (("plain", None), ("weighted", w)):
            if weight is None:
                model.fit(x, y)
            elif not has_fit_parameter(model, "sample_weight"):
                continue
            else:
                model.fit(x, y, sample_weight=weight)
            answers = model.predict_proba(x) if hasattr(model, "predict_proba") else model.predict(x)
            if learner == "gaussian_process":
                params["likelihood"] = float(model.log_marginal_likelihood_value_)
            pairs = " ".join(f"{k}={v}" for k, v in params.items())
            yield f"fit {learner} {kind} {pairs}".strip()
            yield line("answers", np.ravel(answers))


def main(folder, learners):
    for learner in learners:
        lines = [f"# scikit-learn {sklearn.__version__}, NumPy {np.__version__}; written by benches/parity/classic/make_reference.py"]
        for name, task, x, y, w in tables().values():
            found = list(fits(learner, name, x, y, w))
            if found:
                lines.append(f"table {name} {task}")
                lines += [line("row", [a, b, *c]) for a, b, c in zip(y, w, x)]
                lines += found
        with open(pathlib.Path(folder) / f"{learner}.txt", "w", newline="\n") as out:
            out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
