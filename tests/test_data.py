"""Laws of reading and encoding tables."""

import numpy as np
import pandas as pd
import pytest

from ridgewalk.data import DataError, Encoder, make_table, read_table

ROWS = 80


def people(rows=ROWS, seed=0):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": generator.normal(40, 10, rows).round(),
            "height, cm": generator.normal(170, 10, rows),
            "größe": generator.choice(["klein", "groß", "weiß nicht"], rows),
            "smoker": generator.choice([True, False], rows),
            "note": generator.choice(["a", "b", None], rows),
            "outcome": generator.choice(["yes", "no"], rows),
        }
    )
    frame.loc[::7, "age"] = np.nan
    return frame


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_comes_back_as_it_was(tmp_path, kind):
    path = tmp_path / f"people.{kind}"
    getattr(people(), f"to_{kind}")(path, index=False)
    frame = read_table(path)
    pd.testing.assert_frame_equal(frame, people(), check_dtype=False)
    inputs = make_table(frame, "outcome").inputs
    encoded = Encoder().fit(inputs).transform(frame)
    np.testing.assert_allclose(encoded, Encoder().fit(people().drop(columns="outcome")).transform(people()))


def test_columns_are_named_after_what_they_came_from():
    encoder = Encoder().fit(people().drop(columns="outcome"))
    assert encoder.names == [
        "age", "height, cm", "age is missing", "größe = groß", "größe = klein", "größe = weiß nicht",
        "smoker = False", "smoker = True", "note = (missing)", "note = a", "note = b",
    ]  # fmt: skip
    assert encoder.origins == ["age", "height, cm", "age", *["größe"] * 3, *["smoker"] * 2, *["note"] * 3]
    assert encoder.transform(people()).shape == (ROWS, 11)


def test_encoding_by_hand():
    inputs = pd.DataFrame({"n": [1.0, np.nan, 4.0, 3.0], "c": ["x", "y", None, "x"]})
    encoded = Encoder().fit(inputs).transform(inputs)
    np.testing.assert_array_equal(encoded, [[1, 0, 0, 1, 0], [3, 1, 0, 0, 1], [4, 0, 1, 0, 0], [3, 0, 0, 1, 0]])


def test_new_rows_may_be_anything_but_infinite():
    inputs = pd.DataFrame({"n": [1.0, 2.0, 4.0], "c": ["x", "y", "x"]})
    encoder = Encoder().fit(inputs)
    new = pd.DataFrame({"more": [0, 0], "c": ["never seen", None], "n": [np.nan, 7]})
    np.testing.assert_array_equal(encoder.transform(new), [[2, 0, 0], [7, 0, 0]])
    with pytest.raises(DataError, match="'n' held numbers when the model was trained"):
        encoder.transform(pd.DataFrame({"n": ["tall"], "c": ["x"]}))
    with pytest.raises(DataError, match="infinite"):
        encoder.transform(pd.DataFrame({"n": [np.inf], "c": ["x"]}))
    with pytest.raises(DataError, match="needs column 'n' and 1 more"):
        encoder.transform(pd.DataFrame({"x": [1]}))


@pytest.mark.parametrize("dtype", ["category", "string", object])
def test_every_kind_of_text_is_the_same(dtype):
    frame = people()
    expected = Encoder().fit(frame).transform(frame)
    frame["größe"] = frame["größe"].astype(dtype)
    np.testing.assert_array_equal(Encoder().fit(frame).transform(frame), expected)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float32", "int8"])
def test_every_kind_of_number_is_a_number(dtype):
    frame = pd.DataFrame({"n": pd.array([1, 2, 3], dtype=dtype)})
    np.testing.assert_array_equal(Encoder().fit(frame).transform(frame), [[1], [2], [3]])


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
def test_the_task_is_found_out(target, task):
    frame = people().assign(outcome=target)
    assert make_table(frame, "outcome").task == task
    assert make_table(frame, "outcome", "classification" if task == "classification" else "auto").task == task


def test_numbers_can_be_classes_and_classes_numbers_when_asked():
    frame = people().assign(outcome=[1, 2, 3, 4] * 20)
    assert make_table(frame, "outcome", "regression").target.dtype == float
    assert make_table(frame, "outcome").target.dtype == int


def test_useless_columns_are_left_out_and_named():
    frame = people().assign(always=1, name=[f"person {k}" for k in range(ROWS)])
    table = make_table(frame, "outcome", drop=("age",))
    assert not {"always", "name", "age", "outcome"} & set(table.inputs.columns)
    assert "'always' is constant" in " ".join(table.notes)
    assert "'name' has 80 different values in 80 rows" in " ".join(table.notes)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_seen_in_the_first_line(tmp_path, separator):
    people().to_csv(tmp_path / "people.csv", index=False, sep=separator)
    pd.testing.assert_frame_equal(read_table(tmp_path / "people.csv"), people(), check_dtype=False)


def test_twenty_numbers_are_classes_and_twenty_one_are_not():
    for count, task in ((20, "classification"), (21, "regression")):
        assert make_table(people(84).assign(outcome=np.arange(84) % count), "outcome").task == task


def test_row_numbers_lists_and_texts_like_numbers_are_named(tmp_path):
    people().to_csv(tmp_path / "people.csv")
    table = make_table(read_table(tmp_path / "people.csv"), "outcome")
    assert "Unnamed: 0" not in table.inputs
    assert "has no name in the file" in " ".join(table.notes)
    table = make_table(people().assign(lists=[[1, 2]] * ROWS, share=[f"{k % 9},5 %" for k in range(ROWS)]), "outcome")
    assert "'lists' holds list values and was left out" in " ".join(table.notes)
    assert "'share' is text that looks like numbers (such as '0,5 %')" in " ".join(table.notes)
    assert "share" in table.inputs


def test_columns_can_be_read_as_text(tmp_path):
    (tmp_path / "codes.csv").write_text("code,n\n01,1\n02,2\n")
    assert read_table(tmp_path / "codes.csv", texts=["code", "absent"])["code"].tolist() == ["01", "02"]


def test_a_comma_at_the_end_of_each_row_shifts_nothing(tmp_path):
    (tmp_path / "a.csv").write_text("a,y\n1,2,\n4,5,\n")
    assert read_table(tmp_path / "a.csv").to_numpy().tolist() == [[1, 2], [4, 5]]


def broken(tmp_path, name, content):
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
        ("a.xlsx", b"PK", "of a kind that is not read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content, words):
    with pytest.raises(DataError, match=words):
        read_table(broken(tmp_path, name, content))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="There is no file"):
        read_table(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="is a folder"):
        read_table(tmp_path)


@pytest.mark.parametrize(
    ("change", "settings", "words"),
    [
        ({}, {"target": "income"}, "There is no column 'income'. The columns are: age, height"),
        ({}, {"drop": ("income",)}, "There is no column 'income'"),
        ({"outcome": [None, *["a", "b"] * 39, "a"]}, {}, "missing in 1 of 80 rows"),
        ({"outcome": "yes"}, {}, "one value only"),
        ({"outcome": [np.inf, *range(79)]}, {}, "infinite"),
        ({}, {"task": "regression"}, "holds text such as"),
        ({"outcome": [f"{k}" for k in range(80)]}, {}, "no set of classes"),
        ({}, {"drop": ("age", "height, cm", "größe", "smoker", "note")}, "No column is left"),
    ],
)
def test_a_mistake_in_a_table_is_named(change, settings, words):
    with pytest.raises(DataError, match=words):
        make_table(people().assign(**change), **({"target": "outcome"} | settings))
