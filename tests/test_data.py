"""Laws of reading and encoding tables."""

import csv
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ridgewalk.cli.commands import app
from ridgewalk.tables import Encoder, make_table, read_table
from ridgewalk.tables.encode import Category, DataError
from ridgewalk.tables.table import read_target

ROWS = 80


def people(rows: Any = ROWS, seed: int = 0) -> Any:
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": generator.normal(40, 10, rows).round(),
            "height, cm": generator.normal(170, 10, rows),
            "größe": generator.choice(["klein", "groß", "weiß nicht"], rows),
            "smoker": generator.choice([True, False], rows),
            "note": generator.choice(np.array(["a", "b", None]), rows),
            "outcome": generator.choice(["yes", "no"], rows),
        }
    )
    frame.loc[::7, "age"] = np.nan
    return frame


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_comes_back_as_it_was(tmp_path: Path, kind: Any) -> None:
    path = tmp_path / f"people.{kind}"
    getattr(people(), f"to_{kind}")(path, index=False)
    frame = read_table(path)
    pd.testing.assert_frame_equal(frame, people(), check_dtype=False)
    inputs = make_table(frame, "outcome").inputs
    encoded = Encoder().fit(inputs).transform(frame)
    np.testing.assert_allclose(encoded, Encoder().fit(people().drop(columns="outcome")).transform(people()))


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["a", "b"] * 40, "classification"),
        ([True, False] * 40, "classification"),
        ([0, 1, 2, 3] * 20, "classification"),
        ([0.0, 1.0] * 40, "classification"),
        (np.arange(80), "regression"),
        ([0.5, 1.5] * 40, "regression"),
    ],
)
def test_the_task_is_found_out(target: Any, task: Any) -> None:
    frame = people().assign(outcome=target)
    assert make_table(frame, "outcome").task == task
    assert make_table(frame, "outcome", "classification" if task == "classification" else "auto").task == task


def test_numbers_can_be_classes_and_classes_numbers_when_asked() -> None:
    frame = people().assign(outcome=[1, 2, 3, 4] * 20)
    assert make_table(frame, "outcome", "regression").target.dtype == float
    assert make_table(frame, "outcome").target.dtype == int


def test_useless_columns_are_left_out_and_named() -> None:
    frame = people().assign(always=1, name=[f"person {k}" for k in range(ROWS)])
    table = make_table(frame, "outcome", drop=("age",))
    assert not {"always", "name", "age", "outcome"} & set(table.inputs.columns)
    assert "'always' is constant" in " ".join(table.notes)
    assert "'name' has 80 different values in 80 rows" in " ".join(table.notes)


@pytest.mark.slow
def test_a_wide_table_is_read_and_looked_at_in_time(tmp_path: Path) -> None:
    columns, rows = 20_000, 30
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, columns)).round(3)).add_prefix("column ")
    frame["column 5"], frame["column 7"], frame["y"] = 1.0, np.arange(rows), np.arange(rows) % 2
    frame.to_csv(tmp_path / "wide.csv", index=False)
    began = time.process_time()
    table = make_table(read_table(tmp_path / "wide.csv"), "y")
    assert time.process_time() - began < 5
    assert table.inputs.shape == (rows, columns - 2)
    assert [note[:35] for note in table.notes] == [
        "Column 'column 5' is constant and w", "Column 'column 7' is a different wh"
    ]  # fmt: skip


COUNT = np.arange(ROWS)
SHUFFLED = np.random.default_rng(0).permutation(ROWS)


