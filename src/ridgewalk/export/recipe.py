"""The computation of a fitted model as plain data, from which every export is written.

    table -> features (N, P) -> models, each with its own columns, map, center, scale and target units
    -> their predictions -> weighted mean -> prediction

Unused inputs and units are removed first (:meth:`ridgewalk.model.Model.compact`), so an exported file needs only the
columns that the model uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ridgewalk.arrays import Array, Integers
from ridgewalk.conformal import Calibration
from ridgewalk.estimators import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV
from ridgewalk.estimators.access import has_one_target, is_multilabel
from ridgewalk.estimators.intervals import Calibrated
from ridgewalk.estimators.table import TableClassifier, TableRegressor
from ridgewalk.layers import Dense, Dropout, Layer
from ridgewalk.losses import OutputActivation, facts
from ridgewalk.mixture import Mixture
from ridgewalk.model import Model
from ridgewalk.tables import Encoder
from ridgewalk.tables.dates import DateOrder
from ridgewalk.tables.encode import DAYS, MISSING, Category, Column, CommaNumber, Date, Number, OrderedDate
from ridgewalk.tables.missing import MissingTexts
from ridgewalk.tables.text_format import TextFormat

TableEstimator = TableClassifier | TableRegressor
Estimator = MLPClassifier | MLPClassifierCV | MLPRegressor | MLPRegressorCV | TableEstimator
What = Literal["value", "number", "missing", "is", "none of", "days", "sin", "cos"]
Output = Literal["two classes", "classes", "labels", "numbers", "rates"]
_OUTPUTS: dict[OutputActivation, Output] = {
    "identity": "numbers", "exponential": "rates", "logistic": "two classes", "softmax": "classes",
}  # fmt: skip


@dataclass(frozen=True)
class Feature:
    """A number that the network takes of a column.

    Attributes
    ----------
    column : str
    what : str
        "value": its number; "number": the same, or ``number`` where it is missing; "missing": 1 where it is missing;
        "is": 1 where its text is one of ``texts``; "none of": 1 where it is not; "days": days after the day ``number``,
        0 where it is missing; "sin", "cos": of its place in a cycle of ``number`` days, 0 where it is missing.
    number : float
    texts : tuple of str
    commas : bool
        Whether commas stand before decimals where its numbers come as text, as they did in the file of the fit.
    order : str or None
        What comes first in a date's texts: "dayfirst", "monthfirst", "yearfirst"; None where they are ISO dates.
    """

    column: str
    what: What
    number: float = float("nan")
    texts: tuple[str, ...] = ()
    commas: bool = False
    order: DateOrder | None = None

    @property
    def kind(self) -> Literal["number", "text", "date"]:
        """Type of the column; irrelevant for a missing value."""
        if self.what in ("is", "none of"):
            return "text"
        return "date" if self.what in ("days", "sin", "cos") else "number"


MOST_SCORES = 10_000
"""Held-out rows whose scores a file may hold."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """The networks and errors of the folds, for intervals or sets (:mod:`ridgewalk.conformal`).

    Attributes
    ----------
    coverage : float
    fold_shares : array, shape (K, M)
        Share of each model in what each fold predicts; each row sums to 1.
    calibration : Calibration
        What the folds missed.
    """

    coverage: float
    fold_shares: Array
    calibration: Calibration

    @property
    def scores(self) -> Array:
        """Scores of all folds, one after the other: shape (N, T)."""
        return np.concatenate(self.calibration.scores)

    @property
    def counts(self) -> Array:
        """How much each counts: shape (N,)."""
        return np.concatenate(self.calibration.shares)

    @property
    def fold(self) -> Integers:
        """Number of the fold of each: shape (N,)."""
        return np.repeat(np.arange(len(self.fold_shares)), [len(each) for each in self.calibration.shares])


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a fitted model computes.

    Attributes
    ----------
    features : tuple of Feature, or None
        What the networks take of columns that have names; None where the model takes an array.
    chosen : integers, shape (P,)
        What the networks take, by its number among all (encoded) columns of the fit.
    width : int
        How many columns the fit had.
    names : tuple of str
        What people call the features: "age", "town = here"; "x0", "x1", ... of an array.
    unused : tuple of str
        Columns of the fit that are not needed.
    models : tuple of Model, M of them
        Those whose predictions are averaged: one per start, or those of a blend; and those that intervals or sets need.
        Each takes some of the P features, by their places, with a map, center and scale of its own.
    shares : array, shape (M,)
        Of the models in the mean; their sum is 1. 0 of a model that intervals or sets alone need.
    output : str
        How ``models`` become predictions: one logit is "two classes", several are "classes" or "labels" (each yes or
        no); "numbers" are as they come, "rates" are the exponential.
    classes : list
        Class labels in the order of the probabilities; empty for numbers.
    flat : bool
        Whether a prediction is one number or label per row, not a row of them.
    target : str
        Name of what is predicted.
    covered : Coverage or None
        What intervals or sets need, where they are asked for.
    missing : MissingTexts
        Texts, numbers and dates that mean missing in columns that have names.
    na_columns : frozenset of str
        Columns in which NA and the like are categories.
    read_as : TextFormat
        How the file of text was written that the columns of the fit stood in.
    """

    features: tuple[Feature, ...] | None
    chosen: Integers
    width: int
    names: tuple[str, ...]
    unused: tuple[str, ...]
    models: tuple[Model, ...]
    shares: Array
    output: Output
    classes: list[Any]
    flat: bool
    target: str
    missing: MissingTexts
    na_columns: frozenset[str]
    read_as: TextFormat
    covered: Coverage | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Needed columns and their types: "number", "text" or "date"."""
        kinds: dict[str, str] = {}
        for feature in sorted(self.features or (), key=lambda each: each.what == "missing"):
            kinds.setdefault(feature.column, feature.kind)
        return kinds

    @property
    def activation(self) -> Layer | None:
        """Activation between the dense layers; None if there is none."""
        layers = (layer for model in self.models for layer in model.network.layers)
        return next((layer for layer in layers if not isinstance(layer, Dense | Dropout)), None)


def recipe(
    model: Estimator, encoder: Encoder | None = None, target: str = "target", coverage: float | None = None
) -> Recipe:
    """Describe the computation of a fitted model as plain data.

    Parameters
    ----------
    model : estimator
        A fitted one.
    encoder : Encoder, optional
        What turned a table's columns into the model's; with it, the recipe begins at the table.
    target : str
        Name of the predicted column.
    coverage : float, optional
        Between 0 and 1: the share of new rows that intervals or sets, which are then part of the recipe, contain.

    Returns
    -------
    Recipe

    Raises
    ------
    ValueError
        If it is no fitted model of ridgewalk, or the encoder gives another number of columns than it takes; with a
        coverage, if the model has no folds, or too many rows were held out.
    """
    if not isinstance(model, Estimator):
        raise ValueError(
            f"What can be exported is a fitted estimator of ridgewalk, got {type(model).__name__}: of a pipeline or a "
            "search, give the estimator inside it."
        )
    check_is_fitted(model)
    mixture = _mixture(model).compact()
    shares, covered = mixture.shares, None
    if coverage is not None:
        mixture, shares, covered = _with_folds(model, mixture, coverage)
    encoder = _encoder(model, encoder)
    everything = _everything(model, encoder)
    width = model.n_features_in_ if encoder is None else len(encoder.names)
    used = np.flatnonzero(mixture.support(width))
    chosen = used if used.size else mixture.models[0].inputs  # a constant still asks for a column: it counts the rows
    features = None if everything is None else tuple(everything[k] for k in chosen)
    needed = {feature.column for feature in features or ()}
    of_table = isinstance(model, TableEstimator)
    output = _OUTPUTS[facts(mixture.loss).output_activation]
    if output == "two classes" and not of_table and is_multilabel(model):
        output = "labels"
    return Recipe(
        features=features,
        chosen=chosen,
        width=width,
        names=tuple(np.asarray(encoder.names if encoder else _check_feature_names_in(model))[chosen].tolist()),
        unused=tuple(dict.fromkeys(each.column for each in everything or () if each.column not in needed)),
        models=tuple(_taking(each, chosen) for each in mixture.models),
        shares=shares,
        output=output,
        classes=model.classes_.tolist() if output in ("two classes", "classes", "labels") else [],
        flat=of_table or output in ("two classes", "classes") or (output != "labels" and has_one_target(model)),
        target=target,
        missing=MissingTexts() if encoder is None else encoder.missing_texts,
        na_columns=frozenset() if encoder is None else encoder.na_columns,
        read_as=TextFormat() if encoder is None else encoder.read_as,
        covered=covered,
    )


def _with_folds(model: Estimator, mixture: Mixture, coverage: float) -> tuple[Mixture, Array, Coverage]:
    """Return the models that predict and those of the folds with their weights, and the folds' errors."""
    if not isinstance(model, Calibrated):
        raise ValueError(
            f"Intervals and sets need the networks of folds, and a {type(model).__name__} has one strength and no "
            "folds: leave coverage out, or fit an estimator whose name ends in CV, or one of tables."
        )
    predictors, calibration = model.calibrated(coverage)
    rows = sum(map(len, calibration.shares))
    if rows > MOST_SCORES:
        raise ValueError(
            f"A file holds what up to {MOST_SCORES:,} held-out rows were missed by, and here are {rows:,}: leave "
            "coverage out, and ask the model itself."
        )
    every = [mixture, *(predictor.compact() for predictor in predictors)]
    places: dict[bytes, int] = {}
    models: list[Model] = []
    shares = np.zeros((len(every), sum(len(each.models) for each in every)))
    for number, each in enumerate(every):
        for one, share in zip(each.models, each.shares, strict=True):
            place = places.setdefault(_bytes(one), len(models))
            models += [one] if place == len(models) else []
            shares[number, place] += share
    shares = shares[:, : len(models)]
    equal = Mixture(tuple(models), np.full(len(models), 1 / len(models)))
    return equal, shares[0], Coverage(coverage, shares[1:], calibration)


