"""A file comes back as the table that it was written from, whatever its kind; what separates is found."""

import gzip
import io
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ridgewalk.data import DataError, read_table

FRAME = pd.DataFrame(
    {"größe, cm": [1.5, np.nan, -2.0], "name": ["a, b", 'say "x"', "c;d"], "n": [1, 2, 3], "flag": [True, False, True]}
)


def write(path, frame=FRAME):
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
def test_every_kind_comes_back_as_it_was(tmp_path, name):
    write(tmp_path / name)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), FRAME, check_dtype=False)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_standard_input_is_read_and_what_separates_is_found(monkeypatch, separator, ending):
    text = FRAME.to_csv(index=False, sep=separator, lineterminator=ending)
    for start in ("", "\ufeff"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((start + text).encode())))
        pd.testing.assert_frame_equal(read_table("-"), FRAME, check_dtype=False)


def test_what_stands_in_a_quoted_name_separates_nothing(tmp_path):
    (tmp_path / "t.csv").write_text('"a, b, c";x\n1;2\n')
    assert read_table(tmp_path / "t.csv").columns.tolist() == ["a, b, c", "x"]


def test_texts_stay_texts(tmp_path):
    (tmp_path / "t.tsv").write_text("code\tn\n01\t1\n02\t2\n")
    assert read_table(tmp_path / "t.tsv", texts=["code", "absent"])["code"].tolist() == ["01", "02"]


def test_a_name_that_a_columnar_file_has_twice_is_refused(tmp_path):
    table = pa.table([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(DataError, match="more than one column named 'a'"):
        read_table(tmp_path / "t.arrow")


def test_a_terminal_is_no_table(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO())
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(DataError, match="pipe a table into it, or give a file"):
        read_table("-")


def test_commas_before_decimals_are_read_where_no_comma_separates(tmp_path):
    (tmp_path / "t.csv").write_text(
        "n;whole;thousands;code;word;gap\n1,5;2;1,234;01,5;a,b;1,25\n-2;3;5,678;02,5;3;\n 3,25 ;4;9;03,5;4;7\n"
    )
    frame = read_table(tmp_path / "t.csv", texts=["code"])
    assert frame["n"].tolist() == [1.5, -2, 3.25]
    assert frame["whole"].tolist() == [2, 3, 4]
    assert frame["thousands"].tolist() == ["1,234", "5,678", "9"]  # 1234, or 1.234: who knows
    assert frame["code"].tolist() == ["01,5", "02,5", "03,5"]
    assert frame["word"].tolist() == ["a,b", "3", "4"]
    np.testing.assert_array_equal(frame["gap"], [1.25, np.nan, 7])
    (tmp_path / "quoted.csv").write_text('n,m\n"1,5",1\n"2,5",2\n')
    assert read_table(tmp_path / "quoted.csv")["n"].tolist() == ["1,5", "2,5"]
