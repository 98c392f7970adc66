"""Checks for your own training code: whether gradients are correct, and penalties have the stated strength.

    check_gradient   sum(gradient * u)  against  (f(w + h u) - f(w - h u)) / 2h
    check_penalty    gradient with it - gradient without it  =  l1 sign(w) + 2 l2 w + what neither explains
    check_torch      the same for a penalty, and for weight decay, in PyTorch
    check_keras      the same for the regularizers of a Keras model

The code under test is a black box: it is called on arrays that are created here, and is neither read nor changed.
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