def _bytes(model: Model) -> bytes:
    """Return the layers and numbers of a model: those of equal models are equal."""
    arrays = [*model.parameters, model.inputs, model.center, model.scale, model.target_center, model.target_scale]
    if model.map is not None:
        arrays += [model.map.column, model.map.kind, model.map.center, model.map.scale]
    return repr(model.network).encode() + b"|".join(
        f"{each.shape}".encode() + each.tobytes() for each in map(np.ascontiguousarray, arrays)
    )


def _mixture(model: Estimator) -> Mixture:
    """Return the models that predict, and their weights: those of a table model, or one model per seed."""
    if isinstance(model, TableEstimator):
        return model.mixture_
    models = tuple(model.models_)
    return Mixture(models, np.full(len(models), 1 / len(models)))


def _encoder(model: Estimator, encoder: Encoder | None) -> Encoder | None:
    """Return the encoder of a model's columns: the given one, or a table model's own."""
    if not isinstance(model, TableEstimator):
        return encoder
    if encoder is not None and encoder is not model.encoder_:
        raise ValueError(f"A {type(model).__name__} has an encoder of its own, and another came: leave encoder out.")
    return model.encoder_


def _everything(model: Estimator, encoder: Encoder | None) -> list[Feature] | None:
    """Return all that a model takes of named columns, in the order of its columns."""
    if encoder is None:
        names = getattr(model, "feature_names_in_", None)
        return None if names is None else [Feature(str(name), "value") for name in names]
    gone = tuple(sorted(encoder.missing_texts.spelled))
    everything = [feature for column in encoder.columns for feature in _features(column, gone)]
    if not isinstance(model, TableEstimator) and len(everything) != model.n_features_in_:
        raise ValueError(
            f"The model takes {model.n_features_in_} columns, and the encoder gives {len(everything)}: "
            "give the one that encoded the rows of the fit."
        )
    return everything


