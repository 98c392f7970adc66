"""Estimators for tables of any column types: a path for each view of the table, and a blend of all of them.

    frame --Encoder--> columns of numbers --views--> paths on the same folds --blend--> predictions

A view is an encoding of the columns with a network for it. ``network_`` is the single network, sparse and at its chosen
strength, of the view that predicts best. ``worth_`` contains the gain of the blend over it and over other models.
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
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ridgewalk.arrays import Array, Booleans
from ridgewalk.diagnostics import ConditionScores, Diagnosis, Evidence, judge
from ridgewalk.diagnostics.blended import Blended, check_folds, of_blend
from ridgewalk.diagnostics.evidence import (
    SingleNetwork,
    chosen_by_others,
    scores_of,
    scores_of_stopped,
    smallest_effect,
)
from ridgewalk.engine.predictor import predict_mixture
from ridgewalk.estimators.access import write_page
from ridgewalk.estimators.answering import (
    Contender,
    blend_contender,
    check_answered,
    constant_contender,
    held_out,
    scores_of_rows,
    stopped_contender,
)
from ridgewalk.estimators.at_strength import TableAtStrength
from ridgewalk.estimators.card import model_card
from ridgewalk.estimators.comparing import paired_difference
from ridgewalk.estimators.intervals import Calibrated, IntervalMixin, Members, SetMixin
from ridgewalk.estimators.page_content import PageContent
from ridgewalk.estimators.parameters import NETWORK_CONSTRAINTS
from ridgewalk.estimators.planning import TablePlan, plan_of
from ridgewalk.estimators.positive import POS_LABEL_CONSTRAINTS, check_pos_label
from ridgewalk.estimators.problem import REGRESSION_LOSSES, checkpoint_store
from ridgewalk.estimators.table_progress import TableSize, table_progress
from ridgewalk.estimators.whole_path import MLPClassifierCV, MLPRegressorCV
from ridgewalk.importance import shares_by_name, shares_of_importance
from ridgewalk.input_maps import MapRule, bounded_rule, has_three_values
from ridgewalk.objective import weighted_mean
from ridgewalk.path.blend import MOST_MEMBERS, Blend, fit_blend, heldout_error, mixture_of
from ridgewalk.path.early_stopping import EarlyStopped
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.racing import FEWEST_FOLDS
from ridgewalk.path.result import MLPPath
from ridgewalk.progress import progress
from ridgewalk.report.answer import Answer, answered
from ridgewalk.report.certainty import strengths_as_good
from ridgewalk.report.html import excerpt
from ridgewalk.report.schema import MemberSummary, Summary, Worth
from ridgewalk.tables import ColumnChoices, Encoder, Table, make_table
from ridgewalk.tables.encode import Date, Number
from ridgewalk.tables.encoder import COLUMN_CONSTRAINTS, table_encoder, validated_frame

_Estimator = TypeVar("_Estimator", bound="_TableEstimator")
STRENGTHS = 6
"""Strengths of every view's path, above 0: a blend needs no finer grid (EXPERIMENTS.md, 2026-11-29)."""
_MANY_CLASSES = 5  # for which every view takes the usual network of so many outputs
_PIECES = 8


@dataclass(frozen=True)
class View:
    """An encoding of the columns of a table, and a network for it.

    Attributes
    ----------
    name : str
    mapped : bool
        Whether numbers are robustly scaled, softly clipped, and accompanied by their piecewise-linear encoding.
    hidden_layer_sizes : tuple of int
        For regression and up to four classes. With more classes, all views have the default network of that size.
    """

    name: str
    mapped: bool
    hidden_layer_sizes: tuple[int, ...]


VIEWS: Mapping[str, View] = {view.name: view for view in (View("plain", False, (32,)), View("encoded", True, (64, 32)))}
"""Views by name."""


