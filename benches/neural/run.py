#!/usr/bin/env python3
"""Trains the perceptron beside RealMLP-TD of pytabkit, and times an epoch beside PyTorch.

Both sides get the same training and test rows, threads and number of epochs (256, the default of both), choose the best epoch on a
fifth of the training rows of their own, and each fit has a process of its own. Round n uses seed n. For classes the peer goes
without label smoothing and chooses by cross entropy, as its authors advise where probabilities count; for numbers all its
settings are defaults. The peer gets text columns as categories and medians for missing numbers; kolosal is given the CSV.

`fit s` is the time of the fit alone; `processor s` that of all threads of the whole process, which a busy machine changes less.
The bag is one training of eight folds and their blend with this learner alone, against eight fits of the peer.

An epoch: two layers of 256 units with rectifiers on 100,000 rows of 50 columns in mini-batches of 256; PyTorch with fused AdamW.
"""

import os
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import harness

# Table, target, sort of target, metrics.
TABLES = [
    ("concrete", "compressive_strength", "numbers", ["rmse"]),
    ("california_housing", "median_house_value", "numbers", ["rmse"]),
    ("beijing_pm25", "pm2.5", "numbers", ["rmse"]),
    ("letter", "lettr", "classes", ["log_loss", "accuracy"]),
    ("adult", "income", "classes", ["log_loss", "accuracy"]),
]
EPOCH_ROWS, EPOCH_COLUMNS, EPOCHS = 100_000, 50, 5


def find(folder, table, part):
    """The file of a table, compressed or not."""
    for ending in (".csv", ".csv.gz"):
        place = folder / f"{table}.{part}{ending}"
        if place.exists():
            return place.resolve()
    return sys.exit(f"{folder} has no {table}.{part}.csv or .csv.gz")


def ours(given, table, files):
    """A contender: our perceptron."""
    _, target, _, metrics = table
    command = [given.kolosal, "fit", "mlp", files[0], "--target", target, "--valid", files[1], "--set", "validation_fraction=0.2"]

    def measure(seed):
        done = harness.run([*command, "--threads", given.threads, "--seed", seed, "--json"], given.threads)
        said = done.json()
        figures = {"fit_s": said["fit_s"], "cpu_s": done.cpu_s, "peak_rss_bytes": done.peak_rss_bytes}
        return figures | {metric: said["metrics"][metric] for metric in metrics}

    return measure


def peer(given, table, files):
    """A contender: RealMLP-TD."""
    _, target, task, metrics = table

    def measure(seed):
        command = [sys.executable, HERE / "peer.py", "realmlp", *files, target, task, seed, given.threads]
        done = harness.run(command, given.threads)
        said = done.json()
        figures = {"fit_s": said["fit_s"], "cpu_s": done.cpu_s, "peak_rss_bytes": done.peak_rss_bytes}
        return figures | {metric: said["metrics"][metric] for metric in metrics}

    return measure


def rows_of(table, measured):
    """Rows of the report: for each metric ours, then the peer's."""
    rows = []
    base = harness.median(measured["pytabkit"], "cpu_s")
    for metric in table[3]:
        for name, rounds in measured.items():
            mean, error = harness.mean_and_error([figures[metric] for figures in rounds])
            cpu_s = harness.median(rounds, "cpu_s")
            rows.append(
                [
                    table[0],
                    name,
                    metric,
                    f"{mean:.6g} ± {error:.2g}",
                    len(rounds),
                    f"{harness.median(rounds, 'fit_s'):.1f}",
                    f"{cpu_s:.1f}",
                    f"{cpu_s / base:.2f}",
                    harness.mib(harness.median(rounds, "peak_rss_bytes")),
                ]
            )
    return rows


def epoch_table(given):
    """A table of normal numbers and a class."""
    given.scratch.mkdir(parents=True, exist_ok=True)
    place = given.scratch / f"epoch.{EPOCH_ROWS}.{EPOCH_COLUMNS}.csv"
    if not place.exists():
        draw = random.Random(0)
        with open(place, "w", encoding="utf-8") as file:
            file.write(",".join([f"x{at}" for at in range(EPOCH_COLUMNS)] + ["y"]) + "\n")
            for _ in range(EPOCH_ROWS):
                line = [f"{draw.gauss(0, 1):.5f}" for _ in range(EPOCH_COLUMNS)]
                file.write(",".join([*line, draw.choice(["no", "yes"])]) + "\n")
    return place.resolve()


