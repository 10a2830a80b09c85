#!/usr/bin/env python3
"""Trains `kolosal train` beside AutoGluon, FLAML and LightGBM's defaults within equal wall time.

Every system gets the training file, the name of the target, the task, the metric and a number of seconds, on the same threads,
in a process of its own; it then answers the test file without the answers. Scores are computed here, the same way for all:
AUC for two classes, log-loss for several, root mean squared error for numbers. The mean rank is over tables, ties sharing.

Training seconds are those of the fit; importing Python packages is not counted, reading the file is counted for kolosal
alone. Peak memory is the largest resident size of the system's processes together. `--budget`, `--rounds` (a seed each), `--system`
and `--table` choose what is run; figures of other runs stay in the report.
"""

import json
import math
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import harness
import scores

SYSTEMS = ["kolosal", "autogluon_best", "autogluon_medium", "flaml", "lightgbm"]
INTRODUCTION = """Each system gets the training file, the target, the task, the metric and the seconds, on two threads, in a process of its
own. AUC: more is better; log-loss and RMSE: less is better. `none`: it failed or gave no answer. Overrun: seconds of the training
beyond its limit. Row: the median time of one row through the fitted model in process (Python, for the others).

"""
TASKS = ("binary", "multiclass", "regression")
# A system that is not done after so many times its budget and so many more seconds is ended.
HARD = (3, 120)


def main():
    parser = harness.arguments(__doc__, 1)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder with index.json and the tables it names")
    parser.add_argument("--budget", type=float, default=60, help="seconds a training")
    parser.add_argument("--system", action="append", choices=SYSTEMS, help="may be repeated [default: all]")
    parser.add_argument("--table", action="append", help="may be repeated [default: all]")
    chosen = parser.parse_args()
    index = json.loads((chosen.data / "index.json").read_text(encoding="utf-8"))
    tables = [table for table in index if table["task"] in TASKS and (not chosen.table or table["name"] in chosen.table)]
    place = HERE / "report.json"
    figures = json.loads(place.read_text(encoding="utf-8"))["figures"] if place.exists() else []
    for seed in range(chosen.rounds):
        for table in tables:
            for system in chosen.system or SYSTEMS:
                figure = measure(system, table, seed, chosen)
                key = ("system", "table", "budget_s", "seed")
                figures = [old for old in figures if any(old[k] != figure[k] for k in key)] + [figure]
                print(harness.brief({k: v for k, v in figure.items() if v is not None}), file=sys.stderr)
                place.write_text(json.dumps({"figures": figures}, indent=1) + "\n", encoding="utf-8")
    report(figures, chosen.kolosal)


def measure(system, table, seed, chosen):
    """One training, its answers and what they are worth."""
    work = chosen.scratch / "automl" / f"{system}-{table['name']}-{seed}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    test = scores.without_target(chosen.data / table["test_file"], table["target"], work / "test.csv")
    job = {
        "system": system, "task": table["task"], "target": table["target"], "budget": chosen.budget, "seed": seed,
        "threads": chosen.threads, "train": str(chosen.data / table["train_file"]), "test": str(test), "work": str(work),
    }  # fmt: skip
    if system == "kolosal":
        finished = run_kolosal(job, chosen.kolosal)
    else:
        (work / "job.json").write_text(json.dumps(job), encoding="utf-8")
        finished = run_watched([sys.executable, HERE / "peer.py", work / "job.json"], job)
    figure = {
        "system": system, "table": table["name"], "task": table["task"], "budget_s": chosen.budget, "seed": seed,
        "score": None, "train_s": None, "model_mb": None, "row_ms": None, "peak_mib": finished["peak_mib"], "problem": finished["problem"],
    }  # fmt: skip
    if finished["problem"] is None:
        told = json.loads((work / "told.json").read_text(encoding="utf-8"))
        answers = work / "answers.csv"
        figure["score"] = scores.score(table["task"], table["target"], chosen.data / table["test_file"], answers)
        figure |= {key: told[key] for key in ("train_s", "model_mb", "row_ms")}
    shutil.rmtree(work, ignore_errors=True)
    return figure


