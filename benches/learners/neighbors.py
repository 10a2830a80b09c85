#!/usr/bin/env python3
"""Searches for nearest neighbours in large generated tables: exactly and by a graph, beside scikit-learn and hnswlib.

Tables: `hidden` has rows around fifty centres in ten dimensions, spread over all columns with noise, as real tables have fewer
dimensions than columns; `cube` has independent normal columns, the hardest case. Ten neighbours answer 2,000 rows.

kolosal: `algorithm=brute` and `algorithm=hnsw`, times as the command line gives them, so answering includes reading the
distances into answers; its recall is that of 256 training rows, left out of their own answers, as the fit measures it. scikit-learn:
`NearestNeighbors(algorithm="brute")`. hnswlib: M=16, ef_construction=128, `ef` doubled from 32 until 99 % of the true neighbours of
the asked rows are found, or 1024; single precision.
"""

import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import harness

# Name, rows, columns.
TABLES = [("hidden", 50_000, 20), ("hidden", 100_000, 50), ("hidden", 250_000, 20), ("cube", 100_000, 24)]
ASKED = 2000
NEIGHBORS = 10


def write(kind, rows, columns, place):
    """Writes the two parts of a generated table."""
    import numpy
    import pandas

    rng = numpy.random.default_rng(7)
    count = rows + ASKED
    if kind == "hidden":
        spread = rng.normal(size=(10, columns))
        centres = 2 * rng.normal(size=(50, 10))
        hidden = centres[rng.integers(0, 50, count)] + rng.normal(size=(count, 10))
        numbers = hidden @ spread + 0.5 * rng.normal(size=(count, columns))
    else:
        numbers = hidden = rng.normal(size=(count, columns))
    numbers = (numbers - numbers.mean(0)) / numbers.std(0)
    frame = pandas.DataFrame(numbers.round(5), columns=[f"x{j}" for j in range(columns)])
    frame["y"] = (numpy.sin(hidden[:, 0]) + 0.3 * hidden[:, 1] + 0.1 * rng.normal(size=count)).round(5)
    for part, file in zip((frame[:rows], frame[rows:]), place):
        part.to_csv(file, index=False)


def ours(given, files, algorithm):
    """A contender: our learner."""
    words = ["--set", f"algorithm={algorithm}", "--set", f"n_neighbors={NEIGHBORS}", "--threads", given.threads, "--json"]
    command = [given.kolosal, "--quiet", "fit", "neighbors", files[0], "--target", "y", "--valid", files[1], *words]

    def measure(seed):
        done = harness.run([*command, "--seed", seed], given.threads)
        said = done.json()
        return {
            "fit_s": said["fit_s"],
            "answer_s": said["predict_s"],
            "recall": said.get("facts", {}).get("recall", 1.0),
            "peak_rss_bytes": done.peak_rss_bytes,
        }

    return measure


def peer(given, files, name):
    """A contender: this script in a process of its own."""

    def measure(_):
        done = harness.run([sys.executable, HERE / "neighbors.py", name, *files, given.threads], given.threads)
        return done.json() | {"peak_rss_bytes": done.peak_rss_bytes}

    return measure


def search(name, train, test, threads):
    """Fits and asks a peer, and prints its figures."""
    import numpy
    import pandas
    from sklearn.neighbors import NearestNeighbors

    known, asked = (pandas.read_csv(file).drop(columns="y").to_numpy() for file in (train, test))
    start = time.perf_counter()
    exact = NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute", n_jobs=threads).fit(known)
    fitted = time.perf_counter()
    truth = exact.kneighbors(asked, return_distance=False)
    figures = {"fit_s": fitted - start, "answer_s": time.perf_counter() - fitted, "recall": 1.0}
    if name == "hnswlib":
        import hnswlib

        known, asked = known.astype(numpy.float32), asked.astype(numpy.float32)
        start = time.perf_counter()
        graph = hnswlib.Index("l2", known.shape[1])
        graph.init_index(len(known), M=16, ef_construction=128, random_seed=1)
        graph.set_num_threads(threads)
        graph.add_items(known)
        figures["fit_s"] = time.perf_counter() - start
        breadth = 32
        while True:
            graph.set_ef(breadth)
            start = time.perf_counter()
            found, _ = graph.knn_query(asked, NEIGHBORS)
            figures["answer_s"] = time.perf_counter() - start
            hits = sum(len(set(a) & set(b)) for a, b in zip(found.tolist(), truth.tolist()))
            figures["recall"] = hits / truth.size
            if figures["recall"] >= 0.99 or breadth >= 1024:
                break
            breadth *= 2
    print(json.dumps(figures))


def report(given, versions):
    """Measures all tables and writes the report."""
    rows, figures = [], {}
    given.scratch.mkdir(parents=True, exist_ok=True)
    for kind, count, columns in TABLES:
        title = f"{kind}, {count:,} × {columns}"
        files = [(given.scratch / f"near.{kind}.{count}.{columns}.{part}.csv").resolve() for part in ("train", "test")]
        if not all(file.exists() for file in files):
            write(kind, count, columns, files)
        contenders = {f"kolosal {algorithm}": ours(given, files, algorithm) for algorithm in ("brute", "hnsw")}
        contenders |= {"scikit-learn brute": peer(given, files, "scikit-learn"), "hnswlib": peer(given, files, "hnswlib")}
        figures[title] = measured = harness.interleave(contenders, min(given.rounds, 2))
        for name, rounds in measured.items():
            best = {key: min(figure[key] for figure in rounds) for key in ("fit_s", "answer_s")}
            peak = harness.mib(harness.median(rounds, "peak_rss_bytes"))
            a_row = f"{best['answer_s'] / ASKED * 1e3:.3f}"
            rows.append([title, name, f"{best['fit_s']:.2f}", a_row, f"{harness.median(rounds, 'recall'):.4f}", peak])
    header = ["table", "by", "fit s", "answer a row, ms", "recall", "peak MiB"]
    body = f"{__doc__.split(chr(10), 2)[2].strip()}\n\nTimes are the best of the rounds.\n\n{harness.table(header, rows)}"
    versions = [*versions, *harness.installed("scikit-learn", "hnswlib", "numpy"), f"{given.threads} threads"]
    harness.write_report(HERE, "Neighbours in large tables", body, figures, versions, "report-neighbors")


if __name__ == "__main__":
    search(*sys.argv[1:4], int(sys.argv[4]))
