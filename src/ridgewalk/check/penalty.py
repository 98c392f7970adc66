"""Measure the strengths of L1 and L2 from gradients, whatever code computes them.

    gradient with the penalty - gradient without it  =  l1 sign(w) + 2 l2 w  +  what neither explains

The left side is the gradient of ``l1 sum |w| + l2 sum w^2`` at random weights. l1 and l2 are fitted by least squares
over the entries of one array.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ridgewalk.arrays import Array
from ridgewalk.check.gradient import slope_along
from ridgewalk.check.result import (
    SAME,
    Arrays,
    Check,
    Kind,
    MeasuredStrengths,
    PenaltyCheck,
    Wrong,
    gradients_of,
    multiple,
    named,
    ratio,
    suspect,
)

ExpectedStrength = float | Sequence[float | None] | None
"""One number for every weight array; or one per array, None where nothing was asked for; or None."""
_WEIGHT_DRAWS = 8  # draws of the weights: a bias of one unit still gives more equations than unknowns


def check_penalty(
    gradient: Callable[[list[Array], int, bool], Any],
    parameters: Arrays,
    *,
    l1: ExpectedStrength = None,
    l2: ExpectedStrength = None,
    biases: bool | None = None,
    value: Callable[[list[Array]], Any] | None = None,
    batch_sizes: Sequence[int] = (8, 32),
    seed: int = 0,
) -> PenaltyCheck:
    """Measure the strengths of L1 and L2 from a gradient, and compare them with the expected ones.

    Each array is measured at random weights of the same size as the given ones, for each batch size, and again with
    weights that are exactly zero, where neither penalty has a slope.

    Parameters
    ----------
    gradient : callable
        ``gradient(arrays, rows, on)``: the gradients that a step with this number of rows uses at these arrays, with
        the penalty (on is True) or without it.
    parameters : array, sequence of arrays, or mapping of names to arrays
        Determine the shapes, and the size of the random weights. Without names they are called "array 1", ... An array
        is a bias if its name contains "bias" or "intercept"; without names, if it has a single row.
    l1, l2 : float, sequence, or None
        The expected strengths in ``l1 sum |w| + l2 sum w^2``, for all weight arrays or one per array. If both are None,
        the strengths are only measured.
    biases : bool or None
        Whether biases should be penalized; with None, a note says if they are. Strengths per array take precedence.
    value : callable or None
        ``value(arrays)``: the value of the penalty, which is compared with its formula and its gradient.
    batch_sizes : sequence of int
        Numbers of rows to test: a penalty that is divided by the batch size changes with them.
    seed : int
        Seed of the random weights.

    Returns
    -------
    PenaltyCheck
        One row for each array and batch size.

    Raises
    ------
    ValueError
        If the number of strengths or gradients is not that of arrays.
    """
    arrays, labels = named(parameters)
    nameless = not isinstance(parameters, Mapping)
    bias = [
        any(word in name.lower() for word in ("bias", "intercept")) or (nameless and w.size == w.shape[-1:][0])
        for name, w in zip(labels, arrays, strict=True)
    ]
    asked = _asked(labels, bias, l1, l2, biases)
    reader = _Reader(gradient, arrays, labels, tuple(batch_sizes), np.random.default_rng(seed))
    trouble = reader.trouble()
    if trouble:
        return Check((), trouble)
    pulls = [reader.read(k) for k in range(len(arrays))]
    faults: list[Wrong] = []
    notes: list[Wrong] = []
    for k, (pull, strengths) in enumerate(zip(pulls, asked, strict=True)):
        others = list(reader.moved_by(k)) if pull.unexplained else []
        found: list[tuple[str, Kind]] = [(pull.form(others), "wired wrong"), (pull.zeros(), "wired wrong")]
        found.append((pull.batches(), "wrong scale"))
        if strengths is not None and not pull.batches():
            found += pull.promise(*strengths)
        faults += [Wrong(words, (pull.name,), kind) for words, kind in found if words]
        if strengths is not None and pull.silent and any(strengths) and not faults:
            words = "what was asked for is too weak to be told from the gradient's rounding."
            notes.append(Wrong(words, (pull.name,)))
        if bias[k] and biases is None and not (pull.silent or pull.unexplained):
            words = f"penalized like a weight ({pull.rows[0].words}); most leave biases free."
            notes.append(Wrong(words, (pull.name,)))
    wrong = _together(faults)
    if all(pull.silent for pull in pulls) and (faults or not any(strengths is not None for strengths in asked)):
        wrong = (Wrong("The penalty changes the gradient of no array: it is wired to nothing."),)
    if value is not None:
        wrong += _together(Wrong(words, (name,)) for name, words in _values(value, reader, pulls, asked))
    rows = tuple(row for pull in pulls for row in pull.rows)
    return Check(rows, wrong, tuple(note.sentence for note in _together(notes)))


def _asked(
    labels: Sequence[str], bias: Sequence[bool], l1: ExpectedStrength, l2: ExpectedStrength, biases: bool | None
) -> list[tuple[float, float] | None]:
    """Return the expected strengths (l1, l2) of each array, or None."""
    columns: list[list[float | None]] = []
    for name, strength in (("l1", l1), ("l2", l2)):
        if isinstance(strength, Sequence):
            columns.append(list(strength))
        else:
            on_bias = strength if biases else None if biases is None else 0.0
            columns.append([on_bias if each else strength for each in bias])
        if len(columns[-1]) != len(labels):
            raise ValueError(f"{name} is one number, or one for each of {len(labels)} arrays, got {len(columns[-1])}.")
    return [None if a is None and b is None else (a or 0.0, b or 0.0) for a, b in zip(*columns, strict=True)]


class _Reader:
    """Calls the gradient under test, and stores the contribution of the penalty."""

    def __init__(
        self,
        gradient: Callable[[list[Array], int, bool], Any],
        arrays: list[Array],
        labels: list[str],
        batch_sizes: tuple[int, ...],
        generator: np.random.Generator,
    ) -> None:
        self.gradient, self.arrays, self.labels, self.batch_sizes = gradient, arrays, labels, batch_sizes
        sizes = [_size(w) or 0.1 for w in arrays]
        self.points: list[list[Array]] = [
            [size * generator.standard_normal(w.shape) for size, w in zip(sizes, arrays, strict=True)]
            for _ in range(_WEIGHT_DRAWS)
        ]
        self.thinned: list[list[Array]] = [
            [w * (generator.uniform(size=w.shape) < 0.5) for w in self.points[0]],
            [np.zeros_like(w) for w in arrays],
        ]

    def step(self, point: list[Array], rows: int, on: bool) -> list[Array]:
        """Gradients at a point, which the code under check may overwrite."""
        return gradients_of(self.arrays, self.gradient([w.copy() for w in point], rows, on), self.labels)[0]

    def trouble(self) -> tuple[Wrong, ...]:
        """Return why nothing can be read, or read everything."""
        rows, point = self.batch_sizes[0], self.points[0]
        found: dict[int, Wrong] = {}
        for on in (True, False):
            gradients = self.gradient([w.copy() for w in point], rows, on)
            found = gradients_of(self.arrays, gradients, self.labels)[1] | found
        if found:
            return tuple(found[k] for k in sorted(found))
        for first, again in zip(self.step(point, rows, True), self.step(point, rows, True), strict=True):
            if np.abs(first - again).max(initial=0) > SAME**2 * np.abs(first).max(initial=0):
                return (Wrong("The gradient changes from call to call: fix what it draws (dropout, batches)."),)
        self.added = {rows: [self.difference(point, rows) for point in self.points] for rows in self.batch_sizes}
        self.added_to_zeros = [self.difference(point, rows) for point in self.thinned]
        return ()

    def difference(self, point: list[Array], rows: int) -> list[tuple[Array, float]]:
        """Return the contribution of the penalty to each gradient, and its rounding error."""
        pairs = zip(self.step(point, rows, True), self.step(point, rows, False), strict=True)
        return [
            (on.astype(np.float64) - off, 16 * float(np.finfo(np.result_type(on, np.float16)).eps) * _size(off))
            for on, off in pairs
        ]

    def read(self, k: int) -> _Pull:
        """Gather all that is known about one array."""
        noise = max(added[k][1] for each in self.added.values() for added in each)
        pushes = [added[k][0][point[k] == 0] for added, point in zip(self.added_to_zeros, self.thinned, strict=True)]
        return _Pull(
            self.labels[k],
            np.concatenate([point[k].ravel() for point in self.points]),
            {rows: np.concatenate([added[k][0].ravel() for added in each]) for rows, each in self.added.items()},
            np.concatenate(pushes),
            noise,
        )

    def moved_by(self, k: int) -> Iterator[str]:
        """Names of the other arrays on which the penalty's contribution to this gradient depends."""
        rows, (point, other) = self.batch_sizes[0], self.points[:2]
        before, noise = self.added[rows][0][k]
        for i, name in enumerate(self.labels):
            if i != k:
                after = self.difference([*point[:i], other[i], *point[i + 1 :]], rows)[k][0]
                if _size(after - before) > SAME * _size(before) + noise:
                    yield name


