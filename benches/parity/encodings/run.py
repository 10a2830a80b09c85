"""Do ordered target statistics help a booster, and do they keep a row's own answer out?

Run with a Python that has LightGBM, CatBoost, pandas and scikit-learn, and a folder of tables with an index.json:
    python benches/parity/encodings/run.py FOLDER adult titanic german_credit kr_vs_kp insteval

Training and test rows of a table are put together and split anew, several times. The codes of its categories go to the
temporary folder, an ignored test of kolosal-learn-tree encodes them (every column of more than two levels and the best
pairs), and one LightGBM configuration learns from each version of the table:
    levels    LightGBM's own category splits, no derived column
    one       ordered means of one order of the rows
    rotated   the four orders take turns, five trees each: what the booster does tree by tree
    mixed     columns of up to ten levels stay levels, derived columns of the others take turns
    plain     the means that prediction uses, for training rows too: the leak that orders prevent
and CatBoost with its defaults learns from the raw table, in the last line. "train" and "test" are log loss or root mean
squared error; a gap between them that test error does not repay is a leak.
"""

import json
import os
import subprocess
import sys
import tempfile
import warnings

import catboost
import lightgbm
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, mean_squared_error, roc_auc_score

SPLITS = 4
ROUNDS, TURN = 200, 5
NATIVE_MAX = 10
LEARNER = dict(verbose=-1, num_threads=2, learning_rate=0.05, num_leaves=15, min_data_in_leaf=20, seed=1, deterministic=True)
TEXT = {"titanic": ["Name"]}
CATEGORIES = {"insteval": ["s", "d", "studage", "lectage", "service", "dept"]}


def read(folder, name):
    entry = next(one for one in json.load(open(f"{folder}/index.json")) if one["name"] == name)
    table = pd.concat([pd.read_csv(f"{folder}/{entry[part]}") for part in ("train_file", "test_file")], ignore_index=True)
    answer = table.pop(entry["target"])
    table = table.drop(columns=TEXT.get(name, []))
    for column in CATEGORIES.get(name, []):
        table[column] = table[column].astype(str)
    categories = [column for column in table if not pd.api.types.is_numeric_dtype(table[column])]
    if entry["task"] == "regression":
        return table, answer.to_numpy(float), categories, 0
    return table, answer.astype(str).astype("category").cat.codes.to_numpy(float), categories, answer.nunique()


def splits(folder, name):
    table, answer, categories, classes = read(folder, name)
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(table))
        yield seed, table.iloc[order].reset_index(drop=True), answer[order], categories, classes, len(table) * 3 // 4


def write_codes(path, table, answer, categories, classes, rows):
    codes = [table[column].astype("category").cat.codes.to_numpy(int) for column in categories]
    levels = [table[column].nunique() for column in categories]
    with open(path, "w") as out:
        out.write(" ".join(map(str, [rows, *levels, classes])) + "\n")
        for row in range(len(table)):
            out.write(" ".join([*(str(column[row]) for column in codes), repr(float(answer[row]))]) + "\n")


def encode():
    test = "encoded_tables_for_the_comparison_with_catboost"
    subprocess.run(["cargo", "nextest", "run", "-p", "kolosal-learn-tree", "--run-ignored", "only", test], check=True, capture_output=True)


def read_encoded(path, rows):
    lines = open(path).read().split("\n")
    sources = lines[0].split(" ")
    train = np.array([line.split(" ") for line in lines[1 : rows + 1]], dtype=float)
    test = np.array([line.split(" ") for line in lines[rows + 1 :] if line], dtype=float)
    return sources, np.split(train, 5, axis=1), test


