"""How far off a prediction may be: intervals of numbers and sets of classes, by CV+ from the networks of the folds.

    regressors     predict_interval(X, coverage=0.9)    low and high end of each prediction
    classifiers    predict_set(X, coverage=0.9)         which classes are possible

A fit keeps what its folds missed on the rows that they held out (``calibration_``); a prediction asks the folds'
networks, and :mod:`ridgewalk.conformal` has the formulas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ridgewalk.arrays import Array, Booleans, Integers, slices
from ridgewalk.conformal import Calibration, check_coverage, intervals, label_sets, least_units
from ridgewalk.losses import facts
from ridgewalk.mixture import Mixture
from ridgewalk.path.calibration import (
    calibrate,
    calibrate_from_outputs,
    class_chances,
    fold_predictors,
    follows_in_time,
)
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import MLPPath
from ridgewalk.warning import warn


@dataclass(frozen=True, eq=False)
class Members:
    """What each fold predicts with: M strengths of some paths, and the weights that each of K folds mixes them with.

    Attributes
    ----------
    paths : sequence of MLPPath
    path, strength : integers, shape (M,)
    fold_weights : array, shape (K, M)
    """

    paths: Sequence[MLPPath]
    path: Integers
    strength: Integers
    fold_weights: Array

    def predictors(self) -> tuple[Mixture, ...]:
        """Return what predicts as each fold's networks do."""
        return fold_predictors(self.paths, self.path, self.strength, self.fold_weights)

    @property
    def sound(self) -> bool:
        """Whether every fold has a network that did not diverge, for each member that it mixes."""
        folds, members = np.nonzero(self.fold_weights)
        return not any(
            self.paths[self.path[m]].lost[self.strength[m], fold].all() for fold, m in zip(folds, members, strict=True)
        )


class Calibrated:
    """What intervals and sets share: the folds' predictors, and what they missed."""

    calibration_: Calibration

    def _members(self) -> Members:
        """Return what each fold predicts with."""
        raise NotImplementedError

    def _numbers(self, X: Any) -> Array | csr_array:
        """Check rows as they come, and return them as the networks take them."""
        raise NotImplementedError

    def _calibrate(self, problem: PathProblem | None) -> None:
        """Keep what the folds miss on the rows that they hold out; nothing where a fold has no network.

        Where the rows are gone, as they are from a model that was loaded, the outputs that its path keeps tell.
        """
        self.__dict__.pop("calibration_", None)
        members, observed = self._members(), vars(self).get("_observed")
        if not members.sound:
            return
        if problem is not None:
            self.calibration_ = calibrate(problem, members.predictors())
        elif observed is not None:
            [path], [index] = members.paths, members.strength
            found = calibrate_from_outputs(path, int(index), observed)
            if found is not None:
                self.calibration_ = found

    def fold_predictors(self) -> tuple[Mixture, ...]:
        """Return what predicts as the networks of each fold do, which intervals and sets rest on: K of them.

        Of a path, the mean over the starts of the chosen strength; of a blend, the mixture with each fold's own
        weights. They take the numbers that the networks take: of a table model, ``encoder_.transform(frame)``.

        Raises
        ------
        ValueError
            If the model was compacted, or loaded from a file without the networks of its folds; or if all trainings of
            a fold diverged.
        """
        return self._members().predictors()

    def calibrated(self, coverage: float) -> tuple[tuple[Mixture, ...], Calibration]:
        """Return what intervals or sets are made of: the folds' predictors, and what they missed.

        Parameters
        ----------
        coverage : float
            Between 0 and 1: what is to be said with it is looked at.

        Raises
        ------
        ValueError
            As :meth:`fold_predictors`; if coverage is no such number; if the model was loaded from a file that holds
            nothing of what its folds missed.

        Warns
        -----
        UserWarning
            If too few rows, or groups, were held out; if the folds followed in time.
        """
        check_coverage(coverage)
        members = self._members()
        predictors = members.predictors()
        if not hasattr(self, "calibration_"):
            raise ValueError(
                "This model does not hold what its folds missed, which intervals and sets need: it was read from an "
                "earlier file, or is at a strength whose held-out outputs its file does not hold (very many rows). Fit "
                "it again, or save it at that strength before it is loaded."
            )
        if _too_few(self.calibration_, coverage):
            warn(
                f"A coverage of {coverage:g} needs {least_units(coverage)} held-out rows (or groups of rows) at least, "
                f"and there were {self.calibration_.units}: intervals are infinite, and sets hold every class. Ask for "
                "less, or fit more rows."
            )
        if follows_in_time(members.paths[0]):
            warn(
                "Every fold held out rows behind those it trained on, as rows that follow in time do: what is said of "
                "coverage holds where rows could be exchanged, and tells of later rows no more than what the folds "
                "missed so far."
            )
        return predictors, self.calibration_

    def _predicted(self, X: Any, coverage: float) -> Iterator[Array]:
        """Yield what each fold predicts, (K, n, C), for some rows after the other."""
        predictors, _ = self.calibrated(coverage)
        x, outputs = self._numbers(X), predictors[0].models[0].parameters[-1].shape[1]
        for chunk in slices(x.shape[0], len(predictors) * outputs):
            with np.errstate(all="ignore"):  # what is far off
                found = np.stack([predictor.predict(x[chunk]) for predictor in predictors])
            yield found


