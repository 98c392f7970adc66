"""Texts that mean missing: the same in every file and frame, and in the rows that a model gets later."""

import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ridgewalk.tables import ColumnChoices, Encoder, make_table, read_table
from ridgewalk.tables.encode import DataError, Number
from ridgewalk.tables.missing import DEFAULT_TEXTS, MissingTexts

GONE = MissingTexts(("?", " none ", "-999", "9.0", "1900-01-01", "2000-01-01 12:00"))


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        (["?", " ? ", "none", "None", "-999", "-999.0", "9", "9.0", "09", "??"], [1, 1, 1, 0, 1, 1, 1, 1, 0, 0]),
        ([-999, 9, 8, 0], [1, 1, 0, 0]),
        ([-999.0, 9.0, 9.5, np.nan], [1, 1, 0, 1]),
        (np.array([9, 1], dtype="float32"), [1, 0]),
        (np.array([9, 1], dtype="uint8"), [1, 0]),
        (pd.array([9, 1, None], dtype="Int64"), [1, 0, 1]),
        (pd.Series([9, 1], dtype=pd.ArrowDtype(pa.int32())), [1, 0]),
        (pd.Series([10**400, 9, 1], dtype=object), [0, 1, 0]),
        ([Decimal(9), Decimal("9.5")], [1, 0]),
        ([True, False], [0, 0]),
        (pd.Series([9, "?", "x", 1], dtype=object), [1, 1, 0, 0]),
        (pd.Categorical(["?", "x", "9"]), [1, 0, 1]),
        (
            pd.to_datetime(["1900-01-01", "1900-01-02", "2000-01-01 12:00", "2000-01-01"], format="ISO8601"),
            [1, 0, 1, 0],
        ),
        (pd.to_datetime(["1900-01-01T02:00+02:00", "1900-01-01T02:00+01:00"], utc=True), [1, 0]),
        ([datetime.date(1900, 1, 1), datetime.date(2000, 1, 1)], [1, 0]),
        ([[9], [1]], [0, 0]),
    ],
    ids=lambda values: "" if isinstance(values, list) else type(values).__name__,
)
def test_what_is_missing(values: Any, missing: Any) -> None:
    column = pd.Series(values)
    before = column.copy(deep=True)
    assert GONE.blanked(column).isna().tolist() == [bool(each) for each in missing]
    pd.testing.assert_series_equal(column, before)
    assert MissingTexts().blanked(column) is column


def test_texts_of_numbers_are_numbers_where_a_column_is_one() -> None:
    column = pd.Series(["-999.00", "9e0", "8", "x"])
    assert not GONE.blanked(column).isna().any()
    assert GONE.blanked(column, as_numbers=True).isna().tolist() == [True, True, False, False]


def test_na_in_a_file_of_text_is_missing_and_in_a_frame_it_is_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"country": ["NA", "DE", "null"], "y": [1.0, 2.0, 3.0]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.csv")["country"].isna().tolist() == [True, False, True]
    assert not read_table(tmp_path / "t.parquet")["country"].isna().any()
    assert read_table(tmp_path / "t.parquet", missing="NA")["country"].isna().tolist() == [True, False, False]
    assert {"NA", "null", "nan", ""} <= set(DEFAULT_TEXTS)


def test_na_is_a_category_where_it_was_one_in_the_fit(tmp_path: Path) -> None:
    """A frame, a file that is read so, and new files of every kind agree on it."""
    frame = pd.DataFrame(
        {"country": ["NA", "DE", None, "null"] * 10, "age": [1.0, None, 2.0, 3.0] * 10, "y": [1, 2] * 20}
    )
    frame.to_csv(tmp_path / "t.csv", index=False, na_rep="")
    asked = read_table(tmp_path / "t.csv", missing=MissingTexts(keep_na=("country",)))
    pd.testing.assert_frame_equal(asked, frame, check_dtype=False)
    assert read_table(tmp_path / "t.csv", missing=MissingTexts(("NA",), ("country",)))["country"].isna().sum() == 20
    encoders = [Encoder().fit(each.drop(columns="y")) for each in (frame, asked)]
    assert encoders[0].columns == encoders[1].columns
    assert encoders[0].gaps == {"country": 10, "age": 10}
    wanted = encoders[0].transform(frame)
    assert wanted[0].tolist() == [0, 0, 1, 0, 1, 0]
    written: dict[str, Any] = {
        "new.csv": lambda file: frame.replace({"age": {np.nan: "NA"}}).to_csv(file, index=False, na_rep=""),
        "new.tsv": lambda file: frame.to_csv(file, index=False, sep="\t", na_rep=""),
        "new.parquet": frame.to_parquet,
        "new.xlsx": lambda file: frame.to_excel(file, index=False),
    }
    for name, write in written.items():
        write(tmp_path / name)
        new = read_table(tmp_path / name, encoder=encoders[0])
        np.testing.assert_array_equal(encoders[0].transform(new), wanted)
        assert encoders[0].unseen(new) == []
    with pytest.raises(DataError, match=r"There is no column 'contry'\. Is it 'country'"):
        read_table(tmp_path / "t.csv", missing=MissingTexts(keep_na=("contry",)))


