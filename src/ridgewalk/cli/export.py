"""``ridgewalk export``: write a saved model in a format that does not need ridgewalk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from rich.markup import escape

from ridgewalk.cli.console import err, noted, out
from ridgewalk.cli.files import at_strength, free, result
from ridgewalk.cli.options import OUTPUT, AsJson, At, Force, Model, Quiet, option, share
from ridgewalk.storage import MODEL_FILE, Stored
from ridgewalk.warning import warnings_as_notes

if TYPE_CHECKING:
    from ridgewalk.export import Exported

Form = Literal["onnx", "torch", "numpy"]
_NAMES: dict[Form, str] = {"onnx": "model.onnx", "torch": "state_dict.safetensors", "numpy": "model.py"}


def export(
    model: Model,
    to: Annotated[
        Form,
        option(
            metavar="FORM",
            help="onnx: the whole pipeline, for onnxruntime; torch: a state_dict; numpy: readable Python code.",
            panel=OUTPUT,
            default=False,
        ),
    ],
    out_file: Annotated[
        Path | None,
        option("--out", metavar="FILE", help=f"Output file; default {', '.join(_NAMES.values())}.", panel=OUTPUT),
    ] = None,
    at: At = None,
    coverage: Annotated[
        float | None,
        option(
            metavar="SHARE",
            help="Also export intervals, or sets of classes, that contain the target of this share of new rows, "
            "such as 0.9; to onnx or numpy, with at most 10,000 rows in the fit.",
            panel=OUTPUT,
            parser=share,
        ),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Export a model for other programs, with equal predictions and without unused inputs and units."""
    stored = result(model)
    notes: list[str] = []
    estimator = at_strength(stored.model, at, notes)
    with warnings_as_notes(notes):
        exported = _exported(estimator, stored, to, coverage)
    file = out_file or Path(_NAMES[to])
    contents = exported.placed(file)
    for path in contents:
        free(path, model / MODEL_FILE if model.is_dir() else model, force, "--out")
    exported.write(file)
    if as_json:
        summary = {"files": [str(path) for path in contents], "about": str(exported), "notes": notes}
        print(json.dumps(summary, indent=1))
    elif not quiet:
        noted(notes)
        for path, content in contents.items():
            err.print(f"Written: {escape(str(path))} ({len(content):,} bytes)", soft_wrap=True)
        err.print(escape(str(exported)))
        out.print(escape(exported.use(file)), soft_wrap=True)


def _exported(estimator: Any, stored: Stored, to: Form, coverage: float | None) -> Exported:
    """Return a model in another form.

    Raises
    ------
    ValueError
        If the form has no place for what is asked, or its library is not installed.
    """
    from ridgewalk.export import to_numpy, to_onnx, to_torch

    target = stored.target or "target"
    if to == "torch" and coverage is not None:
        raise ValueError(
            "--coverage is for onnx and numpy: a state_dict of PyTorch holds layers, and no quantiles of what held-out "
            "rows were missed by."
        )
    try:
        if to == "torch":
            return to_torch(estimator, stored.encoder, target=target)
        form = to_onnx if to == "onnx" else to_numpy
        return form(estimator, stored.encoder, target=target, coverage=coverage)
    except ImportError as error:
        raise ValueError(str(error)) from None
