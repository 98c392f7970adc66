"""What all fitted estimators share: predictions, the inputs in use, and the compact copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from difflib import get_close_matches
from inspect import Signature, signature
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from scipy.special import log_expit, log_softmax, logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.feature_selection import SelectorMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.estimators.problem import row_weights
from ridgewalk.importance import shares_of_importance
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Loss, facts
from ridgewalk.markup import table
from ridgewalk.model import Compaction, Model
from ridgewalk.path.families import PathPenalty, PenaltyName, penalty_family
from ridgewalk.warning import with_new_names

_LARGEST = 1e75


class Predictor(SelectorMixin, BaseEstimator):  # type: ignore[misc]
    """Raw outputs of the fitted networks; the inputs that they use."""

    _old_names: ClassVar[dict[str, str]] = {}  # of parameters: old name, new name
    __signature__: ClassVar[Signature]

    def __init_subclass__(cls, **options: Any) -> None:
        """Keep a class's signature that of its ``__init__``: older releases of Python 3.11 take that of ``__new__``."""
        super().__init_subclass__(**options)
        own = signature(cls.__init__)
        cls.__signature__ = own.replace(parameters=list(own.parameters.values())[1:])

    def __new__(cls, *_: Any, **parameters: Any) -> Self:
        """Raise an error for an unknown parameter, with a better message than Python's."""
        names = cls._get_param_names()
        for name in parameters:
            if name not in names and name not in cls._old_names:
                near = get_close_matches(name, names, 1)
                meant = f": did you mean {near[0]!r}?" if near else f". There are: {', '.join(names)}."
                raise TypeError(f"{cls.__name__} has no parameter {name!r}{meant}")
        instance: Self = super().__new__(cls)
        return instance

    def set_params(self, **parameters: Any) -> Self:
        """Set parameters, by their old names too."""
        changed: Self = super().set_params(**with_new_names(self._old_names, parameters))
        return changed

    def _family(self, name: PenaltyName | PathPenalty, l1_ratio: float) -> PathPenalty:
        """Return the penalty at every strength, with the factors that the parameters give."""
        return penalty_family(
            name,
            l1_ratio,
            self.upper_l2,
            self.bias_alpha,
            self.layer_factors,
            self.penalty_factors,
            self.groups,
        )

    def _set_models(self, models: list[Model], best: int) -> None:
        """Set the networks that predict, one per seed; ``best`` is the index of the best one."""
        self.model_ = models[best]
        self.models_ = models if self.ensemble else [self.model_]
        arrays = self.model_.raw_parameters()
        self.coefs_ = [self._as_given(w) for w in arrays[::2]]
        self.intercepts_ = [self._as_given(bias[0]) for bias in arrays[1::2]]
        self.n_layers_ = len(self.coefs_) + 1
        self.n_outputs_ = arrays[-1].shape[1]
        self.out_activation_: str = facts(self.model_.loss).output_activation
        self.support_ = np.zeros(self.n_features_in_, dtype=bool)
        for model in self.models_:
            self.support_ |= model.support(self.n_features_in_)
        used = np.flatnonzero(self.support_)
        names = getattr(self, "feature_names_in_", None)
        self.selected_features_ = np.array([f"x{k}" for k in used], dtype=object) if names is None else names[used]

    _least_rows = 1
    _keeps_float32 = False  # whether what was fitted on float32 predicts float32
    _float32 = False  # whether the columns of the fit were float32

    def _as_given(self, values: Array) -> Array:
        """Return numbers in the precision of the fit's columns."""
        return values.astype(np.float32) if self._float32 else values

    def _compared(self, X: Any, y: Any) -> tuple[Any, Array]:
        """Check rows to predict, and encode their targets for the loss."""
        raise NotImplementedError

    def _names_of_outputs(self) -> list[str] | None:
        """Names of the classes or labels; None where numbers are predicted."""
        raise NotImplementedError

    def _checked(self, X: Any, y: Any, reset: bool, y_numeric: bool = False) -> tuple[Any, Array]:
        if issparse(y):
            raise ValueError("y is a sparse array, and a dense one is needed: give y.toarray().")
        least = self._least_rows if reset else 1
        with _named(X):
            x, target = validate_data(
                self, X, y, dtype=(np.float64, np.float32), accept_sparse="csr", multi_output=True,
                y_numeric=y_numeric, reset=reset, ensure_min_samples=least,
            )  # fmt: skip
        if reset and self._keeps_float32:
            self._float32 = bool(x.dtype == np.float32)
        return x.astype(np.float64, copy=False), target

    def _outputs(self, X: ArrayLike) -> list[Array]:
        """Raw outputs (N, C) of the fitted networks."""
        x = self._rows(X)
        return [model.output(x) for model in self.models_]

    def _rows(self, X: Any) -> Any:
        """Check rows to predict, and return them as an array or a CSR array of float64."""
        check_is_fitted(self)
        with _named(X):
            return validate_data(self, X, dtype=np.float64, accept_sparse="csr", reset=False)

    @property
    def feature_importances_(self) -> Array:
        """Importance of each input in the network or ensemble: shape (P,), with sum 1; 0 for unused inputs."""
        check_is_fitted(self)
        count = len(self.models_)
        own: Integers = np.arange(self.n_features_in_)
        return shares_of_importance(self.models_, np.full(count, 1 / count), own, self.n_features_in_)

    def _get_support_mask(self) -> Booleans:
        check_is_fitted(self)
        return np.asarray(self.support_)

    def compact(self, X: ArrayLike | None = None) -> Self:
        """Return a copy with the same predictions, without unused inputs and units, and without the path.

        The copy takes the same columns as before. Its predictions are equal up to rounding (sums are shorter), within
        1e-12 of the largest output. ``compaction_`` describes how much smaller it is. ``coefs_`` are the smaller
        arrays; their inputs are ``model_.inputs``.

        Parameters
        ----------
        X : array_like, shape (N, P), optional
            Rows for timing predictions, before and after.
        """
        check_is_fitted(self)
        small, best = copy(self), self.models_.index(self.model_)
        small._set_models([model.compact() for model in self.models_], best)
        seconds = None
        if X is not None:
            x = validate_data(self, X, dtype=np.float64, accept_sparse="csr", reset=False)
            seconds = (self.model_.seconds(x), small.model_.seconds(x))
        small.compaction_ = Compaction(self.model_.size, small.model_.size, seconds)
        path = ("path_", "paths_", "linear_path_", "input_selection_", "early_stopped_", "calibration_")
        found = ("_held_out", "_observed")
        training = ("_trained", "_seen", "_problem", "_optimizer", "_standing", "_fallen_to", "_no_improvement_count")
        for name in path + found + training:
            if hasattr(small, name):
                delattr(small, name)
        return small

    def _kept_problem(self) -> Any:
        """Rows, target, folds and seeds of the fit, which are not pickled."""
        check_is_fitted(self)
        if not hasattr(self, "_problem"):
            raise ValueError(
                "To train again, to diagnose or to draw a curve, the rows of the fit are needed, and a model that was "
                "loaded, compacted or fitted in parts does not hold them: fit it again, and ask that one."
            )
        return self._problem

    def _html_repr(self) -> str:
        """Return the display in notebooks: scikit-learn's diagram, and the results of the fit below it."""
        box: str = super()._html_repr()
        if not hasattr(self, "model_"):
            return box
        return f'{box}<div style="overflow-x: auto">{self._findings_html()}</div>'

    def _findings_html(self) -> str:
        """Write the results of the fit as HTML; for a compacted model only its size."""
        return table(("", ""), [(name, f"{count:,}") for name, count in vars(self.model_.size).items()])

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_problem"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


