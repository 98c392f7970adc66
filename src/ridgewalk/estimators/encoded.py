"""Map the columns of an encoder back to the user's inputs, their values and levels."""

from __future__ import annotations

from functools import partial

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.report.variables import Variable
from ridgewalk.tables import Encoder
from ridgewalk.tables.encode import Category, Date, Number, place_in_cycle


def variables_of(encoder: Encoder) -> list[Variable]:
    """Return the inputs of a table, in the order of the encoder."""
    found, first = [], 0
    for column in encoder.columns:
        places = np.arange(first, first + len(column.names))
        first += len(places)
        match column:
            case Category():
                levels = (*column.levels, *(("(another)",) if column.others else ()))
                found.append(Variable(column.name, "category", places, partial(_one_of, len(places)), levels))
            case Date():
                write = partial(_moments, column)
                found.append(Variable(column.name, "date", places, write, start=column.center))
            case Number():
                found.append(Variable(column.name, "number", places, partial(_known, len(places))))
    return found


def _one_of(count: int, levels: Array) -> Array:
    return np.asarray(np.eye(count)[levels.astype(int)])


def _known(count: int, values: Array) -> Array:
    """Write numbers, and that they are not missing."""
    return np.hstack([values[:, None], np.zeros((len(values), count - 1))])


def _moments(column: Date, days: Array) -> Array:
    """Write days from the median one, as :class:`ridgewalk.tables.encode.Date` encodes them."""
    out = np.zeros((len(days), len(column.names)))
    out[:, 0] = days
    for k, cycle in enumerate(column.cycles):
        out[:, 1 + 2 * k], out[:, 2 + 2 * k] = place_in_cycle(np.asarray(days + column.center, dtype=np.float64), cycle)
    return out
