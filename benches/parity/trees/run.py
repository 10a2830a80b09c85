"""Compares the tree learners with scikit-learn's: answers on held-out rows, and the time of a fit.

    cargo build --release -p kolosal-learn-tree --example parity
    python run.py --data FOLDER --binary target/release/examples/parity [--only adult,iris] [--skip-native]

FOLDER holds NAME.train.csv (or .csv.gz) and NAME.test.csv, the target last. Both sides get the same matrix of numbers:
categories as codes in sorted order, missing numbers as the training median, missing categories as code -1, all rounded to
single precision as scikit-learn does inside (else held-out values that lie on a threshold differ by rounding). A second run
of ours, marked native, gets categories and missing values as they are. Log-loss clips probabilities at 1e-15.

The bar is one standard error: of the difference between the two means over the seeds (how well the means are known),
or of the metric over the held-out rows (how well any model can be told from another there). Both are reported. Of equal
learners one in six is worse by more than one error over the seeds; `--seeds 25 --name report-more-seeds --only ..` tells
which of those were chance.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import tempfile
import time

import numpy as np
import pandas as pd
import sklearn
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = pathlib.Path(__file__).parent
CLASSIFICATION = ["iris", "penguins", "titanic", "german_credit", "kr_vs_kp", "credit_data", "mammography", "letter", "adult"]
REGRESSION = ["concrete", "abalone", "california_housing", "beijing_pm25", "insteval"]
# Free text is no category: these columns are dropped on both sides. Ids of insteval are categories natively.
DROP = {"titanic": ["Name", "Ticket", "Cabin"]}
IDS = {"insteval": ["s", "d", "dept"]}
LEARNERS = {
    "random_forest": (RandomForestClassifier, RandomForestRegressor),
    "extra_trees": (ExtraTreesClassifier, ExtraTreesRegressor),
    "decision_tree": (DecisionTreeClassifier, DecisionTreeRegressor),
}
THREADS = 2


def read(data, name):
    def one(part):
        path = data / f"{name}.{part}.csv"
        path = path if path.exists() else path.with_suffix(".csv.gz")
        return pd.read_csv(path).drop(columns=DROP.get(name, []))

    return one("train"), one("test")


def coded_target(train, test, task):
    target = train.columns[-1]
    if task == "regression":
        return train[target].to_numpy(float), test[target].to_numpy(float), 0
    levels = sorted(train[target].unique(), key=str)
    code = {level: i for i, level in enumerate(levels)}
    return train[target].map(code).to_numpy(), test[target].map(code).to_numpy(), len(levels)


def is_word(column):
    return not pd.api.types.is_numeric_dtype(column)


def plain(train, test):
    """The same matrix of numbers for both sides."""
    parts = [[], []]
    for name in train.columns[:-1]:
        if is_word(train[name]):
            code = {level: i for i, level in enumerate(sorted(train[name].dropna().unique()))}
            columns = [part[name].map(code).fillna(-1).to_numpy(float) for part in (train, test)]
        else:
            median = train[name].median()
            columns = [part[name].fillna(median).to_numpy(float) for part in (train, test)]
        for part, column in zip(parts, columns):
            part.append(column)
    return [np.column_stack(part).astype(np.float32).astype(float) for part in parts]


def write_plain(path, x, y):
    header = ",".join([f"x{i}" for i in range(x.shape[1])] + ["y"])
    with open(path, "w") as out:
        out.write(header + "\n")
        for row, target in zip(x, y):
            out.write(",".join(repr(float(v)) for v in row) + f",{float(target)!r}\n")


def write_native(path, table, y, words):
    features = table.iloc[:, :-1].copy()
    for name in words:
        features[name] = features[name].map(lambda v: "" if pd.isna(v) else str(v).replace(",", ";").strip())
    features.columns = [("c:" if name in words else "") + name.replace(",", ";") for name in features.columns]
    features["target"] = y.astype(float)
    features.to_csv(path, index=False)


def ours(binary, learner, task, paths, seeds, folder):
    output = folder / "predictions.bin"
    command = [binary, learner, task, *map(str, paths), str(output), f"seeds={seeds}", f"threads={THREADS}"]
    times = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return np.fromfile(output, "<f8").reshape(seeds, -1), times


def losses(task, y, prediction):
    """One loss a row: squared error, or minus the logarithm of the true class's probability."""
    if task == "regression":
        return (prediction - y) ** 2
    probability = prediction.reshape(len(y), -1)[np.arange(len(y)), y]
    return -np.log(np.clip(probability, 1e-15, 1 - 1e-15))


def metric(task, loss):
    return float(np.sqrt(loss.mean())) if task == "regression" else float(loss.mean())


def error_over_rows(task, loss):
    error = loss.std(ddof=1) / np.sqrt(len(loss))
    return float(error / (2 * np.sqrt(loss.mean()))) if task == "regression" else float(error)


