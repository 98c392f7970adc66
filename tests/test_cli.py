"""The command line, as a user meets it: what is printed, what is written, how it ends."""

import json
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ridgewalk import MLPClassifierCV, MLPRegressor, __version__, cli, save
from ridgewalk.cli.console import show
from ridgewalk.data import Encoder

QUICK = ["--alphas", "4", "--max-iter", "40", "--folds", "3", "--hidden", "6", "--learning-rate", "0.03"]


def table(rows=90):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": generator.normal(40, 10, rows).round(),
            "größe, cm": generator.normal(170, 10, rows),
            "town": generator.choice(["here", "there", None], rows),
        }
    )
    frame["outcome"] = np.where(frame["age"] + 3 * (frame["town"] == "here") > 41, "yes", "no")
    frame["amount"] = 100 + 5 * frame["age"] + generator.normal(size=rows)
    frame.loc[::9, "age"] = np.nan
    return frame


@pytest.fixture
def ridgewalk(tmp_path, monkeypatch, capsys):
    """Run a command in a folder that holds people.csv; give its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    table().to_csv("people.csv", index=False)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["ridgewalk", *map(str, arguments)])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_fit_shows_the_path_and_writes_it_down(ridgewalk, tmp_path):
    code, out, _ = ridgewalk("fit", "people.csv", "--target", "outcome", "--drop", "amount", *QUICK)
    assert code == 0
    assert "Classification of 'outcome': 90 rows, 3 inputs (6 columns after encoding)." in out
    for words in ("strength", "held-out loss", "zeros", "inputs", "min", "1se", "<-", "Chosen strength:", "nats"):
        assert words in out
    assert "100%" in out
    folder = tmp_path / "ridgewalk-results" / "people"
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.safetensors", "path.csv", "report.html", "summary.json"
    ]  # fmt: skip
    summary = json.loads((folder / "summary.json").read_text())
    rows = pd.read_csv(folder / "path.csv")
    assert len(rows) == len(summary["path"]) == 5
    assert summary["alpha"] in rows["alpha"].to_numpy()
    assert {entry["name"] for entry in summary["inputs"]} == {"age", "größe, cm", "town"}


def test_results_are_never_overwritten_unasked(ridgewalk, tmp_path):
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


def test_a_folder_that_cannot_be_is_known_before_the_work(ridgewalk, monkeypatch):
    monkeypatch.setattr(MLPClassifierCV, "fit", lambda *_: pytest.fail("the work began"))
    code, _, err = ridgewalk("fit", "people.csv", "-t", "outcome", "--out", "people.csv/x", *QUICK)
    assert code == 1
    assert "cannot be made: people.csv is a file" in err


def test_predictions_overwrite_nothing(ridgewalk, tmp_path):
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


def test_text_codes_stay_text_and_new_ones_are_named(ridgewalk):
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
def test_every_option_reaches_the_estimator(ridgewalk, monkeypatch, command):
    seen = {}

    def stop(self, *_):
        seen.update(self.get_params())
        raise ValueError("seen")

    monkeypatch.setattr(MLPClassifierCV, "fit", stop)
    options = {
        "--hidden": "7,5", "--activation": "gelu", "--penalty": "group_lasso", "--l1-ratio": "0.25", "--alphas": "9",
        "--selection": "1se", "--folds": "4", "--seeds": "3", "--max-iter": "17", "--learning-rate": "0.5",
        "--batch-size": "11", "--random-state": "13", "--jobs": "2",
    }  # fmt: skip
    ridgewalk(command, "people.csv", "-t", "outcome", "-q", *(part for pair in options.items() for part in pair))
    assert {name: seen[name] for name in ("hidden_layer_sizes", "activation", "penalty", "l1_ratio", "alphas")} == {
        "hidden_layer_sizes": (7, 5), "activation": "gelu", "penalty": "group_lasso", "l1_ratio": 0.25, "alphas": 9
    }  # fmt: skip
    assert {name: seen[name] for name in ("selection", "cv", "n_seeds", "max_iter", "learning_rate_init")} == {
        "selection": "1se", "cv": 4, "n_seeds": 3, "max_iter": 17, "learning_rate_init": 0.5
    }  # fmt: skip
    assert [seen[name] for name in ("batch_size", "random_state", "n_jobs")] == [11, 13, 2]


def test_a_path_whose_unpenalized_arm_diverged_says_so(capsys):
    row = {"alpha": 0.0, "heldout_loss": None, "standard_error": None, "train_loss": None, "zeros": 0.0,
           "inputs_kept": 1, "units_kept": 1, "diverged": 2, "marks": []}  # fmt: skip
    good = row | {"alpha": 1.0, "heldout_loss": 0.5, "standard_error": 0.1, "train_loss": 0.4, "diverged": 0}
    summary = {"path": [row, good], "alpha": 1.0, "index": 1, "loss": "CrossEntropy", "fits": 4, "folds": 1, "seeds": 1,
               "null_loss": 0.7, "selection": "min", "inputs": [{"name": ":heart: [x]", "kept": False}],
               "change_from_no_penalty": {"mean": None, "standard_error": None}}  # fmt: skip
    show(summary)
    printed = capsys.readouterr().out
    assert "the training diverged, so there is nothing to compare with" in printed
    assert "diverged  " in printed
    assert "Inputs kept, 0 of 1: none." in printed


def test_diagnose_says_whether_it_helped(ridgewalk, tmp_path):
    code, out, err = ridgewalk("diagnose", "people.csv", "-t", "outcome", "--drop", "amount", "--no-references", *QUICK)
    assert code == 0
    assert "held-out loss" in out
    assert "Next:" in out
    assert "smallest effect" in out
    assert "Diagnosing" in err
    code, out, err = ridgewalk(
        "diagnose", "people.csv", "-t", "amount", "--drop", "outcome", "--no-references", "--json", *QUICK
    )
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["verdict"] == found["findings"][0]["name"]
    assert found["numbers"]["rows"] == 90
    assert found["numbers"]["seeds"] == 3
    code, _, err = ridgewalk("diagnose", "people.csv", "-t", "outcome", "--alpha", "1e9", *QUICK)
    assert code == 1
    assert "alpha is a number on the path" in err
    assert not list(tmp_path.glob("ridgewalk-results*"))  # nothing is written


def test_predict_gives_what_the_estimator_gives(ridgewalk, tmp_path):
    assert ridgewalk("fit", "people.csv", "-t", "outcome", "--drop", "amount", "-q", "--out", "kept", *QUICK)[0] == 0
    code, out, _ = ridgewalk("predict", "kept", "people.csv")
    assert code == 0
    frame = table()
    inputs = frame[["age", "größe, cm", "town"]]
    model = MLPClassifierCV((6,), alphas=4, max_iter=40, cv=3, learning_rate_init=0.03, random_state=0).fit(
        Encoder.fit(inputs).transform(inputs), frame["outcome"].to_numpy()
    )
    (tmp_path / "out.csv").write_text(out)
    predicted = pd.read_csv(tmp_path / "out.csv")
    assert list(predicted.columns) == ["outcome", "probability of no", "probability of yes"]
    chances = model.predict_proba(Encoder.fit(inputs).transform(inputs))
    np.testing.assert_allclose(predicted.iloc[:, 1:].to_numpy(), chances, rtol=1e-9)
    code, _, err = ridgewalk("predict", "kept/model.safetensors", "people.csv", "--out", "p.csv")
    assert code == 0
    assert "90 predictions" in err
    pd.testing.assert_frame_equal(pd.read_csv("p.csv"), predicted)


def test_regression_and_a_parquet_file(ridgewalk):
    table().to_parquet("people.parquet")
    code, out, _ = ridgewalk("fit", "people.parquet", "-t", "amount", "--drop", "outcome", *QUICK)
    assert code == 0
    assert "Regression of 'amount'" in out
    assert "half the squared error" in out
    code, out, _ = ridgewalk("predict", "ridgewalk-results/people", "people.parquet")
    assert out.startswith("amount\n")


def test_json_is_all_there_is(ridgewalk):
    code, out, err = ridgewalk("fit", "people.csv", "-t", "outcome", "--json", *QUICK)
    assert code == 0
    assert json.loads(out)["target"] == "outcome"
    assert err == ""


def test_options_reach_the_path(ridgewalk):
    options = ["--penalty", "group_lasso", "--selection", "1se", "--seeds", "2", "--activation", "tanh"]
    _, out, _ = ridgewalk("fit", "people.csv", "-t", "outcome", "--json", *QUICK, *options)
    summary = json.loads(out)
    assert summary["selection"] == "1se"
    assert summary["seeds"] == 2
    _, linear, _ = ridgewalk("fit", "people.csv", "-t", "outcome", "--json", *QUICK, "--hidden", "none")
    assert json.loads(linear)["path"][1]["units_kept"] == 0


def test_report_writes_a_page_with_a_files_rows(ridgewalk, tmp_path):
    ridgewalk("fit", "people.csv", "-t", "outcome", "-q", "--out", "kept", *QUICK)
    whole = (tmp_path / "kept" / "report.html").read_text(encoding="utf-8")
    assert "<h1>What predicts outcome</h1>" in whole
    assert ridgewalk("report", "kept")[0] == 0
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == whole
    code, _, err = ridgewalk("report", "kept", "people.csv")
    assert code == 1
    assert "--force to replace it" in err
    assert ridgewalk("report", "kept", "people.csv", "--force")[0] == 0
    assert '"kind":"classes"' in (tmp_path / "report.html").read_text(encoding="utf-8")
    table().drop(columns="outcome").to_csv("new.csv", index=False)
    assert "There is no column 'outcome'" in ridgewalk("report", "kept", "new.csv", "--out", "new.html")[2]
    assert not (tmp_path / "new.html").exists()


def test_demo_answers_the_tutorials_question(ridgewalk, monkeypatch):
    monkeypatch.setattr("ridgewalk.cli.demo.DEMO_EPOCHS", 150)
    code, out, _ = ridgewalk("demo", "--samples", "30")
    assert code == 0
    assert "Chosen strength:" in out
    assert "Did regularization help?" in out
    assert [line[:2] for line in out.splitlines()[-3:]] == ["1.", "2.", "3."]


def test_version_and_help(ridgewalk):
    assert ridgewalk("version")[1] == f"ridgewalk {__version__}\n"
    for command in ([], ["fit"], ["predict"], ["report"], ["diagnose"], ["demo"], ["version"]):
        code, out, _ = ridgewalk(*command, "--help")
        assert code == 0
        assert "Usage" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["fit", "nothing.csv", "-t", "y"], 1, "There is no file nothing.csv"),
        (["fit", "people.csv", "-t", "income"], 1, "There is no column 'income'"),
        (["fit", "people.csv", "-t", "age"], 1, "The target 'age' is missing in 10 of 90 rows"),
        (["fit", "people.csv", "-t", "outcome", "--task", "regression"], 1, "Regression needs numbers"),
        (["fit", "empty.csv", "-t", "y"], 1, "is empty"),
        (["fit", "one.csv", "-t", "y"], 1, "one value only"),
        (["fit", "people.csv", "-t", "outcome", "--hidden", "ten"], 1, "--hidden takes units per layer"),
        (["fit", "people.csv", "-t", "outcome", "--folds", "80"], 1, "rarest class"),
        (["fit", "people.csv", "-t", "outcome", "--learning-rate", "0"], 1, "'learning_rate_init' parameter"),
        (["fit", "people.csv", "-t", "outcome", "--out", "people.csv"], 1, "is a file; give a folder"),
        (["fit", "people.csv", "-t", "outcome", "--l1-ratio", "2"], 2, "--l1-ratio"),
        (["fit", "people.csv"], 2, "--target"),
        (["fit", "-t", "outcome"], 2, "file"),
        (["stroll"], 2, "No such command"),
        (["predict", "nothing", "people.csv"], 1, "There is no model nothing"),
        (["predict", "people.csv", "people.csv"], 1, "people.csv should hold a model of ridgewalk"),
        (["predict", "bare.safetensors", "people.csv"], 1, "bare.safetensors was saved without its encoder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_ends_in_a_sentence_and_a_code(ridgewalk, tmp_path, arguments, code, words):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "one.csv").write_text("x,y\n1,a\n2,a\n")
    save(MLPRegressor((), solver="lbfgs").fit([[1], [2], [3]], [1, 2, 3]), tmp_path / "bare.safetensors")
    ended, out, err = ridgewalk(*arguments)
    assert ended == code
    assert words in err
    assert "Traceback" not in out + err
    assert not (tmp_path / "ridgewalk-results").exists()


def test_predict_names_the_column_that_is_missing(ridgewalk):
    ridgewalk("fit", "people.csv", "-t", "outcome", "-q", "--out", "kept", *QUICK)
    table().drop(columns="town").to_csv("short.csv", index=False)
    code, _, err = ridgewalk("predict", "kept", "short.csv")
    assert code == 1
    assert "The model needs column 'town'" in err


def test_interrupting_writes_nothing(ridgewalk, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPClassifierCV, "fit", interrupt)
    code, _, err = ridgewalk("fit", "people.csv", "-t", "outcome", *QUICK)
    assert code == 130
    assert "nothing was written" in err
    assert not (tmp_path / "ridgewalk-results").exists()


def test_a_log_gets_lines_and_no_bar(tmp_path):
    table(400).to_csv(tmp_path / "people.csv", index=False)
    command = [sys.executable, "-m", "ridgewalk", "fit", "people.csv", "-t", "outcome", *QUICK, "--max-iter", "20000"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert lines[0] == "Walking the path: 0 s"
    assert all(line.startswith("Walking the path") for line in lines)
    assert any(" s left" in line for line in lines)


def test_ctrl_c_ends_a_long_fit(tmp_path):
    table(400).to_csv(tmp_path / "people.csv", index=False)
    command = [sys.executable, "-m", "ridgewalk", "fit", "people.csv", "-t", "outcome", "--seeds", "2000"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, text=True, **pipes) as running:
        assert running.stdout.readline().startswith("Classification of")
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(3)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert err.splitlines()[-1].startswith("Stopped")
    assert list(tmp_path.iterdir()) == [tmp_path / "people.csv"]


def test_help_waits_for_no_library():
    slow = "import sys, ridgewalk.cli; sys.exit(any(name in sys.modules for name in ('sklearn', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", slow], check=False).returncode == 0
