"""Laws of what a notebook shows: the summary's numbers, no array written out, and no text that becomes an element."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor
from ridgewalk.diagnostics import Diagnosis, Finding
from ridgewalk.formatting import format_loss
from ridgewalk.markup import element, list_of_findings, table
from ridgewalk.report.summary import sentences
from test_report import HOSTILE, Page, forty_columns, linear, numbers, refits, three_classes, two_classes

BENEATH = {"p", "table", "thead", "tbody", "tr", "th", "td", "ul", "li"}
CASES = [two_classes, three_classes, numbers, forty_columns, linear, refits]


class Text(Page):
    """What a reader finds in a piece of HTML: its text, beside the elements."""

    def __init__(self, text: Any) -> None:
        self.text: list[str] = []
        super().__init__(text)

    def handle_data(self, text: Any) -> None:
        super().handle_data(text)
        self.text.append(text)


def beneath(model: Any) -> Text:
    """Return the HTML beneath scikit-learn's own box."""
    whole, box = model._repr_html_(), clone(model)._repr_html_()
    assert whole.startswith("<style>")
    assert "overflow-x: auto" in whole
    assert "overflow-x: auto" not in box.rpartition("</script>")[2]
    return Text(whole.rpartition('<div style="overflow-x: auto">')[2])


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def fitted(request: pytest.FixtureRequest) -> Any:
    model, x, y = request.param()
    return model.fit(x, y), x


@pytest.mark.slow
def test_an_estimator_shows_the_summary(fitted: Any) -> None:
    model, _ = fitted
    told = beneath(model)
    summary = model.summary()
    assert {" ".join(each.split()) for each in sentences(summary)} <= {" ".join(each.split()) for each in told.text}
    shown = {s for s, row in enumerate(summary["path"]) if row["marks"] or row["alpha"] == 0} | {model.index_}
    assert sum(tag == "tr" for tag, _ in told.elements) == 2 + len(summary["answer"]["competitors"]) + len(shown)
    for s in shown:
        assert format_loss(summary["path"][s]["heldout_loss"]) in told.text
        assert f"{summary['path'][s]['alpha']:.4g}" in told.text
    assert {tag for tag, _ in told.elements} <= BENEATH


def test_a_path_is_a_line_a_table_or_a_piece_of_html(fitted: Any) -> None:
    path = fitted[0].path_
    assert len(repr(path.model(0))) < 100
    line, lines = repr(path), str(path).splitlines()
    assert len(line) < 200
    assert "\n" not in line
    assert lines[0] == line
    assert len(lines) == 2 + len(path.alphas)
    assert len({len(each[: len(lines[1])]) for each in lines[1:]}) == 1  # columns stand under their heads, marks behind
    for s, row in enumerate(lines[2:]):
        seed = path.best_seed(s)
        alpha, loss, _, training, zeros, inputs, units, *_ = row.split()
        assert (alpha, zeros) == (f"{path.alphas[s]:.4g}", f"{path.zeros[s, -1, seed]:.0%}")
        assert float(loss) == pytest.approx(np.average(path.row_loss[s], weights=path.row_weights), rel=1e-3)
        assert float(training) == pytest.approx(path.train_loss[s, -1, seed], rel=1e-3)
        assert (int(inputs), int(units)) == (path.inputs_kept[s, -1, seed].sum(), path.units_kept[s, -1, seed])
    told = Text(path._repr_html_())
    assert line in told.text
    cells = [
        cell for row in lines[2:] for cell in (*row[: len(lines[1])].split(), row[len(lines[1]) :].strip()) if cell
    ]
    assert [text for text in told.text if text in cells] == cells


def test_before_the_fit_and_after_compacting() -> None:
    model, x, y = numbers()
    assert "overflow-x: auto" not in model._repr_html_().rpartition("</script>")[2]
    small = model.fit(x, y).compact()
    assert f"{small.model_.size.numbers:,}" in beneath(small).text


@pytest.mark.filterwarnings("ignore:Training ended")
def test_one_strength_shows_loss_and_penalty_apart() -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    model = MLPRegressor((4,), alpha=0.1, l1_ratio=1, max_iter=5, early_stopping=True, random_state=0).fit(x, x[:, 0])
    told = beneath(model).text
    assert model.validation_loss_curve_ is not None
    assert {
        format_loss(model.loss_),
        format_loss(model.penalty_curve_[-1]),
        format_loss(model.validation_loss_curve_[-1]),
    } <= set(told)
    assert f"{model.support_.sum()} of 3" in told
    assert "validation loss" not in beneath(MLPClassifier((4,), max_iter=5).fit(x, x[:, 0] > 0)).text


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_an_element(text: Any) -> None:
    finding = Finding("e", text, True, text, text, {})
    x = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=[text, "other"])
    model = MLPClassifierCV((3,), alphas=2, cv=2, max_iter=5, random_state=0).fit(x, x["other"] > 0)
    pieces = {
        element("p", text): {"p"},
        table([text], [[text]]): {"table", "thead", "tbody", "tr", "th", "td"},
        list_of_findings([(text, text, text)]): {"ul", "li", "b", "i"},
        Diagnosis(text, (finding, finding), {text: 1})._repr_html_(): {
            "p", "ul", "li", "b", "i", "details", "summary", "table", "thead", "tbody", "tr", "th", "td",
        },
    }  # fmt: skip
    for piece, tags in pieces.items():
        assert {tag for tag, _ in Text(piece).elements} == tags
        assert text in "".join(Text(piece).text)
    assert {tag for tag, _ in beneath(model).elements} <= BENEATH


def test_a_diagnosis_shows_its_headline_once_and_its_numbers() -> None:
    first, second = (
        Finding("e", "helps", True, "It helps.", "Keep it.", {}),
        Finding("u", "underfit", True, "U.", "W.", {}),
    )
    told = Text(
        Diagnosis("It helps.", (first, second), {"folds": 5, "loss": 0.123456, "norms": [1]})._repr_html_()
    ).text
    assert told.count("It helps.") == 1
    assert {"Next: Keep it.", "helps", "underfit", "5", "0.1235", "loss"} <= set(told)
    assert "norms" not in told