def peer(learner, classes, x, y, test, seed):
    kind = LEARNERS[learner][0 if classes else 1]
    jobs = {} if learner == "decision_tree" else {"n_jobs": THREADS}
    start = time.perf_counter()
    model = kind(random_state=seed, **jobs).fit(x, y)
    fitted = time.perf_counter()
    prediction = model.predict_proba(test) if classes else model.predict(test)
    return prediction.ravel(), fitted - start, time.perf_counter() - fitted


def compare(options, name, learner, seeds, folder):
    binary, data = options.binary, options.data
    train, test = read(data, name)
    task = "regression" if name in REGRESSION else "classification"
    y, y_test, classes = coded_target(train, test, task)
    words = [c for c in train.columns[:-1] if is_word(train[c]) or c in IDS.get(name, [])]
    x, x_test = plain(train, test)
    paths = [folder / "train.csv", folder / "test.csv"]
    write_plain(paths[0], x, y)
    write_plain(paths[1], x_test, y_test)
    argument = str(classes) if classes else "regression"
    theirs, our_fits, their_fits, our_answers, their_answers, mine = [], [], [], [], [], None
    for seed in range(seeds):
        prediction, fit, answer = peer(learner, classes, x, y, x_test, seed)
        theirs.append(losses(task, y_test, prediction))
        their_fits.append(fit)
        their_answers.append(answer)
        # Interleaved: one fit of ours beside each of theirs.
        _, times = ours(binary, learner, argument, paths, 1, folder)
        our_fits.append(times["fit_s"][0])
        our_answers.append(times["predict_s"][0])
    predictions, _ = ours(binary, learner, argument, paths, seeds, folder)
    mine = [losses(task, y_test, prediction) for prediction in predictions]
    row = summary(task, mine, theirs)
    row |= {
        "set": name,
        "learner": learner,
        "metric": "rmse" if task == "regression" else "log-loss",
        "fit_s": float(np.median(our_fits)),
        "peer_fit_s": float(np.median(their_fits)),
        "fit_ratio": float(np.median(np.array(our_fits) / np.array(their_fits))),
        "predict_ratio": float(np.median(np.array(our_answers) / np.array(their_answers))),
    }
    if not options.skip_native:
        write_native(paths[0], train, y, words)
        write_native(paths[1], test, y_test, words)
        predictions, times = ours(binary, learner, argument, paths, seeds, folder)
        row["native"] = float(np.mean([metric(task, losses(task, y_test, p)) for p in predictions]))
        row["native_fit_s"] = float(np.median(times["fit_s"]))
    return row


def summary(task, mine, theirs):
    a, b = ([metric(task, loss) for loss in side] for side in (mine, theirs))
    seeds_error = float(np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / len(a)))
    rows_error = error_over_rows(task, np.mean(theirs, axis=0))
    worse = float(np.mean(a) - np.mean(b))
    return {
        "ours": float(np.mean(a)),
        "peer": float(np.mean(b)),
        "worse_by": worse,
        "error_over_seeds": seeds_error,
        "error_over_rows": rows_error,
        "within_seeds": worse <= seeds_error,
        "within_rows": worse <= rows_error,
    }


def report(rows, seeds, path):
    lines = [
        "# Trees beside scikit-learn",
        "",
        f"scikit-learn {sklearn.__version__}, {seeds} seeds, {THREADS} threads, {platform.machine()}, defaults on both sides "
        "(100 trees). Made by `run.py` in this folder, which says what is compared and how. Lower is better everywhere; "
        "`fit` is our time as a share of theirs, the median of interleaved fits, binning included. `native` is ours with "
        "categories and missing values as they are.",
        "",
        "| set | learner | metric | ours | scikit-learn | difference | error over seeds | error over rows | fit | predict | native |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        mark = "" if r["within_seeds"] else (" (rows)" if r["within_rows"] else " **beyond**")
        native = f"{r['native']:.5g}" if "native" in r else ""
        lines.append(
            f"| {r['set']} | {r['learner']} | {r['metric']} | {r['ours']:.5g} | {r['peer']:.5g} | {r['worse_by']:+.2g}{mark} "
            f"| {r['error_over_seeds']:.2g} | {r['error_over_rows']:.2g} | {r['fit_ratio']:.2f} | {r['predict_ratio']:.2f} | {native} |"
        )
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--only", default=",".join(CLASSIFICATION + REGRESSION))
    parser.add_argument("--learners", default=",".join(LEARNERS))
    parser.add_argument("--skip-native", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--name", default="report", help="name of the two files that are written")
    parser.add_argument("--output", type=pathlib.Path, default=HERE)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only.split(","):
            for learner in options.learners.split(","):
                row = compare(options, name, learner, options.seeds, pathlib.Path(folder))
                rows.append(row)
                print(json.dumps(row), flush=True)
    os.makedirs(options.output, exist_ok=True)
    facts = {"scikit_learn": sklearn.__version__, "seeds": options.seeds, "threads": THREADS, "rows": rows}
    (options.output / f"{options.name}.json").write_text(json.dumps(facts, indent=1) + "\n")
    report(rows, options.seeds, options.output / f"{options.name}.md")


if __name__ == "__main__":
    main()
