"""The presets beside the libraries they are named after: equal settings, spelled as each side spells them.

Only the standard library is imported here, so that the process that measures stays small.
"""

PRESETS = ("lightgbm", "xgboost", "catboost")
LEARNING_RATE = 0.1

# Preset -> parameter of ours -> the same of the library. Equal unless a pair is given.
EQUAL = {
    "lightgbm": {"num_leaves": 63, "learning_rate": LEARNING_RATE, "max_bin": 255},
    "xgboost": {"max_depth": 6, "learning_rate": LEARNING_RATE, "max_bin": 255},
    "catboost": {"depth": 6, "learning_rate": LEARNING_RATE, "border_count": 254},
}

# What makes seeds matter: a tree sees 0.8 of the rows, and of the columns where both sides draw them by tree.
RANDOM = {
    "lightgbm": {"bagging_fraction": 0.8, "bagging_freq": 1, "feature_fraction": 0.8},
    "xgboost": {"subsample": 0.8, "colsample_bytree": 0.8},
    "catboost": {"bootstrap_type": "Bernoulli", "subsample": 0.8},
}

ROUNDS = {"lightgbm": "n_estimators", "xgboost": "n_estimators", "catboost": "iterations"}
PATIENCE = {"lightgbm": "early_stopping_round", "xgboost": "early_stopping_rounds", "catboost": "early_stopping_rounds"}


def equal(preset, rounds, random):
    """The settings of a comparison, by our names; the libraries know them by the same."""
    return EQUAL[preset] | {ROUNDS[preset]: rounds} | (RANDOM[preset] if random else {})


def early(preset, rounds, patience):
    """Defaults but for the most rounds and the patience."""
    return {ROUNDS[preset]: rounds, PATIENCE[preset]: patience}


def words(settings):
    """Settings as arguments of `kolosal fit`."""
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
