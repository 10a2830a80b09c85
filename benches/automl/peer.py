#!/usr/bin/env python3
"""Trains one other system: `peer.py JOB`. Writes answers.csv and told.json beside the job."""

import json
import pathlib
import pickle
import sys
import time

import numpy
import pandas

METRICS = {
    "autogluon": {"binary": "roc_auc", "multiclass": "log_loss", "regression": "root_mean_squared_error"},
    "flaml": {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"},
}


def main():
    job = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    work = pathlib.Path(job["work"])
    train = pandas.read_csv(job["train"], low_memory=False)
    test = pandas.read_csv(job["test"], low_memory=False)
    for name in test.columns:
        if train[name].dtype != test[name].dtype:
            is_number = all(pandas.api.types.is_numeric_dtype(table[name]) for table in (train, test))
            for table in (train, test):
                table[name] = table[name].astype(float) if is_number else table[name].astype(object)
    fit = {"autogluon": autogluon, "flaml": flaml, "lightgbm": lightgbm}[job["system"].split("_")[0]]
    seconds, answer, size = fit(job, train, work)
    classes, values = answer(test)
    if classes is None:
        table = pandas.DataFrame({"prediction": numpy.ravel(values)})
    else:
        table = pandas.DataFrame(values, columns=[f"proba_{name}" for name in classes])
        table.insert(0, "prediction", numpy.asarray(classes, dtype=object)[numpy.asarray(values).argmax(axis=1)])
    table.to_csv(work / "answers.csv", index=False)
    row_ms = 1e3 * median_seconds(answer, [test.iloc[[at]] for at in range(min(21, len(test)))])
    (work / "told.json").write_text(json.dumps({"train_s": seconds, "model_mb": size() / 1e6, "row_ms": row_ms}), encoding="utf-8")


def median_seconds(answer, rows):
    """The median time of one row."""
    times = []
    for row in rows:
        start = time.perf_counter()
        answer(row)
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def autogluon(job, train, work):
    """TabularPredictor with a preset of its own."""
    from autogluon.tabular import TabularPredictor

    preset = {"autogluon_best": "best_quality", "autogluon_medium": "medium_quality"}[job["system"]]
    start = time.perf_counter()
    metric = METRICS["autogluon"][job["task"]]
    predictor = TabularPredictor(
        label=job["target"], problem_type=job["task"], eval_metric=metric, path=str(work / "model"), verbosity=1
    )
    predictor.fit(train, time_limit=job["budget"], presets=preset, num_cpus=job["threads"], num_gpus=0)
    seconds = time.perf_counter() - start

    def answer(test):
        if job["task"] == "regression":
            return None, predictor.predict(test).to_numpy()
        told = predictor.predict_proba(test)
        return list(told.columns), told.to_numpy()

    return seconds, answer, lambda: sum(p.stat().st_size for p in (work / "model").rglob("*") if p.is_file())


def flaml(job, train, work):
    """AutoML with its defaults."""
    from flaml import AutoML

    features, target = train.drop(columns=job["target"]), train[job["target"]]
    model = AutoML()
    start = time.perf_counter()
    model.fit(
        X_train=features, y_train=target, task="regression" if job["task"] == "regression" else "classification",
        metric=METRICS["flaml"][job["task"]], time_budget=job["budget"], n_jobs=job["threads"], seed=job["seed"], verbose=0,
    )  # fmt: skip
    seconds = time.perf_counter() - start

    def answer(test):
        if job["task"] == "regression":
            return None, model.predict(test)
        return list(model.classes_), model.predict_proba(test)

    return seconds, answer, lambda: len(pickle.dumps(model))


def lightgbm(job, train, work):
    """The defaults of LightGBM, columns of words as categories."""
    import lightgbm

    features, target = train.drop(columns=job["target"]), train[job["target"]]
    levels = {
        name: sorted(features[name].dropna().astype(str).unique())
        for name in features.columns
        if not pandas.api.types.is_numeric_dtype(features[name])
    }

    def shaped(table):
        table = table.copy()
        for name, known in levels.items():
            table[name] = pandas.Categorical(table[name].astype(str).where(table[name].notna()), categories=known)
        return table.set_axis([f"f{at}" for at in range(table.shape[1])], axis=1)

    kind = lightgbm.LGBMRegressor if job["task"] == "regression" else lightgbm.LGBMClassifier
    start = time.perf_counter()
    model = kind(n_jobs=job["threads"], random_state=job["seed"], verbose=-1).fit(shaped(features), target)
    seconds = time.perf_counter() - start

    def answer(test):
        if job["task"] == "regression":
            return None, model.predict(shaped(test))
        return list(model.classes_), model.predict_proba(shaped(test))

    return seconds, answer, lambda: len(pickle.dumps(model))


if __name__ == "__main__":
    main()
