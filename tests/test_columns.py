"""Laws of columns: any kind becomes numbers, and what is learned of it is plain data."""

import datetime
import decimal
import json
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy.sparse import csr_array

from ridgewalk.tables import Encoder, make_table
from ridgewalk.tables.encode import Category, DataError, Date, Number, column_heads, kind_of

DAY = np.timedelta64(1, "D")


def encoded(*columns: Any, **named: Any) -> Any:
    frame = pd.DataFrame(named or {str(k): column for k, column in enumerate(columns)})
    return Encoder().fit(frame).transform(frame)


def test_encoding_by_hand() -> None:
    inputs = pd.DataFrame({"n": [1.0, np.nan, 4.0, 3.0], "c": ["x", "y", None, "x"]})
    encoder = Encoder().fit(inputs)
    assert encoder.names == ["n", "n is missing", "c = (missing)", "c = x", "c = y"]
    assert encoder.origins == ["n", "n", "c", "c", "c"]
    assert encoder.groups.tolist() == [0, 0, 1, 1, 1]
    np.testing.assert_array_equal(
        encoder.transform(inputs), [[1, 0, 0, 1, 0], [3, 1, 0, 0, 1], [4, 0, 1, 0, 0], [3, 0, 0, 1, 0]]
    )


def test_what_is_learned_is_plain_data() -> None:
    encoder = Encoder().fit(
        pd.DataFrame({"n": [1, 2, 9], "c": ["x", None, "x"], "d": ["2024-01-01", None, "2024-01-08"]})
    )
    assert encoder.columns == (
        Number("n", 2.0, indicated=False),
        Category("c", ("(missing)", "x")),
        Date("d", 19726.0, ("year",), indicated=True),
    )
    assert json.loads(json.dumps([asdict(column) for column in encoder.columns]))[1]["levels"] == ["(missing)", "x"]


NUMBERS: dict[str, Any] = {
    "integers": [3, 1, 2],
    "floats": [3.0, 1.0, 2.0],
    "small": np.array([3, 1, 2], dtype="int8"),
    "nullable": pd.array([3, 1, 2], dtype="Int64"),
    "nullable floats": pd.array([3, 1, 2], dtype="Float64"),
    "mixed": pd.Series([3, 1.0, 2], dtype=object),
    "decimals": [decimal.Decimal(3), decimal.Decimal(1), decimal.Decimal(2)],
    "durations": np.array([3, 1, 2]) * DAY,
}
BOOLEANS: dict[str, Any] = {
    "plain": [True, False, True],
    "nullable": pd.array([True, False, True], dtype="boolean"),
    "objects": pd.Series([True, False, True], dtype=object),
}
DATES: dict[str, Any] = {
    "times": np.array(["2024-05-04", "2024-05-02", "2024-05-03"], dtype="datetime64[s]"),
    "zoned": pd.to_datetime(["2024-05-04", "2024-05-02", "2024-05-03"]).tz_localize("UTC"),
    "days": [datetime.date(2024, 5, 4), datetime.date(2024, 5, 2), datetime.date(2024, 5, 3)],
    "text": ["2024-05-04", "2024-05-02", "2024-05-03"],
    "periods": pd.PeriodIndex(["2024-05-04", "2024-05-02", "2024-05-03"], freq="D"),
    "text with times": ["2024-05-04 00:00", "2024-05-02 00:00", "2024-05-03 00:00"],
    "text with zones": ["2024-05-04T02:00:00+02:00", "2024-05-01T23:00:00-0100", "2024-05-03T00:00:00.000Z"],
}


@pytest.mark.parametrize("column", NUMBERS.values(), ids=NUMBERS.keys())
def test_every_kind_of_number_is_a_number(column: Any) -> None:
    np.testing.assert_array_equal(encoded(column), [[3], [1], [2]])


@pytest.mark.parametrize(("values", "median"), [([5, 1, 3], 3), ([4, 1, 2, 9], 3), ([1e308, 1.5e308], 1.25e308)])
def test_a_gap_is_filled_with_the_median(values: Any, median: Any) -> None:
    np.testing.assert_array_equal(encoded([*values, None])[-1], [median, 1])


@pytest.mark.parametrize("column", BOOLEANS.values(), ids=BOOLEANS.keys())
def test_a_boolean_is_one_or_zero(column: Any) -> None:
    np.testing.assert_array_equal(encoded(column), [[1], [0], [1]])


