"""Writes the reference clusterings that the tests of crates/learn-classic compare with.

    python benches/parity/classic/make_clusters.py crates/learn-classic/src/golden/clusters.txt

Rows are standardised ones of tables that scikit-learn ships. For each table: its rows, then a line for each clustering with
its settings, its labels (noise is -1) and its measures; then measures of agreement of pairs of clusterings.
"""

import sys

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.datasets import load_iris, load_wine


def tables():
    for name, data in (("iris", load_iris()), ("wine", load_wine())):
        x = data.data[:, :6]
        yield name, np.round((x - x.mean(axis=0)) / x.std(axis=0), 4), data.target


def clusterings():
    for k in (2, 3, 5):
        yield f"kmeans k={k}", KMeans(k, n_init=50, tol=0, random_state=0)
    for eps, least in ((0.5, 5), (0.9, 4), (0.0, 1)):
        yield f"dbscan eps={eps} min_samples={least}", DBSCAN(eps=eps or 1e-12, min_samples=least)
    for linkage in ("ward", "complete", "average", "single"):
        for k in (2, 3, 6):
            yield f"hierarchical linkage={linkage} k={k}", AgglomerativeClustering(k, linkage=linkage)


def numbers(values):
    return " ".join(repr(float(v)) for v in values)


def main(path):
    lines = [f"# scikit-learn {sklearn.__version__}, NumPy {np.__version__}; written by benches/parity/classic/make_clusters.py"]
    for name, x, truth in tables():
        lines.append(f"table {name}")
        lines += ["row " + numbers(row) for row in x]
        for words, model in clusterings():
            labels = model.fit_predict(x)
            lines.append("cluster " + words)
            lines.append("labels " + " ".join(str(label) for label in labels))
            inertia = getattr(model, "inertia_", 0.0)
            kept = labels >= 0
            measures = [0.0, 0.0, 0.0]
            if 2 <= len(set(labels[kept])) < kept.sum():
                rows, groups = x[kept], labels[kept]
                measures = [
                    metrics.silhouette_score(rows, groups),
                    metrics.calinski_harabasz_score(rows, groups),
                    metrics.davies_bouldin_score(rows, groups),
                ]
            agreement = [
                metrics.adjusted_rand_score(truth, labels),
                metrics.adjusted_mutual_info_score(truth, labels),
                metrics.v_measure_score(truth, labels),
            ]
            lines.append("measures " + numbers([inertia, *measures, *agreement]))
        lines.append("truth " + " ".join(str(label) for label in truth))
    with open(path, "w", newline="\n") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
