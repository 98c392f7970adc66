"""Laws of the answer: the terminal, the page, a notebook, the summary and ``answer_`` show the same numbers."""

import base64
import gzip
import html
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ridgewalk
from ridgewalk import MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor
from ridgewalk.cli import console
from ridgewalk.estimators.access import set_held_out
from ridgewalk.formatting import format_number
from ridgewalk.report.answer import Answer, answer_html, answer_table, facts_of, headline, lines, note
from ridgewalk.report.certainty import strengths_as_good
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
    verdicts = {
        each["than"]: "probably " * each["probable"] + (each["verdict"] or "") for each in answer["differences"]
    }
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


def test_the_strengths_as_good_as_the_best_are_those_of_the_confidence_set(model: Any) -> None:
    found, path = model.summary()["answer"]["as_good"], model.path_
    members = path.alphas[path.confidence_set().members]
    assert (found["low"], found["high"]) == (members.min(), members.max())
    assert (found["members"], found["of"]) == (len(np.unique(members)), len(np.unique(path.alphas)) + found["dropped"])
    assert found["dropped"] == len(path.dropped.alphas)
    ends = f"{format_number(found['low'])} to {format_number(found['high'])}"
    expected = {
        1: f"no other strength (1 of {found['of']}",
        found["of"]: f"all {found['of']} strengths ({ends}",
    }.get(found["members"], f"strengths {ends} ({found['members']} of {found['of']}")
    said = " ".join(str(model.answer_).split())
    few = " of a blend's few (--no-blend tries more)" * said.startswith("The blend")
    assert f"As good as the best{few}, as far as the rows tell: {expected}" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "As good as the best, as far as the rows tell: strengths 0.003 to 0.08 (7 of 30)."),
        ({"members": 1}, "As good as the best, as far as the rows tell: no other strength (1 of 30)."),
        ({"members": 30}, "As good as the best, as far as the rows tell: all 30 strengths (0.003 to 0.08)."),
        ({"scored": True}, "As good as the best in held-out loss, as far as the rows tell: strengths 0.003"),
    ],
)
def test_how_many_strengths_are_as_good_is_said_in_words(changes: dict[str, Any], said: str) -> None:
    answer = KINDS["linear"]().summary()["answer"]
    found = {"level": 0.95, "low": 0.003, "high": 0.08, "members": 7, "of": 30, "dropped": 0, "scored": False}
    answer["as_good"] = found | changes
    assert said in facts_of(answer)[-1]
    answer["as_good"] = None
    assert facts_of(answer)[-1].startswith("Chosen strength")


def test_a_single_strength_is_compared_with_none() -> None:
    answer = MLPClassifierCV((6,), **QUICK | {"alphas": [0.05]}).fit(X, TWO).summary()["answer"]
    assert answer["as_good"] is not None
    assert answer["as_good"]["of"] == 2  # 0 is on every path
    alone = strengths_as_good(replace(KINDS["linear"]().path_, alphas=np.zeros(5)))
    assert alone is None


def test_where_every_strength_diverged_none_is_said_to_be_as_good_as_the_best() -> None:
    path = KINDS["linear"]().path_
    lost = tuple(np.full_like(each, np.inf) for each in path.fold_row_loss)
    assert strengths_as_good(replace(path, fold_row_loss=lost)) is None


def test_inputs_are_said_with_the_shares_that_they_weigh(model: Any) -> None:
    found = model.summary()["answer"]["weighted_inputs"]
    weighs = dict(zip(X.columns, model.feature_importances_, strict=True))
    assert {each["name"]: each["share"] for each in found["heaviest"]} == pytest.approx(
        {name: share for name, share in weighs.items() if share > 0}
    )
    assert [each["share"] for each in found["heaviest"]] == sorted(weighs.values(), reverse=True)[: found["used"]]
    assert (found["used"], found["of"]) == (np.count_nonzero(model.feature_importances_), 4)
    said = " ".join(str(model.answer_).split())
    for name, share in weighs.items():
        assert (f"{name} {share:.0%}" in said) == (share >= 0.005)


def weighted(kept: int, of: int) -> Any:
    """Return an answer of a network that keeps some inputs, the first of them the heaviest."""
    answer = KINDS["linear"]().summary()["answer"]
    names = [f"x{k}" for k in range(of)]
    shares = {name: (kept - k) if k < kept else 0.0 for k, name in enumerate(names)}
    total = sum(shares.values()) or 1.0
    heaviest = [{"name": name, "share": share / total} for name, share in shares.items() if share][:20]
    answer["inputs"] = {"names": names[:kept], "left_out": names[kept:]}
    answer["weighted_inputs"] = {"heaviest": heaviest, "used": kept, "of": of}
    return answer


@pytest.mark.parametrize(
    ("kept", "of", "said"),
    [
        (0, 3, "Inputs kept, 0 of 3: none."),
        (2, 3, "Inputs kept, 2 of 3 (all but x2), by weight, not effect: x0 67%, x1 33%."),
        (3, 9, "Inputs kept, 3 of 9, by weight, not effect: x0 50%, x1 33%, x2 17%."),
        (7, 7, "Inputs kept, 7 of 7, by weight, not effect: x0 25%, x1 21%, x2 18%, x3 14%, x4 11% and 2 more."),
        (7, 20, "Inputs kept, 7 of 20, by weight, not effect: x0 25%, x1 21%, x2 18%, x3 14%, x4 11%, then x5, x6."),
        (30, 99, "x4 6%, then x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, x18, x19 and 10 more."),
    ],
)
def test_five_shares_are_said_and_of_the_other_inputs_as_much_as_fits(kept: int, of: int, said: str) -> None:
    assert any(said in each for each in facts_of(weighted(kept, of)))


def test_a_long_name_is_cut_and_a_small_share_is_not_0() -> None:
    answer = weighted(2, 4)
    answer["weighted_inputs"]["heaviest"] = [{"name": "n" * 200, "share": 0.999}, {"name": "b", "share": 0.001}]
    assert any(f"by weight, not effect: {'n' * 39}… 100%, b <1%." in each for each in facts_of(answer))


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (0.5, 0.1, "explains 50.0% +- 10.0% of the variance of rows it did not see"),
        (0.1, 0.1, "may explain nothing of the variance of rows it did not see (10.0% +- 10.0%)"),
        (-0.2, 0.01, "explains nothing of the variance of rows it did not see (-20.0% +- 1.0%)"),
        (0.5, None, "explains 50.0% of the variance"),
    ],
)
def test_the_words_for_what_is_explained_are_no_stronger_than_its_interval(
    value: float, error: float | None, said: str
) -> None:
    answer = KINDS["linear"]().summary()["answer"]
    answer["competitors"][0]["metrics"]["R2"] = {"value": value, "standard_error": error}
    assert said in headline(answer)


@pytest.mark.slow
def test_the_answer_of_a_table_stands_on_one_screen() -> None:
    model = TableClassifier(cv=3, random_state=0).fit(X, TWO)
    shown = [text for line in lines(model.summary()["answer"]) for text in line.wrapped(100)]
    assert len(shown) <= 24
