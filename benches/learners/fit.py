#!/usr/bin/env python3
"""Fits one scikit-learn model and prints its figures: `fit.py LEARNER TRAIN TEST TARGET METRIC SEED THREADS`.

The metric decides the task: rmse is for numbers, the others for classes. How columns are encoded is told in run.py.
"""

import json
import sys
import time

import numpy as np
import pandas
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, root_mean_squared_error
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

TREES = 100


def encoder(learner, features):
    """What turns the columns of the table into numbers."""
    text = features.select_dtypes(exclude="number").columns
    numbers = features.select_dtypes("number").columns
    if learner == "forest":
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
        return ColumnTransformer([("text", codes, text), ("numbers", "passthrough", numbers)])
    scaled = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return ColumnTransformer([("text", OneHotEncoder(handle_unknown="ignore"), text), ("numbers", scaled, numbers)])


def model(learner, metric, seed, threads, width):
    """The learner with the parameters of the bench."""
    if learner == "logistic":
        return LogisticRegression(C=1.0, tol=1e-4, max_iter=1000, solver="lbfgs", random_state=seed)
    if learner == "naive_bayes":
        return GaussianNB()
    if learner == "neighbors":
        neighbors = KNeighborsRegressor if metric == "rmse" else KNeighborsClassifier
        return neighbors(n_neighbors=5, n_jobs=threads)
    if learner == "linear_svm":
        return LinearSVC(C=1.0, dual=False, random_state=seed)
    if learner == "rbf_svm":
        if metric == "rmse":
            return TransformedTargetRegressor(SVR(C=1.0, epsilon=0.1), transformer=StandardScaler())
        return SVC(C=1.0)
    if learner == "gaussian_process":
        return GaussianProcessRegressor(ConstantKernel() * RBF(np.ones(width)) + WhiteKernel(), normalize_y=True)
    forest = RandomForestClassifier if metric == "log_loss" else RandomForestRegressor
    return forest(n_estimators=TREES, n_jobs=threads, random_state=seed)


def score(fitted, metric, features, target):
    """The test figure."""
    if metric == "accuracy":
        return accuracy_score(target, fitted.predict(features))
    if metric == "log_loss":
        return log_loss(target, fitted.predict_proba(features), labels=fitted.classes_)
    return root_mean_squared_error(target, fitted.predict(features))


def main():
    learner, train_file, test_file, target, metric, seed, threads = sys.argv[1:]
    start = time.perf_counter()
    train, test = pandas.read_csv(train_file), pandas.read_csv(test_file)
    loaded = time.perf_counter()
    encode = encoder(learner, train.drop(columns=target))
    features = encode.fit_transform(train.drop(columns=target))
    prepared = time.perf_counter()
    fitted = model(learner, metric, int(seed), int(threads), features.shape[1]).fit(features, train[target])
    done = time.perf_counter()
    figures = {"prepare_s": prepared - loaded, "fit_s": done - prepared, "load_s": loaded - start}
    start = time.perf_counter()
    features = encode.transform(test.drop(columns=target))
    figures[metric] = float(score(fitted, metric, features, test[target]))
    figures["answer_s"] = time.perf_counter() - start
    if learner == "gaussian_process":
        figures["log_marginal_likelihood"] = fitted.log_marginal_likelihood_value_
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
