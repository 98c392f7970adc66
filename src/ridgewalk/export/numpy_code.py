"""Write a model as readable Python code with NumPy: one function per step, the numbers at the end.

    encode -> (x - CENTER) / SCALE -> network -> chances -> predict
    encode -> each of NETWORKS, with its own columns, map and weight -> chances -> mean -> predict

Names of columns and classes are untrusted text: they occur in the file only as literals, written by ``repr``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from ridgewalk.export.numpy_coverage import coverage_arrays, coverage_constants, coverage_functions
from ridgewalk.export.recipe import Feature, Recipe
from ridgewalk.input_maps import FAR, SOFT_BOUND, Kind
from ridgewalk.layers import GELU, Arrays, Layer, LeakyReLU, ReLU, Sigmoid, Tanh
from ridgewalk.losses import LARGEST_EXPONENT
from ridgewalk.model import Model
from ridgewalk.tables.dates import BETWEEN, CLOCK, PIVOT, YEAR_FIRST, YEAR_LAST
from ridgewalk.tables.encode import MISSING, WITH_COMMAS, column_heads, coverage_heads
from ridgewalk.tables.missing import DEFAULT_TEXTS

MOST_LITERALS = 2_000  # numbers that are still pleasant to have among code
_WIDTH = 88


def numpy_files(plan: Recipe) -> dict[str, bytes]:
    """Write a model as the content of a .py file, and of an .npz file if it is large."""
    arrays = _arrays(plan)
    large = sum(array.size for array in arrays.values()) > MOST_LITERALS
    reads_csv = plan.features is not None and plan.flat
    functions = [
        *_encoding(plan),
        *([_SIGMOID] if plan.output in ("two classes", "labels") or isinstance(plan.activation, Sigmoid) else []),
        *_network(plan.activation),
        *_own_steps(plan, large),
        *_predicting(plan),
        *([_reading(plan), _main(plan)] if reads_csv else []),
    ]
    sections = [
        f"{_heading(plan, reads_csv)}\n\n{_imports(functions, large)}",
        *functions,
        _learned(plan, arrays, large, reads_csv),
        *([_RUN] if reads_csv else []),
    ]
    code = "\n\n\n".join(section.strip("\n") for section in sections)
    files = {".py": f"{code}\n".encode()}
    if large:
        stored = io.BytesIO()
        np.savez(stored, **arrays)  # type: ignore[arg-type]  # an array could be called allow_pickle
        files[".npz"] = stored.getvalue()
    return files


def _heading(plan: Recipe, reads_csv: bool) -> str:
    steps = ["table -> encode" if plan.features else "x"]
    steps += ["standardize", "network"] if _alone(plan) else ["output of each network"]
    steps += ["chances"] if plan.classes else []
    steps += [] if len(plan.models) == 1 else ["mean"]
    takes = (
        "predict takes a dict of columns, a frame, or a list of rows that are dicts; a value\n"
        "that is missing is None or NaN."
        if plan.features
        else f"predict takes an array of shape (rows, {plan.width})."
    )
    csv = "\nFor a CSV file:  python THIS_FILE.py table.csv" if reads_csv else ""
    return (
        f'"""Predict with NumPy alone: written by ridgewalk {version("ridgewalk")}, to be read and changed.\n\n'
        f"    {' -> '.join(steps)} -> predict\n\n{takes}{csv}\n"
        '"""'
    )


def _imports(functions: Sequence[str], large: bool) -> str:
    code = "".join(functions)
    lines = [f"import {name}" for name in ("csv", "math", "re", "sys") if re.search(rf"\b{name}\.", code)]
    times = ["UTC, datetime, timedelta"] if "datetime." in code else ["timedelta"] if "timedelta" in code else []
    lines += [f"from datetime import {names}" for names in times]
    lines += ["from pathlib import Path"] if large else []
    return "\n".join([*lines, *([""] if lines else []), "import numpy as np"])