@pytest.mark.parametrize("column", DATES.values(), ids=DATES.keys())
def test_every_kind_of_date_is_the_same_date(column: Any) -> None:
    np.testing.assert_allclose(encoded(column), encoded(DATES["days"]), atol=1e-12)
    np.testing.assert_array_equal(encoded(column)[:, 0], [1, -1, 0])


@pytest.mark.parametrize("column", [*NUMBERS.values(), *BOOLEANS.values(), *DATES.values(), ["a", "b", "c"]])
def test_a_kind_is_the_same_where_values_are_missing(column: Any) -> None:
    whole = pd.Series(column)
    with_gap = whole.reindex(range(4))
    assert kind_of(with_gap) == kind_of(whole)
    (learned,) = Encoder().fit(pd.DataFrame({"x": with_gap})).columns
    assert {"x is missing", "x = (missing)"} & set(learned.names)


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_every_kind_of_text_is_the_same(dtype: Any) -> None:
    texts = ["klein", "groß", None, "weiß nicht", "klein"]
    np.testing.assert_array_equal(encoded(pd.Series(texts, dtype=dtype)), encoded(texts))


@pytest.mark.parametrize(
    ("dates", "cycles"),
    [
        (["2024-05-03", "2024-05-03"], ()),
        (["2024-05-03", "2024-05-04"], ("year", "week")),
        (["2024-05-03", "2024-05-10"], ("year",)),
        (["2024-05-03 09:10", "2024-05-03 21:10"], ("year", "week", "day")),
        (["2024-05-03 09:10", "2025-05-03 09:10"], ("year", "week")),
    ],
)
def test_a_date_has_a_place_in_the_cycles_that_vary(dates: Any, cycles: Any) -> None:
    (column,) = Encoder().fit(pd.DataFrame({"d": dates})).columns
    assert isinstance(column, Date)
    assert column.cycles == cycles


def test_places_in_cycles_by_hand() -> None:
    frame = pd.DataFrame({"d": ["1970-01-01 00:00", "1970-01-02 06:00", "1970-01-08 00:00", None]})
    encoder = Encoder().fit(frame)
    assert encoder.names == [
        "d (days)", "d (year, sin)", "d (year, cos)", "d (week, sin)", "d (week, cos)", "d (day, sin)", "d (day, cos)",
        "d is missing",
    ]  # fmt: skip
    (column,) = encoder.columns
    assert isinstance(column, Date)
    assert column.center == 1
    rows = encoder.transform(frame)
    np.testing.assert_array_equal(rows[:, 0], [-1, 0.25, 6, 0])
    np.testing.assert_allclose(rows[1, 1:7:2], np.sin(2 * np.pi * 1.25 / np.array([365.2425, 7, 1])))
    np.testing.assert_allclose(rows[2, 3:7], [0, 1, 0, 1], atol=1e-12)
    np.testing.assert_array_equal(rows[3], [0, 0, 0, 0, 0, 0, 0, 1])


@pytest.mark.parametrize(
    "texts",
    [["2024-05", "2024-06"], ["2024-13-01", "2024-12-01"], ["2024-02-30", "2024-02-28"], ["3.5.2024", "4.5.2024"]],
)
def test_text_that_is_no_iso_date_is_a_category(texts: Any) -> None:
    assert kind_of(pd.Series(texts)) == "category"


def test_far_dates_are_dates() -> None:
    dates = pd.Series([datetime.date(1, 1, 1), datetime.date(2024, 5, 3), datetime.date(9999, 12, 31)])
    assert encoded(dates)[[0, 2], 0].tolist() == [-739008, 2913050]


def test_rare_categories_share_a_column() -> None:
    often = np.repeat([f"city {k:02}" for k in range(70)], 20)
    frame = pd.DataFrame({"city": [*often, *(f"village {k}" for k in range(600))]})
    encoder = Encoder().fit(frame)
    column = encoder.columns[0]
    assert isinstance(column, Category)
    assert column.levels == tuple(f"city {k:02}" for k in range(50))  # the commonest, then by name
    assert len(column.others) == 620
    rows = encoder.transform(frame)
    assert rows.shape == (2000, 51)
    np.testing.assert_array_equal(rows.sum(axis=1), 1)
    assert rows[:, -1].sum() == 20 * 20 + 600
    assert encoder.names[-1] == "city is another"
    (note,) = encoder.notes
    assert "'city' holds 670 categories: the 50 commonest have a column each, the other 620" in note
    unknown = pd.DataFrame({"city": ["elsewhere", "village 3", "city 03"]})
    np.testing.assert_array_equal(encoder.transform(unknown).argmax(axis=1), [50, 50, 3])
    assert encoder.unseen(unknown) == [
        "'city' holds values that the model has never seen, such as 'elsewhere' (1 row)."
    ]


