"""Exchanges boosters with XGBoost, LightGBM and CatBoost and compares the scores of both sides on the same rows.

    cargo build --release -p kolosal-learn-tree --example interop
    python run.py --binary target/release/examples/interop --data FOLDER [--only xgboost,lightgbm,catboost] [--sets iris]

There: a library trains on a table, its file is read here, and both sides score held-out rows, some of which get missing
values and unseen categories. Back: what was read is written for XGBoost (JSON and UBJ) and LightGBM, these load it and score
the same rows. FOLDER holds NAME.train.csv (or .csv.gz) and NAME.test.csv, the target last; examples/data is always used.

Differences are absolute, of scores before the link, divided by the largest score of the table where that is above one. The
bar is 1e-6, or 1e-5 where a side computes in single precision (XGBoost).
"""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

import cases  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
BAR = {"xgboost": 1e-5, "lightgbm": 1e-6, "catboost": 1e-6}


@dataclasses.dataclass
class Outcome:
    """One comparison: the largest difference, and what stood in the way of one."""

    case: str
    table: str
    way: str
    bar: float
    rows: int = 0
    difference: float = float("nan")
    answers: float = float("nan")
    refused: str = ""

    @property
    def passes(self):
        return not self.refused and self.difference <= self.bar and not self.answers > max(self.bar, 1e-6)


class Reader:
    """Our side: one process that takes commands line by line."""

    def __init__(self, binary):
        command = [str(binary), "-"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, *words):
        """Runs a command and gives what stood in its way."""
        self.process.stdin.write("\t".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"the reader died at: {' '.join(map(str, words))}")
        return "" if line.strip() == "done" else line.strip()


def scaled(difference, scores):
    size = max(1.0, float(np.max(np.abs(scores), initial=0.0)))
    return float(np.max(np.abs(difference), initial=0.0)) / size


def compare(outcome, path, scores, answers):
    numbers = np.fromfile(path, "<f8")
    scores = np.asarray(scores, float).reshape(outcome.rows, -1)
    ours = numbers[: scores.size].reshape(scores.shape)
    if not np.array_equal(np.isfinite(ours), np.isfinite(scores)):
        outcome.refused = "scores are not finite"
        return ours
    outcome.difference = scaled(ours - scores, scores)
    if answers is not None:
        rest = numbers[scores.size :].reshape(outcome.rows, -1)
        answers = np.asarray(answers, float).reshape(outcome.rows, -1)
        outcome.answers = scaled(rest[:, -answers.shape[1] :] - answers, answers)
    return ours


def exchange(case, table, reader, folder):
    """One case on one table, there and back."""
    rows = len(table.probe)
    there = Outcome(case.name, table.name, f"{case.library} to ours", BAR[case.library], rows)
    try:
        model = case.fit(table)
        path = model.save(folder)
    except (ValueError, RuntimeError, xgboost.core.XGBoostError, lightgbm.basic.LightGBMError, catboost.CatBoostError) as error:
        there.refused = f"{case.library} itself failed: {str(error).splitlines()[0]}"
        return [there]
    table.write(folder / "rows.csv", model.categories, model.probe)
    there.refused = reader("score", case.library, path, folder / "rows.csv", folder / "out.bin")
    outcomes = [there]
    if there.refused:
        return outcomes
    ours = compare(there, folder / "out.bin", model.scores(), model.answers())
    for to in case.exports:
        library = to.split("-")[0]
        bar = max(BAR[library], BAR[case.library])
        back = Outcome(case.name, table.name, f"ours to {to}", bar, rows)
        outcomes.append(back)
        exported = folder / f"exported.{'ubj' if to.endswith('ubj') else 'json' if library == 'xgboost' else 'txt'}"
        back.refused = reader("convert", case.library, path, to, exported)
        if back.refused:
            continue
        theirs = cases.score(library, exported, table, model)
        back.difference = scaled(ours - np.asarray(theirs, float).reshape(ours.shape), ours)
        # Our own export, read again by us.
        again = reader("score", library, exported, folder / "rows.csv", folder / "again.bin")
        if again:
            back.refused = f"read again: {again}"
            continue
        numbers = np.fromfile(folder / "again.bin", "<f8")[: ours.size].reshape(ours.shape)
        back.difference = max(back.difference, scaled(numbers - ours, ours))
    return outcomes


