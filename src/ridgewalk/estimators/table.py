"""Estimators for tables as they come: every view of the table has a path, and a blend of all of them predicts.

    frame --Encoder--> columns of numbers --views--> paths on the same folds --blend--> predictions

A view is a way to look at the columns, and a network for it. ``network_`` is the single network, sparse and at its
chosen strength, of the view that predicts best; what the blend gains over it, and over other models, stands in
``worth_``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from numbers import Integral
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ridgewalk.arrays import Array, Booleans
from ridgewalk.diagnostics import Arm, Diagnosis
from ridgewalk.diagnostics.evidence import chosen_by_others, smallest_effect
from ridgewalk.estimators.comparing import paired_difference
from ridgewalk.estimators.parameters import NETWORK_CONSTRAINTS
from ridgewalk.estimators.planning import TablePlan, plan_of
from ridgewalk.estimators.positive import POS_LABEL_CONSTRAINTS, check_pos_label
from ridgewalk.estimators.problem import REGRESSION_LOSSES, recorded
from ridgewalk.estimators.whole_path import MLPClassifierCV, MLPRegressorCV
from ridgewalk.input_maps import MapRule
from ridgewalk.objective import weighted_mean
from ridgewalk.path.blend import MOST_MEMBERS, Blend, fit_blend, heldout_error, mixture_of
from ridgewalk.path.racing import FEWEST_FOLDS
from ridgewalk.path.result import MLPPath
from ridgewalk.report.html import excerpt
from ridgewalk.report.schema import MemberSummary, Summary, Worth
from ridgewalk.tables import ColumnChoices, Encoder, Table, make_table
from ridgewalk.tables.encode import Date, Number
from ridgewalk.tables.encoder import COLUMN_CONSTRAINTS, table_encoder, validated_frame
from ridgewalk.tables.plan import columns_frame

_Estimator = TypeVar("_Estimator", bound="_TableEstimator")
STRENGTHS = 6
"""Strengths of every view's path, above 0: a blend needs no finer grid (EXPERIMENTS.md, 2026-11-29)."""
_MANY_CLASSES = 5  # for which every view takes the usual network of so many outputs
_PIECES, _FEWEST_PIECES = 8, 3
_MOST_NUMBERS = 300  # that all mapped columns together become: of more columns each has fewer pieces, or none


@dataclass(frozen=True)
class View:
    """A way to look at the columns of a table, and a network for it.

    Attributes
    ----------
    name : str
    mapped : bool
        Whether numbers are robustly scaled, softly clipped, and given beside their piecewise-linear encoding.
    hidden_layer_sizes : tuple of int
        For numbers and up to four classes; for more, every view has the usual network of so many outputs.
    """

    name: str
    mapped: bool
    hidden_layer_sizes: tuple[int, ...]


VIEWS: Mapping[str, View] = {view.name: view for view in (View("plain", False, (32,)), View("encoded", True, (64, 32)))}
"""Views by name."""


