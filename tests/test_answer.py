"""Laws of the answer: the terminal, the page, a notebook, the summary and ``answer_`` show the same numbers."""

import base64
import gzip
import html
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ridgewalk
from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.cli import console
from ridgewalk.estimators.access import set_held_out
from ridgewalk.report.answer import Answer, answer_html, answer_table, facts_of, headline, lines, note
from ridgewalk.terminal import Terminal

QUICK: dict[str, Any] = {"alphas": 4, "max_iter": 40, "cv": 3, "learning_rate_init": 0.03, "random_state": 0}
DRAWS = np.random.default_rng(0)
X = pd.DataFrame(DRAWS.normal(size=(90, 4)), columns=["age", "größe", "<b>", "+- 3"])
SIGNAL = X["age"] + np.sin(2 * X["größe"]) + 0.5 * DRAWS.normal(size=90)
TWO = np.where(SIGNAL > 0, "yes", "no")
KINDS: dict[str, Callable[[], Any]] = {
    "two classes": lambda: MLPClassifierCV((6,), **QUICK).fit(X, TWO),
    "many classes": lambda: MLPClassifierCV((6,), n_seeds=2, **QUICK).fit(X, np.digitize(SIGNAL, [-0.5, 0.5])),
    "regression": lambda: MLPRegressorCV((6,), **QUICK).fit(X, 1e5 + 1e4 * SIGNAL),
    "several outputs": lambda: MLPRegressorCV((6,), **QUICK).fit(X, np.c_[SIGNAL, X["<b>"]]),
    "labels": lambda: MLPClassifierCV((6,), **QUICK).fit(X, np.c_[SIGNAL > 0, X["<b>"] > 0].astype(int)),
    "table model": lambda: TableClassifier(cv=3, random_state=0).fit(X, TWO),
    "table of numbers": lambda: TableRegressor(views="plain", cv=3, random_state=0).fit(X, SIGNAL),
    "selected inputs": lambda: MLPClassifierCV((6,), select_inputs=True, **QUICK).fit(X, TWO),
    "linear": lambda: MLPRegressorCV((), **QUICK).fit(X, SIGNAL),
    "one fold": lambda: MLPClassifierCV((6,), **QUICK | {"cv": [(np.arange(60), np.arange(60, 90))]}).fit(X, TWO),
    "qut": lambda: MLPClassifierCV((6,), **QUICK | {"alphas": "qut"}).fit(X, TWO),
    "weights": lambda: MLPRegressorCV((6,), **QUICK).fit(X, SIGNAL, np.arange(90) % 3),
}
SLOW = ("table model", "table of numbers", "selected inputs")


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in KINDS]
)
def model(request: pytest.FixtureRequest) -> Any:
    return KINDS[request.param]()


def cells_of(text: str) -> list[list[str]]:
    """Return cells of the table that plain text holds: a name, estimates and a verdict, two spaces or more apart."""
    rows = [re.split(r" {2,}", line.strip()) for line in text.splitlines()]
    start = next(k for k, row in enumerate(rows) if row[:1] in (["accuracy"], ["R2"]))
    end = next(k for k, row in enumerate(rows) if k > start and row[0].startswith("constant"))
    return rows[start : end + 1]


def cells_of_html(text: str) -> list[list[str]]:
    """Return cells of the first table that a piece of HTML holds, as plain text has them."""
    table = re.findall(r"<tr[^>]*>(.*?)</tr>", text.partition("</table>")[0])
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table]
    return [[html.unescape(cell).replace("±", "+-") for cell in row if cell] for row in cells]


