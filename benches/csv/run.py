#!/usr/bin/env python3
"""Reads and types a CSV of 1M rows and 30 mixed columns, beside pandas and polars.

Seconds are those of the read itself, taken inside a fresh process with the file in the page cache; peak memory is that
of the whole process. Once with dates parsed, which is what kolosal always does, and once with the peers leaving them
as text.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import harness

ROWS = 1_000_000
PEERS = ["pandas", "polars"]


def ours(kolosal, file, threads):
    """A contender: our reader."""

    def measure(_round):
        done = harness.run([kolosal, "bench", "read", file, "--threads", threads, "--json"], threads)
        return figures(done)

    return measure


def peer(name, dates, file, threads):
    """A contender: the reader of a peer, dates parsed or left as text."""

    def measure(_round):
        return figures(harness.run([sys.executable, HERE / "read.py", name, dates, file], threads))

    return measure


def figures(done):
    """What is kept of a run. The shape is checked, so that no one is fast by reading less."""
    said = done.json()
    shape = (said["rows"], said["columns"])
    if shape != (ROWS, 30):
        sys.exit(f"read {shape[0]} rows and {shape[1]} columns instead of {ROWS} and 30")
    return {"load_s": said["load_s"], "peak_rss_bytes": done.peak_rss_bytes, "wall_s": done.wall_s}


def bring_into_cache(file):
    """Reads the file piece by piece: a large buffer here would count as peak memory of every child."""
    with file.open("rb") as source:
        while source.read(1 << 20):
            pass


def report(measured, file):
    """The table of medians, with ratios to the fastest peer that parses dates and to the fastest of all."""
    seconds = {name: harness.median(rounds, "load_s") for name, rounds in measured.items()}
    memory = {name: harness.median(rounds, "peak_rss_bytes") for name, rounds in measured.items()}
    fastest = min(seconds[name] for name in PEERS)
    fastest_of_all = min(value for name, value in seconds.items() if name != "kolosal")
    rows = [
        [
            name,
            f"{seconds[name]:.3f}",
            f"{seconds[name] / fastest:.2f}",
            f"{seconds[name] / fastest_of_all:.2f}",
            f"{min(r['load_s'] for r in measured[name]):.3f}–{max(r['load_s'] for r in measured[name]):.3f}",
            harness.mib(memory[name]),
            f"{memory[name] / memory['polars']:.2f}",
        ]
        for name in measured
    ]
    header = ["reader", "s, median", "to fastest peer with dates", "to fastest peer", "range", "peak MiB", "to polars"]
    size = file.stat().st_size / 1e6
    words = f"{ROWS:,} rows × 30 columns (20 floats, 5 integers, 4 strings, 1 timestamp), {size:.0f} MB, in the page cache."
    return f"{words}\n\n{harness.table(header, rows)}"


def main():
    parser = harness.arguments(__doc__, rounds=5)
    given = parser.parse_args()
    file = given.scratch / f"mixed-{ROWS}.csv"
    if not file.exists():
        harness.run([sys.executable, HERE / "make_table.py", file, ROWS])
    bring_into_cache(file)
    contenders = {"kolosal": ours(given.kolosal, file, given.threads)}
    for name in PEERS:
        contenders[name] = peer(name, "dates", file, given.threads)
        contenders[f"{name}, dates as text"] = peer(name, "text", file, given.threads)
    measured = harness.interleave(contenders, given.rounds)
    versions = [harness.version_of(given.kolosal), *harness.installed(*PEERS), f"{given.threads} threads"]
    harness.write_report(HERE, "Reading CSV", report(measured, file), measured, versions)


if __name__ == "__main__":
    main()