def _features(column: Column, gone: tuple[str, ...] = ()) -> Iterator[Feature]:
    """Return the encoded columns of a column in order; some texts mean missing."""
    name = column.name
    order = column.order if isinstance(column, OrderedDate) else None
    match column:
        case Number():
            yield Feature(name, "number", column.median, commas=isinstance(column, CommaNumber))
        case Category():
            spelled = column.spellings
            spelled |= {MISSING: (MISSING, *(() if "" in spelled else ("",)), *gone)}
            yield from (Feature(name, "is", texts=spelled[level]) for level in column.levels)
            if column.others:
                yield Feature(name, "none of", texts=tuple(text for level in column.levels for text in spelled[level]))
        case Date():
            yield Feature(name, "days", column.center, order=order)
            for cycle in column.cycles:
                yield Feature(name, "sin", DAYS[cycle], order=order)
                yield Feature(name, "cos", DAYS[cycle], order=order)
    if isinstance(column, Number | Date) and column.indicated:
        yield Feature(name, "missing", commas=isinstance(column, CommaNumber))


def _taking(model: Model, chosen: Integers) -> Model:
    """Return the same model for an array of the chosen columns; if it uses none of them, it takes the first."""
    if not np.isin(model.inputs, chosen).all():
        model = replace(model, inputs=chosen[:1], center=np.zeros(1), scale=np.ones(1), map=None)
    return replace(model, inputs=np.searchsorted(chosen, model.inputs))
