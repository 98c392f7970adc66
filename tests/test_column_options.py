"""What the command line says of columns and files reaches the fit and goes with the model; what cannot be is said."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgewalk import MLPClassifierCV, TableClassifier, cli
from ridgewalk.cli.values import names
from ridgewalk.storage import read
from ridgewalk.tables.encode import Category, CommaNumber, Number, OrderedDate

ROWS = 80
QUICK = ["--hidden", "3", "--alphas", "2", "--max-iter", "8", "--folds", "2", "--no-report", "--n-jobs", "1"]
SAID = ["--encoding", "latin-1", "--separator", ";", "--decimal", ",", "--missing", "?,unbekannt"]
CHOSEN = ["--categories", "plz", "--dates", "seit:dayfirst", "--id", "nummer", "--positive", "krank"]


def table() -> Any:
    draws = np.random.default_rng(0)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.integers(0, 700, ROWS), unit="D")
    frame = pd.DataFrame(
        {
            "nummer": [f"{k:04}" for k in range(ROWS)],
            "größe, cm": [f"{value:.1f}".replace(".", ",") for value in draws.normal(170, 9, ROWS)],
            "plz": draws.integers(1, 5, ROWS),
            "ort": draws.choice(["Köln", "Ulm", "?", "unbekannt"], ROWS),
            "seit": days.strftime("%d.%m.%Y"),
            "land": "hier",
        }
    )
    signal = frame["größe, cm"].str.replace(",", ".").astype(float) + 5 * (frame["plz"] > 2)
    return frame.assign(befund=np.where(signal > 172, "krank", "wohl"))


def write(path: Path, frame: Any) -> None:
    frame.to_csv(path, index=False, sep=";", encoding="latin-1")


@pytest.fixture
def ridgewalk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a folder that holds leute.csv; give its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "leute.csv", table())

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


@pytest.mark.parametrize("blend", [False, True])
def test_what_is_said_goes_with_the_model(ridgewalk: Any, tmp_path: Path, blend: bool) -> None:
    how = ["--folds", "3", "--no-report", "--n-jobs", "1"] if blend else QUICK
    code, _, err = ridgewalk("fit", "leute.csv", "-t", "befund", *SAID, *CHOSEN, *how, "-q", "--out", "m")
    assert (code, err) == (0, "")
    stored = read(tmp_path / "m")
    assert isinstance(stored.model, TableClassifier if blend else MLPClassifierCV)
    assert stored.model.pos_label == "krank"
    encoder = stored.encoder
    assert encoder is not None
    kinds = {column.name: type(column) for column in encoder.columns}
    assert kinds == {"größe, cm": CommaNumber, "plz": Category, "ort": Category, "seit": OrderedDate}
    assert [(each.column, each.role) for each in encoder.left_out] == [("land", "left out"), ("nummer", "id")]
    if blend:
        assert stored.model.columns_["column"].tolist() == ["land", "nummer", *kinds]
        assert any("'land' is constant" in note for note in stored.model.notes_)
    write(tmp_path / "neu.csv", table()[:7])
    code, out, err = ridgewalk("predict", "m", "neu.csv")
    assert (code, err) == (0, "")
    found = pd.read_csv(io.StringIO(out), dtype={"nummer": str})
    assert list(found) == ["nummer", "befund", "probability of wohl", "probability of krank"]
    assert found["nummer"].tolist() == table()["nummer"].tolist()[:7]
    rows = table()[:7] if blend else encoder.transform(table()[:7])
    chances = stored.model.predict_proba(rows)  # a frame whose texts are as they stand in the file
    np.testing.assert_allclose(found["probability of krank"], chances[:, 0])
    assert list(stored.model.classes_) == ["krank", "wohl"]


@pytest.fixture
def kept(ridgewalk: Any) -> Any:
    """Run commands beside a model of leute.csv."""
    assert ridgewalk("fit", "leute.csv", "-t", "befund", *SAID, *CHOSEN, *QUICK, "-q", "--out", "m")[0] == 0
    return ridgewalk


def test_a_new_file_may_be_written_otherwise_and_say_so(kept: Any, tmp_path: Path) -> None:
    _, whole, _ = kept("predict", "m", "leute.csv")
    plain = (
        table().assign(**{"größe, cm": table()["größe, cm"].str.replace(",", ".").astype(float)}).replace("?", "fehlt")
    )
    plain.drop(columns="nummer").to_csv(tmp_path / "plain.csv", index=False)
    written = ["--encoding", "utf-8", "--separator", ",", "--decimal", ".", "--missing", "fehlt"]
    code, out, err = kept("predict", "m", "plain.csv", *written)
    assert code == 0
    assert "Note: Column 'nummer', which names the rows (--id), is not there: predictions come without." in err
    assert [line.split(",")[1:] for line in whole.splitlines()] == [line.split(",") for line in out.splitlines()]
    code, _, err = kept("predict", "m", "plain.csv")
    assert code == 1
    assert "The model needs column 'größe, cm'" in err or "UTF-8" in err or "latin" in err
    table().to_parquet(tmp_path / "t.parquet")
    assert kept("predict", "m", "t.parquet")[0] == 0


def test_columns_of_the_new_file_stand_beside_its_predictions(kept: Any, tmp_path: Path) -> None:
    new = table()[:3].assign(**{"a, b": ["007", None, "008"], "low": [1, 2, 3], "land": "x"})
    write(tmp_path / "neu.csv", new)
    given = ["--id", "a, b", "--id", "seit,nummer", "--id", "plz"]
    code, out, err = kept("predict", "m", "neu.csv", *given)
    assert (code, err) == (0, "")
    found = pd.read_csv(io.StringIO(out), dtype=str)
    assert list(found) == ["nummer", "a, b", "seit", "plz", "befund", "probability of wohl", "probability of krank"]
    assert found["a, b"].tolist()[::2] == ["007", "008"]
    assert found["seit"].tolist() == new["seit"].tolist()
    rows = json.loads(kept("predict", "m", "neu.csv", *given, "--json")[1], parse_constant=pytest.fail)["predictions"]
    assert [row["a, b"] for row in rows] == ["007", None, "008"]
    plain = kept("predict", "m", "neu.csv")[1]
    assert [line.split(",")[-3:] for line in out.splitlines()] == [line.split(",")[-3:] for line in plain.splitlines()]
    new.assign(seit=pd.to_datetime(new["seit"], dayfirst=True)).to_parquet(tmp_path / "neu.parquet")
    rows = json.loads(kept("predict", "m", "neu.parquet", "--id", "seit", "--json")[1])["predictions"]
    assert rows[0]["seit"].startswith("20")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("nummmer", "There is no column 'nummmer'. Is it 'nummer'? The columns are: nummer"),
        ("befund", "--id names the target 'befund', and so are predictions called: rename it in the file."),
        ("ort,", "--id takes texts with commas between them, such as a,b, and one of them is empty."),
    ],
)
def test_a_column_that_cannot_stand_beside_predictions_is_a_sentence(kept: Any, given: str, words: str) -> None:
    code, out, err = kept("predict", "m", "leute.csv", "--id", given)
    assert (code, out) == (1, "")
    assert words in err


def test_a_name_of_rows_and_an_end_of_an_interval_are_two_columns(ridgewalk: Any, tmp_path: Path) -> None:
    numbers = table().assign(low=np.arange(ROWS) + 1000, ziel=np.random.default_rng(1).normal(size=ROWS))
    numbers[["low", "plz", "ziel"]].to_csv(tmp_path / "n.csv", index=False)
    assert ridgewalk("fit", "n.csv", "-t", "ziel", "--id", "low", *QUICK, "-q", "--out", "n")[0] == 0
    found = pd.read_csv(io.StringIO(ridgewalk("predict", "n", "n.csv", "--coverage", "0.5")[1]))
    assert list(found) == ["low", "ziel", "low (coverage)", "high"]
    assert found["low"].tolist() == numbers["low"].tolist()


def test_predictions_as_json_name_the_rows(kept: Any) -> None:
    _, out, _ = kept("predict", "m", "leute.csv", "--json")
    found = json.loads(out)["predictions"]
    assert [row["nummer"] for row in found] == table()["nummer"].tolist()


def test_report_measures_the_positive_class(kept: Any) -> None:
    code, out, _ = kept("report", "m", "leute.csv")
    assert code == 0
    for measure in ("precision", "recall", "F1", "average precision"):
        assert re.search(rf"\b{measure} \d", out), measure
    assert kept("fit", "leute.csv", "-t", "befund", *SAID, *QUICK, "-q", "--out", "plain")[0] == 0
    assert "precision" not in kept("report", "plain", "leute.csv", "--force")[1]


def test_columns_says_what_became_of_each(kept: Any) -> None:
    code, out, err = kept("columns", "m")
    assert (code, err) == (0, "")
    assert re.search(r"land +left out +is constant", out)
    assert re.search(r"nummer +id +names the rows", out)
    assert re.search(r"seit +date +5\n", out)
    assert re.search(rf"ort +category +3 +{table()['ort'].isin(['?', 'unbekannt']).sum()}\n", out)
    assert "Texts that mean missing: '?', 'unbekannt'." in out
    found = json.loads(kept("columns", "m", "--json")[1])
    assert found["file"] == {"encoding": "latin-1", "separator": ";", "decimal": ","}
    assert found["missing"] == ["?", "unbekannt"]
    assert [each["role"] for each in found["columns"]] == ["left out", "id", *["input"] * 4]


@pytest.mark.parametrize("how", [[], QUICK], ids=["a blend", "one network"])
def test_a_plan_trains_and_writes_nothing(
    ridgewalk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Any
) -> None:
    for kind in (TableClassifier, MLPClassifierCV):
        monkeypatch.setattr(kind, "fit", lambda *_, **__: pytest.fail("the work began"))
    command = ["fit", "leute.csv", "-t", "befund", *SAID, *CHOSEN, *how, "--plan"]
    code, out, err = ridgewalk(*command)
    assert (code, err) == (0, "")
    assert out.startswith("Classification of 'befund': 80 rows, 4 inputs, 13 encoded columns.\nClasses: wohl ")
    assert "(positive)." in out
    assert out.index("not learned from") < out.index("input ") < out.index("to train")
    missing = int(table()["ort"].isin(["?", "unbekannt"]).sum())
    assert re.search(rf"ort +category +3 +{missing}\n", out)
    assert [path.name for path in tmp_path.iterdir()] == ["leute.csv"]
    _, out, _ = (
        ridgewalk(*command, "--json", "--weights", "plz", "--drop", "seit")[:3]
        if False
        else ridgewalk(*command, "--json")
    )
    found = json.loads(ridgewalk(*command, "--json")[1])
    assert found["positive"] == "krank"
    assert [path["view"] for path in found["paths"]] == (["network"] if how else ["plain", "encoded"])
    assert found["seconds"] > 0


def test_weights_and_groups_are_told_as_such(ridgewalk: Any, tmp_path: Path) -> None:
    write(tmp_path / "leute.csv", table().assign(weight=np.arange(ROWS) % 2, day=np.arange(ROWS) // 4))
    given = ["--weights", "weight", "--row-groups", "day", "--drop", "seit", "--id", "day"]
    _, out, _ = ridgewalk("fit", "leute.csv", "-t", "befund", *SAID, *given, "--plan", "--json")
    found = json.loads(out)
    roles = {each["column"]: each["role"] for each in found["columns"] if each["role"] not in ("input", "left out")}
    assert roles == {"seit": "dropped", "weight": "weights", "day": "id"}  # groups may name the rows, too
    assert (found["rows"], found["rows_left_out"]) == (40, 40)


def test_options_stand_in_a_configuration_too(ridgewalk: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(
        'target = "befund"\nencoding = "latin-1"\nseparator = ";"\ndecimal = ","\nmissing = ["?", "unbekannt"]\n'
        'categories = ["plz"]\nnumbers = "nummer"\ndates = ["seit:dayfirst"]\npositive = "krank"\n',
        encoding="utf-8",
    )
    code, out, err = ridgewalk("fit", "leute.csv", "--config", "mine.toml", "--plan", "--json")
    assert (code, err) == (0, "")
    kinds = {each["column"]: each["kind"] for each in json.loads(out)["columns"]}
    assert kinds == {
        "land": None, "nummer": "number", "größe, cm": "number", "plz": "category", "ort": "category", "seit": "date"
    }  # fmt: skip
    mine = tmp_path / "mine.toml"
    mine.write_text(mine.read_text(encoding="utf-8") + "hidden = [3]\nalphas = 2\nmax-iter = 5\nfolds = 2\n", "utf-8")
    assert ridgewalk("fit", "leute.csv", "--config", "mine.toml", "-q", "--no-report", "--out", "m")[0] == 0
    encoder = read(tmp_path / "m").encoder
    assert encoder is not None
    assert isinstance(encoder.columns[0], Number)
    code, out, err = ridgewalk("compare", "m", "mine.toml", "--table", "leute.csv")
    assert code == 0, err
    given = ["--no-references", "--seeds", "1", "--n-jobs", "1"]
    assert ridgewalk("diagnose", "leute.csv", "--config", "mine.toml", *given)[0] == 0


def test_a_fit_that_was_broken_off_goes_on_only_if_the_file_is_read_alike(ridgewalk: Any) -> None:
    command = ["fit", "leute.csv", "-t", "befund", *SAID, *CHOSEN, *QUICK, "-q", "--out", "m"]
    assert ridgewalk(*command)[0] == 0
    assert ridgewalk(*command, "--resume")[0] == 0
    code, _, err = ridgewalk(*command[: command.index("--positive")], *QUICK, "-q", "--out", "m", "--resume")
    assert code == 1
    assert "begun with positive krank, not none" in err


@pytest.mark.parametrize("blend", [False, True])
def test_na_is_a_category_where_it_is_said(ridgewalk: Any, tmp_path: Path, blend: bool) -> None:
    people = table()[["plz", "befund"]].assign(rauch=["NA", "ja", "nein", ""] * (ROWS // 4))
    people.loc[::5, "plz"] = np.nan
    people.to_csv(tmp_path / "na.csv", index=False, na_rep="NA")
    how = ["--folds", "2", "--no-report", "--n-jobs", "1"] if blend else QUICK
    fit = ["fit", "na.csv", "-t", "befund", "--keep-na", "rauch", *how, "-q", "--out", "m"]
    assert ridgewalk(*fit)[0] == 0
    found = json.loads(ridgewalk("columns", "m", "--json")[1])["columns"]
    assert {each["column"]: each["missing"] for each in found} == {"plz": 16, "rauch": 20}
    stored = read(tmp_path / "m")
    assert stored.encoder is not None
    frame = people.replace({"rauch": {"": None}})
    chances = stored.model.predict_proba(frame if blend else stored.encoder.transform(frame))[:, 0]
    code, out, err = ridgewalk("predict", "m", "na.csv")
    assert (code, err) == (0, "")
    np.testing.assert_allclose(pd.read_csv(io.StringIO(out))["probability of krank"], chances)
    assert ridgewalk("export", "m", "--to", "numpy", "-q")[0] == 0
    done = subprocess.run([sys.executable, "model.py", "na.csv"], capture_output=True, text=True, check=True)
    np.testing.assert_allclose(pd.read_csv(io.StringIO(done.stdout))["probability of krank"], chances)
    assert "There is no column 'rach'. Is it 'rauch'?" in ridgewalk(*fit, "--force", "--keep-na", "rach")[2]


def test_na_may_be_a_class(ridgewalk: Any, tmp_path: Path) -> None:
    people = table()[["plz", "ort"]].assign(rauch=["NA", "ja"] * (ROWS // 2))
    people.to_csv(tmp_path / "na.csv", index=False)
    assert ridgewalk("fit", "na.csv", "-t", "rauch", "--keep-na", "rauch", *QUICK, "-q", "--out", "m")[0] == 0
    code, out, _ = ridgewalk("report", "m", "na.csv", "--json")
    assert (code, json.loads(out)["rows"]) == (0, ROWS)


@pytest.mark.parametrize("option", ["--drop", "--id", "--keep"])
def test_columns_are_named_with_commas_between_them(ridgewalk: Any, option: str) -> None:
    def roles(*given: str) -> dict[str, str]:
        code, out, err = ridgewalk("fit", "leute.csv", "-t", "befund", *SAID, *given, "--plan", "--json")
        assert code == 0, err
        return {each["column"]: each["role"] for each in json.loads(out)["columns"]}

    role = {"--drop": "dropped", "--id": "id", "--keep": "input"}[option]
    for given in ((option, "nummer,ort", option, "größe, cm"), (option, 'nummer,"größe, cm", ort')):
        found = roles(*given)
        assert [found[name] for name in ("nummer", "ort", "größe, cm")] == [role] * 3
    assert roles()["nummer"] == "left out"


def test_names_with_commas_stand_in_quotes(ridgewalk: Any) -> None:
    given = ["--categories", '"größe, cm",plz', "--plan", "--json"]
    code, out, _ = ridgewalk("fit", "leute.csv", "-t", "befund", *SAID, *given)
    assert code == 0
    kinds = {each["column"]: each["kind"] for each in json.loads(out)["columns"]}
    assert kinds["größe, cm"] == kinds["plz"] == "category"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (None, ()),
        (["a,b", "c"], ("a", "b", "c")),
        (["a, b"], ("a", "b")),
        (['"a, b",c'], ("a, b", "c")),
        (["a,a"], ("a",)),
        (['" ?"'], (" ?",)),
        (['"say ""so"""'], ('say "so"',)),
        (['","'], (",",)),
    ],
)
def test_texts_are_read_as_a_line_of_csv(given: Any, read: Any) -> None:
    assert names("--missing", given) == read