class IntervalMixin(Calibrated):
    """Intervals of numbers."""

    _single: bool = True  # whether y was one column, (N,)

    def predict_interval(self, X: Any, coverage: float = 0.9) -> Array:
        """Return an interval for each row, which holds the truth for about this share of new rows.

        By CV+ (Barber, Candes, Ramdas and Tibshirani, Predictive inference with the jackknife+, Ann. Stat. 2021,
        section 3): the networks of each fold predict the row, and what they missed on the rows that their fold held out
        is added and subtracted; the ends are quantiles of these numbers. No noise has to be normal, and no network
        right. A new row that could be exchanged with those of the fit is covered with a probability of at least ``1 - 2
        (1 - coverage)`` by theorem (less ``sqrt(2 / N)`` at most), and in practice of about ``coverage``, or more where
        the folds' networks disagree. Both are averages over rows: in a corner of the columns the share may be another.

        Parameters
        ----------
        X : table or array_like, N rows
            As for ``predict``.
        coverage : float, default 0.9
            Between 0 and 1.

        Returns
        -------
        array, shape (N, 2), or (N, 2, C) of several targets
            Low and high ends, in the units of y, of each target by itself. Ends of a rate are not below 0.

        Raises
        ------
        ValueError
            If coverage is no such number; if the model was compacted, or loaded from a file without the networks of its
            folds; or if all trainings of a fold diverged.

        Warns
        -----
        UserWarning
            If so few rows, or groups, were held out that the ends are infinite; if the folds followed in time.
        """
        parts = [
            np.stack(intervals(self.calibration_, each, coverage), axis=1) for each in self._predicted(X, coverage)
        ]
        ends = np.concatenate(parts)
        if facts(self._members().paths[0].loss).output_activation == "exponential":
            ends = np.maximum(ends, 0.0)
        if np.isinf(ends).any() and not _too_few(self.calibration_, coverage):
            warn("Some ends are infinite: networks of the folds gave numbers there that are not finite.")
        return np.asarray(ends[..., 0] if self._single else ends)


class SetMixin(Calibrated):
    """Sets of classes."""

    _multilabel: bool = False  # whether y was zeros and ones of several labels

    def predict_set(self, X: Any, coverage: float = 0.9) -> Booleans:
        """Return which classes are possible for each row: sets that hold the truth for about this share of new rows.

        By CV+ with adaptive scores (Romano, Sesia and Candes, Classification with valid and adaptive coverage, NeurIPS
        2020, section 2.3), without draws (:func:`ridgewalk.conformal.adaptive_scores`). A new row that could be
        exchanged with those of the fit is covered with a probability of at least ``1 - 2 (1 - coverage)`` by theorem
        (less ``sqrt(2 / N)`` at most), and of about ``coverage``, or more, in practice: where the most probable class
        is right more often than asked, sets hold one class and the truth that often. Both are averages over rows and
        classes.

        Parameters
        ----------
        X : table or array_like, N rows
            As for ``predict``.
        coverage : float, default 0.9
            Between 0 and 1.

        Returns
        -------
        booleans, shape (N, C), or (N, 2, L) of several labels
            In the order of ``classes_``; of each label by itself, whether no and whether yes is possible. No set is
            empty.

        Raises
        ------
        ValueError
            If coverage is no such number; if the model was compacted, or loaded from a file without the networks of its
            folds; or if all trainings of a fold diverged.

        Warns
        -----
        UserWarning
            If so few rows, or groups, were held out that every class is in every set; if the folds followed in time.
        """
        parts = [self._sets(each, coverage) for each in self._predicted(X, coverage)]
        return np.concatenate(parts)

    def _sets(self, predicted: Array, coverage: float) -> Booleans:
        """Return the sets of n rows, of what each fold predicts (K, n, C)."""
        loss = self._members().paths[0].loss
        if not self._multilabel:
            return label_sets(self.calibration_, class_chances(loss, predicted), coverage)
        each = range(predicted.shape[2])
        both = (class_chances(loss, predicted[..., [label]]) for label in each)
        sets = [label_sets(self.calibration_.of(label), part, coverage) for label, part in zip(each, both, strict=True)]
        return np.stack(sets, axis=-1)


def _too_few(calibration: Calibration, coverage: float) -> bool:
    return calibration.units < least_units(coverage)
