"""What a page shows of every strength, beside the summary: inputs, weights, predictions; plain data, of limited size.

    inputs     importance: norm of an input's first-layer weights, in the units that the network sees (those to hidden
               units that lead to an output: :mod:`ridgewalk.importance`)
               frequency:  share of the folds x seeds whose network uses it
    layers     weights of the best start on all rows, of an input that became several numbers their norm; an exact zero
               stays exactly 0
    curves     how the folds train: data loss and penalty apart
    rows       predictions on rows that someone gave: confusion or residuals, calibration
    regions    predictions over the plane, where there are two inputs

Numbers are rounded to four digits. What is too large to show is cut to its largest parts, and how much is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ridgewalk.arrays import Array, Booleans, Integers
from ridgewalk.engine.job import History
from ridgewalk.importance import by_origin
from ridgewalk.losses import facts
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Choice, Rule
from ridgewalk.report.schema import (
    AnswerSummary,
    BlendSummary,
    Curves,
    InputsAlong,
    LayerAlong,
    LinearSummary,
    LossAlong,
    Page,
    PathAxes,
    PathSummary,
    Points,
    Regions,
    RowsAlong,
)
from ridgewalk.report.summary import by_input, kept_inputs, sentences, summarize

if TYPE_CHECKING:
    from ridgewalk.diagnostics.verdict import DiagnosisData

_MOST_INPUTS, _MOST_CLASSES, _MOST_ROWS, _LONGEST_NAME = 40, 20, 200, 80
_WIDEST_LAYER, _MOST_WEIGHTS = 64, 150_000  # rows and columns of a matrix; numbers over all layers and strengths
_FINEST_PLANE, _MOST_OF_PLANE = 48, 100_000  # points along a side; numbers over all strengths
_BINS = 10
_SPAN = 2.5  # standard deviations around the center, where nobody gave rows
_LEAST_GAP = 0.3  # powers of ten between the place of 0 and that of the weakest strength
_WIDE, _DEEPEST, _ROOM = 12, 300, 1.3  # ratios: highest loss to lowest; held-out to training loss; the axis's ends


@dataclass(frozen=True, eq=False)
class Given:
    """Rows to look at predictions on.

    Attributes
    ----------
    x : array or sparse array, shape (N, P)
    target : array, shape (N, C)
        As the loss encodes it.
    """

    x: Any
    target: Array


@dataclass(frozen=True, eq=False)
class Extras:
    """What a page shows beside the path itself.

    Attributes
    ----------
    classes : list of str, optional
        Their names, in the order of the outputs; no and yes where there is one output.
    given : Given, optional
        Rows to predict at every strength.
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
    """

    classes: list[str] | None = None
    given: Given | None = None
    diagnosis: DiagnosisData | None = None
    history: History | None = None
    title: str = "A walked path"
    linear: LinearSummary | None = None
    blend: BlendSummary | None = None
    answer: AnswerSummary | None = None


def page_data(
    path: MLPPath,
    rule: Rule,
    origins: list[str] | None = None,
    choice: Choice | None = None,
    how: str | None = None,
    extras: Extras | None = None,
) -> Page:
    """Collect everything that a page shows.

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
    said, given = sentences(summary), extras.given
    names = extras.classes or _numbered(path)
    return {
        "title": extras.title,
        "made_by": f"ridgewalk {version('ridgewalk')}",
        "summary": cast(PathSummary, {name: value for name, value in summary.items() if name != "inputs"}),
        "axes": axes(summary),
        "sentences": said,
        "diagnosis": extras.diagnosis,
        "inputs": inputs_along(path, origins, summary["index"]),
        "layers": _layers(path, origins, names),
        "curves": _curves(extras.history) if extras.history else None,
        "rows": _rows(path, given, names) if given else None,
        "regions": regions(path, origins, given, names, range(len(path.alphas))),
    }


def axes(summary: PathSummary) -> PathAxes:
    """Say how a path is drawn."""
    rows = summary["path"]
    alphas = np.array([row["alpha"] for row in rows])
    positive = alphas[alphas > 0]
    rising = bool(positive.size) and bool((np.diff(alphas) > 0).all())
    places = np.arange(len(alphas), dtype=float)
    if rising:
        logarithms = np.log10(positive)
        zero = logarithms[0] - max(_LEAST_GAP, (logarithms[-1] - logarithms[0]) / 10)
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
    return {"rising": rising, "places": places.tolist(), "losses": losses}


