"""Prediction intervals (regression) and sets (classification), by CV+ from the networks of the folds.

    regressors     predict_interval(X, coverage=0.9)    lower and upper end for each row
    classifiers    predict_set(X, coverage=0.9)         the set of possible classes

A fit stores the errors of its folds on the rows that they held out (``calibration_``). Predictions use the folds'
networks; :mod:`ridgewalk.conformal` has the formulas.
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
    """The networks that each fold predicts with: M strengths of some paths, and the weights in each of K folds.

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
        """Return the predictors of the folds."""
        return fold_predictors(self.paths, self.path, self.strength, self.fold_weights)

    @property
    def sound(self) -> bool:
        """Whether every fold has a network that did not diverge, for each member that it mixes."""
        folds, members = np.nonzero(self.fold_weights)
        return not any(
            self.paths[self.path[m]].lost[self.strength[m], fold].all() for fold, m in zip(folds, members, strict=True)
        )


class Calibrated:
    """What intervals and sets share: the predictors of the folds, and their errors on held-out rows."""

    calibration_: Calibration

    def _members(self) -> Members:
        """Return the networks and weights that each fold predicts with."""
        raise NotImplementedError

    def _numbers(self, X: Any) -> Array | csr_array:
        """Check rows, and return the inputs of the networks."""
        raise NotImplementedError

    def _calibrate(self, problem: PathProblem | None) -> None:
        """Store the errors of the folds on their held-out rows; nothing if a fold has no network.

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
        """Return the predictors of the K folds, from which intervals and sets are computed.

        For a path, a predictor is the mean over the seeds at the chosen strength; for a blend, the mixture with the
        weights of the fold. They take encoded columns: for a table model, ``encoder_.transform(frame)``.

        Raises
        ------
        ValueError
            If the model was compacted, or loaded from a file without the networks of its folds, or if all seeds of a
            fold diverged.
        """
        return self._members().predictors()

    def calibrated(self, coverage: float) -> tuple[tuple[Mixture, ...], Calibration]:
        """Return the folds' predictors and their errors on held-out rows, for intervals or sets.

        Parameters
        ----------
        coverage : float
            Between 0 and 1; checked against the number of held-out rows.

        Raises
        ------
        ValueError
            As :meth:`fold_predictors`; if coverage is not such a number; if the model was loaded from a file without
            the errors of its folds.

        Warns
        -----
        UserWarning
            If too few rows, or groups, were held out; if the folds are ordered in time.
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
        """Yield the predictions of each fold, (K, n, C), for one batch of rows after the other."""
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
        """Return a prediction interval for each row, which contains the target for about this share of new rows.

        These are CV+ intervals (Barber, Candes, Ramdas and Tibshirani, Predictive inference with the jackknife+, Ann.
        Stat. 2021, section 3). The networks of each fold predict the row, and their errors on the rows that the fold
        held out are added and subtracted; the ends are quantiles of these numbers. The noise need not be normal, and
        the network need not be well specified. A new row that is exchangeable with those of the fit is covered with a
        probability of at least ``1 - 2 (1 - coverage) - sqrt(2 / N)`` by theorem, and in practice about ``coverage``,
        or more if the networks of the folds disagree. Coverage is an average over rows, and may differ between regions
        of the inputs.

        Parameters
        ----------
        X : table or array_like, N rows
            Rows to predict, with the columns of the fit.
        coverage : float, default 0.9
            Between 0 and 1.

        Returns
        -------
        array, shape (N, 2), or (N, 2, C) for several targets
            Lower and upper ends in units of y, separately for each target. Ends for a Poisson rate are not below 0.

        Raises
        ------
        ValueError
            If coverage is not such a number; if the model was compacted, or loaded from a file without the networks of
            its folds; or if all seeds of a fold diverged.

        Warns
        -----
        UserWarning
            If too few rows, or groups, were held out, so that ends are infinite; if the folds are ordered in time.
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
        """Return a set of classes for each row, which contains the target for about this share of new rows.

        These are CV+ sets with adaptive scores (Romano, Sesia and Candes, Classification with valid and adaptive
        coverage, NeurIPS 2020, section 2.3), without randomization (:func:`ridgewalk.conformal.adaptive_scores`). A new
        row that is exchangeable with those of the fit is covered with a probability of at least
        ``1 - 2 (1 - coverage) - sqrt(2 / N)`` by theorem, and in practice about ``coverage`` or more: if the most
        probable class is right more often than that, every set contains one class. Coverage is an average over rows and
        classes.

        Parameters
        ----------
        X : table or array_like, N rows
            Rows to predict, with the columns of the fit.
        coverage : float, default 0.9
            Between 0 and 1.

        Returns
        -------
        array of bool, shape (N, C), or (N, 2, L) for several labels
            Whether each class is in the set, in the order of ``classes_``; for several labels, whether "no" and "yes"
            are in the set of each label. No set is empty.

        Raises
        ------
        ValueError
            If coverage is not such a number; if the model was compacted, or loaded from a file without the networks of
            its folds; or if all seeds of a fold diverged.

        Warns
        -----
        UserWarning
            If too few rows, or groups, were held out, so that every set has every class; if the folds are ordered in
            time.
        """
        parts = [self._sets(each, coverage) for each in self._predicted(X, coverage)]
        return np.concatenate(parts)

    def _sets(self, predicted: Array, coverage: float) -> Booleans:
        """Return the sets of n rows from the predictions of each fold (K, n, C)."""
        loss = self._members().paths[0].loss
        if not self._multilabel:
            return label_sets(self.calibration_, class_chances(loss, predicted), coverage)
        each = range(predicted.shape[2])
        both = (class_chances(loss, predicted[..., [label]]) for label in each)
        sets = [label_sets(self.calibration_.of(label), part, coverage) for label, part in zip(each, both, strict=True)]
        return np.stack(sets, axis=-1)


def _too_few(calibration: Calibration, coverage: float) -> bool:
    return calibration.units < least_units(coverage)