@dataclass(frozen=True, eq=False)
class _Pull:
    """What the penalty adds to one array's gradient: for each number of rows, and where weights are zero."""

    name: str
    w: Array
    added: dict[int, Array]
    pushes: Array
    noise: float

    @property
    def first(self) -> Array:
        return next(iter(self.added.values()))

    @property
    def silent(self) -> bool:
        return all(_size(each) <= self.noise for each in self.added.values())

    @property
    def rows(self) -> list[MeasuredStrengths]:
        """Read the strengths at each number of rows."""
        return [self._strengths(rows, added) for rows, added in self.added.items()]

    def _strengths(self, rows: int, added: Array) -> MeasuredStrengths:
        size = _size(added)
        if size <= self.noise:
            return MeasuredStrengths(self.name, rows, 0.0, 0.0, 0.0)
        terms = np.stack([np.sign(self.w), 2 * self.w], axis=1)
        strengths, *_ = np.linalg.lstsq(terms, added, rcond=None)
        parts = terms * strengths
        # A strength that hides in the rounding of the other is none.
        l1, l2 = (
            float(s) if _size(p) > SAME**2 * size + self.noise else 0.0 for s, p in zip(strengths, parts.T, strict=True)
        )
        rest = _size(added - parts.sum(axis=1))
        return MeasuredStrengths(self.name, rows, l1, l2, rest / size if rest > SAME * size + self.noise else 0.0)

    @property
    def unexplained(self) -> float:
        return max(row.unexplained for row in self.rows)

    def form(self, others: Sequence[str]) -> str:
        """Describe how much of the penalty is neither L1 nor L2 of this array."""
        used = f" It changes with {' and '.join(others)}." if others else ""
        pairs = zip(np.split(self.first, _WEIGHT_DRAWS), np.split(self.w, _WEIGHT_DRAWS), strict=True)
        if not others and self.w.size > _WEIGHT_DRAWS and all(multiple(added, w) is not None for added, w in pairs):
            used = " It is in proportion to w, by a factor of its own for each w: a norm that is not squared?"
        amount = f"{self.unexplained:.0%} of what the penalty adds to the gradient"
        return f"{amount} is no l1 sign(w) + 2 l2 w of this array.{used}" if self.unexplained else ""

    def zeros(self) -> str:
        """Check whether weights that are exactly zero are pushed."""
        if not np.isfinite(self.pushes).all():
            return "the penalty's gradient is not finite where weights are exactly zero."
        push = self.pushes[np.abs(self.pushes).argmax()] if self.pushes.size else 0.0
        if self.unexplained or abs(push) <= SAME * _size(self.first) + self.noise:
            return ""
        return f"weights that are exactly zero are pushed off it, by {push:.4g}. Is sign(0) = +1? It must be 0."

    def batches(self) -> str:
        """Check whether the penalty changes with the rows of a step."""
        start, rows = self.first, next(iter(self.added))
        for more, added in self.added.items():
            if _size(added - start) > SAME * _size(start) + self.noise:
                k, readings = multiple(added, start), ", ".join(f"{row.words} at {row.rows}" for row in self.rows)
                by = {"divided by": rows / more, "multiplied by": more / rows}
                how = [verb for verb, factor in by.items() if k is not None and abs(k / factor - 1) < SAME]
                return f"the penalty {f'is {how[0]}' if how else 'changes with'} the rows of a step ({readings})."
        return ""

    def promise(self, l1: float, l2: float) -> Iterator[tuple[str, Kind]]:
        """Check whether the penalty has the expected strengths."""
        due, found, size = l1 * np.sign(self.w) + 2 * l2 * self.w, self.rows[0], _size(self.first)
        if _size(self.first - due) <= SAME * _size(due) + self.noise:
            return
        asked, k = MeasuredStrengths(self.name, 0, l1, l2, 0.0).words, multiple(self.first, due)
        if size <= self.noise:
            yield f"the penalty does not reach it: {asked} asked for.", "wired wrong"
        elif not due.any():
            yield f"it is penalized ({found.words}), and was not to be.", "wired wrong"
        elif k is not None:
            words = f"the penalty is {ratio(k)} what was asked for: {found.words}, not {asked}.{suspect(k, found.rows)}"
            yield words, "wrong scale" if k > 0 else "wired wrong"
        elif not self.unexplained:
            yield f"{found.words} found, {asked} asked for.", "wired wrong"