class _TableEstimator(Calibrated, TableAtStrength):
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
        """Read rows and their target (N,) as a table, and learn the encoding of its columns."""
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
        checkpoint_store(self.checkpoint_dir, self.random_state)  # refuses what cannot be drawn again alike
        self.views_: dict[str, MLPClassifierCV | MLPRegressorCV] = {}
        models = dict(zip((view.name for view in views), self._models(views, x, y, groups), strict=True))
        classes = len(getattr(self, "classes_", ()))
        size = TableSize(len(x), x.shape[1], classes if classes > 2 else 1, self._folds(x, y, groups))
        with table_progress(models, size, self.verbose) as shown:
            for name, model in models.items():
                model._baseline = next((each.linear_path_ for each in self.views_.values()), None)
                with shown.fitting(name, model):
                    self.views_[name] = model.fit(x, y, sample_weight, groups=groups)
            with shown.blending():
                self._blend()
        self._calibrate(next(iter(self.views_.values()))._kept_problem())
        return self

    def _models(
        self, views: Sequence[View], x: Array, y: Array, groups: ArrayLike | None
    ) -> list[MLPClassifierCV | MLPRegressorCV]:
        """Return the unfitted estimators of the views of encoded columns (N, P), with the same folds."""
        seed = self._seed()
        cv, races = self._splitter(), self._folds(x, y, groups) >= FEWEST_FOLDS
        models = [self._estimator(view, seed, cv) for view in views]
        for view, model in zip(views, models, strict=True):
            model.racing = races
            model._map_rule = self._map_rule(x) if view.mapped else None
        return models

    def _splitter(self) -> Any:
        """Return cv, the folds of an iterable in a list, which every view may go through."""
        return self.cv if hasattr(self.cv, "split") or not isinstance(self.cv, Iterable) else list(self.cv)

    def _folds(self, x: Array, y: Array, groups: ArrayLike | None) -> int:
        """Return how many folds there are."""
        return int(check_cv(self._splitter()).get_n_splits(x, y, groups))

    def plan(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, groups: ArrayLike | None = None
    ) -> TablePlan:
        """Return how :meth:`fit` would encode a table and what it would train, without training.

        Parameters
        ----------
        X : frame of pandas, polars or Arrow, or array_like, shape (N, columns)
            The table: numbers, categories, dates, booleans and durations, also with missing values.
        y : array_like, shape (N,)
            Class labels of any type, or numbers.
        sample_weight : array_like, shape (N,), optional
            Weight of each row; rows of weight 0 do not count for the size of the networks.
        groups : array_like, shape (N,), optional
            Groups of rows, which stay together in a fold.

        Returns
        -------
        TablePlan
            Print it, or use its ``columns`` (a DataFrame with the encoding of each), ``paths`` and ``seconds``.

        Raises
        ------
        DataError, ValueError
            The errors that :meth:`fit` would raise before training.
        """
        if hasattr(self.cv, "__next__"):
            raise ValueError("cv is an iterator, which a plan would use up: give a list of its folds.")
        model = copy(self)
        model._validate_params()
        target = model._target(y)
        table, encoder = model._table(X, target)
        x = encoder.encoded(table.inputs)
        plan = model._planned(encoder, x, target, sample_weight, groups, encoder.plan())
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
        """Return what would be trained on encoded columns (N, P), and how columns are encoded."""
        self.encoder_ = encoder
        views = self._asked_views()
        models = self._models(views, x, y, groups)
        return plan_of(
            {view.name: model for view, model in zip(views, models, strict=True)}, x, y, sample_weight, groups, columns
        )

    def _seed(self) -> int:
        """Return the random state of folds and seeds; an int is kept, so that a single network has the same folds."""
        if isinstance(self.random_state, Integral):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _asked_views(self) -> list[View]:
        """Return the requested views."""
        names = list(VIEWS) if isinstance(self.views, str) and self.views == "auto" else self.views
        names = [names] if isinstance(names, str) else list(names)
        unknown = [name for name in names if name not in VIEWS]
        if unknown or not names or len(set(names)) < len(names):
            raise ValueError(
                f'views is "auto", or some of {", ".join(map(repr, VIEWS))}, each once; got {self.views!r}.'
            )
        return [VIEWS[name] for name in names]

    def _estimator(self, view: View, seed: int, cv: Any) -> MLPClassifierCV | MLPRegressorCV:
        """Return the estimator of a view's path; folds and seeds are the same for all views."""
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
            mapped[place] = isinstance(column, Number | Date) and has_three_values(x[:, place])
        return bounded_rule(mapped, _PIECES)

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
        self._held_out = held_out(problem, self._contenders(paths, problem))

    def _contenders(self, paths: Sequence[MLPPath], problem: PathProblem) -> list[Contender]:
        """Return the blend of some paths, and the models that it is compared with."""
        network, path = self.network_, self.network_.path_
        single = network._contenders(network._kept_problem())
        found = [blend_contender("blend", self.blend_, paths, path)]
        found += [each for each in single if each.name in ("network", "linear")]
        if self.early_stopped_ is not None:
            found.append(stopped_contender(self.early_stopped_, path))
        if self.unpenalized_blend_ is not None:
            found.append(blend_contender("no penalty", self.unpenalized_blend_, paths, path))
        return [*found, constant_contender("constant", problem, path)]

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
    def early_stopped_(self) -> EarlyStopped | None:
        """Unpenalized networks with early stopping, of the view with the lowest loss; None if there are none."""
        self._check_views()
        weights = self.network_.path_.row_weights
        each = [view.early_stopped_ for view in self.views_.values() if view.early_stopped_ is not None]
        return min(each, key=lambda stopped: float(weighted_mean(stopped.row_loss, weights)), default=None)

    @property
    def worth_(self) -> list[Worth]:
        """What predictions gain over the single network, no penalty, early stopping, a linear model and a constant."""
        self._check_views()
        path, linear, mine = self.network_.path_, self.network_.linear_path_, self.heldout_scores()
        others: dict[str, tuple[ConditionScores, MLPPath]] = {}
        if not hasattr(self, "blend_"):
            if not path.lost[0].any():
                others["no penalty"] = (scores_of([(path, 0)] * len(path.heldout_rows)), path)
        else:
            others["the single network"] = (self.network_.heldout_scores(), path)
            if self.unpenalized_blend_ is not None:
                others["the blend without a penalty"] = (_scores_of_blend(self.unpenalized_blend_), path)
        if self.early_stopped_ is not None:
            others["early stopping"] = (scores_of_stopped(self.early_stopped_), path)
        chosen = chosen_by_others(linear, "min")
        if chosen is not None:
            others["a linear model"] = (chosen, linear)
        others["a constant"] = (scores_of_rows(path.null_row_loss, path), path)
        null = float(weighted_mean(path.null_row_loss, path.row_weights))
        smallest = smallest_effect(null, float(np.nan_to_num(self.heldout_loss_, nan=np.inf)))
        found = []
        for name, (scores, of) in others.items():
            found.append(_worth(name, scores_of_rows(mine.rows, of) if of is linear else mine, scores, of, smallest))
        return [each for each in found if np.isfinite(each["difference"])]

    def heldout_scores(self) -> ConditionScores:
        """Return the losses on held-out rows; for a blend, with weights learned without the rows of the fold."""
        self._check_views()
        if not hasattr(self, "blend_"):
            return self.network_.heldout_scores()
        return _scores_of_blend(self.blend_)

    def summary(self) -> Summary:
        """Describe the single network's path and choice as plain data, and the gains of the blend."""
        self._check_views()
        single = self.network_.summary(self.encoder_.origins)
        if not hasattr(self, "blend_"):
            return single
        path, paths = self.network_.path_, blended_paths(self.views_)
        members: list[MemberSummary] = [
            {"view": list(paths)[number], "alpha": float(list(paths.values())[number].alphas[index]), "weight": weight}
            for number, index, weight in self.blend_.members
        ]
        error = heldout_error(self.blend_.row_loss, path.row_weights, path.heldout_rows, path.dependence)
        summary = single
        summary["blend"] = {
            "heldout_loss": self.heldout_loss_ if np.isfinite(self.heldout_loss_) else None,
            "standard_error": error if np.isfinite(error) else None,
            "networks": len(self.mixture_.models),
            "members": members,
            "network": self._view_of_network,
            "worth": self.worth_,
        }
        summary.pop("answer", None)  # of the single network
        if hasattr(self, "_held_out"):
            shares = shares_by_name(self.mixture_.models, self.mixture_.shares, self.encoder_.origins)
            as_good = strengths_as_good(self.path_)
            summary["answer"] = answered(summary, self._held_out, False, shares, as_good)
        return summary

    @property
    def answer_(self) -> Answer:
        """Performance on held-out rows with standard errors, compared with simpler models. Print it."""
        check_answered(self)
        return Answer(self.summary()["answer"])

    def diagnose(self, *, references: bool = True) -> Diagnosis:
        """Judge whether regularization helped the blend, by how much, and why or why not.

        The blend is held against the same blend of unpenalized networks, on held-out rows, each fold with weights that
        never saw its rows; and against the single network, early stopping, a linear model and a constant. For
        this, the single network is trained again, at strength 0 and at its chosen one, with L1 and L2 alone, and wider
        and longer if it underfits; probes test whether its penalty acts as it should. Sentences say so where it is
        meant.

        Of fewer than three starts nobody can tell what another would change: then the members' networks of the folds
        are trained from two more (or one), and the interval counts how much these differ.

        Parameters
        ----------
        references : bool
            Fit other kinds of model on the same folds, to tell underfitting and noise apart.

        Returns
        -------
        Diagnosis
            Print it, or use its ``headline``, ``verdict``, ``findings``, ``numbers`` and ``to_json()``. That of the
            single network alone is ``network_.diagnose()``.

        Raises
        ------
        ValueError
            If the rows of the fit are gone: a model that was loaded or compacted; if there is but one fold.
        """
        self._check_views()
        return judge(self._evidence(references))

    def _evidence(self, references: bool) -> Evidence:
        """Collect the evidence for a verdict on the blend."""
        network = self.network_
        problem = network._kept_problem()
        check_folds(problem)
        evidence = network._evidence(None, references)
        paths = list(blended_paths(self.views_).values())
        problems = [view._kept_problem() for view in self.views_.values()]
        blended = Blended(
            problems=[*problems, problem][: len(paths)],
            paths=paths,
            blend=self.blend_,
            unpenalized=self.unpenalized_blend_,
            single=SingleNetwork(self._view_of_network, float(network.alpha_), network.heldout_scores()),
            linear=network.linear_path_,
            stopped=self.early_stopped_,
        )
        with progress("Diagnosing: the blend", self.verbose) as watched:
            return of_blend(evidence, blended, network._runner(watched))

    @property
    def _view_of_network(self) -> str:
        """Name of the view that the single network is of."""
        return next(name for name, view in self.views_.items() if view is self.network_)

    def report(
        self,
        file: str | PathLike[str],
        X: Any = None,
        y: Any = None,
        *,
        diagnosis: Diagnosis | None = None,
        curves: bool = False,
        title: str = "A fitted path",
    ) -> Path:
        """Write a self-contained HTML report on the single network's path, and on the gains of the blend.

        Parameters
        ----------
        file : path
            The HTML file to write, whole or not at all; replaced if it is there.
        X : frame of pandas, polars or Arrow, or array_like, shape (N, columns), optional
            Rows as they come, to predict at every strength, for confusion or residuals and calibration. Use new rows;
            results for rows of the fit are optimistic.
        y : array_like, shape (N,), optional
            What was observed of these rows; needed with X.
        diagnosis : Diagnosis, optional
            Result of :meth:`diagnose`, shown at the top.
        curves : bool
            Show training curves of the folds at every strength. A path does not store them, so the folds are trained
            again.
        title : str
            Title of the report.

        Returns
        -------
        Path
            The file.
        """
        self._check_views()
        rows = None if X is None else self.encoder_.encoded(validated_frame(self, X))
        content = PageContent(rows, y, diagnosis, curves, self.encoder_.origins, title, self.encoder_)
        return self._write_page(file, content)

    def _write_page(self, file: str | PathLike[str], content: PageContent) -> Path:
        """Write the report of the single network, with the summary of the blend."""
        card = content.card or model_card(self, self.encoder_)
        content = replace(content, encoder=self.encoder_, card=card, of_table=self.summary())
        return write_page(self.network_, Path(file), content)

    def save(self, file: str | PathLike[str]) -> Path:
        """Write the model, its encoder and its classes to one file; :func:`ridgewalk.load` reads it.

        Parameters
        ----------
        file : path
            Replaced if it is there. By custom it ends in .safetensors.

        Returns
        -------
        Path
            The file. It has the paths, the blend and the encoder, but no rows: a loaded model predicts as this one
            does, and cannot be diagnosed.
        """
        from ridgewalk.storage import save

        return save(self, file)

    def compact(self) -> Self:
        """Return a copy that predicts the same, to rounding, from smaller networks, and has no paths."""
        check_is_fitted(self, "mixture_")
        small = copy(self)
        for name in ("views_", "blend_", "unpenalized_blend_", "network_", "calibration_", "_held_out"):
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
    def feature_importances_(self) -> Array:
        """How much the networks of the blend weigh each column of the table: shape (columns,), a sum of 1."""
        check_is_fitted(self, "mixture_")
        count = self.n_features_in_
        names = getattr(self, "feature_names_in_", [f"x{k}" for k in range(count)])
        place = {str(name): number for number, name in enumerate(names)}
        origin = np.array([place[name] for name in self.encoder_.origins])
        return shares_of_importance(self.mixture_.models, self.mixture_.shares, origin, count)

    @property
    def selected_features_(self) -> Array:
        """Names of the table's columns that any network of the blend uses."""
        names = [name for name, used in zip(self.encoder_.origins, self.support_, strict=True) if used]
        return np.array(list(dict.fromkeys(names)), dtype=object)

    def _html_repr(self) -> str:
        """Return the display in notebooks: scikit-learn's diagram, and the results of the fit below it."""
        box: str = super()._html_repr()
        if not hasattr(self, "views_"):
            return box
        return f'{box}<div style="overflow-x: auto">{excerpt(self.summary())}</div>'

    def _check_views(self) -> None:
        """Check that the model has its paths; the error type lets ``hasattr`` and notebook displays work."""
        check_is_fitted(self, "mixture_")
        if not hasattr(self, "views_"):
            raise NotFittedError("A compacted model holds no paths: ask the model it came from.")

    def _mean(self, X: Any) -> Array:
        """Return the blend's prediction (N, C) for rows of a table."""
        x = self._numbers(X)
        return predict_mixture(self.mixture_, x)

    def _numbers(self, X: Any) -> Array:
        """Encode rows of a table."""
        check_is_fitted(self, "mixture_")
        return self.encoder_.encoded(validated_frame(self, X))

    def _members(self) -> Members:
        """Return the members that each fold predicts with, and their weights learned without its rows.

        With one fold there are no such weights, and those of new rows are taken. Without a blend it is its network at
        the strength of the single one.
        """
        self._check_views()
        if not hasattr(self, "blend_"):
            return self.network_._members()
        blend, paths = self.blend_, list(blended_paths(self.views_).values())
        fold_weights = np.where(np.isnan(blend.fold_weights), blend.weights, blend.fold_weights)
        return Members(paths, blend.path, blend.strength, fold_weights)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = tags.input_tags.string = True
        return tags


