"""The models of benchmarks/accuracy.py: each fits the rows of a split, and predicts the others, in one thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

Predict = Callable[["Split"], np.ndarray]
SMALLEST = 1e-6  # probability


@dataclass(frozen=True, eq=False)
class Split:
    """Rows to learn from, rows to predict and their answers.

    Attributes
    ----------
    x, new : DataFrame
        Categories are of pandas' dtype, with the table's levels.
    y, answers : array
        Numbers, or the numbers of classes.
    classes : int
        0 where numbers are predicted.
    seed : int
    """

    x: pd.DataFrame
    y: np.ndarray
    new: pd.DataFrame
    answers: np.ndarray
    classes: int
    seed: int

    @cached_property
    def categories(self) -> list[str]:
        """Names of the columns of categories."""
        return [name for name in self.x if not is_numeric_dtype(self.x[name])]

    def filled(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return both tables, numbers that are missing replaced by the median."""
        numbers = self.x.columns.difference(self.categories)
        medians = self.x[numbers].median()
        return tuple(table.assign(**table[numbers].fillna(medians)) for table in (self.x, self.new))  # type: ignore[return-value]

    def chances(self, classes: np.ndarray, given: np.ndarray) -> np.ndarray:
        """Return probabilities of every class of the table, of those of the classes that a model knows."""
        every = np.zeros((len(given), self.classes))
        every[:, np.asarray(classes, dtype=int)] = given
        return every

    def predicted(self, model: Any, new: Any) -> np.ndarray:
        """Return what a fitted scikit-learn estimator predicts: probabilities of the classes, or numbers."""
        if self.classes:
            return self.chances(model.classes_, model.predict_proba(new))
        return np.asarray(model.predict(new), dtype=float).ravel()

    def row_losses(self, predicted: np.ndarray) -> np.ndarray:
        """Return the log loss of every held-out row, or the squared error over the variance of their targets."""
        if self.classes:
            chances = np.clip(predicted[np.arange(len(predicted)), self.answers], SMALLEST, 1)
            return -np.log(chances)
        return (self.answers - predicted) ** 2 / self.answers.var()


def table_model(split: Split) -> np.ndarray:
    """Predict with ridgewalk's estimators of tables, as they are by default."""
    from ridgewalk import TableClassifier, TableRegressor

    estimator = TableClassifier if split.classes else TableRegressor
    return split.predicted(estimator(random_state=split.seed).fit(split.x, split.y), split.new)


def network_of(**options: Any) -> Predict:
    """Return ridgewalk's path of a single network over encoded columns."""

    def predict(split: Split) -> np.ndarray:
        from ridgewalk import MLPClassifierCV, MLPRegressorCV
        from ridgewalk.tables import Encoder

        encoder = Encoder().fit(split.x)
        estimator = MLPClassifierCV if split.classes else MLPRegressorCV
        model = estimator(random_state=split.seed, **options).fit(encoder.transform(split.x), split.y)
        return split.predicted(model, encoder.transform(split.new))

    return predict


