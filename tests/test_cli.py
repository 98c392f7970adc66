"""The command line, as a user meets it: what is printed, what is written, how it ends."""

import html
import io
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgewalk import MLPClassifierCV, TableClassifier, TableRegressor, __version__, cli
from ridgewalk.cli.bench import Measured, Task, show_measured
from ridgewalk.cli.commands import app
from ridgewalk.cli.compare import show_comparison
from ridgewalk.cli.console import show
from ridgewalk.cli.diagnose import JudgedPathOptions
from ridgewalk.cli.options import PathOptions
from ridgewalk.diagnostics import Effect
from ridgewalk.engine import compiled
from ridgewalk.estimators.comparing import Compared, Comparison
from ridgewalk.formatting import format_loss
from ridgewalk.path.input_selection import RIDGES
from ridgewalk.storage import load, read
from ridgewalk.tables import Encoder
from ridgewalk.tables.read import first_rows
from test_report import Page

QUICK = ["--alphas", "4", "--max-iter", "40", "--folds", "3", "--hidden", "6", "--learning-rate", "0.03"]


def table(rows: int = 90) -> Any:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": generator.normal(40, 10, rows).round(),
            "größe, cm": generator.normal(170, 10, rows),
            "town": generator.choice(np.array(["here", "there", None]), rows),
        }
    )
    frame["outcome"] = np.where(frame["age"] + 3 * (frame["town"] == "here") > 41, "yes", "no")
    frame["amount"] = 100 + 5 * frame["age"] + generator.normal(size=rows)
    frame.loc[::9, "age"] = np.nan
    return frame


@pytest.fixture
def ridgewalk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a folder that holds people.csv; give its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    table().to_csv("people.csv", index=False)

    def run(*arguments: Any) -> Any:
        monkeypatch.setattr(sys, "argv", ["ridgewalk", *map(str, arguments)])
        try:
            cli.main()
            code: Any = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_fit_shows_the_path_and_writes_it_down(ridgewalk: Any, tmp_path: Path) -> None:
    code, out, _ = ridgewalk("fit", "people.csv", "--target", "outcome", "--drop", "amount", *QUICK)
    assert code == 0
    assert "Classification of 'outcome': 90 rows, 3 inputs (6 encoded columns)." in out
    for words in ("strength", "held-out loss", "zeros", "inputs", "min", "1se", "<-", "Chosen strength:", "nats"):
        assert words in out
    assert "100%" in out
    folder = tmp_path / "ridgewalk-results" / "people"
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.safetensors",
        "path.csv",
        "report.html",
        "summary.json",
    ]
    summary = json.loads((folder / "summary.json").read_text())
    rows = pd.read_csv(folder / "path.csv")
    assert len(rows) == len(summary["path"]) == 5
    assert summary["alpha"] in rows["alpha"].to_numpy()
    assert {entry["name"] for entry in summary["inputs"]} == {"age", "größe, cm", "town"}


@pytest.mark.slow
def test_results_are_never_overwritten_unasked(ridgewalk: Any, tmp_path: Path) -> None:
    command = ["fit", "people.csv", "-t", "outcome", "-q", *QUICK]
    assert ridgewalk(*command)[0] == ridgewalk(*command)[0] == 0
    assert {path.name for path in (tmp_path / "ridgewalk-results").iterdir()} == {"people", "people-2"}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").touch()
    for force in ([], ["--force"]):
        code, _, err = ridgewalk(*command, "--out", "mine", *force)
        assert code == 1
        assert "holds other files (precious)" in err
        assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious"]
    assert ridgewalk(*command, "--out", "kept")[0] == 0
    before = (tmp_path / "kept" / "summary.json").read_bytes()
    code, _, err = ridgewalk(*command, "--out", "kept", "--l1-ratio", "1")
    assert code == 1
    assert "--force to replace it" in err
    assert (tmp_path / "kept" / "summary.json").read_bytes() == before
    assert ridgewalk(*command, "--out", "kept", "--l1-ratio", "1", "--force")[0] == 0
    assert (tmp_path / "kept" / "summary.json").read_bytes() != before
    assert len(list((tmp_path / "kept").iterdir())) == 4
    assert ridgewalk(*command, "--out", "kept", "--no-report", "--force")[0] == 0
    assert not (tmp_path / "kept" / "report.html").exists()


@pytest.mark.parametrize("command", [["fit", "--out", "people.csv/x"], ["diagnose", "--report", "nowhere/d.html"]])
def test_what_cannot_be_written_is_known_before_the_work(
    ridgewalk: Any, monkeypatch: pytest.MonkeyPatch, command: Any
) -> None:
    monkeypatch.setattr(MLPClassifierCV, "fit", lambda *_, **__: pytest.fail("the work began"))
    code, _, err = ridgewalk(*command, "people.csv", "-t", "outcome", *QUICK)
    assert code == 1
    assert "cannot be made" in err


def test_predictions_overwrite_nothing(ridgewalk: Any, tmp_path: Path) -> None:
    ridgewalk("fit", "people.csv", "-t", "outcome", "-q", "--out", "kept", *QUICK)
    data = (tmp_path / "people.csv").read_bytes()
    for force in ([], ["--force"]):
        code, _, err = ridgewalk("predict", "kept", "people.csv", "--out", "people.csv", *force)
        assert code == 1
        assert "is the file to read" in err
    assert (tmp_path / "people.csv").read_bytes() == data
    assert ridgewalk("predict", "kept", "people.csv", "--out", "p.csv")[0] == 0
    assert "--force to replace it" in ridgewalk("predict", "kept", "people.csv", "--out", "p.csv")[2]
    assert ridgewalk("predict", "kept", "people.csv", "--out", "p.csv", "--force")[0] == 0


def test_text_codes_stay_text_and_new_ones_are_named(ridgewalk: Any) -> None:
    frame = table().assign(code=["01", "02", "A7"] * 30)
    frame.to_csv("coded.csv", index=False)
    ridgewalk("fit", "coded.csv", "-t", "outcome", "-q", "--out", "kept", *QUICK)
    _, whole, _ = ridgewalk("predict", "kept", "coded.csv")
    frame[frame["code"] == "01"].to_csv("ones.csv", index=False)
    _, some, err = ridgewalk("predict", "kept", "ones.csv")
    assert whole.splitlines()[1::3] == some.splitlines()[1:]
    assert err == ""
    frame.assign(code="B9").to_csv("new.csv", index=False)
    code, _, err = ridgewalk("predict", "kept", "new.csv")
    assert code == 0
    assert "'code' holds values that the model has never seen, such as 'B9' (90 rows)" in err