def test_the_page_on_data_lists_every_text_that_means_missing() -> None:
    page = (Path(__file__).parent.parent / "docs" / "data.md").read_text(encoding="utf-8")
    listed = page.partition("**What `NA` means.**")[2].partition("\n\n")[0]
    assert {text for text in DEFAULT_TEXTS if f"`{text}`" not in listed} == {""}


TABLE = pd.DataFrame(
    {
        "dose": ["1.5", "?", "2.5", " ?", "4"] * 8,
        "town": ["here", "there", "unknown", "?", "here"] * 8,
        "code": [5, -9, 7, 8, 9] * 8,
        "y": [1.5, 2.5, 0.5, 3.5, 4.5] * 8,
    }
)
MISSING = ["?", "unknown", "-9"]


@pytest.mark.parametrize("kind", ["csv", "tsv", "semicolons", "parquet", "feather"])
def test_every_kind_of_file_knows_them(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{'csv' if kind == 'semicolons' else kind}"
    if kind in ("csv", "tsv", "semicolons"):
        TABLE.to_csv(path, index=False, sep={"csv": ",", "tsv": "\t", "semicolons": ";"}[kind])
    else:
        getattr(TABLE, f"to_{kind}")(path)
    frame = read_table(path, missing=MISSING)
    for name, gone in {"dose": [0, 1, 0, 1, 0], "town": [0, 0, 1, 1, 0], "code": [0, 1, 0, 0, 0]}.items():
        assert frame[name].isna().tolist() == [bool(each) for each in gone * 8], name
    if kind not in ("parquet", "feather"):  # where a column of texts stays one
        assert frame["dose"].dtype == float


@pytest.mark.parametrize("form", ["pandas", "polars", "Arrow", "file", "columnar"])
def test_what_meant_missing_in_the_fit_means_it_in_new_rows(tmp_path: Path, form: str) -> None:
    encoder = Encoder(numbers="dose", missing=MISSING).fit(TABLE.drop(columns="y"))
    assert encoder.columns[0] == Number("dose", 2.5, indicated=True)
    assert encoder.names[2:] == ["town = (missing)", "town = here", "town = there", "code", "code is missing"]
    new = pd.DataFrame({"dose": ["?", "3"], "town": [" unknown ", "there"], "code": [-9, 5]})
    given: Any = new
    if form == "polars":
        given = pl.from_pandas(new)
    elif form == "Arrow":
        given = pa.Table.from_pandas(new)
    elif form == "file":
        new.to_csv(tmp_path / "new.csv", index=False)
        given = read_table(tmp_path / "new.csv", encoder=encoder)
    elif form == "columnar":
        new.to_parquet(tmp_path / "new.parquet")
        given = read_table(tmp_path / "new.parquet", encoder=encoder)
    np.testing.assert_array_equal(encoder.transform(given), [[2.5, 1, 1, 0, 0, 7.5, 1], [3, 0, 0, 0, 1, 5, 0]])
    assert encoder.unseen(given) == []
    assert encoder.gaps == {"dose": 16, "town": 16, "code": 8}


def test_decimal_commas_do_not_hide_a_number_that_means_missing(tmp_path: Path) -> None:
    rows = ["1,5;a", "-999,0;b", "2,5;a", "-999;b"] * 10
    (tmp_path / "t.csv").write_text("\n".join(["x;y", *rows]))
    frame = read_table(tmp_path / "t.csv", missing="-999")
    encoder = Encoder(missing="-999").fit(make_table(frame, "y", choices=ColumnChoices(missing="-999")).inputs)
    for text, expected in (("-999,0", [2, 1]), ("-999", [2, 1]), ("3,5", [3.5, 0])):
        (tmp_path / "row.csv").write_text(f"x;y\n{text};a\n")
        new = read_table(tmp_path / "row.csv", encoder=encoder)
        np.testing.assert_array_equal(encoder.transform(new), [expected])
        np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"x": [text]})), [expected])


def test_they_count_in_the_target_of_a_table(tmp_path: Path) -> None:
    frame = TABLE.assign(answer=["yes", "no", "?", "yes", "no"] * 8)
    with pytest.raises(DataError, match="'answer' is missing in 8 of 40 rows"):
        make_table(frame, "answer", choices=ColumnChoices(missing="?"))
    frame.to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(DataError, match="'answer' is missing in 8 of 40 rows"):
        make_table(read_table(tmp_path / "t.csv", target="answer", missing="?"), "answer")


def test_a_file_that_was_read_so_is_read_so_again_though_nobody_says_it(tmp_path: Path) -> None:
    TABLE.to_csv(tmp_path / "t.csv", index=False)
    table = make_table(read_table(tmp_path / "t.csv", missing=MISSING), "y")
    encoder = Encoder().fit(table.inputs)
    assert set(encoder.missing_texts.texts) == set(MISSING)
    again = encoder.transform(read_table(tmp_path / "t.csv", encoder=encoder))
    np.testing.assert_array_equal(again, encoder.transform(table.inputs))