@contextmanager
def _named(X: Any) -> Iterator[None]:
    """Name the column of a frame whose text, or whose lists or dates, scikit-learn could not take for numbers."""
    try:
        yield
    except (ValueError, TypeError) as error:
        for name in getattr(X, "columns", ()):
            values = list(X[name]) if isinstance(name, str) else []
            odd = next((value for value in values if value is not None and not _is_number(value)), None)
            if odd is not None:
                raise ValueError(
                    f"Column {name!r} holds {str(odd)[:60]!r}, and an estimator takes numbers: encode the table first, "
                    "with encoder = ridgewalk.tables.Encoder().fit(X) and encoder.transform(X), which reads texts, "
                    "dates and gaps."
                ) from error
        raise


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


class _ClassifierMixin(ClassifierMixin, Predictor):  # type: ignore[misc]
    """Classes: two share one logit, more have a softmax, several labels have a logit each."""

    _least_classes = 2

    def _read(self, X: Any, y: Any, reset: bool = True) -> tuple[Any, Array]:
        """Check rows and their labels."""
        x, target = self._checked(X, y, reset)
        if target.ndim == 2 and target.shape[1] == 1:
            target = column_or_1d(target, warn=True)
        check_classification_targets(target)
        return x, target

    def _learn_classes(self, target: Array) -> Array:
        """Set ``classes_``, and give every row's class by its number, or its labels."""
        self._multilabel = type_of_target(target) == "multilabel-indicator"
        if self._multilabel:
            self.classes_ = np.arange(target.shape[1])
            return np.asarray(target)
        if target.ndim == 2:
            raise ValueError("y has several columns of classes: give one column, or zeros and ones of several labels.")
        self.classes_, labels = np.unique(target, return_inverse=True)
        return np.asarray(labels)

    def _weights(self, sample_weight: ArrayLike | None, x: Any, target: Array, labels: Array) -> Array:
        weights = row_weights(sample_weight, x, self.class_weight, target)
        seen = 2 if self._multilabel else len(np.unique(labels[weights > 0]))
        if seen < (2 if len(self.classes_) > 1 else self._least_classes):
            raise ValueError(f"A classifier needs rows (of weight above 0) of at least 2 classes, got {seen} class.")
        return weights

    @property
    def _loss(self) -> Loss:
        return BinaryCrossEntropy() if self._multilabel or len(self.classes_) == 2 else CrossEntropy()

    def _compared(self, X: Any, y: Any) -> tuple[Any, Array]:
        """Check rows, and encode their labels as the fit did."""
        x, target = self._read(X, y, reset=False)
        if self._multilabel:
            return x, self._loss.encode(target)
        strange = ~np.isin(target, self.classes_)
        if strange.any():
            new = str(target[strange][0])
            raise ValueError(f"y holds a class that the fit has never seen, {new!r}: leave its rows out.")
        return x, self._loss.encode(np.searchsorted(self.classes_, target), len(self.classes_))

    def _names_of_outputs(self) -> list[str] | None:
        return [f"label {k + 1}" if self._multilabel else str(name) for k, name in enumerate(self.classes_)]

    def decision_function(self, X: ArrayLike) -> Array:
        """Return logits: shape (N,) for two classes, (N, C) for more classes or for several labels."""
        outputs = self._outputs(X)
        logs = self._averaged(outputs)
        averaged = logs[..., 1] - logs[..., 0] if self._yes_or_no else logs
        output = outputs[0] if len(outputs) == 1 else averaged
        return self._as_given(np.asarray(output[:, 0] if self._yes_or_no and not self._multilabel else output))

    @property
    def _yes_or_no(self) -> bool:
        """Whether every output is the logit of one yes."""
        return self._multilabel or len(self.classes_) == 2

    def _averaged(self, outputs: list[Array]) -> Array:
        """Logarithms of the mean probabilities: (N, C), or those of no and yes of each output, (N, C, 2)."""
        logs = [
            np.stack([log_expit(-output), log_expit(output)], axis=-1)
            if self._yes_or_no
            else log_softmax(output, axis=1)
            for output in outputs
        ]
        return np.asarray(logs[0] if len(logs) == 1 else logsumexp(logs, axis=0) - np.log(len(logs)))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probabilities of the classes in the order of ``classes_``, or of each label: shape (N, C)."""
        return self._as_given(np.exp(self._logs(X)))

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Return the logarithms of the probabilities: shape (N, C)."""
        return self._as_given(self._logs(X))

    def _logs(self, X: ArrayLike) -> Array:
        logs = self._averaged(self._outputs(X))
        if self._multilabel:
            return np.asarray(logs[..., 1])
        return np.asarray(logs[:, 0] if self._yes_or_no else logs)

    def predict(self, X: ArrayLike) -> Array:
        """Return the most probable class of each row: shape (N,); for several labels zeros and ones: (N, L)."""
        probability = np.exp(self._logs(X))
        if self._multilabel:
            return (probability > 0.5).astype(int)
        return np.asarray(self.classes_[probability.argmax(axis=1)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class _RegressorMixin(RegressorMixin, Predictor):  # type: ignore[misc]
    """Numbers, one or several."""

    def _read(self, X: Any, y: Any, reset: bool = True) -> tuple[Any, Array]:
        """Check rows and their numbers."""
        x, target = self._checked(X, y, reset, y_numeric=True)
        largest = float(np.abs(target).max())
        if largest > _LARGEST:
            raise ValueError(
                f"y holds numbers as large as {largest:.3g}, and losses and their errors square them twice, which no "
                f"float holds beyond {_LARGEST:.0e}: divide y by a power of 10."
            )
        self._single = target.ndim == 1
        return x, target

    def _compared(self, X: Any, y: Any) -> tuple[Any, Array]:
        """Check rows, and shape their numbers as the fit did."""
        x, target = self._checked(X, y, reset=False, y_numeric=True)
        outputs = self.n_outputs_
        if np.ndim(target) != (1 if self._single else 2) or target.size != len(target) * outputs:
            raise ValueError(f"y has {outputs} column{'s' * (outputs > 1)} in the fit, got shape {target.shape}.")
        return x, self.model_.loss.encode(target)

    def _names_of_outputs(self) -> list[str] | None:
        return None

    def predict(self, X: ArrayLike) -> Array:
        """Return predictions with the shape of y: (N,) or (N, C)."""
        outputs = self._outputs(X)
        predicted = np.mean([self.model_.loss.predict(output) for output in outputs], axis=0)
        return self._as_given(np.asarray(predicted[:, 0] if self._single else predicted))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
