"""Checks for anyone's own training code: is its gradient right, and does its penalty do what the formula says.

    check_gradient   sum(gradient * u)  against  (f(w + h u) - f(w - h u)) / 2h
    check_penalty    gradient with it - gradient without it  =  l1 sign(w) + 2 l2 w + what neither explains
    check_torch      the same of a penalty, and of a weight decay, in PyTorch
    check_keras      the same of the regularizers of a Keras model

The code under check is a black box: it is called on arrays that are made here, and nothing of it is read or changed.
"""

from __future__ import annotations

from ridgewalk.check.gradient import check_gradient
from ridgewalk.check.libraries import check_keras, check_torch
from ridgewalk.check.penalty import check_penalty
from ridgewalk.check.result import Check, GradientCheck, Kind, MeasuredStrengths, PenaltyCheck, Slopes, Wrong

__all__ = [
    "Check",
    "GradientCheck",
    "Kind",
    "MeasuredStrengths",
    "PenaltyCheck",
    "Slopes",
    "Wrong",
    "check_gradient",
    "check_keras",
    "check_penalty",
    "check_torch",
]