def _encoding(plan: Recipe) -> list[str]:
    """Return the functions that turn a table into numbers: those that the features need."""
    if plan.features is None:
        return []
    uses = {_function(plan, feature) for feature in plan.features}
    uses |= {"number"} if "comma_number" in uses else set()
    sections = [_ENCODE]
    sections += [_NUMBER.format("no_number" if plan.missing.numbers else "is_missing")] if "number" in uses else []
    sections += [_COMMA_NUMBER] if "comma_number" in uses else []
    sections += [_AMONG] if uses & {"among", "not_among"} else []
    sections += [_NOT_AMONG] if "not_among" in uses else []
    ordered = any(feature.order for feature in plan.features)
    parameter, order = (", order=None", ", order") if ordered else ("", "")
    of_dates = {"days": _DAYS, "sine": _SINE, "cosine": _COSINE}
    sections += [code.format(parameter, order) for name, code in of_dates.items() if name in uses]
    if uses & of_dates.keys():
        sections.append(_MOMENTS.format(parameter, "as_iso(value, order)" if ordered else "str(value)"))
    sections += [_AS_ISO] if ordered else []
    sections += [_MISSING] if "missing" in uses else []
    sections += [_MISSING_NUMBER] if uses & {"missing_number", "missing_comma_number"} else []
    sections += [_MISSING_COMMA_NUMBER] if "missing_comma_number" in uses else []
    sections += [_WITH_POINT] if uses & {"comma_number", "missing_comma_number"} else []
    sections += [_NO_NUMBER] if plan.missing.numbers and uses & _OF_NUMBERS else []
    return [*sections, _COLUMN, _named_missing(plan) if plan.missing.texts else _IS_MISSING]


def _named_missing(plan: Recipe) -> str:
    """Return the function that finds missing values, where texts, and numbers and dates in texts, may mean them."""
    missing = plan.missing
    lines = (_OF_TYPED_NUMBERS if missing.numbers else "") + (_OF_TYPED_DATES if missing.moments else "")
    named = (" or number" if missing.numbers else "") + (" or date" if missing.moments else "")
    return _IS_NAMED_MISSING.format(lines, named)


