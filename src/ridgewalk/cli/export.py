"""``ridgewalk export``: a kept model becomes a file that needs no ridgewalk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from rich.markup import escape

from ridgewalk.cli.console import err, out
from ridgewalk.cli.files import at_strength, free
from ridgewalk.cli.options import OUTPUT, AsJson, At, Force, Model, Quiet, option
from ridgewalk.storage import MODEL_FILE, read

Form = Literal["onnx", "torch", "numpy"]
_NAMES: dict[Form, str] = {"onnx": "model.onnx", "torch": "state_dict.safetensors", "numpy": "model.py"}


def export(
    model: Model,
    to: Annotated[
        Form,
        option(
            metavar="FORM",
            help="onnx: the whole pipeline, for onnxruntime; torch: a state_dict; numpy: Python code to read.",
            panel=OUTPUT,
            default=False,
        ),
    ],
    out_file: Annotated[
        Path | None, option("--out", metavar="FILE", help=f"To write, else {', '.join(_NAMES.values())}.", panel=OUTPUT)
    ] = None,
    at: At = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Write a model without what is dead in it, for other programs; its predictions are equal."""
    from ridgewalk.export import to_numpy, to_onnx, to_torch

    stored = read(model)
    form = {"onnx": to_onnx, "torch": to_torch, "numpy": to_numpy}[to]
    try:
        exported = form(at_strength(stored.model, at), stored.encoder, target=stored.target or "target")
    except ImportError as error:
        raise ValueError(str(error)) from None
    file = out_file or Path(_NAMES[to])
    contents = exported.placed(file)
    for path in contents:
        free(path, model / MODEL_FILE if model.is_dir() else model, force, "--out")
    exported.write(file)
    if as_json:
        print(json.dumps({"files": [str(path) for path in contents], "about": str(exported)}, indent=1))
    elif not quiet:
        for path, content in contents.items():
            err.print(f"Written: {escape(str(path))} ({len(content):,} bytes)", soft_wrap=True)
        err.print(escape(str(exported)))
        out.print(escape(exported.use(file)), soft_wrap=True)
