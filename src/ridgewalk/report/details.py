"""The data of the HTML report for every strength, in addition to the summary, of limited size.

    arms       every curve of held-out losses that the choice was made from
    certainty  the difference of every strength to the best one, on the same rows
    inputs     importance: norm of an input's first-layer weights to hidden units that lead to an output, in the
               network's units (:mod:`ridgewalk.importance`)
               frequency:  share of the folds x seeds whose network uses it
               effect:     size and direction of its effect on the prediction
    network    nodes and links on a connection from an input to an output; layers: the weights as matrices
    held_out   predictions of the folds' networks for the rows that they held out; rows: for rows passed by the user
    effects    partial dependence, with individual curves
    curves     training curves of the folds: data loss and penalty separately
    regions    predictions over the plane, if there are two inputs

Numbers are rounded to four digits. Parts that are too large are reduced to their largest elements, with a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, TypedDict, cast

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.engine.job import History
from ridgewalk.importance import by_origin
from ridgewalk.losses import facts
from ridgewalk.path.input_selection import InputSelection
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Choice, Rule
from ridgewalk.report.answers import short_answers
from ridgewalk.report.certainty import candidate_curves, certainty
from ridgewalk.report.compared import MOST_CLASSES, PageRows, held_out, rows_along
from ridgewalk.report.drawn_network import layers_along, network_along, node_names
from ridgewalk.report.effects import Looked, effects_along, rows_for_effects, signed_effects
from ridgewalk.report.rounding import rounded, short, spread
from ridgewalk.report.schema import (
    AnswerSummary,
    BlendSummary,
    Card,
    Curves,
    InputsAlong,
    LinearSummary,
    Page,
    PathAxes,
    PathSummary,
    Points,
    Regions,
)
from ridgewalk.report.summary import by_input, kept_inputs, sentences, summarize
from ridgewalk.report.variables import Variable, plain_variables

if TYPE_CHECKING:
    from ridgewalk.diagnostics.verdict import DiagnosisData

_MOST_INPUTS = 40
_FINEST_PLANE, _MOST_OF_PLANE = 48, 60_000  # points along a side; numbers over all strengths
_MOST_POINTS = 200  # rows
_PLANE_SPAN = 2.5  # standard deviations around the center, where nobody gave rows
_NO_ROWS = (
    "This needs rows, and a model file holds none: report on some, as in model.report(file, X, y) or `ridgewalk report "
    "MODEL FILE`, and it is shown for them."
)
_LEAST_ZERO_GAP = 0.3  # powers of ten between the place of 0 and that of the weakest strength
_WIDE, _DEEPEST, _ROOM = 12, 300, 1.3  # ratios: highest loss to lowest; held-out to training loss; the axis's ends
_OFF_AXIS, _MARGIN = 1.5, 0.06  # times a constant's loss: higher ones leave the page's axis; share of its height
_WIDE_SHOWN, _BELOW = 6, 3  # ratios: highest to lowest on a linear axis; lowest held-out to training loss on a log one


@dataclass(frozen=True, eq=False)
class Extras:
    """The content of a report in addition to the path itself.

    Attributes
    ----------
    classes : list of str, optional
        Their names, in the order of the outputs; no and yes where there is one output.
    page_rows : PageRows, optional
        Rows to predict at every strength.
    fit : PageRows, optional
        Rows of the fit, which effects are computed on.
    observed : array, shape (N, C), optional
        Encoded targets of the fit's rows, which held-out predictions are compared with.
    variables : list of Variable, optional
        The inputs, where an encoder knows how each became columns; by default each column is a number.
    columns : list of str, optional
        Names of the encoded columns, for the drawing of the network.
    selection : InputSelection, optional
        The arms, where inputs were selected or refitted.
    diagnosis : DiagnosisData, optional
        ``Diagnosis.to_dict()``.
    history : History, optional
        How a training went at every strength: a run for each.
    title : str
    linear : LinearSummary, optional
        What linear models reach on the same folds.
    blend : BlendSummary, optional
        Of the table model that the path's network is the single one of.
    answer : AnswerSummary, optional
        How good what predicts is on held-out rows, for the head of the page.
    card : Card, optional
    notes : list of str
        What became of columns that are not used as they came.
    """

    classes: list[str] | None = None
    page_rows: PageRows | None = None
    fit: PageRows | None = None
    observed: Array | None = None
    variables: list[Variable] | None = None
    columns: list[str] | None = None
    selection: InputSelection | None = None
    diagnosis: DiagnosisData | None = None
    history: History | None = None
    title: str = "A fitted path"
    linear: LinearSummary | None = None
    blend: BlendSummary | None = None
    answer: AnswerSummary | None = None
    card: Card | None = None
    notes: list[str] = field(default_factory=list)


def page_data(
    path: MLPPath,
    rule: Rule,
    origins: list[str] | None = None,
    choice: Choice | None = None,
    how: str | None = None,
    extras: Extras | None = None,
) -> Page:
    """Collect the data of a report.

    Parameters
    ----------
    path, rule, origins, choice, how
        As for :func:`ridgewalk.report.summary.summarize`.
    extras : Extras, optional

    Returns
    -------
    Page
        Ready for JSON. ``summary`` is that of :func:`~ridgewalk.report.summary.summarize`, without its list of inputs;
        what differs from strength to strength are lists along ``summary["path"]``.
    """
    extras = extras or Extras()
    summary = summarize(path, rule, origins, choice, how, extras.linear)
    if extras.blend is not None:
        summary["blend"] = extras.blend
    if extras.answer is not None:
        summary["answer"] = extras.answer
    names = extras.classes or _numbered(path)
    columns = extras.columns or origins or list(by_input(path))
    variables = extras.variables or plain_variables(origins or columns)
    looked = rows_for_effects(extras.page_rows, extras.fit)
    certain = certainty(path, choice or path.choose(rule))
    arms = candidate_curves(path, extras.selection)
    along = next(arm["entries"] for arm in arms if arm["entries"] and summary["index"] in arm["entries"])
    inputs = inputs_along(path, origins, summary["index"], along, variables, looked)
    nodes = node_names(path, columns, names)
    compared = held_out(path, extras.observed, names) if extras.observed is not None else None
    effects = effects_along(path, variables, looked, summary["index"], names) if looked else None
    bare = cast(PathSummary, {name: value for name, value in summary.items() if name != "inputs"})
    return {
        "title": extras.title,
        "made_by": f"ridgewalk {version('ridgewalk')}",
        "summary": bare,
        "axes": axes(summary),
        "sentences": sentences(summary),
        "diagnosis": extras.diagnosis,
        "answers": short_answers(bare, certain, inputs, compared, effects, extras.notes, _model(path)),
        "arms": arms,
        "certainty": certain,
        "inputs": inputs,
        "network": network_along(path, nodes),
        "layers": layers_along(path, nodes),
        "curves": _curves(extras.history) if extras.history else None,
        "held_out": compared,
        "rows": rows_along(path, extras.page_rows, names) if extras.page_rows else None,
        "effects": effects,
        "without_effects": "" if looked else _NO_ROWS,
        "regions": regions(path, origins, extras.page_rows or extras.fit, names, range(len(path.alphas))),
        "card": extras.card,
        "cut": [],
    }


def _model(path: MLPPath) -> str:
    return "model" if path.network.linear else "network"


def axes(summary: PathSummary) -> PathAxes:
    """Describe how a path is drawn."""
    rows = summary["path"]
    alphas = np.array([row["alpha"] for row in rows])
    positive = alphas[alphas > 0]
    rising = bool(positive.size) and bool((np.diff(alphas) > 0).all())
    places = np.arange(len(alphas), dtype=float)
    if rising:
        logarithms = np.log10(positive)
        zero = logarithms[0] - max(_LEAST_ZERO_GAP, (logarithms[-1] - logarithms[0]) / 10)
        places = np.concatenate([np.full(len(alphas) - len(positive), zero), logarithms])
    drawn = [row["heldout_loss"] for row in [*rows, *summary["dropped"]]] + [row["train_loss"] for row in rows]
    known = [loss for loss in drawn if loss is not None]
    heldout = [(row["heldout_loss"], row["standard_error"] or 0.0) for row in rows if row["heldout_loss"]]
    positive_losses = [loss for loss in known if loss > 0]
    losses = None
    if heldout and min(known) >= 0 and max(known) > _WIDE * min(positive_losses):
        low = max(min(positive_losses), min(loss for loss, _ in heldout) / _DEEPEST)
        high = max(*known, *(loss + error for loss, error in heldout))
        losses = [low / _ROOM, high * _ROOM]
    return {"rising": rising, "places": places.tolist(), "losses": losses, **_shown(summary)}


class _Shown(TypedDict):
    log: bool
    shown: list[float]


def _shown(summary: PathSummary) -> _Shown:
    """Return the report's axis of losses: the range of held-out losses, without those far above a constant's.

    Training losses reach below them, as far as they do not flatten what is held out.
    """
    rows, null, linear = summary["path"], summary["null_loss"], summary["linear"]
    losses = [row["heldout_loss"] for row in rows if row["heldout_loss"] is not None]
    near = [loss for loss in losses if loss <= _OFF_AXIS * abs(null)] or losses
    known = [null, *near, *([linear["heldout_loss"]] if linear else [])]
    low, high = min(known), max(known)
    trained = min([low, *(row["train_loss"] for row in rows if row["train_loss"] is not None)])
    log = low > 0 and high > _WIDE_SHOWN * low
    if log:
        return {"log": True, "shown": [max(trained, low / _BELOW) / _ROOM, high * _ROOM]}
    low = max(trained, low - (high - low)) if high > low else low
    room = _MARGIN * (high - low or abs(null) or 1.0)
    return {"log": False, "shown": [low - room, high + room]}


def inputs_along(
    path: MLPPath,
    origins: list[str] | None,
    chosen: int,
    along: Sequence[int] | None = None,
    variables: Sequence[Variable] = (),
    looked: Looked | None = None,
) -> InputsAlong:
    """Describe the most important inputs at the chosen strength, along the path.

    Parameters
    ----------
    path, origins
        As for :func:`page_data`.
    chosen : int
    along : sequence of int, optional
        Strengths, rising, along which inputs leave; by default those of the path.
    variables, looked
        What is needed for their effects.
    """
    columns = by_input(path, origins)
    best = [path.best_seed(s) for s in range(len(path.alphas))]
    kept = kept_inputs(path, columns)
    count = path.inputs_kept.shape[-1]
    of_columns = np.stack([path.model(s, seed).importance(count) for s, seed in enumerate(best)])
    importance = by_origin(of_columns, _origin(columns, count), len(columns))
    frequency = kept[:, :-1].mean(axis=(1, 2))
    order = np.lexsort((-importance.max(axis=0), -importance[chosen], -frequency[chosen]))[:_MOST_INPUTS]
    names = list(columns)
    known = {variable.name: variable for variable in variables}
    shown = [known.get(names[k]) for k in order]
    used = np.array([kept[s, -1, seed][order] for s, seed in enumerate(best)])
    return {
        "names": [short(names[k]) for k in order],
        "kinds": ["number" if variable is None else variable.kind for variable in shown],
        "left_out": len(names) - len(order),
        "standardized": path.standardize,
        "importance": rounded(importance[:, order]),
        "frequency": rounded(frequency[:, order]),
        "kept": used.tolist(),
        "effect": None if looked is None else rounded(signed_effects(path, shown, looked)),
        "leaves": _leaves(path.alphas, used, list(along or range(len(path.alphas)))),
    }


def _leaves(alphas: Array, used: Booleans, along: list[int]) -> list[float | None]:
    """Return the last strength at which each input is used."""
    last = [np.flatnonzero(used[along, k]) for k in range(used.shape[1])]
    return [float(alphas[along[places[-1]]]) if places.size else None for places in last]


def _origin(columns: dict[str, list[int]], count: int) -> Integers:
    """Return the index of the input of each column."""
    origin: Integers = np.zeros(count, dtype=int)
    for number, each in enumerate(columns.values()):
        origin[each] = number
    return origin


def _curves(history: History) -> Curves:
    """Return data loss, penalty and validation loss along the training at every strength, separately."""
    return {
        "epochs": history.epochs.tolist(),
        "data_loss": rounded(history.data_loss),
        "penalty": rounded(history.penalty),
        "validation_loss": rounded(history.validation_loss),
    }


def regions(
    path: MLPPath,
    origins: list[str] | None,
    page_rows: PageRows | None,
    names: list[str],
    shown: Sequence[int],
    finest: int | None = None,
) -> Regions | None:
    """Predict over the plane of two inputs, at the strengths ``shown``.

    None where there are not two, where one class or one number does not say it all, or where nothing says where the
    rows are. There are at most ``finest`` points along a side; without it, few enough for a page.
    """
    columns, loss = by_input(path, origins), path.loss
    outputs = path.parameters[-1].shape[-1]
    if path.inputs_kept.shape[-1] != 2 or len(columns) != 2 or outputs > MOST_CLASSES // 2:
        return None
    if outputs > 1 and facts(loss).output_activation != "softmax":
        return None
    if page_rows is not None:
        x = np.asarray(page_rows.x if isinstance(page_rows.x, np.ndarray) else page_rows.x.toarray())
        low, high = x.min(axis=0), x.max(axis=0)
        low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
    elif path.standardize and path.whole.inputs is None:
        low, high = (path.whole.center + sign * _PLANE_SPAN * path.whole.scale for sign in (-1, 1))
    else:
        return None  # nothing says where the rows are
    if not (np.isfinite(high - low) & (high > low)).all():
        return None
    side = finest or min(_FINEST_PLANE, int(np.sqrt(_MOST_OF_PLANE / len(shown))))
    across, up = (np.linspace(low[k], high[k], side) for k in (0, 1))
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    predicted = [loss.predict(path.model(s).output(plane)) for s in shown]
    several, classification = outputs > 1, facts(loss).is_classification
    points: Points | None = None
    if page_rows is not None:
        sampled = spread(len(x), _MOST_POINTS)
        target = page_rows.target[sampled].argmax(axis=1) if several else page_rows.target[sampled, 0]
        points = {"across": rounded(x[sampled, 0]), "up": rounded(x[sampled, 1]), "target": rounded(target)}
    return {
        "kind": "classes" if several else "probability" if classification else "numbers",
        "names": [short(name) for name in columns],
        "classes": [short(name) for name in names] if classification else [],
        "across": rounded(across),
        "up": rounded(up),
        "values": [
            each.argmax(axis=1).reshape(side, side).tolist() if several else rounded(each.reshape(side, side), 3)
            for each in predicted
        ],
        "points": points,
    }


def _numbered(path: MLPPath) -> list[str]:
    outputs = path.parameters[-1].shape[-1]
    kind = "class" if facts(path.loss).is_classification else "target"
    return ["no", "yes"] if outputs == 1 else [f"{kind} {k + 1}" for k in range(outputs)]
