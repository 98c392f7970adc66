"""The encoder is a transformer of scikit-learn's: its own checks, pipelines, and what a file keeps of it."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from ridgewalk import MLPClassifierCV, TableClassifier, TableRegressor, load, save
from ridgewalk.storage import ModelFileError, read
from ridgewalk.storage.container import WrongError
from ridgewalk.storage.encoder_records import encoder_of, encoder_records
from ridgewalk.tables import ColumnChoices, Encoder, make_table
from ridgewalk.tables.choices import LeftOut
from ridgewalk.tables.encode import DataError
from ridgewalk.tables.encoder import table_encoder
from ridgewalk.tables.text_format import TextFormat

ROWS = 40
DRAWS = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "id": [f"p{k:02}" for k in range(ROWS)],
        "age": DRAWS.normal(40, 9, ROWS),
        "zip": DRAWS.integers(1, 4, ROWS),
        "town": DRAWS.choice(["here", "there", "?"], ROWS),
        "joined": [f"{1 + k % 28}.{1 + k % 12}.2026" for k in range(ROWS)],
        "dose": [f"{value:.1f}" for value in DRAWS.normal(5, 1, ROWS)],
    }
)
FRAME.loc[::7, "age"] = np.nan
CHOSEN: dict[str, Any] = {
    "categories": ["zip"], "numbers": "dose", "dates": {"joined": "dayfirst"}, "missing": ("?",), "ids": ["id"],
}  # fmt: skip
ENCODER = Encoder(**CHOSEN)
Y = np.where(FRAME["age"].fillna(40) + 5 * FRAME["zip"] > 50, "yes", "no")


@parametrize_with_checks([Encoder()])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_parameters_are_kept_as_they_came() -> None:
    assert ENCODER.get_params() == CHOSEN
    twin = clone(ENCODER)
    assert twin.get_params() == CHOSEN
    assert twin.set_params(missing="x").missing == "x"
    assert "Encoder(categories=['zip']" in repr(twin)


def test_it_is_fitted_by_fit_alone() -> None:
    for attribute in ("columns", "names", "left_out", "missing_texts", "read_as"):
        with pytest.raises(NotFittedError):
            getattr(Encoder(), attribute)
    for way in (Encoder().transform, Encoder().unseen):
        with pytest.raises(NotFittedError):
            way(FRAME)
    encoder = clone(ENCODER)
    assert encoder.fit(FRAME, Y) is encoder
    assert encoder.n_features_in_ == 6
    assert list(encoder.feature_names_in_) == list(FRAME)


def test_names_of_columns_come_out() -> None:
    encoder = clone(ENCODER).fit(FRAME)
    names = encoder.get_feature_names_out()
    assert names.dtype == object
    assert list(names[:6]) == ["age", "age is missing", "zip = 1", "zip = 2", "zip = 3", "town = (missing)"]
    assert list(encoder.get_feature_names_out(list(FRAME))) == list(names)
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        encoder.get_feature_names_out(["x"])


def test_output_is_what_was_asked_for_and_estimators_that_hold_one_take_no_notice() -> None:
    encoder = clone(ENCODER).fit(FRAME)
    plain = encoder.transform(FRAME)
    assert isinstance(plain, np.ndarray)
    pandas = clone(ENCODER).set_output(transform="pandas").fit_transform(FRAME[::-1])
    assert list(pandas.columns) == encoder.names
    assert list(pandas.index) == list(FRAME.index[::-1])
    np.testing.assert_array_equal(pandas, plain[::-1])
    polars = clone(ENCODER).set_output(transform="polars").fit(FRAME).transform(FRAME)
    assert isinstance(polars, pl.DataFrame)
    model = TableRegressor(views="plain", cv=3, random_state=0).fit(FRAME[["age", "zip"]], DRAWS.normal(size=ROWS))
    expected = model.predict(FRAME)
    with config_context(transform_output="pandas"):
        assert isinstance(encoder.encoded(FRAME), np.ndarray)
        np.testing.assert_array_equal(model.predict(FRAME), expected)


def test_inside_pipelines_searches_and_column_transformers() -> None:
    pipeline = make_pipeline(ENCODER, StandardScaler(), LogisticRegression())
    assert cross_val_score(pipeline, FRAME, Y, cv=3).mean() > 0.7
    assert list(pipeline.fit(FRAME, Y)[:-1].get_feature_names_out()) == ENCODER.fit(FRAME).names
    search = GridSearchCV(pipeline, {"encoder__missing": [(), ("?",)]}, cv=2).fit(FRAME, Y)
    assert set(search.cv_results_["param_encoder__missing"]) == {(), ("?",)}
    beside: ColumnTransformer = make_column_transformer(
        (Encoder(missing="?"), ["age", "town"]), (StandardScaler(), ["zip"]), verbose_feature_names_out=True
    )
    beside.set_output(transform="pandas")
    found = beside.fit_transform(FRAME)
    assert list(found)[:3] == ["encoder__age", "encoder__age is missing", "encoder__town = (missing)"]
    assert list(found)[-1] == "standardscaler__zip"
    last = make_pipeline(Encoder(ids="id"), MLPClassifierCV((3,), alphas=2, cv=2, max_iter=5, random_state=0))
    assert last.fit(FRAME, Y).predict(FRAME).shape == (ROWS,)


@pytest.mark.parametrize(
    ("parameter", "value"), [("categories", 3), ("numbers", None), ("dates", 1.5), ("missing", object()), ("ids", True)]
)
def test_a_parameter_of_another_kind_is_scikit_learns_sentence(parameter: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of Encoder must be"):
        Encoder(**{parameter: value}).fit(FRAME)
    with pytest.raises(ValueError, match=f"The '{parameter}' parameter of TableRegressor must be"):
        TableRegressor(**{parameter: value}).fit(FRAME, DRAWS.normal(size=ROWS))


def test_names_that_are_not_there_are_named_with_the_nearest() -> None:
    for parameter in ("categories", "numbers", "dates", "ids"):
        with pytest.raises(DataError, match=r"There is no column 'towm'\. Is it 'town'\? The columns are: id, age"):
            Encoder(**{parameter: ["towm"]}).fit(FRAME)
    with pytest.raises(DataError, match="Every column of the table is named in ids"):
        Encoder(ids="age").fit(FRAME[["age"]])


def test_rows_may_lack_what_names_them() -> None:
    encoder = clone(ENCODER).fit(FRAME)
    np.testing.assert_array_equal(encoder.transform(FRAME.drop(columns="id")), encoder.transform(FRAME))
    assert encoder.row_names == ("id",)
    assert encoder.left_out == (LeftOut("id", "id", "names the rows"),)


def test_the_old_call_on_the_class_warns_and_works() -> None:
    old: Any = Encoder.fit
    with pytest.warns(DeprecationWarning, match=r"Encoder.fit\(frame\) is called Encoder\(\).fit\(frame\) now") as seen:
        encoder = old(FRAME[["age", "town"]])
    assert seen[0].filename == __file__
    assert encoder.columns == Encoder().fit(FRAME[["age", "town"]]).columns


def test_what_is_noted_of_a_frame_is_not_copied_with_every_column() -> None:
    frame = FRAME[["age", "zip"]].copy()
    notes = ["x"] * 10
    frame.attrs["much"] = notes
    encoder = Encoder().fit(frame)
    encoder.transform(frame)
    assert frame.attrs == {"much": notes}


def test_a_plan_has_a_row_for_every_column() -> None:
    table = make_table(FRAME.assign(always=1, y=Y), "y", drop="town", choices=ColumnChoices(ids="id", categories="zip"))
    encoder = table_encoder(table.inputs, ColumnChoices(ids="id", categories="zip"), table.left_out)
    plan = encoder.plan()
    assert plan["column"].tolist() == ["always", "town", "id", "age", "zip", "joined", "dose"]
    assert plan["role"].tolist() == ["left out", "dropped", "id", *["input"] * 4]
    assert plan["kind"].tolist()[3:] == ["number", "category", "category", "category"]
    assert plan["encoded"].sum() == len(encoder.names)
    assert plan["encoded"].tolist()[:4] == [0, 0, 0, 2]
    assert plan["reason"][0] == "is constant"
    ages = int(table.inputs["age"].isna().sum())
    assert plan["missing"].tolist() == [0, 0, 0, ages, 0, 0, 0]
    encoder._gaps = None  # as of a file of before
    assert encoder.plan()["missing"].tolist() == [False, False, False, True, False, False, False]


FITTED = Encoder.of(
    clone(ENCODER).fit(FRAME).columns,
    ("?", "-999"),
    (LeftOut("id", "id", "names the rows"), LeftOut("k", "left out", "is constant", "; do this.")),
    TextFormat("latin-1", ";", ","),
)


def test_a_file_keeps_what_an_encoder_knows(tmp_path: Path) -> None:
    x = FITTED.transform(FRAME)
    model = MLPClassifierCV((2,), alphas=2, cv=2, max_iter=5, random_state=0).fit(x, Y)
    kept = read(save(model, tmp_path / "m", encoder=FITTED, target="y")).encoder
    assert kept is not None
    for name in ("columns", "left_out", "missing_texts", "read_as", "row_names", "names"):
        assert getattr(kept, name) == getattr(FITTED, name), name
    np.testing.assert_array_equal(kept.transform(FRAME), x)
    again = pickle.loads(pickle.dumps(FITTED))
    np.testing.assert_array_equal(again.transform(FRAME), x)


def test_a_file_of_before_has_no_such_thing() -> None:
    document = encoder_records(FITTED)
    del document["table"]
    encoder = encoder_of(document)
    assert encoder is not None
    assert encoder.columns == FITTED.columns
    assert (encoder.left_out, encoder.missing_texts.texts, encoder.read_as) == ((), (), TextFormat())


@pytest.mark.parametrize(
    "change",
    [
        {"left_out": [["a", "sideways", "is so", ""]]},
        {"left_out": [["a", "id", 3, ""]]},
        {"left_out": [["a", "id", "names"]]},
        {"left_out": ["abcd"]},
        {"missing": [3]},
        {"missing": "?"},
        {"read_as": {"encoding": "klingon"}},
        {"read_as": {"separator": 3}},
        {"read_as": {"colour": "red"}},
        {"read_as": {"separator": ",", "decimal": ","}},
    ],
)
def test_what_no_encoder_wrote_is_refused(change: Any) -> None:
    document = encoder_records(FITTED)
    document["table"] |= change
    with pytest.raises((WrongError, ModelFileError, ValueError, TypeError, AttributeError)):
        encoder_of(document)


def test_a_table_model_knows_its_choices_after_loading(tmp_path: Path) -> None:
    y = FRAME["zip"] + 0.1 * DRAWS.normal(size=ROWS)
    chosen = CHOSEN | {"dates": {"joined": "dayfirst"}, "keep": "age"}
    model = TableRegressor(**chosen, views="plain", cv=3, random_state=0).fit(FRAME, y)
    loaded = load(model.save(tmp_path / "m"))
    new = FRAME[:5].assign(town=[" ?", "here", "?", "there", "here"], joined="1.2.2026")
    np.testing.assert_array_equal(loaded.predict(new), model.predict(new))
    assert {name: loaded.get_params()[name] for name in chosen} == chosen
    pd.testing.assert_frame_equal(loaded.columns_, model.columns_)
    assert model.columns_["column"].tolist() == ["id", "age", "zip", "town", "joined", "dose"]
    pd.testing.assert_frame_equal(model.compact().columns_, model.columns_)
    with pytest.raises(NotFittedError):
        _ = TableRegressor().columns_


def test_a_text_that_means_missing_may_be_a_class_of_a_table_model() -> None:
    y = np.where(FRAME["zip"] > 1, "?", "known")
    model = TableClassifier(missing="?", ids="id", views="plain", cv=3, random_state=0).fit(FRAME, y)
    assert list(model.classes_) == ["?", "known"]
    assert "town = (missing)" in model.encoder_.names


def test_linear_regression_on_what_comes_out() -> None:
    y = FRAME["zip"].map({1: 0.0, 2: 5.0, 3: 1.0})
    assert make_pipeline(Encoder(categories="zip", ids="id"), LinearRegression()).fit(FRAME, y).score(FRAME, y) > 0.99
