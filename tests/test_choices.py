"""What a user chooses of columns is what becomes of them; what contradicts itself, or is not there, is a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgewalk.tables import ColumnChoices, Encoder, make_table, read_table
from ridgewalk.tables.choices import LeftOut
from ridgewalk.tables.encode import Category, DataError, Date, Number

ROWS = 60
DRAWS = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "patient": [f"p{k:02}" for k in range(ROWS)],
        "year": np.arange(1950, 1950 + ROWS),
        "zip": DRAWS.integers(1, 5, ROWS),
        "dose": [f"{value:.4f}" for value in DRAWS.normal(5, 1, ROWS)],
        "joined": ["2026-05-03", "2026-05-09"] * (ROWS // 2),
        "age": DRAWS.normal(40, 9, ROWS),
        "y": DRAWS.normal(size=ROWS),
    }
)
KEEP = "; name it in keep (--keep) to learn from it, or in ids (--id) to have it beside predictions."
KINDS = {Number: "number", Category: "category", Date: "date"}


def kinds(**choices: Any) -> dict[str, str]:
    given = ColumnChoices(**choices)
    table = make_table(FRAME, "y", choices=given)
    there = [str(name) for name in table.inputs if given.kind(str(name))]
    only = {name: [each for each in there if given.kind(each) == kind] for name, kind in
            (("categories", "category"), ("numbers", "number"), ("dates", "date"))}  # fmt: skip
    return {column.name: KINDS[type(column)] for column in Encoder(**only).fit(table.inputs).columns}


def test_without_a_choice_columns_are_what_they_look_like() -> None:
    assert kinds() == {"zip": "number", "joined": "date", "age": "number"}


@pytest.mark.parametrize(
    ("choices", "becomes"),
    [
        ({"categories": "zip"}, {"zip": "category"}),
        ({"categories": ["zip", "joined"]}, {"zip": "category", "joined": "category"}),
        ({"numbers": "dose"}, {"dose": "number"}),
        ({"numbers": ["year"]}, {"year": "number"}),
        ({"categories": "patient"}, {"patient": "category"}),
        ({"keep": "year"}, {"year": "number"}),
        ({"dates": "joined"}, {"joined": "date"}),
        ({"ids": "zip"}, {"zip": ""}),
    ],
)
def test_a_choice_is_what_becomes_of_a_column(choices: Any, becomes: dict[str, str]) -> None:
    expected = {"zip": "number", "joined": "date", "age": "number"} | becomes
    assert kinds(**choices) == {name: kind for name, kind in expected.items() if kind}


def test_nothing_is_learned_of_a_constant_whatever_is_chosen() -> None:
    frame = FRAME.assign(always="1", things=pd.Series([[1]] * ROWS))
    table = make_table(frame, "y", choices=ColumnChoices(numbers="always", categories="things"))
    assert not {"always", "things"} & set(table.inputs)
    found = {each.column: (each.role, each.reason) for each in table.left_out}
    assert found["always"] == ("left out", "is constant")
    assert found["things"] == ("left out", "holds list values")


def test_columns_that_are_no_inputs_are_told_with_their_role() -> None:
    table = make_table(FRAME, "y", drop="age", choices=ColumnChoices(ids="patient"))
    year, dose, *asked = table.left_out
    assert year.note == (
        "Column 'year' is a different whole number in each row, in order or without gaps, as row numbers are, and was "
        f"left out{KEEP}"
    )
    assert (dose.role, dose.advice) == ("left out", ".")
    assert dose.reason.startswith("has 60 different values in 60 rows (they look like numbers, such as ")
    assert asked == [LeftOut("age", "dropped", "was named to be left out"), LeftOut("patient", "id", "names the rows")]
    assert table.odd == ()
    assert all(each.note in table.notes for each in table.left_out[:2])


def test_a_code_that_is_said_to_be_a_number_is_one_and_nobody_notes_it(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("code,y\n" + "007,a\n12,b\n3,a\n" * 20)
    frame = read_table(tmp_path / "t.csv")
    assert make_table(frame, "y").notes
    table = make_table(frame, "y", choices=ColumnChoices(numbers="code"))
    assert table.notes == ()
    encoder = Encoder(numbers="code").fit(table.inputs)
    np.testing.assert_array_equal(encoder.transform(table.inputs)[:3, 0], [7, 12, 3])


def test_a_number_that_is_said_to_be_a_category_keeps_its_zeros_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("code,y\n" + "1,a\n1.0,b\n1.50,a\n" * 20)
    choices = ColumnChoices(categories="code")
    table = make_table(read_table(tmp_path / "t.csv", choices.texts), "y", choices=choices)
    assert Encoder(categories="code").fit(table.inputs).names == ["code = 1", "code = 1.0", "code = 1.50"]


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"categories": "zap"}, "There is no column 'zap'. Is it 'zip'. The columns are: patient, year"),
        ({"numbers": "nothing"}, "There is no column 'nothing'"),
        ({"ids": ["patience"]}, "Is it 'patient'"),
        ({"dates": {"joint": "dayfirst"}}, "Is it 'joined'"),
        ({"categories": "y"}, "'y' is the target, and categories names it, too: take one of them back"),
        ({"ids": "y"}, "'y' is the target, and ids names it, too"),
        ({"ids": "age"}, "'age' stands in drop and in ids: take one of them back"),
        ({"keep": "age"}, "'age' stands in drop and in keep"),
        (
            {"numbers": "joined"},
            r"'joined' is named in numbers \(--numbers\), and holds .2026-05-03. in row 1 and 59 more: correct that",
        ),
        ({"numbers": "patient"}, "'patient' is named in numbers .* holds 'p00'"),
    ],
)
def test_a_choice_that_no_table_can_follow_is_a_sentence(choices: Any, words: str) -> None:
    def follow() -> None:
        given = ColumnChoices(**choices)
        table = make_table(FRAME, "y", drop="age", choices=given)
        Encoder(numbers=given.numbers).fit(table.inputs)

    with pytest.raises(DataError, match=words):
        follow()


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"categories": "a", "numbers": ["b", "a"]}, "'a' stands in categories and in numbers: take one of them back"),
        ({"numbers": "a", "dates": {"a": None}}, "'a' stands in numbers and in dates"),
        ({"ids": "a", "categories": "a"}, "'a' stands in categories and in ids"),
        ({"ids": "a", "keep": "a"}, "'a' stands in ids and in keep"),
        ({"dates": {"a": "iso"}}, "What comes first in the dates of column 'a' is 'iso': one of dayfirst, monthfirst"),
        ({"missing": ["?", ""]}, "A text that means missing is empty"),
    ],
)
def test_choices_that_contradict_each_other_are_a_sentence(choices: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        ColumnChoices(**choices)


def test_a_typed_date_is_no_number() -> None:
    frame = pd.DataFrame({"d": pd.to_datetime(["2026-05-03", "2026-05-09"])})
    with pytest.raises(DataError, match=r"'d' is named in numbers .* holds Timestamp\('2026"):
        Encoder(numbers="d").fit(frame)
    encoder = Encoder().fit(pd.DataFrame({"d": [1.0, 2.0]}))
    with pytest.raises(DataError, match="'d' held numbers when the model was trained, and holds Timestamp"):
        encoder.transform(frame)