def test_rows_of_which_none_is_rare_are_encoded() -> None:
    encoder = Encoder().fit(pd.DataFrame({"city": ["here"] * 2000 + ["there", "nowhere"]}))
    np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"city": ["here"]})), [[1, 0]])


def test_texts_of_truth_values_are_what_they_say() -> None:
    encoder = Encoder().fit(pd.DataFrame({"x": [True, False]}))
    texts = ["true", "False", None, "TRUE"]
    np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"x": texts}))[:, 0], [1, 0, 0.5, 1])


@pytest.mark.parametrize(
    ("rare_rows", "rows", "shares"),
    [([9, 9], 2000, True), ([10, 10], 2000, False), ([4, 4], 500, True), ([5, 5], 500, False), ([9], 2000, False)],
)
def test_rare_is_fewer_than_ten_rows_and_than_one_in_a_hundred(rare_rows: Any, rows: int, shares: Any) -> None:
    values = [f"rare {k}" for k, count in enumerate(rare_rows) for _ in range(count)]
    column = pd.Series([*values, *["usual"] * (rows - len(values))])
    assert bool(Category.learn("c", column).others) == shares


def test_new_rows_may_be_anything_that_has_a_meaning() -> None:
    inputs = pd.DataFrame({"n": [1.0, 2.0, 4.0], "c": ["x", "y", "x"], "d": ["2024-05-01", "2024-05-02", "2024-05-08"]})
    encoder = Encoder().fit(inputs)
    new = pd.DataFrame({"more": [0, 0], "d": [None, "2024-05-03"], "c": ["never seen", None], "n": [np.nan, 7]})
    rows = encoder.transform(new)
    np.testing.assert_array_equal(rows[:, :4], [[2, 0, 0, 0], [7, 0, 0, 1]])
    np.testing.assert_array_equal(rows[0, 3:], 0)
    assert encoder.unseen(new) == [
        "'n' is missing in 1 row, and never was in the training: the median, 2, stands for them.",
        "'c' holds values that the model has never seen, such as '(missing)' (2 rows).",
        "'d' is missing in 1 row, and never was in the training: 2024-05-02 stands for them.",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n": ["1", "tall"]}, "'n' held numbers when the model was trained, and holds 'tall' here, in row 2"),
        ({"n": [np.inf, 0]}, "'n' holds infinite values"),
        (
            {"d": ["2024-05-03", "soon"]},
            "'d' held dates when the model was trained, and holds 'soon' here, in row 2: write",
        ),
        (
            {"d": [20240503, 20240504]},
            "'d' held dates when the model was trained, and holds '20240503' here, in row 1 and 1 more",
        ),
    ],
)
def test_what_has_no_meaning_is_named(change: Any, words: Any) -> None:
    frame = pd.DataFrame({"n": [1.0, 2.0], "c": ["x", "y"], "d": ["2024-05-01", "2024-05-02"]})
    with pytest.raises(DataError, match=words):
        Encoder().fit(frame).transform(frame.assign(**change))


def test_a_column_that_is_not_there_is_named() -> None:
    encoder = Encoder().fit(pd.DataFrame({"n": [1.0, 2.0], "c": ["x", "y"]}))
    with pytest.raises(DataError, match="needs column 'n' and 1 more, and this table lacks them: add them"):
        encoder.transform(pd.DataFrame({"x": [1]}))
    with pytest.raises(DataError, match="needs column 'n' and 1 more, and this table lacks them: add them"):
        encoder.unseen(pd.DataFrame({"x": [1]}))


def test_a_row_is_encoded_as_it_is_among_others() -> None:
    frame = pd.DataFrame({name: list(values) for name, values in {**NUMBERS, **BOOLEANS, **DATES}.items()})
    letters: Any = ["a", "b", None, "a"]
    frame = frame.reindex(range(4)).assign(c=letters)
    encoder = Encoder().fit(frame)
    whole = encoder.transform(frame)
    assert np.isfinite(whole).all()
    for k in range(len(frame)):
        np.testing.assert_array_equal(encoder.transform(frame[k : k + 1]), whole[k : k + 1])