def run_kolosal(job, kolosal):
    """The command line, as a user would type it."""
    work = pathlib.Path(job["work"])
    model = work / "model.kolosal"
    train = [
        kolosal, "train", job["train"], "--target", job["target"], "--task", job["task"], "--time-limit",
        f"{job['budget']:g}s", "--threads", job["threads"], "--seed", job["seed"], "--output", model, "--json",
    ]  # fmt: skip
    start = time.perf_counter()
    finished = run_watched(train, job)
    train_s = time.perf_counter() - start
    if finished["problem"] is None:
        harness.run([kolosal, "predict", model, job["test"], "--output", work / "answers.csv"], job["threads"])
        said = json.loads((work / "said.txt").read_text(encoding="utf-8"))
        told = {"train_s": train_s, "model_mb": model.stat().st_size / 1e6, "row_ms": said["row_s"] * 1e3}
        (work / "told.json").write_text(json.dumps(told), encoding="utf-8")
    return finished


def run_watched(command, job):
    """Runs a command to its end or its hard limit, and samples the memory of its processes."""
    words = [str(word) for word in command]
    log, said = (pathlib.Path(job["work"]) / name for name in ("log.txt", "said.txt"))
    with log.open("w", encoding="utf-8") as err, said.open("w", encoding="utf-8") as out:
        child = subprocess.Popen(
            words, stdout=out, stderr=err, env=harness.environment(job["threads"]), start_new_session=True
        )
    watch = Watch(child.pid)
    try:
        code = child.wait(timeout=job["budget"] * HARD[0] + HARD[1])
        problem = None if code == 0 else f"exit code {code}: {log.read_text(encoding='utf-8').strip()[-200:]}"
    except subprocess.TimeoutExpired:
        problem = "it was not done long after its limit"
    finally:
        watch.end()
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
    return {"problem": problem, "peak_mib": watch.peak / 2**20}


class Watch(threading.Thread):
    """Samples the resident bytes of a process and all below it."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.is_over = pid, 0, threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(0.1):
            self.peak = max(self.peak, resident_of_session(self.pid))

    def end(self):
        self.is_over.set()
        self.join()


def resident_of_session(session):
    """Resident bytes of the processes of a session."""
    total = 0
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[3]) == session:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total


def report(figures, kolosal):
    """A table of scores for each budget, with the mean rank and the worst overrun of each system."""
    parts = []
    for budget in sorted({figure["budget_s"] for figure in figures}):
        parts.append(f"## {budget:g} seconds\n\n{board([f for f in figures if f['budget_s'] == budget], budget)}")
    packages = harness.installed("autogluon.tabular", "flaml", "lightgbm")
    versions = [harness.version_of(kolosal), *packages]
    harness.write_report(HERE, "Trainings beside other systems", INTRODUCTION + "\n\n".join(parts), figures, versions)


def board(figures, budget):
    """Mean scores by table and system; below them ranks, time, memory and size."""
    systems = [system for system in SYSTEMS if any(f["system"] == system for f in figures)]
    tables = sorted({f["table"] for f in figures})
    mean = {}
    for table in tables:
        for system in systems:
            of_both = [f["score"] for f in figures if f["table"] == table and f["system"] == system]
            known = [score for score in of_both if score is not None]
            mean[table, system] = sum(known) / len(known) if known and len(known) == len(of_both) else None
    tasks = {f["table"]: f["task"] for f in figures}
    rows, ranks = [], {system: [] for system in systems}
    for table in tables:
        losses = {system: loss(tasks[table], mean[table, system]) for system in systems}
        for system in systems:
            below = sum(other < losses[system] for other in losses.values())
            same = sum(other == losses[system] for other in losses.values())
            ranks[system].append(below + (same + 1) / 2)
        shown = [f"{mean[table, system]:.5g}" if mean[table, system] is not None else "none" for system in systems]
        rows.append([table, scores.METRIC[tasks[table]], *shown])
    of = lambda system, key: [f[key] for f in figures if f["system"] == system and f[key] is not None]
    rows.append(["mean rank", "", *(f"{sum(ranks[s]) / len(ranks[s]):.2f}" for s in systems)])
    rows.append(["worst overrun", "s", *(f"{max(of(s, 'train_s'), default=math.nan) - budget:+.1f}" for s in systems)])
    rows.append(["largest memory", "MiB", *(f"{max(of(s, 'peak_mib'), default=math.nan):.0f}" for s in systems)])
    rows.append(["median model", "MB", *(f"{middle(of(s, 'model_mb')):.1f}" for s in systems)])
    rows.append(["median row", "ms", *(f"{middle(of(s, 'row_ms')):.3g}" for s in systems)])
    return harness.table(["table", "metric", *systems], rows)


def loss(task, score):
    """A score turned so that less is better; a system without one comes last."""
    if score is None:
        return math.inf
    return -score if task == "binary" else score


def middle(values):
    """The median, or none of nothing."""
    return sorted(values)[len(values) // 2] if values else math.nan


if __name__ == "__main__":
    main()
