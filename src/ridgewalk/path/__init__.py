"""The path: every strength x fold x seed of one network, fitted in one call.

problem = PathProblem.of(x, target, loss, splits, seeds)          what
settings = PathSettings(hidden_layer_sizes, penalty=...)          how
runner = Runner(engine, n_jobs, progress, checkpoints)            where
path = fit_path(problem, settings, alphas, runner)
"""

from ridgewalk.path.families import ElasticNetPath, GroupLassoPath, PathPenalty
from ridgewalk.path.fit import fit_path
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.result import FoldNetworks, MLPPath, model_of
from ridgewalk.path.settings import PathSettings

__all__ = [
    "ElasticNetPath",
    "FoldNetworks",
    "GroupLassoPath",
    "MLPPath",
    "PathPenalty",
    "PathProblem",
    "PathSettings",
    "fit_path",
    "model_of",
]
