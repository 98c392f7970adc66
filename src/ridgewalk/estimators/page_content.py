"""What to show in an HTML report besides the path itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ridgewalk.diagnostics import Diagnosis
from ridgewalk.report.schema import Card, Summary
from ridgewalk.tables import Encoder


@dataclass(frozen=True, eq=False)
class PageContent:
    """What a page shows.

    Attributes
    ----------
    X, y : array_like, optional
        Rows to compare predictions on, as the estimator takes them.
    diagnosis : Diagnosis, optional
    curves : bool
        Whether the folds are trained once more, to show how.
    origins : list of str, optional
        Name of the input that each column came from.
    title : str
    encoder : Encoder, optional
        What made the columns.
    card : Card, optional
        By default that of the estimator.
    of_table : Summary, optional
        Of a table model, whose single network the page shows; by default that of the estimator itself.
    """

    X: Any = None
    y: Any = None
    diagnosis: Diagnosis | None = None
    curves: bool = False
    origins: list[str] | None = None
    title: str = "A fitted path"
    encoder: Encoder | None = None
    card: Card | None = None
    of_table: Summary | None = None