_PARAMETERS = """
    Parameters
    ----------
    categories, numbers : str or sequence of str, default ()
        Columns that are categories, or numbers, whatever they look like.
    dates : str, sequence of str, or dict of str to str, default ()
        Columns that are dates. A dict has the part that comes first in their texts: "dayfirst", "monthfirst" or
        "yearfirst", or None for ISO 8601.
    missing : str or sequence of str, default ()
        Texts in X that mean missing, such as "?" or "-999", in addition to the default ones.
    ids : str or sequence of str, default ()
        Columns that identify rows, and are not used as inputs.
    keep : str or sequence of str, default ()
        Columns to use although they look like row numbers or names of rows.
    views : "auto" or sequence of str, default "auto"
        Encodings of the columns with a path each: "plain" and "encoded" (:data:`VIEWS`). "auto" is both. The path of
        linear models, which every fit has, gives members to the blend as well, under the name "linear".
    max_members : int, default 5
        Maximum number of members of the blend, which are strengths of the views' paths and of that of linear models.
        Each member has a network for every fold and one for all rows.
    loss : str, default "auto"
        For a classifier "log_loss"; for a regressor "squared_error" (the default), "absolute_error", "huber" or
        "poisson".
    cv : int, splitter or iterable, default 5
        Cross-validation folds. A number makes shuffled folds, stratified for classes.
    n_seeds : int, default 1
        Number of random initializations; predictions of a member are averaged over them.
    class_weight : dict, "balanced" or None
        For classifiers: factors for the weights of each class's rows, in training and in scoring.
    pos_label : label or None
        Positive one of two classes, which tables of predictions show last and ``ridgewalk report`` scores. It does not
        change the order of ``classes_``, which scikit-learn's scorers need.
    random_state : int, RandomState or None
        Draws folds, initial weights and batches, which are the same for all views. With an int they also equal those of
        a single network.
    n_jobs : int, optional
        Number of threads; -1 is one per core. Results do not depend on it.
    checkpoint_dir : str or path, optional
        Folder in which every network is saved when its training ends. An interrupted fit continues from there.
    verbose : bool, default False
        Show a progress bar.

    Attributes
    ----------
    encoder_ : Encoder
        Encodes the columns of the table, and knows the input of each encoded column.
    notes_ : list of str
        Columns that were left out, with the reason, and suspicious columns.
    columns_ : DataFrame
        One row per column: its name ("column"), its "role" (input, left out or id), its "kind" (number, category or
        date), the number of "encoded" columns, the number of "missing" values, the number of "rare" categories, and the
        "reason".
    views_ : dict
        The fitted estimator of each view, on the encoded columns.
    network_ : NETWORK
        The single network: sparse, at its chosen strength, of the view with the lowest held-out loss.
    blend_, unpenalized_blend_ : Blend
        Weights of the members, and their held-out losses; the second for networks at strength 0 only, or None if all of
        these diverged.
    mixture_ : Mixture
        The networks of the members and their weights, which predict.
    early_stopped_ : EarlyStopped or None
        Held-out predictions and losses of the unpenalized network with early stopping, of the view with the lowest loss
        (:mod:`ridgewalk.path.early_stopping`). None if a training set would have a single row or group to train on.
    calibration_ : Calibration
        Errors of the folds' blends on held-out rows, for intervals and sets.
    heldout_loss_ : float
        Mean held-out loss of the blend in units of y, each fold with weights learned on the other folds.
    worth_ : list of dict
        Paired differences of the held-out loss to the single network, no penalty, early stopping (``early_stopped_``),
        a linear model and a constant: "than" names the other model, with its "heldout_loss", the "difference" (below 0
        the blend is better), its "standard_error", the ends "low" and "high" of its 95% interval, and the "verdict"
        (:meth:`ridgewalk.diagnostics.Effect.outcome`).
    feature_importances_ : array, shape (columns,)
        For each network the norm of the weights that leave the encoded columns of an input, divided by the sum over all
        inputs; averaged over networks by their weights (:mod:`ridgewalk.importance`). 0 for a column that is not used,
        or was left out.
    selected_features_ : array of str
        Columns of the table that are used.
    classes_ : array, shape (C,)
        Class labels, for classifiers.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from ridgewalk import TABLE
    >>> generator = np.random.default_rng(0)
    >>> people = pd.DataFrame({"age": generator.normal(40, 12, 200), "town": generator.choice(["Bonn", "Köln"], 200)})
    >>> score = people["age"] + 20 * (people["town"] == "Bonn")
    >>> model = TABLE(cv=3, random_state=0).fit(people, TARGET)
    >>> print(*model.selected_features_)
    age town
    >>> model.predict(people).shape
    (200,)
    """

