"""The tables, and the ways in which each library is asked to train on them."""

import dataclasses
import pathlib

import catboost
import lightgbm
import numpy as np
import pandas as pd
import xgboost

import harness

ROUNDS = 12
THREADS = 2
PROBE_ROWS = 600
TRAIN_ROWS = 4000
REGRESSION = {"concrete", "abalone", "california_housing", "beijing_pm25", "insteval", "diabetes"}
# Free text is no category.
DROP = {"titanic": ["Name", "Ticket", "Cabin"]}
# Numbers that are names.
IDS = {"insteval": ["s", "d", "dept"]}
NAMES = ["iris", "penguins", "titanic", "german_credit", "kr_vs_kp", "credit_data", "mammography", "letter", "adult"]
NAMES += sorted(REGRESSION) + ["breast_cancer"]


@dataclasses.dataclass
class Table:
    """Training rows, rows to score, and the target as numbers."""

    name: str
    train: pd.DataFrame
    probe: pd.DataFrame
    y: np.ndarray
    classes: int
    words: list

    def write(self, path, categories, probe=None):
        """The rows to score as our side reads them."""
        columns, probe = {}, self.probe if probe is None else probe
        for name in probe.columns:
            column = probe[name]
            if name in categories:
                columns[name] = [categories[name](value) for value in column]
            elif name in self.words:
                # Codes stand for themselves.
                columns[name] = ["" if code < 0 else str(code) for code in codes(self, name)]
            else:
                columns[name] = ["" if np.isnan(value) else repr(float(value)) for value in column]
        with open(path, "w", encoding="utf-8") as out:
            out.write(",".join(f"x{at}" for at in range(len(columns))) + "\n")
            for row in zip(*columns.values()):
                out.write(",".join(row) + "\n")


def codes(table, name):
    """Category codes of the probe by the training levels; -1 for missing, and for unseen ones codes beyond them all."""
    levels = levels_of(table, name)
    known = {level: at for at, level in enumerate(levels)}
    return [-1 if pd.isna(value) else known.get(value, len(levels) + 70) for value in table.probe[name]]


def levels_of(table, name):
    return sorted(table.train[name].dropna().unique())


def tables(data, wanted):
    """The tables of both folders that are wanted."""
    folders = [harness.ROOT / "examples" / "data"] + ([data] if data else [])
    for name in NAMES:
        if wanted and name not in wanted.split(","):
            continue
        for folder in folders:
            found = [p for p in (folder / f"{name}.train.csv", folder / f"{name}.train.csv.gz") if p.exists()]
            if found:
                yield read(found[0], folder / f"{name}.test.csv", name)
                break


def read(train_path, test_path, name):
    train, probe = (pd.read_csv(path).drop(columns=DROP.get(name, [])) for path in (train_path, test_path))
    target = "species" if name == "penguins" else train.columns[-1]
    train = train.dropna(subset=[target])
    train = train.sample(min(TRAIN_ROWS, len(train)), random_state=1).reset_index(drop=True)
    probe = probe.sample(min(PROBE_ROWS, len(probe)), random_state=2).reset_index(drop=True)
    y = train.pop(target)
    probe = probe.drop(columns=[target])
    classes = 0
    if name in REGRESSION:
        y = y.to_numpy(float)
    else:
        names = sorted(y.unique(), key=str)
        classes = len(names)
        y = y.map({level: at for at, level in enumerate(names)}).to_numpy(int)
    words = [c for c in train.columns if not pd.api.types.is_numeric_dtype(train[c]) or c in IDS.get(name, [])]
    for part in (train, probe):
        for column in train.columns:
            part[column] = part[column].map(word, na_action="ignore") if column in words else part[column].astype(float)
    disturb(probe, words)
    train.columns = probe.columns = [c.replace(" ", "_") for c in train.columns]
    words = [c.replace(" ", "_") for c in words]
    return Table(name, train, probe, y, classes, words)


def word(value):
    return str(value).strip().replace(",", ";")


def disturb(probe, words):
    """Makes cells missing, zero, or categories that training never saw."""
    draw = np.random.default_rng(7)
    for column in probe.columns:
        chance = draw.random(len(probe))
        if column in words:
            probe[column] = probe[column].astype(object)
            probe.loc[chance < 0.03, column] = np.nan
            probe.loc[chance > 0.97, column] = "never seen"
        else:
            probe.loc[chance < 0.03, column] = np.nan
            probe.loc[chance > 0.97, column] = 0.0


@dataclasses.dataclass
class Model:
    """A trained peer on the rows to score."""

    save: object
    scores: object
    answers: object
    # How our side gets each categorical column: a text for a value.
    categories: dict
    # The rows to score where they are not the table's.
    probe: object = None


