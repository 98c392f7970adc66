"""Estimators that fit a whole path and choose its strength by cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from numbers import Integral, Real
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self, get_args

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from ridgewalk.arrays import Array
from ridgewalk.diagnostics import ConditionScores, Diagnosis, Evidence, judge, of_path
from ridgewalk.diagnostics.evidence import chosen_by_others, less_linear, scores_of
from ridgewalk.diagnostics.statistics import Effect
from ridgewalk.engine import Engine, Runner
from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.engine.job import History
from ridgewalk.engine.progress import Progress
from ridgewalk.estimators.answering import (
    Chosen,
    Contender,
    by_other_folds,
    check_answered,
    constant_contender,
    corrected,
    held_out,
    network_contender,
    stopped_contender,
)
from ridgewalk.estimators.at_strength import PathAtStrength
from ridgewalk.estimators.card import model_card
from ridgewalk.estimators.encoded import variables_of
from ridgewalk.estimators.intervals import Calibrated, IntervalMixin, Members, SetMixin
from ridgewalk.estimators.page_content import PageContent
from ridgewalk.estimators.parameters import NETWORK_CONSTRAINTS, documented
from ridgewalk.estimators.planning import PlannedPath
from ridgewalk.estimators.positive import POS_LABEL_CONSTRAINTS, check_pos_label
from ridgewalk.estimators.predicting import _ClassifierMixin, _RegressorMixin
from ridgewalk.estimators.problem import (
    REGRESSION_LOSSES,
    Sampling,
    checkpoint_store,
    loss_for,
    path_problem,
    row_weights,
)
from ridgewalk.estimators.references import reference_outputs
from ridgewalk.estimators.scoring import ScoredByScoring, score_of
from ridgewalk.files import written
from ridgewalk.folds import constant_losses
from ridgewalk.importance import shares_by_name
from ridgewalk.input_maps import MapRule, bounded_rule, has_three_values
from ridgewalk.losses import Loss, facts
from ridgewalk.network import Activation
from ridgewalk.objective import weighted_mean
from ridgewalk.path.baseline import BASELINE_STRENGTHS, baseline_settings, fit_baseline
from ridgewalk.path.confidence import EVERY_ONE_DIVERGED
from ridgewalk.path.cost import baseline_seconds, check_memory, path_seconds, stopping_seconds
from ridgewalk.path.defaults import Auto, Defaults, defaults
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.early_stopping import EarlyStopped, fit_early_stopped
from ridgewalk.path.families import PathPenalty, PenaltyName
from ridgewalk.path.fit import AlphaSpec, finding_seconds, fit_path, strength_count
from ridgewalk.path.input_selection import InputSelection, relax, seconds_beside_the_path, select_inputs
from ridgewalk.path.jobs import dense_job, every_pair, network_of, ramp_job
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath, Score, model_of
from ridgewalk.path.selection import Choice, Rule, best_path, cross_chosen, nested
from ridgewalk.path.settings import PathSettings, Precision, Schedule
from ridgewalk.progress import progress
from ridgewalk.report.answer import Answer, answered
from ridgewalk.report.certainty import strengths_as_good
from ridgewalk.report.compared import PageRows
from ridgewalk.report.details import Extras, page_data
from ridgewalk.report.html import excerpt, render
from ridgewalk.report.schema import ChosenOn, CompetitorName, LinearSummary, Summary
from ridgewalk.report.summary import summarize
from ridgewalk.tables import Encoder
from ridgewalk.threads import ending_with_interpreter
from ridgewalk.warning import renamed, warn

_HISTORY_POINTS = 100  # at a training that is followed
_FEW_EPOCHS, _FAILED_LOSS = 20, 2.0  # with less no network is expected to learn; times a constant's loss
_LEAST_GAIN = 1e-6  # of a constant's loss: less than that is not below it
_CLEARLY_WORSE, _NEARLY_PERFECT = (
    2.0,
    0.01,
)  # standard errors; of a constant's loss: where a linear model leaves less, little is left
_UNSOLVED_RESIDUAL = 1e-4  # residual above which a linear model counts as unsolved


_OLD_NAMES = {"walk": "schedule", "memory": "checkpoint_dir"}


class _PathEstimator(Calibrated, PathAtStrength):
    """Parameters, the path, and the choice of a strength, for both estimators."""

    _old_names: ClassVar[dict[str, str]] = _OLD_NAMES

    @renamed(_OLD_NAMES)
    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | Auto = "auto",
        activation: Activation = "relu",
        *,
        loss: str = "auto",
        alphas: AlphaSpec | Auto = "auto",
        l1_ratio: float | Sequence[float] = 0.5,
        penalty: PenaltyName | PathPenalty = "elasticnet",
        upper_l2: float = 1e-3,
        bias_alpha: float = 0.0,
        layer_factors: Sequence[float] | None = None,
        penalty_factors: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        class_weight: Any = None,
        pieces: int = 0,
        select_inputs: bool = False,
        relax: bool = False,
        selection: Rule = "min",
        scoring: Any = None,
        pos_label: Any = None,
        cv: Any = 5,
        n_seeds: int = 1,
        ensemble: bool = False,
        schedule: Schedule = "ramp",
        racing: bool = False,
        max_iter: int | Auto = "auto",
        learning_rate_init: float | Auto = "auto",
        batch_size: int | Auto | None = "auto",
        tol: float = 1e-8,
        standardize: bool = True,
        dtype: Precision = "float32",
        engine: Engine = "compiled",
        random_state: Any = None,
        n_jobs: int | None = None,
        checkpoint_dir: str | PathLike[str] | None = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.alphas = alphas
        self.l1_ratio = l1_ratio
        self.penalty = penalty
        self.upper_l2 = upper_l2
        self.bias_alpha = bias_alpha
        self.layer_factors = layer_factors
        self.penalty_factors = penalty_factors
        self.groups = groups
        self.class_weight = class_weight
        self.pieces = pieces
        self.select_inputs = select_inputs
        self.relax = relax
        self.selection = selection
        self.scoring = scoring
        self.pos_label = pos_label
        self.cv = cv
        self.n_seeds = n_seeds
        self.ensemble = ensemble
        self.schedule = schedule
        self.racing = racing
        self.max_iter = max_iter
        self.learning_rate_init = learning_rate_init
        self.batch_size = batch_size
        self.tol = tol
        self.standardize = standardize
        self.dtype = dtype
        self.engine = engine
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.checkpoint_dir = checkpoint_dir
        self.verbose = verbose

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **NETWORK_CONSTRAINTS,
        "hidden_layer_sizes": [*NETWORK_CONSTRAINTS["hidden_layer_sizes"], StrOptions({"auto"})],
        "max_iter": [*NETWORK_CONSTRAINTS["max_iter"], StrOptions({"auto"})],
        "learning_rate_init": [*NETWORK_CONSTRAINTS["learning_rate_init"], StrOptions({"auto"})],
        "alphas": [Interval(Integral, 1, None, closed="left"), "array-like", StrOptions({"auto", "qut"})],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "pieces": [Interval(Integral, 0, None, closed="left")],
        "select_inputs": ["boolean"],
        "relax": ["boolean"],
        "selection": [StrOptions(set(get_args(Rule)))],
        "scoring": [str, callable, None],
        "pos_label": [None],
        "cv": ["cv_object"],
        "schedule": [StrOptions(set(get_args(Schedule)))],
        "racing": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left"), None, StrOptions({"auto"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "checkpoint_dir": [str, PathLike, None],
    }

    _checked_rows: Any
    _least_rows = 2  # one to train on, one to hold out
    _map_rule: MapRule | None = None  # how columns are mapped, where not by pieces; set before a fit
    _baseline: MLPPath | None = None  # the linear path of the same columns and folds, where another fit has it
    _watched: Progress | None = None  # what counts the work, where this fit is a part of another one

    @property
    def _selects(self) -> bool:
        """Whether inputs are selected, or refitted."""
        return bool(self.select_inputs or self.relax)

    @property
    def _takes_safe_strength(self) -> bool:
        """Whether there is one strength, taken without a choice."""
        return isinstance(self.alphas, str) and self.alphas == "qut"

    @property
    def _takes_given_strength(self) -> bool:
        return super()._takes_given_strength or self._takes_safe_strength

    def _size(self, problem: PathProblem) -> Defaults:
        """Return network, strengths and training as set, with "auto" replaced by values for the table's shape."""
        rule = defaults(
            int(np.count_nonzero(problem.weights)),
            problem.columns,
            problem.outputs,
            hidden_layer_sizes=self.hidden_layer_sizes,
            batch_size=self.batch_size,
            selecting=self._selects,
        )
        parameters = {field.name: getattr(self, field.name) for field in fields(rule)}
        chosen = {name: value for name, value in parameters.items() if not (isinstance(value, str) and value == "auto")}
        return replace(rule, **chosen)

    def _maps(self, x: Any, weights: Array) -> MapRule | None:
        """Return how the columns (N, P) are mapped: as it was set before the fit, else as ``pieces`` asks."""
        if self._map_rule is not None or not self.pieces:
            return self._map_rule
        if not isinstance(x, np.ndarray):
            return MapRule(np.ones(x.shape[1], dtype=np.bool_), self.pieces)  # sparse: that is refused
        return bounded_rule(np.array([has_three_values(column) for column in x[weights > 0].T]), self.pieces)

    def _settings(self, size: Defaults, l1_ratio: float) -> PathSettings:
        return PathSettings(
            hidden_layer_sizes=size.hidden_layer_sizes,
            activation=self.activation,
            penalty=self._family("group_lasso" if self.select_inputs else self.penalty, l1_ratio),
            schedule=self.schedule,
            racing=bool(self.racing),
            max_iter=size.max_iter,
            learning_rate=size.learning_rate_init,
            batch_size=size.batch_size,
            dtype=self.dtype,
            tolerance=self.tol,
        )

    def _runner(self, watched: Progress, checkpoints: CheckpointStore | None = None) -> Runner:
        return Runner(self.engine, 1 if self.n_jobs is None else self.n_jobs, watched, checkpoints)

    def _fit(self, x: Any, target: Array, y: Array, loss: Loss, weights: Array, groups: ArrayLike | None) -> Self:
        """Fit the path of a checked table; ``target`` is encoded for the loss, ``y`` is for a scorer."""
        selecting = self._selects
        self.__dict__.pop("strength_asked_", None)
        problem, size, every = self._begun(x, target, loss, weights, groups)
        self._problem, self._observed = problem, problem.target
        score = None if self.scoring is None else self._score(problem, every[0], y)
        selections: list[InputSelection] = []
        candidates: list[MLPPath] = []
        with self._counted("Selecting inputs" if self.select_inputs else "Fitting the path") as watched:
            runner = self._runner(watched, checkpoint_store(self.checkpoint_dir, self.random_state))
            with watched.task(self._seconds(problem, every, size.alphas, self._baseline is None)):
                for settings in every:
                    if selecting:
                        select = select_inputs if self.select_inputs else relax
                        selections.append(select(problem, settings, size.alphas, runner, self.selection))
                        candidates += [arm.path for arm in selections[-1].arms]
                    else:
                        candidates.append(fit_path(problem, settings, size.alphas, runner, score))
                if all(path.diverged.all() for path in candidates):
                    raise ValueError(EVERY_ONE_DIVERGED)
                self.linear_path_ = self._linear_path(problem, candidates[0], runner, score)
                self.early_stopped_ = self._early_stopped(problem, every[0], runner)
        self._set_choice(candidates, selections)
        self._report(candidates)
        self._warn_of_linear_model()
        self._calibrate(problem)
        self._set_fitted()
        self._answer(problem)
        return self

    def _answer(self, problem: PathProblem | None) -> None:
        """Store the performance on held-out rows and that of simpler models, if the rows are available."""
        self.__dict__.pop("_held_out", None)
        if problem is not None:
            self._held_out = held_out(problem, self._contenders(problem))
            if self._held_out["competitors"][0]["chosen_on"] == "the same rows" and self.scoring is None:
                self._held_out["corrected_minimum"] = corrected(self.path_)

    def _set_choice(self, candidates: list[MLPPath], selections: list[InputSelection]) -> None:
        """Set the path and the strength that are chosen among those of every l1_ratio."""
        if selections:
            best = int(np.argmin([selection.chosen.loss for selection in selections]))
            self.input_selection_ = selections[best]
            self.path_, self.index_ = self.input_selection_.chosen.path, self.input_selection_.chosen.index
            self.paths_ = [selection.chosen.path for selection in selections]
            choice = self.path_.choose()
        else:
            best = best_path([path.choice_table[0] for path in candidates], candidates[0].choice_table[1])
            choice = candidates[best].choose(self.selection)
            self.paths_, self.path_, self.index_ = candidates, candidates[best], choice.chosen
            if self._takes_safe_strength:
                self.index_ = len(self.path_.alphas) - 1
        self.l1_ratio_ = float(np.unique(np.asarray(self.l1_ratio, dtype=float))[best])
        self.alphas_ = self.path_.alphas
        self.alpha_min_ = float(self.alphas_[choice.minimum])
        self.alpha_1se_ = float(self.alphas_[choice.one_standard_error])
        self.alpha_simplest_ = float(self.alphas_[choice.simplest])
        self.alpha_ = float(self.alphas_[self.index_])

    def _begun(
        self, x: Any, target: Array, loss: Loss, weights: Array, groups: ArrayLike | None
    ) -> tuple[PathProblem, Defaults, list[PathSettings]]:
        """Draw folds and seeds, and determine network, strengths, training, and the settings of every l1_ratio."""
        if self._selects and self.scoring is not None:
            raise ValueError("scoring chooses on a path; select_inputs and relax choose by the loss: leave one out.")
        if self._selects and self._takes_safe_strength:
            raise ValueError('alphas="qut" is one strength without a choice: leave select_inputs and relax out.')
        ratios = self._ratios()
        sampling = Sampling(self.cv, self.n_seeds, self.random_state, groups)
        problem = path_problem(x, target, loss, sampling, weights, self.standardize, self._maps(x, weights))
        size = self._size(problem)
        return problem, size, [self._settings(size, float(ratio)) for ratio in ratios]

    def _ratios(self) -> Array:
        """Return the distinct values of l1_ratio in increasing order."""
        ratios = np.unique(np.asarray(self.l1_ratio, dtype=float))
        if not ratios.size:
            raise ValueError(f"l1_ratio is a number from 0 (all L2) to 1 (all L1), or several, got {self.l1_ratio!r}.")
        return ratios

    def _planned(
        self, view: str, X: Any, y: Any, sample_weight: ArrayLike | None, groups: ArrayLike | None, baseline: bool
    ) -> PlannedPath:
        """Return what a fit would train; with ``baseline`` the estimated time includes the linear models."""
        self._validate_params()
        x, target, _, loss, weights = self._checked_rows(X, y, sample_weight)
        problem, size, every = self._begun(x, target, loss, weights, groups)
        strengths = strength_count(size.alphas)
        return PlannedPath(
            view=view,
            hidden_layer_sizes=tuple(every[0].hidden_layer_sizes),
            inputs=problem.columns,
            strengths=strengths,
            folds=len(problem.splits),
            seeds=len(problem.seeds),
            epochs=size.max_iter,
            batch_size=size.batch_size,
            networks=len(every) * strengths * problem.pairs,
            seconds=self._seconds(problem, every, size.alphas, baseline),
        )

    @ending_with_interpreter
    def diagnose(self, alpha: float | None = None, *, references: bool = True) -> Diagnosis:
        """Diagnose whether regularization helped, by how much, and why or why not.

        Networks at strength 0 and at the chosen strength are trained again on the same folds and seeds, and others for
        comparison: early stopping, L1 and L2 alone, and wider networks and longer training if this network underfits.
        Probes test whether the penalty acts as it should.

        With ``select_inputs`` or ``relax``, the path before the refits is judged. Strengths are always chosen and
        judged by the loss, also if ``scoring`` is set.

        Parameters
        ----------
        alpha : float, optional
            Judge this strength (the nearest of the path) instead of those chosen by the folds. Required with one fold.
        references : bool
            Also fit other kinds of model on the same folds, to distinguish underfitting from noise.

        Returns
        -------
        Diagnosis
            Print it, or use its ``headline``, ``verdict``, ``findings``, ``numbers`` and ``to_json()``.

        Raises
        ------
        ValueError
            If the model does not have the rows of the fit, because it was loaded or compacted.
        """
        return judge(self._evidence(alpha, references))

    def _evidence(self, alpha: float | None, references: bool) -> Evidence:
        """Collect the evidence for a verdict; alpha and references as for :meth:`diagnose`."""
        problem: PathProblem = self._of_plain_path(self._kept_problem())
        path = self._plain_path
        if alpha is not None and not (isinstance(alpha, Real) and 0 <= alpha <= path.alphas[-1]):
            raise ValueError(f"alpha is a number on the path, from 0 to {path.alphas[-1]:.4g}, got {alpha!r}.")
        if alpha is None and self._takes_given_strength:
            alpha = self.alpha_
        outputs = {}
        check_memory(problem, path.settings, self._runner(Progress()), 1)  # before other models take their time
        if references:
            with progress("Diagnosing: other models", self.verbose) as watched:
                outputs = reference_outputs(
                    problem.x, problem.target, problem.loss, problem.splits, problem.weights, watched
                )
        with progress("Diagnosing: training the arms again, and probes", self.verbose) as watched:
            linear = None if path.settings.linear else self.linear_path_
            stopped = None if self._encodes_refits(self._kept_problem()) else self.early_stopped_
            runner = self._runner(watched)
            return of_path(problem, path, runner, self.selection, alpha, outputs, linear, stopped)

    def summary(self, origins: list[str] | None = None) -> Summary:
        """Describe the path and the choice as plain data for JSON, as in ``summary.json`` and the HTML report.

        Parameters
        ----------
        origins : list of str, optional
            Name of the input of each column; columns with the same name count as one input. By default the names of the
            columns.

        Returns
        -------
        Summary
            Numbers, strings and lists alone (:class:`ridgewalk.report.schema.Summary`): every strength of the "path"
            with its losses, zeros and inputs, the chosen one ("alpha", "index", "selection"), the "inputs", and the
            "answer". With input selection or refits, also the loss of every candidate ("arms"), and the gain of the
            chosen one over the null model.
        """
        summary = summarize(*self._shown(origins), self._how, self._linear_models())
        if hasattr(self, "input_selection_"):
            found = self.input_selection_
            summary["arms"] = [{"name": arm.name, "heldout_loss": arm.loss} for arm in found.arms]
            summary["gain_over_null"] = {"mean": found.gain, "standard_error": found.gain_error}
            summary["agreed"] = self._agreed
            if self.select_inputs:
                summary["significant"] = found.significant
        if hasattr(self, "_held_out"):
            equal = np.full(len(self.models_), 1 / len(self.models_))
            shares = shares_by_name(self.models_, equal, self._origins(origins))
            as_good = strengths_as_good(self.path_)
            summary["answer"] = answered(summary, self._held_out, self._selects, shares, as_good)
        return summary

    @property
    def answer_(self) -> Answer:
        """Performance on held-out rows with standard errors, compared with simpler models. Print it."""
        check_answered(self)
        return Answer(self.summary()["answer"])

    def _path_at(self) -> MLPPath:
        check_is_fitted(self)
        if not hasattr(self, "path_"):
            raise ValueError("A compacted model holds no path: ask the model it came from.")
        return self.path_

    def _origins(self, origins: list[str] | None) -> list[str]:
        self._path_at()
        names = origins or [str(name) for name in _check_feature_names_in(self)]
        if len(names) != self.n_features_in_:
            raise ValueError(f"origins has a name for each of the {self.n_features_in_} columns, got {len(names)}.")
        return names

    def _choice(self) -> Choice:
        """Return both rules' strengths on the path, and the one that was taken."""
        return replace(self.path_.choose(), chosen=self.index_)

    @property
    def _how(self) -> str:
        """How the strength was chosen, in words."""
        if hasattr(self, "strength_asked_"):
            return f"asked for, {self.strength_asked_:g}"
        if self._takes_safe_strength:
            return "qut"
        by = "" if self.scoring is None else f", by {self.scoring if isinstance(self.scoring, str) else 'a score'}"
        if hasattr(self, "input_selection_"):
            by = f", on the {self.input_selection_.chosen.name}" + " that most folds confirm" * self._agreed
        if np.size(self.l1_ratio) > 1:
            by += (
                f", with l1_ratio {self.l1_ratio_:g} of {', '.join(f'{ratio:g}' for ratio in np.unique(self.l1_ratio))}"
            )
        return f"{self.selection}{by}"

    @property
    def _agreed(self) -> bool:
        """Whether one of the refits was chosen for the inputs that the folds agree on, and not for its loss."""
        chosen = self.input_selection_.chosen
        at_minimum = any(arm.name == chosen.name and arm.index == chosen.index for arm in self.input_selection_.arms)
        return self.selection == "min" and chosen.is_of_refits and not at_minimum

    def heldout_scores(self) -> ConditionScores:
        """Return the losses of held-out rows, each fold at the strength chosen on the other folds.

        Returns
        -------
        ConditionScores
            Losses without the penalty, by row, and by fold and seed.
        """
        check_is_fitted(self)
        if not hasattr(self, "path_"):
            raise ValueError("A compacted model holds no held-out losses: ask the model it came from.")
        path = self.path_
        if self._holds_null_model:
            losses, weights = path.null_row_loss, path.row_weights
            null = np.array([[weighted_mean(losses[rows], weights[rows])] for rows in path.heldout_rows])
            return ConditionScores(path.null_row_loss, null, null)
        return scores_of(self._chosen_by_folds())

    @property
    def _holds_null_model(self) -> bool:
        """Whether no input is worth having, of those that were to be selected."""
        none = self.select_inputs and not self.input_selection_.significant
        return bool(none and not self._takes_given_strength)

    def _chosen_by_folds(self) -> Chosen:
        """Return for each fold the path and the strength that the other folds choose; the one there is, if unchosen."""
        path, paths = self.path_, self._candidates
        if self._takes_given_strength:
            return [(path, self.index_)] * len(path.heldout_rows)
        chosen = cross_chosen([each.choice_table[0] for each in paths], path.choice_table[1], self.selection)
        return [(paths[best], index) for best, index in chosen]

    def _contenders(self, problem: PathProblem) -> list[Contender]:
        """Return the model's predictions, and those of the models that it is compared with."""
        path, linear = self.path_, self.path_.settings.linear
        plain = self.input_selection_.unpenalized if self._selects else path
        name: CompetitorName = "linear" if linear else "network"
        if self._holds_null_model:
            found = [constant_contender(name, problem, path)]
        elif len(path.heldout_rows) == 1 and not self._takes_given_strength:
            found = [network_contender(name, problem, [(path, self.index_)], "the same rows")]
        else:
            on: ChosenOn = "nothing" if self._takes_given_strength else "other folds"
            found = [network_contender(name, problem, self._chosen_by_folds(), on)]
        if not linear:
            found.append(network_contender("linear", problem, *by_other_folds(self.linear_path_, self.selection)))
        if self.early_stopped_ is not None:
            found.append(stopped_contender(self.early_stopped_, path))
        if plain.alphas[0] == 0:
            found.append(network_contender("no penalty", problem, [(plain, 0)] * len(path.heldout_rows), "nothing"))
        return [*found, constant_contender("constant", problem, path)]

    def _less_linear(self) -> Effect | None:
        """Return the network's held-out loss minus the linear model's; None without either, or with one fold."""
        linear = self.linear_path_
        return None if self.path_.settings.linear else less_linear(self.heldout_scores(), linear, self.selection)

    def _linear_models(self) -> LinearSummary | None:
        """Summarize the losses of linear models on the same folds, and the difference to the network."""
        less, linear = self._less_linear(), chosen_by_others(self.linear_path_, self.selection)
        if less is None or linear is None or not np.isfinite(less.mean):
            return None
        weights = self.linear_path_.row_weights
        loss, error = mean_and_error(linear.rows, weights, self.linear_path_.dependence)
        network = float(weighted_mean(self.heldout_scores().rows, weights))
        return LinearSummary(
            heldout_loss=float(loss),
            standard_error=float(error),
            network_loss=network,
            network_less_linear=less.mean,
            difference_error=less.error,
            rows=less.rows,
        )

    @property
    def _plain_path(self) -> MLPPath:
        """The path from strength 0 on: before any refits."""
        return self.input_selection_.arms[0].path if hasattr(self, "input_selection_") else self.path_

    def _encodes_refits(self, problem: PathProblem) -> bool:
        """Whether refits see columns encoded, and the path before them as they are."""
        return bool(self.select_inputs and problem.encodes)

    def _of_plain_path(self, problem: PathProblem) -> PathProblem:
        """Return the problem of the path before any refits."""
        return problem.plain if self._encodes_refits(problem) else problem

    @property
    def _candidates(self) -> list[MLPPath]:
        """Paths that the choice was among."""
        return [arm.path for arm in self.input_selection_.arms] if self._selects else self.paths_

    def report(
        self,
        file: str | PathLike[str],
        X: Any = None,
        y: Any = None,
        *,
        diagnosis: Diagnosis | None = None,
        curves: bool = False,
        origins: list[str] | Encoder | None = None,
        title: str = "A fitted path",
    ) -> Path:
        """Write a self-contained HTML report: performance, the path, effects of inputs, and the network.

        The report compares held-out predictions with observations. After a fit it also shows partial dependence; a
        loaded model does not have the rows of the fit, and needs X and y for this.

        Parameters
        ----------
        file : path
            The HTML file to write, at most 3 MB. An existing file is replaced.
        X, y : array_like, shapes (N, P) and (N,) or (N, C), optional
            Rows to predict at every strength, for confusion or residuals and calibration. Use new rows; results for
            rows of the fit are optimistic.
        diagnosis : Diagnosis, optional
            Result of :meth:`diagnose`, shown at the top.
        curves : bool
            Show training curves of the folds at every strength, data loss and penalty separately. A path does not store
            them, so the folds are trained again.
        origins : list of str or Encoder, optional
            Name of the input of each column; columns with the same name count as one input. With the encoder that made
            the columns, categories are shown with their levels. By default the names of the columns.
        title : str
            Title of the report.

        Returns
        -------
        Path
            The file.
        """
        encoder = origins if isinstance(origins, Encoder) else None
        names = encoder.origins if encoder else origins if isinstance(origins, list) else None
        content = PageContent(X, y, diagnosis, curves, names, title, encoder)
        return self._write_page(file, content)

    def _write_page(self, file: str | PathLike[str], content: PageContent) -> Path:
        """Write the report of the path; for a table model, with the summary of its blend."""
        shown, encoder = self._shown(content.origins), content.encoder
        problem: PathProblem | None = getattr(self, "_problem", None)
        card = content.card or model_card(self, encoder)
        summary = content.of_table or self.summary(content.origins)
        extras = Extras(
            classes=self._names_of_outputs(),
            page_rows=self._page_rows(content.X, content.y),
            fit=None if problem is None else PageRows(problem.x, problem.target),
            observed=getattr(self, "_observed", None),
            variables=None if encoder is None else variables_of(encoder),
            columns=None if encoder is None else encoder.names,
            selection=getattr(self, "input_selection_", None),
            diagnosis=None if content.diagnosis is None else content.diagnosis.to_dict(),
            history=self._refit_history(range(len(self.path_.alphas))) if content.curves else None,
            title=content.title,
            linear=summary["linear"],
            blend=summary.get("blend"),
            answer=summary.get("answer"),
            card=card,
            notes=card["notes"],
        )
        data = page_data(*shown, self._how, extras)
        page = Path(file)
        with written(page) as unfinished:
            unfinished.write_text(render(data), encoding="utf-8")
        return page

    def _shown(self, origins: list[str] | None = None) -> tuple[MLPPath, Rule, list[str], Choice]:
        """Return the data of the path for displays: path, rule, names, choice."""
        names = self._origins(origins)
        return self.path_, self.selection, names, self._choice()

    def _page_rows(self, X: Any, y: Any) -> PageRows | None:
        """Check rows to compare predictions on."""
        if (X is None) != (y is None):
            raise ValueError("Give X and y together, or neither: predictions are compared with y.")
        return None if X is None else PageRows(*self._compared(X, y))

    def _refit_history(self, indices: Sequence[int]) -> History:
        """Train the folds again at some strengths of the path with their held-out rows as validation set.

        It is each strength's own training, also where the path holds a neighbour's network. A run of the history is a
        strength: the mean over folds and seeds.
        """
        path = self.path_
        problem: PathProblem = self._kept_problem()
        settings = path.settings
        if settings.linear or not settings.ramps or hasattr(self, "input_selection_"):
            raise ValueError(
                'A curve is of one training from a dense start: a plain path with schedule="ramp" and a hidden layer '
                "has such; a linear model is solved, and every other fit starts where the one before it ended."
            )
        problem, runner = problem.validated(), self._runner(Progress())
        dense, looks = runner.train(dense_job(problem, settings)), max(1, settings.max_iter // _HISTORY_POINTS)
        pairs = [every_pair(problem, path.alphas[[index]]) for index in indices]
        jobs = (replace(ramp_job(problem, settings, *each, dense), record_every=looks) for each in pairs)
        histories = [history for job in jobs if (history := runner.train(job).history)]
        names = ("data_loss", "penalty", "validation_loss", "zeros", "norms")
        means = {name: np.stack([getattr(each, name).mean(axis=0) for each in histories]) for name in names}
        return History(epochs=histories[0].epochs, **means)

    def _findings_html(self) -> str:
        if not hasattr(self, "path_"):
            return super()._findings_html()
        return excerpt(self.summary())

    @contextmanager
    def _counted(self, title: str) -> Iterator[Progress]:
        """Count work in a bar of its own, or as a part of another fit."""
        if self._watched is not None:
            yield self._watched
            return
        with progress(title, self.verbose) as watched:
            yield watched

    def _expected(self, problem: PathProblem, with_linear: bool) -> tuple[float, int]:
        """Guess the seconds of a fit to such a problem, and count its strengths and those of its linear models."""
        size = self._size(problem)
        every = [self._settings(size, float(ratio)) for ratio in np.unique(np.asarray(self.l1_ratio, dtype=float))]
        count = strength_count(size.alphas) + with_linear * self._baseline_count
        return self._seconds(problem, every, size.alphas, with_linear), count

    def _score(self, problem: PathProblem, settings: PathSettings, y: Array) -> Score:
        """Return a function that scores a network by ``scoring``, after a test on a constant."""
        network = network_of(problem, settings)
        nothing = [np.zeros(shape) for shape in network.shapes]
        constant = model_of(network, problem.loss, nothing, problem.folds[-1])
        held_out = [rows for _, rows in problem.splits]
        return score_of(self, self.scoring, problem.x, y, problem.weights, held_out, constant)

    def _linear_path(self, problem: PathProblem, path: MLPPath, runner: Runner, score: Score | None) -> MLPPath:
        """Fit the same folds with no hidden layer, under the same elastic net."""
        if path.settings.linear:
            return path
        return self._baseline or fit_baseline(problem, path.settings, self._baseline_count, runner, score)

    def _early_stopped(self, problem: PathProblem, settings: PathSettings, runner: Runner) -> EarlyStopped | None:
        """Train the unpenalized networks with early stopping on the same folds; not for ``alphas="qut"``."""
        return None if self._takes_safe_strength else fit_early_stopped(problem, settings, runner)

    @property
    def _baseline_count(self) -> int:
        return min(int(self.alphas), BASELINE_STRENGTHS) if isinstance(self.alphas, Integral) else BASELINE_STRENGTHS

    def _seconds(self, problem: PathProblem, every: Sequence[PathSettings], alphas: AlphaSpec, baseline: bool) -> float:
        """Guess the seconds of all paths, with ``baseline`` the linear one among them."""
        strengths, first = strength_count(alphas), self._of_plain_path(problem)
        seconds = path_seconds(first, every[0], strengths) + finding_seconds(first, every[0], alphas)
        if self._selects:
            seconds += seconds_beside_the_path(problem, every[0], strengths, relaxing=not self.select_inputs)
        seconds *= len(every)
        if every[0].linear or not baseline:
            return seconds
        if not self._takes_safe_strength:
            seconds += stopping_seconds(problem, every[0])
        linear = (problem.plain, baseline_settings(every[0]), self._baseline_count)
        return seconds + (baseline_seconds(*linear) if baseline else 0.0)

    def _report(self, candidates: list[MLPPath]) -> None:
        """Set the gain by regularization on held-out rows, each fold at the strength chosen on the others."""
        table, weights = (self.input_selection_.unpenalized if self._selects else candidates[0]).choice_table
        unpenalized, dependence = table.row_loss[0], table.dependence
        if self._takes_given_strength:
            rows = self.path_.choice_table[0].row_loss[self.index_]
        else:
            rows = nested([path.choice_table[0] for path in candidates], weights, self.selection)
        linear_table, linear_weights = self.linear_path_.choice_table
        linear = nested([linear_table], linear_weights, self.selection)
        with np.errstate(invalid="ignore"):
            self.heldout_loss_, self.unpenalized_loss_, self.linear_loss_ = (
                float(weighted_mean(losses, each))
                for losses, each in ((rows, weights), (unpenalized, weights), (linear, linear_weights))
            )
            self.gain_, self.gain_error_ = (
                float(value) for value in mean_and_error(unpenalized - rows, weights, dependence)
            )
        self.null_loss_ = float(weighted_mean(self.path_.null_row_loss, self.path_.row_weights))
        self.selection_frequency_ = self.path_.frequency(self.index_)

    def _warn_of_linear_model(self) -> None:
        """Warn where a linear model predicts counts better."""
        counts = facts(self.path_.loss).output_activation == "exponential" and self.scoring is None
        less = self._less_linear() if counts and self.linear_loss_ < _NEARLY_PERFECT * self.null_loss_ else None
        if less is not None and less.mean > _CLEARLY_WORSE * less.error:  # advice; a verdict asks for more
            warn(
                f"The linear model predicts better: its held-out loss is {self.linear_loss_:.4g}, the network's "
                f"{self.heldout_loss_:.4g} and a constant's {self.null_loss_:.4g}. Counts as large as these are known "
                "more finely than max_iter epochs train a network: raise max_iter, or take the linear model, "
                "hidden_layer_sizes=().",
                ConvergenceWarning,
            )

    def _members(self) -> Members:
        """Return the networks that each fold predicts with, at the chosen strength."""
        check_is_fitted(self)
        if not hasattr(self, "path_"):
            raise ValueError(
                "A compacted model holds no networks of its folds, which intervals and sets need: ask the model it "
                "came from."
            )
        folds = len(self.path_.heldout_rows)
        return Members([self.path_], np.array([0]), np.array([self.index_]), np.ones((folds, 1)))

    def _numbers(self, X: Any) -> Any:
        """Check rows of numbers."""
        return self._rows(X)

    def _set_chosen(self) -> None:
        """Predict with the networks of the chosen strength."""
        path, index = self.path_, self.index_
        best, sound = path.best_seed(index), ~path.lost[index, -1]
        sound[best] = True
        models = [path.model(index, int(seed)) for seed in np.flatnonzero(sound)]
        self._set_models(models, int(sound[:best].sum()))

    def _set_fitted(self) -> Self:
        """Set the chosen networks, and warn if their training failed."""
        path, index = self.path_, self.index_
        self._set_chosen()
        self.n_iter_ = path.settings.max_iter
        self._warn_of_failures(path)
        if path.settings.linear and path.residual[index].max() > _UNSOLVED_RESIDUAL:
            warn(
                f"The linear model is not at its optimum (residual {path.residual[index].max():.2g}): "
                "set standardize=True; the absolute error, which has kinks of its own, is solved only roughly.",
                ConvergenceWarning,
            )
        return self

    def _warn_of_failures(self, path: MLPPath) -> None:
        """Warn where trainings diverged, or left every unpenalized network no better than a constant."""
        lost, mend = path.diverged, "lower learning_rate_init, or set standardize=True"
        if lost.any():
            at_zero = f", {np.count_nonzero(lost[0])} of them at strength 0" if lost[0].any() else ""
            sentence = f"{np.count_nonzero(lost)} of {lost.size} trainings diverged{at_zero}"
            others = "" if path.lost.all(axis=(1, 2)).any() else "; other networks of the path stand in their places"
            warn(f"Training diverged: {sentence}{others}. To mend it, {mend}.", ConvergenceWarning)
            return
        path = self._plain_path
        problem, whole = self._problem, path.whole
        rows = np.flatnonzero(whole.weights)
        losses = constant_losses(path.loss, problem.target, whole, whole.target_scale, rows)
        null = float(weighted_mean(losses, whole.weights[rows]))
        reached = float(path.train_loss[0, -1].min())
        nothing_to_learn = null == 0 or not np.isfinite(whole.scale).any()  # a constant target, constant inputs
        if path.settings.linear or nothing_to_learn or reached < null - _LEAST_GAIN * abs(null):
            return
        x, seeds = problem.x[rows], range(path.train_loss.shape[-1])
        constant = all(np.ptp(path.model(0, seed).output(x), axis=0).max() == 0 for seed in seeds)
        # In a few epochs no network learns: then only what the start cannot have been is a failure of the rate.
        if constant or (path.settings.max_iter >= _FEW_EPOCHS and reached > _FAILED_LOSS * abs(null)):
            warn(
                f"Training failed: without a penalty no network loses less on the training rows ({reached:.4g}) than a "
                f"constant ({null:.4g}). To mend it, {mend}, or raise max_iter.",
                ConvergenceWarning,
            )


_FIRST = """
    hidden_layer_sizes : sequence of int or "auto", default "auto"
        Units of each hidden layer; () is a linear model. "auto", here and below, chooses by the number of rows, columns
        and classes (:mod:`ridgewalk.path.defaults`); ``path_.settings`` contains the resulting values.
    alphas : int, array_like, "qut" or "auto", default "auto"
        Number of strengths on a geometric grid up to the strength at which the null model is optimal, or the strengths
        themselves; 0 is always added. "qut" is the quantile universal threshold: the smallest strength at which, with
        probability 20/21, no input is kept if the target does not depend on the inputs (found by shuffling). It is used
        without cross-validation.
    l1_ratio : float or sequence of float, default 0.5
        1 is L1, 0 is L2. For several values, each has its own path, and the one with the lowest held-out loss is used.
    pieces : int, default 0
        Number of bins of a piecewise-linear encoding of every column with more than two values (dense X only). The
        network takes the softly clipped column and its bins instead of the column (:mod:`ridgewalk.input_maps`).
        ``coefs_[0]`` has a row for each of these numbers, and ``model_.column`` the column of each. The encoding has at
        most 300 numbers, so with many columns there are fewer bins, or none. The numbers of a column share its penalty
        factor, and are one group for group penalties. 0 is no encoding.
    select_inputs : bool, default False
        Select inputs by an adaptive group path, refits of every support, and a test against the null model
        (:mod:`ridgewalk.path.input_selection`); ``penalty`` is then the group lasso. Among the refits within one
        standard error of the lowest loss, ``selection="min"`` chooses the one whose inputs are selected by most folds,
        and ``"1se"`` the refits with the lowest loss, with fewer inputs. With ``pieces``, inputs are selected among the
        columns as they are, and then refitted with their columns encoded.
    relax : bool, default False
        Refit every support without the penalty that selected it, and choose among the path and the refits.
    selection : "min", "1se" or "simplest", default "min"
        Rule that chooses the strength. "min": lowest held-out loss, for prediction. "1se": strongest within one paired
        standard error of it. "simplest": sparsest in the 95% confidence set of the best strength.
    scoring : str, scorer or None
        Choose by the held-out score of a scikit-learn scorer instead of the loss; its standard errors are over folds.
    pos_label : label or None
        Positive one of two classes, for a ``scoring`` such as "f1", "precision" or "average_precision". It does not
        change the order of ``classes_``.
    cv : int, splitter or iterable, default 5
        Cross-validation folds. A number makes shuffled folds, stratified for classes.
    schedule : "ramp" or "sequential", default "ramp"
        Train all strengths from one dense fit, or one after the other from weak to strong.
    racing : bool, default False
        Drop a strength if, after two folds or more, its held-out loss exceeds that of the best one by more than two
        paired standard errors. This saves about two fifths of the time. ``path_.dropped`` lists dropped strengths. It
        needs ``schedule="ramp"``, three folds, and a choice by the loss (no ``scoring``, ``select_inputs``, ``relax``
        or ``alphas="qut"``), and has no effect on linear models.
    max_iter : int or "auto", default "auto"
        Epochs of each fit after its dense fit.
    learning_rate_init : float or "auto", default "auto"
        Initial learning rate of Adam; it decreases to 0 along a cosine.
    batch_size : int, None or "auto", default "auto"
        Rows per step; None is all rows.
    tol : float, default 1e-8
        Residual at which a linear model counts as solved.
    checkpoint_dir : str or path, optional
        Folder in which every network is saved when its training ends. If an interrupted fit is called again with the
        same data and parameters (n_jobs may differ), it continues from there, with bitwise equal results. Needs a
        random_state. The folder is not deleted automatically.
"""
_MIDDLE = """
    alpha_, alpha_min_, alpha_1se_ : float
        The chosen strength, and those of the rules "min" and "1se".
    alphas_ : array, shape (S,)
        All strengths, increasing from 0.
    l1_ratio_ : float
        The chosen ratio.
    index_ : int
        Position of ``alpha_`` in ``alphas_``.
    path_, paths_ : MLPPath, list of MLPPath
        The path (every strength x fold x seed) of the chosen l1_ratio, and of each l1_ratio.
    linear_path_ : MLPPath
        Path without a hidden layer on the same folds, at strengths above 0, solved to a tolerance; with very many rows,
        on a random subset.
    early_stopped_ : EarlyStopped or None
        Held-out predictions and losses of the unpenalized network with early stopping, by a validation set from each
        training set (:mod:`ridgewalk.path.early_stopping`). None without a hidden layer, with ``alphas="qut"``, and if
        a training set would have a single row or group to train on.
    input_selection_ : InputSelection
        With ``select_inputs`` or ``relax``: all candidates, the gain over the null model, and the selection frequency.
    selection_frequency_ : array, shape (P,)
        Share of the folds x seeds whose network at ``alpha_`` uses each input.
    calibration_ : Calibration
        Errors of the folds' networks at ``alpha_`` on held-out rows, for intervals and sets. Missing if all seeds of a
        fold diverged.
    heldout_loss_, unpenalized_loss_, linear_loss_, null_loss_ : float
        Mean held-out losses, without penalties: of the network and of the linear model, each fold at the strength
        chosen on the other folds; of the network at strength 0; of the best constant. With ``scoring``, the first three
        are negative scores.
    answer_ : Answer
        Performance on held-out rows (accuracy, AUC, log loss; R2, RMSE, MAE), compared with a linear model, early
        stopping, no penalty and a constant, and advice. Print it.
    gain_, gain_error_ : float
        ``unpenalized_loss_ - heldout_loss_`` and its paired standard error over rows (with ``scoring``, over folds).
    n_iter_ : int
        Epochs of each fit after its dense fit.
"""
_OF_CLASSIFIER = """
    >>> from sklearn.datasets import load_breast_cancer
    >>> from ridgewalk import MLPClassifierCV
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = MLPClassifierCV((8,), alphas=6, cv=3, max_iter=100, random_state=0).fit(X, y)
    >>> model.predict(X[:3])
    array([0, 0, 0])
    >>> bool(model.heldout_loss_ < model.unpenalized_loss_ < model.null_loss_)
    True
"""
_OF_REGRESSOR = """
    >>> from sklearn.datasets import load_diabetes
    >>> from ridgewalk import MLPRegressorCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressorCV((8,), alphas=6, cv=3, max_iter=100, random_state=0).fit(X, y)
    >>> model.predict(X[:3]).shape
    (3,)
    >>> sparser = model.at("1se")
    >>> bool(sparser.alpha_ >= model.alpha_)
    True
"""


@documented(_FIRST, _MIDDLE, _OF_CLASSIFIER)
class MLPClassifierCV(SetMixin, ScoredByScoring, _ClassifierMixin, _PathEstimator):
    """Neural network classifier that fits a whole L1/L2 path and chooses the strength by cross-validation.

    For two classes the network has one output and binary cross-entropy, for more classes a softmax, and for several
    labels one output each.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_PathEstimator._parameter_constraints,
        "loss": [StrOptions({"auto", "log_loss"})],
        "pos_label": POS_LABEL_CONSTRAINTS,
    }

    @ending_with_interpreter
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit the path, choose a strength, and keep the network trained on all rows at this strength.

        Parameters
        ----------
        X : array_like or sparse array, shape (N, P)
        y : array_like, shape (N,) or (N, L)
            Class labels, or zeros and ones for several labels.
        sample_weight : array_like, shape (N,), optional
            Weight of each row in training and in scoring; 2 counts a row twice (standard errors count rows).
        groups : array_like, shape (N,), optional
            Groups of rows. A number of folds keeps each group in one fold, a splitter that uses groups receives them,
            and standard errors count groups.

        Returns
        -------
        self
        """
        self._validate_params()
        return self._fit(*self._checked_rows(X, y, sample_weight), groups)

    def _checked_rows(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> tuple[Any, Array, Array, Loss, Array]:
        """Check rows: columns, numbered labels, labels, the loss and the weights."""
        x, target = self._read(X, y)
        labels = self._learn_classes(target)
        if self.pos_label is not None and self._multilabel:
            raise ValueError("pos_label names the positive class of two, and y holds several labels: leave it out.")
        check_pos_label(self.pos_label, np.asarray(self.classes_))
        return x, labels, target, self._loss, self._weights(sample_weight, x, target, labels)


@documented(_FIRST, _MIDDLE, _OF_REGRESSOR)
class MLPRegressorCV(IntervalMixin, ScoredByScoring, _RegressorMixin, _PathEstimator):
    """Neural network regressor that fits a whole L1/L2 path and chooses the strength by cross-validation.

    Held-out losses are in units of y. With several targets, each is in units of its own standard deviation.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **_PathEstimator._parameter_constraints,
        "loss": [StrOptions({"auto", *REGRESSION_LOSSES})],
        "class_weight": [None],
    }

    @ending_with_interpreter
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit the path, choose a strength, and keep the network trained on all rows at this strength.

        Parameters
        ----------
        X : array_like or sparse array, shape (N, P)
        y : array_like, shape (N,) or (N, C)
        sample_weight : array_like, shape (N,), optional
            Weight of each row in training and in scoring; 2 counts a row twice (standard errors count rows).
        groups : array_like, shape (N,), optional
            Groups of rows. A number of folds keeps each group in one fold, a splitter that uses groups receives them,
            and standard errors count groups.

        Returns
        -------
        self
        """
        self._validate_params()
        return self._fit(*self._checked_rows(X, y, sample_weight), groups)

    def _checked_rows(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> tuple[Any, Array, Array, Loss, Array]:
        """Check rows: columns, numbers twice, the loss and the weights."""
        x, target = self._read(X, y)
        return x, target, target, loss_for(self.loss, "continuous"), row_weights(sample_weight, x)