@pytest.mark.parametrize("command", ["fit", "diagnose"])
@pytest.mark.parametrize("configured", [False, True])
def test_every_option_reaches_the_estimator(
    ridgewalk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Any, configured: Any
) -> None:
    seen = {}

    def stop(self: Any, _x: Any, _y: Any, weights: Any, groups: Any) -> None:
        seen.update(self.get_params() | {"rows": weights.tolist(), "apart": groups.tolist()})
        raise ValueError("seen")

    monkeypatch.setattr(MLPClassifierCV, "fit", stop)
    table().assign(weight=np.arange(90) % 3, day=np.arange(90) // 3).to_csv("people.csv", index=False)
    options: dict[str, Any] = {
        "hidden": "7,5", "activation": "gelu", "loss": "log_loss", "penalty": "group_lasso", "l1-ratio": "0.25,0.75",
        "alphas": "0.1,0.01", "selection": "1se", "scorer": "accuracy", "folds": "4", "seeds": "3", "max-iter": "17",
        "learning-rate": "0.5", "batch-size": "11", "random-state": "13", "n-jobs": "2", "class-weight": "no=1,yes=5",
        "weights": "weight", "row-groups": "day", "drop": "amount", "pieces": "5",
    }  # fmt: skip
    if configured:
        lines = [
            f"{name} = {value if re.fullmatch('[0-9.]+', value) else json.dumps(value)}"
            for name, value in options.items()
        ]
        (tmp_path / "all.toml").write_text("\n".join([*lines, "ensemble = true"]))
        given = ["--config", "all.toml"]
    else:
        given = [part for name, value in options.items() for part in (f"--{name}", value)] + ["--ensemble"]
    ridgewalk(command, "people.csv", "-t", "outcome", "-q", *given)
    assert seen.pop("racing") is False
    expected = {
        "hidden_layer_sizes": (7, 5), "activation": "gelu", "loss": "log_loss", "penalty": "group_lasso",
        "l1_ratio": [0.25, 0.75], "alphas": [0.1, 0.01], "selection": "1se", "scoring": "accuracy", "cv": 4,
        "n_seeds": 3, "max_iter": 17, "learning_rate_init": 0.5, "batch_size": 11, "random_state": 13, "n_jobs": 2,
        "class_weight": {"no": 1.0, "yes": 5.0}, "ensemble": True, "select_inputs": False, "relax": False, "pieces": 5,
        "rows": (np.arange(90) % 3).tolist(), "apart": [str(day) for day in np.arange(90) // 3],
    }  # fmt: skip
    assert {name: seen[name] for name in expected} == expected
    assert seen["groups"].tolist() == [0, 0, 1, 2, 2, 2]  # columns of one input leave together


@pytest.mark.parametrize(("given", "raced"), [(["--racing"], True), (["--no-racing"], False), ([], True)])
def test_a_race_is_asked_for_or_refused(
    ridgewalk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any, raced: Any
) -> None:
    seen: list[bool] = []

    def stop(self: Any, *_rest: Any, **_named: Any) -> None:
        seen.append(self.racing)
        raise ValueError("seen")

    monkeypatch.setattr(MLPClassifierCV, "fit", stop)
    (tmp_path / "raced.toml").write_text("racing = true")
    ridgewalk("fit", "people.csv", "-t", "outcome", "-q", "--no-blend", "--config", "raced.toml", *given)
    assert seen == [raced]


def test_the_command_line_wins_over_a_configuration(ridgewalk: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'target = "outcome"\nalphas = 2\nmax_iter = 30\nfolds = 3\nhidden = [4]\nreport = false\ndrop = ["age"]\n'
    )
    code, out, _ = ridgewalk("fit", "people.csv", "--config", "mine.toml", "--alphas", "3", "--json")
    summary = json.loads(out)
    assert code == 0
    assert len(summary["path"]) == 4
    assert summary["folds"] == 3
    assert "age" not in {entry["name"] for entry in summary["inputs"]}
    assert not (tmp_path / summary["folder"] / "report.html").exists()
    (tmp_path / "one.toml").write_text("alphas = [1]")  # a strength, and no count of them
    _, out, _ = ridgewalk("fit", "people.csv", "--config", "one.toml", "-t", "outcome", "--json", *QUICK[2:])
    assert [row["alpha"] for row in json.loads(out)["path"]] == [0, 1]


def test_a_path_whose_unpenalized_arm_diverged_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    row: dict[str, Any] = {"alpha": 0.0, "heldout_loss": None, "standard_error": None, "train_loss": None, "zeros": 0.0,
           "heldout_score": None, "inputs_kept": 1, "units_kept": 1, "diverged": 2, "marks": []}  # fmt: skip
    good = row | {"alpha": 1.0, "heldout_loss": 0.5, "standard_error": 0.1, "train_loss": 0.4, "diverged": 0}
    summary: Any = {"path": [row, good], "dropped": [], "alpha": 1.0, "index": 1, "loss": "CrossEntropy",
               "loss_description": "log loss in nats", "fits": 4, "folds": 1, "seeds": 1,
               "null_loss": 0.7, "selection": "min", "inputs": [{"name": ":heart: [x]", "kept": False}],
               "change_from_no_penalty": {"mean": None, "standard_error": None}}  # fmt: skip
    show(summary)
    printed = capsys.readouterr().out
    assert "the training diverged, so there is nothing to compare with" in printed
    assert "diverged  " in printed
    assert "Inputs kept, 0 of 1: none." in printed


def test_a_long_path_is_shown_in_part_and_what_matters_of_it_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    row: dict[str, Any] = {"heldout_loss": 0.5, "standard_error": 0.1, "train_loss": 0.4, "zeros": 0.0, "diverged": 0,
           "heldout_score": None, "inputs_kept": 1, "units_kept": 1}  # fmt: skip
    rest: dict[str, Any] = {"dropped": [], "alpha": 0.1, "loss_description": "a loss", "fits": 4, "folds": 1,
           "seeds": 1, "null_loss": 0.7, "selection": "min", "inputs": [],
           "change_from_no_penalty": {"mean": None, "standard_error": None}}  # fmt: skip

    def shown(marked: dict[int, list[str]], chosen: int, count: int = 31) -> list[float]:
        rows = [row | {"alpha": k / 100, "marks": marked.get(k, [])} for k in range(count)]
        summary: Any = rest | {"path": rows, "index": chosen}
        show(summary)
        printed = capsys.readouterr().out
        alphas = [float(line.split()[0]) for line in printed.splitlines() if re.match(r" *[\d.]+ +0\.5000 ", line)]
        assert (f"{len(alphas)} of {count} strengths." in printed) == (len(alphas) < count)
        return alphas

    some = shown({7: ["min"], 8: ["1se"]}, chosen=9)
    assert {0.3, 0.09, 0.08, 0.07, 0.0} <= set(some)
    assert some == sorted(some, reverse=True)
    assert len(some) == 8
    assert len(shown({1: ["min", "1se"]}, chosen=1, count=8)) == 8
    assert shown({0: ["min", "1se"]}, chosen=0, count=1) == [0.0]


def test_what_a_table_leaves_out_is_said_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    row: dict[str, Any] = {"heldout_loss": 0.5, "standard_error": 0.1, "train_loss": 0.4, "zeros": 0.0, "diverged": 0,
           "heldout_score": None, "inputs_kept": 1, "units_kept": 1, "alpha": 0.1, "marks": ["min"]}  # fmt: skip
    dropped = {"alpha": 0.2, "folds": 2, "heldout_loss": 0.9}
    members = [{"view": name, "alpha": 0.1, "weight": 0.5} for name in ("plain", "linear")]
    blend = {"heldout_loss": 0.5, "standard_error": 0.1, "networks": 30, "members": members, "network": "plain"}
    summary: Any = {"dropped": [dropped, dropped], "alpha": 0.1, "loss_description": "a loss", "fits": 4, "folds": 1,
           "seeds": 1, "null_loss": 0.7, "selection": "min", "inputs": [], "path": [row], "index": 0,
           "change_from_no_penalty": {"mean": None, "standard_error": None},
           "agreed": True, "blend": blend | {"worth": []}}  # fmt: skip
    show(summary)
    printed = capsys.readouterr().out
    assert printed.count("The race dropped 2 strengths more after 2 folds") == 1
    assert printed.index("The race dropped") < printed.index("held-out loss  +- s.e.") < printed.index("Loss: a loss")
    assert (
        "Predictions are a blend of 30 networks of the view plain, and of linear models; its held-out loss" in printed
    )
    assert "(view: plain); at strength 0 it is this network without a penalty" in printed
    assert "<- is, of the refits within one standard error of the lowest loss, the one whose inputs the fold" in printed
    assert printed.index("Predictions are") < printed.index("held-out loss  +- s.e.")


def test_diagnose_says_whether_it_helped(ridgewalk: Any, tmp_path: Path) -> None:
    code, out, err = ridgewalk("diagnose", "people.csv", "-t", "outcome", "--drop", "amount", "--no-references", *QUICK)
    assert code == 0
    assert "held-out loss" in out
    assert "Next:" in out
    assert "smallest difference that matters" in out
    assert "Diagnosing" in err
    code, out, err = ridgewalk(
        "diagnose", "people.csv", "-t", "amount", "--drop", "outcome", "--no-references", "--json", *QUICK
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["verdict"] == found["findings"][0]["name"]
    assert found["numbers"]["rows"] == 90
    assert found["numbers"]["seeds"] == 3
    code, out, _ = ridgewalk("diagnose", *BLEND, "--no-references", "--report", "v.html")
    assert code == 0
    assert "Judging the blend that fit predicts with; --no-blend judges one network." in out
    assert "the blend" in out.split("Judging the blend")[1]
    assert "the blend" in (tmp_path / "v.html").read_text(encoding="utf-8")
    code, _, err = ridgewalk("diagnose", "people.csv", "-t", "outcome", "--alpha", "1e9", *QUICK)
    assert code == 1
    assert "alpha is a number on the path" in err
    assert not list(tmp_path.glob("ridgewalk-results*"))  # nothing is written


@pytest.mark.parametrize(
    ("given", "alpha", "blends", "seeds", "said"),
    [
        ({}, None, True, 1, "Judging the blend that fit predicts with; --no-blend judges one network."),
        ({"seeds": 2}, None, True, 2, "Judging the blend that fit predicts with"),
        (
            {"blend": False},
            None,
            False,
            3,
            "one network, with 3 seeds; --blend judges the blend that fit predicts with by default.",
        ),
        ({}, 0.1, False, 3, "Judging one network, with 3 seeds; --blend judges"),
        ({"alphas": "8", "seeds": 1}, None, False, 1, "Judging one network, with 1 seed."),
    ],
)
def test_what_fit_would_predict_with_is_judged(
    given: dict[str, Any], alpha: float | None, blends: bool, seeds: int, said: str
) -> None:
    options = JudgedPathOptions(**given).of(alpha)
    assert (options.blends, options.seeds) == (blends, seeds)
    assert said in options.described
    assert options.blends == (PathOptions(**given).blends and alpha is None)


def test_a_blend_and_a_strength_are_not_judged_together(ridgewalk: Any) -> None:
    code, _, err = ridgewalk("diagnose", "people.csv", "-t", "outcome", "--blend", "--alpha", "0.1")
    assert code == 1
    assert "--alpha judges one strength of one network" in err


def test_predict_gives_what_the_estimator_gives(ridgewalk: Any, tmp_path: Path) -> None:
    assert ridgewalk("fit", "people.csv", "-t", "outcome", "--drop", "amount", "-q", "--out", "kept", *QUICK)[0] == 0
    code, out, _ = ridgewalk("predict", "kept", "people.csv")
    assert code == 0
    frame = table()
    inputs = frame[["age", "größe, cm", "town"]]
    model = MLPClassifierCV((6,), alphas=4, max_iter=40, cv=3, learning_rate_init=0.03, random_state=0).fit(
        Encoder().fit(inputs).transform(inputs), frame["outcome"].to_numpy()
    )
    (tmp_path / "out.csv").write_text(out)
    predicted = pd.read_csv(tmp_path / "out.csv")
    assert list(predicted.columns) == ["outcome", "probability of no", "probability of yes"]
    chances = model.predict_proba(Encoder().fit(inputs).transform(inputs))
    np.testing.assert_allclose(predicted.iloc[:, 1:].to_numpy(), chances, rtol=1e-9)
    code, _, err = ridgewalk("predict", "kept/model.safetensors", "people.csv", "--out", "p.csv")
    assert code == 0
    assert "90 predictions" in err
    pd.testing.assert_frame_equal(pd.read_csv("p.csv"), predicted)


def test_predict_says_how_far_off_it_may_be(ridgewalk: Any) -> None:
    ridgewalk("fit", "people.csv", "-t", "amount", "--drop", "outcome", "-q", "--out", "amounts", "--folds", "3")
    ridgewalk("fit", "people.csv", "-t", "outcome", "--drop", "amount", "-q", "--out", "outcomes", *QUICK)
    code, out, err = ridgewalk("predict", "amounts", "people.csv", "--coverage", "0.8")
    assert (code, err) == (0, "")
    predicted, frame = pd.read_csv(io.StringIO(out)), table()
    assert list(predicted) == ["amount", "low", "high"]
    ends = load("amounts").predict_interval(pd.read_csv("people.csv"), 0.8)
    np.testing.assert_allclose(predicted[["low", "high"]].to_numpy(), ends, rtol=1e-9)
    assert ((predicted["low"] < frame["amount"]) & (frame["amount"] < predicted["high"])).mean() > 0.7
    code, out, _ = ridgewalk("predict", "outcomes", "people.csv", "--coverage", "0.9")
    possible = pd.read_csv(io.StringIO(out))
    assert list(possible)[3:] == ["possible: no", "possible: yes"]
    stored = read("outcomes")
    assert stored.encoder is not None
    sets = stored.model.predict_set(stored.encoder.transform(frame[["age", "größe, cm", "town"]]), 0.9)
    np.testing.assert_array_equal(possible.iloc[:, 3:].to_numpy(), sets)
    for wanted in (["--quiet"], ["--json"], []):
        code, out, err = ridgewalk("predict", "amounts", "people.csv", "--coverage", "0.999", *wanted)
        assert code == 0
        assert ("Note: A coverage of 0.999 needs 999 held-out rows" in err) == (not wanted)
    code, out, err = ridgewalk("predict", "amounts", "people.csv", "--coverage", "0.999", "--json")
    said = json.loads(out, parse_constant=pytest.fail)  # no Infinity, which JSON does not know
    assert said["predictions"][0]["low"] is None
    assert "needs 999 held-out rows" in said["notes"][0]


def test_export_writes_intervals_too(ridgewalk: Any) -> None:
    ridgewalk("fit", "people.csv", "-t", "amount", "--drop", "outcome", "-q", "--out", "kept", *QUICK)
    _, out, _ = ridgewalk("predict", "kept", "people.csv", "--coverage", "0.8")
    assert ridgewalk("export", "kept", "--to", "numpy", "--coverage", "0.8", "--quiet")[0] == 0
    done = subprocess.run([sys.executable, "model.py", "people.csv"], capture_output=True, text=True, check=True)
    ours, theirs = (pd.read_csv(io.StringIO(each)) for each in (out, done.stdout))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9)
    code, out, err = ridgewalk("export", "kept", "--to", "onnx", "--coverage", "0.999", "--json")
    assert (code, err) == (0, "")
    assert "needs 999 held-out rows" in json.loads(out)["notes"][0]


def test_regression_and_a_parquet_file(ridgewalk: Any) -> None:
    table().to_parquet("people.parquet")
    code, out, _ = ridgewalk("fit", "people.parquet", "-t", "amount", "--drop", "outcome", *QUICK)
    assert code == 0
    assert "Regression of 'amount'" in out
    assert "half the squared error" in out
    code, out, _ = ridgewalk("predict", "ridgewalk-results/people", "people.parquet")
    assert out.startswith("amount\n")


def test_json_is_all_there_is(ridgewalk: Any) -> None:
    code, out, err = ridgewalk("fit", "people.csv", "-t", "outcome", "--json", *QUICK)
    assert code == 0
    assert json.loads(out)["target"] == "outcome"
    assert err == ""


def test_options_reach_the_path(ridgewalk: Any) -> None:
    options = ["--penalty", "group_lasso", "--selection", "1se", "--seeds", "2", "--activation", "tanh"]
    _, out, _ = ridgewalk("fit", "people.csv", "-t", "outcome", "--json", *QUICK, *options)
    summary = json.loads(out)
    assert summary["selection"] == "1se"
    assert summary["seeds"] == 2
    _, linear, _ = ridgewalk("fit", "people.csv", "-t", "outcome", "--json", *QUICK, "--hidden", "none")
    assert json.loads(linear)["path"][1]["units_kept"] == 0


@pytest.mark.slow
def test_a_loss_for_numbers_makes_few_whole_numbers_a_regression(ridgewalk: Any) -> None:
    counts = table().assign(count=np.arange(90) % 5)
    counts.to_csv("counts.csv", index=False)
    plain = ridgewalk("fit", "counts.csv", "-t", "count", "--no-report", *QUICK)[1]
    assert "Classification of 'count'" in plain
    poisson = ridgewalk("fit", "counts.csv", "-t", "count", "--no-report", "--loss", "poisson", *QUICK)[1]
    assert "Regression of 'count'" in poisson
    code, _, err = ridgewalk("fit", "people.csv", "-t", "outcome", "--loss", "poisson", *QUICK)
    assert code == 1
    assert "--loss poisson is for numbers, and this is classification" in err


@pytest.mark.slow
def test_force_without_a_folder_replaces_the_first(ridgewalk: Any, tmp_path: Path) -> None:
    for options in ([], [], ["--seeds", "2", "--force"]):
        ridgewalk("fit", "people.csv", "-t", "outcome", "-q", "--no-report", *QUICK, *options)
    results = tmp_path / "ridgewalk-results"
    assert sorted(path.name for path in results.iterdir()) == ["people", "people-2"]
    seeds = [json.loads((results / name / "summary.json").read_text())["seeds"] for name in ("people", "people-2")]
    assert seeds == [2, 1]


def test_report_writes_a_page_with_a_files_rows(ridgewalk: Any, tmp_path: Path) -> None:
    ridgewalk("fit", "people.csv", "-t", "outcome", "-q", "--out", "kept", *QUICK)
    whole = (tmp_path / "kept" / "report.html").read_text(encoding="utf-8")
    assert "<h1>What predicts outcome</h1>" in whole
    assert ridgewalk("report", "kept")[0] == 0
    fit, later = (Page(text).data() for text in (whole, (tmp_path / "report.html").read_text(encoding="utf-8")))
    own = ("effects", "without_effects", "inputs", "answers", "card", "regions")  # what needs rows: no model file has
    assert {**fit, **dict.fromkeys(own)} == {**later, **dict.fromkeys(own)}
    assert later["held_out"]["kind"] == "classes"
    assert later["effects"] is None
    summary = json.loads((tmp_path / "kept" / "summary.json").read_text(encoding="utf-8"))
    assert summary["card"] == fit["card"]
    assert summary["card"]["notes"] == summary["notes"]
    assert {each["name"] for each in summary["card"]["columns"]} == {each["name"] for each in summary["inputs"]}
    code, _, err = ridgewalk("report", "kept", "people.csv")
    assert code == 1
    assert "--force to replace it" in err
    assert ridgewalk("report", "kept", "people.csv", "--force")[0] == 0
    assert Page((tmp_path / "report.html").read_text(encoding="utf-8")).data()["rows"]["kind"] == "classes"
    predicted = pd.read_csv(io.StringIO(ridgewalk("predict", "kept", "people.csv")[1]))
    said = json.loads(ridgewalk("report", "kept", "people.csv", "--force", "--json")[1])
    truth = table()["outcome"]
    given = np.where(truth == "yes", predicted["probability of yes"], predicted["probability of no"])
    assert said["accuracy"] == pytest.approx((predicted["outcome"] == truth).mean())
    assert said["log loss"] == pytest.approx(-np.log(given).mean())
    shown = ridgewalk("report", "kept", "people.csv", "--force")[1]
    assert f"On these 90 rows: accuracy {said['accuracy']:.4f}, log loss {said['log loss']:.4f}." in shown
    doubt = " (too good, if the model was fitted to some of these rows)."
    flattered = "These are the rows that the model was fitted to, so what is measured on them is too good"
    assert said["notes"][0].startswith(flattered)
    assert doubt not in shown
    table()[::-1].to_csv("new.csv", index=False)
    _, shown, err = ridgewalk("report", "kept", "new.csv", "--force")
    assert doubt in shown
    assert flattered not in err
    table().drop(columns="outcome").to_csv("new.csv", index=False)
    assert "There is no column 'outcome'" in ridgewalk("report", "kept", "new.csv", "--out", "new.html")[2]
    assert not (tmp_path / "new.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "how"),
    [("amount", QUICK), ("amount", ["--folds", "3"]), ("town", QUICK), ("outcome", ["--folds", "3"])],
)
def test_report_knows_the_rows_of_the_fit(ridgewalk: Any, target: str, how: list[str]) -> None:
    table().fillna({"town": "nowhere"}).to_csv("people.csv", index=False)
    ridgewalk("fit", "people.csv", "-t", target, "-q", "--no-report", "--out", "kept", *how)
    assert "Note: These are the rows that the model was fitted to" in ridgewalk("report", "kept", "people.csv")[2]
    pd.read_csv("people.csv")[:-1].to_csv("people.csv", index=False)
    code, out, err = ridgewalk("report", "kept", "people.csv", "--force")
    assert (code, "fitted to" in err, "fitted to some of these rows" in out) == (0, False, True)


def test_report_says_how_good_the_model_is(ridgewalk: Any) -> None:
    fitted = ridgewalk("fit", "people.csv", "-t", "outcome", "--out", "kept", *QUICK)[1]
    shown = ridgewalk("report", "kept")[1]
    assert shown.startswith("The network is right on ")
    assert shown.strip() in fitted
    assert json.loads(ridgewalk("report", "kept", "--force", "--json")[1])["answer"]["task"] == "classes"


def test_the_nearest_result_is_suggested_for_one_that_is_not_there(ridgewalk: Any, tmp_path: Path) -> None:
    for name in ("churn", "people", "broken"):
        (tmp_path / "ridgewalk-results" / name).mkdir(parents=True)
        (tmp_path / "ridgewalk-results" / name / ("no model" if name == "broken" else "model.safetensors")).touch()
    for command in (["predict", "{}", "people.csv"], ["report", "{}"], ["columns", "{}"], ["compare", "{}", "other"]):
        for given in ("peeple", "people", "ridgewalk-results/broken", "elsewhere/people.safetensors"):
            code, out, err = ridgewalk(*(each.format(given) for each in command))
            assert (code, out) == (1, "")
            assert f"There is no model {given}. Is it ridgewalk-results/" in err
            assert err.endswith("/people?\n") or "broken" in given


def test_demo_answers_the_tutorials_question(ridgewalk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ridgewalk.cli.demo.DEMO_EPOCHS", 150)
    code, out, err = ridgewalk("demo", "--samples", "30")
    assert code == 0
    page = tmp_path / "ridgewalk-results" / "demo" / "report.html"
    assert "To look at: ridgewalk-results/demo/report.html" in err
    shown = Page(page.read_text(encoding="utf-8")).data()
    assert (shown["regions"]["kind"], shown["rows"]["count"]) == ("classes", 2000)
    assert "Chosen strength:" in out
    assert "Did regularization help?" in out
    assert [line[:2] for line in out.splitlines()[-3:]] == ["1.", "2.", "3."]


def test_a_fit_says_how_many_values_are_missing_and_what_stands_for_them(ridgewalk: Any) -> None:
    frame = table()
    inputs = frame.drop(columns=["outcome", "amount"])
    cells, columns = int(inputs.isna().sum().sum()), int(inputs.isna().any().sum())
    command = ("fit", "people.csv", "-t", "outcome", "--drop", "amount", "--no-report", *QUICK)
    said = ridgewalk(*command)[1].splitlines()[1]
    assert said == (
        f"Missing: {cells} cells in {columns} of 3 inputs (age, town); numbers take the median, and a column says "
        "where; categories get a level for it."
    )
    frame.fillna({"age": 40, "town": "none"}).to_csv("people.csv", index=False)
    assert "Missing" not in ridgewalk(*command)[1]


@pytest.mark.parametrize("command", ["fit", "diagnose"])
def test_without_a_target_the_columns_are_listed_and_one_is_suggested(ridgewalk: Any, command: str) -> None:
    code, out, err = ridgewalk(command, "people.csv")
    said = " ".join(err.replace("│", "").split())
    assert (code, out) == (2, "")
    assert "Missing option '--target' / '-t'. It names the column to predict, perhaps --target outcome." in said
    assert "people.csv has 5 columns: " in said
    for name in table():
        assert name in said


def test_without_a_target_many_and_long_names_are_shortened_and_the_last_is_suggested(
    ridgewalk: Any, tmp_path: Path
) -> None:
    names = [f"c{k}" + "x" * 60 * (k == 3) for k in range(50)] + ["the last one"]
    rows = [[0] * 51, [0] * 51, [1] * 51]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "wide.csv", index=False, sep=";")
    said = " ".join(ridgewalk("fit", "wide.csv")[2].replace("│", "").split())
    assert "perhaps --target 'the last one'" in said
    assert "wide.csv has 51 columns: c0, c1, c2, c3" in said
    assert said.count("x" * 37 + "…") == 1
    assert "x" * 38 not in said
    assert "c39 and 11 more." in said
    assert "c40" not in said
    pd.DataFrame(rows, columns=names).iloc[:, 11:].to_csv(tmp_path / "wide.csv", index=False)
    said = " ".join(ridgewalk("fit", "wide.csv")[2].replace("│", "").split())
    assert "c48, c49, the last one." in said


@pytest.mark.parametrize(
    ("columns", "given", "likely"),
    [
        ({"churned": ["yes", "no"], "country": ["US"], "joined": ["2024-01-02", "2024-02-03"]}, (), "churned"),
        ({"sold": ["yes", "no"], "day": ["24.12.2026", "25.12.2026", "31.12.2026"], "name": None}, (), "sold"),
        ({"Label": [0, 1], "size": [1.5, 2.5]}, (), "Label"),
        ({"y": ["only"], "size": [1.5, 2.5]}, (), "size"),
        ({"rent": ["1,5", "2,25", "0,5"], "customer_id": [17, 4, 3]}, (), "rent"),
        ({"rent": [1.5, 2.25], "weight": [1, 2, 3]}, ("--weights", "weight"), "rent"),
        ({"rent": [1.5, 2.25], "a": [1, 2], "b": [1, 2]}, ("--drop", "a,b"), "rent"),
    ],
    ids=["a date is last", "dates and names", "its name", "a constant", "an id", "weights", "dropped"],
)
def test_what_could_be_a_target_is_suggested(
    ridgewalk: Any, tmp_path: Path, columns: dict[str, Any], given: Any, likely: str
) -> None:
    rows = {
        name: [f"n{k}" for k in range(120)] if values is None else (values * 120)[:120]
        for name, values in columns.items()
    }
    pd.DataFrame({"age": np.arange(120) % 7, **rows}).to_csv(tmp_path / "t.csv", index=False, sep=";")
    said = " ".join(ridgewalk("fit", "t.csv", *given)[2].replace("│", "").split())
    assert f"perhaps --target {likely}." in said


def test_no_target_is_suggested_where_there_is_none(ridgewalk: Any, tmp_path: Path) -> None:
    pd.DataFrame({"joined": ["2024-01-02", "2024-02-03"], "country": "US"}).to_csv(tmp_path / "t.csv", index=False)
    assert "It names the column to predict. t.csv has 2" in " ".join(
        ridgewalk("fit", "t.csv")[2].replace("│", "").split()
    )
    (tmp_path / "t.csv").write_text("a,a,b\n")
    assert "It names the column to predict. t.csv has 3" in " ".join(
        ridgewalk("fit", "t.csv")[2].replace("│", "").split()
    )


@pytest.mark.parametrize("ending", ["parquet", "feather", "tsv.gz"])
def test_the_columns_of_every_kind_of_file_are_known_from_its_head(tmp_path: Path, ending: str) -> None:
    file, frame = tmp_path / f"people.{ending}", table()
    if ending == "tsv.gz":
        frame.to_csv(file, index=False, sep="\t")
    else:
        getattr(frame, f"to_{ending}")(file)
    head = first_rows(file, 7)
    assert list(head) == list(frame)
    pd.testing.assert_frame_equal(head, frame.head(7), check_dtype=False)


def test_without_a_target_a_file_that_cannot_be_read_is_said(ridgewalk: Any, tmp_path: Path) -> None:
    assert "There is no file none.csv" in " ".join(ridgewalk("fit", "none.csv")[2].replace("│", "").split())
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 is how it begins")
    assert "cannot be read as Parquet" in " ".join(ridgewalk("fit", "bad.parquet")[2].replace("│", "").split())
    assert "Missing option" in ridgewalk("fit", "-")[2]


def test_version(ridgewalk: Any) -> None:
    assert ridgewalk("version")[1] == f"ridgewalk {__version__}\n"


def test_interrupting_writes_nothing(ridgewalk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPClassifierCV, "fit", interrupt)
    code, _, err = ridgewalk("fit", "people.csv", "-t", "outcome", *QUICK)
    assert code == 130
    assert "nothing was written" in err
    assert not (tmp_path / "ridgewalk-results").exists()


@pytest.mark.slow
def test_a_log_gets_lines_and_no_bar(tmp_path: Path) -> None:
    table(400).to_csv(tmp_path / "people.csv", index=False)
    command = [sys.executable, "-m", "ridgewalk", "fit", "people.csv", "-t", "outcome", *QUICK, "--max-iter", "20000"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert lines[0] == "Fitting the path: 0 s"
    assert all(line.startswith("Fitting the path") for line in lines)
    assert any(" s left" in line for line in lines)


@pytest.mark.slow
def test_ctrl_c_ends_a_long_fit(tmp_path: Path) -> None:
    table(400).to_csv(tmp_path / "people.csv", index=False)
    command = [sys.executable, "-m", "ridgewalk", "fit", "people.csv", "-t", "outcome", "--seeds", "2000"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith("Classification of")
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(3)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in err
    kept = list(tmp_path.glob("ridgewalk-results/people/.unfinished/*.npy"))
    assert err.splitlines()[-1].startswith("Stopped")
    assert ("--resume goes on from there" in err) == bool(kept)
    assert (tmp_path / "ridgewalk-results").exists() == bool(kept)


def test_help_waits_for_no_library() -> None:
    slow = "import sys, ridgewalk.cli; sys.exit(any(name in sys.modules for name in ('sklearn', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", slow], check=False).returncode == 0


def test_inputs_are_selected_with_the_columns_of_a_category_together(ridgewalk: Any, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(generator.normal(size=(240, 4)), columns=list("abcd"))
    frame["town"] = generator.choice(["here", "there", "away"], 240)
    frame["y"] = np.where(frame["a"] + 2 * (frame["town"] == "here") > 1, "yes", "no")
    frame.to_csv("towns.csv", index=False)
    options = [
        "--select-inputs",
        "--alphas",
        "6",
        "--max-iter",
        "150",
        "--folds",
        "3",
        "--hidden",
        "8",
        "--out",
        "kept",
    ]
    code, out, _ = ridgewalk("fit", "towns.csv", "-t", "y", *options)
    assert code == 0
    assert "Held-out losses: path" in out
    assert "over the constant prediction it gains" in out
    assert len({line.split()[0] for line in out.splitlines() if line[:1].strip().isdigit()}) == len(
        [line for line in out.splitlines() if line[:1].strip().isdigit()]
    )  # refits repeat a strength, the table does not
    summary = json.loads((tmp_path / "kept" / "summary.json").read_text())
    assert {arm["name"] for arm in summary["arms"]} == {"path", "adaptive path", "refits"}
    kept = {entry["name"] for entry in summary["inputs"] if entry["kept"]}
    assert {"a", "town"} <= kept
    columns = load(tmp_path / "kept").get_support()[-3:]
    assert columns.tolist() == [True] * 3
    code, out, _ = ridgewalk("predict", "kept", "towns.csv", "--json")
    assert [row["y"] for row in json.loads(out)["predictions"]].count("yes") > 20


@pytest.mark.slow
@pytest.mark.parametrize(("options", "words"), [
    (["--scorer", "roc_auc"], "(rule: min, by roc_auc)"),
    (["--alphas", "qut", "--l1-ratio", "1"], "(rule: qut)"),
    (["--relax"], "(rule: min, on the refits)"),
    (["--l1-ratio", "0.9,0.1", "--selection", "1se"], " of 0.1, 0.9)"),
])  # fmt: skip
def test_how_the_strength_was_chosen_is_said(ridgewalk: Any, options: Any, words: Any) -> None:
    code, out, _ = ridgewalk("fit", "people.csv", "-t", "outcome", "--no-report", *QUICK, *options)
    assert code == 0
    assert words in out
    assert out.count(" <-") == 1
    head = next(line for line in out.splitlines() if line.strip().startswith("strength"))
    assert ("score" in head) == ("--scorer" in options)


def test_rows_of_refits_are_told_apart_and_their_strengths_are_counted_once(ridgewalk: Any, tmp_path: Path) -> None:
    options = ["--drop", "amount", "--no-report", "--relax", *QUICK, "--alphas", "12", "--out", "kept"]
    code, out, _ = ridgewalk("fit", "people.csv", "-t", "outcome", *options)
    assert code == 0
    assert "(rule: min, on the refits)" in out
    path = pd.read_csv(tmp_path / "kept" / "path.csv")
    assert not path[["alpha", "ridge"]].duplicated().any()
    assert path["ridge"].nunique() == len(RIDGES)
    assert path["alpha"].nunique() == 12
    assert "8 of 12 strengths. Each was refitted under 4 ridges" in out
    assert " fits: 12 strengths x 4 ridges x (" in out
    assert "12 strengths (" in out or " of 12)" in out  # as good as the best


@pytest.mark.slow
@pytest.mark.parametrize("name", ["people.tsv", "people.csv.gz", "people.feather", "-"])
def test_predictions_do_not_depend_on_the_kind_of_file(
    ridgewalk: Any, monkeypatch: pytest.MonkeyPatch, name: Any
) -> None:
    frame = table().drop(columns="amount")
    ridgewalk("fit", "people.csv", "-t", "outcome", "--drop", "amount", "-q", "--out", "kept", *QUICK)
    expected = ridgewalk("predict", "kept", "people.csv")[1]
    if name == "-":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(frame.to_csv(index=False).encode())))
    elif name == "people.feather":
        frame.to_feather(name)
    else:
        frame.to_csv(name, index=False, sep="\t" if "tsv" in name else ",")
    assert ridgewalk("predict", "kept", name)[1] == expected
    if name != "-":
        _, out, _ = ridgewalk("fit", name, "-t", "outcome", "--json", *QUICK)
        assert json.loads(out)["folder"] == str(Path("ridgewalk-results") / "people")


def test_the_page_shows_how_the_folds_train_where_it_is_asked_for(ridgewalk: Any, tmp_path: Path) -> None:
    for name, more in {"plain": [], "curves": ["--curves"]}.items():
        assert ridgewalk("fit", "people.csv", "-t", "outcome", "-q", "--out", name, *QUICK, *more)[0] == 0
        page = Page((tmp_path / name / "report.html").read_text(encoding="utf-8"))
        assert (page.data()["curves"] is None) == (not more)


def test_a_card_lists_no_option_that_the_command_set_by_itself(ridgewalk: Any, tmp_path: Path) -> None:
    options = ["--drop", "amount", "-q", *QUICK]
    for more, given in (([], {}), (["--random-state", "3"], {"random_state": "3"}), (["--select-inputs"], {})):
        assert ridgewalk("fit", "people.csv", "-t", "outcome", *options, *more, "--out", "kept", "--force")[0] == 0
        listed = json.loads((tmp_path / "kept" / "summary.json").read_text(encoding="utf-8"))["card"]["options"]
        assert {name: listed[name] for name in ("random_state", "groups") if name in listed} == given
    assert ridgewalk("report", "kept", "--out", "again.html", "-q")[0] == 0
    assert "random_state" not in (tmp_path / "again.html").read_text(encoding="utf-8")


def test_a_card_says_whose_losses_it_has(ridgewalk: Any, tmp_path: Path) -> None:
    assert ridgewalk("fit", *BLEND, "-q", "--no-report", "--out", "kept")[0] == 0
    scores = json.loads((tmp_path / "kept" / "summary.json").read_text(encoding="utf-8"))["card"]["scores"]
    model = load(tmp_path / "kept")
    assert scores["held-out loss of the blend"] == pytest.approx(model.heldout_loss_, rel=1e-5)
    single = {
        "held-out loss": "heldout_loss_",
        "without a penalty": "unpenalized_loss_",
        "gain by the penalty": "gain_",
    }
    for name, key in single.items():
        assert scores[f"single network: {name}"] == pytest.approx(getattr(model.network_, key), rel=1e-5)
    assert scores.keys().isdisjoint(single)


def test_a_diagnosis_heads_its_page(ridgewalk: Any, tmp_path: Path) -> None:
    options = ["--no-references", "--json", "--report", "d.html"]
    code, out, err = ridgewalk("diagnose", "people.csv", "-t", "outcome", "--drop", "amount", *options, *QUICK)
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["report"] == "d.html"
    page = (tmp_path / "d.html").read_text(encoding="utf-8")
    assert f'<p class="verdict">{html.escape(found["headline"])}</p>' in page
    assert html.escape(found["findings"][0]["advice"]) in page


@pytest.mark.slow
def test_quiet_says_nothing_and_json_nothing_else(ridgewalk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ridgewalk.cli.demo.DEMO_EPOCHS", 60)
    monkeypatch.setattr("ridgewalk.cli.bench.TASKS", (Task("tiny", 40, 3, (4,), 3, 2),))
    monkeypatch.setattr("ridgewalk.cli.bench._MOST_ROUNDS", 1)
    target = ["people.csv", "-t", "outcome"]
    fitted = ["--no-report", *QUICK]
    for command in (["--out", "one"], ["--out", "two", "--seeds", "2"]):
        assert ridgewalk("fit", *target, "-q", *fitted, *command) == (0, "", "")
    table().assign(town="new").to_csv("new.csv", index=False)
    for command in (
        ["fit", *target, *fitted],
        ["diagnose", *target, "--no-references", *QUICK],
        ["predict", "one", "new.csv"],
        ["predict", "one", "new.csv", "--out", "p.csv", "--force"],
        ["report", "one", "new.csv", "--force"],
        ["export", "one", "--to", "numpy", "--force"],
        ["compare", "one", "two"],
        ["demo", "--samples", "20"],
        ["bench", "--n-jobs", "1"],
    ):
        code, out, err = ridgewalk(*command, "--json")
        assert (code, err) == (0, ""), command
        assert json.loads(out), command
        code, out, err = ridgewalk(*command, "--quiet")
        assert (code, err) == (0, ""), command


def test_compare_pairs_what_shares_folds(ridgewalk: Any, tmp_path: Path) -> None:
    target = ["people.csv", "-t", "outcome", "--drop", "amount", "--no-report", "-q", *QUICK]
    ridgewalk("fit", *target, "--out", "one")
    ridgewalk("fit", *target, "--out", "two", "--seeds", "2", "--activation", "tanh")
    (tmp_path / "three.toml").write_text('drop = ["age", "amount"]\n' + "\n".join(
        f"{QUICK[k][2:]} = {QUICK[k + 1]}" for k in range(0, len(QUICK), 2)
    ))  # fmt: skip
    code, out, _ = ridgewalk(
        "compare", "one", "two/model.safetensors", "three.toml", "--table", "people.csv", "-t", "outcome"
    )
    assert code == 0
    assert "90 held-out rows in 3 folds, the same for all" in out
    assert "another start would change" in out
    code, out, _ = ridgewalk("compare", "one", "two", "--json")
    one, two = json.loads(out)["models"]
    assert [one["inputs"], two["inputs"]] == [
        sum(each["kept"] for each in json.loads((tmp_path / name / "summary.json").read_text())["inputs"])
        for name in ("one", "two")
    ]
    models = [load(tmp_path / name) for name in ("one", "two")]
    for said, model in zip((one, two), models, strict=True):
        assert said["heldout_loss"] == pytest.approx(model.heldout_loss_)
        assert said["alpha"] == model.alpha_
    assert one["difference"] is None
    assert two["difference"]["mean"] == pytest.approx(models[1].heldout_loss_ - models[0].heldout_loss_)
    assert two["difference"]["low"] < two["difference"]["mean"] < two["difference"]["high"]
    assert not list(tmp_path.glob("ridgewalk-results*"))


def test_bench_says_who_did_what(
    ridgewalk: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ridgewalk.cli.bench.TASKS", (Task("tiny", 40, 3, (4,), 200, 8),))
    monkeypatch.setattr("ridgewalk.cli.bench._MOST_ROUNDS", 2)
    code, out, _ = ridgewalk("bench", "--n-jobs", "2", "--json")
    assert code == 0
    measured = {each["engine"]: each for each in json.loads(out)["measured"]}
    assert list(measured) == [
        "ridgewalk, compiled", "ridgewalk, compiled, 1 thread", "ridgewalk, reference (NumPy)", "scikit-learn",
        "scikit-learn, side by side",
    ]  # fmt: skip
    losses = [each["loss"] for each in measured.values()]
    assert max(losses) < 0.6  # all have learned
    assert max(losses) - min(losses) < 0.1
    assert all(each["fits_per_second"] > 0 for each in measured.values())
    show_measured([Measured(**each) for each in measured.values()], 2)
    assert "to scikit-learn's best" in capsys.readouterr().out


_OF_WORTH = {
    "the single network": "network",
    "the blend without a penalty": "no penalty",
    "early stopping": "early stopping",
    "a linear model": "linear",
    "a constant": "constant",
}
BLEND = ["people.csv", "-t", "outcome", "--drop", "amount", "--folds", "3"]


def test_fit_blends_by_default_and_says_what_it_gains(ridgewalk: Any, tmp_path: Path) -> None:
    code, out, _ = ridgewalk("fit", *BLEND, "--no-report", "--out", "kept")
    assert code == 0
    summary, model = json.loads((tmp_path / "kept" / "summary.json").read_text()), load(tmp_path / "kept")
    assert type(model) is TableClassifier
    blend = summary["blend"]
    assert blend["heldout_loss"] == pytest.approx(model.heldout_loss_)
    assert blend["networks"] == len(model.mixture_.models)
    assert sum(member["weight"] for member in blend["members"]) == pytest.approx(1)
    assert f"Predictions are a blend of {blend['networks']} networks of " in out
    (said,) = [line for line in out.splitlines() if line.startswith("Predictions are a blend")]
    worth = {_OF_WORTH[each["than"]]: each for each in blend["worth"]}
    differences = {each["than"]: each for each in summary["answer"]["differences"]}
    assert worth.keys() <= differences.keys()
    for than, each in worth.items():
        told = differences[than]
        assert (told["verdict"], told["low"], told["high"]) == (each["verdict"], each["low"], each["high"])
        assert told["loss"] == {"value": each["difference"], "standard_error": each["standard_error"]}
    assert f"that of the best single network (view: {blend['network']})" in said
    assert len(pd.read_csv(tmp_path / "kept" / "path.csv")) == len(summary["path"])
    inputs = table()[["age", "größe, cm", "town"]]
    again = TableClassifier(cv=3, random_state=0).fit(inputs, table()["outcome"])
    np.testing.assert_allclose(model.predict_proba(inputs), again.predict_proba(inputs), rtol=1e-9)


@pytest.mark.parametrize("options", [["--no-blend"], ["--max-iter", "600"]])
def test_one_network_is_fitted_where_it_is_asked_for(ridgewalk: Any, tmp_path: Path, options: Any) -> None:
    code, out, _ = ridgewalk("fit", *BLEND, "--no-report", "--out", "kept", *options)
    assert code == 0
    assert "blend" not in out
    assert "blend" not in json.loads((tmp_path / "kept" / "summary.json").read_text())
    inputs, model = table()[["age", "größe, cm", "town"]], load(tmp_path / "kept")
    encoded = Encoder().fit(inputs).transform(inputs)
    alone = MLPClassifierCV(cv=3, random_state=0, **({"max_iter": 600} if "--max-iter" in options else {}))
    alone.fit(encoded, table()["outcome"].to_numpy())
    np.testing.assert_array_equal(model.predict_proba(encoded), alone.predict_proba(encoded))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["fit", "--blend", "--alphas", "4"], "--blend fits several networks, and --alphas is of one"),
        (["fit", "--blend", "--hidden", "8", "--l1-ratio", "1"], "--hidden, --l1-ratio is of one"),
        (["fit", "--blend", "--budget", "1m"], "--budget chooses the grid of one network: leave it out, or --blend"),
        (
            ["diagnose", "--blend", "--alpha", "0.1"],
            "--alpha judges one strength of one network, and a blend has several",
        ),
        (["diagnose", "--blend", "--hidden", "8"], "--blend fits several networks, and --hidden is of one"),
    ],
)
def test_a_blend_is_of_no_networks_options(ridgewalk: Any, tmp_path: Path, command: Any, words: Any) -> None:
    code, out, err = ridgewalk(*command, *BLEND)
    assert (code, out) == (1, "")
    assert words in err
    assert [path.name for path in tmp_path.iterdir()] == ["people.csv"]


