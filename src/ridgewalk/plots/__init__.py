"""Plots with matplotlib, in the style of scikit-learn's displays, from the same data as the report.

RegularizationPathDisplay      losses, weights or selection frequency along the strengths
LossCurveDisplay               data loss and penalty, apart, along a training
PartialDependencePathDisplay   what the prediction does as one input changes
NetworkDisplay                 a network as nodes and links
DecisionBoundaryPathDisplay    predictions over the plane of two inputs, at several strengths
"""

from __future__ import annotations

from ridgewalk.plots.decision_boundary import DecisionBoundaryPathDisplay
from ridgewalk.plots.loss_curve import LossCurveDisplay
from ridgewalk.plots.network import NetworkDisplay
from ridgewalk.plots.partial_dependence import PartialDependencePathDisplay
from ridgewalk.plots.regularization_path import RegularizationPathDisplay

__all__ = [
    "DecisionBoundaryPathDisplay",
    "LossCurveDisplay",
    "NetworkDisplay",
    "PartialDependencePathDisplay",
    "RegularizationPathDisplay",
]
