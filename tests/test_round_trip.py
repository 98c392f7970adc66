"""From a file on disk through ``fit`` to five ways of predicting it: all give the same numbers.

Python with the same data · ridgewalk predict · the loaded model · onnxruntime · the exported Python file
"""

import io
import runpy
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from ridgewalk import MLPClassifierCV, MLPRegressorCV, cli
from ridgewalk.storage import read
from ridgewalk.tables import Encoder, make_table, read_table

QUICK: dict[str, Any] = {"alphas": 3, "max_iter": 60, "cv": 2, "learning_rate_init": 0.03, "random_state": 0}
FLAGS = {"--alphas": 3, "--max-iter": 60, "--folds": 2, "--hidden": 5, "--learning-rate": 0.03}
TOLERANCE = 1e-5


def numeric() -> Any:
    """Make numbers of very different size, and three classes."""
    x = np.random.default_rng(0).normal(size=(80, 5))
    frame = pd.DataFrame(x * [1, 1e5, 1e-4, 1, 1] + [0, 1e8, 0, 0, 3], columns=list("abcde"))
    return frame.assign(kind=np.digitize(x[:, 0] + x[:, 1], [-0.7, 0.7]) + 10), "kind"


def mixed() -> Any:
    """Make every kind of column, with gaps, and two classes."""
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "age": generator.normal(40, 10, 120).round(),
            "member": generator.choice(["TRUE", "FALSE"], 120),
            "code": generator.choice(np.array(["01", "02", "A7", None]), 120),
            "joined": (pd.Timestamp("2021-01-01") + pd.to_timedelta(generator.integers(0, 900, 120), "D")).strftime(
                "%Y-%m-%d"
            ),
        }
    )
    y = np.where(frame["age"] + 9 * (frame["code"] == "01") > 42, "yes", "no")
    frame.loc[::7, "age"] = np.nan
    frame.loc[::11, "joined"] = None
    return frame.assign(outcome=y), "outcome"


def regression() -> Any:
    """Make a number in large units, from numbers and a category."""
    generator = np.random.default_rng(2)
    frame = pd.DataFrame({"size": generator.gamma(2, 50, 90), "town": generator.choice(["here", "there"], 90)})
    return frame.assign(price=2e5 + 3e3 * frame["size"] + 5e4 * (frame["town"] == "here")), "price"


def wide() -> Any:
    """Make a thousand columns, of which few matter."""
    x = np.random.default_rng(3).normal(size=(60, 1000))
    return pd.DataFrame(x, columns=[f"gene {k}" for k in range(1000)]).assign(ill=x[:, 0] > 0), "ill"


def umlauts() -> Any:
    """Make names and classes with commas, quotes and umlauts."""
    generator = np.random.default_rng(4)
    frame = pd.DataFrame(
        {
            "Größe, cm": generator.normal(170, 10, 90),
            'der "Ort", jetzt': generator.choice(["Köln, Süd", 'das "Dorf"'], 90),
        }
    )
    labels = np.array(["groß, dünn", 'mittel "so"', "klein"])
    return frame.assign(**{"Wer, wie, was?": labels[np.digitize(-frame["Größe, cm"], [-174, -166])]}), "Wer, wie, was?"


FILES = {"numeric": numeric, "mixed": mixed, "regression": regression, "wide": wide, "umlauts": umlauts}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: Any) -> None:
    monkeypatch.setattr(sys, "argv", ["ridgewalk", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0


def predicted(model: Any, x: Any) -> Any:
    """Return what a model predicts, and the probabilities if there are any."""
    return pd.Series(model.predict(x)), model.predict_proba(x) if isinstance(model, MLPClassifierCV) else None


def written(text: Any) -> Any:
    """Return the same from a printed table."""
    table = pd.read_csv(io.StringIO(text))
    return table.iloc[:, 0], table.iloc[:, 1:].to_numpy() if table.shape[1] > 1 else None


def by_onnx(file: Any, frame: Any) -> Any:
    """Return the same from onnxruntime, which gets the file's columns as they are."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    feeds = {}
    for column in session.get_inputs():
        values = frame[[column.name]]
        if column.type == "tensor(string)":
            feeds[column.name] = values.fillna("").to_numpy(dtype=object)
        elif column.name == "joined":
            days = (pd.to_datetime(values["joined"]) - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
            feeds[column.name] = days.to_numpy(dtype=float)[:, None]
        else:
            feeds[column.name] = values.to_numpy(dtype=float)
    outputs = session.run(None, feeds)
    return pd.Series(outputs[0]), outputs[1] if len(outputs) > 1 else None


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_five_ways_to_predict_give_the_same(
    name: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame, target = FILES[name]()
    frame.to_csv("table.csv", index=False)
    flags = [part for pair in FLAGS.items() for part in pair]
    run(monkeypatch, "fit", "table.csv", "-t", target, "--out", "kept", "-q", "--no-report", *flags)
    for form in ("onnx", "numpy"):
        run(monkeypatch, "export", "kept", "--to", form)
    capsys.readouterr()

    table = make_table(read_table(tmp_path / "table.csv"), target)
    encoder = Encoder().fit(table.inputs)
    kind = MLPClassifierCV if table.task == "classification" else MLPRegressorCV
    x = encoder.transform(table.inputs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanted = predicted(kind((5,), **QUICK).fit(x, table.target.to_numpy()), x)

    run(monkeypatch, "predict", "kept", "table.csv")
    kept = read(tmp_path / "kept")
    fresh = read_table(tmp_path / "table.csv", encoder=kept.encoder)
    assert kept.encoder is not None
    code = runpy.run_path("model.py")
    rows = code["read_csv"]("table.csv")
    command = [sys.executable, "-I", "model.py", "table.csv"]
    printed = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    ways = {
        "ridgewalk predict": written(capsys.readouterr().out),
        "loaded": predicted(kept.model, kept.encoder.transform(fresh)),
        "onnxruntime": by_onnx("model.onnx", fresh),
        "Python file": (
            pd.Series(code["predict"](rows)),
            code["predict_proba"](rows) if wanted[1] is not None else None,
        ),
        "Python file, run": written(printed),
    }
    answers, chances = wanted
    assert len(set(answers if chances is None else chances[:, 0].round(3))) > 10  # a constant would show nothing
    for way, (answer, chance) in ways.items():
        if chances is None:
            np.testing.assert_allclose(answer, answers, rtol=TOLERANCE, err_msg=way)
            assert chance is None, way
        else:
            np.testing.assert_allclose(chance, chances, rtol=0, atol=TOLERANCE, err_msg=way)
            assert answer.astype(str).tolist() == answers.astype(str).tolist(), way
