"""Laws of dates in other forms than ISO's: what comes first decides, and a date comes back whatever form it is in."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ridgewalk.tables import Encoder
from ridgewalk.tables.dates import ORDERS, iso_text, year_comes_last
from ridgewalk.tables.encode import DataError, Date, OrderedDate

MOMENTS = [datetime(1969, 1, 1) + timedelta(days=37 * k, minutes=61 * k) for k in range(960)]
FORMS: dict[str, Any] = {
    "dayfirst": ("%d.%m.%Y %H:%M", "%d/%m/%Y, %H:%M:%S", "%d-%m-%y %H:%M", "%d.%m.%Y %I:%M %p"),
    "monthfirst": ("%m/%d/%Y %I:%M %p", "%m-%d-%y %H:%M", "%m.%d.%Y %H:%M:%S"),
    "yearfirst": ("%Y/%m/%d %H:%M", "%Y.%m.%d %I:%M:%S %p", "%Y%m%dT%H%M%S", "%Y%m%d %H:%M"),
}


@pytest.mark.parametrize(("order", "form"), [(order, form) for order, forms in FORMS.items() for form in forms])
def test_a_date_comes_back_from_every_form(order: Any, form: str) -> None:
    for moment in MOMENTS:
        read = datetime.fromisoformat(iso_text(moment.strftime(form), order))
        assert read == moment.replace(second=0 if "%S" not in form else moment.second)
        day = form.split(maxsplit=1)[0].split("T", maxsplit=1)[0].rstrip(",")
        assert iso_text(moment.strftime(day), order) == moment.date().isoformat()


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("1.2.2026", "dayfirst", "2026-02-01"),
        ("1.2.2026", "monthfirst", "2026-01-02"),
        (" 24/12/26 ", "dayfirst", "2026-12-24"),
        ("24.12.68", "dayfirst", "2068-12-24"),
        ("24.12.69", "dayfirst", "1969-12-24"),
        ("24.12/2026", "dayfirst", "24.12/2026"),
        ("2026-12-24", "dayfirst", "2026-12-24"),
        ("soon", "dayfirst", "soon"),
        ("1.2.2026 12:30 AM", "dayfirst", "2026-02-01 00:30:00"),
        ("1.2.2026 12:30 p.m.", "dayfirst", "2026-02-01 12:30:00"),
        ("1.2.2026 13:30 PM", "dayfirst", "1.2.2026 13:30 PM"),
        ("20261224", "yearfirst", "2026-12-24"),
        ("2026122", "yearfirst", "2026122"),
    ],
)
def test_forms_by_hand(text: str, order: Any, iso: str) -> None:
    assert iso_text(text, order) == iso


@pytest.mark.parametrize("order", ORDERS)
def test_what_comes_first_goes_with_the_column(order: Any) -> None:
    days = pd.Series([datetime(2026, 5, 1) + timedelta(days=13 * k) for k in range(20)])
    form = {"dayfirst": "%d.%m.%Y", "monthfirst": "%m.%d.%Y", "yearfirst": "%Y.%m.%d"}[order]
    frame = pd.DataFrame({"d": days.dt.strftime(form)})
    encoder = Encoder(dates={"d": order}).fit(frame)
    (column,) = encoder.columns
    assert isinstance(column, OrderedDate)
    assert column.order == order
    whole = encoder.transform(frame)
    np.testing.assert_array_equal(whole, Encoder().fit(pd.DataFrame({"d": days})).transform(pd.DataFrame({"d": days})))
    for other in (frame[3:4], pd.DataFrame({"d": days[3:4]}), pd.DataFrame({"d": days[3:4].dt.strftime("%Y-%m-%d")})):
        np.testing.assert_array_equal(encoder.transform(other), whole[3:4])
    missing = encoder.transform(pd.DataFrame({"d": [None]}))
    assert (missing == 0).all()


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([20260501, 20260502, 20260601]),
        pd.Series([20260501.0, np.nan, 20260601.0]),
        pd.Series(["20260501", "20260502", "20260601"]),
        pd.Series(["2026/05/01", "2026/5/2", "2026.06.01"]),
    ],
)
def test_a_year_in_front_needs_no_word(values: Any) -> None:
    encoder = Encoder(dates="d").fit(pd.DataFrame({"d": values}))
    (column,) = encoder.columns
    assert isinstance(column, OrderedDate)
    assert column.order == "yearfirst"
    assert encoder.transform(pd.DataFrame({"d": ["2026-05-20"]}))[0, 0] == 20593 - column.center


def test_iso_dates_and_typed_ones_are_as_ever_unless_an_order_is_asked_for() -> None:
    for values in (["2026-05-01", "2026-05-09"], pd.to_datetime(["2026-05-01", "2026-05-09"])):
        assert type(Encoder(dates="d").fit(pd.DataFrame({"d": values})).columns[0]) is Date
        assert type(Encoder(dates={"d": "dayfirst"}).fit(pd.DataFrame({"d": values})).columns[0]) is OrderedDate


@pytest.mark.parametrize(
    ("dates", "values", "words"),
    [
        (
            "d",
            ["24.12.2026", "1.1.2027"],
            "'d' is named in dates .*'24.12.2026'.*what comes first.*--dates 'd:dayfirst'",
        ),
        (
            "d",
            ["2026-05-01", "soon"],
            r"holds 'soon' in row 2: write dates as 2024-05-03 or 2024-05-03 10:30, name it in missing",
        ),
        ({"d": "dayfirst"}, ["24.12.2026", "31.2.2026"], r"holds '31\.2\.2026' in row 2: write dates as 24\.12\.2026"),
        ({"d": "dayfirst"}, ["24.12.2026", "12.24.2026"], r"holds '12\.24\.2026'"),
        ({"d": "dayfirst"}, [1.5, 2.5], "holds '1.5'"),
        ({"d": "first"}, ["24.12.2026"], "What comes first in the dates of column 'd' is 'first': one of dayfirst"),
    ],
)
def test_what_is_no_date_of_the_order_is_named(dates: Any, values: Any, words: Any) -> None:
    with pytest.raises(DataError, match=words):
        Encoder(dates=dates).fit(pd.DataFrame({"d": values}))


def test_new_rows_that_are_no_dates_of_the_order_are_named() -> None:
    encoder = Encoder(dates={"d": "dayfirst"}).fit(pd.DataFrame({"d": ["24.12.2026", "1.1.2027"]}))
    with pytest.raises(
        DataError, match=r"held dates when .* holds 'soon' here, in row 2: write dates as 24\.12\.2026 or"
    ):
        encoder.transform(pd.DataFrame({"d": ["24.12.2026", "soon"]}, index=[7, 7]))


def test_what_can_be_done_about_new_dates_is_not_what_a_fit_can_do() -> None:
    texts = pd.DataFrame({"d": ["2024-01-02", "03/05/2018", "04/05/2018"]})
    new = r"here, in row 2 and 1 more: write dates as 2024-05-03 or 2024-05-03 10:30, or fit again and say what comes"
    with pytest.raises(DataError, match=new):
        Encoder().fit(texts[:1]).transform(texts)
    with pytest.raises(DataError, match=r"holds '03/05/2018' in row 2 and 1 more: write .* 10:30, or say what comes"):
        Encoder(dates="d").fit(texts)


def test_a_year_last_is_seen() -> None:
    assert all(map(year_comes_last, ["1.2.2026", "01/02/26", "1-2-2026 10:30"]))
    assert not any(map(year_comes_last, ["2026-01-02", "1.2", "1.234.567", "24 Dec 2026", "1.2/2026"]))
