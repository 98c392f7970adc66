"""The positive one of two classes, for precision, recall and similar scores.

Probabilities are always in the order of ``classes_``, which scikit-learn's scorers expect to be sorted. A score of the
positive class is computed for a classifier in which this class is 1 and the other is 0.
"""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from ridgewalk.arrays import Array, Integers

POS_LABEL_CONSTRAINTS: list[Any] = [Real, str, "boolean", None]
"""What ``pos_label`` of a classifier may be."""


def check_pos_label(pos_label: Any, classes: Array) -> None:
    """Check that a label is one of two classes; None always is.

    Parameters
    ----------
    pos_label : label, or None
    classes : array, shape (C,)

    Raises
    ------
    ValueError
        If there are more than two classes, or the label is none of them.
    """
    if pos_label is None:
        return
    if len(classes) != 2:
        raise ValueError(f"pos_label names the positive one of two classes, and here are {len(classes)}: leave it out.")
    if pos_label not in classes.tolist():
        raise ValueError(
            f"pos_label is one of the classes, {' or '.join(map(repr, classes.tolist()))}; got {pos_label!r}."
        )


def class_places(pos_label: Any, classes: Array) -> Integers:
    """Return the places of the classes in the order in which they are shown: the positive one last, shape (C,)."""
    places = np.arange(len(classes))
    return places[::-1] if pos_label is not None and classes[0] == pos_label else places


class OfPositive(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A fitted classifier of two classes, for a score of one of them: that one is 1, the other 0.

    Parameters
    ----------
    classifier : estimator
        Fitted, of two classes.
    pos_label : label
        The class that is 1.
    """

    def __init__(self, classifier: Any, pos_label: Any) -> None:
        self.classifier = classifier
        self.pos_label = pos_label

    classes_ = np.array([0, 1])

    def fit(self, X: Any, y: Any = None) -> OfPositive:
        """Return itself: the classifier is fitted."""
        return self

    def predict(self, X: Any) -> Array:
        """Return 1 for rows of the positive class, else 0: shape (N,)."""
        return self.as_target(self.classifier.predict(X))

    def predict_proba(self, X: Any) -> Array:
        """Return the probabilities of the other class and of the positive one: shape (N, 2)."""
        return np.asarray(self.classifier.predict_proba(X)[:, class_places(self.pos_label, self.classifier.classes_)])

    def as_target(self, labels: Array) -> Array:
        """Return 1 where a label is the positive one, else 0: shape (N,)."""
        return np.asarray(np.asarray(labels == self.pos_label).astype(int))