def learn(parts, answer, classes, categories="auto"):
    params = dict(LEARNER, objective="binary" if classes == 2 else "regression")
    if len(parts) == 1:
        return lightgbm.train(params, lightgbm.Dataset(parts[0], answer, categorical_feature=categories), ROUNDS)
    model = None
    for turn in range(ROUNDS // TURN):
        data = lightgbm.Dataset(parts[turn % len(parts)], answer, categorical_feature=categories, free_raw_data=False)
        model = lightgbm.train(params, data, TURN, init_model=model)
    return model


def scores(answer, predicted, classes):
    if classes == 2:
        return log_loss(answer, predicted), roc_auc_score(answer, predicted)
    return mean_squared_error(answer, predicted) ** 0.5, np.corrcoef(answer, predicted)[0, 1]


def compare(path, table, answer, categories, classes, rows):
    sources, encoded, test = read_encoded(path, rows)
    numbers = table.drop(columns=categories).to_numpy(float)
    codes = np.column_stack([table[column].astype("category").cat.codes for column in categories])
    levels = np.column_stack([numbers, codes])
    small = [at for at, column in enumerate(categories) if table[column][:rows].nunique() <= 2]
    base = np.column_stack([numbers, codes[:, small]])
    joined = lambda part, rows: np.column_stack([base[rows], part])
    train_rows, test_rows = slice(0, rows), slice(rows, None)
    single = [at for at, source in enumerate(sources) if "x" not in source]
    pick = lambda columns: ([part[:, columns] for part in encoded], test[:, columns])
    ways = {"levels": ([levels[train_rows]], levels[test_rows], list(range(numbers.shape[1], levels.shape[1])))}
    for pairs, columns in (("", single), (" + pairs", list(range(len(sources))))):
        parts, last = pick(columns)
        full = [joined(part, train_rows) for part in parts]
        ways["one" + pairs] = (full[:1], joined(last, test_rows), "auto")
        ways["rotated" + pairs] = (full[:4], joined(last, test_rows), "auto")
        ways["plain" + pairs] = (full[4:], joined(last, test_rows), "auto")
    count = [table[column][:rows].nunique() for column in categories]
    native = [at for at in range(len(categories)) if count[at] <= NATIVE_MAX]
    kinds = list(range(numbers.shape[1], numbers.shape[1] + len(native)))
    whole = np.column_stack([numbers, codes[:, native]])
    for pairs in ("", " + pairs"):
        wide = [at for at, source in enumerate(sources) if ("x" in source and pairs) or ("x" not in source and int(source) not in native)]
        parts = [np.column_stack([whole[train_rows], part[:, wide]]) for part in encoded[:4]]
        ways["mixed" + pairs] = (parts, np.column_stack([whole[test_rows], test[:, wide]]), kinds)
    found = {}
    for way, (parts, last, kinds) in ways.items():
        model = learn(parts, answer[:rows], classes, kinds)
        found[way] = scores(answer[:rows], model.predict(parts[0]), classes) + scores(answer[rows:], model.predict(last), classes)
    text = table.assign(**{column: table[column].astype(object).where(table[column].notna(), "").astype(str) for column in categories})
    kind = catboost.CatBoostClassifier if classes == 2 else catboost.CatBoostRegressor
    model = kind(verbose=0, thread_count=2, allow_writing_files=False, cat_features=categories, iterations=500)
    model.fit(text[:rows], answer[:rows])
    predict = lambda part: model.predict_proba(part)[:, 1] if classes == 2 else model.predict(part)
    found["catboost"] = scores(answer[:rows], predict(text[:rows]), classes) + scores(answer[rows:], predict(text[rows:]), classes)
    return found, sources


def main(folder, names):
    warnings.filterwarnings("ignore")
    temporary = os.path.join(tempfile.gettempdir(), "kolosal-encodings")
    os.makedirs(temporary, exist_ok=True)
    for old in os.listdir(temporary):
        os.remove(os.path.join(temporary, old))
    for name in names:
        for seed, *parts in splits(folder, name):
            write_codes(f"{temporary}/{name}-{seed}.codes", *parts)
    encode()
    print(f"LightGBM {lightgbm.__version__}, CatBoost {catboost.__version__}, {SPLITS} splits, {ROUNDS} trees\n")
    print("| table | version | train error | test error | test AUC or correlation |\n|---|---|---|---|---|")
    for name in names:
        found = {}
        for seed, *parts in splits(folder, name):
            own, sources = compare(f"{temporary}/{name}-{seed}.encoded", *parts)
            for way, numbers in own.items():
                found.setdefault(way, []).append(numbers)
        for way, numbers in found.items():
            mean = np.mean(numbers, axis=0)
            print(f"| {name} | {way} | {mean[0]:.4f} | {mean[2]:.4f} | {mean[3]:.4f} |", flush=True)


main(sys.argv[1], sys.argv[2:])
