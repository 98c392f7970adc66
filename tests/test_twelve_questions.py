"""Twelve questions of somebody who has a table and a fit, each answered by one command or one attribute."""

import io
import json
import re
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgewalk import cli
from ridgewalk.storage import load, read

ROWS = 150
Run = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a table whose target two columns of five tell, with an id, a constant and missing values."""
    generator, folder = np.random.default_rng(0), tmp_path_factory.mktemp("twelve")
    frame = pd.DataFrame(generator.normal(size=(ROWS, 4)).round(3), columns=["age", "income", "noise", "more noise"])
    frame.insert(0, "customer", [f"C{number:03d}" for number in range(ROWS)])
    frame["town"] = generator.choice(["here", "there"], ROWS)
    frame["country"] = "one"
    score = 2 * frame["age"] - 2 * frame["income"] + generator.normal(size=ROWS)
    frame["churned"] = np.where(score > 0, "yes", "no")
    frame.loc[::10, "noise"] = np.nan
    frame.to_csv(folder / "people.csv", index=False, na_rep="NA")
    return folder


@pytest.fixture(scope="module")
def ridgewalk(folder: Path) -> Run:
    """Run a command on the table's folder, and return what it prints."""

    def run(*arguments: str) -> str:
        printed = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(io.StringIO()):
            patch.chdir(folder)
            patch.setattr(sys, "argv", ["ridgewalk", *arguments])
            with pytest.raises(SystemExit) as end:
                cli.main()
        assert not end.value.code, printed.getvalue()
        return printed.getvalue()

    return run


FIT = ("people.csv", "--target", "churned", "--id", "customer", "--folds", "3")


@pytest.fixture(scope="module")
def result(ridgewalk: Run, folder: Path) -> Path:
    """Fit, and return the result's folder."""
    ridgewalk("fit", *FIT, "--out", "result", "--quiet")
    return folder / "result"


@pytest.fixture(scope="module")
def printed(result: Path, ridgewalk: Run) -> str:
    """Return the answer that a fit and ``report`` print, its lines joined."""
    return " ".join(ridgewalk("report", str(result)).split())


@pytest.fixture(scope="module")
def model(result: Path) -> Any:
    """Return the fitted model, loaded."""
    return load(result / "model.safetensors")


class TestTwelveQuestions:
    def test_how_accurate_is_it(self, model: Any) -> None:
        assert re.match(r"The blend is right on \d\d\.\d% \+- \d\.\d% of the rows", str(model.answer_))

    @pytest.mark.parametrize("than", ["linear model", "constant"])
    def test_is_it_better_than_a_linear_model_or_a_constant_and_how_sure(self, model: Any, than: str) -> None:
        row = model.answer_.to_frame().loc[than]
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["verdict"] in ("better", "worse", "no difference", "cannot tell")
        assert than != "constant" or row["verdict"] == "better"

    def test_which_columns_were_dropped_and_why(self, result: Path, ridgewalk: Run) -> None:
        printed = ridgewalk("columns", str(result))
        assert re.search(r"country.*constant", printed) or re.search(r"country.*one value", printed)

    def test_which_inputs_matter(self, folder: Path, ridgewalk: Run) -> None:
        ridgewalk("fit", *FIT, "--no-blend", "--max-iter", "100", "--out", "single", "--quiet")
        single = load(folder / "single" / "model.safetensors")
        names = read(folder / "single" / "model.safetensors").encoder.names  # type: ignore[union-attr]
        strongest = [names[place] for place in np.argsort(-single.feature_importances_)[:2]]
        assert sorted(strongest) == ["age", "income"]

    def test_which_inputs_matter_to_a_blend(self, model: Any, printed: str) -> None:
        found = re.search(
            r"Inputs used by the blend, (\d) of 5.*?, by weight, not effect: (\w+) \d+%, (\w+) \d+%", printed
        )
        assert found is not None
        assert sorted(found.groups()[1:]) == ["age", "income"]
        assert int(found[1]) == len(model.selected_features_)

    def test_what_does_the_1se_model_predict_for_my_ids(self, result: Path, ridgewalk: Run) -> None:
        predicted = pd.read_csv(io.StringIO(ridgewalk("predict", str(result), "people.csv", "--at", "1se", "--quiet")))
        assert predicted["customer"].tolist() == [f"C{number:03d}" for number in range(ROWS)]
        assert set(predicted["churned"]) == {"yes", "no"}
        told = json.loads(ridgewalk("predict", str(result), "people.csv", "--at", "1se", "--quiet", "--json"))
        assert "At a strength the single network predicts, not the blend." in told["notes"]

    def test_which_answers_are_possible_for_a_row(self, result: Path, ridgewalk: Run) -> None:
        printed = ridgewalk("predict", str(result), "people.csv", "--coverage", "0.9", "--quiet")
        possible = pd.read_csv(io.StringIO(printed)).filter(like="possible")
        assert possible.shape == (ROWS, 2)
        assert possible.any(axis=1).all()

    def test_which_strengths_are_as_good_as_the_best(self, model: Any, printed: str) -> None:
        path = model.network_.path_
        lowest = int(np.argmin(path.heldout_loss.mean(axis=(1, 2))))
        assert path.confidence_set().members[lowest]
        assert re.search(
            r"As good as the best of a blend's few \(--no-blend tries more\), as far as the rows tell: .*\(\d of 7\)",
            printed,
        )

    def test_did_the_penalty_help_or_only_the_calibration(self, ridgewalk: Run) -> None:
        command = ("diagnose", *FIT, "--max-iter", "60", "--quiet", "--json")
        found = json.loads(ridgewalk(*command))
        assert {"gain_by_calibration", "gain_by_refinement"} <= set(found["numbers"])

    def test_did_the_penalty_help_what_i_predict_with(self, ridgewalk: Run) -> None:
        said = ridgewalk("diagnose", *FIT, "--no-references")
        assert "Judging the blend that fit predicts with" in said
        assert re.search(r"the blend", said.partition("one network.")[2])

    def test_how_many_more_rows(self, model: Any) -> None:
        unknown = (model.answer_.to_frame()["verdict"] == "cannot tell").any()
        assert ("More rows than 150 may settle" in " ".join(str(model.answer_).split())) == unknown

    def test_how_many_values_are_missing(self, ridgewalk: Run) -> None:
        said = ridgewalk("fit", *FIT, "--no-blend", "--max-iter", "20", "--no-report", "--out", "gaps")
        assert "Missing: 15 cells in 1 of 5 inputs (noise); numbers take the median" in said

    def test_what_does_na_mean_here(self, ridgewalk: Run) -> None:
        plan = ridgewalk("fit", *FIT[:3], "--id", "customer", "--plan")
        assert re.search(r"\bnoise\s+number\s+2\s+15\b", plan)

    def test_what_should_i_try_next(self, model: Any) -> None:
        assert "What now" in str(model.answer_)
