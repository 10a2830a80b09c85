"""What answers are worth, the same way for every system."""

import numpy
import pandas

METRIC = {"binary": "auc", "multiclass": "log_loss", "regression": "rmse"}


def name_of(value):
    """One spelling for a class: 1, 1.0 and "1" are the same."""
    try:
        number = float(value)
        return str(int(number)) if number == int(number) else str(number)
    except (TypeError, ValueError, OverflowError):
        return str(value).strip()


def without_target(source, target, to):
    """The test table without its answers."""
    table = pandas.read_csv(source, low_memory=False, dtype=str, keep_default_na=False)
    table.drop(columns=target).to_csv(to, index=False)
    return to


def score(task, target, test, answers):
    """The task's metric of a file with a column `prediction`, and `proba_<class>` for classes."""
    known = pandas.read_csv(test, low_memory=False, usecols=[target])[target]
    given = pandas.read_csv(answers, low_memory=False)
    if len(known) != len(given):
        raise ValueError(f"{len(given)} answers for {len(known)} rows")
    if task == "regression":
        return float(numpy.sqrt(numpy.mean((known.to_numpy(float) - given["prediction"].to_numpy(float)) ** 2)))
    classes = {name_of(column.removeprefix("proba_")): column for column in given.columns if column.startswith("proba_")}
    known = numpy.asarray([name_of(value) for value in known])
    if task == "binary":
        positive = sorted(classes)[-1]
        return auc(known == positive, given[classes[positive]].to_numpy(float))
    told = numpy.column_stack([given[classes[name]].to_numpy(float) for name in sorted(classes)])
    told = told / told.sum(axis=1, keepdims=True)
    at = numpy.searchsorted(sorted(classes), known)
    right = told[numpy.arange(len(known)), at]
    return float(-numpy.mean(numpy.log(numpy.clip(right, numpy.finfo(float).eps, 1))))


def auc(is_positive, values):
    """The share of pairs in the right order, half a pair where values are equal."""
    ranks = pandas.Series(values).rank().to_numpy()
    positives, negatives = int(is_positive.sum()), int((~is_positive).sum())
    return float((ranks[is_positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))