def epochs(given):
    """Seconds of an epoch of either side, each the median of the rounds."""
    file = epoch_table(given)
    plain = ["n_hidden_layers=2", "activation=relu", "parametric_activation=false", "dropout=0", "num_embedding=none"]
    sets = [word for setting in [*plain, "validation_fraction=0"] for word in ("--set", setting)]

    def fit(count, seed):
        command = [given.kolosal, "fit", "mlp", file, "--target", "y", *sets, "--set", f"n_epochs={count}"]
        done = harness.run([*command, "--threads", given.threads, "--seed", seed, "--json"], given.threads)
        return {"epoch_s": done.json()["fit_s"], "cpu_s": done.cpu_s}

    def our_epoch(seed):
        short, long = fit(1, seed), fit(1 + EPOCHS, seed)
        return {name: (long[name] - short[name]) / EPOCHS for name in short}

    def peers_epoch(_):
        command = [sys.executable, HERE / "peer.py", "epoch", EPOCH_ROWS, EPOCH_COLUMNS, given.threads]
        return harness.run(command, given.threads).json()

    return harness.interleave({"kolosal": our_epoch, "PyTorch": peers_epoch}, given.rounds)


def bag(given):
    """Seconds and memory of a bag of eight folds on the largest table."""
    file = find(given.data, "adult", "train")
    output = (given.scratch / "bag.kolosal").resolve()
    command = [given.kolosal, "train", file, "--target", "income", "--learners", "mlp", "--preset", "balanced", "--json"]
    done = harness.run([*command, "--threads", given.threads, "--output", output], given.threads)
    return {"wall_s": done.wall_s, "cpu_s": done.cpu_s, "peak_rss_bytes": done.peak_rss_bytes}


def main():
    parser = harness.arguments(__doc__, rounds=5)
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get("KOLOSAL_BENCH_DATA"), help="folder of the tables")
    parser.add_argument("--tables", help="only these tables, with commas between them")
    given = parser.parse_args()
    if given.data is None:
        sys.exit("no tables: give --data FOLDER or set KOLOSAL_BENCH_DATA to a folder with TABLE.train.csv and TABLE.test.csv")
    chosen = given.tables.split(",") if given.tables else [table[0] for table in TABLES]
    header = ["table", "by", "metric", "test, mean ± s.e.", "seeds", "fit s", "processor s", "ratio", "peak MiB"]
    rows, figures = [], {}
    for table in TABLES:
        if table[0] not in chosen:
            continue
        files = [find(given.data, table[0], part) for part in ("train", "test")]
        measured = harness.interleave({"kolosal": ours(given, table, files), "pytabkit": peer(given, table, files)}, given.rounds)
        figures[table[0]] = measured
        rows += rows_of(table, measured)
    figures["epoch"] = epochs(given)
    seconds = {name: harness.median(rounds, "epoch_s") for name, rounds in figures["epoch"].items()}
    processor = {name: harness.median(rounds, "cpu_s") for name, rounds in figures["epoch"].items()}
    of_epoch = [
        [name, f"{s:.3f}", f"{s / seconds['PyTorch']:.2f}", f"{processor[name]:.3f}", f"{processor[name] / processor['PyTorch']:.2f}"]
        for name, s in seconds.items()
    ]
    about = __doc__.split(chr(10), 2)[2].strip()
    body = f"{about}\n\n{harness.table(header, rows)}\n\n{harness.table(['an epoch by', 'seconds', 'ratio', 'processor s', 'ratio'], of_epoch)}"
    if "adult" in chosen:
        figures["bag"] = bag(given)
        peak = harness.mib(figures["bag"]["peak_rss_bytes"])
        body += f"\n\nA bag of eight folds on adult: {figures['bag']['wall_s']:.0f} s, peak {peak} MiB."
    versions = [harness.version_of(given.kolosal), *harness.installed("pytabkit", "torch"), f"{given.threads} threads"]
    harness.write_report(HERE, "The perceptron beside RealMLP-TD and PyTorch", body, figures, versions)


if __name__ == "__main__":
    main()