def columns(split: Split) -> Any:
    """Return a preparation for scikit-learn's linear models and network: standardized numbers, indicators of levels."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = [name for name in split.x if name not in split.categories]
    levels = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers), (levels, split.categories)
    )


def linear(split: Split) -> np.ndarray:
    """Predict by logistic or ridge regression, its penalty chosen by cross-validation."""
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.pipeline import make_pipeline

    model: Any = RidgeCV(np.logspace(-4, 5, 30))
    if split.classes:
        model = LogisticRegressionCV(
            Cs=np.logspace(-4, 4, 10),
            l1_ratios=(0,),
            scoring="neg_log_loss",
            max_iter=1_000,
            use_legacy_attributes=False,
        )
    return split.predicted(make_pipeline(columns(split), model).fit(split.x, split.y), split.new)


def forest(split: Split) -> np.ndarray:
    """Predict by a random forest, the size of its leaves chosen by the out-of-bag loss."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.preprocessing import OrdinalEncoder

    x, new = split.filled()
    if split.categories:
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(x[split.categories])
        for table in (x, new):  # copies
            table[split.categories] = codes.transform(table[split.categories])
    kind = RandomForestClassifier if split.classes else RandomForestRegressor
    found = []
    for leaf in (1, 5):
        model = kind(500, min_samples_leaf=leaf, oob_score=True, random_state=split.seed, n_jobs=1).fit(x, split.y)
        if split.classes:
            chances = model.oob_decision_function_[np.arange(len(x)), np.searchsorted(model.classes_, split.y)]
            loss = -np.log(np.clip(np.nan_to_num(chances), SMALLEST, 1)).mean()
        else:
            loss = np.mean((split.y - model.oob_prediction_) ** 2)
        found.append((loss, leaf, model))
    return split.predicted(min(found)[-1], new)


def boosting(**options: Any) -> Predict:
    """Return scikit-learn's boosted trees."""

    def predict(split: Split) -> np.ndarray:
        from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

        kind = HistGradientBoostingClassifier if split.classes else HistGradientBoostingRegressor
        model = kind(random_state=split.seed, **({"early_stopping": False} | options)).fit(split.x, split.y)
        return split.predicted(model, split.new)

    return predict


