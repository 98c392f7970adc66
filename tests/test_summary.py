"""Laws of the summary: every number is the path's."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold

from paths import path_of, settings_of
from ridgewalk import MLPClassifierCV
from ridgewalk.losses import SquaredError
from ridgewalk.path.selection import Choice, choose
from ridgewalk.report.summary import sentences, summarize
from ridgewalk.tutorial import spiral_data

ORIGINS = ["age", "job", "job", "town", "age"]


@pytest.fixture(scope="module")
def path() -> Any:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(90, 5))
    y = x[:, :1] + 0.5 * np.sin(3 * x[:, 1:2]) + 0.5 * generator.normal(size=(90, 1))
    splits = list(KFold(3, shuffle=True, random_state=0).split(x))
    return path_of(
        x, y, SquaredError(), splits, settings_of((6,), max_iter=150, learning_rate=0.03), alphas=8, seeds=(0, 1)
    )


def test_rows_are_the_paths(path: Any) -> None:
    summary = summarize(path, "min", ORIGINS)
    assert [row["alpha"] for row in summary["path"]] == path.alphas.tolist()
    for s, row in enumerate(summary["path"]):
        seed = path.best_seed(s)
        assert row["heldout_loss"] == pytest.approx(path.row_loss[s].mean())
        assert row["standard_error"] == pytest.approx(path.row_loss[s].std(ddof=1) / np.sqrt(90))
        assert row["train_loss"] == path.train_loss[s, -1, seed]
        assert row["objective"] == path.objective[s, -1, seed]
        assert row["penalty"] == path.penalty[s, -1, seed]
        assert row["train_standard_error"] == pytest.approx(
            path.train_loss[s, :-1].mean(axis=-1).std(ddof=1) / np.sqrt(3)
        )
        assert row["weights_kept"] == round((1 - row["zeros"]) * (5 * 6 + 6))
        assert row["zeros"] == path.zeros[s, -1, seed]
        assert row["units_kept"] == path.units_kept[s, -1, seed]
    assert summary["null_loss"] == pytest.approx(path.null_row_loss.mean())
    assert (summary["rows"], summary["folds"], summary["seeds"], summary["fits"]) == (90, 3, 2, 9 * 4 * 2)


@pytest.mark.parametrize("rule", ["min", "1se"])
def test_the_choice_is_the_rules(path: Any, rule: Any) -> None:
    summary = summarize(path, rule)
    choice = choose(path.row_loss, path.row_weights, rule)
    marked = {mark: s for s, row in enumerate(summary["path"]) for mark in row["marks"]}
    assert marked == {"min": choice.minimum, "1se": choice.one_standard_error}
    assert choice.minimum < choice.one_standard_error
    assert summary["index"] == choice.chosen
    assert summary["alpha"] == path.alphas[choice.chosen]
    change = summary["change_from_no_penalty"]["mean"]
    assert change is not None
    assert change == pytest.approx((path.row_loss[choice.chosen] - path.row_loss[0]).mean())
    assert change < 0


def test_columns_of_one_input_count_once(path: Any) -> None:
    alone, joined = summarize(path, "min"), summarize(path, "min", ORIGINS)
    assert [entry["name"] for entry in joined["inputs"]] == ["age", "job", "town"]
    assert [row["inputs_kept"] for row in joined["path"]][:2] == [3, 3]
    assert [row["inputs_kept"] for row in alone["path"]][:2] == [5, 5]
    index, seed = joined["index"], path.best_seed(joined["index"])
    kept = path.inputs_kept[index, -1, seed]
    assert [entry["kept"] for entry in joined["inputs"]] == [
        bool(kept[[0, 4]].any()),
        bool(kept[1:3].any()),
        bool(kept[3]),
    ]
    of_job = path.inputs_kept[index, :-1, :, 1:3].any(axis=-1).mean()
    assert joined["inputs"][1]["kept_in_folds"] == pytest.approx(of_job)


def test_the_frequency_is_over_folds_and_not_over_all_data(path: Any) -> None:
    kept = path.inputs_kept.copy()
    kept[:, -1] = False
    kept[:, :-1] = True
    assert {entry["kept_in_folds"] for entry in summarize(replace(path, inputs_kept=kept), "min")["inputs"]} == {1.0}


def test_it_is_json(path: Any) -> None:
    summary = summarize(path, "1se", ORIGINS)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    lost = np.arange(9)[:, None] == 0
    broken = replace(path, fold_row_loss=tuple(np.where(lost, np.inf, losses) for losses in path.fold_row_loss))
    assert summarize(broken, "min")["path"][0]["heldout_loss"] is None
    assert summarize(broken, "min")["change_from_no_penalty"]["mean"] is None


def test_a_choice_that_was_made_elsewhere_is_told(path: Any) -> None:
    summary = summarize(path, "min", ORIGINS, Choice(1, 3, 4, 2))
    assert (summary["index"], summary["alpha"]) == (2, path.alphas[2])
    assert [(s, row["marks"]) for s, row in enumerate(summary["path"]) if row["marks"]] == [(1, ["min"]), (3, ["1se"])]
    assert f"Chosen strength: {path.alphas[2]:.5g} (rule: min)." in sentences(summary)


def test_nothing_is_said_of_no_penalty_where_the_path_does_not_begin_there(path: Any) -> None:
    later = replace(path, alphas=path.alphas + 1)
    assert summarize(later, "min")["change_from_no_penalty"]["mean"] is None
    assert not any("penalty" in sentence for sentence in sentences(summarize(later, "min")))
    assert any("Against no penalty" in sentence for sentence in sentences(summarize(path, "min")))


def test_a_network_that_fits_little_without_a_penalty_is_named() -> None:
    x, y = spiral_data(40, 3, np.random.default_rng(0))
    few: dict[str, Any] = {"alphas": 2, "cv": 2, "random_state": 0}
    small, large = (MLPClassifierCV(layers, max_iter=400, **few).fit(x, y) for layers in ((2,), (64, 64)))
    named = [[each["name"] for each in model.summary()["answer"]["advice"]] for model in (small, large)]
    assert ["fits little" in each for each in named] == [True, False]
    alone = [summarize(model.path_, "min", linear=model.summary()["linear"]) for model in (small, large)]
    assert [any("too small" in sentence for sentence in sentences(each)) for each in alone] == [True, False]