def inputs_along(path: MLPPath, origins: list[str] | None, chosen: int) -> InputsAlong:
    """Give importance and frequency, along the path, of the inputs that matter most at the chosen strength."""
    columns = by_input(path, origins)
    best = [path.best_seed(s) for s in range(len(path.alphas))]
    kept = kept_inputs(path, columns)
    count = path.inputs_kept.shape[-1]
    of_columns = np.stack([path.model(s, seed).importance(count) for s, seed in enumerate(best)])
    importance = by_origin(of_columns, _origin(columns, count), len(columns))
    frequency = kept[:, :-1].mean(axis=(1, 2))
    order = np.lexsort((-importance.max(axis=0), -importance[chosen], -frequency[chosen]))[:_MOST_INPUTS]
    names = list(columns)
    return {
        "names": [_short(names[k]) for k in order],
        "left_out": len(names) - len(order),
        "standardized": path.standardize,
        "importance": _rounded(importance[:, order]),
        "frequency": _rounded(frequency[:, order]),
        "kept": [[bool(kept[s, -1, seed, k]) for k in order] for s, seed in enumerate(best)],
    }


def _layers(path: MLPPath, origins: list[str] | None, classes: list[str]) -> list[LayerAlong]:
    """Weights of every layer at every strength: those between the inputs and units with the largest weights."""
    strengths = np.arange(len(path.alphas))
    best = np.array([path.best_seed(s) for s in range(len(strengths))])
    weights = [w[strengths, best].astype(float) for w in path.parameters[::2]]
    shapes = [list(w.shape[1:]) for w in weights]
    weights[0], inputs = _of_inputs(weights[0], path, origins)
    squares = [(w**2).mean(axis=0) for w in weights]
    sums = [squares[0].sum(axis=1), *(below.sum(axis=0) for below in squares)]
    side = _WIDEST_LAYER
    sizes = np.array([len(each) for each in sums])
    while side > 1 and len(strengths) * (np.minimum(sizes[:-1], side) @ np.minimum(sizes[1:], side)) > _MOST_WEIGHTS:
        side -= 1
    shown = [np.sort(np.argsort(-each, kind="stable")[:side]) for each in sums]
    labels = [[inputs[k] for k in shown[0]], *([f"unit {k + 1}" for k in each] for each in shown[1:-1])]
    several = len(classes) == len(sums[-1])
    labels.append([_short(classes[k]) if several else f"output {k + 1}" for k in shown[-1]])
    return [
        {
            "shape": shapes[k],
            "rows": w.shape[1],
            "from": labels[k],
            "to": labels[k + 1],
            "zeros": _rounded(path.layer_zeros[strengths, -1, best, k]),
            "weights": _rounded(w[:, shown[k]][:, :, shown[k + 1]]),
        }
        for k, w in enumerate(weights)
    ]


def _of_inputs(weights: Array, path: MLPPath, origins: list[str] | None) -> tuple[Array, list[str]]:
    """Return the first layer's weights (S, M, H) by inputs, and their names: of several numbers the norm, unsigned."""
    rows, names = [], []
    for name, columns in by_input(path, origins).items():
        numbers = np.flatnonzero(np.isin(path.whole.column, columns))
        if not numbers.size:
            continue
        several = len(numbers) > 1
        rows.append(np.sqrt((weights[:, numbers] ** 2).sum(axis=1)) if several else weights[:, numbers[0]])
        names.append(f"{_short(name)} (norm of {len(numbers)})" if several else _short(name))
    return np.stack(rows, axis=1), names


def _origin(columns: dict[str, list[int]], count: int) -> Integers:
    """Return the number of the input that each of so many columns came from."""
    origin: Integers = np.zeros(count, dtype=int)
    for number, each in enumerate(columns.values()):
        origin[each] = number
    return origin


def _curves(history: History) -> Curves:
    """Give data loss, penalty and validation loss along the training at every strength, apart."""
    return {
        "epochs": history.epochs.tolist(),
        "data_loss": _rounded(history.data_loss),
        "penalty": _rounded(history.penalty),
        "validation_loss": _rounded(history.validation_loss),
    }


def _rows(path: MLPPath, given: Given, names: list[str]) -> RowsAlong:
    """Predictions of the best start at every strength, compared with what was observed."""
    loss, target = path.loss, given.target
    outputs = [path.model(s).output(given.x) for s in range(len(path.alphas))]
    predicted = [loss.predict(output) for output in outputs]
    scale = path.whole.target_scale if target.shape[1] > 1 and not facts(loss).is_classification else 1.0
    told: LossAlong = {
        "count": len(target),
        "loss": _rounded(np.array([loss.values(output / scale, target / scale).mean() for output in outputs])),
    }
    if not facts(loss).is_classification:
        some = spread(len(target), _MOST_ROWS)
        observed = target[:, 0]
        first = [each[:, 0] for each in predicted]
        return {
            **told,
            "kind": "numbers",
            "targets": target.shape[1],
            "score": [_explained(observed, each) for each in first],
            "observed": _rounded(observed[some]),
            "predicted": [_rounded(each[some]) for each in first],
            "calibration": [_calibration(each, observed, _quantiles(each)) for each in first],
        }
    if facts(loss).is_multilabel(target.shape[1]):
        return {
            **told,
            "kind": "labels",
            "calibrated": "every label",
            "score": _shares([(each > 0.5) == (target > 0.5) for each in predicted]),
            "calibration": _reliability([(each.ravel(), target.ravel()) for each in predicted]),
        }
    single = target.shape[1] == 1
    truth = (target[:, 0] > 0.5).astype(int) if single else target.argmax(axis=1)
    chosen = [(each[:, 0] > 0.5).astype(int) if single else each.argmax(axis=1) for each in predicted]
    right = [each == truth for each in chosen]
    pairs = [
        (each[:, 0], target[:, 0]) if single else (each.max(axis=1), hit)
        for each, hit in zip(predicted, right, strict=True)
    ]
    counts = np.bincount(truth, minlength=len(names))
    shown = np.sort(np.argsort(-counts, kind="stable")[:_MOST_CLASSES])
    return {
        **told,
        "kind": "classes",
        "calibrated": f"the probability of {_short(names[1])}" if single else "the probability of the predicted class",
        "classes": [_short(names[k]) for k in shown],
        "classes_left_out": len(names) - len(shown),
        "confusion": [_confusion(truth, each, len(names))[np.ix_(shown, shown)].tolist() for each in chosen],
        "score": _shares(right),
        "calibration": _reliability(pairs),
    }


