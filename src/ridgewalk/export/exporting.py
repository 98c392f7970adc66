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
    """A model in another form, not written yet; printed, it says which columns it asks for.

    Attributes
    ----------
    files : dict of str to bytes
        Content by the end of the file's name: ".onnx"; ".safetensors"; ".py", and ".npz" beside that of a large model.
    recipe : Recipe
        What it computes: ``recipe.columns`` are needed, ``recipe.unused`` are not.
    use : function of a path
        Gives lines of Python that load the file from there, and predict.
    """

    files: dict[str, bytes]
    recipe: Recipe
    use: Callable[[Path], str]

    @property
    def content(self) -> bytes:
        """Content of the file, or of the first of two."""
        return next(iter(self.files.values()))

    def placed(self, file: str | PathLike[str]) -> dict[Path, bytes]:
        """Return what goes where if the model is written to ``file``.

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
        """Write the file, or both or neither, each whole, over what is there; give what was written.

        Parameters
        ----------
        file : path
            Its name ends as the first of ``files``.
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

    Every column that the model uses is an input (rows, 1) of its name: doubles for numbers, NaN where they are missing;
    the same for dates, as days from 1970-01-01 UTC; text for categories, empty where they are missing. A model of an
    array takes one input "X" of doubles (rows, P). A classifier gives "label" and "probabilities", a regressor "value",
    shaped as ``predict`` and ``predict_proba`` give them. With a ``coverage`` a regressor gives "low" and "high", too,
    the ends of ``predict_interval``, and a classifier "set", as ``predict_set`` gives it. The file's metadata holds the
    model card, as JSON under "ridgewalk.card".

    Parameters
    ----------
    model : MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, TableClassifier or TableRegressor
        A fitted one. Of a table model all networks of its blend are written, and its own encoder.
    encoder : Encoder, optional
        What encoded the rows of the fit; it becomes part of the graph.
    target : str
        What is predicted, for the file's description.
    coverage : float, optional
        Of intervals or sets, such as 0.9. The file then holds the folds' networks, and what up to 10,000 held-out rows
        were missed by.

    Returns
    -------
    Exported
        Its ``write("model.onnx")`` writes it; ``onnxruntime.InferenceSession`` takes its ``content``, too.

    Raises
    ------
    ImportError
        If the package onnx is not installed.
    ValueError
        If the model is not fitted, the encoder is another model's, or a column has no name; with a coverage, if the
        model has no folds, or held out more rows.
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
    """Return a fitted model's networks as a ``state_dict`` of PyTorch, in a safetensors file; PyTorch is not needed.

    It fits a ``torch.nn.Sequential`` of dense layers and activations in double precision, with standardizing folded
    into its first and last layers; the file's metadata has the line that builds it ("module"). It takes those encoded
    columns that the metadata names ("features") and numbers ("columns"), and gives logits of classes, logarithms of
    rates, or numbers. With ``ensemble`` it is a ``ModuleList``, whose predictions are to be averaged.

    Parameters
    ----------
    model : MLPClassifier, MLPClassifierCV, MLPRegressor or MLPRegressorCV
        A fitted one; or a table model at a strength of its single network, ``model.at(...)``.
    encoder : Encoder, optional
        What encoded the rows of the fit: it names the features.
    target : str
        What is predicted, for the metadata.

    Returns
    -------
    Exported
        Its ``write("model.safetensors")`` writes it.

    Raises
    ------
    ValueError
        If the model is not fitted, maps its columns or blends networks, or the encoder is another model's.
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
    """Return a fitted model as a Python file that needs NumPy alone, to be read, changed and run.

    It has ``predict``, and of a classifier ``predict_proba``, which take a dict of columns, a frame, or a list of rows
    that are dicts (of a model of an array, an array), and every step between: the encoding, the standardizing, the
    layers. The weights of a small model stand in it, those of a large one in an .npz file beside it. Where columns have
    names it predicts a CSV file, too: ``python model.py people.csv``. With a ``coverage`` it has ``predict_interval``
    or ``predict_set``, too, which take any coverage.

    Parameters
    ----------
    model : MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, TableClassifier or TableRegressor
        A fitted one. Of a table model all networks of its blend are written, and its own encoder.
    encoder : Encoder, optional
        What encoded the rows of the fit; it is written out.
    target : str
        What is predicted: the head of its column in the CSV that the file prints.
    coverage : float, optional
        Of intervals or sets where none is given, such as 0.9. The file then holds the folds' networks, and what up to
        10,000 held-out rows were missed by.

    Returns
    -------
    Exported
        Its ``write("model.py")`` writes it.

    Raises
    ------
    ValueError
        If the model is not fitted, or the encoder is another model's; with a coverage, if the model has no folds, or
        held out more rows.
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
