#!/usr/bin/env python3
"""Fits forests, linear and classical learners beside scikit-learn, on real tables.

Both sides get the same rows, threads and parameters, and each fit has a process of its own. Round n uses seed n.

Forest: 100 trees, scikit-learn's defaults (`max_features` sqrt for classes, 1.0 for numbers), unlimited depth.
Logistic regression: L2 with C=1, tolerance 1e-4, at most 1000 iterations; scikit-learn with lbfgs.

Gaussian naive Bayes: no weights, smoothing 1e-9. Neighbours: k=5, uniform, both sides choose how to search.
Linear support vector machine: C=1, squared hinge, dual=False, several classes one against the rest, no probabilities.
Support vector machine with the RBF kernel: C=1, gamma="scale", tolerance 1e-3, no probabilities; of a number, on the
standardised target, epsilon 0.1. Both sides may keep 200 MB of kernel rows.
Gaussian process: RBF with a length a column, noise, standardised target, no restarts; the first 2000 rows of the table, in
one round.

Clusterings and strange rows (`unlabelled.py`): both sides get the table's numbers without the target and standardise them; the
times are those of standardising and fitting (kolosal: of the fit), as the table is read before. k-means: the target's number of
groups, ten k-means++ starts, tolerance 1e-4. DBSCAN: eps 0.5, five rows. HDBSCAN: groups of at least 15 rows. Hierarchical: Ward.
Mixtures: full covariances, ten or five curves, one start from k-means, tolerance 1e-3. Isolation forest: 100 trees of 256 rows. Local
outlier factor: 20 neighbours. `agreement` is the adjusted Rand index of the two sides' groups or the rank correlation of their
scores; the metric is the sum of squares, the mean log likelihood, or the area under the curve of the scores for the rarer class.

Encoding for scikit-learn (`fit.py`): the forest gets ordinal codes for text columns and numbers as they are, missing values
included; logistic regression gets standardised numbers with the median for missing ones, and one-hot text columns with
missing as a level; the others get standardised numbers (these tables have no text). kolosal is given the CSV and encodes by itself.

Training seconds are encoding plus fit (kolosal: binning plus fit); reading the file is not counted on either side. Answering
seconds are those for the test rows, encoding included.
"""

import dataclasses
import json
import os
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import harness
import neighbors

# Table, target, metric.
ADULT = ("adult", "income", "log_loss")
HOUSING = ("california_housing", "median_house_value", "rmse")
LETTERS = ("letter", "lettr", "accuracy")
NUMBERS = ("concrete", "compressive_strength", "rmse")
MASSES = ("mammography", "target", "accuracy")


@dataclasses.dataclass
class Case:
    """A learner, as both sides call it, on a table."""

    title: str
    table: tuple
    ours: str
    ours_parameters: list
    peer: str
    rows: int | None = None  # only the first so many training rows
    rounds_max: int = 100


CASES = [
    Case("random forest", ADULT, "random_forest", ["n_estimators=100", "oob_score=false"], "forest"),
    Case("random forest", HOUSING, "random_forest", ["n_estimators=100", "oob_score=false"], "forest"),
    Case("logistic regression", ADULT, "logistic_regression", ["C=1", "tol=1e-4", "max_iter=1000"], "logistic"),
    Case("naive Bayes", LETTERS, "naive_bayes", ["form=gaussian"], "naive_bayes"),
    Case("naive Bayes", MASSES, "naive_bayes", ["form=gaussian"], "naive_bayes"),
    Case("neighbours", LETTERS, "neighbors", ["n_neighbors=5"], "neighbors"),
    Case("neighbours", MASSES, "neighbors", ["n_neighbors=5"], "neighbors"),
    Case("neighbours", NUMBERS, "neighbors", ["n_neighbors=5", "metric=euclidean"], "neighbors"),
    Case("linear SVM", LETTERS, "linear_svm", ["C=1", "calibration=none"], "linear_svm"),
    Case("linear SVM", MASSES, "linear_svm", ["C=1", "calibration=none"], "linear_svm"),
    Case("RBF SVM", LETTERS, "rbf_svm", ["C=1", "calibration=none"], "rbf_svm"),
    Case("RBF SVM", MASSES, "rbf_svm", ["C=1", "calibration=none"], "rbf_svm"),
    Case("RBF SVM", NUMBERS, "rbf_svm", ["C=1"], "rbf_svm"),
    Case("Gaussian process", HOUSING, "gaussian_process", ["optimize_rows=2000"], "gaussian_process", rows=2000, rounds_max=1),
]


@dataclasses.dataclass
class Unlabelled:
    """A learner without a target on a table, whose target is left out."""

    title: str
    table: tuple
    ours: str
    parameters: dict
    metric: str
    rows: int | None = None


