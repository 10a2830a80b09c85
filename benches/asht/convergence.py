"""Forecasts against what came, and stops against the whole budget.

convergence.py trace "kolosal asht --stdio" OUT.jsonl [seeds] [tasks]     runs studies of 200 trials, asking for status after each
convergence.py report OUT.jsonl RANDOM.jsonl                              reliability, and regret at the stop and at the end
Needs hpo_peers.py on PYTHONPATH; RANDOM.jsonl are its runs of random search over 200 trials.
"""
import collections
import json
import sys

import numpy as np

TRIALS, HORIZON = 200, 20


def trace(command, out, seeds=3, tasks=None):
    import hpo_peers as h
    core, full = h.suites()["core"], h.suites()["full"]
    for name in tasks.split(",") if tasks else core:
        task = full[name]()
        for seed in range(seeds):
            e = h.External(command)
            e.rpc(op="init", space=task.space, objectives=1, seed=seed, budget=TRIALS)
            rng = np.random.RandomState(10_000 + seed)
            run = dict(task=name, seed=seed, told=[], true=[], status=[], fstar=task.fstar)
            for _ in range(TRIALS):
                asked = e.rpc(op="ask")
                p = h.active(task.space, asked["params"])
                v = task.f(p, rng) if task.noisy else task.f(p)
                e.rpc(op="tell", id=asked["id"], values=[v])
                s = e.rpc(op="status")
                run["told"].append(v)
                run["true"].append(task.true(p) if task.noisy else v)
                run["status"].append([s["gain_chance"], s["expected_gain"], s["gain_high"], s["converged"]])
            e.close()
            with open(out, "a") as f:
                f.write(json.dumps(run) + "\n")
        print(name, flush=True)


def reliability(runs):
    rows = []
    for r in runs:
        told = np.array(r["told"])
        best = np.minimum.accumulate(told)
        for k in range(40, TRIALS - HORIZON + 1, 10):
            chance, gain, high, _ = r["status"][k - 1]
            if chance is None:
                continue
            spread = max(np.median(told[:k]) - best[k - 1], 1e-300)
            came = best[k - 1] - best[k - 1 + HORIZON]
            rows.append((chance, came > 0, gain / spread, came / spread, high / spread))
    a = np.array(rows, float)
    for low in np.arange(0, 1, 0.2):
        m = (a[:, 0] >= low) & (a[:, 0] < low + 0.2)
        if m.any():
            print("| %.1f to %.1f | %d | %.2f | %.2f |" % (low, low + 0.2, m.sum(), a[m, 0].mean(), a[m, 1].mean()))
    q = np.quantile(a[:, 2], [0, 0.25, 0.5, 0.75, 1])
    for low, high in zip(q, q[1:]):
        m = (a[:, 2] >= low) & (a[:, 2] <= high)
        print("mean gain, shares of the spread: foreseen %.3f came %.3f" % (a[m, 2].mean(), a[m, 3].mean()))
    print("gains above gain_high: %.3f of %d" % (np.mean(a[:, 3] > a[:, 4]), len(a)))


def stops(runs, random):
    floor = {t: 1e-3 * np.mean(v) for t, v in random.items()}
    tasks = collections.defaultdict(list)
    for r in runs:
        told = np.array(r["told"])
        at = [int(np.argmin(told[: k + 1])) for k in range(TRIALS)]
        regret = [max(0.0, r["true"][i] - r["fstar"]) for i in at]
        stop = next((k + 1 for k in range(TRIALS) if r["status"][k][3]), TRIALS)
        tasks[r["task"]].append((stop, regret[stop - 1], regret[118], regret[-1]))
    every = [(t, *x) for t, v in tasks.items() for x in v]
    right = lambda a, b, t: a <= 1.1 * max(b, floor[t]) + 1e-12
    share = lambda f: np.mean([f(*x) for x in every])
    print("stopped by 120: %.2f" % share(lambda t, s, a, o, b: s <= 120))
    print("and within 1.1 of the whole: %.2f" % share(lambda t, s, a, o, b: s <= 120 and right(a, b, t)))
    print("the same without the floor of 0.001 of random search: %.2f" % share(lambda t, s, a, o, b: s <= 120 and a <= 1.1 * b + 1e-12))
    print("if every study stopped at 119: %.2f" % share(lambda t, s, a, o, b: right(o, b, t)))
    for t, v in tasks.items():
        print(t, [x[0] for x in v], ["%.2g/%.2g" % (x[1], x[3]) for x in v])


if __name__ == "__main__":
    if sys.argv[1] == "trace":
        trace(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 3, sys.argv[5] if len(sys.argv) > 5 else None)
    else:
        runs = [json.loads(line) for line in open(sys.argv[2])]
        random = collections.defaultdict(list)
        for line in open(sys.argv[3]):
            r = json.loads(line)
            if r["opt"] == "random" and len(r["regret"]) >= TRIALS:
                random[r["task"]].append(r["regret"][TRIALS - 1])
        reliability(runs)
        stops(runs, random)
