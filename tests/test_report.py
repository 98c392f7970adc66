"""Laws of the page: its numbers are the summary's and the network's, names cannot harm it, it needs nothing else."""

import base64
import gzip
import json
import pickle
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import confusion_matrix, r2_score, roc_auc_score, roc_curve

from ridgewalk import MLPClassifierCV, MLPRegressorCV
from ridgewalk.diagnostics import Diagnosis, Finding
from ridgewalk.estimators.card import model_card
from ridgewalk.folds import average_by_row
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.report.compared import PageRows
from ridgewalk.report.details import Extras, page_data
from ridgewalk.report.html import render
from ridgewalk.report.summary import sentences, summarize

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "\"quoted\" and 'quoted' & <b>bold</b>",
    "$title $data ${script}",
    '<img src=x onerror="alert(3)">',
    '<a href="https://example.com">x</a>',
    "\u2028 line {{ }} %{x} ]]> -->",
]
QUICK: dict[str, Any] = {"alphas": 5, "max_iter": 40, "cv": 3, "learning_rate_init": 0.03, "random_state": 0}


def table(rows: int = 90, columns: Any = 7, names: Any = None) -> Any:
    x = np.random.default_rng(0).normal(size=(rows, columns))
    signal = x[:, 0] + np.sin(2 * x[:, 1])
    return pd.DataFrame(x, columns=names or [f"column {k}" for k in range(columns)]), signal


def two_classes() -> Any:
    x, signal = table(names=HOSTILE)
    return MLPClassifierCV((6,), **QUICK), x, np.where(signal > 0, "</script><script>alert(4)</script>", "no")


def three_classes() -> Any:
    x, signal = table(columns=2)
    return MLPClassifierCV((5, 4), n_seeds=2, **QUICK), x, np.digitize(signal, [-0.5, 0.5])


def several_labels() -> Any:
    x, signal = table()
    return MLPClassifierCV((6,), **QUICK), x, np.stack([signal > 0, x["column 2"] > 0], axis=1).astype(int)


def numbers() -> Any:
    x, signal = table()
    return MLPRegressorCV((6,), selection="1se", **QUICK), x, 10 + signal


def several_numbers() -> Any:
    x, signal = table()
    return MLPRegressorCV((6,), **QUICK), x, np.stack([signal, 100 * x["column 2"]], axis=1)


def counts() -> Any:
    x, signal = table(columns=2)
    return MLPRegressorCV((6,), loss="poisson", **QUICK), x, np.random.default_rng(1).poisson(np.exp(signal / 2))


def forty_columns() -> Any:
    x, signal = table(columns=45)
    return MLPClassifierCV((70,), penalty="group_lasso", **QUICK), x, signal > 0


def linear() -> Any:
    x, signal = table()
    return MLPRegressorCV((), **QUICK), x, signal


def refits() -> Any:
    x, signal = table()
    return MLPRegressorCV((6,), relax=True, **QUICK), x, signal


def selected() -> Any:
    x, signal = table()
    return MLPRegressorCV((6,), select_inputs=True, **QUICK), x, signal


CASES = [
    two_classes, three_classes, several_labels, numbers, several_numbers, counts, forty_columns, linear, refits,
    selected,
]  # fmt: skip


