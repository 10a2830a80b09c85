#!/usr/bin/env python3
"""Fits one scikit-learn model and prints its figures: `fit.py forest|logistic TRAIN TEST TARGET METRIC SEED THREADS`.

The metric decides the task: log_loss for classes, rmse for numbers. How columns are encoded is told in run.py.
"""

import json
import sys
import time

import pandas
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

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


def model(learner, metric, seed, threads):
    """The learner with the parameters of the bench."""
    if learner == "logistic":
        return LogisticRegression(C=1.0, tol=1e-4, max_iter=1000, solver="lbfgs", random_state=seed)
    forest = RandomForestClassifier if metric == "log_loss" else RandomForestRegressor
    return forest(n_estimators=TREES, n_jobs=threads, random_state=seed)


def score(fitted, metric, features, target):
    """The test figure."""
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
    fitted = model(learner, metric, int(seed), int(threads)).fit(features, train[target])
    done = time.perf_counter()
    figures = {"prepare_s": prepared - loaded, "fit_s": done - prepared, "load_s": loaded - start}
    figures[metric] = float(score(fitted, metric, encode.transform(test.drop(columns=target)), test[target]))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
