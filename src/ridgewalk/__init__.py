"""ridgewalk computes the whole L1/L2 regularization path of a neural network in one run.

>>> from ridgewalk import MLPClassifierCV, TableClassifier
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ridgewalk.version import VERSION

if TYPE_CHECKING:
    from ridgewalk.estimators import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, mlp_path
    from ridgewalk.estimators.table import TableClassifier, TableRegressor
    from ridgewalk.storage import load, save

__version__ = VERSION
__all__ = [
    "MLPClassifier",
    "MLPClassifierCV",
    "MLPRegressor",
    "MLPRegressorCV",
    "TableClassifier",
    "TableRegressor",
    "__version__",
    "load",
    "mlp_path",
    "save",
]
_MODULES = (
    "check", "cluster", "convert", "diagnostics", "estimators", "export", "path", "plots", "storage", "tables",
    "tutorial",
)  # fmt: skip
_ELSEWHERE = {  # than in ridgewalk.estimators; pandas is for those who have tables
    "load": "storage", "save": "storage", "TableClassifier": "estimators.table", "TableRegressor": "estimators.table",
}  # fmt: skip
_OLD_MODULES = ("columns", "data")


def __getattr__(name: str) -> Any:
    # scikit-learn takes most of a second to import: only those who ask for its estimators wait for it.
    if name in _MODULES + _OLD_MODULES:
        return import_module(f"ridgewalk.{name}")
    if name in __all__:
        return getattr(import_module(f"ridgewalk.{_ELSEWHERE.get(name, 'estimators')}"), name)
    raise AttributeError(f"module 'ridgewalk' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted((*__all__, *_MODULES))
