#!/usr/bin/env python3
"""Fits a scikit-learn model without a target, or judges answers: `unlabelled.py fit|judge LEARNER TABLE TARGET ANSWERS ..`.

`fit` takes parameters as JSON, a seed and a number of threads besides, fits, and compares with the answers in the file; `judge`
gives the area under the curve of the scores in the file for the rarer class of the target.
"""

import json
import sys
import time

import numpy as np
import pandas
from scipy.stats import spearmanr
from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans
from sklearn.ensemble import IsolationForest
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler

SCORED = ("isolation", "local_outlier")


def model(learner, parameters, seed, threads):
    """The learner with the parameters of the bench."""
    if learner == "kmeans":
        return KMeans(parameters["n_clusters"], n_init=parameters["n_init"], random_state=seed)
    if learner == "dbscan":
        return DBSCAN(**parameters, n_jobs=threads)
    if learner == "hdbscan":
        return HDBSCAN(**parameters, n_jobs=threads, copy=True)
    if learner == "hierarchical":
        return AgglomerativeClustering(**parameters)
    if learner == "gaussian_mixture":
        return GaussianMixture(**parameters, random_state=seed)
    if learner == "isolation":
        return IsolationForest(n_jobs=threads, random_state=seed)
    return LocalOutlierFactor(**parameters, n_jobs=threads)


def rare(target):
    """Whether each row is of the rarer class."""
    counts = target.value_counts()
    return (target == counts.idxmin()).to_numpy() if len(counts) == 2 else None


def area(scores, target):
    """The area under the curve, where there are two classes."""
    strange = rare(target)
    return {} if strange is None else {"auc": float(roc_auc_score(strange, scores))}


def main():
    what, learner, table, target, answers, *rest = sys.argv[1:]
    rows = pandas.read_csv(table)
    if what == "judge":
        given = pandas.read_csv(answers)
        print(json.dumps(area(given["score"], rows[target]) if learner in SCORED else {}))
        return
    parameters, seed, threads = json.loads(rest[0]), int(rest[1]), int(rest[2])
    features = rows.drop(columns=target)
    start = time.perf_counter()
    numbers = StandardScaler().fit_transform(features)
    fitted = model(learner, parameters, seed, threads).fit(numbers)
    figures = {"fit_s": time.perf_counter() - start}
    given = pandas.read_csv(answers)
    if learner in SCORED:
        scores = -fitted.score_samples(numbers) if learner == "isolation" else -fitted.negative_outlier_factor_
        figures |= area(scores, rows[target]) | {"agreement": float(spearmanr(scores, given["score"]).statistic)}
    else:
        labels = fitted.predict(numbers) if learner == "gaussian_mixture" else fitted.labels_
        ours = given["prediction"].replace("noise", "-1").astype(int)
        figures["agreement"] = float(adjusted_rand_score(labels, ours))
    if learner == "kmeans":
        figures["inertia"] = float(fitted.inertia_)
    if learner == "gaussian_mixture":
        figures["mean_log_likelihood"] = float(fitted.score(numbers))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