def test_no_rows_are_no_rows() -> None:
    frame = pd.DataFrame({"n": [1.0, None], "c": ["x", "y"], "d": ["2024-05-01", None], "t": [DAY, DAY]})
    encoder = Encoder().fit(frame)
    for none in (frame[:0], pd.DataFrame({name: [] for name in frame})):
        assert encoder.transform(none).shape == (0, len(encoder.names))
        assert not encoder.unseen(none)


def test_an_input_of_nothing_is_nothing() -> None:
    frame = pd.DataFrame({"n": pd.Series([np.nan, np.nan]), "d": pd.Series([pd.NaT, pd.NaT])})
    np.testing.assert_array_equal(encoded(**dict(frame)), [[0, 1, 0, 1]] * 2)


def test_names_that_are_no_text_become_text() -> None:
    frame = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]])
    encoder = Encoder().fit(frame)
    assert encoder.names == ["0", "1"]
    np.testing.assert_array_equal(encoder.transform(frame), frame)


def test_encoding_writes_to_no_input() -> None:
    frame = pd.DataFrame({"n": [1.0, np.nan], "c": ["x", None], "d": ["2024-05-01", None]})
    before = frame.copy(deep=True)
    Encoder().fit(frame).transform(frame)
    pd.testing.assert_frame_equal(frame, before)


DAYS = pd.Series(pd.to_timedelta([1, 36, np.nan, -12], unit="h"))
EVERY_DURATION = {
    "NumPy": DAYS,
    "seconds": DAYS.astype("timedelta64[s]"),
    "objects": DAYS.astype(object),
    "Python's": pd.Series([None if pd.isna(each) else each.to_pytimedelta() for each in DAYS], dtype=object),
    "Arrow, ns": DAYS.astype(pd.ArrowDtype(pa.duration("ns"))),
    "Arrow, s": DAYS.astype("timedelta64[s]").astype(pd.ArrowDtype(pa.duration("s"))),
    "Arrow, ms": DAYS.astype("timedelta64[ms]").astype(pd.ArrowDtype(pa.duration("ms"))),
}


@pytest.mark.parametrize("fitted", EVERY_DURATION.values(), ids=EVERY_DURATION.keys())
@pytest.mark.parametrize("given", EVERY_DURATION.values(), ids=EVERY_DURATION.keys())
def test_a_duration_is_days_whatever_holds_it(fitted: Any, given: Any) -> None:
    encoder = Encoder().fit(pd.DataFrame({"stay": fitted}))
    assert encoder.columns[0] == Number("stay", 1 / 24, True)
    expected = [[1 / 24, 0], [1.5, 0], [1 / 24, 1], [-0.5, 0]]
    np.testing.assert_allclose(encoder.transform(pd.DataFrame({"stay": given})), expected)


@pytest.mark.parametrize("length", [5, 5.5])
def test_a_duration_of_polars_is_days_too(length: Any) -> None:
    frame: Any = pl.DataFrame({"stay": [datetime.timedelta(hours=length), None]})
    np.testing.assert_allclose(Encoder().fit(frame).transform(frame), [[length / 24, 0], [length / 24, 1]])


WHOLE = {
    "int64": pd.Series([1, 2, 3]),
    "float64": pd.Series([1.0, 2.0, 3.0]),
    "float32": pd.Series([1, 2, 3], dtype="float32"),
    "Int8": pd.Series([1, 2, 3], dtype="Int8"),
    "objects": pd.Series([1, 2.0, 3], dtype=object),
    "category of int": pd.Series(pd.Categorical([1, 2, 3])),
    "category of float": pd.Series(pd.Categorical([1.0, 2.0, 3.0])),
    "text": pd.Series(["1", "2", "3"]),
    "text of float": pd.Series(["1.0", "2.0", "3.0"]),
    "Arrow": pd.Series([1, 2, 3], dtype=pd.ArrowDtype(pa.float64())),
}


