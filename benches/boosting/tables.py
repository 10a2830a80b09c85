#!/usr/bin/env python3
"""Writes the tables of the bench as CSV: `tables.py codes|split|generate|one_hot JSON`.

`codes` replaces what is not a number by codes from both parts, so that both sides read one matrix. `split` sets rows of the
training part aside. `generate` and `one_hot` make rows out of nothing.
"""

import json
import math
import sys

import numpy
import pandas


def codes(job):
    """Training and test part as numbers."""
    train, test = (pandas.read_csv(place, low_memory=False) for place in job["from"])
    both = pandas.concat([train, test], ignore_index=True)
    for name in both.columns:
        if name != job["target"] and not pandas.api.types.is_numeric_dtype(both[name]):
            coded = pandas.Series(pandas.Categorical(both[name]).codes, dtype=float)
            both[name] = coded.where(coded >= 0)
    both[: len(train)].to_csv(job["to"][0], index=False)
    both[len(train) :].to_csv(job["to"][1], index=False)


def split(job):
    """Sets a share of the rows aside, drawn with a fixed seed; every class stays in the larger part."""
    table = pandas.read_csv(job["from"], low_memory=False)
    apart = numpy.random.default_rng(job["seed"]).random(len(table)) < job["share"]
    if job["task"] != "regression":
        apart &= table.duplicated(job["target"]).to_numpy()
    table[~apart].to_csv(job["to"][0], index=False)
    table[apart].to_csv(job["to"][1], index=False)


def generate(job):
    """Half normal numbers, half rounded ones; the answer depends on some alone, on two together, and on chance."""
    rng = numpy.random.default_rng(0)
    rows, columns = job["rows"], job["columns"]
    x = rng.standard_normal((rows, columns), dtype=numpy.float32)
    half = columns // 2
    x[:, half:] = numpy.round(x[:, half:] * 4)
    z = x[:, 0] * x[:, 1] + numpy.sin(2 * x[:, 2]) + 0.5 * numpy.abs(x[:, 3]) + 0.1 * x[:, half:].sum(1) / math.sqrt(columns)
    z -= numpy.median(z)
    table = pandas.DataFrame(x, columns=[f"x{at}" for at in range(columns)])
    if job["task"] == "binary":
        table["y"] = numpy.where(rng.random(rows) < 1 / (1 + numpy.exp(-2 * z)), "yes", "no")
    else:
        table["y"] = z + 0.3 * rng.standard_normal(rows)
    cut = rows - job["test_rows"]
    table[:cut].to_csv(job["to"][0], index=False, float_format="%.5g")
    table[cut:].to_csv(job["to"][1], index=False, float_format="%.5g")


def one_hot(job):
    """Columns of forty levels each, one-hot, and a number; the answer depends on all."""
    rng = numpy.random.default_rng(1)
    rows, levels = job["rows"], 40
    columns, z = {}, rng.standard_normal(rows)
    columns["x"] = z.round(4)
    for of in range(job["columns"]):
        codes, effects = rng.integers(0, levels, rows), 0.3 * rng.standard_normal(levels)
        z = z + effects[codes]
        columns |= {f"c{of}_{level}": (codes == level).astype(int) for level in range(levels)}
    table = pandas.DataFrame(columns)
    table["y"] = numpy.where(rng.random(rows) < 1 / (1 + numpy.exp(-z)), "yes", "no")
    cut = rows - job["test_rows"]
    table[:cut].to_csv(job["to"][0], index=False)
    table[cut:].to_csv(job["to"][1], index=False)


def main():
    job = json.loads(sys.argv[2])
    {"codes": codes, "split": split, "generate": generate, "one_hot": one_hot}[sys.argv[1]](job)


if __name__ == "__main__":
    main()
