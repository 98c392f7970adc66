"""Short ways to the settings of a path, and to a fitted path, for the tests of many modules."""

from dataclasses import replace
from typing import Any

from ridgewalk.engine import Runner
from ridgewalk.path.families import penalty_family
from ridgewalk.path.fit import find_strengths, fit_path, train_path
from ridgewalk.path.law import null_objectives, with_law
from ridgewalk.path.null_model import NullModel
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import collect
from ridgewalk.path.settings import PathSettings

FACTORS = ("l1_ratio", "upper_l2", "bias_alpha", "layer_factors", "penalty_factors", "groups")


def settings_of(hidden_layer_sizes: Any = (32,), *, penalty: Any = "elasticnet", **given: Any) -> PathSettings:
    """Return settings whose penalty is named, with its factors beside the others."""
    factors = {name: given.pop(name) for name in FACTORS if name in given}
    return PathSettings(hidden_layer_sizes, penalty=penalty_family(penalty, **factors), **given)


def path_of(
    x: Any,
    target: Any,
    loss: Any,
    splits: Any,
    settings: Any = None,
    alphas: Any = 30,
    seeds: Any = (0,),
    score: Any = None,
    **given: Any,
) -> Any:
    """Fit a path; what else is given is of the problem or of the runner."""
    problem = {name: given.pop(name) for name in ("sample_weight", "standardize") if name in given}
    return fit_path(PathProblem.of(x, target, loss, splits, seeds, **problem), settings, alphas, Runner(**given), score)


def strongest(settings: Any, loss: Any, x: Any, target: Any, weights: Any) -> Any:
    """Return the strength at which the null model wins of rows as they are."""
    network = settings.network(x.shape[1], target.shape[1])
    return settings.penalty.strongest(NullModel.of(network, loss, x, target, weights, "compiled"))


class Steps:
    """The steps of fitting a path, one by one."""

    def __init__(self, x: Any, target: Any, loss: Any, splits: Any, settings: Any, seeds: Any = (0,)) -> None:
        self.problem, self.settings, self.runner = PathProblem.of(x, target, loss, splits, seeds), settings, Runner()
        self.network = settings.network(self.problem.inputs, self.problem.outputs)
        self.pairs = self.problem.pairs
        self.null = null_objectives(self.problem, settings, self.runner)

    @property
    def all(self) -> tuple[PathProblem, PathSettings, Runner]:
        return self.problem, self.settings, self.runner

    def penalties(self, alphas: Any) -> Any:
        return self.settings.penalty.at(self.network, alphas)

    def strengths(self, alphas: Any) -> Any:
        return find_strengths(*self.all, alphas)

    def fits(self, strengths: Any) -> Any:
        return train_path(*self.all, self.null, strengths)

    def collected(self, strengths: Any, fits: Any) -> Any:
        lawful = with_law(*self.all, self.null, strengths, fits)
        return collect(*self.all, self.null, strengths, lawful)


def changed(settings: Any, **changes: Any) -> Any:
    """Return settings with some changed: the name of the penalty and its factors among them."""
    factors = {name: changes.pop(name) for name in FACTORS if name in changes}
    if "penalty" in changes:
        shared = {name: getattr(settings.penalty, name) for name in FACTORS[:-1]}
        return replace(settings, penalty=penalty_family(changes.pop("penalty"), **shared | factors), **changes)
    return replace(settings, penalty=replace(settings.penalty, **factors), **changes)
