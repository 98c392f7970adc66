"""A sheet of Excel comes back as the table that it holds; what is no such file is a sentence."""

import builtins
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from ridgewalk.tables import Encoder, make_table, read_table
from ridgewalk.tables.encode import DataError

ROWS = 24
FRAME = pd.DataFrame(
    {
        "age": [41.5, None, 30.0, 28.25] * 6,
        "count": [1, 2, 3, 5] * 6,
        "smoker": [True, False, False, True] * 6,
        "zip": ["01234", "1234", "00501", "9"] * 6,
        "joined": pd.to_datetime(["2026-05-03", "2026-05-09", "2026-06-01", "2026-07-01"] * 6),
        "town": ["here", None, "there", "here"] * 6,
        "y": ["a", "b", "b", "a"] * 6,
    }
)


def sheet(path: Path, rows: Any, *more: str) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title in more:
        book.create_sheet(title)
    book.save(path)
    return path


def test_a_sheet_comes_back_as_it_was(tmp_path: Path) -> None:
    FRAME.to_excel(tmp_path / "t.xlsx", index=False)
    found = read_table(tmp_path / "t.xlsx")
    pd.testing.assert_frame_equal(found, FRAME, check_dtype=False)
    assert found["zip"].tolist()[:2] == ["01234", "1234"]
    table, plain = make_table(found, "y"), make_table(FRAME, "y")
    assert table.notes == plain.notes == ()
    encoder = Encoder().fit(table.inputs)
    np.testing.assert_array_equal(encoder.transform(found), Encoder().fit(plain.inputs).transform(FRAME))
    np.testing.assert_array_equal(
        encoder.transform(read_table(tmp_path / "t.xlsx", encoder=encoder)), encoder.transform(FRAME)
    )


def test_empty_cells_errors_and_what_means_missing_are_missing(tmp_path: Path) -> None:
    rows = [
        ["x", "word"],
        [1, "a"],
        ["#DIV/0!", "NA"],
        ["#N/A", "?"],
        [None, "b"],
        [2.5, "#REF!"],
        [None, None],
        [None],
    ]
    found = read_table(sheet(tmp_path / "t.xlsx", rows), missing="?")
    np.testing.assert_array_equal(found["x"], [1, np.nan, np.nan, np.nan, 2.5])
    assert found["word"].isna().tolist() == [False, True, True, False, True]


def test_what_is_empty_at_the_right_is_no_column_and_one_without_a_name_is_noted(tmp_path: Path) -> None:
    rows = [["x", None, "y", None, None], *([k, k % 3, f"{'ab'[k % 2]}", None, None] for k in range(1, 31))]
    found = read_table(sheet(tmp_path / "t.xlsx", rows))
    assert found.columns.tolist() == ["x", "Unnamed: 1", "y"]
    (note,) = (note for note in make_table(found, "y", keep="x").notes)
    assert note.startswith("Column 'Unnamed: 1' has no name in the file")


def test_names_are_text_and_further_sheets_are_noted(tmp_path: Path) -> None:
    rows = [[2024, datetime.datetime(2026, 5, 3), "y"], *([k, k * k, "ab"[k % 2]] for k in range(9))]
    found = read_table(sheet(tmp_path / "t.xlsx", rows, "Other"))
    assert found.columns.tolist() == ["2024", "2026-05-03 00:00:00", "y"]
    assert make_table(found, "y").notes == (
        "t.xlsx has 2 sheets, and the first, 'Sheet', was read: save another as a file.",
    )


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "is empty: a row of column names and rows below it are needed"),
        ([["x", "y"]], "has column names but no rows"),
        ([[None], ["x"], [1]], "The first row of .* is empty, and it has to name the columns"),
        ([["x", "x"], [1, 2]], "more than one column named 'x'"),
    ],
)
def test_a_sheet_that_is_no_table_is_a_sentence(tmp_path: Path, rows: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_table(sheet(tmp_path / "t.xlsx", rows))


@pytest.mark.parametrize("length", [0, 1, 100, 3000])
def test_a_damaged_file_is_a_sentence(tmp_path: Path, length: int) -> None:
    content = sheet(tmp_path / "whole.xlsx", [["x", "y"], [1, 2]]).read_bytes()
    (tmp_path / "t.xlsx").write_bytes(content[:length])
    with pytest.raises(DataError, match=r"cannot be read as Excel .*: is it that, and whole\?"):
        read_table(tmp_path / "t.xlsx")


def test_what_is_said_of_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"The separator is said of CSV and TSV, and .*xlsx is none: leave it out"):
        read_table(sheet(tmp_path / "t.xlsx", [["x"], [1]]), separator=";")


def test_without_openpyxl_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet(tmp_path / "t.xlsx", [["x", "y"], [1, 2]])
    usual = builtins.__import__

    def without(name: str, *given: Any) -> Any:
        if name.startswith("openpyxl"):
            raise ImportError(name)
        return usual(name, *given)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        DataError, match=r"the package openpyxl, which reads it, is not installed: pip install 'ridgewalk"
    ):
        read_table(tmp_path / "t.xlsx")