_FIT = """Fit the path of every view, and the blend.

        Parameters
        ----------
        X : frame of pandas, polars or Arrow, or array_like, shape (N, columns)
            Numbers, categories, dates, booleans and durations, also with missing values.
        y : array_like, shape (N,)
            Class labels of any type, or numbers.
        sample_weight : array_like, shape (N,), optional
            Weight of each row in training and in scoring.
        groups : array_like, shape (N,), optional
            Groups of rows. A number of folds keeps each group in one fold, and standard errors count groups.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If no column can be used, or the target cannot be learned.
        """


def _documented(estimator: type[_Estimator]) -> type[_Estimator]:
    """Complete the docstrings of a table estimator and of its ``fit``."""
    kind = estimator._of_view.__name__
    target = 'np.where(score > 50, "yes", "no")' if estimator._task == "classification" else "score"
    parameters = _PARAMETERS.replace("NETWORK", kind).replace("TABLE", estimator.__name__).replace("TARGET", target)
    estimator.__doc__ = f"{estimator.__doc__}{parameters}"
    estimator.fit.__doc__ = _FIT
    return estimator


@_documented
class TableClassifier(SetMixin, ClassifierMixin, _TableEstimator):  # type: ignore[misc]
    """Classifier for tables with columns of any type: a blend of networks of several paths."""

    _of_view = MLPClassifierCV
    _task = "classification"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_TableEstimator._parameter_constraints,
        "loss": [StrOptions({"auto", "log_loss"})],
        "class_weight": NETWORK_CONSTRAINTS["class_weight"],
        "pos_label": POS_LABEL_CONSTRAINTS,
    }

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, groups: ArrayLike | None = None) -> Self:
        """Fit the model (:data:`_FIT`)."""
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
class TableRegressor(IntervalMixin, RegressorMixin, _TableEstimator):  # type: ignore[misc]
    """Regressor for tables with columns of any type: a blend of networks of several paths."""

    _of_view = MLPRegressorCV
    _task = "regression"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_TableEstimator._parameter_constraints,
        "loss": [StrOptions({"auto", *REGRESSION_LOSSES})],
        "class_weight": [None],
        "pos_label": [None],
    }

    def fit(self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, groups: ArrayLike | None = None) -> Self:
        """Fit the model (:data:`_FIT`)."""
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


def _scores_of_blend(blend: Blend) -> ConditionScores:
    """Return the losses of a blend on held-out rows."""
    return ConditionScores(blend.row_loss, blend.heldout_loss, np.full_like(blend.heldout_loss, np.nan))


def _worth(than: str, blend: ConditionScores, other: ConditionScores, path: MLPPath, smallest: float) -> Worth:
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