class Page(HTMLParser):
    """What a browser finds in a page: elements with their attributes, and the text of every script."""

    def __init__(self, text: Any) -> None:
        super().__init__()
        self.elements: list[Any] = []
        self.scripts: list[Any] = []
        self.open = False
        self.feed(text)

    def handle_starttag(self, tag: Any, attributes: Any) -> None:
        self.elements.append((tag, dict(attributes)))
        self.open = tag == "script"
        if self.open:
            self.scripts.append((dict(attributes), ""))

    def handle_endtag(self, tag: Any) -> None:
        self.open = self.open and tag != "script"

    def handle_data(self, text: Any) -> None:
        if self.open:
            attributes, before = self.scripts[-1]
            self.scripts[-1] = (attributes, before + text)

    def data(self) -> Any:
        packed = next(text for attributes, text in self.scripts if attributes.get("id") == "data")
        return json.loads(gzip.decompress(base64.b64decode(packed)))


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a fitted model, its rows, and the file of its page."""
    model, x, y = request.param()
    model.fit(x, y)
    return model, x, y, model.report(tmp_path_factory.mktemp("page") / "report.html", x, y)


@pytest.mark.slow
def test_every_number_is_the_summarys_and_the_networks(written: Any) -> None:
    model, x, y, file = written
    data, path = Page(file.read_text(encoding="utf-8")).data(), model.path_
    told = model.summary()
    summary = summarize(path, model.selection, list(x.columns), model._choice(), told["selection"], told["linear"])
    summary["answer"] = told["answer"]
    assert data["sentences"] == sentences(summary)
    inputs = {entry["name"]: entry for entry in summary["inputs"]}
    assert data["summary"] | {"inputs": summary["inputs"]} == json.loads(json.dumps(summary))
    assert data["summary"]["alpha"] == model.alpha_
    shown, chosen = data["inputs"], summary["index"]
    assert len(shown["names"]) + shown["left_out"] == x.shape[1]
    order = [list(x.columns).index(name) for name in shown["names"]]
    assert [inputs[name]["kept"] for name in shown["names"]] == shown["kept"][chosen]
    for s in range(len(path.alphas)):
        best = path.model(s)
        weights = best.parameters[::2]
        np.testing.assert_allclose(shown["importance"][s], best.importance(x.shape[1])[order], rtol=1e-3)
        np.testing.assert_allclose(shown["frequency"][s], path.frequency(s)[order], rtol=1e-3)
        for layer, w in zip(data["layers"], weights, strict=True):
            assert layer["shape"] == list(w.shape)
            assert layer["zeros"][s] == pytest.approx((w == 0).mean(), rel=1e-3)
            if layer["shape"] == [len(layer["from"]), len(layer["to"])]:
                np.testing.assert_allclose(layer["weights"][s], w, rtol=5e-3)
                np.testing.assert_array_equal(np.array(layer["weights"][s]) == 0, w == 0)
    rows = data["rows"]
    assert rows["count"] == len(x)
    assert rows["strengths"] == list(range(len(path.alphas)))
    if rows["kind"] == "classes":
        assert rows["confusion"][chosen] == confusion_matrix(y, model.predict(x)).tolist()
        assert rows["score"][chosen] == pytest.approx(model.score(x, y), rel=1e-3)
    elif rows["kind"] == "numbers":
        predicted = np.asarray(model.predict(x)).reshape(len(x), -1)[:, 0]
        np.testing.assert_allclose(rows["predicted"][chosen], predicted, rtol=1e-3)
        np.testing.assert_allclose(rows["observed"], np.asarray(y).reshape(len(x), -1)[:, 0], rtol=1e-3)
    counted = {sum(count for *_, count in bins) for bins in rows["calibration"]}
    assert counted == {len(x) * (2 if rows["kind"] == "labels" else 1)}


@pytest.mark.slow
def test_the_training_rows_loss_is_the_paths(written: Any) -> None:
    model, _, _, file = written
    rows, path = Page(file.read_text(encoding="utf-8")).data()["rows"], model.path_
    told = [path.train_loss[s, -1, path.best_seed(s)] for s in range(len(path.alphas))]
    np.testing.assert_allclose(rows["loss"], told, rtol=2e-3)


def test_the_plane_is_what_the_network_predicts(written: Any) -> None:
    model, x, _, file = written
    plane = Page(file.read_text(encoding="utf-8")).data()["regions"]
    assert (plane is None) == (x.shape[1] != 2)
    if plane is not None:
        places = np.stack(np.meshgrid(plane["across"], plane["up"]), axis=-1).reshape(-1, 2)
        points = pd.DataFrame(places, columns=x.columns)
        told = np.ravel(plane["values"][model.index_])
        predicted = model.predict(points)
        if plane["kind"] == "classes":  # a point on a border may fall on either side when it is rounded
            assert (model.classes_[told] == predicted).mean() > 0.99
        else:
            np.testing.assert_allclose(told, predicted, rtol=0.02)


@pytest.mark.parametrize("case", [three_classes, numbers])
def test_the_curves_end_where_the_path_did(case: Any, tmp_path: Path) -> None:
    model, x, y = case()
    file = model.fit(x, y).report(tmp_path / "report.html", curves=True)
    curves, path = Page(file.read_text(encoding="utf-8")).data()["curves"], model.path_
    assert curves["epochs"][-1] == model.max_iter
    ends = np.array(curves["data_loss"])[:, -1] + np.array(curves["penalty"])[:, -1]
    own = path.source[:, :-1] == np.arange(len(path.alphas))[:, None, None]  # a curve is of a strength's own training
    left = own.all(axis=(1, 2)) & (path.n_iter[:, :-1] > 0).all(axis=(1, 2))
    assert left.sum() > 1
    np.testing.assert_allclose(ends[left], path.objective[left, :-1].mean(axis=(1, 2)), rtol=1e-3)
    if case is three_classes:  # its losses have no unit to be brought back to
        told = np.array(curves["validation_loss"])[left, -1]
        np.testing.assert_allclose(told, path.heldout_loss[left].mean(axis=(1, 2)), rtol=1e-3)


def test_it_loads_nothing_and_is_small(written: Any) -> None:
    text = written[-1].read_text(encoding="utf-8")
    assert written[-1].stat().st_size < 1_000_000
    page = Page(text)
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "img", "object", "embed", "base"), tag
        assert not {"src", "srcset", "action", "onerror", "onload"} & attributes.keys()
        assert attributes.get("href", "#").startswith("#")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    own = style[1] + page.scripts[-1][1]  # names of columns stand elsewhere, as text
    assert set(re.findall(r"url\(|@import|https?://[^\"]*", own)) == {"http://www.w3.org/2000/svg"}
    policy = next(each["content"] for tag, each in page.elements if each.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


def test_names_cannot_become_elements(written: Any) -> None:
    text = written[-1].read_text(encoding="utf-8")
    page = Page(text)
    assert [attributes.get("type") for attributes, _ in page.scripts] == ["text/plain", None]
    assert "alert(" not in page.scripts[-1][1]
    assert not any(tag in ("b", "img") for tag, _ in page.elements)
    assert {attributes["href"] for tag, attributes in page.elements if tag == "a"} <= {
        f"#{each['id']}" for tag, each in page.elements if tag == "section" and "id" in each
    }
    if HOSTILE[0] in written[1].columns:
        data = page.data()
        assert set(data["inputs"]["names"]) == set(HOSTILE)
        assert data["rows"]["classes"] == ["</script><script>alert(4)</script>", "no"]


@pytest.mark.slow
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_the_page_can_become_an_element(text: Any) -> None:
    model, x, y = three_classes()
    finding = {"name": text, "sentence": text, "advice": text}
    said: Any = {
        "title": text,
        "made_by": text,
        "sentences": [text] * 4,
        "answers": [{"question": text, "answer": text, "section": text}] * len(CARDS),
        "diagnosis": {"headline": text, "findings": [finding]},
    }
    data = page_data(model.fit(x, y).path_, "min", [text, "other"], extras=Extras(classes=[text, "one", "two"]))
    card = model_card(model)
    hostile: Any = {
        **card,
        **dict.fromkeys(("model", "task", "predicts", "date"), text),
        "columns": [{"name": text, "became": text, "used": False, "why": text}] * len(card["columns"]),
        "limits": [text] * len(card["limits"]),
        "options": dict.fromkeys([*list(card["options"])[1:], text], text),
    }
    data["card"] = card
    said["card"] = hostile
    tags = [tag for tag, _ in Page(render(data)).elements]
    more = [tag for tag, _ in Page(render({**data, **said})).elements]
    assert len(more) > len(tags)
    assert set(more) - set(tags) == {"i", "b"}
    assert more.count("script") == 2
    assert more.count("b") == more.count("i") == more.count("li") - tags.count("li") == 1


def test_what_is_too_large_is_cut_and_told() -> None:
    model, x, y = forty_columns()
    data = page_data(model.fit(x, y).path_, "min")
    assert len(data["inputs"]["names"]) == 40
    assert data["inputs"]["left_out"] == 5
    first = data["layers"][0]
    assert first["shape"] == [45, 70]
    assert (len(first["from"]), len(first["to"])) == np.array(first["weights"]).shape[1:] == (45, 48)
    names = ["x" * 100_000, *(f"c{k}" for k in range(44))]
    assert len(json.dumps(page_data(model.path_, "min", names)["inputs"]["names"])) < 2_000


def test_a_verdict_is_the_headline_and_is_escaped(tmp_path: Path) -> None:
    model, x, y = numbers()
    finding = Finding("e", "helps", True, "It <helps>.", "Keep it.", {})
    file = model.fit(x, y).report(tmp_path / "p.html", diagnosis=Diagnosis("It <helps>.", (finding,), {}), title="<i>")
    text = file.read_text(encoding="utf-8")
    assert '<p class="verdict">It &lt;helps&gt;.</p>' in text
    assert "Next: Keep it." in text
    assert "<h1>&lt;i&gt;</h1>" in text
    assert Page(text).data()["rows"] is None


def test_the_same_model_gives_the_same_page() -> None:
    model, x, y = numbers()
    data = page_data(model.fit(x, y).path_, "min")
    assert render(data) == render(data)


def test_mistakes_are_told(tmp_path: Path) -> None:
    model, x, y = two_classes()
    file = tmp_path / "report.html"
    model.fit(x, y)
    with pytest.raises(ValueError, match="X and y together"):
        model.report(file, x)
    with pytest.raises(ValueError, match="never seen, 'maybe'"):
        model.report(file, x, np.where(y == "no", "maybe", y))
    with pytest.raises(ValueError, match="name for each of the 7 columns, got 1"):
        model.report(file, origins=["one"])
    loaded = pickle.loads(pickle.dumps(model))
    with pytest.raises(ValueError, match="the rows of the fit are needed"):
        loaded.report(file, curves=True)
    with pytest.raises(ValueError, match="compacted model holds no path"):
        model.compact().report(file)
    assert not file.exists()


CARDS = ["strength", "inputs", "data"]  # answers that every page has


def page_of(model: Any, x: Any, y: Any, weights: Any = None) -> Any:
    """Fit, and return the data of the page without any other rows."""
    path, rule, names, choice = model.fit(x, y, weights)._shown()
    return page_data(path, rule, names, choice, extras=Extras(fit=PageRows(model._problem.x, model._problem.target)))


def test_held_out_rows_are_judged_as_scikit_learn_judges_them() -> None:
    for case in (two_classes, three_classes, numbers):
        model, x, y = case()
        rows, path = page_of(model, x, y)["held_out"], model.path_
        target = model._problem.target
        for place, s in enumerate(rows["strengths"]):
            outputs = [each.mean(axis=0).T for each in map(path.loss.predict, path.fold_networks.outputs_at(s))]
            mean = average_by_row(path.heldout_rows, outputs, len(y)).T
            if rows["kind"] == "numbers":
                assert rows["score"][place] == pytest.approx(r2_score(y, mean[:, 0]), rel=1e-3)
                continue
            single = target.shape[1] == 1
            truth = target[:, 0] if single else target.argmax(axis=1)
            chosen = mean[:, 0] > 0.5 if single else mean.argmax(axis=1)
            assert rows["confusion"][place] == confusion_matrix(truth, chosen).tolist()
            order = [0] if single else np.argsort(-np.bincount(truth), kind="stable")
            for k, column in enumerate(order):
                hit, score = target[:, column], mean[:, column]
                assert rows["auc"][place][k] == pytest.approx(roc_auc_score(hit, score), abs=1e-4)
                false, true, _ = roc_curve(hit, score, drop_intermediate=False)
                np.testing.assert_allclose(rows["roc"][place][k], np.interp(rows["rates"], false, true), atol=1e-3)


def test_a_row_that_no_fold_holds_out_is_not_judged() -> None:
    x, signal = table()
    weights = np.ones(90)
    weights[:30] = 0
    rows = page_of(MLPRegressorCV((6,), **QUICK), x, signal, weights)["held_out"]
    assert (rows["count"], rows["of"]) == (60, 60)


@pytest.mark.parametrize("case", [forty_columns, three_classes, linear, selected])
def test_the_drawing_has_exactly_the_links_that_count(case: Any) -> None:
    model, x, y = case()
    network, path = page_of(model, x, y)["network"], model.path_
    for s, links in enumerate(network["at"]):
        small = path.model(s).compact()
        count = sum(np.count_nonzero(w) for w in small.parameters[::2])
        assert links["live"] == count
        assert len(links["weight"]) == min(count, network["most"])
        whole = path.model(s).parameters[::2]
        drawn = list(zip(links["layer"], links["start"], links["end"], links["weight"], strict=True))
        assert len({each[:3] for each in drawn}) == len(drawn)
        for layer, start, end, weight in drawn:
            assert weight == pytest.approx(whole[layer][start, end], rel=1e-2)
            assert network["floors"][layer][start]
            assert network["floors"][layer + 1][end]
        if count > network["most"]:
            smallest = min(abs(each[3]) for each in drawn)
            assert sum((np.abs(w) > 1.01 * smallest).sum() for w in whole) <= sum(np.count_nonzero(w) for w in whole)
            live = np.sort(np.concatenate([np.abs(w[w != 0]) for w in small.parameters[::2]]))[::-1]
            assert smallest == pytest.approx(live[network["most"] - 1], rel=1e-2)
    assert {links["live"] for links in network["at"]} != {0}


@pytest.mark.parametrize("case", [numbers, refits, selected])
def test_every_curve_rises_and_is_its_paths(case: Any) -> None:
    model, x, y = case()
    path, rule, names, choice = model.fit(x, y)._shown()
    extras = Extras(selection=getattr(model, "input_selection_", None))
    data: Any = page_data(path, rule, names, choice, extras=extras)
    own = [arm for arm in data["arms"] if arm["entries"] is not None]
    assert sorted(k for arm in own for k in arm["entries"]) == list(range(len(path.alphas)))
    for arm in data["arms"]:
        assert (np.diff(arm["alphas"]) > 0).all()
    for arm in own:
        loss, _ = mean_and_error(path.row_loss[arm["entries"]], path.row_weights)
        np.testing.assert_allclose(arm["heldout_loss"], loss, rtol=1e-4)
        assert arm["alphas"] == path.alphas[arm["entries"]].tolist()
    if case is not numbers:
        names = [arm["name"] for arm in data["arms"]]
        assert "path" in names
        assert sum("ridge" in name for name in names) == 4


def test_the_best_strength_is_compared_row_by_row() -> None:
    model, x, y = numbers()
    data, path = page_of(model, x, y), model.path_
    told, best = data["certainty"], int(np.argmin(path.row_loss.mean(axis=1)))
    assert told["minimum"] == best
    change = path.row_loss - path.row_loss[best]
    np.testing.assert_allclose(told["difference"], change.mean(axis=1), rtol=1e-3, atol=1e-12)
    np.testing.assert_allclose(told["error"], change.std(axis=1, ddof=1) / np.sqrt(90), rtol=1e-3, atol=1e-12)
    near = [s for s in range(len(change)) if change[s].mean() <= change[s].std(ddof=1) / np.sqrt(90)]
    assert told["within"] == near
    assert told["members"] is None or best in told["members"]


def test_an_unpenalized_network_far_off_does_not_flatten_the_axis() -> None:
    model, x, y = numbers()
    path = model.fit(x, y).path_
    far = replace(
        path,
        fold_row_loss=tuple(np.where(np.arange(len(each))[:, None] == 0, 1e4, each) for each in path.fold_row_loss),
    )
    low, high = page_data(far, "min")["axes"]["shown"]
    null = page_data(path, "min")["summary"]["null_loss"]
    assert low < path.row_loss[1:].mean(axis=1).min() < null < high < 3 * null


def test_effects_have_a_sign_and_name_what_matters() -> None:
    model, x, y = numbers()
    data = page_of(model, x, y)
    shown, effects = data["inputs"], data["effects"]
    assert effects["inputs"][0]["name"] == "column 0"
    assert shown["effect"][model.index_][shown["names"].index("column 0")] > 0
    falling = page_of(MLPRegressorCV((6,), **QUICK), x, -y)
    assert falling["inputs"]["effect"][0][falling["inputs"]["names"].index("column 0")] < 0
    assert "column 0" in next(each["answer"] for each in data["answers"] if "input changes" in each["question"])
    for s, kept in enumerate(shown["kept"]):
        assert all(value == 0 for value, used in zip(shown["effect"][s], kept, strict=True) if not used)


def test_inputs_leave_where_the_network_last_uses_them() -> None:
    model, x, y = forty_columns()
    data, path = page_data(*model.fit(x, y)._shown()), model.path_
    for name, leaves in zip(data["inputs"]["names"], data["inputs"]["leaves"], strict=True):
        column = list(x.columns).index(name)
        used = [path.alphas[s] for s in range(len(path.alphas)) if path.inputs_kept[s, -1, path.best_seed(s), column]]
        assert leaves == (max(used) if used else None)


def test_without_rows_there_are_no_outcomes_and_no_effects() -> None:
    model, x, y = numbers()
    data: Any = page_data(*model.fit(x, y)._shown())
    assert data["held_out"] is data["effects"] is data["inputs"]["effect"] is None
    assert len(data["answers"]) == len(CARDS)
    render(data)


def test_a_page_that_would_be_too_large_says_what_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    model, x, y = numbers()
    data = page_of(model, x, y)
    whole = Page(render(data)).data()
    assert whole["cut"] == []
    monkeypatch.setattr("ridgewalk.report.html._MOST_DATA", 1)
    text = render(data)
    cut = Page(text).data()
    assert cut["effects"] is None
    assert len(cut["cut"]) == 3
    for sentence in cut["cut"]:
        assert sentence in text
    assert data["cut"] == []
    assert data["effects"] is not None
