"""The records of an encoder in a model file: its columns, and how its table was read.

"columns": [{"kind": "number", "name": "age", ...}, ...],
"table": {"missing": [...], "left_out": [...], "read_as": {...}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from ridgewalk.storage.container import JsonObject, WrongError, as_text
from ridgewalk.storage.fields import Kinds, record_of, thing_of

if TYPE_CHECKING:
    from ridgewalk.tables import Encoder
    from ridgewalk.tables.choices import LeftOut
    from ridgewalk.tables.text_format import TextFormat


def encoder_records(encoder: Encoder | None) -> JsonObject:
    """Describe an encoder: what was learned from each column, columns left out, and the file format."""
    if encoder is None:
        return {"columns": None}
    learned = [record_of(_columns(), each, "column") for each in encoder.columns]
    read_as = {name: getattr(encoder.read_as, name) for name in encoder.read_as.named}
    left_out = [[each.column, each.role, each.reason, each.advice] for each in encoder.left_out]
    return {
        "columns": learned,
        "table": {"missing": list(encoder.missing_texts.texts), "left_out": left_out, "read_as": read_as}
        | ({} if encoder.gaps is None else {"gaps": dict(encoder.gaps)}),
    }


def encoder_of(document: JsonObject) -> Encoder | None:
    """Create the encoder of a document, or None."""
    if document["columns"] is None:
        return None
    from ridgewalk.tables.dates import ORDERS
    from ridgewalk.tables.encode import DAYS, Category, Date, OrderedDate
    from ridgewalk.tables.encoder import Encoder

    columns = tuple(thing_of(_columns(), record, "column") for record in document["columns"])
    for column in columns:
        if isinstance(column, Date) and column.cycles != tuple(each for each in DAYS if each in column.cycles):
            raise WrongError("its dates have a place in unknown cycles")
        if isinstance(column, Date) and abs(column.center) > _LAST_DAY:
            raise WrongError("its dates have a median that is no day")
        if isinstance(column, OrderedDate) and column.order not in ORDERS:
            raise WrongError("its dates are written in an unknown order")
        levels = (*column.levels, *column.others) if isinstance(column, Category) else ()
        if len(set(levels)) < len(levels):
            raise WrongError(f"its column {column.name[:60]!r} has a category twice")
    if len({column.name for column in columns}) < len(columns):
        raise WrongError("two of its columns have one name")
    return Encoder.of(columns, *_table(document.get("table")))


def _table(
    record: JsonObject | None,
) -> tuple[tuple[str, ...], tuple[LeftOut, ...], TextFormat, dict[str, int] | None]:
    """Read missing-value texts, columns left out, the file format and missing values; older files lack some."""
    from ridgewalk.tables.choices import LeftOut, Role
    from ridgewalk.tables.text_format import TextFormat

    if record is None:
        return (), (), TextFormat(), None
    entries = record["left_out"]
    if not all(isinstance(each, list) and len(each) == 4 and each[1] in get_args(Role) for each in entries):
        raise WrongError("what was left out of its table has no role")
    left_out = tuple(LeftOut(as_text(name), role, as_text(why), as_text(how)) for name, role, why, how in entries)
    read_as = {as_text(name): as_text(value) for name, value in record["read_as"].items()}
    missing = record["missing"]
    if not isinstance(missing, list):
        raise WrongError("its texts that mean missing are no list")
    gaps = record.get("gaps")
    if gaps is not None and not all(type(rows) is int and rows > 0 for rows in gaps.values()):
        raise WrongError("its missing values are counted by something else than a number")
    gaps = gaps if gaps is None else {as_text(name): rows for name, rows in gaps.items()}
    return tuple(map(as_text, missing)), left_out, TextFormat(**read_as), gaps


_LAST_DAY = 10**9  # from 1970-01-01


def encoder_width(encoder: Encoder) -> int:
    """Count the columns of numbers that an encoder gives, without their names, which a file could make long."""
    from ridgewalk.tables.encode import Category, Date

    width = 0
    for column in encoder.columns:
        if isinstance(column, Category):
            width += len(column.levels) + bool(column.others)
        else:
            width += 1 + column.indicated + (2 * len(column.cycles) if isinstance(column, Date) else 0)
    return width


def _columns() -> Kinds:
    from ridgewalk.tables.encode import (
        Category,
        CommaNumber,
        Date,
        Number,
        OrderedDate,
    )  # pandas, for those who have an encoder alone

    return {
        "number": (Number, {"name": str, "median": float, "indicated": bool}),
        "comma number": (CommaNumber, {"name": str, "median": float, "indicated": bool}),
        "category": (Category, {"name": str, "levels": tuple, "others": tuple}),
        "date": (Date, {"name": str, "center": float, "cycles": tuple, "indicated": bool}),
        "ordered date": (
            OrderedDate,
            {"name": str, "center": float, "cycles": tuple, "indicated": bool, "order": str},
        ),
    }