def _values(
    value: Callable[[list[Array]], Any],
    reader: _Reader,
    pulls: Sequence[_Pull],
    asked: Sequence[tuple[float, float] | None],
) -> Iterator[tuple[str, str]]:
    """Hold the value of the penalty against its own gradient, and against its formula."""
    point = reader.points[0]
    for k, (pull, strengths) in enumerate(zip(pulls, asked, strict=True)):
        w, added = point[k], reader.added[reader.batch_sizes[0]][0][k][0]

        def of(changed: Array, k: int = k) -> float:
            return float(value([changed if i == k else each.copy() for i, each in enumerate(point)]))

        found = slope_along(of, w, w)
        if found is None:
            yield pull.name, "the value of the penalty has no slope that could be measured. Is it in double precision?"
            continue
        slope, least = found
        claimed = float((added * w).sum())
        if abs(claimed - slope) > SAME * max(abs(slope), least):
            share = f"is {ratio(claimed / slope)}" if abs(slope) > least else "is none of"
            silent = "the penalty adds to the loss and carries no gradient."
            yield pull.name, silent if pull.silent else f"the penalty's gradient {share} the slope of its value."
        if strengths is not None:
            due = strengths[0] * float(np.abs(w).sum()) + strengths[1] * float((w * w).sum())
            amount = of(w.copy()) - of(0 * w)
            if abs(amount - due) > SAME * max(abs(due), least * 1e-3):
                words = f"{amount:.4g} where l1 sum |w| + l2 sum w^2 is {due:.4g}"
                yield pull.name, f"the value of the penalty is {words}.{suspect(amount / due) if due else ''}"


def _together(faults: Iterable[Wrong]) -> tuple[Wrong, ...]:
    """Merge equal findings on several arrays into one with all their names."""
    names: dict[tuple[str, Kind], list[str]] = {}
    for each in faults:
        names.setdefault((each.words, each.kind), []).extend(each.arrays)
    return tuple(Wrong(words, tuple(arrays), kind) for (words, kind), arrays in names.items())


def _size(values: Array) -> float:
    """Root mean square."""
    return float(np.sqrt((values**2).mean())) if values.size else 0.0