WITHOUT_TARGET = [
    Unlabelled("k-means", ("letter", "lettr"), "kmeans", {"n_clusters": 26, "n_init": 10}, "inertia"),
    Unlabelled("k-means", ("mammography", "target"), "kmeans", {"n_clusters": 8, "n_init": 10}, "inertia"),
    Unlabelled("DBSCAN", ("mammography", "target"), "dbscan", {"eps": 0.5, "min_samples": 5}, "agreement"),
    Unlabelled("DBSCAN", ("letter", "lettr"), "dbscan", {"eps": 1.5, "min_samples": 5}, "agreement"),
    Unlabelled("HDBSCAN", ("mammography", "target"), "hdbscan", {"min_cluster_size": 15}, "agreement"),
    Unlabelled("hierarchical", ("letter", "lettr"), "hierarchical", {"n_clusters": 26}, "agreement", rows=8000),
    Unlabelled("Gaussian mixture", ("letter", "lettr"), "gaussian_mixture", {"n_components": 10}, "mean_log_likelihood"),
    Unlabelled("Gaussian mixture", ("mammography", "target"), "gaussian_mixture", {"n_components": 5}, "mean_log_likelihood"),
    Unlabelled("isolation forest", ("mammography", "target"), "isolation", {}, "auc"),
    Unlabelled("local outlier factor", ("mammography", "target"), "local_outlier", {"n_neighbors": 20}, "auc"),
]


def find(folder, table, part):
    """The file of a table, compressed or not."""
    for ending in (".csv", ".csv.gz"):
        place = folder / f"{table}.{part}{ending}"
        if place.exists():
            return place
    return sys.exit(f"{folder} has no {table}.{part}.csv or .csv.gz")


def shortened(given, case, file):
    """The table, or a file of its first rows where the case wants no more."""
    if case.rows is None:
        return file
    given.scratch.mkdir(parents=True, exist_ok=True)
    short = given.scratch / f"{case.table[0]}.{case.rows}.csv"
    with open(file, encoding="utf-8") as lines:
        short.write_text("".join(line for _, line in zip(range(case.rows + 1), lines)), encoding="utf-8")
    return short.resolve()


def ours(given, case, files):
    """A contender: our learner."""
    _, target, metric = case.table
    sets = [word for parameter in case.ours_parameters for word in ("--set", parameter)]
    command = [given.kolosal, "fit", case.ours, files[0], "--target", target, "--valid", files[1], *sets]

    def measure(seed):
        done = harness.run([*command, "--threads", given.threads, "--seed", seed, "--json"], given.threads)
        said = done.json()
        return {
            "prepare_s": said["bin_s"],
            "fit_s": said["fit_s"],
            "load_s": said["load_s"],
            "answer_s": said["predict_s"],
            metric: said["metrics"][metric],
            "peak_rss_bytes": done.peak_rss_bytes,
        } | said.get("facts", {})

    return measure


def peer(given, case, files):
    """A contender: scikit-learn's learner."""
    _, target, metric = case.table

    def measure(seed):
        command = [sys.executable, HERE / "fit.py", case.peer, *files, target, metric, seed, given.threads]
        done = harness.run(command, given.threads)
        return done.json() | {"peak_rss_bytes": done.peak_rss_bytes}

    return measure


def without_target(given, case, file):
    """Both sides on one table: the kolosal side fits, predicts the rows it was fitted on, and the peer compares."""
    table, target = case.table
    places = {name: (given.scratch / f"{case.ours}.{table}.{name}").resolve() for name in ("kolosal", "csv")}
    sets = [word for name, value in case.parameters.items() for word in ("--set", f"{name}={value}")]
    parameters = json.dumps(case.parameters)

    def ours(seed):
        command = [given.kolosal, "fit", case.ours, file, "--ignore", target, *sets, "--threads", given.threads]
        done = harness.run([*command, "--seed", seed, "--output", places["kolosal"], "--json"], given.threads)
        said = done.json()
        harness.run([given.kolosal, "predict", places["kolosal"], file, "--output", places["csv"]], given.threads)
        judge = [sys.executable, HERE / "unlabelled.py", "judge", case.ours, file, target, places["csv"]]
        figures = {"fit_s": said["fit_s"], "peak_rss_bytes": done.peak_rss_bytes}
        return figures | said.get("facts", {}) | harness.run(judge, given.threads).json()

    def peer(seed):
        command = [sys.executable, HERE / "unlabelled.py", "fit", case.ours, file, target, places["csv"], parameters, seed, given.threads]
        done = harness.run(command, given.threads)
        return done.json() | {"peak_rss_bytes": done.peak_rss_bytes}

    return {"kolosal": ours, "scikit-learn": peer}


def rows_without_target(case, measured):
    """Two rows of the second table of the report."""
    rows = []
    base = harness.median(measured["scikit-learn"], "fit_s")
    agreement = statistics.median(figures["agreement"] for figures in measured["scikit-learn"])
    for name, rounds in measured.items():
        seconds = harness.median(rounds, "fit_s")
        figure = "" if case.metric == "agreement" else f"{statistics.median(r[case.metric] for r in rounds):.6g}"
        peak = harness.mib(harness.median(rounds, "peak_rss_bytes"))
        rows.append([case.title, case.table[0], name, f"{seconds:.3f}", f"{seconds / base:.2f}", case.metric, figure, f"{agreement:.4f}", peak])
    return rows