def summary(outcomes):
    rows = []
    for key in dict.fromkeys((o.case, o.way) for o in outcomes):
        of = [o for o in outcomes if (o.case, o.way) == key]
        good = [o for o in of if not o.refused]
        worst = max((o.difference for o in good), default=float("nan"))
        answers = max((o.answers for o in good if np.isfinite(o.answers)), default=float("nan"))
        verdict = "passes" if all(o.passes for o in good) else "**beyond**"
        refused = len(of) - len(good)
        tables = f"{len(good)}" + (f" ({refused} refused)" if refused else "")
        rows.append([*key, tables, sum(o.rows for o in good), f"{worst:.1e}", f"{answers:.1e}", f"{of[0].bar:.0e}", verdict])
    return rows


def report(outcomes, output):
    header = ["case", "way", "tables", "rows", "largest difference of scores", "of answers", "bar", "verdict"]
    failing = [o for o in outcomes if not o.refused and not o.passes]
    refused = dict.fromkeys((o.case, o.way, o.refused) for o in outcomes if o.refused)
    body = [
        f"{len(outcomes)} comparisons, {sum(o.passes for o in outcomes)} within the bar, {len(failing)} beyond it, "
        f"{sum(bool(o.refused) for o in outcomes)} refused with a message.",
        "",
        harness.table(header, summary(outcomes)),
    ]
    if failing:
        body += ["", "Beyond the bar:", ""]
        body += [f"- {o.case}, {o.table}, {o.way}: {o.difference:.2e}, answers {o.answers:.2e}" for o in failing]
    if refused:
        body += ["", "Refused:", ""]
        body += [f"- {case}, {way}: {what}" for case, way, what in refused]
    versions = [f"{m.__name__} {m.__version__}" for m in (xgboost, lightgbm, catboost)]
    made = f"Made by `run.py` in this folder, which says what is compared and how, with {', '.join(versions)}."
    text = "\n".join(["# Boosters exchanged with other libraries", "", *body, "", made, ""])
    output.write_text(text, encoding="utf-8")
    print(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", harness.ROOT / "target"))
    parser.add_argument("--binary", type=pathlib.Path, default=target / "release" / "examples" / "interop")
    parser.add_argument("--data", type=pathlib.Path, help="a folder of more tables")
    parser.add_argument("--only", default="xgboost,lightgbm,catboost", help="libraries to exchange with")
    parser.add_argument("--case", default="", help="cases whose name has this part")
    parser.add_argument("--sets", default="", help="tables to use (all)")
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "report.md")
    parser.add_argument("--kolosal", help="ignored: the example binary is what is compared")
    parser.add_argument("--scratch", help="ignored: files are temporary")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    outcomes, reader = [], Reader(options.binary)
    chosen = [case for case in cases.CASES if case.library in options.only.split(",") and options.case in case.name]
    with tempfile.TemporaryDirectory() as folder:
        for table in cases.tables(options.data, options.sets):
            for case in chosen:
                if not case.suits(table):
                    continue
                found = exchange(case, table, reader, pathlib.Path(folder))
                outcomes += found
                for o in found:
                    mark = "ok" if o.passes else o.refused or f"BEYOND {o.difference:.2e} {o.answers:.2e}"
                    print(f"{o.table:20} {o.case:38} {o.way:22} {mark}", file=sys.stderr, flush=True)
    report(outcomes, options.output)
    return 1 if any(not o.passes and not o.refused for o in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