_ENCODE = '''
def encode(table):
    """Turn a table into numbers: one column for each line of FEATURES."""
    return np.stack([take(table, *given) for take, *given in FEATURES], axis=1)
'''
_NUMBER = '''
def number(table, name, instead=np.nan):
    """Take a column's numbers; something stands instead of one that is missing."""
    values = [
        instead if {}(value) else as_number(value)
        for value in column(table, name)
    ]
    return np.array(values)


def as_number(value):
    """Turn a number, a text, a truth value or a duration (in days) into a number."""
    words = {{"true": 1, "True": 1, "TRUE": 1, "false": 0, "False": 0, "FALSE": 0}}
    if isinstance(value, (timedelta, np.timedelta64)):
        return value / np.timedelta64(1, "D")
    return float(words.get(value, value))
'''
_COMMA_NUMBER = '''
def comma_number(table, name, instead=np.nan):
    """Take a column's numbers, which as text have commas before decimals."""
    values = [with_point(value) for value in column(table, name)]
    return number({name: values}, name, instead)
'''
_WITH_POINT = f'''
def with_point(value):
    """Write 1.234,5 as 1234.5; leave all else as it is."""
    with_comma = r"{WITH_COMMAS}"
    if isinstance(value, str) and re.fullmatch(with_comma, value.strip()):
        return value.strip().replace(".", "").replace(",", ".")
    return value
'''
_AMONG = f'''
def among(table, name, texts):
    """Take 1 where a column's text is one of some, else 0."""
    given = [as_text(value) for value in column(table, name)]
    return np.array([float(text in texts) for text in given])


def as_text(value):
    """Give the text of a value: "{MISSING}" of none, and "1" of 1 and of 1.0."""
    if is_missing(value):
        return "{MISSING}"
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if whole else str(value)
'''
_NOT_AMONG = '''
def not_among(table, name, texts):
    """Take 1 where a column's text is none of some, else 0."""
    return 1 - among(table, name, texts)
'''
_DAYS = '''
def days(table, name, center{0}):
    """Take the days from a central day to a date, 0 where it is missing."""
    return np.nan_to_num(moments(table, name{1}) - center)
'''
_SINE = '''
def sine(table, name, period{0}):
    """Take a date's place in a cycle of so many days: the sine of its angle."""
    return np.nan_to_num(np.sin(2 * np.pi / period * moments(table, name{1})))
'''
_COSINE = '''
def cosine(table, name, period{0}):
    """Take a date's place in a cycle of so many days: the cosine of its angle."""
    return np.nan_to_num(np.cos(2 * np.pi / period * moments(table, name{1})))
'''
_MOMENTS = '''
def moments(table, name{0}):
    """Give a column of dates as days from 1970-01-01 00:00 UTC, NaN where missing."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    found = []
    for value in column(table, name):
        if is_missing(value):
            found.append(np.nan)
            continue
        moment = datetime.fromisoformat({1})
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        found.append((moment - start) / timedelta(days=1))
    return np.array(found)
'''
_AS_ISO = f'''
def as_iso(value, order):
    """Write a date as ISO has it, if its text is one of that order."""
    whole = isinstance(value, float) and value.is_integer()
    text = str(int(value)) if whole else str(value).strip()
    year_last = r"{YEAR_LAST}"
    year_first = r"{YEAR_FIRST}"
    clock = r"{CLOCK}"
    date = year_first if order == "yearfirst" else year_last
    found = re.fullmatch(rf"{{date}}(?:{BETWEEN}{{clock}})?", text)
    if not found:
        return text
    *date, hours, minutes, seconds, half = found.groups()
    if order == "yearfirst":
        year, month, day = date[0], date[2] or date[4], date[3] or date[5]
    else:
        first, _, second, year = date
        day, month = (first, second) if order == "dayfirst" else (second, first)
        if len(year) == 2:
            year = ("19" if int(year) >= {PIVOT} else "20") + year
    iso = f"{{year}}-{{int(month):02}}-{{int(day):02}}"
    if not hours:
        return iso
    afternoon = 12 * (half in ("P", "p"))
    hour = int(hours) % 12 + afternoon if half else int(hours)
    return f"{{iso}} {{hour:02}}:{{minutes}}:{{seconds or '00'}}"
'''
_MISSING_NUMBER = '''
def missing_number(table, name):
    """Take 1 where a column's number is missing, else 0."""
    return np.array([float(no_number(value)) for value in column(table, name)])
'''
_MISSING_COMMA_NUMBER = '''
def missing_comma_number(table, name):
    """Take 1 where a column's number, with a comma before decimals, is missing."""
    values = [with_point(value) for value in column(table, name)]
    return missing_number({name: values}, name)
'''
_NO_NUMBER = '''
def no_number(value):
    """Say whether a value is missing, or a text of a number that means so."""
    if is_missing(value) or not isinstance(value, str):
        return is_missing(value)
    try:
        return float(value) in MISSING_NUMBERS
    except ValueError:
        return False
'''
_MISSING = '''
def missing(table, name):
    """Take 1 where a column's value is missing, else 0."""
    return np.array([float(is_missing(value)) for value in column(table, name)])
'''
_COLUMN = '''
def column(table, name):
    """Give the values of a column."""
    return [row[name] for row in table] if isinstance(table, list) else table[name]
'''
_IS_MISSING = '''
def is_missing(value):
    """Say whether a value is None, or the NaN, NaT or NA of some library."""
    words = ("None", "nan", "NaN", "NaT", "<NA>")
    return not isinstance(value, str) and str(value) in words
'''
_IS_NAMED_MISSING = '''
def is_missing(value):
    """Say whether a value is None, the NaN, NaT or NA of some library, or means so."""
    text = str(value)
    if isinstance(value, str):
        return text.strip() in MISSING_TEXTS
{}    return text in ("None", "nan", "NaN", "NaT", "<NA>"){}
'''
_OF_TYPED_NUMBERS = """\
    number = text not in ("True", "False") and value in MISSING_NUMBERS
"""
_OF_TYPED_DATES = """\
    date = text.replace("T", " ")[:19] in MISSING_DATES
"""


def _alone(plan: Recipe) -> bool:
    """Return whether there is one network, without a map: its steps need no list of networks."""
    return len(plan.models) == 1 and plan.models[0].map is None and plan.covered is None


def _maps(plan: Recipe) -> bool:
    return any(model.map is not None for model in plan.models)


def _own_steps(plan: Recipe, large: bool) -> list[str]:
    """Return the functions for several networks, with their columns and input maps."""
    if _alone(plan):
        return []
    steps = [_MAPPED, _OUTPUT_MAPPED] if _maps(plan) else [_OUTPUT]
    return [*steps, _READ_NETWORK.format(", ".join(f'"{name}"' for name in _own_names(plan)))] if large else steps


