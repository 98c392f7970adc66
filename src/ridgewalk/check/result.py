"""The result of a check: a row of numbers for each array, and a sentence for each fault."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Generic, Literal, TypedDict, TypeVar

import numpy as np

from ridgewalk.arrays import Array

SAME = 1e-3  # relative: two numbers agree, even where the code under check works in single precision


@dataclass(frozen=True)
class Slopes:
    """Comparison of one array's gradient with differences of f: number of slopes, and their relative errors."""

    name: str
    compared: int
    worst: float
    median: float
    ok: bool


@dataclass(frozen=True)
class MeasuredStrengths:
    """Strengths of a penalty on one array, measured from its gradient in a step with this number of rows.

    ``unexplained`` is the share (root mean square) of the gradient that ``l1 sign(w) + 2 l2 w`` does not explain.
    """

    name: str
    rows: int
    l1: float
    l2: float
    unexplained: float

    @property
    def words(self) -> str:
        """Describe the strengths that are not zero."""
        parts = [f"{kind} = {value:.4g}" for kind, value in (("l1", self.l1), ("l2", self.l2)) if value]
        return ", ".join(parts) or "nothing"


Kind = Literal["wired wrong", "wrong scale", "cannot be read"]
"""What is wrong: the mathematics; a factor alone; or nothing that is known, for the check cannot read it."""


@dataclass(frozen=True)
class Wrong:
    """A fault, of some arrays or in general."""

    words: str
    arrays: tuple[str, ...] = ()
    kind: Kind = "wired wrong"

    @property
    def sentence(self) -> str:
        """The sentence after the names of the arrays."""
        return f"{', '.join(self.arrays)}: {self.words}" if self.arrays else self.words


Row = TypeVar("Row", bound=Slopes | MeasuredStrengths)


class CheckData(TypedDict):
    """A check as plain data; a row has the fields of :class:`Slopes` or :class:`MeasuredStrengths`."""

    ok: bool
    arrays: list[dict[str, str | float | None]]
    findings: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Check(Generic[Row]):
    """The result of a check: numbers for each array, faults, and notes."""

    arrays: tuple[Row, ...]
    wrong: tuple[Wrong, ...]
    notes: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """Sentences for the faults."""
        return tuple(each.sentence for each in self.wrong)

    @property
    def ok(self) -> bool:
        """Whether there is no fault."""
        return not self.findings

    def raise_if_wrong(self) -> None:
        """Raise a ValueError with all findings, for use in tests."""
        if self.findings:
            raise ValueError("\n".join(self.findings))

    def to_dict(self) -> CheckData:
        """Return the check as plain data for JSON; numbers that are not finite become None."""
        rows = [{key: _plain(value) for key, value in asdict(row).items()} for row in self.arrays]
        return {"ok": self.ok, "arrays": rows, "findings": list(self.findings), "notes": list(self.notes)}

    def __str__(self) -> str:
        lines = [[field.name for field in fields(row)] for row in self.arrays[:1]]
        lines += [[_cell(value) for value in asdict(row).values()] for row in self.arrays]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        verdict = self.findings or ("Nothing is wrong.",)
        return "\n".join([*table, *verdict, *(f"Note: {note}" for note in self.notes)])


GradientCheck = Check[Slopes]
PenaltyCheck = Check[MeasuredStrengths]


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


Arrays = Array | Sequence[Array] | Mapping[str, Array]
"""What is checked: one array; several; or several by their names."""


def named(x: Arrays, names: Sequence[str] | None = None) -> tuple[list[Array], list[str]]:
    """Return a list of float64 arrays, and a name for each: of a mapping its own, else those given, else "array 1"."""
    if isinstance(x, Mapping):
        names = list(x)
    values = x.values() if isinstance(x, Mapping) else listed(x)
    arrays: list[Array] = [np.array(each, dtype=np.float64) for each in values]
    labels = [f"array {k}" for k in range(1, len(arrays) + 1)] if names is None else list(names)
    if not arrays or len(labels) != len(arrays):
        raise ValueError(f"{len(arrays)} arrays take as many names (and at least one), got {len(labels)}: {labels}.")
    return arrays, labels


def listed(gradients: Any) -> list[Array]:
    """Take one array or a sequence of them as a list of arrays."""
    several = isinstance(gradients, Sequence)
    return [np.asarray(each) for each in gradients] if several else [np.asarray(gradients)]


def gradients_of(arrays: Sequence[Array], claimed: Any, labels: Sequence[str]) -> tuple[list[Array], dict[int, Wrong]]:
    """List the gradients, and describe by position which of them is not a valid gradient."""
    gradients = listed(claimed)
    if len(gradients) != len(arrays):
        raise ValueError(f"A gradient for each of {len(arrays)} arrays ({', '.join(labels)}), got {len(gradients)}.")
    faults = {}
    for k, (name, w, dw) in enumerate(zip(labels, arrays, gradients, strict=True)):
        if dw.shape != w.shape:
            like = [other for other, v in zip(labels, arrays, strict=True) if v.shape == dw.shape]
            hint = f" {dw.shape} is the shape of {like[0]}: is its penalty added to this array?" if like else ""
            faults[k] = Wrong(f"the gradient is shaped {dw.shape}, the array {w.shape}.{hint}", (name,))
        elif not np.isfinite(dw).all():
            count = np.count_nonzero(~np.isfinite(dw))
            faults[k] = Wrong(f"{count} of {dw.size} numbers of the gradient are not finite.", (name,))
    return gradients, faults


def multiple(claimed: Array, measured: Array, tolerance: float = SAME) -> float | None:
    """Return k where the claimed gradient is k times the measured one, else None."""
    square = float(measured @ measured)
    if square == 0:
        return None
    k = float(claimed @ measured) / square
    return k if np.linalg.norm(claimed - k * measured) <= tolerance * np.linalg.norm(claimed) else None


def ratio(k: float) -> str:
    """Name a factor: "2 times", "1/32 of", "0.734 times"."""
    if k and abs(k) < 0.7 and abs(k * round(1 / k) - 1) < SAME:
        return f"{'-' if k < 0 else ''}1/{abs(round(1 / k))} of"
    return f"{round(k)} times" if round(k) and abs(k / round(k) - 1) < SAME else f"{k:.4g} times"


def suspect(k: float, rows: int | None = None) -> str:
    """Guess where a factor comes from."""
    known = {-1.0: "a sign", 2.0: "a one-half that only one side has", 0.5: "a factor of 2 that only one side has"}
    if rows is not None and rows > 1:
        known |= {
            1 / rows: f"a division by the {rows} rows of the step",
            rows: f"a sum over the {rows} rows of the step",
        }
    for factor, words in known.items():
        if abs(k - factor) < SAME * abs(factor):
            return f" The suspect: {words}."
    if ratio(k).startswith("1/"):
        return f" The suspect: a division by {round(1 / k)} (rows? outputs?) that only one side has."
    return f" The suspect: a sum over {round(k)} (rows? outputs?) where a mean belongs." if round(k) > 2 else ""
