"""Tables of learning curves outside the three reported: LightGBM on other data, for work on trials with rungs.

curve_tables.py DATA_FOLDER OUT_FOLDER [names]; needs hpo_make_tables.py on PYTHONPATH.
Names: friedman, classif (made by scikit-learn), and any NAME of DATA_FOLDER/NAME.train.csv with the target last.
"""
import csv
import os
import sys

import hpo_make_tables as tables
import numpy as np

ROWS, CONFIGURATIONS = 600, 1000
SEEDS = dict(concrete=11, seeds=12, german_credit=13, friedman=14, classif=15)


def load(folder, name):
    if name == "friedman":
        from sklearn.datasets import make_friedman1
        return make_friedman1(300, 8, noise=1.0, random_state=1)
    if name == "classif":
        from sklearn.datasets import make_classification
        return make_classification(400, 12, n_informative=5, n_classes=2, flip_y=0.02, random_state=2)
    rows = list(csv.reader(open(os.path.join(folder, name + ".train.csv"))))[1:]
    columns = []
    for column in zip(*rows):
        try:
            columns.append([float(v) if v not in ("", "NA", "?") else np.nan for v in column])
        except ValueError:
            names = sorted(set(column))
            columns.append([float(names.index(v)) for v in column])
    x, y = np.array(columns[:-1]).T, np.array(columns[-1])
    keep = np.random.RandomState(0).permutation(len(y))[:ROWS]
    x, y = x[keep], y[keep]
    return x, np.unique(y, return_inverse=True)[1] if len(np.unique(y)) < 20 else y


def main(folder, out, names):
    for name in names:
        x, y = load(folder, name)
        data = (x, y, tables.folds(y, len(np.unique(y)) < 20))
        with open(os.path.join(out, "dev_%s.csv" % name), "w", newline="") as f:
            w = csv.writer(f)
            w.writerow(["row"] + [p["name"] for p in tables.LGBM] + ["loss_%d" % r for r in tables.RUNGS] + ["seconds"])
            for row in range(CONFIGURATIONS):
                c = tables.sample(tables.LGBM, np.random.RandomState(SEEDS.get(name, 99) * 100_003 + row))
                loss = tables.eval_lgbm(data, c)
                w.writerow([row] + [c.get(p["name"], "") for p in tables.LGBM] + ["%.6g" % v for v in loss] + [0.1])
        print(name, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3].split(",") if len(sys.argv) > 3 else list(SEEDS))