def printed(summary: Any, width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what the terminal shows of a summary, at a width."""
    file = io.StringIO()
    monkeypatch.setattr(console, "out", Terminal(file=file, width=width, highlight=False, emoji=False))
    console.show(summary)
    return file.getvalue()


def test_no_two_views_disagree(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = json.loads(json.dumps(model.summary(), allow_nan=False))
    answer = summary["answer"]
    text = str(model.answer_)
    cells = cells_of(text)
    page = model.report(tmp_path / "page.html").read_text(encoding="utf-8")
    shown = page.partition('<section class="answer" id="answer" aria-label="The answer">')[2].partition("</section>")[0]
    notebook = model._repr_html_().rpartition('<div style="overflow-x: auto">')[2]
    for width in (80, 120, 1000):
        out = printed(summary, width, monkeypatch)
        assert cells_of(out) == cells
        assert " ".join(text.split()) in " ".join(out.split())  # but for where lines break
        assert max(map(len, out.splitlines())) <= width
    assert cells_of_html(shown) == cells_of_html(notebook) == cells_of_html(model.answer_._repr_html_()) == cells
    for said in (headline(answer), note(answer), *facts_of(answer), *(each["sentence"] for each in answer["advice"])):
        for piece in (shown, notebook):
            assert html.escape(said).replace("+- ", "± ") in piece.replace("+- ", "± ")
    data = re.search(r'<script[^>]* id="data"[^>]*>(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(gzip.decompress(base64.b64decode(data[1])))["summary"]["answer"] == answer


def test_the_numbers_shown_are_the_summarys(model: Any) -> None:
    answer = model.summary()["answer"]
    head, *rows = cells_of(str(model.answer_))
    metrics = [*answer["competitors"][0]["metrics"]]
    assert head == metrics + ["verdict"] * (len(head) > len(metrics))
    frame = model.answer_.to_frame()
    assert [row[0] for row in rows] == list(frame.index)
    verdicts = {each["than"]: each["verdict"] or "" for each in answer["differences"]}
    for row, each, (_, of_frame) in zip(rows, answer["competitors"], frame.iterrows(), strict=True):
        assert row[1 + len(metrics) :] == [verdict for verdict in [verdicts.get(each["name"])] if verdict]
        for cell, metric in zip(row[1 : 1 + len(metrics)], metrics, strict=True):
            estimate = each["metrics"][metric]
            value, error = (float(part.replace(",", "")) for part in cell.split(" +- "))
            digits = len(cell.split(" ")[0].partition(".")[2])
            assert value == pytest.approx(estimate["value"], abs=0.5000001 * 10.0**-digits)
            assert error == pytest.approx(estimate["standard_error"], abs=0.5000001 * 10.0**-digits)
            assert (of_frame[metric], of_frame[f"{metric} error"]) == (estimate["value"], estimate["standard_error"])


def test_a_loaded_model_answers_the_same_and_a_compacted_one_says_why_not(model: Any, tmp_path: Path) -> None:
    loaded = ridgewalk.load(ridgewalk.save(model, tmp_path / "model.safetensors"))
    assert loaded.summary()["answer"] == model.summary()["answer"]
    assert str(loaded.answer_) == repr(model.answer_)
    with pytest.raises(AttributeError, match=r"was compacted \(ask the model it came from\)"):
        _ = model.compact().answer_
    assert "answer_" not in dir(model.compact())


def test_a_model_of_a_file_without_it_shows_what_such_a_file_has(tmp_path: Path) -> None:
    model = KINDS["two classes"]()
    told = model.summary()
    del model._held_out
    assert "answer" not in model.summary()
    assert {name: told[name] for name in told if name != "answer"} == model.summary()
    assert "Against no penalty" in model._repr_html_()
    assert 'class="answer"' not in model.report(tmp_path / "page.html").read_text(encoding="utf-8")
    with pytest.raises(AttributeError, match="a file of an earlier ridgewalk"):
        _ = model.answer_
    set_held_out(model, None)
    assert not hasattr(model, "answer_")


def test_what_is_not_known_is_a_dash_and_a_sentence() -> None:
    answer = MLPClassifierCV((6,), **QUICK).fit(X, TWO).summary()["answer"]
    unknown: Any = {"value": None, "standard_error": None}
    for each in answer["competitors"][0]["metrics"]:
        answer["competitors"][0]["metrics"][each] = unknown
    assert answer_table(answer)[1][0][1:4] == ["-", "-", "-"]
    assert "training diverged" in headline(answer)
    assert "<td>-</td>" in answer_html(answer)


def test_names_cannot_become_elements() -> None:
    model = MLPClassifierCV((6,), **QUICK | {"alphas": [0.05]}).fit(X, TWO)
    shown = answer_html(model.summary(["<script>alert(1)</script>", "<b>", "c", "d"])["answer"])
    assert "<script>" not in shown
    assert "<b>" not in shown


def test_lines_break_between_words_and_rows_of_the_table_do_not() -> None:
    answer = KINDS["two classes"]().summary()["answer"]
    every = lines(answer)
    assert all(len(text) <= 40 for line in every if line.kind != "cells" for text in line.wrapped(40))
    rows = [text for line in every if line.kind == "cells" for text in line.wrapped(10)]
    assert len(rows) == 1 + len(answer["competitors"])
    assert len({len(row) for row in rows[1:] if row.endswith("better")}) <= 1  # columns stand under their heads
    assert str(Answer(answer)) == "\n".join(text for line in every for text in line.wrapped(80))
