#!/usr/bin/env python3
"""Fits a peer's network on a table and prints its figures as one line of JSON.

usage: peer.py realmlp TRAIN TEST TARGET TASK SEED THREADS      TASK is numbers or classes
       peer.py epoch ROWS COLUMNS THREADS                       a 256-256 perceptron in PyTorch
"""

import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")


def table(train, test, target):
    """Features and targets; text columns as categories, the rest as numbers."""
    import pandas as pd

    train, test = pd.read_csv(train), pd.read_csv(test)
    features = [name for name in train.columns if name != target]
    for name in features:
        if not pd.api.types.is_numeric_dtype(train[name]):
            for part in (train, test):
                part[name] = part[name].astype(str).where(part[name].notna(), "missing").astype("category")
        elif train[name].isna().any() or test[name].isna().any():
            middle = train[name].median()
            for part in (train, test):
                part[name] = part[name].fillna(middle)
    return train[features], train[target], test[features], test[target]


def realmlp(train, test, target, task, seed, threads):
    """RealMLP-TD with its defaults; for classes without label smoothing and by log-loss, as its authors advise for it."""
    import torch
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    torch.set_num_threads(threads)
    x, y, x_test, y_test = table(train, test, target)
    common = {"random_state": seed, "device": "cpu", "n_threads": threads, "verbosity": 0}
    if task == "numbers":
        model = RealMLP_TD_Regressor(**common)
    else:
        model = RealMLP_TD_Classifier(use_ls=False, val_metric_name="cross_entropy", **common)
    start = time.perf_counter()
    model.fit(x, y)
    fit_s = time.perf_counter() - start
    start = time.perf_counter()
    if task == "numbers":
        answers = np.asarray(model.predict(x_test), dtype=float).reshape(-1)
        metrics = {"rmse": float(np.sqrt(np.mean((answers - y_test.to_numpy()) ** 2)))}
    else:
        shares = np.clip(np.asarray(model.predict_proba(x_test), dtype=float), 1e-15, 1.0)
        classes = list(model.classes_)
        codes = np.array([classes.index(value) for value in y_test])
        of_class = shares[np.arange(len(codes)), codes] / shares.sum(axis=1)
        metrics = {
            "log_loss": float(-np.log(of_class).mean()),
            "accuracy": float((shares.argmax(axis=1) == codes).mean()),
        }
    return {"fit_s": fit_s, "predict_s": time.perf_counter() - start, "metrics": metrics}


def epoch(rows, columns, threads):
    """Seconds of an epoch of a perceptron with two layers of 256 units: the median of five after one to warm up."""
    import torch

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    x, y = torch.randn(rows, columns), torch.randint(0, 2, (rows,))
    model = torch.nn.Sequential(
        torch.nn.Linear(columns, 256), torch.nn.ReLU(), torch.nn.Linear(256, 256), torch.nn.ReLU(), torch.nn.Linear(256, 2)
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    loss_of = torch.nn.CrossEntropyLoss()
    seconds, processor = [], []
    for _ in range(6):
        start, before = time.perf_counter(), time.process_time()
        order = torch.randperm(rows)
        for at in range(0, rows, 256):
            part = order[at : at + 256]
            optimiser.zero_grad(set_to_none=True)
            loss_of(model(x[part]), y[part]).backward()
            optimiser.step()
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - before)
    return {"epoch_s": float(np.median(seconds[1:])), "cpu_s": float(np.median(processor[1:]))}


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    if kind == "realmlp":
        train, test, target, task, seed, threads = rest
        print(json.dumps(realmlp(train, test, target, task, int(seed), int(threads))))
    else:
        print(json.dumps(epoch(*map(int, rest))))
