#!/usr/bin/env python3
"""Reads a CSV with a peer and prints the seconds: `read.py pandas|polars dates|text FILE`."""

import json
import sys
import time


def pandas(file, dates):
    """The C engine; a date column must be named to be parsed."""
    import pandas

    start = time.perf_counter()
    frame = pandas.read_csv(file, engine="c", parse_dates=["moment"] if dates else False)
    return time.perf_counter() - start, frame.shape, str(frame["moment"].dtype)


def polars(file, dates):
    """The eager reader on as many threads as POLARS_MAX_THREADS says."""
    import polars

    start = time.perf_counter()
    frame = polars.read_csv(file, try_parse_dates=dates)
    return time.perf_counter() - start, frame.shape, str(frame["moment"].dtype)


def main():
    name, dates, file = sys.argv[1:]
    load_s, (rows, columns), kind = {"pandas": pandas, "polars": polars}[name](file, dates == "dates")
    if ("datetime" in kind.lower()) != (dates == "dates"):
        sys.exit(f"{name} read the moments as {kind}")
    print(json.dumps({"load_s": load_s, "rows": rows, "columns": columns}))


if __name__ == "__main__":
    main()
