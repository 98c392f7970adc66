"""The benchmark of predictions is fair: the same rows for all, none tried twice, and what fails ranks last."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def accuracy() -> Any:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import accuracy  # type: ignore[import-not-found]
    finally:
        sys.path.pop(0)
    assert isinstance(accuracy, ModuleType)
    return accuracy


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, rows in (("classes", 2_600), ("numbers", 90)):
        x = generator.normal(size=(rows, 2))
        target = x[:, 0] + generator.normal(size=rows)
        frame = pd.DataFrame(x, columns=["a", "b"])
        frame["kind"] = pd.Categorical(np.where(x[:, 1] > 0, "up", "down"))
        frame["target"] = (target > 0).astype(int) if name == "classes" else target
        frame.to_parquet(folder / f"{name}.parquet")
    return folder


def knows(share: float) -> Any:
    """Return a model that blends the truth with even chances, or with the mean."""

    def predict(split: Any) -> Any:
        if split.classes:
            truth = np.eye(split.classes)[split.answers]
            return share * truth + (1 - share) / split.classes
        return share * split.answers + (1 - share) * split.y.mean()

    return predict


def fails(_split: Any) -> Any:
    raise ValueError("no")


def test_rows_are_capped_and_no_row_is_learned_and_predicted(accuracy: Any, tables: Path) -> None:
    table = pd.read_parquet(tables / "classes.parquet")
    splits, again = (list(accuracy.splits(table, 2, 3)) for _ in range(2))
    assert [len(split.y) for split in splits] == [2_000] * 3
    for split, same in zip(splits, again, strict=True):
        pd.testing.assert_frame_equal(split.x, same.x)
        assert not set(split.x["a"]) & set(split.new["a"])
        assert split.categories == ["kind"]
        assert split.classes == 2
    held_out = np.concatenate([split.new["a"] for split in splits])
    assert len(np.unique(held_out)) == len(held_out)
    assert next(accuracy.splits(pd.read_parquet(tables / "numbers.parquet"), 2, 1)).classes == 0
    assert set(next(accuracy.splits(table, 1, 1)).new["a"]) != set(splits[0].new["a"])


def test_a_run_goes_on_ranks_what_failed_last_and_takes_the_better_way(
    accuracy: Any, tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []

    def counted(split: Any) -> Any:
        done.append(1)
        return knows(0.8)(split)

    models = {
        accuracy.OURS: {"defaults": counted},
        "HGB": {"defaults": knows(0.1), "early": knows(0.5)},
        "linear": {"by cross-validation": fails},
    }
    monkeypatch.setattr(accuracy, "MODELS", models)
    records = tmp_path / "records"
    arguments = ["accuracy.py", str(tables), "--records", str(records), "--folds", "2"]
    for share in ("1/2", "2/2", "1/1"):
        monkeypatch.setattr(sys, "argv", [*arguments, "--share", share])
        accuracy.main()
    assert len(done) == 4  # two tables, two folds, once each
    fits = accuracy.read_fits(records, 2, 2)
    assert {model for _, model, _ in fits} == {accuracy.OURS, "HGB"}
    better = accuracy.score(fits["classes", "HGB", 0])
    assert better == pytest.approx(-np.log(0.75), rel=1e-4)
    said = accuracy.report(records, 2, 2)
    assert "| all (2) | 1.0 | 2.0 | 3.0 |" in said
    ratio, errors = accuracy.compare(fits, "numbers", accuracy.OURS, "HGB", 2)
    assert ratio < 0.5
    assert errors < -2


def test_losses_are_clipped_and_of_unit_variance(accuracy: Any, tables: Path) -> None:
    split = next(accuracy.splits(pd.read_parquet(tables / "classes.parquet"), 2, 1))
    wrong = 1 - np.eye(2)[split.answers]
    assert split.row_losses(wrong) == pytest.approx(-np.log(1e-6))
    numbers = next(accuracy.splits(pd.read_parquet(tables / "numbers.parquet"), 2, 1))
    mean = np.full(len(numbers.answers), numbers.answers.mean())
    assert numbers.row_losses(mean).mean() == pytest.approx(1)
