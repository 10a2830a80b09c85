#!/bin/sh
# Writes the golden models of the format that the given program writes, and their answers.
# usage: make.sh PATH_TO_KOLOSAL FORMAT      (run once for a new format; never again for an old one)
set -eu
program=$(realpath "$1")
format=$2
cd "$(dirname "$0")"
mkdir -p "v$format"

fit() { # learner, target, further options
    learner=$1 target=$2
    shift 2
    "$program" --quiet fit "$learner" "${few:-table.csv}" --target "$target" --seed 7 --output "v$format/$learner.kolosal" "$@" >/dev/null
}

also() { # name of the file, learner, target, further options
    name=$1 learner=$2 target=$3
    shift 3
    "$program" --quiet fit "$learner" "${few:-table.csv}" --target "$target" --seed 7 --output "v$format/$name.kolosal" "$@" >/dev/null
}

fit baseline kind
fit logistic_regression kind
fit naive_bayes kind
few=$(mktemp)
head -21 table.csv >"$few"
fit rbf_svm kind
fit gaussian_process amount --set max_iter=5
also gaussian_process_inducing gaussian_process amount --set max_iter=5 --set max_rows=10 --set n_inducing=10
head -61 table.csv >"$few" # a model that holds its rows stays small
fit neighbors amount --set n_neighbors=3
also neighbors_graph neighbors amount --set n_neighbors=3 --set algorithm=hnsw
rm "$few"
unset few
group() { # learner, further options
    learner=$1
    shift
    "$program" --quiet fit "$learner" "${few:-table.csv}" --seed 7 --output "v$format/$learner.kolosal" "$@" >/dev/null
}
group isolation --ignore kind --set n_estimators=5 --set max_samples=32 --set contamination=0.05
group kmeans --ignore kind --set n_clusters=3
group gaussian_mixture --ignore kind --set n_components=2 --set covariance_type=diag
few=$(mktemp)
head -61 table.csv >"$few"
group local_outlier --ignore kind --set contamination=0.05
group dbscan --ignore kind --set eps=2.5
group hdbscan --ignore kind --set min_cluster_size=4
group hierarchical --ignore kind --set n_clusters=3
rm "$few"
unset few
fit ridge amount
fit linear_svm kind
fit lasso amount
fit elastic_net amount
fit huber amount
fit quantile amount
fit glm amount
fit decision_tree kind --set max_depth=4
fit random_forest kind --set n_estimators=3 --set max_depth=4
fit extra_trees amount --set n_estimators=3 --set max_depth=4
fit lightgbm kind --set n_estimators=5 --set num_leaves=6 --set min_data_in_leaf=5
fit xgboost amount --set n_estimators=5 --set max_depth=3
fit catboost kind --set iterations=5 --set depth=3
fit mlp amount --set n_epochs=20 --set n_hidden_layers=2 --set hidden_width=8 --set max_one_hot=3
"$program" --quiet train table.csv --target kind --seed 7 --learners logistic_regression,decision_tree --preset fast \
    --output "v$format/blend.kolosal" >/dev/null

# What format 2 adds: how a class is called, and errors of held-out rows.
few=$(mktemp)
cut -d, -f5,9 table.csv >"$few"
"$program" --quiet train "$few" --target kind --metric balanced_accuracy --seed 7 --learners naive_bayes --preset fast \
    --output "v$format/called.kolosal" >/dev/null
rm "$few"
unset few
"$program" --quiet train table.csv --target amount --seed 7 --learners ridge --preset fast --output "v$format/intervals.kolosal" >/dev/null

# What format 3 adds: packed members.
also packed extra_trees amount --set n_estimators=5 --set max_depth=6

for model in "v$format"/*.kolosal; do
    "$program" --quiet predict "$model" table.csv --output "${model%.kolosal}.csv" >/dev/null
done
