"""What every bench shares: runs in fresh processes, interleaved rounds, peak memory, reports.

Only the standard library is imported here, and the process that measures stays small: a child's peak memory as the system
counts it is never below that of its parent.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


@dataclasses.dataclass
class Run:
    """One finished process: seconds from start to end, peak resident bytes, what it printed, and seconds of processors."""

    wall_s: float
    peak_rss_bytes: int
    stdout: str
    cpu_s: float

    def json(self):
        """The last line printed, which must be a JSON object."""
        lines = self.stdout.strip().splitlines()
        if not lines:
            sys.exit("a measured program printed nothing where its figures were expected")
        return json.loads(lines[-1] if lines[-1].startswith("{") else self.stdout)


def run(command, threads=None, cwd=ROOT):
    """Runs `command` to its end and ends the bench with its message when it fails."""
    words = [str(word) for word in command]
    start = time.perf_counter()
    try:
        child = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment(threads), cwd=cwd, text=True)
    except OSError as error:
        sys.exit(f"cannot run {words[0]}: {error}")
    with child.stdout:
        stdout = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"exit code {child.returncode} from: {' '.join(words)}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall_s, usage.ru_maxrss * unit, stdout, usage.ru_utime + usage.ru_stime)


def environment(threads):
    """The environment of a measured process: the number of threads in every variable that the peers read."""
    if threads is None:
        return dict(os.environ)
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"]
    return os.environ | {name: str(threads) for name in names}


def interleave(contenders, rounds):
    """Measures every contender once a round, so that a slow minute of the machine hits all of them.

    `contenders` maps a name to a function from the round's number to a dictionary of figures. Each round starts with
    another contender. Gives, for each name, the figures of all rounds.
    """
    names = list(contenders)
    figures = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            figures[name].append(contenders[name](number))
            print(f"round {number + 1} of {rounds}: {name}: {brief(figures[name][-1])}", file=sys.stderr)
    return figures


def brief(figures):
    """Figures on one line."""
    return ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items())


def median(figures, key):
    """The median over rounds of one figure."""
    return statistics.median(figure[key] for figure in figures)


def mean_and_error(values):
    """Mean and standard error of the mean."""
    if len(values) < 2:
        return values[0], float("nan")
    return statistics.fmean(values), statistics.stdev(values) / len(values) ** 0.5


def machine():
    """The machine in words that name no one: processor, cores, memory, system, Python."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.machine()}"
    return f"{processor()}, {cores} cores, {memory:.0f} GiB, {system}, Python {platform.python_version()}"


def processor():
    """The processor's model name."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def version_of(kolosal):
    """What `kolosal --version` says."""
    return run([kolosal, "--version"]).stdout.strip()


def installed(*packages):
    """Name and version of these packages, as installed for this Python."""
    from importlib import metadata

    return [f"{package} {metadata.version(package)}" for package in packages]


def mib(size):
    """Bytes as whole MiB."""
    return f"{size / 2**20:.0f}"


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def write_report(folder, title, body, figures, versions, name="report"):
    """Writes `<name>.md` and `<name>.json` into `folder`, and the former to standard output."""
    made = f"Made by `cargo xtask bench {folder.name}` on {time.strftime('%Y-%m-%d', time.gmtime())}"
    text = f"# {title}\n\n{body}\n\n{made} with {', '.join(versions)}.\nMachine: {machine()}.\n"
    folder.joinpath(f"{name}.md").write_text(text, encoding="utf-8")
    report = {"machine": machine(), "versions": versions, "figures": figures}
    folder.joinpath(f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(text)


def arguments(description, rounds):
    """A parser with the arguments that every bench takes."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--kolosal", type=pathlib.Path, default=target / "release" / "kolosal", help="the binary to measure")
    parser.add_argument("--scratch", type=pathlib.Path, default=target / "bench-data", help="folder for generated files")
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds to measure ({rounds})")
    parser.add_argument("--threads", type=int, default=2, help="threads of each contender (2)")
    return parser
