"""A fitted model becomes a file and comes back: no pickle, and nothing runs that a model has no use for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

MODEL_FORMAT = 2
MODEL_FILE = "model.skops"


def save_model(file: Path, estimator: Any, encoder: Any, target: str, task: str) -> None:
    """Write what :func:`load_model` reads."""
    import skops.io  # it imports every estimator of scikit-learn: seconds that only a model file is worth

    kept = {"format": MODEL_FORMAT, "estimator": estimator, "encoder": encoder, "target": target, "task": task}
    skops.io.dump(kept, file)


def load_model(path: Path) -> dict[str, Any]:
    """Read what ``fit`` kept: "estimator", "encoder", "target", "task".

    Raises
    ------
    ValueError
        If it is no such file, is damaged, or holds types that a model of ridgewalk has no use for.
    """
    import skops.io

    file = path / MODEL_FILE if path.is_dir() else path
    if not file.exists():
        raise ValueError(f"There is no model {file}.")
    try:
        unknown = sorted(set(skops.io.get_untrusted_types(file=file)) - _MODEL_TYPES)
        kept = None if unknown else skops.io.load(file, trusted=sorted(_MODEL_TYPES))
    except Exception as error:  # skops raises whatever its parts raise
        raise ValueError(f"{file} is no model of ridgewalk, or is damaged ({type(error).__name__}).") from None
    if unknown:
        raise ValueError(f"{file} holds types that no model of ridgewalk has ({unknown[0]}): it was not opened.")
    parts = {"format", "estimator", "encoder", "target", "task"}
    if not isinstance(kept, dict) or kept.get("format") != MODEL_FORMAT or kept.keys() != parts:
        raise ValueError(f"{file} is no model of ridgewalk in format {MODEL_FORMAT}: was it made by a newer version?")
    return kept


_MODEL_TYPES = {"numpy.dtype"} | {
    f"ridgewalk.{name}"
    for name in (
        "data.Encoder",
        "engine.job.Fold",
        "estimators.whole_path.MLPClassifierCV",
        "estimators.whole_path.MLPRegressorCV",
        "inputs.Arm",
        "inputs.InputSelection",
        "layers.Dense",
        "layers.GELU",
        "layers.LeakyReLU",
        "layers.ReLU",
        "layers.Sigmoid",
        "layers.Tanh",
        "losses.BinaryCrossEntropy",
        "losses.CrossEntropy",
        "losses.SquaredError",
        "model.Model",
        "network.Network",
        "path.MLPPath",
        "route.Route",
    )
}
