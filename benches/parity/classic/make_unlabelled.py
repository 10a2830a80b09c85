"""Writes the reference answers that the tests of learners without a target compare with.

    python benches/parity/classic/make_unlabelled.py crates/learn-classic/src/golden/unlabelled.txt

Rows are those of tables that scikit-learn ships, as they are; scikit-learn gets them standardised. For each fit a line with
its settings and one with numbers: scores of local outlier factors; means of the scores of twenty isolation forests; labels
(noise is -1) and, a line below, strengths of HDBSCAN; the mean log likelihood of Gaussian mixtures.
"""

import sys

import numpy as np
import sklearn
from sklearn.cluster import HDBSCAN
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import IsolationForest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor


def numbers(values):
    return " ".join(repr(float(v)) for v in values)


def fits(z):
    for k in (5, 20):
        scores = -LocalOutlierFactor(n_neighbors=k).fit(z).negative_outlier_factor_
        yield f"local_outlier n_neighbors={k}", [scores]
    forests = [-IsolationForest(random_state=seed).fit(z).score_samples(z) for seed in range(20)]
    yield "isolation", [np.mean(forests, axis=0)]
    for size, samples, way in ((5, None, "eom"), (10, 5, "eom"), (8, None, "leaf")):
        model = HDBSCAN(min_cluster_size=size, min_samples=samples, cluster_selection_method=way, copy=True).fit(z)
        settings = f"min_cluster_size={size} min_samples={samples or 0} cluster_selection_method={way}"
        yield f"hdbscan {settings}", [model.labels_, model.probabilities_]
    for k in (2, 3):
        for kind in ("full", "tied", "diag", "spherical"):
            model = GaussianMixture(k, covariance_type=kind, n_init=10, tol=1e-7, max_iter=1000, random_state=0).fit(z)
            yield f"gaussian_mixture n_components={k} covariance_type={kind}", [[model.score(z)]]


def main(path):
    lines = [f"# scikit-learn {sklearn.__version__}, NumPy {np.__version__}; written by benches/parity/classic/make_unlabelled.py"]
    for name, data in (("iris", load_iris()), ("wine", load_wine())):
        x = data.data[:, :6]
        lines.append(f"table {name}")
        lines += [f"row {numbers(row)}" for row in x]
        for settings, answers in fits((x - x.mean(axis=0)) / x.std(axis=0)):
            lines.append(f"fit {settings}")
            lines += [f"answers {numbers(line)}" for line in answers]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


main(sys.argv[1])
