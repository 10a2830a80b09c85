#!/usr/bin/env python3
"""Fits one booster of a library in Python and prints its figures; told what to do by one JSON argument.

`preset`, `settings`, `task`, `train`, `test`, `held_out` (a file, or nothing), `target`, `seed`, `threads`, and `latency`.
Columns that are not numbers are native categories; their levels come from the training rows.
"""

import json
import sys
import time

import numpy
import pandas
from sklearn.metrics import log_loss, root_mean_squared_error

# Rows that are asked one by one.
SINGLES = 500


def read(job):
    """Features and coded answers of each file, categories typed alike in all."""
    frames = {part: pandas.read_csv(job[part], low_memory=False) for part in ("train", "test", "held_out") if job.get(part)}
    target, train = job["target"], frames["train"]
    levels = {
        name: pandas.Index(train[name].dropna().astype(str).unique())
        for name in train.columns
        if name != target and not pandas.api.types.is_numeric_dtype(train[name])
    }
    classes = None if job["task"] == "regression" else sorted(train[target].unique())
    parts = {}
    for part, frame in frames.items():
        answers = frame.pop(target)
        for name, known in levels.items():
            texts = frame[name].map(str, na_action="ignore")
            frame[name] = pandas.Categorical(texts.where(texts.isin(known), None), categories=known)
        if classes is not None:
            answers = answers.map({name: at for at, name in enumerate(classes)})
        parts[part] = (frame, answers.to_numpy(float if classes is None else int))
    return parts, list(levels), classes


def lightgbm_model(job, train, held_out, _categories):
    import lightgbm

    objective = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}[job["task"]]
    settings = dict(job["settings"], objective=objective, num_threads=job["threads"], seed=job["seed"], verbosity=-1)
    if job["task"] == "multiclass":
        settings["num_class"] = job["class_count"]
    rounds = settings.pop("n_estimators")
    data = lightgbm.Dataset(*train, params=settings)
    held = [lightgbm.Dataset(*held_out, reference=data)] if held_out else None
    model = lightgbm.train(settings, data, rounds, valid_sets=held)
    return model, lambda features: model.predict(features, num_threads=job["threads"])


def xgboost_model(job, train, held_out, categories):
    import xgboost

    objective = {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}[job["task"]]
    settings = dict(job["settings"], objective=objective, nthread=job["threads"], seed=job["seed"], tree_method="hist", verbosity=0)
    if job["task"] == "multiclass":
        settings["num_class"] = job["class_count"]
    rounds, patience = settings.pop("n_estimators"), settings.pop("early_stopping_rounds", None)
    native = {"enable_categorical": bool(categories), "nthread": job["threads"]}
    data = xgboost.QuantileDMatrix(*train, max_bin=settings.get("max_bin", 256), **native)
    held = [(xgboost.QuantileDMatrix(*held_out, ref=data, **native), "held_out")] if held_out else []
    if held and job["task"] != "regression":
        settings["eval_metric"] = "logloss" if job["task"] == "binary" else "mlogloss"
    model = xgboost.train(settings, data, rounds, evals=held, early_stopping_rounds=patience, verbose_eval=False)
    trees = (0, model.best_iteration + 1) if held else (0, 0)
    if categories:
        return model, lambda rows: model.predict(xgboost.DMatrix(rows, **native), iteration_range=trees)
    return model, lambda rows: model.inplace_predict(rows, iteration_range=trees)


def catboost_model(job, train, held_out, categories):
    import catboost

    def filled(features):
        texts = {name: features[name].astype("object").where(features[name].notna(), "missing") for name in categories}
        return features.assign(**texts) if categories else features

    kind = catboost.CatBoostRegressor if job["task"] == "regression" else catboost.CatBoostClassifier
    fixed = {"thread_count": job["threads"], "random_seed": job["seed"], "verbose": False, "allow_writing_files": False}
    model = kind(**job["settings"], **fixed, cat_features=categories)
    held = (filled(held_out[0]), held_out[1]) if held_out else None
    model.fit(filled(train[0]), train[1], eval_set=held)
    if job["task"] == "regression":
        return model, lambda features: model.predict(filled(features), thread_count=job["threads"])
    return model, lambda features: model.predict_proba(filled(features), thread_count=job["threads"])


MODELS = {"lightgbm": lightgbm_model, "xgboost": xgboost_model, "catboost": catboost_model}


def loss(job, answers, predicted):
    """Log-loss or root mean squared error."""
    if job["task"] == "regression":
        return float(root_mean_squared_error(answers, predicted))
    return float(log_loss(answers, predicted, labels=list(range(job["class_count"]))))


def best_s(act, seconds=0.5):
    """The fastest of several rounds."""
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        act()
        best = min(best, time.perf_counter() - start)
    return best


def latency(predict, rows):
    """Nanoseconds of a row asked alone and rows a second together."""
    singles = [rows[at : at + 1].copy() for at in range(SINGLES)]
    one = best_s(lambda: [predict(row) for row in singles])
    return {"one_row_ns": one / SINGLES * 1e9, "rows_per_s": len(rows) / best_s(lambda: predict(rows))}


def main():
    job = json.loads(sys.argv[1])
    parts, categories, classes = read(job)
    job["class_count"] = len(classes or [])
    if job.get("numeric"):
        parts = {part: (features.to_numpy(numpy.float32), answers) for part, (features, answers) in parts.items()}
    start = time.perf_counter()
    model, predict = MODELS[job["preset"]](job, parts["train"], parts.get("held_out"), categories)
    figures = {"train_s": time.perf_counter() - start}
    del model
    rows, answers = parts["test"]
    figures["loss"] = loss(job, answers, predict(rows))
    if job.get("latency"):
        figures |= latency(predict, rows)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