_OUTPUT = '''
def output(x, columns, center, scale, layers):
    """Compute what one of NETWORKS gives for its columns, standardized."""
    return network((x[:, columns] - center) / scale, layers)
'''
_OUTPUT_MAPPED = '''
def output(x, columns, kind, center, scale, layers):
    """Compute what one of NETWORKS gives for its columns, standardized and mapped."""
    return network(mapped((x[:, columns] - center) / scale, kind), layers)
'''
_FAR = f"{FAR:g}".replace("+", "")  # as ruff writes it
_MAPPED = f'''
def mapped(z, kind):
    """Clip numbers softly (kind {Kind.SOFT_CLIP:d}), take pieces ({Kind.PIECE:d}), or leave them as they are."""
    soft = np.clip(z, -{_FAR}, {_FAR})
    soft = soft / np.sqrt(1 + (soft / {SOFT_BOUND:g}) ** 2)
    kinds = [kind == {Kind.SOFT_CLIP:d}, kind == {Kind.PIECE:d}]
    return np.select(kinds, [soft, np.clip(z, 0, 1)], z)
'''
_READ_NETWORK = '''
def read_network(stored, number, depth):
    """Read one of NETWORKS, of so many layers: all but its share."""
    names = ({})
    own = [stored[f"{{name}}_{{number}}"] for name in names]
    layers = range(1, depth + 1)
    return *own, [(stored[f"W{{number}}_{{k}}"], stored[f"B{{number}}_{{k}}"]) for k in layers]
'''


def _network(activation: Layer | None) -> list[str]:
    """Return the function that runs the layers, and what it needs."""
    if activation is None:
        return [_STRAIGHT]
    match activation:
        case ReLU():
            return [_BENT.format("np.maximum(x, 0)")]
        case LeakyReLU():
            return [_BENT.format(f"np.where(x > 0, x, {activation.slope} * x)")]
        case Tanh():
            return [_BENT.format("np.tanh(x)")]
        case Sigmoid():
            return [_BENT.format("sigmoid(x)")]
        case GELU():
            return [_BELOW, _BENT.format("x * below(x)")]
    raise ValueError(f"The layer {type(activation).__name__} has no NumPy code here.")


_STRAIGHT = '''
def network(x, layers):
    """Compute weighted sums, layer by layer."""
    for weights, bias in layers:
        x = x @ weights + bias
    return x
'''
_BENT = '''
def network(x, layers):
    """Compute weighted sums, layer by layer, bent after each but the last."""
    for weights, bias in layers[:-1]:
        x = x @ weights + bias
        x = {}
    weights, bias = layers[-1]
    return x @ weights + bias
'''
_BELOW = '''
def below(x):
    """Give the share of the normal distribution that lies below x."""
    return 0.5 * np.vectorize(math.erfc)(-x / math.sqrt(2))
'''
_SIGMOID = '''
def sigmoid(z):
    """Compute 1 / (1 + exp(-z)) without overflow."""
    return np.exp(-np.logaddexp(0, -z))
'''
_LINKS = {
    "two classes": '''
def chances(z):
    """Turn the output into the probabilities of both classes."""
    return sigmoid(np.hstack([-z, z]))
''',
    "labels": '''
def chances(z):
    """Turn each output into the probability of a label."""
    return sigmoid(z)
''',
    "classes": '''
def chances(z):
    """Turn outputs into probabilities: exp(z), divided by its sum."""
    grown = np.exp(z - z.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)
''',
    "rates": f'''
def rates(z):
    """Turn the output into a rate, of which it is the logarithm."""
    return np.exp(np.minimum(z, {LARGEST_EXPONENT}))
''',
}


def _predicting(plan: Recipe) -> list[str]:
    """Return the functions that standardize, run the network and predict."""
    takes, rows = ("table", "encode(table)") if plan.features else ("x", "np.asarray(x)[:, USED]")
    link = {"rates": "rates", "numbers": ""}.get(plan.output, "chances")
    if _alone(plan):
        rows, output = f"({rows} - CENTER) / SCALE", "network(x, LAYERS)"
    else:
        output = "output(x, *own)"
    ran = f"{link}({output})" if link else output
    which = "" if plan.covered is None else " if share"  # intervals and sets need others, too
    mean = ran if _alone(plan) else f"sum(share * {ran} for share, *own in NETWORKS{which})"
    links = [_LINKS[plan.output]] if link else []
    if not plan.classes:
        scaled = "\n    y = y * TARGET_SCALE + TARGET_CENTER" if _alone(plan) and not link else ""
        shape, shown = ("(rows,)", "y[:, 0]") if plan.flat else ("(rows, numbers)", "y")
        more = coverage_functions(plan, takes, rows, ran)
        return [*links, _PREDICT_NUMBERS.format(takes, shape, rows, mean, scaled, shown), *more]
    if plan.output == "labels":
        about, answer = "Predict 1 or 0 for each label", f"(predict_proba({takes}) > 0.5).astype(int)"
    else:
        about, answer = "Predict the most probable class", f"np.array(CLASSES)[predict_proba({takes}).argmax(axis=1)]"
    return [
        *links,
        _PREDICT_PROBA.format(takes, len(plan.classes), rows, mean),
        _PREDICT_CLASSES.format(takes, about, answer),
        *coverage_functions(plan, takes, rows, ran),
    ]