def test_a_kept_blend_predicts_and_is_drawn(ridgewalk: Any, tmp_path: Path) -> None:
    target = ["people.csv", "-t", "amount", "--drop", "outcome", "--folds", "3"]
    code, out, err = ridgewalk("fit", *target, "--json", "--curves", "--out", "kept")
    assert (code, err) == (0, "")
    summary, model = json.loads(out), load(tmp_path / "kept")
    assert type(model) is TableRegressor
    assert summary["blend"]["worth"] == model.worth_
    page = (tmp_path / "kept" / "report.html").read_text(encoding="utf-8")
    assert "<h1>What predicts amount</h1>" in page
    table().assign(town="elsewhere").drop(columns=["amount", "outcome"]).to_csv("new.csv", index=False)
    code, out, err = ridgewalk("predict", "kept", "new.csv")
    assert code == 0
    assert "'town' holds values that the model has never seen, such as 'elsewhere' (90 rows)" in err
    predicted = pd.read_csv(io.StringIO(out))
    np.testing.assert_allclose(predicted["amount"], model.predict(table().assign(town="elsewhere")), rtol=1e-9)
    code, out, err = ridgewalk("report", "kept", "people.csv", "--json")
    assert (code, err) == (0, "")
    said, rows = json.loads(out), table()
    assert said["R2"] == pytest.approx(model.score(rows, rows["amount"]))
    assert said["RMSE"] == pytest.approx(np.sqrt(np.mean((model.predict(rows) - rows["amount"]) ** 2)))
    assert "<h1>What predicts amount</h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_blend_is_compared_with_one_network_on_the_same_folds(ridgewalk: Any, tmp_path: Path) -> None:
    for name, options in (("blend", []), ("one", ["--no-blend"])):
        assert ridgewalk("fit", *BLEND, "-q", "--no-report", "--out", name, *options)[0] == 0
    code, out, err = ridgewalk("compare", "one", "blend", "--json")
    assert (code, err) == (0, "")
    one, blend = json.loads(out)["models"]
    summary = json.loads((tmp_path / "blend" / "summary.json").read_text())
    assert blend["heldout_loss"] == pytest.approx(summary["blend"]["heldout_loss"])
    assert blend["difference"]["mean"] == pytest.approx(blend["heldout_loss"] - one["heldout_loss"])
    assert blend["difference"]["low"] < blend["difference"]["mean"] < blend["difference"]["high"]
    assert blend["inputs"] == 3
    code, out, _ = ridgewalk("compare", "one", "blend")
    assert code == 0
    assert "90 held-out rows in 3 folds, the same for all" in out
    assert out.splitlines()[-1].startswith(("blend ", "blend and one"))
    (tmp_path / "one.toml").write_text('drop = ["amount"]\nfolds = 3\nblend = false\n')
    fitted = ridgewalk("compare", "one.toml", "blend", "--table", "people.csv", "-t", "outcome", "--json")[1]
    assert json.loads(fitted)["models"][1] == blend