class _TableEstimator(BaseEstimator):  # type: ignore[misc]
    """Parameters, views, blend."""

    _of_view: ClassVar[type[MLPClassifierCV] | type[MLPRegressorCV]]
    _task: ClassVar[str]
    fit: Any
    _target: Any

    def __init__(
        self,
        *,
        categories: Any = (),
        numbers: Any = (),
        dates: Any = (),
        missing: Any = (),
        ids: Any = (),
        keep: Any = (),
        views: Any = "auto",
        max_members: int = MOST_MEMBERS,
        loss: str = "auto",
        cv: Any = 5,
        n_seeds: int = 1,
        class_weight: Any = None,
        pos_label: Any = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        checkpoint_dir: str | PathLike[str] | None = None,
        verbose: bool = False,
    ) -> None:
        self.categories = categories
        self.numbers = numbers
        self.dates = dates
        self.missing = missing
        self.ids = ids
        self.keep = keep
        self.views = views
        self.max_members = max_members
        self.loss = loss
        self.cv = cv
        self.n_seeds = n_seeds
        self.class_weight = class_weight
        self.pos_label = pos_label
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.checkpoint_dir = checkpoint_dir
        self.verbose = verbose

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **COLUMN_CONSTRAINTS,
        "keep": [str, "array-like"],
        "views": [str, "array-like"],
        "max_members": [Interval(Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "checkpoint_dir": [str, PathLike, None],
        **{
            name: NETWORK_CONSTRAINTS[name] for name in ("n_seeds", "class_weight", "random_state", "n_jobs", "verbose")
        },
    }

    def _fit(self, X: Any, y: Array, sample_weight: ArrayLike | None, groups: ArrayLike | None) -> Self:
        """Fit the views to a table and its target (N,), and blend them."""
        table, encoder = self._table(X, y)
        self.notes_ = list(table.notes)
        return self._fit_encoded(encoder, encoder.encoded(table.inputs), y, sample_weight, groups)

    def _table(self, X: Any, y: Array) -> tuple[Table, Encoder]:
        """Read rows and their target (N,) as a table, and learn what its columns become."""
        frame = validated_frame(self, X, reset=True)
        if len(frame) != len(y):
            raise ValueError(f"X has {len(frame)} rows, and y {len(y)}: one value for each row is needed.")
        target = "y"
        while target in frame.columns:
            target += "'"
        choices = ColumnChoices(self.categories, self.numbers, self.dates, self.missing, self.ids, self.keep)
        choices.check(list(frame.columns))
        known = choices.missing_texts.blanked_frame(frame)  # and not of y, where the same text may be a class
        table = make_table(known.assign(**{target: y}), target, self._task, choices=replace(choices, missing=()))
        return table, table_encoder(table.inputs, choices, table.left_out)

    def _fit_encoded(
        self, encoder: Encoder, x: Array, y: Array, sample_weight: ArrayLike | None, groups: ArrayLike | None
    ) -> Self:
        """Fit the views to encoded columns (N, P) and the target (N,), and blend them."""
        views = self._asked_views()
        self.encoder_ = encoder
        recorded(self.checkpoint_dir, self.random_state)  # refuses what cannot be drawn again alike
        self.views_: dict[str, MLPClassifierCV | MLPRegressorCV] = {}
        for view, model in zip(views, self._models(views, x, y, groups), strict=True):
            model._baseline = next((each.linear_path_ for each in self.views_.values()), None)
            self.views_[view.name] = model.fit(x, y, sample_weight, groups=groups)
        self._blend()
        return self

    def _models(
        self, views: Sequence[View], x: Array, y: Array, groups: ArrayLike | None
    ) -> list[MLPClassifierCV | MLPRegressorCV]:
        """Return the estimators of views of encoded columns (N, P), on the same folds; none is fitted."""
        seed = self._seed()
        cv = self.cv if hasattr(self.cv, "split") or not isinstance(self.cv, Iterable) else list(self.cv)
        races = check_cv(cv).get_n_splits(x, y, groups) >= FEWEST_FOLDS
        models = [self._estimator(view, seed, cv) for view in views]
        for view, model in zip(views, models, strict=True):
            model.racing = races
            model._map_rule = self._map_rule(x) if view.mapped else None
        return models

    def plan(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, groups: ArrayLike | None = None
    ) -> TablePlan:
        """Return what :meth:`fit` would make of a table and train; nothing is trained, and nothing set.

        Parameters
        ----------
        X, y, sample_weight, groups
            As for :meth:`fit`.

        Returns
        -------
        TablePlan
            Print it, or ask for its ``columns``, a DataFrame of what becomes of each, its ``paths`` and ``seconds``.

        Raises
        ------
        DataError, ValueError
            What :meth:`fit` would raise before it trains.
        """
        if hasattr(self.cv, "__next__"):
            raise ValueError("cv is an iterator, which a plan would use up: give a list of its folds.")
        model = copy(self)
        model._validate_params()
        target = model._target(y)
        table, encoder = model._table(X, target)
        columns = columns_frame(encoder.columns, encoder.left_out, table.gaps)
        plan = model._planned(encoder, encoder.encoded(table.inputs), target, sample_weight, groups, columns)
        return replace(plan, notes=(*table.odd, *encoder.notes))

    def _planned(
        self,
        encoder: Encoder,
        x: Array,
        y: Array,
        sample_weight: ArrayLike | None,
        groups: ArrayLike | None,
        columns: pd.DataFrame,
    ) -> TablePlan:
        """Return what would be trained on encoded columns (N, P), and what becomes of those that they come from."""
        self.encoder_ = encoder
        views = self._asked_views()
        models = self._models(views, x, y, groups)
        return plan_of(
            {view.name: model for view, model in zip(views, models, strict=True)}, x, y, sample_weight, groups, columns
        )

    def _seed(self) -> int:
        """Return what draws folds and starts: a whole number as it is, so that a single network has the same folds."""
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _asked_views(self) -> list[View]:
        """Return the views that are asked for."""
        names = list(VIEWS) if isinstance(self.views, str) and self.views == "auto" else self.views
        names = [names] if isinstance(names, str) else list(names)
        unknown = [name for name in names if name not in VIEWS]
        if unknown or not names or len(set(names)) < len(names):
            raise ValueError(
                f'views is "auto", or some of {", ".join(map(repr, VIEWS))}, each once; got {self.views!r}.'
            )
        return [VIEWS[name] for name in names]

    def _estimator(self, view: View, seed: int, cv: Any) -> MLPClassifierCV | MLPRegressorCV:
        """Return the estimator of a view's path; folds and starts are the same for all views."""
        many = len(getattr(self, "classes_", ())) >= _MANY_CLASSES
        return self._of_view(
            "auto" if many else view.hidden_layer_sizes,
            loss=self.loss,
            alphas=STRENGTHS,
            class_weight=self.class_weight,
            pos_label=self.pos_label,
            cv=cv,
            n_seeds=self.n_seeds,
            random_state=seed,
            n_jobs=self.n_jobs,
            checkpoint_dir=self.checkpoint_dir,
            verbose=self.verbose,
        )

    def _map_rule(self, x: Array) -> MapRule:
        """Return which encoded columns are mapped, and to how many pieces: numbers and dates of over two values."""
        first = np.cumsum([0, *(len(column.names) for column in self.encoder_.columns)])[:-1]
        mapped = np.zeros(x.shape[1], dtype=bool)
        for place, column in zip(first, self.encoder_.columns, strict=True):
            mapped[place] = isinstance(column, Number | Date) and _has_three_values(x[:, place])
        pieces = min(_PIECES, _MOST_NUMBERS // max(int(mapped.sum()), 1) - 1)
        return MapRule(mapped, pieces if pieces >= _FEWEST_PIECES else 0)

    def _blend(self) -> None:
        """Learn the blend of the views, and that of their unpenalized networks alone."""
        paths = list(blended_paths(self.views_).values())
        problem = next(iter(self.views_.values()))._kept_problem()
        blend = fit_blend(problem, paths, self.max_members)
        dense = [np.flatnonzero((path.alphas == 0) & ~path.lost.any(axis=(1, 2))) for path in paths]
        unpenalized = fit_blend(problem, paths, self.max_members, dense) if any(map(np.size, dense)) else None
        self._set_blends(self.views_, blend, unpenalized)
        self.mixture_ = mixture_of(self.blend_, paths)
        self.heldout_loss_ = float(weighted_mean(self.blend_.row_loss, paths[0].row_weights))

    def _set_blends(
        self, views: dict[str, MLPClassifierCV | MLPRegressorCV], blend: Blend, unpenalized: Blend | None
    ) -> None:
        """Set the views and their blends."""
        self.views_, self.blend_, self.unpenalized_blend_ = views, blend, unpenalized
        self.network_ = min(views.values(), key=lambda model: model.heldout_loss_)

    @property
    def path_(self) -> MLPPath:
        """Path of the single network."""
        self._check_views()
        return self.network_.path_

    @property
    def alpha_(self) -> float:
        """Strength of the single network."""
        self._check_views()
        return self.network_.alpha_

    @property
    def support_(self) -> Booleans:
        """Which encoded columns any network of the blend uses."""
        check_is_fitted(self, "mixture_")
        return self.mixture_.support(len(self.encoder_.names))

    @property
    def worth_(self) -> list[Worth]:
        """What the blend gains over the single network, no penalty, a linear model and a constant."""
        self._check_views()
        path, linear = self.network_.path_, self.network_.linear_path_
        others = {"the single network": (self.network_.heldout_arm(), path)}
        if self.unpenalized_blend_ is not None:
            others["the blend without a penalty"] = (_arm(self.unpenalized_blend_.row_loss, path), path)
        chosen = chosen_by_others(linear, "min")
        if chosen is not None:
            others["a linear model"] = (chosen, linear)
        others["a constant"] = (_arm(path.null_row_loss, path), path)
        null = float(weighted_mean(path.null_row_loss, path.row_weights))
        smallest = smallest_effect(null, float(np.nan_to_num(self.heldout_loss_, nan=np.inf)))
        found = [_worth(name, _arm(self.blend_.row_loss, of), arm, of, smallest) for name, (arm, of) in others.items()]
        return [each for each in found if np.isfinite(each["difference"])]

    def heldout_arm(self) -> Arm:
        """Return what the blend lost on held-out rows, each fold with the weights that never saw them."""
        self._check_views()
        return _arm(self.blend_.row_loss, self.network_.path_)

    def summary(self) -> Summary:
        """Describe the single network's path and its choice in plain data, and beside it what the blend is worth."""
        self._check_views()
        path, paths = self.network_.path_, blended_paths(self.views_)
        members: list[MemberSummary] = [
            {"view": list(paths)[number], "alpha": float(list(paths.values())[number].alphas[index]), "weight": weight}
            for number, index, weight in self.blend_.members
        ]
        error = heldout_error(self.blend_.row_loss, path.row_weights, path.heldout_rows)
        return self.network_.summary(self.encoder_.origins) | {
            "blend": {
                "heldout_loss": self.heldout_loss_ if np.isfinite(self.heldout_loss_) else None,
                "standard_error": error if np.isfinite(error) else None,
                "networks": len(self.mixture_.models),
                "members": members,
                "network": next(name for name, view in self.views_.items() if view is self.network_),
                "worth": self.worth_,
            }
        }

    def diagnose(self, *, references: bool = True) -> Diagnosis:
        """Say whether regularization helped the single network, by how much, and why or why not.

        As :meth:`MLPClassifierCV.diagnose` does of ``network_``. What the blend gains stands in ``worth_``.

        Parameters
        ----------
        references : bool
            Fit other kinds of model on the same folds, to tell underfitting and noise apart.

        Raises
        ------
        ValueError
            If the rows of the fit are gone: a model that was loaded or compacted.
        """
        self._check_views()
        return self.network_.diagnose(references=references)

    def report(
        self,
        file: str | PathLike[str],
        X: Any = None,
        y: Any = None,
        *,
        diagnosis: Diagnosis | None = None,
        curves: bool = False,
        title: str = "A walked path",
    ) -> Path:
        """Write a page to look at, of the single network's path and of what the blend is worth; it needs no network.

        Parameters
        ----------
        file : path
            The HTML file to write, whole or not at all; replaced if it is there.
        X, y : optional
            Rows as they come, to predict at every strength.
        diagnosis, curves, title
            As for :meth:`MLPClassifierCV.report`.

        Returns
        -------
        Path
            The file.
        """
        self._check_views()
        rows = None if X is None else self.encoder_.encoded(validated_frame(self, X))
        origins, blend = self.encoder_.origins, self.summary()["blend"]
        return self.network_._write_page(file, rows, y, diagnosis, curves, origins, title, blend)

    def save(self, file: str | PathLike[str]) -> Path:
        """Write the model, its encoder and its classes to one file; :func:`ridgewalk.load` reads it.

        Parameters
        ----------
        file : path
            Replaced if it is there. By custom it ends in .safetensors.
        """
        from ridgewalk.storage import save

        return save(self, file)

    def compact(self) -> Self:
        """Return a copy that predicts the same, to rounding, from smaller networks, and has no paths."""
        check_is_fitted(self, "mixture_")
        small = copy(self)
        for name in ("views_", "blend_", "unpenalized_blend_", "network_"):
            if hasattr(small, name):
                delattr(small, name)
        small.mixture_ = self.mixture_.compact()
        return small

    @property
    def columns_(self) -> pd.DataFrame:
        """What became of every column of the table, as :meth:`ridgewalk.tables.Encoder.plan` has it."""
        check_is_fitted(self, "mixture_")
        return self.encoder_.plan()

    @property
    def selected_features_(self) -> Array:
        """Names of the table's columns that any network of the blend uses."""
        names = [name for name, used in zip(self.encoder_.origins, self.support_, strict=True) if used]
        return np.array(list(dict.fromkeys(names)), dtype=object)

    def _html_repr(self) -> str:
        """Show it in a notebook: scikit-learn's own box, and beneath it what the fit found."""
        box: str = super()._html_repr()
        if not hasattr(self, "views_"):
            return box
        return f'{box}<div style="overflow-x: auto">{excerpt(self.summary())}</div>'

    def _check_views(self) -> None:
        """Check that the paths are there."""
        check_is_fitted(self, "mixture_")
        if not hasattr(self, "views_"):
            raise ValueError("A compacted model holds no paths: ask the model it came from.")

    def _mean(self, X: Any) -> Array:
        """Return the blend's prediction (N, C) for rows as they come."""
        check_is_fitted(self, "mixture_")
        return self.mixture_.predict(self.encoder_.encoded(validated_frame(self, X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags


_PARAMETERS = """
    Parameters
    ----------
    categories, numbers : str or sequence of str, default ()
        Columns to take as categories, or as numbers, whatever they look like.
    dates : str, sequence of str, or dict of str to str, default ()
        Columns to take as dates; a dict says what comes first in their texts: "dayfirst", "monthfirst" or "yearfirst",
        or None for ISO 8601.
    missing : str or sequence of str, default ()
        Texts that mean missing in X, such as "?" or "-999", beside those that always do.
    ids : str or sequence of str, default ()
        Columns that name the rows, and are not learned from.
    keep : str or sequence of str, default ()
        Columns to learn from although they look like row numbers or names of rows.
    views : "auto" or sequence of str, default "auto"
        Ways to look at the columns, each with a path of its own: "plain" and "encoded" (:data:`VIEWS`); "auto" is both.
    max_members : int, default 5
        Members that the blend may have, strengths of the views' paths; each stands for a network of every fold and one
        of all rows.
    loss : str, default "auto"
        As for :class:`NETWORK`.
    cv : int, splitter or iterable, default 5
        A number makes shuffled folds, stratified for classes.
    n_seeds : int, default 1
        Starts of the weights; a member's networks of all starts are averaged.
    class_weight : dict, "balanced" or None
        For a classifier: multiplies the weights of each class's rows, in training and in scoring.
    pos_label : label or None
        For a classifier of two classes: the positive one, which tables of predictions show last and ``ridgewalk
        report`` scores. The order of ``classes_`` stays, as scikit-learn's scorers need it.
    random_state : int, RandomState or None
        Draws folds, starts and batches, the same for every view, and with a whole number the same as for a single
        network.
    n_jobs : int, optional
        Threads; -1 is one per core. The numbers do not depend on it.
    checkpoint_dir : str or path, optional
        Folder that keeps every network as soon as it is trained; a fit that was broken off goes on from there.
    verbose : bool, default False
        Show a progress bar for each view.

    Attributes
    ----------
    encoder_ : Encoder
        Makes columns of numbers of the table's, and knows which column each came from.
    notes_ : list of str
        Columns that were left out, and why; and what looks odd.
    columns_ : DataFrame
        What became of every column: its name ("column"), what it is for ("role": input, left out or id), its "kind"
        (number, category or date), how many columns of numbers it became ("encoded"), whether values were "missing",
        how many categories were "rare", and why ("reason").
    views_ : dict
        The fitted estimator of each view, on the encoded columns.
    network_ : NETWORK
        That of the view with the lowest held-out loss: one sparse network at its chosen strength.
    blend_, unpenalized_blend_ : Blend
        Weights of the members, and what they lost on held-out rows; the second among networks at strength 0 alone, None
        where all of those diverged.
    mixture_ : Mixture
        What predicts: the networks of the members, and the share of each.
    heldout_loss_ : float
        Mean held-out loss of the blend, each fold with the weights that never saw it, in the units of y.
    worth_ : list of dict
        What the blend gains on held-out rows over the single network, no penalty, a linear model and a constant: "than"
        which, its "heldout_loss", the "difference" (below 0 the blend is better), its "standard_error", the ends "low"
        and "high" of its 95% interval, and the "verdict" (:meth:`ridgewalk.diagnostics.Effect.outcome`).
    selected_features_ : array of str
        Columns of the table that are used.
    classes_ : array
        Of a classifier.
    n_features_in_, feature_names_in_
        As in scikit-learn.
"""

_FIT = """Fit every view's path, and blend them.

        Parameters
        ----------
        X : frame of pandas, polars or Arrow, or array_like, shape (N, columns)
            Numbers, categories, dates, truth values, durations; values may be missing.
        y : array_like, shape (N,)
            Classes of any kind, or numbers.
        sample_weight : array_like, shape (N,), optional
            A weight of 2 counts a row twice, in training and in scoring.
        groups : array_like, shape (N,), optional
            Groups of rows: a number of folds leaves each whole.

        Raises
        ------
        DataError
            If no column is left to learn from, or the target cannot be learned.
        """


def _documented(estimator: type[_Estimator]) -> type[_Estimator]:
    """Complete the docstrings of a table estimator and of its ``fit``."""
    kind = estimator._of_view.__name__
    estimator.__doc__ = f"{estimator.__doc__}{_PARAMETERS.replace('NETWORK', kind)}"
    estimator.fit.__doc__ = _FIT
    return estimator


@_documented
class TableClassifier(ClassifierMixin, _TableEstimator):  # type: ignore[misc]
    """A classifier for tables as they come: a blend of the paths of several networks."""

    _of_view = MLPClassifierCV
    _task = "classification"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_TableEstimator._parameter_constraints,
        "loss": [StrOptions({"auto", "log_loss"})],
        "class_weight": NETWORK_CONSTRAINTS["class_weight"],
        "pos_label": POS_LABEL_CONSTRAINTS,
    }

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, groups: ArrayLike | None = None) -> Self:
        """See :data:`_FIT`."""
        self._validate_params()
        return self._fit(X, self._target(y), sample_weight, groups)

    def _target(self, y: Any) -> Array:
        """Check the labels (N,), and learn the classes."""
        target = column_or_1d(y, warn=True)
        check_classification_targets(target)
        self.classes_ = np.unique(target)
        if len(self.classes_) < 2:
            raise ValueError(f"A classifier needs rows of at least 2 classes, got {len(self.classes_)} class.")
        check_pos_label(self.pos_label, self.classes_)
        return np.asarray(target)

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the classes, in the order of ``classes_``: shape (N, C)."""
        mean = self._mean(X)
        return np.hstack([1 - mean, mean]) if mean.shape[1] == 1 else mean

    def predict(self, X: Any) -> Array:
        """Return the most probable class of each row: shape (N,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


@_documented
class TableRegressor(RegressorMixin, _TableEstimator):  # type: ignore[misc]
    """A regressor for tables as they come: a blend of the paths of several networks."""

    _of_view = MLPRegressorCV
    _task = "regression"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_TableEstimator._parameter_constraints,
        "loss": [StrOptions({"auto", *REGRESSION_LOSSES})],
        "class_weight": [None],
        "pos_label": [None],
    }

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, groups: ArrayLike | None = None) -> Self:
        """See :data:`_FIT`."""
        self._validate_params()
        return self._fit(X, self._target(y), sample_weight, groups)

    def _target(self, y: Any) -> Array:
        """Check the numbers (N,)."""
        return np.asarray(column_or_1d(y, warn=True))

    def predict(self, X: Any) -> Array:
        """Return the predicted number of each row: shape (N,)."""
        return self._mean(X)[:, 0]


def blended_paths(views: Mapping[str, MLPClassifierCV | MLPRegressorCV]) -> dict[str, MLPPath]:
    """Return the paths that a blend has members of, by name: those of the views, and that of their linear models.

    Of very many rows linear models are fitted to a part, and then have no held-out predictions for the others.
    """
    paths = {name: view.path_ for name, view in views.items()}
    first = next(iter(views.values()))
    linear, rows = first.linear_path_, first.path_.heldout_rows
    if all(np.array_equal(*pair) for pair in zip(linear.heldout_rows, rows, strict=True)):
        paths["linear"] = linear
    return paths


def _has_three_values(column: Array) -> bool:
    """Return whether a column holds three different numbers or more."""
    rest = column[column != column[0]]
    return bool((rest != rest[:1]).any())


def _arm(losses: Array, path: MLPPath) -> Arm:
    """Return held-out losses (N,) of rows, and their means over the folds of a path."""
    weights = path.row_weights
    means = np.array([[float(weighted_mean(losses[rows], weights[rows]))] for rows in path.heldout_rows])
    return Arm(losses, means, np.full_like(means, np.nan))


def _worth(than: str, blend: Arm, other: Arm, path: MLPPath, smallest: float) -> Worth:
    """Compare a blend with something else on the rows that a path held out."""
    change = paired_difference(other, blend, path)
    return Worth(
        than=than,
        heldout_loss=float(weighted_mean(other.rows, path.row_weights)),
        difference=change.mean,
        standard_error=change.error,
        low=change.low,
        high=change.high,
        verdict=change.outcome(smallest),
    )
