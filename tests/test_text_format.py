"""How a file of text is written can be said, is remembered by what was learned from it, and may be said anew."""

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgewalk.tables import Encoder, make_table, read_table
from ridgewalk.tables.encode import DataError
from ridgewalk.tables.text_format import TextFormat

FRAME = pd.DataFrame(
    {"größe": [1.5, -2.25, 1234.5] * 10, "ort": ["Köln", "Bärlin", "Ulm"] * 10, "y": ["a", "b", "b"] * 10}
)


@pytest.mark.parametrize(
    "encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8", "UTF8", "utf-8-sig", "mac-roman"]
)
@pytest.mark.parametrize("way", ["file", "gzip", "standard input"])
def test_every_encoding_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str, way: str) -> None:
    content = FRAME.to_csv(index=False).encode(encoding)
    path: Any = tmp_path / ("t.csv.gz" if way == "gzip" else "t.csv")
    if way == "standard input":
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        path = "-"
    else:
        path.write_bytes(gzip.compress(content) if way == "gzip" else content)
    pd.testing.assert_frame_equal(read_table(path, encoding=encoding), FRAME, check_dtype=False)


@pytest.mark.parametrize("separator", [";", "|", "\t", "tab", r"\t", ":", "~", " ", "^", "*", "+", "$"])
@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_every_separator_is_read(tmp_path: Path, separator: str, ending: str) -> None:
    character = "\t" if separator in ("tab", r"\t") else separator
    FRAME.to_csv(tmp_path / f"t.{ending}", index=False, sep=character)
    found = read_table(tmp_path / f"t.{ending}", separator=separator)
    pd.testing.assert_frame_equal(found, FRAME, check_dtype=False)


