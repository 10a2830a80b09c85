#!/usr/bin/env python3
"""Times the start of the binary, and a whole fast training run on a small table.

There is no peer in this run: the figures are wall seconds from process start to process end.
"""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import harness

TABLE = harness.ROOT / "examples" / "data" / "penguins.train.csv"
TRAIN_ROUNDS = 5


def timed(command):
    """A contender: the wall seconds and the memory of one command."""

    def measure(_round):
        done = harness.run(command)
        return {"wall_s": done.wall_s, "peak_rss_bytes": done.peak_rss_bytes}

    return measure


def main():
    given = harness.arguments(__doc__, rounds=20).parse_args()
    given.scratch.mkdir(parents=True, exist_ok=True)
    model = given.scratch / "penguins.kolosal"
    model.unlink(missing_ok=True)
    train = [given.kolosal, "train", TABLE, "--target", "species", "--preset", "fast", "--output", model]
    measured = harness.interleave({"kolosal --version": timed([given.kolosal, "--version"])}, given.rounds)
    name = "kolosal train penguins.train.csv --target species --preset fast"
    measured |= harness.interleave({name: timed(train)}, min(given.rounds, TRAIN_ROUNDS))
    if not model.exists():
        sys.exit(f"training ended well but wrote no {model.name}")
    rows = [
        [
            f"`{name}`",
            f"{1000 * harness.median(rounds, 'wall_s'):.1f}",
            f"{1000 * max(r['wall_s'] for r in rounds):.1f}",
            len(rounds),
            harness.mib(harness.median(rounds, "peak_rss_bytes")),
        ]
        for name, rounds in measured.items()
    ]
    body = harness.table(["command", "ms, median", "ms, slowest", "runs", "peak MiB"], rows)
    harness.write_report(HERE, "Start and a first model", body, measured, [harness.version_of(given.kolosal)])


if __name__ == "__main__":
    main()