@dataclasses.dataclass
class Case:
    """A library with options; `target` is what it needs: number, count, positive, binary, classes, any."""

    name: str
    library: str
    target: str
    options: dict
    numbers_only: bool = False
    words_only: bool = False
    coded: bool = False
    exports: tuple = ("xgboost", "xgboost-ubj", "lightgbm")

    def suits(self, table):
        kinds = {"number": table.classes == 0, "binary": table.classes == 2, "classes": table.classes > 2}
        kinds |= {"count": table.classes == 0, "positive": table.classes == 0, "any": True}
        return kinds[self.target] and (table.words or not self.words_only)

    def fit(self, table):
        return {"xgboost": fit_xgboost, "lightgbm": fit_lightgbm, "catboost": fit_catboost}[self.library](self, table)

    def y(self, table):
        if self.target == "count":
            return np.round(table.y - table.y.min())
        if self.target == "positive":
            return table.y - table.y.min() + 1.0
        return table.y


def as_text(value):
    return "" if pd.isna(value) else str(value)


def frame(table, part, keep_unseen=False):
    """Categories as pandas' own, by the levels of training."""
    out = part.copy()
    for name in table.words:
        levels = levels_of(table, name)
        out[name] = pd.Categorical(part[name], categories=levels + (["never seen"] if keep_unseen else []))
    return out


def matrix(table, part_is_train):
    """Everything as numbers, categories as codes."""
    part = table.train if part_is_train else table.probe
    columns = []
    for name in part.columns:
        if name not in table.words:
            columns.append(part[name].to_numpy(float))
            continue
        known = {level: at for at, level in enumerate(levels_of(table, name))}
        beyond = len(known) + 70
        columns.append([np.nan if pd.isna(v) else known.get(v, beyond) for v in part[name]])
    return np.column_stack(columns).astype(float)


def xgboost_rows(case, table, part_is_train, label=None):
    if case.coded:
        kinds = ["c" if name in table.words else "float" for name in table.train.columns]
        names = list(table.train.columns)
        return xgboost.DMatrix(matrix(table, part_is_train), label, feature_types=kinds, feature_names=names, enable_categorical=True)
    if case.numbers_only:
        return xgboost.DMatrix(matrix(table, part_is_train), label, feature_names=list(table.train.columns))
    part = table.train if part_is_train else table.probe
    return xgboost.DMatrix(frame(table, part), label, enable_categorical=True)


def fit_xgboost(case, table):
    options = {"max_depth": 5, "nthread": THREADS, "tree_method": "hist", "seed": 1} | case.options
    form = options.pop("form", "json")
    y = case.y(table)
    targets = options.pop("targets", 1)
    if targets > 1:
        y = np.column_stack([y, y * 0.5 + np.sin(y)])[:, :targets]
    if options.get("objective", "").startswith("multi"):
        options["num_class"] = table.classes
    booster = xgboost.train(options, xgboost_rows(case, table, True, y), ROUNDS)

    def save(folder):
        path = folder / f"model.{form}"
        booster.save_model(path)
        return path

    probe = xgboost_rows(case, table, False)
    link = options.get("objective") != "multi:softmax"
    named = {} if case.coded or case.numbers_only else dict.fromkeys(table.words, as_text)
    return Model(
        save,
        lambda: booster.predict(probe, output_margin=True),
        lambda: booster.predict(probe) if link else None,
        named,
    )


def fit_lightgbm(case, table):
    options = {"num_leaves": 15, "num_threads": THREADS, "verbose": -1, "seed": 1, "min_data_in_leaf": 5} | case.options
    if options["objective"].startswith("multiclass"):
        options["num_class"] = table.classes
    plain = case.coded or case.numbers_only
    x = matrix(table, True) if plain else frame(table, table.train)
    places = [at for at, name in enumerate(table.train.columns) if name in table.words]
    coded = places if case.coded else "auto"
    booster = lightgbm.train(options, lightgbm.Dataset(x, case.y(table), categorical_feature=coded), ROUNDS)

    def save(folder):
        path = folder / "model.txt"
        booster.save_model(path)
        return path

    probe = matrix(table, False) if plain else frame(table, table.probe)
    # A forest's raw scores are sums, its answers are made of means.
    factor = options.get("sigmoid", 1.0) / (ROUNDS if options.get("boosting") == "rf" else 1)
    answers = options["objective"] not in ("multiclassova",)
    named = {} if plain else dict.fromkeys(table.words, as_text)
    return Model(
        save,
        lambda: booster.predict(probe, raw_score=True) * factor,
        lambda: booster.predict(probe) if answers else None,
        named,
    )


def catboost_rows(table, part, words, label=None):
    """CatBoost takes texts for categories."""
    part = part.copy()
    for name in words:
        part[name] = part[name].map(lambda v: "nan" if pd.isna(v) else str(v))
    return catboost.Pool(part, label, cat_features=words)