def rows_of(case, measured):
    """Two rows of the report: ours, then the peer."""
    table, _, metric = case.table
    seconds = {
        name: harness.median([{"s": r["prepare_s"] + r["fit_s"]} for r in rounds], "s") for name, rounds in measured.items()
    }
    answers = {name: harness.median(rounds, "answer_s") for name, rounds in measured.items()}
    rows = []
    for name, rounds in measured.items():
        mean, error = harness.mean_and_error([r[metric] for r in rounds])
        likelihoods = [r["log_marginal_likelihood"] for r in rounds if "log_marginal_likelihood" in r]
        likelihood = f"; log marginal likelihood {statistics.fmean(likelihoods):.2f}" if likelihoods else ""
        rows.append(
            [
                case.title,
                table,
                name,
                f"{harness.median(rounds, 'prepare_s'):.3f}",
                f"{harness.median(rounds, 'fit_s'):.3f}",
                f"{seconds[name] / seconds['scikit-learn']:.2f}",
                f"{answers[name]:.3f}",
                f"{answers[name] / answers['scikit-learn']:.2f}",
                metric,
                f"{mean:.6g} ± {error:.2g}{likelihood}",
                harness.mib(harness.median(rounds, "peak_rss_bytes")),
            ]
        )
    return rows


def with_targets(given):
    """Figures behind the first report."""
    figures = {}
    for case in wanted(given, CASES):
        files = [find(given.data, case.table[0], part).resolve() for part in ("train", "test")]
        files[0] = shortened(given, case, files[0])
        contenders = {"kolosal": ours(given, case, files), "scikit-learn": peer(given, case, files)}
        figures[name_of(case)] = harness.interleave(contenders, min(given.rounds, case.rounds_max))
    return figures


def without_targets(given):
    """Figures behind the second report."""
    figures = {}
    for case in wanted(given, WITHOUT_TARGET):
        file = shortened(given, case, find(given.data, case.table[0], "train").resolve())
        given.scratch.mkdir(parents=True, exist_ok=True)
        measured = {"kolosal": [], "scikit-learn": []}
        sides = without_target(given, case, file)
        for number in range(given.rounds):
            # Ours first: the peer compares its answers with the file that ours leaves.
            for name, side in sides.items():
                measured[name].append(side(number))
        figures[name_of(case)] = measured
    return figures


def wanted(given, cases):
    """The cases that are asked for."""
    return [case for case in cases if given.only in (None, case.title)]


def name_of(case):
    """What a case is called among the figures."""
    return f"{case.title}, {case.table[0]}"


def merged(name, cases, figures):
    """The figures of earlier runs, those of this run in their places, in the order of the cases."""
    file = HERE / f"{name}.json"
    earlier = json.loads(file.read_text(encoding="utf-8"))["figures"] if file.exists() else {}
    names = [name_of(case) for case in cases]
    return {name: (earlier | figures)[name] for name in names if name in earlier or name in figures}


def main():
    parser = harness.arguments(__doc__, rounds=5)
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("KOLOSAL_BENCH_DATA"), help="folder of the tables")
    parser.add_argument("--only", help="only the cases whose learner has this title; the other rows of the report stay as they are")
    parser.add_argument("--part", choices=["all", "targets", "groups", "neighbors"], default="all", help="learners with a target, those without, neighbours of large tables, or all")
    given = parser.parse_args()
    if given.data is None:
        tables = sorted({case.table[0] for case in CASES + WITHOUT_TARGET})
        names = " and ".join(f"{table}.train.csv, {table}.test.csv" for table in tables)
        sys.exit(f"no tables: give --data FOLDER or set KOLOSAL_BENCH_DATA to a folder with {names} (.csv.gz will do)")
    first = ["learner", "table", "by", "encode or bin s", "fit s", "time ratio", "answer s", "answer ratio", "metric", "test, mean ± s.e.", "peak MiB"]
    second = ["learner", "table", "by", "fit s", "time ratio", "metric", "value", "agreement", "peak MiB"]
    about = __doc__.split(chr(10), 2)[2].strip()
    versions = [harness.version_of(given.kolosal), *harness.installed("scikit-learn", "numpy"), f"{given.threads} threads"]
    parts = [
        ("targets", CASES, with_targets, rows_of, first, "Learners beside scikit-learn", "report"),
        ("groups", WITHOUT_TARGET, without_targets, rows_without_target, second, "Groups and strange rows beside scikit-learn", "report-groups"),
    ]
    for part, cases, measure, lines, header, title, name in parts:
        if given.part not in ("all", part) or not wanted(given, cases):
            continue
        figures = measure(given)
        if given.only:
            figures = merged(name, cases, figures)
        rows = [row for case in cases if name_of(case) in figures for row in lines(case, figures[name_of(case)])]
        harness.write_report(HERE, title, f"{about}\n\n{harness.table(header, rows)}", figures, versions, name)
    if given.part in ("all", "neighbors") and given.only is None:
        neighbors.report(given, versions[:1])


if __name__ == "__main__":
    main()