def inner(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Return rows to train on and a fifth to stop by."""
    from sklearn.model_selection import train_test_split

    kept = split.y if split.classes else None
    return tuple(train_test_split(np.arange(len(split.y)), test_size=0.2, random_state=split.seed, stratify=kept))  # type: ignore[return-value]


def lightgbm(early: bool) -> Predict:
    """Return LightGBM, by its defaults or stopped early."""

    def predict(split: Split) -> np.ndarray:
        from lightgbm import LGBMClassifier, LGBMRegressor, early_stopping

        kind = LGBMClassifier if split.classes else LGBMRegressor
        common = {"random_state": split.seed, "n_jobs": 1, "verbose": -1}
        if not early:
            return split.predicted(kind(**common).fit(split.x, split.y), split.new)
        a, b = inner(split)
        model = kind(n_estimators=2_000, learning_rate=0.05, **common)
        stop = early_stopping(50, verbose=False)
        model.fit(split.x.iloc[a], split.y[a], eval_set=[(split.x.iloc[b], split.y[b])], callbacks=[stop])
        return split.predicted(model, split.new)

    return predict


def catboost(early: bool) -> Predict:
    """Return CatBoost, by 500 rounds or stopped early."""

    def predict(split: Split) -> np.ndarray:
        from catboost import CatBoostClassifier, CatBoostRegressor

        kind = CatBoostClassifier if split.classes else CatBoostRegressor
        named = dict.fromkeys(split.categories, "string")
        gaps, texts = (dict.fromkeys(split.categories, value) for value in ("missing", object))
        x, new = (table.astype(named).fillna(gaps).astype(texts) for table in (split.x, split.new))
        common: dict[str, Any] = {"random_seed": split.seed, "thread_count": 1, "verbose": False}
        common |= {"allow_writing_files": False, "cat_features": split.categories}
        if not early:
            return split.predicted(kind(iterations=500, **common).fit(x, split.y), new)
        a, b = inner(split)
        model = kind(iterations=2_000, early_stopping_rounds=50, **common)
        return split.predicted(model.fit(x.iloc[a], split.y[a], eval_set=(x.iloc[b], split.y[b])), new)

    return predict


def mlp(split: Split) -> np.ndarray:
    """Predict by scikit-learn's network, its L2 chosen by grid search."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kind = MLPClassifier if split.classes else MLPRegressor
    name = "mlpclassifier__alpha" if split.classes else "mlpregressor__alpha"
    model = make_pipeline(columns(split), kind(max_iter=500, random_state=split.seed))
    scoring = "neg_log_loss" if split.classes else "neg_mean_squared_error"
    search = GridSearchCV(model, {name: np.logspace(-4, 1, 6)}, scoring=scoring, cv=3)
    whole = search if split.classes else TransformedTargetRegressor(search, transformer=StandardScaler())
    return split.predicted(whole.fit(split.x, split.y), split.new)


def realmlp(members: int) -> Predict:
    """Return RealMLP-TD of so many members."""

    def predict(split: Split) -> np.ndarray:
        from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

        common: dict[str, Any] = {"device": "cpu", "random_state": split.seed, "n_threads": 1, "n_cv": members}
        x, new = split.filled()
        if not split.classes:
            return split.predicted(RealMLP_TD_Regressor(**common).fit(x, split.y), new)
        model = RealMLP_TD_Classifier(val_metric_name="cross_entropy", use_ls=False, **common)
        return split.predicted(model.fit(x, split.y), new)

    return predict


def tabm(split: Split) -> np.ndarray:
    """Predict by TabM over piecewise-linear embeddings."""
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    common: dict[str, Any] = {"device": "cpu", "random_state": split.seed, "n_threads": 1}
    common |= {"arch_type": "tabm-mini", "num_emb_type": "pwl", "num_emb_n_bins": 32}
    x, new = split.filled()
    if not split.classes:
        return split.predicted(TabM_D_Regressor(**common).fit(x, split.y), new)
    return split.predicted(TabM_D_Classifier(val_metric_name="cross_entropy", **common).fit(x, split.y), new)


def lassonet(split: Split) -> np.ndarray:
    """Predict by LassoNet, its strength chosen by cross-validation."""
    from lassonet import LassoNetClassifierCV, LassoNetRegressorCV
    from sklearn.preprocessing import StandardScaler

    prepared = columns(split).fit(split.x)
    x, new = (np.asarray(prepared.transform(table), dtype=np.float32) for table in (split.x, split.new))
    common = {"random_state": split.seed, "verbose": 0}
    if split.classes:
        model = LassoNetClassifierCV(**common).fit(x, split.y)
        return split.chances(np.unique(split.y), np.asarray(model.predict_proba(new)))
    scale = StandardScaler().fit(split.y[:, None])
    model = LassoNetRegressorCV(**common).fit(x, scale.transform(split.y[:, None]).astype(np.float32))
    return np.asarray(scale.inverse_transform(np.asarray(model.predict(new)).reshape(-1, 1))).ravel()


BEFORE: dict[str, Any] = {
    "hidden_layer_sizes": (32,),
    "alphas": 30,
    "max_iter": 600,
    "batch_size": None,
    "learning_rate_init": 0.01,
}
"""The estimators' defaults of version 0.1.0, as it was first built."""

OURS, OURS_NETWORK, OURS_BEFORE = "ridgewalk", "one network", "ridgewalk before"
MODELS: dict[str, dict[str, Predict]] = {
    OURS: {"defaults": table_model},
    OURS_NETWORK: {"defaults": network_of()},
    OURS_BEFORE: {"defaults": network_of(**BEFORE)},
    "linear": {"by cross-validation": linear},
    "forest": {"leaves by out-of-bag loss": forest},
    "HGB": {
        "defaults": boosting(),
        "early": boosting(early_stopping=True, max_iter=1_000, learning_rate=0.05, n_iter_no_change=30),
    },
    "LightGBM": {"defaults": lightgbm(early=False), "early": lightgbm(early=True)},
    "CatBoost": {"500 rounds": catboost(early=False), "early": catboost(early=True)},
    "MLP": {"alpha by grid search": mlp},
    "RealMLP": {"alone": realmlp(1)},
    "RealMLP x 5": {"five members": realmlp(5)},
    "TabM": {"piecewise-linear": tabm},
    "LassoNet": {"by cross-validation": lassonet},
}
"""Every model's ways."""
