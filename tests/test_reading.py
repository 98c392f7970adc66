"""A file comes back as the table that it was written from, whatever its kind; what separates is found."""

import gzip
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ridgewalk.tables import Encoder, make_table, read_table
from ridgewalk.tables import read as data
from ridgewalk.tables.encode import Category, DataError

FRAME = pd.DataFrame(
    {"größe, cm": [1.5, np.nan, -2.0], "name": ["a, b", 'say "x"', "c;d"], "n": [1, 2, 3], "flag": [True, False, True]}
)


def write(path: Any, frame: Any = FRAME) -> None:
    name = path.name
    separator = "\t" if ".tsv" in name else ","
    if name.endswith(".stream.arrow"):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
            writer.write_table(table)
    elif path.suffix in (".arrow", ".feather"):
        frame.to_feather(path)
    elif path.suffix in (".parquet", ".pq"):
        frame.to_parquet(path)
    elif path.suffix == ".gz":
        path.write_bytes(gzip.compress(frame.to_csv(index=False, sep=separator).encode()))
    else:
        frame.to_csv(path, index=False, sep=separator)


@pytest.mark.parametrize(
    "name",
    ["t.csv", "T.CSV", "t.tsv", "t.csv.gz", "t.tsv.gz", "t.parquet", "t.pq", "t.arrow", "t.stream.arrow", "t.feather"],
)
def test_every_kind_comes_back_as_it_was(tmp_path: Path, name: Any) -> None:
    write(tmp_path / name)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), FRAME, check_dtype=False)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_standard_input_is_read_and_what_separates_is_found(
    monkeypatch: pytest.MonkeyPatch, separator: Any, ending: Any
) -> None:
    text = FRAME.to_csv(index=False, sep=separator, lineterminator=ending)
    for start in ("", "\ufeff"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((start + text).encode())))
        pd.testing.assert_frame_equal(read_table("-"), FRAME, check_dtype=False)


def test_what_stands_in_a_quoted_name_separates_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('"a, b, c";x\n1;2\n')
    assert read_table(tmp_path / "t.csv").columns.tolist() == ["a, b, c", "x"]


def test_a_quoted_name_may_have_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('"two\nlines, or more";x\n1;2\n')
    assert read_table(tmp_path / "t.csv").columns.tolist() == ["two\nlines, or more", "x"]