_PREDICT_NUMBERS = '''
def predict({}):
    """Predict numbers: shape {}."""
    x = {}
    y = {}{}
    return {}
'''
_PREDICT_PROBA = '''
def predict_proba({}):
    """Give the probabilities of CLASSES: shape (rows, {})."""
    x = {}
    return {}
'''
_PREDICT_CLASSES = '''
def predict({}):
    """{}."""
    return {}
'''


def _arrays(plan: Recipe) -> dict[str, np.ndarray[Any, Any]]:
    """Return all numbers by the names that the file has for them."""
    if not _alone(plan):
        own = {name: array for k, model in enumerate(plan.models, 1) for name, array in _own(plan, model, k).items()}
        return own | coverage_arrays(plan.covered)
    (model,) = plan.models
    arrays = {"CENTER": model.center, "SCALE": model.scale} | _layers(model.parameters)
    if plan.output == "numbers":
        arrays |= {"TARGET_CENTER": model.target_center, "TARGET_SCALE": model.target_scale}
    return arrays


def _own_names(plan: Recipe) -> list[str]:
    """Return the names of the parts of each network besides its layers."""
    return ["COLUMNS", *(["KIND"] if _maps(plan) else []), "CENTER", "SCALE"]


def _own(plan: Recipe, model: Model, number: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return the numbers of one of several networks by name.

    A number takes one step from its column: what comes after a map's curve, and the target's units, are in the layers.
    """
    kind, center, scale = np.zeros(len(model.column), dtype=int), model.center, model.scale
    after_center, after_scale = np.zeros(len(center)), np.ones(len(scale))
    if (first := model.map) is not None:
        kind, curved = first.kind, first.kind != Kind.IDENTITY
        after_center, after_scale = np.where(curved, center, 0), np.where(curved, scale, 1)
        center = np.where(curved, first.center, first.center + first.scale * center)
        scale = np.where(curved, first.scale, first.scale * scale)
    layers = replace(model, center=after_center, scale=after_scale).raw_parameters()
    own = {"COLUMNS": model.column, "KIND": kind, "CENTER": center, "SCALE": scale}
    return {f"{name}_{number}": own[name] for name in _own_names(plan)} | _layers(layers, f"{number}_")


def _layers(parameters: Arrays, number: str = "") -> dict[str, np.ndarray[Any, Any]]:
    """Return the weights and biases of each layer by name."""
    pairs = enumerate(zip(parameters[::2], parameters[1::2], strict=True), 1)
    return {f"{name}{number}{k}": array for k, (w, b) in pairs for name, array in (("W", w), ("B", b[0]))}


def _learned(plan: Recipe, arrays: dict[str, np.ndarray[Any, Any]], large: bool, reads_csv: bool) -> str:
    """Return all learned numbers as literals, or the lines that read them from the .npz file."""
    lines = ["# What was learned", "# fmt: off"]
    if reads_csv:
        lines += _listed("GAPS = {", map(_literal, DEFAULT_TEXTS), "}")
        if plan.na_columns:
            lines += _listed("TEXTS = {", map(_literal, sorted(plan.na_columns)), "}  # in which NA is a category")
        heads = column_heads(plan.target, plan.classes)
        heads += [] if plan.covered is None else coverage_heads(heads, plan.classes)
        lines += _listed("HEADS = [", map(_literal, heads), "]")
    if plan.features is None:
        lines += _listed("USED = [", map(repr, plan.chosen.tolist()), "]")
    else:
        lines += _missing_values(plan)
        lines += ["FEATURES = [", *(f"    {_taking(plan, feature)}," for feature in plan.features), "]"]
    if plan.classes:
        lines += _listed("CLASSES = [", map(_literal, plan.classes), "]")
    lines += coverage_constants(plan.covered)
    lines += _stored(plan, arrays) if large else _written(plan, arrays)
    return "\n".join([*lines, "# fmt: on"])


def _stored(plan: Recipe, arrays: dict[str, np.ndarray[Any, Any]]) -> list[str]:
    """Return the lines that read the numbers from the .npz file."""
    opened = 'with np.load(Path(__file__).with_suffix(".npz")) as stored:'
    if _alone(plan):
        return [
            opened,
            *(f'    {name} = stored["{name}"]' for name in arrays),
            f"LAYERS = {_layer_names(plan.models[0])}",
        ]
    networks = [
        f"        ({share!r}, *read_network(stored, {k}, {len(model.network.dense)})),"
        for k, (share, model) in enumerate(zip(plan.shares.tolist(), plan.models, strict=True), 1)
    ]
    others = [f'    {name} = stored["{name}"]' for name in coverage_arrays(plan.covered)]
    return [opened, *others, "    NETWORKS = [", *networks, "    ]"]


def _written(plan: Recipe, arrays: dict[str, np.ndarray[Any, Any]]) -> list[str]:
    """Return the numbers as literals."""
    lines = [line for name, array in arrays.items() for line in _array(name, array)]
    if _alone(plan):
        return [*lines, f"LAYERS = {_layer_names(plan.models[0])}"]
    lines.append("NETWORKS = [")
    for k, (share, model) in enumerate(zip(plan.shares.tolist(), plan.models, strict=True), 1):
        own = [repr(share), *(f"{name}_{k}" for name in _own_names(plan)), _layer_names(model, f"{k}_")]
        lines += _listed("    (", own, "),")
    return [*lines, "]"]


def _layer_names(model: Model, number: str = "") -> str:
    """Write the list of a network's layers."""
    pairs = (f"(W{number}{k}, B{number}{k})" for k in range(1, len(model.network.dense) + 1))
    return f"[{', '.join(pairs)}]"


_FUNCTIONS = {
    "value": "number", "number": "number", "missing": "missing", "is": "among", "none of": "not_among", "days": "days",
    "sin": "sine", "cos": "cosine",
}  # fmt: skip
_OF_NUMBERS = {"number", "comma_number", "missing_number", "missing_comma_number"}


def _function(plan: Recipe, feature: Feature) -> str:
    """Return the function of the file that takes a feature."""
    name = _FUNCTIONS[feature.what]
    if name == "number" and feature.commas:
        return "comma_number"
    if name == "missing" and plan.missing.numbers and plan.columns[feature.column] == "number":
        return "missing_comma_number" if feature.commas else "missing_number"
    return name


def _taking(plan: Recipe, feature: Feature) -> str:
    """Write a line of FEATURES: a function, a column, and what was learned from it."""
    arguments = [_function(plan, feature), _literal(feature.column)]
    if feature.kind == "text":
        arguments.append(f"[{', '.join(map(_literal, feature.texts))}]")
    elif not np.isnan(feature.number):
        arguments.append(repr(feature.number))
        arguments += [] if feature.order is None else [_literal(feature.order)]
    return f"({', '.join(arguments)})"


def _missing_values(plan: Recipe) -> list[str]:
    """Write the texts, numbers and dates that mean missing."""
    missing = plan.missing
    if not missing.texts:
        return []
    lines = _listed("MISSING_TEXTS = {", map(_literal, sorted(missing.spelled)), "}")
    lines += _listed("MISSING_NUMBERS = {", map(repr, sorted(missing.numbers)), "}") if missing.numbers else []
    moments = [str(moment)[:19] for moment in sorted(missing.moments)]
    dates = [moment.removesuffix(" 00:00:00") for moment in moments]
    dates = sorted({*moments, *dates})
    return lines + (_listed("MISSING_DATES = {", map(_literal, dates), "}") if dates else [])


def _literal(value: Any) -> str:
    """Write a value as Python does, a text in double quotes where that needs no backslash more."""
    written = repr(value)
    return f'"{written[1:-1]}"' if isinstance(value, str) and written[0] == "'" and '"' not in value else written


def _number(value: float) -> str:
    """Write a number; the scale of a constant column is infinite."""
    return repr(value).replace("inf", "np.inf")


def _array(name: str, array: np.ndarray[Any, Any]) -> list[str]:
    if array.ndim == 1:
        return _listed(f"{name} = np.array([", map(_number, array.tolist()), "])")
    rows = [line for row in array.tolist() for line in _listed("    [", map(_number, row), "],")]
    return [f"{name} = np.array([", *rows, "])"]


def _listed(head: str, items: Iterable[str], tail: str) -> list[str]:
    """Write a list in lines of at most 88 characters, where its items allow it."""
    items = list(items)
    whole = f"{head}{', '.join(items)}{tail}"
    if len(whole) <= _WIDTH:
        return [whole]
    margin = " " * (len(head) - len(head.lstrip()))
    lines = [""]
    for item in items:
        if lines[-1] and len(f"{margin}    {lines[-1]} {item},") > _WIDTH:
            lines.append("")
        lines[-1] += f" {item}," if lines[-1] else f"{item},"
    return [head, *(f"{margin}    {line}" for line in lines), f"{margin}{tail}"]


def _main(plan: Recipe) -> str:
    """Return the function that prints the predictions of a CSV file."""
    if plan.classes:
        return _MAIN_OF_CLASSES if plan.covered is None else _MAIN_OF_CLASSES_AND_SETS
    return _MAIN_OF_NUMBERS if plan.covered is None else _MAIN_OF_NUMBERS_AND_INTERVALS


_READ_CSV = '''
def read_csv(file):
    """Read rows as dicts; an empty field, NA and the like are missing."""
    with open(file, encoding={}, newline="") as lines:
{}        return [
{}            for row in csv.DictReader(lines, delimiter={})
        ]
'''
_ROW = """\
            {name: None if value in GAPS else value for name, value in row.items()}
"""
_ROW_WITH_TEXTS = """\
            {
                name: None if value in ({""} if name in TEXTS else GAPS) else value
                for name, value in row.items()
            }
"""
_FIND_SEPARATOR = """\
        unquoted = re.sub(r'"[^"]*"', "", lines.read())
        separator = max(",;\\t|", key=unquoted.partition("\\n")[0].count)
        lines.seek(0)
"""


def _reading(plan: Recipe) -> str:
    """Return the function that reads a CSV file, as the file of the fit was read."""
    encoding, separator = plan.read_as.encoding or "utf-8-sig", plan.read_as.separator
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") in ("utf-8", "utf8") else encoding
    found = _FIND_SEPARATOR if separator is None else ""
    row = _ROW_WITH_TEXTS if plan.na_columns else _ROW
    return _READ_CSV.format(_literal(encoding), found, row, "separator" if separator is None else _literal(separator))


_MAIN_OF_CLASSES = '''
def main():
    """Print the predictions of a CSV file's rows, as CSV."""
    rows = read_csv(sys.argv[1])
    out = csv.writer(sys.stdout, lineterminator="\\n")
    out.writerow(HEADS)
    for label, shares in zip(predict(rows), predict_proba(rows).tolist(), strict=True):
        out.writerow([label, *shares])
'''
_MAIN_OF_NUMBERS = '''
def main():
    """Print the predictions of a CSV file's rows, as CSV."""
    out = csv.writer(sys.stdout, lineterminator="\\n")
    out.writerow(HEADS)
    out.writerows([number] for number in predict(read_csv(sys.argv[1])).tolist())
'''
_MAIN_OF_CLASSES_AND_SETS = '''
def main():
    """Print the predictions of a CSV file's rows, and what is possible, as CSV."""
    rows = read_csv(sys.argv[1])
    out = csv.writer(sys.stdout, lineterminator="\\n")
    out.writerow(HEADS)
    found = predict(rows), predict_proba(rows).tolist(), predict_set(rows).tolist()
    for label, shares, possible in zip(*found, strict=True):
        out.writerow([label, *shares, *possible])
'''
_MAIN_OF_NUMBERS_AND_INTERVALS = '''
def main():
    """Print the predictions of a CSV file's rows, and their intervals, as CSV."""
    rows = read_csv(sys.argv[1])
    out = csv.writer(sys.stdout, lineterminator="\\n")
    out.writerow(HEADS)
    found = predict(rows).tolist(), predict_interval(rows).tolist()
    out.writerows([number, *ends] for number, ends in zip(*found, strict=True))
'''
_RUN = """
if __name__ == "__main__":
    main()
"""
