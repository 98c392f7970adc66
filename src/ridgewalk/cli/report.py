"""``ridgewalk report``: write the HTML report of a saved model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.markup import escape

from ridgewalk.cli.console import err, noted, out, show_answer
from ridgewalk.cli.files import PAGE_FILE, blends, free, kept, rows_of
from ridgewalk.cli.options import OUTPUT, TABLE_HELP, AsJson, Force, Model, PathOptions, Quiet, Reading, option, options
from ridgewalk.cli.training import read_rows
from ridgewalk.formatting import format_loss

if TYPE_CHECKING:
    from ridgewalk.diagnostics import Diagnosis
    from ridgewalk.report.schema import Card
    from ridgewalk.tables import Encoder


@options
def report(
    model: Model,
    reading: Reading,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help=f"Rows with the target, to predict and score. {TABLE_HELP}",
            show_default=False,
        ),
    ] = None,
    out_file: Annotated[Path, option("--out", metavar="FILE.html", help="Output file.", panel=OUTPUT)] = Path(
        PAGE_FILE
    ),
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Write an HTML report; with a file, also score the predictions for its rows (use new rows)."""
    from sklearn.base import is_classifier

    from ridgewalk.tables.missing import NA_TEXTS
    from ridgewalk.tables.table import read_target

    free(out_file, file, force, "--out")
    estimator, encoder, target = kept(model)
    rows: tuple[Any, Any] = (None, None)
    notes: list[str] = []
    fitted_to = False
    if file is not None:
        classes = estimator.classes_ if is_classifier(estimator) else None
        with_na = [] if classes is None or NA_TEXTS.isdisjoint(map(str, classes)) else [target]
        frame = read_rows(file, reading, target=target, encoder=encoder, with_na=with_na)
        y = read_target(frame, target, classes)
        rows = (rows_of(estimator, encoder, frame), y)
        notes, fitted_to = encoder.unseen(frame), _was_fitted_to(estimator, y)
        notes += [_FLATTERED] if fitted_to else []
    draw(out_file, estimator, encoder, target, rows)
    summary = estimator.summary() if blends(estimator) else estimator.summary(encoder.origins)
    answer = summary.get("answer")
    measures = {} if file is None else measured(estimator, *rows)
    if as_json:
        print(json.dumps({"file": str(out_file), "notes": notes, "answer": answer} | measures, indent=1))
    elif not quiet:
        noted(notes)
        if answer is not None:
            show_answer(answer)
            out.print()
        if measures:
            text = ", ".join(f"{name} {format_loss(value)}" for name, value in measures.items() if name != "rows")
            rows_told = "this row" if measures["rows"] == 1 else f"these {measures['rows']:,} rows"
            doubt = "" if fitted_to else " (too good, if the model was fitted to some of these rows)"
            out.print(f"On {rows_told}: {text}{doubt}.")
        err.print(f"To look at: {escape(str(out_file))}", soft_wrap=True)


_FLATTERED = (
    "These are the rows that the model was fitted to, so what is measured on them is too good: see how good it is on "
    "held-out rows, or give new rows."
)


def _was_fitted_to(model: Any, y: Any) -> bool:
    """Return whether these are, in their order, the targets of the fit; False also where they are not known."""
    from sklearn.base import is_classifier

    from ridgewalk.estimators.access import observed_of

    network = getattr(model, "network_", model)
    observed = observed_of(network)
    if observed is None or len(observed) != len(y):
        return False
    classes = np.asarray(model.classes_) if is_classifier(model) else None
    numbered = y if classes is None else np.searchsorted(classes, y)
    target = network.path_.loss.encode(numbered, None if classes is None else len(classes))
    return bool(np.array_equal(target, observed))


def measured(model: Any, x: Any, y: Any) -> dict[str, float]:
    """Describe how good predictions are: accuracy and log loss of classes; RMSE of numbers, and R2 where they vary.

    Where a positive class was named, its precision, recall, F1 and average precision come with it.
    """
    from sklearn.base import is_classifier
    from sklearn.metrics import log_loss, root_mean_squared_error

    if not is_classifier(model):
        varied = {"R2": float(model.score(x, y))} if np.ptp(y) > 0 else {}
        return {"rows": len(y)} | varied | {"RMSE": float(root_mean_squared_error(y, model.predict(x)))}
    loss = log_loss(y, model.predict_proba(x), labels=model.classes_)
    found = {"rows": len(y), "accuracy": float(model.score(x, y)), "log loss": float(loss)}
    return found if getattr(model, "pos_label", None) is None else found | _of_positive(model, x, y)


def _of_positive(model: Any, x: Any, y: Any) -> dict[str, float]:
    """Measure how well the positive class is found, where it is among the rows."""
    from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

    from ridgewalk.estimators.positive import OfPositive

    judged = OfPositive(model, model.pos_label)
    target, predicted = judged.as_target(y), judged.predict(x)
    if not target.any():
        return {}
    scores = {"precision": precision_score, "recall": recall_score, "F1": f1_score}
    found = {name: float(score(target, predicted, zero_division=0)) for name, score in scores.items()}
    return found | {"average precision": float(average_precision_score(target, judged.predict_proba(x)[:, 1]))}


def draw(
    file: Path,
    model: Any,
    encoder: Encoder,
    target: str,
    rows: tuple[Any, Any] = (None, None),
    curves: bool = False,
    diagnosis: Diagnosis | None = None,
    card: Card | None = None,
) -> None:
    """Write the page, whole or not at all; ``card`` is by default that of the model."""
    from ridgewalk.estimators.access import write_page
    from ridgewalk.estimators.page_content import PageContent

    x, y = rows
    if blends(model) and x is not None:
        x = encoder.encoded(x)
    card = card or card_of(model, encoder, target)
    title = f"What predicts {target}"
    write_page(model, file, PageContent(x, y, diagnosis, curves, encoder.origins, title, encoder, card))


def card_of(model: Any, encoder: Encoder, target: str, notes: Sequence[str] | None = None) -> Card:
    """Describe a model that a command fitted; what commands set by themselves is no option that differs."""
    from ridgewalk.estimators.card import model_card

    usual = {"random_state": PathOptions.random_state, "groups": model.get_params(deep=False).get("groups")}
    return model_card(model, encoder, target=target, notes=notes, usual=usual)
