#!/usr/bin/env python3
"""Writes the table that the CSV bench reads: `make_table.py FILE ROWS`. The same seed gives the same bytes."""

import pathlib
import sys

import numpy as np

CHUNK = 50_000
CITIES = [f"city {number:03d}" for number in range(200)]
STREETS = [f"{number} {kind}" for kind in ("High Street", "Mill Lane", "Station Road") for number in range(1, 3001)]


def floats(draw, rows):
    """Fourteen columns of different scale with six decimals, six skewed ones with three."""
    normal = draw.normal(size=(rows, 14)) * np.logspace(-2, 3, 14)
    skewed = draw.lognormal(mean=1.0, sigma=1.0, size=(rows, 6))
    fine = [[f"{value:.6f}" for value in column] for column in normal.T]
    return fine + [[f"{value:.3f}" for value in column] for column in skewed.T]


def integers(draw, rows):
    """Five columns from a flag to nine digits."""
    bounds = [2, 100, 10_000, 1_000_000, 1_000_000_000]
    return [[str(value) for value in draw.integers(0, bound, size=rows)] for bound in bounds]


def strings(draw, rows, first):
    """Four columns: 4 levels, 200 levels with blanks, 9,000 levels, and one value for each row."""
    levels = [["north", "east", "south", "west"], CITIES, STREETS]
    columns = [[level[code] for code in draw.integers(0, len(level), size=rows)] for level in levels]
    return [*columns, [f"K{number * 2654435761 % 2**32:08x}" for number in range(first, first + rows)]]


def timestamps(rows, first):
    """One column: a row every 37 seconds."""
    start = np.datetime64("2015-01-01T00:00:00")
    moments = start + np.arange(first, first + rows) * np.timedelta64(37, "s")
    return [str(moment).replace("T", " ") for moment in moments]


def header():
    names = [f"float_{number}" for number in range(20)] + [f"integer_{number}" for number in range(5)]
    return ",".join([*names, "region", "city", "street", "key", "moment"])


def main():
    path, rows = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    draw = np.random.default_rng(0)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8", newline="\n") as out:
        out.write(header() + "\n")
        for first in range(0, rows, CHUNK):
            size = min(CHUNK, rows - first)
            columns = floats(draw, size) + integers(draw, size) + strings(draw, size, first)
            columns.append(timestamps(size, first))
            out.writelines(",".join(row) + "\n" for row in zip(*columns))
    part.rename(path)


if __name__ == "__main__":
    main()
