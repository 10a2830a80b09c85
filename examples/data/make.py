#!/usr/bin/env python3
"""Makes the tables of this folder from the packages that carry them; `--check` compares instead of writing.

Needs scikit-learn and palmerpenguins. Values are written as the source has them; nothing is filled in, scaled or dropped.
"""

import argparse
import collections
import csv
import importlib.resources
import io
import pathlib
import random
import sys

from sklearn.datasets import load_breast_cancer, load_diabetes

SEED = 0
TEST_SHARE = 0.25
HERE = pathlib.Path(__file__).resolve().parent


def penguins():
    """The file of the package as it is, `NA` for missing values included."""
    source = importlib.resources.files("palmerpenguins") / "data" / "penguins.csv"
    header, *rows = csv.reader(io.StringIO(source.read_text(encoding="utf-8")))
    return header, rows, [row[header.index("species")] for row in rows]


def breast_cancer():
    """Thirty measures of cell nuclei and the diagnosis in words."""
    source = load_breast_cancer()
    header = [*source.feature_names, "diagnosis"]
    diagnoses = [str(source.target_names[code]) for code in source.target]
    rows = [[*map(number, values), diagnosis] for values, diagnosis in zip(source.data, diagnoses)]
    return header, rows, diagnoses


def diabetes():
    """Ten measures in their own units and the progression of the disease after a year."""
    source = load_diabetes(scaled=False)
    header = [*source.feature_names, "progression"]
    rows = [[*map(number, values), number(target)] for values, target in zip(source.data, source.target)]
    return header, rows, deciles(source.target)


def number(value):
    """The shortest text that reads back as the same number, without the `.0` of whole ones."""
    return repr(float(value)).removesuffix(".0")


def deciles(values):
    """For each value the tenth of the sorted values in which it lies."""
    order = sorted(range(len(values)), key=lambda row: (values[row], row))
    tenth = [0] * len(values)
    for rank, row in enumerate(order):
        tenth[row] = rank * 10 // len(values)
    return tenth


def split(strata):
    """Row numbers for training and for testing, each in file order; every stratum gives its share to the test."""
    members = collections.defaultdict(list)
    for row, stratum in enumerate(strata):
        members[stratum].append(row)
    draw = random.Random(SEED)
    test = set()
    for stratum in sorted(members):
        rows = members[stratum]
        draw.shuffle(rows)
        test.update(rows[: round(len(rows) * TEST_SHARE)])
    return [row for row in range(len(strata)) if row not in test], sorted(test)


def text(header, rows):
    """The table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def files():
    """Name and content of every file."""
    for name, load in [("penguins", penguins), ("breast_cancer", breast_cancer), ("diabetes", diabetes)]:
        header, rows, strata = load()
        train, test = split(strata)
        yield f"{name}.csv", text(header, rows)
        yield f"{name}.train.csv", text(header, [rows[row] for row in train])
        yield f"{name}.test.csv", text(header, [rows[row] for row in test])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with the files here and write nothing")
    check = parser.parse_args().check
    stale = []
    for name, content in files():
        place = HERE / name
        if not check:
            place.write_text(content, encoding="utf-8", newline="\n")
        elif not place.exists() or place.read_bytes() != content.encode():
            stale.append(name)
    if stale:
        sys.exit(f"not as the packages have them: {', '.join(stale)}; run examples/data/make.py")
    print("the tables are as the packages have them" if check else "wrote the tables")


if __name__ == "__main__":
    main()