@pytest.mark.parametrize("given", WHOLE.values(), ids=WHOLE.keys())
@pytest.mark.parametrize("fitted", ["category of int", "category of float", "text", "text of float"])
def test_a_whole_number_is_one_category_with_a_point_and_without(fitted: Any, given: Any) -> None:
    encoder = Encoder().fit(pd.DataFrame({"k": WHOLE[fitted]}))
    new = pd.DataFrame({"k": given})
    np.testing.assert_array_equal(encoder.transform(new), np.eye(3))
    assert encoder.unseen(new) == []


def test_texts_that_differ_in_the_training_stay_different() -> None:
    frame = pd.DataFrame({"k": ["1", "1.0", "01", "1.00", "1e0", "-0", "a"] * 10})
    encoder = Encoder().fit(frame)
    assert len(encoder.names) == 7
    np.testing.assert_array_equal(encoder.transform(frame).sum(axis=1), 1)
    np.testing.assert_array_equal(
        encoder.transform(frame[:7]) @ np.arange(7), [encoder.names.index(f"k = {text}") for text in frame["k"][:7]]
    )


@pytest.mark.parametrize(
    ("frame", "names"),
    [
        (pd.DataFrame({0: [1.0, 2], "0b": [1.0, 3]}), ["0", "0b"]),
        (pl.DataFrame({"a": [1.0, 2], "b": [1.0, 3]}), ["a", "b"]),
        (pa.table({"a": [1.0, 2], "b": [1.0, 3]}), ["a", "b"]),
        (pd.DataFrame({pd.Timestamp("2024-01-01"): [1.0, 2]}), ["2024-01-01 00:00:00"]),
        (pd.DataFrame({None: [1.0, 2]}), ["None"]),
    ],
    ids=["numbers", "polars", "Arrow", "dates", "none"],
)
def test_a_table_of_any_library_and_any_names(frame: Any, names: Any) -> None:
    encoder = Encoder().fit(frame)
    assert encoder.names == names
    assert encoder.transform(frame).shape == (2, len(names))
    assert encoder.unseen(frame) == []


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_product([["x"], [0, 1]])), "names of 2 levels, such as"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "more than one column named 'a'"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "more than one column named '1'"),
        ({"a": [1, 2]}, "and dict came"),
        (pl.DataFrame({"a": [1, 2]}).lazy(), "and LazyFrame came"),
        (pl.Series("a", [1, 2]), "and Series came"),
        (pd.Series([1, 2]), "and Series came"),
        (None, "and NoneType came"),
    ],
)
def test_what_is_no_table_with_a_name_for_each_column_is_a_sentence(table: Any, words: Any) -> None:
    fitted = Encoder().fit(pd.DataFrame({"a": [1.0, 2]}))
    for attempt in (Encoder().fit, fitted.transform, fitted.unseen, partial(make_table, target="y")):
        with pytest.raises(DataError, match=words):
            attempt(table)


def test_an_array_is_a_table_of_columns_for_an_encoder_alone() -> None:
    array = np.array([[1.0, 3], [2, np.nan], [4, 5]])
    encoder = Encoder().fit(array)
    assert encoder.names == ["x0", "x1", "x1 is missing"]
    assert not hasattr(encoder, "feature_names_in_")
    np.testing.assert_array_equal(encoder.transform(array), [[1, 3, 0], [2, 4, 1], [4, 5, 0]])
    named = pd.DataFrame(array, columns=["p", "q"])  # a frame's columns then stand for the array's, by their places
    np.testing.assert_array_equal(encoder.transform(named), encoder.transform(array))
    with pytest.raises(ValueError, match="X has 1 features, but Encoder is expecting 2 features"):
        encoder.transform(array[:, :1])
    with pytest.raises(TypeError, match=r"A sparse X came.*give X\.toarray\(\)"):
        encoder.transform(csr_array(array))
    with pytest.raises(DataError, match="A table is needed, a frame of pandas, polars or Arrow, and ndarray came"):
        make_table(array, "y")


@pytest.mark.parametrize(
    ("target", "classes", "heads"),
    [
        ("y", ["a", "b"], ["y", "probability of a", "probability of b"]),
        ("probability of a", ["a"], ["probability of a", "probability of a (probability)"]),
        ("y", [], ["y"]),
    ],
)
def test_heads_of_predictions_are_all_different(target: Any, classes: Any, heads: Any) -> None:
    assert column_heads(target, classes) == heads
    assert column_heads("y", ["a"], ["probability of a"]) == ["y", "probability of a (probability)"]
