#!/bin/sh
# Writes the golden models of the format that the given program writes, and their answers.
# usage: make.sh PATH_TO_KOLOSAL FORMAT      (run once for a new format; never again for an old one)
set -eu
kolosal=$1
cd "$(dirname "$0")"
mkdir -p "v$2"

for line in \
    "baseline kind" \
    "logistic_regression kind" \
    "ridge amount" \
    "lasso amount" \
    "elastic_net amount" \
    "decision_tree kind --set max_depth=4" \
    "random_forest kind --set n_estimators=3 --set max_depth=4" \
    "extra_trees amount --set n_estimators=3 --set max_depth=4"; do
    set -- "$1" "$2" $line
    format=$2 learner=$3 target=$4
    program=$1
    shift 4
    "$kolosal" --quiet fit "$learner" table.csv --target "$target" --seed 7 --output "v$format/$learner.kolosal" "$@" >/dev/null
    set -- "$program" "$format"
done
"$kolosal" --quiet train table.csv --target kind --seed 7 --learners logistic_regression,decision_tree --preset fast --output "v$2/blend.kolosal" >/dev/null
for model in "v$2"/*.kolosal; do
    "$kolosal" --quiet predict "$model" table.csv --output "${model%.kolosal}.csv" >/dev/null
done
