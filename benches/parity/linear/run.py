"""Holds the linear learners against scikit-learn: coefficients at tight tolerance, and fit times at equal tolerance.

    cargo build --release -p kolosal-learn-linear --example parity
    python benches/parity/linear/run.py --data DIR --binary target/release/examples/parity

DIR holds `<name>.train.csv` (or `.csv.gz`), target last, and index.json (name, task, target). This script imputes
(median, most frequent), standardises numbers and one-hot encodes categories once; both sides see the same matrix. Ours
also gets the categories as codes and must find the same coefficients. Where the penalty is all absolute, a full one-hot
block has many minima (moving weight between the levels and the intercept costs nothing), so coefficients are compared
on a matrix without the first level of each category. Times are medians of interleaved rounds, data already in
memory: ours with two threads, theirs with one or two, whichever is faster (a linear-algebra library that spins loses
with two on a busy machine). Writes report.json and report.md beside itself.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import sklearn  # noqa: E402
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

warnings.filterwarnings("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
THREADS = 2
ROUNDS = 5
CATEGORY_LEVELS_MAX = 60

REGRESSIONS = ["concrete", "abalone", "california_housing", "beijing_pm25"]
BINARIES = ["titanic", "german_credit", "kr_vs_kp", "credit_data", "mammography", "adult"]
MULTICLASSES = ["iris", "penguins", "letter"]
SAGA_SETS = ["titanic", "german_credit", "credit_data", "mammography", "iris", "penguins"]


def load(folder, name, target):
    path = os.path.join(folder, f"{name}.train.csv")
    frame = pd.read_csv(path if os.path.exists(path) else path + ".gz")
    y = frame.pop(target)
    numbers, codes, names = [], [], []
    for column in frame:
        values = frame[column]
        if pd.api.types.is_numeric_dtype(values):
            values = values.fillna(values.median()).astype(float)
            if values.std(ddof=0) > 0:
                numbers.append(((values - values.mean()) / values.std(ddof=0)).to_numpy())
                names.append(column)
        elif values.nunique() <= CATEGORY_LEVELS_MAX:
            values = values.fillna(values.mode()[0])
            codes.append(pd.Categorical(values).codes.astype(float))
    return numbers, codes, y


def one_hot(numbers, codes, first=0):
    blocks = [np.column_stack(numbers)] if numbers else []
    blocks += [np.eye(int(c.max()) + 1)[c.astype(int)][:, first:] for c in codes]
    return np.ascontiguousarray(np.hstack(blocks))


class Ours:
    """The same rows in the forms that our side reads."""

    def __init__(self, binary, folder, numbers, codes, x, y):
        self.dropped = one_hot(numbers, codes, first=1)
        self.binary = binary
        self.files = {}
        header = [f"n{i}" for i in range(len(numbers))] + [f"c:{i}" for i in range(len(codes))]
        self.files["codes"] = self.write(folder, "codes", header, numbers + codes, y)
        if codes:
            self.files["matrix"] = self.write(folder, "matrix", [f"n{i}" for i in range(x.shape[1])], list(x.T), y)
            names = [f"n{i}" for i in range(self.dropped.shape[1])]
            self.files["dropped"] = self.write(folder, "dropped", names, list(self.dropped.T), y)

    def forms(self, absolute):
        """Forms to compare, and the matrix that the reference is fitted to."""
        if absolute and "dropped" in self.files:
            return ["dropped"], self.dropped
        return [form for form in self.files if form != "dropped"], None

    @staticmethod
    def write(folder, name, header, columns, y):
        path = os.path.join(folder, f"{name}.csv")
        pd.DataFrame(dict(zip([*header, "y"], [*columns, y]))).to_csv(path, index=False)
        return path

    def fit(self, learner, task, form="codes", repeats=1, **params):
        pairs = [f"{name}={value}" for name, value in params.items()]
        command = [self.binary, learner, self.files[form], task, "--threads", str(THREADS), "--repeats", str(repeats)]
        run = subprocess.run([*command, *pairs], capture_output=True, text=True, check=True)
        if run.stderr:
            print("    ", run.stderr.strip())
        return json.loads(run.stdout)


def distance(ours, theirs):
    """Largest difference of two vectors as a share of the largest entry."""
    return float(np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-300))


def compare(fit, theirs, classes):
    """Coefficients; with more than two classes intercepts are compared about their mean, which is free."""
    coefficients = np.array(fit["coefficients"])
    intercepts = np.array(fit["intercepts"])
    reference = np.ravel(theirs.coef_)
    offset = np.ravel(theirs.intercept_)
    if classes > 2:
        intercepts, offset = intercepts - intercepts.mean(), offset - offset.mean()
    both = np.concatenate([reference, offset])
    return {
        "coefficients": distance(coefficients, reference),
        "with_intercept": distance(np.concatenate([coefficients, intercepts]), both),
    }


def timed(make, x, y, repeats, threads):
    seconds = []
    with threadpool_limits(threads):
        for _ in range(repeats):
            start = time.perf_counter()
            make().fit(x, y)
            seconds.append(time.perf_counter() - start)
    return seconds


def speed(ours, learner, task, params, make, x, y):
    probes = {threads: min(timed(make, x, y, 2, threads)) for threads in (1, THREADS)}
    threads = min(probes, key=probes.get)
    repeats = 1 if probes[threads] > 1 else 3
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(ours.fit(learner, task, repeats=repeats, **params)["seconds"])
        theirs.append(timed(make, x, y, repeats, threads))
    a, b = (float(np.median([np.median(r) for r in rounds])) for rounds in (mine, theirs))
    best_a, best_b = (min(map(min, rounds)) for rounds in (mine, theirs))
    return {"ours_s": a, "theirs_s": b, "ratio": a / b, "ours_best_s": best_a, "theirs_best_s": best_b, "ratio_best": best_a / best_b,
            "their_threads": threads}


def regression_cases(n):
    """Tight and default fits. `select=fixed` makes alpha mean what it means there."""
    for alpha in (1.0, 100.0):
        yield "ridge", {"alpha": alpha}, lambda tol, a=alpha: Ridge(alpha=a)
    for share in (0.01, 0.1):
        yield "lasso", {"share": share}, lambda tol, a=None: Lasso(alpha=a, tol=tol, max_iter=1_000_000)
        yield "elastic_net", {"share": share}, lambda tol, a=None: ElasticNet(alpha=a, tol=tol, max_iter=1_000_000)


def run_regression(name, ours, x, y):
    y = y.to_numpy(float)
    largest = np.abs(x.T @ (y - y.mean()) - x.mean(axis=0) * (y - y.mean()).sum()).max() / len(y)
    rows = []
    for learner, setting, make in regression_cases(len(y)):
        if "share" in setting:
            # The strength as a share of that which makes the lasso empty.
            alpha = float(setting["share"] * largest)
            build = lambda tol, a=alpha, make=make: make(tol, a)  # noqa: E731
        else:
            alpha, build = setting["alpha"], make
        params = {"alpha": alpha, "select": "fixed"}
        forms, matrix = ours.forms(learner == "lasso")
        reference = build(1e-13).fit(x if matrix is None else matrix, y)
        for form in forms:
            tight = ours.fit(learner, "regression", form, **params, **({} if learner == "ridge" else {"tol": 1e-13}))
            rows.append({"set": name, "learner": learner, "setting": f"alpha={alpha:.4g}", "form": form,
                         **compare(tight, reference, 1)})
        rows[-1]["speed"] = speed(ours, learner, "regression", {**params, "tol": 1e-4}, lambda: build(1e-4), x, y)
        show(rows[-len(forms):])
    return rows


def run_classification(name, ours, x, y):
    y = pd.Categorical(y).codes.astype(int)
    classes = int(y.max()) + 1
    task = "binary" if classes == 2 else "multiclass"
    rows = []
    cases = [("l2", {"c": c}, dict(C=c, solver="newton-cholesky")) for c in (0.1, 1.0)]
    cases.append(("l2 balanced", {"c": 1.0, "class_weight": "balanced"},
                  dict(C=1.0, class_weight="balanced", solver="newton-cholesky")))
    if name in SAGA_SETS:
        cases.append(("l1", {"c": 0.1, "penalty": "l1"}, dict(C=0.1, l1_ratio=1.0, solver="saga")))
        cases.append(("elastic_net", {"c": 0.1, "penalty": "elastic_net", "l1_ratio": 0.5},
                      dict(C=0.1, l1_ratio=0.5, solver="saga")))
    for label, params, theirs in cases:
        tol = 1e-10 if theirs["solver"] == "saga" else 1e-12
        forms, matrix = ours.forms(label == "l1")
        reference = LogisticRegression(**theirs, tol=tol, max_iter=200_000).fit(x if matrix is None else matrix, y)
        for form in forms:
            tight = ours.fit("logistic_regression", task, form, **params, tol=1e-11, max_iter=200_000)
            rows.append({"set": name, "learner": "logistic_regression", "setting": f"{label}, C={params['c']}",
                         "form": form, **compare(tight, reference, classes)})
        fast = dict(theirs, solver="lbfgs" if theirs["solver"] != "saga" else "saga")
        make = lambda fast=fast: LogisticRegression(**fast, tol=1e-4, max_iter=10_000)  # noqa: E731
        rows[-1]["speed"] = speed(ours, "logistic_regression", task, {**params, "tol": 1e-4}, make, x, y)
        rows[-1]["speed"]["solver"] = fast["solver"]
        show(rows[-len(forms):])
    return rows


def show(rows):
    for row in rows:
        line = f"{row['set']:20} {row['learner']:20} {row['setting']:24} {row['form']:7} {row['with_intercept']:.1e}"
        if "speed" in row:
            line += f"  {row['speed']['ours_s'] * 1e3:9.2f} ms {row['speed']['theirs_s'] * 1e3:9.2f} ms  x{row['speed']['ratio']:.3f} (best {row['speed']['ratio_best']:.3f})"
        print(line, flush=True)


def report(rows, path):
    speeds = [row for row in rows if "speed" in row]
    worst = max(row["with_intercept"] for row in rows)
    lines = [
        "# Linear learners against scikit-learn",
        "",
        f"Made by `benches/parity/linear/run.py`: scikit-learn {sklearn.__version__}, NumPy {np.__version__}, "
        f"{platform.machine()}, our {THREADS} threads "
        f"against the better of one and {THREADS}, medians of {ROUNDS} interleaved rounds on a machine shared with builds.",
        "",
        f"Largest difference of any coefficient or intercept, as a share of the largest: **{worst:.1e}** over {len(rows)} fits "
        "(bar: 1e-4). `codes`: categories as codes, one-hot never written out; `matrix`: the one-hot matrix itself; "
        "`dropped`: without the first level of each category, where a penalty that is all absolute has many minima otherwise.",
        "",
        "| set | learner | setting | form | difference |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {r['set']} | {r['learner']} | {r['setting']} | {r['form']} | {r['with_intercept']:.1e} |" for r in rows]
    lines += ["", "Fit times at `tol = 1e-4` (ours from codes, theirs from the dense one-hot matrix; logistic regression against "
              "`lbfgs`, absolute penalties against `saga`):", "",
              "| set | learner | setting | ours ms | scikit-learn ms | ratio | ratio of the fastest fits |", "|---|---|---|---|---|---|---|"]
    for r in speeds:
        s = r["speed"]
        lines.append(f"| {r['set']} | {r['learner']} | {r['setting']} | {s['ours_s'] * 1e3:.2f} | {s['theirs_s'] * 1e3:.2f} | {s['ratio']:.3f} | {s['ratio_best']:.3f} |")
    with open(path, "w", newline="\n") as out:
        out.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--only", default="", help="comma-separated sets; then nothing is written")
    options = parser.parse_args()
    with open(os.path.join(options.data, "index.json")) as file:
        targets = {entry["name"]: entry["target"] for entry in json.load(file)}
    only = options.only.split(",") if options.only else REGRESSIONS + BINARIES + MULTICLASSES
    rows = []
    threadpool_limits(1)
    for name in only:
        numbers, codes, y = load(options.data, name, targets[name])
        x = one_hot(numbers, codes)
        with tempfile.TemporaryDirectory() as folder:
            coded = y if name in REGRESSIONS else pd.Categorical(y).codes
            ours = Ours(options.binary, folder, numbers, codes, x, coded)
            rows += (run_regression if name in REGRESSIONS else run_classification)(name, ours, x, y)
    if not options.only:
        with open(os.path.join(HERE, "report.json"), "w", newline="\n") as out:
            json.dump({"scikit_learn": sklearn.__version__, "threads": THREADS, "rounds": ROUNDS, "fits": rows}, out, indent=1)
            out.write("\n")
        report(rows, os.path.join(HERE, "report.md"))


if __name__ == "__main__":
    main()