@pytest.mark.parametrize(
    ("texts", "decimal", "numbers"),
    [
        (["1,234", "5,678", "9"], ",", [1.234, 5.678, 9]),  # nobody knows without the word
        (["1,234", "5,678", "9"], ".", ["1,234", "5,678", "9"]),
        (["1,5", "2,25", "3"], ".", ["1,5", "2,25", "3"]),
        (["1.234", "999", "2.345"], ",", [1234, 999, 2345]),
        (["1.234", "999", "2.345"], ".", [1.234, 999, 2.345]),
        (["1.234,5", "7", "8,25"], ",", [1234.5, 7, 8.25]),
        (["0.5", "2.5", "3"], ",", [0.5, 2.5, 3]),  # no thousands are written so
    ],
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_what_stands_before_decimals_can_be_said(
    tmp_path: Path, texts: Any, decimal: str, numbers: Any, separator: str
) -> None:
    frame = pd.DataFrame({"x": texts, "y": ["a", "b", "b"]})
    frame.to_csv(tmp_path / "t.csv", index=False, sep=separator)  # quotes what holds a comma
    found = read_table(tmp_path / "t.csv", decimal=decimal)["x"].tolist()
    np.testing.assert_array_equal(found, np.array(numbers, dtype=object if isinstance(numbers[0], str) else float))


def german(path: Path, frame: pd.DataFrame = FRAME) -> Path:
    frame.to_csv(path, index=False, sep=";", decimal=",", encoding="latin-1")
    return path


SAID: dict[str, Any] = {"encoding": "latin-1", "separator": ";", "decimal": ","}


def test_new_files_are_read_as_that_of_the_fit(tmp_path: Path) -> None:
    table = make_table(read_table(german(tmp_path / "t.csv"), **SAID), "y")
    encoder = Encoder().fit(table.inputs)
    assert encoder.read_as == TextFormat(**SAID)
    whole = encoder.transform(table.inputs)
    np.testing.assert_array_equal(encoder.transform(read_table(tmp_path / "t.csv", encoder=encoder)), whole)
    row = german(tmp_path / "row.csv", FRAME[1:2])
    np.testing.assert_array_equal(encoder.transform(read_table(row, encoder=encoder)), whole[1:2])
    FRAME.to_parquet(tmp_path / "t.parquet")
    np.testing.assert_array_equal(encoder.transform(read_table(tmp_path / "t.parquet", encoder=encoder)), whole)
    assert Encoder().fit(make_table(read_table(tmp_path / "t.parquet"), "y").inputs).read_as == TextFormat()


def test_a_new_file_may_be_written_otherwise(tmp_path: Path) -> None:
    encoder = Encoder().fit(make_table(read_table(german(tmp_path / "t.csv"), **SAID), "y").inputs)
    FRAME[2:3].to_csv(tmp_path / "plain.csv", index=False)  # 1234.5, whose point groups nothing
    plain: dict[str, Any] = {"encoding": "utf-8", "separator": ",", "decimal": "."}
    found = encoder.transform(read_table(tmp_path / "plain.csv", encoder=encoder, **plain))
    assert found[0, 0] == 1234.5
    FRAME[2:3].to_csv(tmp_path / "points.csv", index=False, sep=";", encoding="latin-1")
    found = encoder.transform(read_table(tmp_path / "points.csv", encoder=encoder, decimal="."))
    assert found[0, 0] == 1234.5
    points = Encoder().fit(make_table(FRAME, "y").inputs)
    found = points.transform(read_table(german(tmp_path / "row.csv", FRAME[2:3]), encoder=points, **SAID))
    assert found[0, 0] == 1234.5


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"encoding": "latin"}, None),  # an alias of Python's
        ({"encoding": "klingon"}, "There is no encoding 'klingon': it is called as in Python, such as utf-8, latin-1"),
        ({"encoding": "hex"}, "There is no encoding 'hex'"),
        ({"encoding": "a\0b"}, "There is no encoding"),
        ({"separator": ""}, "The separator is one ASCII character .* and '' came"),
        ({"separator": ",;"}, "and ',;' came"),
        ({"separator": "a"}, "and 'a' came"),
        ({"separator": "§"}, "and '§' came"),
        ({"separator": '"'}, "that is no letter, digit, quote or end of a line"),
        ({"separator": "\n"}, "end of a line"),
        ({"decimal": ";"}, "The decimal is a point or a comma, and ';' came"),
        ({"decimal": ",", "separator": ","}, "',' cannot both separate fields and stand before decimals"),
        ({"decimal": ".", "separator": "."}, "'.' cannot both separate fields and stand before decimals"),
    ],
)
def test_what_no_file_can_be_is_a_sentence(said: Any, words: Any) -> None:
    if words is None:
        assert TextFormat(**said).named == ["encoding"]
        return
    with pytest.raises(DataError, match=words):
        TextFormat(**said)


def test_a_separator_that_is_a_models_decimal_is_a_sentence(tmp_path: Path) -> None:
    encoder = Encoder().fit(make_table(read_table(german(tmp_path / "t.csv"), **SAID), "y").inputs)
    with pytest.raises(DataError, match="',' cannot both separate fields"):
        read_table(tmp_path / "t.csv", encoder=encoder, separator=",")


@pytest.mark.parametrize("kind", ["parquet", "feather"])
def test_what_is_said_of_text_is_refused_of_other_files(tmp_path: Path, kind: str) -> None:
    getattr(FRAME, f"to_{kind}")(tmp_path / f"t.{kind}")
    with pytest.raises(
        DataError, match=rf"encoding and the decimal are said of CSV and TSV, and .*{kind} is none: leave them"
    ):
        read_table(tmp_path / f"t.{kind}", encoding="latin-1", decimal=",")


@pytest.mark.parametrize(
    ("encoding", "words"), [(None, "is not UTF-8 text"), ("ascii", "is not ascii text"), ("utf-16", "utf-16")]
)
def test_a_wrong_encoding_is_named_with_the_option(tmp_path: Path, encoding: Any, words: str) -> None:
    with pytest.raises(DataError, match=rf"{words}.*give the encoding that it has \(--encoding latin-1\)"):
        read_table(german(tmp_path / "t.csv"), encoding=encoding)
