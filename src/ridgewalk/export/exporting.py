"""Export a fitted model to ONNX, to a PyTorch ``state_dict``, or to a Python file that needs only NumPy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from ridgewalk.estimators.card import model_card
from ridgewalk.export.numpy_code import numpy_files
from ridgewalk.export.recipe import Estimator, Recipe, TableEstimator, recipe
from ridgewalk.export.torch_state import module, prediction, torch_state
from ridgewalk.files import written
from ridgewalk.tables import Encoder

_MOST_NAMED = 10  # columns named in a sentence


@dataclass(frozen=True, eq=False)
class Exported:
    """An exported model that is not yet written. Print it to see the columns that it needs.

    Attributes
    ----------
    files : dict of str to bytes
        Content by suffix: ".onnx"; ".safetensors"; ".py", and for a large model also ".npz".
    recipe : Recipe
        The computation: ``recipe.columns`` are the columns that it needs, ``recipe.unused`` the others.
    use : function of a path
        Returns lines of Python that load the file from this path and predict.
    """

    files: dict[str, bytes]
    recipe: Recipe
    use: Callable[[Path], str]

    @property
    def content(self) -> bytes:
        """Content of the file, or of the first of two."""
        return next(iter(self.files.values()))

    def placed(self, file: str | PathLike[str]) -> dict[Path, bytes]:
        """Return the content of each file if the model is written to ``file``.

        Raises
        ------
        ValueError
            If its name does not end as it must.
        """
        path, ending = Path(file), next(iter(self.files))
        if path.suffix != ending:
            raise ValueError(f"The file of this export has a name that ends in {ending}, got {path.name!r}.")
        return {path.with_suffix(suffix): content for suffix, content in self.files.items()}

    def write(self, file: str | PathLike[str]) -> list[Path]:
        """Write the file, or both files or none, and return their paths; existing files are replaced.

        Parameters
        ----------
        file : path
            Its suffix is that of the first of ``files``.
        """
        contents = self.placed(file)
        with ExitStack() as unfinished:
            for path, content in contents.items():
                unfinished.enter_context(written(path)).write_bytes(content)
        return list(contents)

    def __str__(self) -> str:
        plan = self.recipe
        if plan.features is None:
            return f"It takes arrays of {plan.width} columns, of which it uses {len(plan.chosen)}."
        columns = plan.columns
        named = _list([f"{name!r} ({kind})" for name, kind in columns.items()])
        unused = f" Not needed: {_list([repr(name) for name in plan.unused])}." if plan.unused else ""
        return f"It needs {len(columns)} of {len(columns) + len(plan.unused)} columns: {named}.{unused}"


def to_onnx(
    model: Estimator, encoder: Encoder | None = None, *, target: str = "target", coverage: float | None = None
) -> Exported:
    """Return a fitted model as an ONNX graph of the whole pipeline, in double precision.

    Every column that the model uses is an input of shape (rows, 1) with its name: double for numbers, with NaN for
    missing values; the same for dates, as days since 1970-01-01 UTC; string for categories, empty if missing. A model
    of an array has one input "X" of doubles (rows, P). A classifier has the outputs "label" and "probabilities", a
    regressor "value", with the shapes of ``predict`` and ``predict_proba``. With a ``coverage``, a regressor also has
    "low" and "high" as from ``predict_interval``, and a classifier "set" as from ``predict_set``. The metadata of the
    file contain the model card, as JSON under "ridgewalk.card".

    Parameters
    ----------
    model : MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, TableClassifier or TableRegressor
        A fitted model. For a table model, all networks of its blend and its encoder are exported.
    encoder : Encoder, optional
        Encoder of the rows of the fit; it becomes part of the graph.
    target : str
        Name of the target, for the description of the file.
    coverage : float, optional
        Coverage of intervals or sets, such as 0.9. The file then contains the networks of the folds, and the errors on
        up to 10,000 held-out rows.

    Returns
    -------
    Exported
        ``write("model.onnx")`` writes it; ``onnxruntime.InferenceSession`` also accepts its ``content``.

    Raises
    ------
    ImportError
        If the package onnx is not installed.
    ValueError
        If the model is not fitted, the encoder belongs to another model, or a column has no name; with a coverage, if
        the model has no folds or more held-out rows.
    """
    try:
        from ridgewalk.export.onnx_graph import onnx_model
    except ImportError as error:
        raise ImportError(f"Writing ONNX needs the package onnx ({error}): pip install onnx.") from None
    plan = recipe(model, encoder, target, coverage)
    feeds = "{'X': X})" if plan.features is None else "columns)  # arrays (rows, 1) by name: float64, or text as object"
    outputs = "label, probabilities" if plan.classes else "value" if plan.covered else "(value,)"
    if plan.covered is not None:
        outputs += ", possible" if plan.classes else ", low, high"

    def use(path: Path) -> str:
        return (
            "import onnxruntime\n"
            f"session = onnxruntime.InferenceSession({str(path)!r})\n"
            f"{outputs} = session.run(None, {feeds}"
        )  # fmt: skip

    card = model_card(model, encoder or getattr(model, "encoder_", None), target=target)
    return Exported({".onnx": onnx_model(plan, card)}, plan, use)


def to_torch(model: Estimator, encoder: Encoder | None = None, *, target: str = "target") -> Exported:
    """Return a fitted model's networks as a PyTorch ``state_dict`` in a safetensors file; PyTorch is not needed.

    The ``state_dict`` is that of a ``torch.nn.Sequential`` of linear layers and activations in double precision, with
    the standardization folded into the first and last layers. The metadata of the file contain the line that creates
    the module ("module"), and the names and numbers of the encoded columns that it takes ("features", "columns"). The
    output are logits for classes, logarithms of rates, or numbers. With ``ensemble`` the module is a ``ModuleList``,
    whose predictions are to be averaged.

    Parameters
    ----------
    model : MLPClassifier, MLPClassifierCV, MLPRegressor or MLPRegressorCV
        A fitted model, or a table model at a strength of its single network, ``model.at(...)``.
    encoder : Encoder, optional
        Encoder of the rows of the fit; it names the features.
    target : str
        Name of the target, for the metadata.

    Returns
    -------
    Exported
        ``write("model.safetensors")`` writes it.

    Raises
    ------
    ValueError
        If the model is not fitted, has an input map or is a blend, or if the encoder belongs to another model.
    """
    if isinstance(model, TableEstimator) and hasattr(model, "network_") and not hasattr(model, "blend_"):
        model, encoder = model.network_, model.encoder_
    if isinstance(model, TableEstimator):
        raise ValueError(
            "A state_dict of PyTorch holds the dense layers of networks that take the same numbers, and those of a "
            "blend do not: write it with to_onnx or to_numpy, or one of its views that maps no column, such as "
            "to_torch(model.views_['plain'], model.encoder_); of ridgewalk fit, fit with --no-blend."
        )
    plan = recipe(model, encoder, target)

    def use(path: Path) -> str:
        return (
            "import torch\n"
            "from safetensors.torch import load_file\n"
            "from torch import nn\n"
            f"network = {module(plan)}.double()\n"
            f"network.load_state_dict(load_file({str(path)!r}))\n"
            f"predicted = {prediction(plan)}  # x: (rows, {len(plan.chosen)}), the file's metadata names them"
        )

    return Exported({".safetensors": torch_state(plan)}, plan, use)


def to_numpy(
    model: Estimator, encoder: Encoder | None = None, *, target: str = "target", coverage: float | None = None
) -> Exported:
    """Return a fitted model as a readable Python file that needs only NumPy.

    The file has functions ``predict`` and, for a classifier, ``predict_proba``, which take a dict of columns, a data
    frame, or a list of rows as dicts (for a model of an array, an array), and a function for each step: encoding,
    standardization, layers. The weights of a large model are stored in an .npz file next to it. If columns have names,
    the file also predicts a CSV file: ``python model.py people.csv``. With a ``coverage`` it also has
    ``predict_interval`` or ``predict_set``, which take any coverage.

    Parameters
    ----------
    model : MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, TableClassifier or TableRegressor
        A fitted model. For a table model, all networks of its blend and its encoder are exported.
    encoder : Encoder, optional
        Encoder of the rows of the fit; it becomes part of the file.
    target : str
        Name of the target: the header of its column in the CSV that the file prints.
    coverage : float, optional
        Default coverage of intervals or sets, such as 0.9. The file then contains the networks of the folds, and the
        errors on up to 10,000 held-out rows.

    Returns
    -------
    Exported
        ``write("model.py")`` writes it.

    Raises
    ------
    ValueError
        If the model is not fitted, or the encoder belongs to another model; with a coverage, if the model has no folds
        or more held-out rows.
    """
    plan = recipe(model, encoder, target, coverage)

    def use(path: Path) -> str:
        rows = "X" if plan.features is None else "table"
        names, lines = "predict", f"predicted = predict({rows})"
        if plan.covered is not None:
            more, result = ("predict_set", "possible") if plan.classes else ("predict_interval", "ends")
            names, lines = f"predict, {more}", f"{lines}\n{result} = {more}({rows})"
        return f"from {path.stem} import {names}\n{lines}"

    return Exported(numpy_files(plan), plan, use)


def _list(names: list[str]) -> str:
    more = [f"and {len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    return ", ".join(names[:_MOST_NAMED] + more)