@pytest.mark.parametrize(
    ("column", "left_out"),
    [
        (COUNT, True),
        (COUNT[::-1] * 3.0, True),
        (SHUFFLED + 1000, True),
        (SHUFFLED * 2, False),
        (COUNT + 0.5, False),
        (COUNT // 2, False),
        (np.where(COUNT, COUNT, np.inf), False),
        (pd.date_range("2024-01-01", periods=ROWS), False),
    ],
)
def test_a_column_that_numbers_the_rows_is_left_out_unless_it_is_kept(column: Any, left_out: Any) -> None:
    frame = people().assign(number=column)
    table = make_table(frame, "outcome")
    assert ("number" not in table.inputs) == left_out
    assert ("'number' is a different whole number in each row" in " ".join(table.notes)) == left_out
    assert "number" in make_table(frame, "outcome", keep=("number",)).inputs


def test_a_column_without_a_name_is_left_out_unless_it_is_kept() -> None:
    frame = pd.DataFrame({"": [0.5, 1.5, 1.0] * 10, "a": [1, 2, 4] * 10, "y": ["a", "b", "b"] * 10})
    table = make_table(frame, "y")
    assert list(table.inputs) == ["a"]
    assert table.notes == (
        "Column '' has no name in the file (row numbers?) and was left out; name it in keep (--keep) to learn from it, "
        "or in ids (--id) to have it beside predictions.",
    )
    assert list(make_table(frame, "y", keep="").inputs) == ["", "a"]


def test_where_no_column_is_left_two_are_named() -> None:
    frame = pd.DataFrame({f"column {k}": ["same"] * 30 for k in range(300)} | {"y": ["a", "b", "b"] * 10})
    with pytest.raises(DataError, match=r"'column 1' is constant and was left out\. So it is with 298 more\.$"):
        make_table(frame, "y")


def test_few_rows_may_be_in_order() -> None:
    assert "number" in make_table(people(19).assign(number=np.arange(19)), "outcome").inputs


def test_a_name_can_be_kept_and_a_constant_cannot() -> None:
    frame = people().assign(name=[f"person {k}" for k in range(ROWS)], always=1)
    table = make_table(frame, "outcome", keep=("name", "always"))
    assert "name" in table.inputs
    assert "always" not in table.inputs


def test_categories_that_are_all_rare_are_left_out() -> None:
    table = make_table(people(1200).assign(shop=[f"shop {k % 400}" for k in range(1200)]), "outcome")
    assert "'shop' has 400 different values in 1200 rows, all of them rare, and was left out" in " ".join(table.notes)


def test_dates_of_which_one_is_none_are_named() -> None:
    dates = [f"2024-05-{1 + k % 20:02}" for k in range(ROWS - 1)]
    assert not make_table(people().assign(when=[*dates, "2024-06-01"]), "outcome").notes
    (note,) = make_table(people().assign(when=[*dates, "soon"]), "outcome").notes
    assert note.startswith("The values of column 'when' were taken as categories; most are dates: correct the others")
    dates = [f"{1950 + k}-05-03" for k in range(ROWS - 1)]
    (note,) = make_table(people().assign(when=[*dates, "soon"]), "outcome").notes
    assert note.startswith("Column 'when' has 80 different values in 80 rows (most are dates: correct the others")


@pytest.mark.parametrize("values", [[1, 2, 3, 4], ["2024-05-01", "2024-05-02"]])
def test_what_was_made_a_category_is_one(values: Any) -> None:
    table = make_table(people().assign(x=pd.Categorical((values * ROWS)[:ROWS])), "outcome")
    assert not table.notes
    (column,) = (column for column in Encoder().fit(table.inputs).columns if column.name == "x")
    assert isinstance(column, Category)


def test_decimals_are_a_target() -> None:
    target = [Decimal(k) / 10 for k in range(ROWS)]
    table = make_table(people().assign(outcome=target), "outcome")
    assert table.task == "regression"
    np.testing.assert_allclose(table.target, np.arange(ROWS) / 10)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_seen_in_the_first_line(tmp_path: Path, separator: Any) -> None:
    people().to_csv(tmp_path / "people.csv", index=False, sep=separator)
    pd.testing.assert_frame_equal(read_table(tmp_path / "people.csv"), people(), check_dtype=False)


def test_twenty_numbers_are_classes_and_twenty_one_are_not() -> None:
    for count, task in ((20, "classification"), (21, "regression")):
        assert make_table(people(84).assign(outcome=np.arange(84) % count), "outcome").task == task


def test_row_numbers_lists_and_texts_like_numbers_are_named(tmp_path: Path) -> None:
    people().to_csv(tmp_path / "people.csv")
    table = make_table(read_table(tmp_path / "people.csv"), "outcome")
    assert "Unnamed: 0" not in table.inputs
    assert "has no name in the file" in " ".join(table.notes)
    table = make_table(
        people().assign(
            lists=[None, *[[1, 2]] * 79], raw=[b"a", b"b"] * 40, share=[f"{k % 9},5 %" for k in range(ROWS)]
        ),
        "outcome",
    )
    assert "'lists' holds list values and was left out" in " ".join(table.notes)
    assert "'raw' holds bytes values and was left out" in " ".join(table.notes)
    assert "values of column 'share' were taken as categories; they look like numbers, such as '0,5 %'" in " ".join(
        table.notes
    )
    assert "share" in table.inputs


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT, pd.NA, [None, np.nan] * (ROWS // 2)])
def test_a_column_whose_values_are_all_missing_is_not_called_constant(missing: Any) -> None:
    table = make_table(people().assign(empty=missing), "outcome")
    assert "Column 'empty' has no values and was left out." in table.notes
    assert "empty" not in table.inputs


def test_what_looks_like_numbers_or_dates_is_to_be_rewritten_and_not_kept() -> None:
    odd = people().assign(
        price=[f"{k},{k:02d} €" for k in range(ROWS)],
        day=[f"{1 + k % 28}.{1 + k % 12}.20{10 + k % 90}" for k in range(ROWS)],
        name=[f"somebody {k}" for k in range(ROWS)],
    )
    notes = {
        name: note
        for note in make_table(odd, "outcome").notes
        for name in ("price", "day", "name")
        if repr(name) in note
    }
    assert "they look like numbers, such as '0,00 €': write 1.5 for 1,5" in notes["price"]
    assert "they look like dates, such as '1.1.2010': write 2026-11-25" in notes["day"]
    assert "--keep" not in notes["price"] + notes["day"]
    assert "name it in keep (--keep)" in notes["name"]


def test_columns_can_be_read_as_text(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code,n\n01,1\n02,2\n")
    assert read_table(tmp_path / "codes.csv", texts=["code", "absent"])["code"].tolist() == ["01", "02"]


def test_a_comma_at_the_end_of_each_row_shifts_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,y\n1,2,\n4,5,\n")
    assert read_table(tmp_path / "a.csv").to_numpy().tolist() == [[1, 2], [4, 5]]


def broken(tmp_path: Path, name: Any, content: Any) -> Any:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"x,y\n", "no rows"),
        ("a.csv", b'x,y\n1,2\n3,4,5,6\n"', "cannot be read"),
        ("a.csv", b"x,y\n\xff\xfe,2\n", "not UTF-8"),
        ("a.csv", b"a,y,y\n1,2,2\n", "more than one column named 'y'"),
        ("a.csv", b"a,y\n1,2,3\n4,5,6\n", "more fields than there are column names"),
        ("a.parquet", b"not parquet", "cannot be read"),
        ("a.xls", b"PK", "of a kind that is not read"),
        ("a.xlsx", b"PK", "cannot be read as Excel"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: Any, content: Any, words: Any) -> None:
    with pytest.raises(DataError, match=words):
        read_table(broken(tmp_path, name, content))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        read_table(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        ({}, {"target": "income"}, r"There is no column 'income'. Is it 'outcome'. The columns are: age, height"),
        ({}, {"drop": ("income",)}, "There is no column 'income'"),
        ({"outcome": [None, *["a", "b"] * 39, "a"]}, {}, "missing in 1 of 80 rows"),
        ({"outcome": "yes"}, {}, "one value only"),
        ({"outcome": [np.inf, *range(79)]}, {}, "infinite"),
        ({}, {"task": "regression"}, "holds text such as"),
        ({"outcome": [f"p{k}" for k in range(80)]}, {}, "no set of classes"),
        ({}, {"drop": ("age", "height, cm", "größe", "smoker", "note")}, "No column is left"),
    ],
)
def test_a_mistake_in_a_table_is_named(change: Any, settings: Any, words: Any) -> None:
    with pytest.raises(DataError, match=words):
        make_table(people().assign(**change), **({"target": "outcome"} | settings))


OBJECTS = np.round(np.random.default_rng(0).normal(size=80), 1)


@pytest.mark.parametrize(
    ("target", "task", "first"),
    [
        (pd.Series(OBJECTS, dtype=object), "regression", OBJECTS[0]),
        (pd.Series(np.arange(80) % 31, dtype=object), "regression", 0),
        (pd.Series([f"{value}" for value in OBJECTS]), "regression", OBJECTS[0]),
        (pd.Series(np.arange(80) % 31, dtype="Int64"), "regression", 0),
        (pd.Series(OBJECTS, dtype=pd.ArrowDtype(pa.float64())), "regression", OBJECTS[0]),
        (pd.Series(pd.to_timedelta(np.arange(80) % 31, unit="h")), "regression", 0),
        (pd.Series(pd.to_timedelta(np.arange(80) % 31, unit="h")).astype(object), "regression", 0),
        (
            pd.Series(pd.to_timedelta(np.arange(80) % 31, unit="h")).astype(pd.ArrowDtype(pa.duration("s"))),
            "regression",
            0,
        ),
        (pd.Series(np.arange(80) % 3, dtype=object), "classification", "0"),
        (pd.Series(["001", "002"] * 40), "classification", "001"),
        (pd.Series([True, False] * 40, dtype=object), "classification", "True"),
        (pd.Series(pd.Categorical(np.arange(80) % 31)), "classification", "0"),
        (pd.Series([1.0, 2.0] * 40), "classification", 1.0),
        (pd.Series([9223372036854775809, 5] * 40), "classification", 9223372036854775809),
    ],
    ids=str,
)
def test_numbers_are_numbers_in_a_target_whatever_holds_them(target: Any, task: Any, first: Any) -> None:
    table = make_table(people().assign(outcome=target.to_numpy() if target.dtype == "uint64" else target), "outcome")
    assert table.task == task
    assert table.target.iloc[0] == first
    assert type(table.target.iloc[0]) is not float or str(table.target.iloc[0]) == str(float(first))


def test_names_may_be_numbers_and_one_name_a_text() -> None:
    frame = people().rename(columns={"age": 0, "outcome": 3})
    age: Any = 0
    outcome: Any = 3
    table = make_table(frame, outcome, drop=[age])
    assert "0" not in table.inputs
    assert table.target.name == "3"
    assert "age" not in make_table(people(), "outcome", drop="age").inputs
    assert list(make_table(pl.from_pandas(people()), "outcome").inputs) == list(make_table(people(), "outcome").inputs)


@pytest.mark.parametrize(
    ("values", "words"), [([[1, 2]] * 80, "holds list values"), ([{"a": 1}] * 80, "holds dict values")]
)
def test_a_target_of_things_is_a_sentence(values: Any, words: Any) -> None:
    with pytest.raises(DataError, match=words):
        make_table(people().assign(outcome=values), "outcome")


def test_words_among_numbers_are_named() -> None:
    words = [f"{k}.5" for k in range(80)]
    words[7] = words[9] = "unknown"
    notes = " ".join(make_table(people().assign(dose=words), "outcome").notes)
    assert "they are numbers but for 'unknown' in 2 rows: leave those empty" in notes
    words[11] = "?"
    notes = " ".join(make_table(people().assign(dose=words), "outcome").notes)
    assert "they are numbers but for 'unknown' (and 1 other texts) in 3 rows" in notes
    assert "or name them in missing (--missing)" in notes
    words[7] = words[9] = words[11] = "NA"  # as in a column that keep_na names
    notes = " ".join(make_table(people().assign(dose=words), "outcome").notes)
    assert "or take the column out of keep_na (--keep-na)" in notes
    notes = " ".join(make_table(people().assign(dose=[f"{k}" for k in range(80)]), "outcome").notes)
    assert "they look like numbers, such as '0': make them numbers" in notes


@pytest.mark.parametrize(
    ("classes", "given", "read"),
    [
        ([1, 2, 3], ["2", "1"], [2, 1]),
        ([1, 2, 3], ["2.0", "1"], [2, 1]),
        ([1, 2, 3], [2.0, 1.0], [2, 1]),
        (["1", "2", "3+"], [2, 1], ["2", "1"]),
        (["True", "False"], [True, False], ["True", "False"]),
        ([1.0, 2.0], [1, 2], [1.0, 2.0]),
        (["001", "002"], ["002"], ["002"]),
    ],
)
def test_labels_of_new_rows_are_the_models(classes: Any, given: Any, read: Any) -> None:
    found = read_target(pd.DataFrame({"y": given}), "y", classes)
    assert found.tolist() == read
    assert found.dtype == np.asarray(classes).dtype


@pytest.mark.parametrize(
    ("given", "classes", "words"),
    [
        (["1", "4"], [1, 2, 3], "holds 4, which is no class of the model; it has 1, 2, 3: leave its rows out"),
        (["01"], [1, 2], "holds 01, which is no class"),
        (["1", None], [1, 2], "missing in 1 of 2 rows"),
        (["1", "many"], None, "predicts numbers, and the target 'y' holds 'many'"),
        ([np.inf, 1], None, "predicts numbers, and the target 'y' holds 'inf'"),
    ],
)
def test_a_target_that_no_model_has_is_a_sentence(given: Any, classes: Any, words: Any) -> None:
    with pytest.raises(DataError, match=words):
        read_target(pd.DataFrame({"y": given}), "y", classes)
    with pytest.raises(DataError, match="There is no column 'y'"):
        read_target(pd.DataFrame({"x": given}), "y", classes)


def test_the_target_of_one_row_is_read() -> None:
    assert read_target(pd.DataFrame({"y": ["1.5"]}), "y").tolist() == [1.5]


SPELLINGS = [
    ("001", "002"), ("1", "2"), ("1.0", "2.0"), ("1.0", "2"), ("1.50", "2.50"), ("1e20", "2e20"), ("1e3", "2000"),
    ("true", "false"), ("True", "False"), ("TRUE", "FALSE"), ("yes", "no"), ("0", "-0"), ("0.0", "-0.0"), ("+1", "-1"),
    (" 1", "1"), ("1 ", "1"), ("a", "A"), ("9223372036854775807", "9223372036854775806"),
    ("9223372036854775809", "9223372036854775810"), ("18446744073709551616", "18446744073709551617"),
    ("12345678901234567890123", "12345678901234567890124"), ("1_000", "1000"), ("0x10", "16"), ("inf", "-inf"),
    ("Infinity", "1"), ("1,5", "2,5"), ("1,000", "2,000"), ("50%", "60%"), ("$1", "$2"), ("2024-01-01", "2024-01-02"),
    ("01/02/2024", "02/02/2024"), ("10:30", "11:30"), ('say "x"', "a, b"), ("l\nm", "n"), ("größe", "weiß"),
    ("样本", "行"), ("٣", "3"), ("=1+1", "@x"), ("1e400", "2e400"), ("(missing)", "no"), ("1/2", "1/3"),
    ("-", "+"), ("'a", "a'"),
]  # fmt: skip


def command(arguments: Any) -> None:
    app(arguments, standalone_mode=False)


@pytest.mark.slow
@pytest.mark.parametrize("labels", SPELLINGS, ids=repr)
def test_labels_stay_as_they_stand_in_the_file(tmp_path: Path, labels: Any) -> None:
    """From CSV to a fitted model, its file, and predictions.csv: byte for byte."""
    x = np.random.default_rng(0).normal(size=60)
    y = np.where(x > 0, *labels)
    pd.DataFrame({"x": x, "y": y}).to_csv(tmp_path / "t.csv", index=False)
    arguments = ["--task", "classification", "--hidden", "none", "--alphas", "2", "--folds", "2", "-q", "--no-report"]
    command(["fit", str(tmp_path / "t.csv"), "-t", "y", "--out", str(tmp_path / "m"), *arguments])
    command(["predict", str(tmp_path / "m"), str(tmp_path / "t.csv"), "-q", "--out", str(tmp_path / "p.csv")])
    with (tmp_path / "p.csv").open(newline="") as file:
        predicted = list(csv.reader(file))
    assert [row[0] for row in predicted[1:]] == y.tolist()
    assert sorted(predicted[0][1:]) == sorted(f"probability of {label}" for label in labels)
    command(["report", str(tmp_path / "m"), str(tmp_path / "t.csv"), "-q", "--out", str(tmp_path / "r.html")])