def _shares(right: list[Booleans]) -> list[float | None]:
    """Return the share of what is right."""
    return [_few(float(each.mean())) for each in right]


def _reliability(pairs: list[tuple[Array, Array]]) -> list[list[list[float | None]]]:
    """Return the calibration of probabilities, each beside whether it came so, in equal bins."""
    bins = np.linspace(0, 1, _BINS + 1)
    return [_calibration(probability, hit, bins) for probability, hit in pairs]


def _confusion(truth: Integers, chosen: Integers, count: int) -> Integers:
    """How often each class (rows) was taken for each (columns)."""
    return np.bincount(truth * count + chosen, minlength=count**2).reshape(count, count)


def _calibration(predicted: Array, observed: Array, bins: Array) -> list[list[float | None]]:
    """Mean prediction, mean of what was observed, and count of rows in every bin that is not empty."""
    place = np.clip(np.searchsorted(bins, predicted, side="right") - 1, 0, len(bins) - 2)
    members = [place == k for k in np.unique(place)]
    return [[_few(predicted[m].mean()), _few(observed[m].mean()), int(m.sum())] for m in members]


def _quantiles(values: Array) -> Array:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)))
    return edges if len(edges) > 1 else np.array([edges[0], edges[0] + 1])


def _explained(observed: Array, predicted: Array) -> float | None:
    """Share of the variance that is explained; None where nothing varies."""
    spread = ((observed - observed.mean()) ** 2).sum()
    return _few(1 - ((observed - predicted) ** 2).sum() / spread) if spread > 0 else None


def regions(
    path: MLPPath,
    origins: list[str] | None,
    given: Given | None,
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
    if path.inputs_kept.shape[-1] != 2 or len(columns) != 2 or outputs > _MOST_CLASSES // 2:
        return None
    if outputs > 1 and facts(loss).output_activation != "softmax":
        return None
    if given is not None:
        x = np.asarray(given.x if isinstance(given.x, np.ndarray) else given.x.toarray())
        low, high = x.min(axis=0), x.max(axis=0)
        low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)
    elif path.standardize and path.whole.inputs is None:
        low, high = (path.whole.center + sign * _SPAN * path.whole.scale for sign in (-1, 1))
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
    if given is not None:
        some = spread(len(x), _MOST_ROWS)
        target = given.target[some].argmax(axis=1) if several else given.target[some, 0]
        points = {"across": _rounded(x[some, 0]), "up": _rounded(x[some, 1]), "target": _rounded(target)}
    return {
        "kind": "classes" if several else "probability" if classification else "numbers",
        "names": [_short(name) for name in columns],
        "classes": [_short(name) for name in names] if classification else [],
        "across": _rounded(across),
        "up": _rounded(up),
        "values": [
            each.argmax(axis=1).reshape(side, side).tolist() if several else _rounded(each.reshape(side, side), 3)
            for each in predicted
        ],
        "points": points,
    }


def _numbered(path: MLPPath) -> list[str]:
    outputs = path.parameters[-1].shape[-1]
    kind = "class" if facts(path.loss).is_classification else "target"
    return ["no", "yes"] if outputs == 1 else [f"{kind} {k + 1}" for k in range(outputs)]


def spread(count: int, most: int) -> Integers:
    """Numbers of at most so many of them, evenly spread, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _rounded(values: Array, digits: int = 4) -> Any:
    """Nested lists of numbers of so many digits, ready for JSON."""
    return [_rounded(each, digits) if np.ndim(each) else _few(each, digits) for each in np.asarray(values)]


def _few(value: Any, digits: int = 4) -> float | None:
    """Round to so many digits: 0 stays 0, and what is not 0 does not become it."""
    return float(f"{value:.{digits}g}") + 0.0 if np.isfinite(value) else None