def fit_catboost(case, table):
    options = {"iterations": ROUNDS, "depth": 4, "verbose": 0, "allow_writing_files": False, "thread_count": THREADS, "random_seed": 1, "bootstrap_type": "No"}
    options |= case.options
    words = [] if case.numbers_only else list(table.words)
    train, probe = table.train, table.probe
    if case.numbers_only:
        train, probe = (part.drop(columns=table.words) for part in (train, probe))
    if train.shape[1] == 0:
        train, probe, words = table.train, table.probe, list(table.words)
    # Our frames hold unseen categories as missing: where training saw missing ones, these cannot be told from them.
    probe = probe.copy()
    for name in words:
        if train[name].isna().any():
            probe[name] = probe[name].where(probe[name] != "never seen", np.nan)
    pool = catboost_rows(table, train, words, case.y(table))
    model = catboost.CatBoost(options).fit(pool)
    rows = catboost_rows(table, probe, words)
    def save(folder):
        path = folder / "model.json"
        model.save_model(str(path), format="json", pool=pool)
        return path

    kind = {"binary": "Probability", "classes": "Probability"}.get(case.target, "RawFormulaVal")
    kind = "Exponent" if options["loss_function"] in ("Poisson", "Tweedie:variance_power=1.5") else kind
    found = Model(
        save,
        lambda: model.predict(rows, prediction_type="RawFormulaVal"),
        lambda: None if "OneVsAll" in options["loss_function"] else model.predict(rows, prediction_type=kind),
        dict.fromkeys(words, as_text),
    )
    found.probe = probe
    return found


def score(library, path, table, model):
    """Scores of one of our exports by the library it was written for."""
    named = bool(model.categories) or not table.words
    probe = table.probe if model.probe is None else model.probe
    if named or model.probe is not None:
        named = True
        table = dataclasses.replace(table, words=[name for name in table.words if name in model.categories])
        x = frame(table, probe)
    else:
        x = matrix(table, False)
    if library == "lightgbm":
        return lightgbm.Booster(model_file=str(path)).predict(x, raw_score=True)
    booster = xgboost.Booster(model_file=str(path))
    rows = xgboost.DMatrix(x, feature_names=booster.feature_names, feature_types=None if named else booster.feature_types, enable_categorical=True)
    return booster.predict(rows, output_margin=True)


def xgb(name, target, numbers_only=False, coded=False, words_only=False, exports=None, **options):
    exports = ("xgboost", "xgboost-ubj", "lightgbm") if exports is None else exports
    return Case(f"XGBoost {name}", "xgboost", target, options, numbers_only, words_only, coded, exports)


def lgb(name, target, numbers_only=False, coded=False, words_only=False, exports=None, **options):
    exports = ("xgboost", "xgboost-ubj", "lightgbm") if exports is None else exports
    return Case(f"LightGBM {name}", "lightgbm", target, options, numbers_only, words_only, coded, exports)


def cat(name, target, numbers_only=False, words_only=False, exports=None, **options):
    exports = ("xgboost", "xgboost-ubj", "lightgbm") if exports is None else exports
    return Case(f"CatBoost {name}", "catboost", target, options, numbers_only, words_only, False, exports)