@pytest.mark.parametrize("given", ["", "a,,b", ",", "a,"])
def test_an_empty_text_is_a_sentence(given: str) -> None:
    with pytest.raises(ValueError, match="--missing takes texts with commas between them, such as a,b, and one of"):
        names("--missing", [given])


FIT = ["fit", "leute.csv", "-t", "befund", *SAID]
BAD: dict[str, Any] = {
    "two kinds": (["--categories", "plz", "--numbers", "plz"], "'plz' stands in --categories and in --numbers"),
    "a kind and dropped": (["--dates", "seit:dayfirst", "--drop", "seit"], "'seit' stands in --dates and in --drop"),
    "an id and a kind": (["--id", "plz", "--categories", "plz"], "'plz' stands in --categories and in --id"),
    "an id and kept": (["--id", "plz", "--keep", "plz"], "'plz' stands in --keep and in --id: take one of them back"),
    "an id and dropped": (["--id", "plz", "--drop", "plz"], "'plz' stands in --id and in --drop"),
    "an id and a weight": (["--id", "plz", "--weights", "plz"], "'plz' stands in --id and in --weights"),
    "a kind and a group": (
        ["--numbers", "plz", "--row-groups", "plz"],
        "stands in --numbers and in --row-groups",
    ),
    "the target as an id": (
        ["--id", "befund"],
        "'befund' is the target, and --id names it, too: take",
    ),
    "the target as a category": (["--categories", "befund"], "'befund' is the target, and --categories names it, too"),
    "the target as a weight": (["--weights", "befund"], "'befund' is the target, and --weights names it, too"),
    "an absent category": (["--categories", "plx"], "There is no column 'plx'. Is it 'plz'? The columns are: nummer"),
    "an absent number": (["--numbers", "x"], "There is no column 'x'"),
    "an absent date": (["--dates", "seid:dayfirst"], "There is no column 'seid'. Is it 'seit'?"),
    "an absent id": (["--id", "numer"], "There is no column 'numer'. Is it 'nummer'?"),
    "an unknown order": (["--dates", "seit:first"], "There is no column 'seit:first'. The columns are: nummer"),
    "dates without a word": (
        ["--dates", "seit"],
        "write dates as 2024-05-03",
        "--dates 'seit:dayfirst', or",
    ),
    "months that are none": (["--dates", "seit:monthfirst"], "'seit' is named in dates (--dates), and holds"),
    "words as numbers": (["--numbers", "ort"], "'ort' is named in numbers (--numbers), and holds 'Ulm'"),
    "an unknown class": (["--positive", "krang"], "There is no class 'krang'; the nearest is 'krank'"),
    "classes of more than two": (
        ["-t", "plz", "--positive", "1"],
        "--positive names one of two classes, and 'plz'",
    ),
    "a positive number": (["-t", "größe, cm", "--positive", "1"], "--positive is for classes, and here numbers"),
    "a decimal that separates": (["--decimal", ";"], "The decimal is a point or a comma, and ';' came"),
    "a separator before decimals": (["--separator", ","], "',' cannot both separate fields and stand before decimals"),
    "a long separator": (["--separator", ";;"], "The separator is one ASCII character"),
    "an unknown encoding": (["--encoding", "klingon"], "There is no encoding 'klingon'"),
    "a wrong encoding": (["--encoding", "utf-8"], "is not utf-8 text", "--encoding latin-1"),
    "an empty text": (["--missing", ""], "--missing takes texts with commas between them"),
    "an empty name": (["--categories", "a,,b"], "--categories takes texts with commas between them"),
    "a plan and a budget": (["--plan", "--budget", "9s"], "--budget measures what trainings take, and --plan trains"),
    "of another kind of file": (
        ["--file", "t.parquet"],
        "The encoding and the separator and the decimal are said",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_contradicts_itself_is_a_sentence(ridgewalk: Any, tmp_path: Path, name: str) -> None:
    given, *words = BAD[name]
    command = [*FIT, *given]
    if given[0] == "--file":
        table().to_parquet(tmp_path / given[1])
        command = ["fit", given[1], *FIT[2:]]
    code, out, err = ridgewalk(*command)
    assert (code, out) == (1, "")
    said = " ".join(err.split())
    assert said.startswith("Error: ")
    assert said.endswith(".")
    for part in words:
        assert part in said
    assert not (tmp_path / "ridgewalk-results").exists()
