"""Mistakes at the command line: each ends in a sentence that says what was expected, what came and what to do.

None ends in a traceback, and none leaves anything behind: the folder is as it was, to the byte and to the minute.
"""

import gzip
import io
import pickle
import subprocess
import sys
import zipfile
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgewalk import MLPRegressor, cli, save
from ridgewalk.storage import FORMAT, MODEL_FILE
from ridgewalk.tables import Encoder

MODEL = MODEL_FILE.rpartition(".")[2]
QUICK = ["--alphas", "3", "--max-iter", "10", "--folds", "2", "--hidden", "3", "--no-report", "-q"]
FIT = ["-t", "y", *QUICK]


def rows(count: Any = 24) -> Any:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"a": generator.normal(size=count), "b": generator.normal(size=count)})
    frame["kind"] = ["red", "blue", "green"] * (count // 3)
    frame["y"] = np.where(frame["a"] + generator.normal(size=count) > 0, "yes", "no")
    frame["amount"] = 10 * frame["a"] + generator.normal(size=count)
    return frame


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Everything that can be wrong, in one folder; no command may change it."""
    at = tmp_path_factory.mktemp("mistakes")
    good = rows()
    good.to_csv(at / "good.csv", index=False)
    (at / "a folder.csv").mkdir()
    (at / "empty.csv").touch()
    (at / "header.csv").write_text("a,b,y\n")
    (at / "binary.csv").write_bytes(bytes(range(256)) * 8)
    (at / "zeros.csv").write_bytes(bytes(500))
    (at / "latin.csv").write_bytes("größe,y\n1,a\n2,b\n".encode("latin-1"))
    (at / "fields.csv").write_text("a,y\n1,2,yes\n3,4,no\n")
    (at / "doubled.csv").write_text("a,a,y\n1,2,yes\n3,4,no\n")
    (at / "table.xls").write_bytes(b"PK")
    (at / "plain.csv.gz").write_text("a,y\n1,yes\n2,no\n")
    (at / "cut.csv.gz").write_bytes(gzip.compress(good.to_csv(index=False).encode())[:-40])
    good.to_parquet(at / "good.parquet")
    (at / "cut.parquet").write_bytes((at / "good.parquet").read_bytes()[:700])
    (at / "false.arrow").write_bytes(b"no arrow at all")
    good.assign(same=1)[["same", "y"]].to_csv(at / "constant.csv", index=False)
    good.assign(y=None).to_csv(at / "no target.csv", index=False)
    good.assign(y=good["y"].where(good.index > 3)).to_csv(at / "gaps.csv", index=False)
    good.assign(y="one").to_csv(at / "one class.csv", index=False)
    good.assign(y=[f"name {k}" for k in range(24)]).to_csv(at / "names.csv", index=False)
    good.assign(y=good["amount"].where(good.index > 0, np.inf)).to_csv(at / "infinite target.csv", index=False)
    good.assign(a=good["a"].where(good.index > 0, np.inf)).to_csv(at / "infinite.csv", index=False)
    good.assign(y=["rare", *["often"] * 23]).to_csv(at / "rare.csv", index=False)
    good.assign(w=-1.0, g=None, v="heavy").to_csv(at / "weights.csv", index=False)
    good.drop(columns="b").to_csv(at / "lacks.csv", index=False)
    good.assign(a="text").to_csv(at / "texts.csv", index=False)
    good.assign(y=["maybe", *good["y"][1:]]).to_csv(at / "strange.csv", index=False)
    for name, text in {
        "broken": "alphas = = 3", "unknown": "alpfas = 3", "range": "folds = 1", "word": 'max-iter = "many"',
        "fraction": "folds = 2.5", "switch": 'relax = "yes"', "truth": "hidden = true", "table": "[path]\nalphas = 3",
        "budget": 'budget = "1m"', "fine": "alphas = 3\nmax-iter = 10\nfolds = 2\nhidden = [3]",
    }.items():  # fmt: skip
        (at / f"{name}.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(at)
        for name, more in {
            "kept": ["-t", "y"], "other": ["-t", "y", "--random-state", "1"], "amount": ["-t", "amount"]
        }.items():  # fmt: skip
            patch.setattr(sys, "argv", ["ridgewalk", "fit", "good.csv", *QUICK, "--out", name, *more])
            with pytest.raises(SystemExit, match="0"):
                cli.main()
    damage(at)
    return at


def damage(at: Any) -> None:
    """Put models into the folder that are none, or no longer."""
    whole = (at / "kept" / MODEL_FILE).read_bytes()
    (at / f"empty.{MODEL}").touch()
    (at / f"cut.{MODEL}").write_bytes(whole[: len(whole) // 2])
    (at / f"altered.{MODEL}").write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])  # in an array
    (at / f"pickled.{MODEL}").write_bytes(pickle.dumps({"model": subprocess.Popen}))
    with zipfile.ZipFile(at / f"hostile.{MODEL}", "w") as archive:
        archive.writestr("schema.json", '{"__class__": "Popen", "__module__": "subprocess", "__loader__": "TypeNode"}')
    newer = whole.replace(f'"ridgewalk":"{FORMAT} '.encode(), f'"ridgewalk":"{FORMAT + 1} '.encode())
    assert newer != whole
    (at / f"newer.{MODEL}").write_bytes(newer)
    one = MLPRegressor((), solver="lbfgs").fit([[1], [2], [3]], [1, 2, 3])
    save(one, at / f"bare.{MODEL}")
    save(one, at / f"single.{MODEL}", encoder=Encoder().fit(pd.DataFrame({"amount": [1.0, 2.0, 3.0]})), target="y")
    (at / "no model").mkdir()
    (at / "prepared").mkdir()


def fit(*options: Any, table: Any = "good.csv") -> Any:
    return ["fit", table, *FIT, *options]


CASES: dict[str, Any] = {
    # the table: what is there
    "absent": (fit(table="nothing.csv"), "There is no file nothing.csv: look at the name"),
    "a folder": (fit(table="a folder.csv"), "is a folder; give a file whose name ends in .csv"),
    "unknown kind": (fit(table="table.xls"), "of a kind that is not read: its name must end in .csv"),
    "empty": (fit(table="empty.csv"), "is empty: a line of column names and rows below it are needed"),
    "header only": (fit(table="header.csv"), "has column names but no rows: write rows below the names"),
    "binary": (fit(table="binary.csv"), "is not UTF-8 text", "save it as UTF-8"),
    "zeros": (fit(table="zeros.csv"), "holds bytes that no text has: give CSV or TSV in UTF-8"),
    "latin-1": (fit(table="latin.csv"), "is not UTF-8 text", "save it as UTF-8"),
    "not gzip": (fit(table="plain.csv.gz"), "cannot be read as CSV compressed by gzip", "Not a gzipped file"),
    "half a gzip": (fit(table="cut.csv.gz"), "ends in the middle, or is damaged: copy or make it again"),
    "half a parquet": (fit(table="cut.parquet"), "cannot be read as Parquet", "is it that, and whole?"),
    "no arrow": (fit(table="false.arrow"), "cannot be read as Arrow", "is it that, and whole?"),
    "doubled names": (fit(table="doubled.csv"), "more than one column named 'a': rename one"),
    "too many fields": (fit(table="fields.csv"), "more fields than there are column names: name or remove them"),
    "nothing piped": (fit(table="-"), "Standard input is empty: a line of column names"),
    # the table: its columns
    "absent target": (["fit", "good.csv", "-t", "income"], "There is no column 'income'. The columns are: a, b"),
    "absent column to drop": (fit("--drop", "z"), "There is no column 'z'", "The columns are: a"),
    "target dropped": (fit("--drop", "y"), "'y' is the target, and --drop names it, too: take one of them back"),
    "kept and dropped": (
        fit("--keep", "b", "--drop", "b"),
        "'b' stands in --keep and in --drop",
    ),
    "absent column to keep": (fit("--keep", "z"), "There is no column 'z'", "The columns are: a"),
    "constant columns": (fit(table="constant.csv"), "No column is left to learn from", "is constant"),
    "target all missing": (fit(table="no target.csv"), "is missing in 24 of 24 rows", "drop those first"),
    "target with gaps": (fit(table="gaps.csv"), "is missing in 4 of 24 rows", "drop those first"),
    "one class": (fit(table="one class.csv"), "has one value only (one): there is nothing to learn"),
    "all classes distinct": (fit(table="names.csv"), "different value in each row, so it is no set of classes"),
    "text for regression": (
        fit("--task", "regression"),
        "Regression needs numbers",
        "holds text such as",
        "yes",
    ),
    "infinite target": (
        fit(table="infinite target.csv"),
        "holds infinite values, or numbers beyond 1e308: drop or correct those rows",
    ),
    "infinite input": (
        fit(table="infinite.csv"),
        "Column 'a' holds infinite values, or numbers beyond 1e308: correct them",
    ),
    "rare class": (fit(table="rare.csv"), "the rarest class has 1", "leave that class out"),
    "text as weights": (fit("--weights", "v", table="weights.csv"), "--weights v is no column of weights: numbers"),
    "negative weights": (fit("--weights", "w", table="weights.csv"), "numbers of zero or more are needed"),
    "groups missing": (fit("--row-groups", "g", table="weights.csv"), "is missing in 24 rows: fill it in"),
    "absent weights": (fit("--weights", "w"), "There is no column 'w'. The columns are"),
    "too few groups": (fit("--row-groups", "kind", "--folds", "4"), "need as many groups, got 3"),
    # options: out of their range
    "no target": (["fit", "good.csv"], "Missing option", "--target", "--help"),
    "no file": (["fit", "-t", "y"], "Missing argument", "FILE", "--help"),
    "no such command": (["stroll"], "No such command 'stroll'", "--help"),
    "no such option": (fit("--alpfas", "3"), "No such option", "--alphas"),
    "task": (fit("--task", "ranking"), "--task", "'ranking' is not one of", "regression"),
    "activation": (fit("--activation", "swish"), "--activation", "'swish' is not one of", "gelu"),
    "penalty": (fit("--penalty", "lasso"), "--penalty", "'lasso' is not one of", "elasticnet"),
    "selection": (fit("--selection", "best"), "--selection", "'best' is not one of", "1se"),
    "loss": (fit("--loss", "hinge"), "--loss", "'hinge' is not one of", "huber"),
    "loss of the other task": (fit("--loss", "huber"), "--loss huber is for numbers", "log_loss"),
    "folds": (fit("--folds", "1"), "--folds", "2 or more is expected, and '1' came"),
    "folds, a word": (fit("--folds", "five"), "--folds", "a whole number of 2 or more is expected, and 'five' came"),
    "too many folds": (fit("--folds", "23"), "23 folds", "ask for at most"),
    "seeds": (fit("--seeds", "0"), "--seeds", "a whole number of 1 or more is expected, and '0' came"),
    "max-iter": (fit("--max-iter", "0"), "--max-iter", "a whole number of 1 or more is expected, and '0' came"),
    "batch-size": (fit("--batch-size", "0"), "--batch-size", "a whole number of 1 or more is expected, and '0' came"),
    "random-state": (
        fit("--random-state", "-1"),
        "--random-state",
        "a whole number of 0 to 4294967295 is expected, and '-1' came",
    ),
    "learning-rate": (fit("--learning-rate", "0"), "--learning-rate", "a number above 0 is expected, and '0' came"),
    "n-jobs": (fit("--n-jobs", "0"), "--n-jobs is 1 or more threads, or -1", "got 0"),
    "hidden": (fit("--hidden", "ten"), "--hidden takes units per layer", "got 'ten'"),
    "hidden of 0": (fit("--hidden", "8,0"), "--hidden takes units per layer", "got '8,0'"),
    "l1-ratio": (fit("--l1-ratio", "2"), "--l1-ratio takes numbers from 0", "got '2'"),
    "alphas": (fit("--alphas", "0"), "--alphas takes how many strengths", "got '0'"),
    "alphas below 0": (fit("--alphas", "0.1,-1"), "--alphas takes how many", "got '0.1,-1'"),
    "scorer": (fit("--scorer", "acuracy"), "no scorer", "'acuracy'; the nearest is 'accuracy'"),
    "scorer of the other task": (fit("--scorer", "r2"), "scoring='r2' cannot score", "accuracy"),
    "class-weight": (fit("--class-weight", "yes"), "--class-weight takes", "got 'yes'"),
    "class-weight of no class": (
        fit("--class-weight", "yess=2"),
        "no class 'yess'; the nearest is 'yes'",
    ),
    "class-weight of numbers": (
        ["fit", "good.csv", "-t", "amount", *QUICK, "--class-weight", "balanced"],
        "--class-weight is for classes",
    ),
    "budget": (fit("--budget", "soon"), "--budget takes a time above 0", "60s", "got 'soon'"),
    "budget too short": (
        ["fit", "good.csv", "-t", "y", "-q", "--budget", "0.001s"],
        "is too short",
        "the smallest grid",
        "Give more time",
    ),
    # options: against each other
    "select and scorer": (fit("--select-inputs", "--scorer", "accuracy"), "leave one out"),
    "select and relax": (fit("--select-inputs", "--relax"), "leave --relax out"),
    "select, linear": (fit("--select-inputs", "--hidden", "none"), "give --l1-ratio 1 instead"),
    "select and qut": (fit("--select-inputs", "--alphas", "qut"), "leave --select-inputs and"),
    "qut of L2": (fit("--alphas", "qut", "--l1-ratio", "0"), "l1_ratio above 0"),
    "curves of refits": (["fit", "good.csv", "-t", "y", "--relax", "--curves"], "leave --no-report, --select-inputs"),
    "race by a score": (fit("--racing", "--scorer", "accuracy"), "leave it out"),
    "race to refit": (fit("--racing", "--relax"), "leave it out"),
    "race of one": (fit("--racing", "--alphas", "qut"), "needs several --alphas"),
    "race of two folds": (fit("--racing", "--folds", "2"), "--folds 3 or more"),
    "budget and qut": (fit("--budget", "9s", "--alphas", "qut"), "leave one out"),
    "ensemble of one": (fit("--ensemble"), "give --seeds 3 or more"),
    # configurations
    "no configuration": (fit("--config", "x.toml"), "x.toml cannot be read", "give a TOML file"),
    "no TOML": (fit("--config", "broken.toml"), "broken.toml is no TOML", "write lines such as"),
    "unknown key": (fit("--config", "unknown.toml"), "no option 'alpfas'; the nearest is 'alphas'"),
    "range in TOML": (
        fit("--config", "range.toml"),
        "range.toml: folds = 1",
        "a whole number of 2 or more is expected",
    ),
    "word in TOML": (fit("--config", "word.toml"), "word.toml: max-iter = 'many'", "a whole number of"),
    "fraction in TOML": (fit("--config", "fraction.toml"), "folds = 2.5", "a whole number of"),
    "switch in TOML": (fit("--config", "switch.toml"), "relax = 'yes'", "true or false is expected"),
    "truth in TOML": (fit("--config", "truth.toml"), "hidden = True", "a number, a text, or a list"),
    "table in TOML": (fit("--config", "table.toml"), "no option 'path'; the nearest is"),
    # where it goes
    "out is a file": (fit("--out", "good.csv"), "--out good.csv is a file; give a folder"),
    "out inside a file": (fit("--out", "good.csv/x"), "cannot be made: good.csv is a file"),
    "out holds a result": (fit("--out", "kept"), "holds a result already", "--force"),
    "out holds other files": (fit("--out", ".", "--force"), "holds other files", "of its own"),
    "made, and for nothing": (["fit", "good.csv", "-t", "y", "--out", "x/y/z", "--folds", "20"], "ask for at most"),
    "prepared, and for nothing": (
        ["fit", "good.csv", "-t", "y", "--out", "prepared", "--folds", "20"],
        "ask for at most",
    ),
    "resumed and replaced": (fit("--resume", "--force"), "--resume goes on with what is there, --force replaces it"),
    # predict
    "a column lacks": (
        ["predict", "kept", "lacks.csv"],
        "The model needs column 'b', and lacks.csv lacks it: add it, empty where",
        "The columns are",
    ),
    "text for numbers": (
        ["predict", "kept", "texts.csv"],
        "Column 'a' held numbers when the model was trained, and holds 'text' here, in row 1 and 23 more: correct it",
    ),
    "no rows to predict": (["predict", "kept", "header.csv"], "header.csv has column names but no rows: write rows"),
    "the table alone": (["predict", "good.csv"], "The result of fit comes first", "RESULT good.csv", "--help"),
    "the result alone": (["predict", "kept"], "Missing argument 'FILE'. ╰", "--help"),
    "predictions over the table": (
        ["predict", "kept", "good.csv", "--out", "good.csv", "--force"],
        "is the file to read: give another",
    ),
    "predictions there": (["predict", "kept", "good.csv", "--out", "lacks.csv"], "is there already", "--force"),
    "predictions nowhere": (["predict", "kept", "good.csv", "--out", "x/p.csv"], "there is no folder x; make it first"),
    "predictions, a folder": (["predict", "kept", "good.csv", "--out", "kept"], "is a folder; give the name of a file"),
    # models
    "no model": (["predict", "nothing", "good.csv"], "There is no model nothing"),
    "a folder without": (["predict", "no model", "good.csv"], "There is no model no model"),
    **{
        f"a table as model: {command[0]}": (command, f"{command[1]} is a table, and a model is needed here: give fit's")
        for command in (
            ["predict", "good.csv", "good.csv"],
            ["report", "good.parquet"],
            ["columns", "plain.csv.gz"],
            ["export", "good.csv", "--to", "numpy"],
            ["compare", "good.csv", "kept"],
        )
    },
    "an empty model": (["predict", f"empty.{MODEL}", "good.csv"], "should hold a model", "It was not loaded"),
    "half a model": (["predict", f"cut.{MODEL}", "good.csv"], "should hold a model", "It was not loaded"),
    "an altered model": (["predict", f"altered.{MODEL}", "good.csv"], "altered or damaged", "It was not loaded"),
    "a pickle": (["predict", f"pickled.{MODEL}", "good.csv"], "should hold a model", "It was not loaded"),
    "a hostile model": (["predict", f"hostile.{MODEL}", "good.csv"], "should hold a model", "It was not loaded"),
    "a newer model": (["predict", f"newer.{MODEL}", "good.csv"], "it is of format", "install a newer ridgewalk"),
    "a model without its columns": (["predict", f"bare.{MODEL}", "good.csv"], "was saved without its encoder"),
    "a path to compare": (["compare", "kept", f"bare.{MODEL}"], "holds a MLPRegressor, which has no path"),
    "a coverage above 1": (["predict", "kept", "good.csv", "--coverage", "90"], "a number between 0 and 1 is expected"),
    "a coverage of no folds": (
        ["predict", f"single.{MODEL}", "good.csv", "--coverage", "0.9"],
        "--coverage needs the networks of folds, and a MLPRegressor has one strength",
    ),
    "intervals of no folds": (
        ["export", f"single.{MODEL}", "--to", "numpy", "--coverage", "0.9"],
        "Intervals and sets need the networks of folds, and a MLPRegressor has one strength",
    ),
    "quantiles in layers": (
        ["export", "kept", "--to", "torch", "--coverage", "0.9"],
        "--coverage is for onnx and numpy: a state_dict of PyTorch holds layers",
    ),
    # report, diagnose, compare
    "a class never seen": (["report", "kept", "strange.csv"], "holds maybe, which is no class of the model"),
    "a page there": (["report", "kept", "--out", "good.csv"], "is there already", "--force"),
    "a page nowhere": (["diagnose", "good.csv", "-t", "y", "--report", "x/d.html"], "there is no folder x"),
    "a strength off the path": (
        ["diagnose", "good.csv", *FIT[:-2], "--alpha", "1e9"],
        "alpha is a number on the path",
    ),
    "a strength below 0": (
        ["diagnose", "good.csv", "-t", "y", "--alpha", "-1"],
        "--alpha",
        "a number of zero or more is expected, and '-1' came",
    ),
    "one to compare": (["compare", "kept"], "takes two different runs or more"),
    "the same to compare": (["compare", "kept", "kept"], "takes two different runs or more"),
    "other folds": (["compare", "kept", "other"], "cannot be compared: their folds hold out different rows"),
    "another target": (["compare", "kept", "amount"], "cannot be compared"),
    "a configuration alone": (["compare", "kept", "fine.toml"], "needs a table to fit: give --table FILE"),
    "a table for nothing": (["compare", "kept", "other", "--table", "good.csv"], "there is none among the runs"),
    "a budget to compare": (
        ["compare", "kept", "budget.toml", "--table", "good.csv", "-t", "y"],
        "has a budget",
        "leave it out",
    ),
}


def seen(folder: Any) -> Any:
    """Everything in a folder; of files, when they were written and how long they are."""
    found = sorted(folder.rglob("*"))
    return {path: path.is_dir() or (path.stat().st_mtime_ns, path.stat().st_size) for path in found}


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "words"), [(case[0], case[1:]) for case in CASES.values()], ids=CASES.keys())
def test_a_mistake_ends_in_a_sentence_and_changes_nothing(
    folder: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: Any, words: Any
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["ridgewalk", *arguments])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    before = seen(folder)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capfd.readouterr()
    said = " ".join(err.replace("│", " ").split())  # a usage error stands in a box
    assert ended.value.code in (1, 2), said
    for each in words:
        assert each in said, said
    assert "Traceback" not in err
    assert not out.startswith("{")
    assert seen(folder) == before


def test_there_are_many() -> None:
    assert len(CASES) >= 45
