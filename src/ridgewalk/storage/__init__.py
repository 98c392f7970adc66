"""Save a fitted model to one file and load it with bitwise equal predictions; loading executes no code.

save(model, file)  ->  records: the name of each part  ->  container: arrays, a description, checksums
load(file)         <-
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ridgewalk.storage.container import (
    FORMAT,
    Arrays,
    ArrayStore,
    JsonObject,
    ModelFileError,
    WrongError,
    check_text,
    opened,
    write,
)
from ridgewalk.storage.records import Stored, described, stored
from ridgewalk.storage.table_records import TABLE_ESTIMATORS, described_table, stored_table

if TYPE_CHECKING:
    from ridgewalk.tables import Encoder

__all__ = ["FORMAT", "MODEL_FILE", "TABLE_ESTIMATORS", "ModelFileError", "Stored", "load", "read", "save"]

MODEL_FILE = "model.safetensors"


def save(
    model: Any, file: str | os.PathLike[str], *, encoder: Encoder | None = None, target: str | None = None
) -> Path:
    """Save a fitted model to one file, without pickle.

    The file contains the parameters, the networks, and the whole path with the held-out loss of every row, so that
    ``report`` and ``path_`` work after loading. This takes 12 bytes per row and strength (a held-out loss, and for each
    output and seed the prediction of the fold's network), and as much for the linear baseline: 75 MB for 100,000 rows
    and 30 strengths. The networks of the folds are added if they take at most 256 MiB. ``model.compact()`` has no path,
    and its file is small. The inputs are never saved, so a loaded model cannot ``diagnose``; nor is ``checkpoint_dir``,
    a folder of this machine. The file is written completely or not at all.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV, TableClassifier or TableRegressor
        A fitted model.
    file : path
        An existing file is replaced; a symbolic link is replaced, not its target. The usual suffix is .safetensors.
    encoder : Encoder, optional
        Encoder that made the model's columns from a table. A table model contains its encoder.
    target : str, optional
        Name of the target.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelFileError
        If it is not a fitted model of ridgewalk, if its weights are not finite, its classes are neither text nor
        numbers, or the encoder does not match its columns.

    Warns
    -----
    UserWarning
        If a parameter is not plain data (a scorer, a splitter, a random generator): it is not saved, and the loaded
        model has its default.
    """
    store, path = ArrayStore(), Path(file)
    of_table = type(model).__name__ in TABLE_ESTIMATORS
    document = described_table(model, encoder, target, store) if of_table else described(model, encoder, target, store)
    text = json.dumps(document)
    size = len(text) + sum(array.nbytes for array in store.arrays.values())
    try:  # what cannot be read is never written
        check_text(text.encode(), size, len(store.arrays))
        _stored(json.loads(text), Arrays(store.arrays, size))
    except WrongError as error:
        raise ModelFileError(f"This {type(model).__name__} cannot be kept in a file: {error.found}.") from None
    write(document, store, path)
    return path


def load(file: str | os.PathLike[str]) -> Any:
    """Load a model that :func:`save` wrote; its predictions are bitwise equal.

    Parameters
    ----------
    file : path
        The file, or a folder that ``ridgewalk fit`` wrote. A model that was fitted on encoded columns takes encoded
        columns: :func:`ridgewalk.storage.read` also returns their encoder.

    Returns
    -------
    MLPClassifier, MLPRegressor, MLPClassifierCV, MLPRegressorCV, TableClassifier or TableRegressor

    Raises
    ------
    ModelFileError
        If the file does not exist, is not a model, has a newer format, was damaged or altered, or would need more than
        about ten times its size in memory. Loading never executes code from the file.
    """
    return read(file).model


def read(file: str | os.PathLike[str]) -> Stored:
    """Load what :func:`save` wrote: the model, its encoder and the name of its target.

    Raises
    ------
    ModelFileError
        As :func:`load`.
    """
    path = Path(file)
    if path.is_dir():
        if not (path / MODEL_FILE).exists() and (path / "model.skops").exists():
            path = path / "model.skops"
        else:
            path = path / MODEL_FILE
    if not path.is_file():
        what = f"{path} is no file" if path.exists() else f"There is no model {path}"
        raise ModelFileError(f"{what}: give the file that ridgewalk.save wrote, or fit's folder.")
    try:
        return _stored(*opened(path))
    except WrongError as error:
        wrong = error
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        wrong = WrongError(f"it is described as no ridgewalk does ({type(error).__name__}: {str(error)[:200]})")
    from ridgewalk.tables.read import is_table

    if is_table(path):
        raise ModelFileError(
            f"{path} is a table, and a model is needed here: give fit's folder, such as ridgewalk-results/{path.stem}, "
            "or the file that ridgewalk.save wrote."
        )
    raise ModelFileError(
        f"{path} should hold a model of ridgewalk (format {FORMAT}), but {wrong.found[:500]}. "
        f"It was not loaded: {wrong.advice}."
    )


def _stored(document: JsonObject, arrays: Arrays) -> Stored:
    """Make the model, of a table or of columns of numbers, that a document describes."""
    return (stored_table if document["estimator"] in TABLE_ESTIMATORS else stored)(document, arrays)