def test_texts_stay_texts(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("code\tn\n01\t1\n02\t2\n")
    assert read_table(tmp_path / "t.tsv", texts=["code", "absent"])["code"].tolist() == ["01", "02"]


def test_a_name_that_a_columnar_file_has_twice_is_refused(tmp_path: Path) -> None:
    table = pa.table([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match="more than one column named 'a'"):
        read_table(tmp_path / "t.arrow")


def test_a_terminal_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(DataError, match="pipe a table into it, or give a file"):
        read_table("-")


def test_commas_before_decimals_are_read_where_no_comma_separates(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "n;whole;three;code;word;gap\n1,5;2;1,234;01,5;a,b;1,25\n-2;3;5,678;02,5;3;\n 3,25 ;4;9;03,5;4;7\n"
    )
    frame = read_table(tmp_path / "t.csv", texts=["code"])
    assert frame["n"].tolist() == [1.5, -2, 3.25]
    assert frame["whole"].tolist() == [2, 3, 4]
    assert frame["three"].tolist() == [1.234, 5.678, 9]  # of the commas of this file n's are before decimals
    assert frame["code"].tolist() == ["01,5", "02,5", "03,5"]
    assert frame["word"].tolist() == ["a,b", "3", "4"]
    np.testing.assert_array_equal(frame["gap"], [1.25, np.nan, 7])
    (tmp_path / "quoted.csv").write_text('n,m\n"1,5",1\n"2,5",2\n')
    assert read_table(tmp_path / "quoted.csv")["n"].tolist() == ["1,5", "2,5"]


@pytest.mark.parametrize(
    ("column", "beside", "read"),
    [
        (["1,234", "5,678", "9"], ["a", "b", "c"], ["1,234", "5,678", "9"]),  # 1234, or 1.234: nobody knows
        (["1,234", "5,678", "9"], ["1,5", "2", "3"], [1.234, 5.678, 9]),
        (["1,234", "5,678", "9"], ["1,234,567", "2", "3"], ["1,234", "5,678", "9"]),
        (["1,234", "5,678", "9"], ["1,234.5", "2", "3"], ["1,234", "5,678", "9"]),
        (["0,126", "1,234", "9"], ["a", "b", "c"], [0.126, 1.234, 9]),  # no thousands begin with a zero
        (["-0,126", "+1,234", ""], ["a", "b", "c"], [-0.126, 1.234, np.nan]),
        (["1.234,56", "7,5", "8"], ["a", "b", "c"], [1234.56, 7.5, 8]),
        (["1.234.567,125", "7,125", "8"], ["a", "b", "c"], [1234567.125, 7.125, 8]),
        (["1.234", "999", "2.345.678"], ["1,5", "2", "3"], [1234, 999, 2345678]),
        (["1.234", "999", "2.345"], ["a", "b", "c"], [1.234, 999, 2.345]),  # nothing says what its dots are
        (["1.234", "999", "2.5"], ["1,5", "2", "3"], [1.234, 999, 2.5]),
        (["0.234", "0.999", "0.500"], ["1,5", "2", "3"], [0.234, 0.999, 0.5]),
        (["1,5", "2.5", "3"], ["a", "b", "c"], ["1,5", "2.5", "3"]),
        (["1,5e3", "2,5E-1", "3"], ["a", "b", "c"], [1500, 0.25, 3]),
    ],
)
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_what_a_comma_and_a_dot_mean_is_found_in_the_file(
    tmp_path: Path, separator: Any, column: Any, beside: Any, read: Any
) -> None:
    rows = [("x", "other", "y"), *zip(column, beside, "abc", strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(map(separator.join, rows)))
    found = read_table(tmp_path / "t.csv")["x"].tolist()
    np.testing.assert_array_equal(found, np.array(read, dtype=object if isinstance(read[0], str) else float))


def test_thousands_by_dots_are_noted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("rent;share;y\n" + "1.125;0,5;a\n999;0,25;b\n2.250;1,5;a\n" * 10)
    table = make_table(read_table(tmp_path / "t.csv"), "y")
    assert table.inputs["rent"].tolist()[:3] == [1125, 999, 2250]
    assert "dots of column 'rent' were taken for thousands, so 1.125 is 1125" in " ".join(table.notes)
    assert "rent" not in " ".join(make_table(read_table(tmp_path / "t.csv"), "y", drop=("rent",)).notes)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_new_rows_are_read_as_the_model_learned_the_column(tmp_path: Path, separator: Any) -> None:
    # Alone, none of these rows says what its commas and dots mean.
    rows = ["1.125;1,126;5;a", "999;0,126;1.500;b", "2.250;3,500;7;a"] * 10
    (tmp_path / "t.csv").write_text("\n".join(["rent;dose;count;y", *rows]).replace(";", separator))
    encoder = Encoder().fit(make_table(read_table(tmp_path / "t.csv"), "y").inputs)
    whole = encoder.transform(read_table(tmp_path / "t.csv", encoder=encoder))
    np.testing.assert_array_equal(whole[:3], [[1125, 1.126, 5], [999, 0.126, 1500], [2250, 3.5, 7]])
    for k, row in enumerate(rows[:3]):
        (tmp_path / "row.csv").write_text(f"rent;dose;count;y\n{row}\n".replace(";", separator))
        np.testing.assert_array_equal(
            encoder.transform(read_table(tmp_path / "row.csv", encoder=encoder)), whole[k : k + 1]
        )
        texts = dict(zip(("rent", "dose", "count"), row.split(";"), strict=False))
        np.testing.assert_array_equal(encoder.transform(pd.DataFrame([texts])), whole[k : k + 1])
    as_numbers = pd.DataFrame({"rent": [1.125], "dose": [0.126], "count": [5]})
    np.testing.assert_array_equal(encoder.transform(as_numbers), [[1.125, 0.126, 5]])
    with pytest.raises(DataError, match="'dose' held numbers when the model was trained, and holds 'much' here"):
        encoder.transform(as_numbers.assign(dose="much"))


def test_what_was_learned_with_points_has_points_where_others_have_commas(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("p;c;y\n" + "1.234;1,5;a\n2.5;2,75;b\n0.25;3,5;a\n" * 10)
    encoder = Encoder().fit(make_table(read_table(tmp_path / "t.csv"), "y").inputs)
    (tmp_path / "row.csv").write_text("p;c\n1.234;1,5\n")
    np.testing.assert_array_equal(encoder.transform(read_table(tmp_path / "row.csv", encoder=encoder)), [[1.234, 1.5]])


def test_dots_of_new_rows_are_points_where_only_a_models_texts_have_commas(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("p,c,y\n" + '1.234,"1,5",a\n2.5,"2,75",b\n0.25,"1,5",a\n' * 10)
    table = make_table(read_table(tmp_path / "t.csv"), "y")
    encoder = Encoder().fit(table.inputs)
    (tmp_path / "row.csv").write_text("p;c;y\n1.234;1,5;4.321\n")
    new = read_table(tmp_path / "row.csv", target="y", encoder=encoder)
    np.testing.assert_array_equal(encoder.transform(new), encoder.transform(table.inputs)[:1])
    assert new["y"].tolist() == [4321]  # nobody knows more of the target than the file shows


def test_a_target_with_decimal_commas_is_numbers(tmp_path: Path) -> None:
    values = np.round(np.random.default_rng(0).normal(size=60), 3)
    lines = [f"{k};{value:.3f}".replace(".", ",") for k, value in enumerate(values)]
    (tmp_path / "t.csv").write_text("\n".join(["x;y", *lines]))
    table = make_table(read_table(tmp_path / "t.csv", target="y"), "y", keep="x")
    assert table.task == "regression"
    np.testing.assert_array_equal(table.target, values)


def test_whole_numbers_that_begin_with_zeros_are_codes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("zip,n,f,zero,y\n" + "01234,1,0.5,0,a\n1234,20,00.5,1,b\n00501,3,1.5,0,a\n" * 20)
    frame = read_table(tmp_path / "t.csv")
    assert frame["zip"].tolist()[:3] == ["01234", "1234", "00501"]
    assert frame["n"].tolist()[:3] == [1, 20, 3]
    assert frame["f"].tolist()[:3] == [0.5, 0.5, 1.5]
    assert frame["zero"].tolist()[:3] == [0, 1, 0]
    assert (
        "Column 'zip' was read as text, for values such as '01234' begin with zeros" in make_table(frame, "y").notes[0]
    )
    encoder = Encoder().fit(make_table(frame, "y").inputs)
    assert [column.name for column in encoder.columns if isinstance(column, Category)] == ["zip"]
    (tmp_path / "row.csv").write_text("zip,n,f,zero\n1234,1,1,1\n")
    new = encoder.transform(read_table(tmp_path / "row.csv", encoder=encoder))
    np.testing.assert_array_equal(new[0, :3], [0, 0, 1])  # 00501, 01234, 1234


@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_codes_are_found_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: Any) -> None:
    monkeypatch.setattr(data, "_BLOCK", block)
    (tmp_path / "t.csv").write_text("zip,y\n11,a\n22,b\n-012,a\n")
    assert read_table(tmp_path / "t.csv")["zip"].tolist() == ["11", "22", "-012"]


def test_codes_among_gaps_are_codes(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("zip,n,y\n" + "01234,1,a\n,,b\n00501,3,a\n" * 20)
    frame = read_table(tmp_path / "t.csv")
    assert frame["zip"].fillna("").tolist()[:3] == ["01234", "", "00501"]
    np.testing.assert_array_equal(frame["n"][:3], [1, np.nan, 3])


def test_truth_values_are_ones_and_zeros_where_commas_stand_before_decimals(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b;y\n" + "true;1,5;0\nfalse;2,75;1\n" * 10)
    inputs = make_table(read_table(tmp_path / "t.csv"), "y").inputs
    encoder = Encoder().fit(inputs)
    again = encoder.transform(read_table(tmp_path / "t.csv", encoder=encoder))
    np.testing.assert_array_equal(again, encoder.transform(inputs))


def test_what_was_learned_as_a_number_is_one_where_zeros_stand_before_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("n,y\n" + "1,a\n20,b\n3,a\n" * 20)
    encoder = Encoder().fit(make_table(read_table(tmp_path / "t.csv"), "y").inputs)
    (tmp_path / "row.csv").write_text("n\n007\n")
    np.testing.assert_array_equal(encoder.transform(read_table(tmp_path / "row.csv", encoder=encoder)), [[7]])


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["y"], [None], [None, "b"]])
def test_named_levels_of_an_index_are_columns(tmp_path: Path, kind: Any, names: Any) -> None:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({name: generator.normal(size=30) for name in "abc"}).assign(y=["u", "v"] * 15)
    indexed = frame.set_index([name or "c" for name in names])
    indexed.index.names = names
    if kind == "parquet":
        indexed.to_parquet(tmp_path / "t.parquet")
    else:
        write_stream(indexed, tmp_path / "t.arrow")
    read = read_table(tmp_path / f"t.{kind}")
    table = make_table(read, "y")
    expected = {"a", "b", "c"} - ({"c"} if None in names else set())
    assert set(table.inputs) == expected
    for name in expected:
        np.testing.assert_array_equal(read[name], frame[name])
    assert ("has no name in the file" in " ".join(table.notes)) == (None in names)


def write_stream(frame: Any, path: Any) -> None:
    table = pa.Table.from_pandas(frame)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def test_an_index_whose_name_is_a_columns_is_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": ["u", "v"]}, index=pd.Index([5, 6], name="a"))
    write_stream(frame, tmp_path / "t.arrow")
    with pytest.raises(DataError, match="more than one column named 'a'"):
        read_table(tmp_path / "t.arrow")


def test_an_index_with_a_name_is_noted_in_a_frame() -> None:
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=30), "y": ["u", "v"] * 15})
    assert make_table(frame, "y").notes == ()
    named = frame.set_index(pd.Index(range(30), name="patient"))
    assert make_table(named, "y").notes == (
        "The index 'patient' is no column and was left out: reset_index() makes it one.",
    )


@pytest.mark.parametrize("kind", ["parquet", "feather", "arrow"])
def test_a_damaged_columnar_file_is_a_sentence(tmp_path: Path, kind: Any) -> None:
    frame = pd.DataFrame({"a": np.arange(50.0), "t": pd.Categorical(["u", "v"] * 25), "y": ["u", "v"] * 25})
    path = tmp_path / f"t.{kind}"
    if kind == "parquet":
        frame.to_parquet(path)
    elif kind == "feather":
        frame.to_feather(path)
    else:
        write_stream(frame, path)
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(150):
        content = bytearray(whole)
        for place in generator.integers(len(whole), size=3):
            content[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(content[: int(generator.integers(len(whole)))] if generator.random() < 0.2 else content)
        try:
            read_table(path)
        except DataError:
            refused += 1
    assert refused > 20


@pytest.mark.parametrize(
    ("text", "ending"),
    [("9" * 400, ""), ("-" + "9" * 400, ""), ("-" + "9" * 400, ".5"), ("1" + "0" * 400 + ".5", ".5")],
)
def test_numbers_that_no_float_holds_are_a_sentence(tmp_path: Path, text: Any, ending: Any) -> None:
    rows = "".join(f"{k * 7 % 11}{ending},{'ab'[k % 2]}\n" for k in range(40))
    (tmp_path / "t.csv").write_text(f"x,y\n{text},a\n{rows}")
    with pytest.raises(DataError, match="'x' holds infinite values, or numbers beyond 1e308"):
        Encoder().fit(make_table(read_table(tmp_path / "t.csv"), "y").inputs)
    with pytest.raises(DataError, match=r"target 'x' holds (text such as|infinite values)"):
        make_table(read_table(tmp_path / "t.csv", target="x"), "x", "regression")


def test_a_path_may_be_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n1,a\n2,b\n")
    assert read_table("t.csv")["x"].tolist() == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("width", [999, 1001])
def test_texts_of_a_wide_table_are_texts(tmp_path: Path, width: Any) -> None:
    names = [f"c{k}" for k in range(width)]
    rows = [",".join([f"{k}{row}" if k else f"0{row}" for k in range(width)]) for row in (1, 2)]
    (tmp_path / "t.csv").write_text("\n".join([",".join(names), *rows]))
    frame = read_table(tmp_path / "t.csv", texts=["c5", "absent"], target="c0")
    assert frame["c5"].tolist() == ["51", "52"]
    assert frame["c0"].tolist() == ["01", "02"]
    assert frame["c7"].tolist() == [71, 72]
    assert list(frame.columns) == names