SETS = {"min_data_per_group": 5, "cat_smooth": 1.0, "max_cat_to_onehot": 2}
CASES = [
    xgb("binary, depth-wise", "binary", objective="binary:logistic"),
    xgb("binary, loss-guided, UBJ", "binary", objective="binary:logistic", grow_policy="lossguide", max_leaves=20, max_depth=0, form="ubj"),
    xgb("binary, pruned", "binary", objective="binary:logistic", gamma=2.0, tree_method="exact", numbers_only=True),
    xgb("binary, categories as partitions", "binary", objective="binary:logistic", max_cat_to_onehot=1, words_only=True),
    xgb("binary, categories one by one", "binary", objective="binary:logistic", max_cat_to_onehot=1000, words_only=True, form="ubj"),
    xgb("binary, category codes", "binary", objective="binary:logistic", max_cat_to_onehot=2, coded=True, words_only=True),
    xgb("binary, DART", "binary", objective="binary:logistic", booster="dart", rate_drop=0.3),
    xgb("binary, forest", "binary", objective="binary:logistic", num_parallel_tree=3, subsample=0.7),
    xgb("binary, logit", "binary", objective="binary:logitraw"),
    xgb("classes", "classes", objective="multi:softprob"),
    xgb("classes, softmax, UBJ", "classes", objective="multi:softmax", form="ubj"),
    xgb("classes, vector leaves", "classes", objective="multi:softprob", multi_strategy="multi_output_tree", numbers_only=True),
    xgb("classes, DART", "classes", objective="multi:softprob", booster="dart", rate_drop=0.3),
    xgb("squared error", "number", objective="reg:squarederror"),
    xgb("absolute error", "number", objective="reg:absoluteerror"),
    xgb("two targets", "number", objective="reg:squarederror", targets=2, numbers_only=True),
    xgb("quantile", "number", objective="reg:quantileerror", quantile_alpha=0.7),
    xgb("Poisson", "count", objective="count:poisson"),
    xgb("gamma", "positive", objective="reg:gamma"),
    xgb("Tweedie", "count", objective="reg:tweedie"),
    lgb("binary", "binary", objective="binary"),
    lgb("binary, no missing", "binary", objective="binary", use_missing=False),
    lgb("binary, zero as missing", "binary", objective="binary", zero_as_missing=True, exports=("lightgbm",)),
    lgb("binary, zero as missing, numbers", "binary", objective="binary", zero_as_missing=True, numbers_only=True, exports=("lightgbm",)),
    lgb("binary, category sets", "binary", objective="binary", words_only=True, **SETS),
    lgb("binary, category codes", "binary", objective="binary", words_only=True, coded=True, **SETS),
    lgb("binary, sigmoid 1.7", "binary", objective="binary", sigmoid=1.7),
    lgb("binary, DART", "binary", objective="binary", boosting="dart", drop_rate=0.3),
    lgb("binary, forest", "binary", objective="binary", boosting="rf", bagging_freq=1, bagging_fraction=0.7),
    lgb("binary, linear leaves", "binary", objective="binary", linear_tree=True, exports=("lightgbm",)),
    lgb("classes", "classes", objective="multiclass"),
    lgb("classes, one against all", "classes", objective="multiclassova", sigmoid=0.8, exports=("lightgbm",)),
    lgb("squared error", "number", objective="regression"),
    lgb("squared error, linear leaves", "number", objective="regression", linear_tree=True, exports=("lightgbm",)),
    lgb("absolute error", "number", objective="regression_l1"),
    lgb("quantile", "number", objective="quantile", alpha=0.3),
    lgb("Huber", "number", objective="huber"),
    lgb("Poisson", "count", objective="poisson"),
    lgb("gamma", "positive", objective="gamma"),
    lgb("Tweedie", "count", objective="tweedie"),
    lgb("quantised gradients", "number", objective="regression", use_quantized_grad=True),
    lgb("GOSS", "number", objective="regression", data_sample_strategy="goss", learning_rate=0.5),
    cat("binary, oblivious, numbers", "binary", loss_function="Logloss", numbers_only=True),
    cat("binary, missing as largest", "binary", loss_function="Logloss", numbers_only=True, nan_mode="Max"),
    cat("binary, loss-guided", "binary", loss_function="Logloss", numbers_only=True, grow_policy="Lossguide"),
    cat("binary, depth-wise", "binary", loss_function="Logloss", numbers_only=True, grow_policy="Depthwise"),
    cat("binary, one-hot", "binary", loss_function="Logloss", one_hot_max_size=255, words_only=True),
    cat("binary, statistics", "binary", loss_function="Logloss", max_ctr_complexity=1, words_only=True),
    cat("binary, combined statistics", "binary", loss_function="Logloss", max_ctr_complexity=4, words_only=True, exports=()),
    cat("binary, all statistics", "binary", loss_function="Logloss", words_only=True, exports=(), max_ctr_complexity=2,
        simple_ctr=["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"],
        combinations_ctr=["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"]),
    cat("binary, statistics, loss-guided", "binary", loss_function="Logloss", grow_policy="Lossguide", words_only=True, exports=()),
    cat("classes", "classes", loss_function="MultiClass", numbers_only=True),
    cat("classes, statistics", "classes", loss_function="MultiClass", words_only=True, exports=()),
    cat("classes, one against all", "classes", loss_function="MultiClassOneVsAll", numbers_only=True, exports=("lightgbm",)),
    cat("classes, loss-guided", "classes", loss_function="MultiClass", numbers_only=True, grow_policy="Lossguide"),
    cat("squared error", "number", loss_function="RMSE", numbers_only=True),
    cat("squared error, statistics", "number", loss_function="RMSE", words_only=True, exports=()),
    cat("squared error, borders of the target", "number", loss_function="RMSE", words_only=True, exports=(),
        simple_ctr=["Borders:TargetBorderCount=4", "Buckets:TargetBorderCount=3"], max_ctr_complexity=2),
    cat("quantile", "number", loss_function="Quantile:alpha=0.3", numbers_only=True),
    cat("Poisson", "count", loss_function="Poisson", numbers_only=True),
    cat("Tweedie", "count", loss_function="Tweedie:variance_power=1.5", numbers_only=True),
]