@pytest.mark.slow
def test_a_blend_that_was_broken_off_goes_on(ridgewalk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained, train = [], compiled.train

    def spy(job: Any, *rest: Any) -> Any:
        trained.append(job.runs)
        return train(job, *rest)

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compiled, "train", spy)
    with monkeypatch.context() as patch:
        patch.setattr("ridgewalk.cli.fit.save", interrupt)
        code, _, err = ridgewalk("fit", *BLEND, "--no-report", "--out", "kept")
    assert code == 130
    assert "--resume goes on from there" in err
    before = len(trained)
    assert before > 2
    code, _, err = ridgewalk("fit", *BLEND, "--no-report", "--out", "kept", "--resume")
    assert code == 0
    assert "Going on with the fit in kept." in err
    assert len(trained) == before
    assert ridgewalk("fit", *BLEND, "--no-report", "--out", "whole")[0] == 0
    for name in ("summary.json", "path.csv", "model.safetensors"):
        assert (tmp_path / "kept" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    code, _, err = ridgewalk("fit", *BLEND, "--no-report", "--out", "kept", "--resume")
    assert code == 0
    assert "holds the finished result" in err
    code, _, err = ridgewalk("fit", *BLEND, "--no-report", "--out", "kept", "--resume", "--blend")
    assert code == 0  # what is done by default may be asked for
    assert "holds the finished result" in err
    for other in (["--no-blend"], ["--max-iter", "5"]):
        code, _, err = ridgewalk("fit", *BLEND, "--no-report", "--out", "kept", "--resume", *other)
        assert code == 1
        said = "begun as a blend of several networks (--blend), not as one network (--no-blend): give what it was"
        assert said in " ".join(err.split())
    assert ridgewalk("fit", *BLEND, "--no-blend", "--max-iter", "5", "--no-report", "--out", "one")[0] == 0
    code, _, err = ridgewalk("fit", *BLEND, "--no-report", "--out", "one", "--resume", "--blend")
    assert code == 1
    assert "begun as one network (--no-blend), not as a blend of several networks" in " ".join(err.split())
    summary = json.loads((tmp_path / "kept" / "summary.json").read_text())
    summary["asked"]["blend"] = None  # as files of before have it
    (tmp_path / "kept" / "summary.json").write_text(json.dumps(summary))
    assert ridgewalk("fit", *BLEND, "--no-report", "--out", "kept", "--resume")[0] == 0


COMMANDS: Any = app.registered_commands  # each of which has its function


@pytest.mark.parametrize("command", ["", *(command.callback.__name__ for command in COMMANDS)])
def test_help_fits_a_narrow_terminal(ridgewalk: Any, monkeypatch: pytest.MonkeyPatch, command: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = ridgewalk(*command.split(), "--help")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out


@pytest.mark.parametrize(
    ("verdict", "mean", "careful", "said"),
    [
        (
            "better",
            -0.1,
            0.01,
            "b is better than a; an interval that also allows for other training rows, -0.1196 to -0.0804, "
            "excludes 0, too.",
        ),
        (
            "better",
            -0.1,
            0.1,
            "b is probably better than a; an interval that also allows for other training rows, -0.2960 to +0.0960, "
            "contains 0.",
        ),
        ("worse", 0.1, 0.1, "b is probably worse than a; an interval that also allows for other training rows"),
        ("worse", 0.1, np.nan, "b is worse than a."),
        ("no difference", 0.0, 0.1, "b and a make no difference that matters."),
        ("cannot tell", 0.0, 0.1, "b and a cannot be told apart with these rows and starts."),
    ],
)
def test_a_comparison_claims_no_more_than_the_careful_interval(
    capsys: pytest.CaptureFixture[str], verdict: Any, mean: float, careful: float, said: str
) -> None:
    change = Effect(mean, 0.01, 0.01, 0.0, 0.0, careful, 90, 3, 1)
    models = (Compared("a", 0.1, 0.5, 0.1, 3, None, ""), Compared("b", 0.1, 0.5 + mean, 0.1, 3, change, verdict))
    comparison = Comparison(models, "CrossEntropy", 90, 3, 0.7, 0.01, 3)
    show_comparison(comparison, quiet=True)
    assert capsys.readouterr().out.strip().startswith(said)
    show_comparison(comparison, quiet=False)
    printed = capsys.readouterr().out
    first, second = (
        f"{format_loss(low, sign='+')} to {format_loss(high, sign='+')}"
        for low, high in ((change.low, change.high), change.careful)
    )
    (row,) = (line for line in printed.splitlines() if line.startswith("b  "))
    assert row.rstrip().endswith(first)
    assert (f"({second})" in printed) == np.isfinite(careful)
