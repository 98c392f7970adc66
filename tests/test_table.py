"""Estimators of tables: any frame in, a blend out, which one file holds."""

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, KFold, cross_val_score

import ridgewalk
from ridgewalk import MLPClassifierCV, TableClassifier, TableRegressor
from ridgewalk.estimators.comparing import compare
from ridgewalk.estimators.table import VIEWS
from ridgewalk.input_maps import MapRule
from ridgewalk.objective import weighted_mean
from ridgewalk.path.blend import fit_blend
from ridgewalk.report.summary import sentences
from ridgewalk.storage import ModelFileError, read
from ridgewalk.tables.encode import DataError

ROWS = 90
DRAWS = np.random.default_rng(0)


def frame_of(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    draws = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": draws.normal(40, 10, rows),
            "income": np.exp(draws.normal(size=rows)),
            "town": draws.choice(["here", "there", "far"], rows),
            "member": draws.random(rows) < 0.5,
            "joined": pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.integers(0, 500, rows), unit="D"),
            "score": draws.integers(0, 2, rows),
        }
    )
    frame.loc[::7, "age"] = np.nan
    return frame


X = frame_of()
NUMBERS = (X.income * (X.town == "here") + X.age.fillna(40) / 20 + 0.1 * DRAWS.normal(size=ROWS)).to_numpy()
CLASSES = np.where(np.median(NUMBERS) < NUMBERS, "high", "low")
THREE = np.array(["a", "b", "c"])[np.digitize(NUMBERS, np.quantile(NUMBERS, [0.3, 0.6]))]
QUICK: dict[str, Any] = {"random_state": 0, "cv": 3}


@pytest.fixture(scope="module")
def fitted() -> dict[str, Any]:
    return {
        "classes": TableClassifier(**QUICK).fit(X, CLASSES),
        "three": TableClassifier(**QUICK).fit(X, THREE),
        "numbers": TableRegressor(**QUICK).fit(X, NUMBERS),
    }


@pytest.mark.parametrize("kind", ["classes", "three", "numbers"])
def test_a_frame_goes_in_and_predictions_come_out(fitted: Any, kind: str) -> None:
    model, new = fitted[kind], frame_of(20, seed=1)
    assert list(model.views_) == list(VIEWS) == ["plain", "encoded"]
    assert model.n_features_in_ == 6
    assert list(model.feature_names_in_) == list(X)
    predicted = model.predict(new)
    assert predicted.shape == (20,)
    if kind != "numbers":
        chances = model.predict_proba(new)
        assert chances.shape == (20, len(model.classes_))
        np.testing.assert_allclose(chances.sum(axis=1), 1)
        assert (predicted == model.classes_[chances.argmax(axis=1)]).all()
    assert model.score(X, {"classes": CLASSES, "three": THREE, "numbers": NUMBERS}[kind]) > 0.7


def test_every_kind_of_frame_is_the_same(fitted: Any) -> None:
    model, new = fitted["classes"], frame_of(20, seed=1)
    expected = model.predict_proba(new)
    others = [polars.from_pandas(new), pa.Table.from_pandas(new), new[new.columns[::-1]], new.assign(more=1)]
    for other in [*others, new.set_index(np.arange(20) * 3)]:
        np.testing.assert_array_equal(model.predict_proba(other), expected)
    again = TableClassifier(**QUICK).fit(polars.from_pandas(X), CLASSES)
    np.testing.assert_array_equal(again.predict_proba(new), expected)


def test_arrays_are_tables_too() -> None:
    x = DRAWS.normal(size=(60, 3))
    x[::5, 1] = np.nan
    y = np.nan_to_num(x[:, 0] * x[:, 1]) + x[:, 2]
    model = TableRegressor(views=["plain"], **QUICK).fit(x, y)
    assert not hasattr(model, "feature_names_in_")
    assert model.encoder_.names == ["x0", "x1", "x1 is missing", "x2"]
    named = pd.DataFrame(x, columns=["x0", "x1", "x2"])
    np.testing.assert_array_equal(model.predict(x), model.predict(named))
    mixed = np.array([[each, "no" if each < 0 else "yes"] for each in x[:, 0]], dtype=object)
    of_objects = TableRegressor(views=["plain"], **QUICK).fit(mixed, x[:, 0])
    assert of_objects.encoder_.names == ["x0", "x1 = no", "x1 = yes"]
    with pytest.raises(ValueError, match="X has 2 features, but TableRegressor is expecting 3 features"):
        model.predict(x[:, :2])


def test_numbers_are_mapped_and_what_has_two_values_is_not(fitted: Any) -> None:
    model = fitted["classes"]
    rule = model.views_["encoded"]._map_rule
    assert isinstance(rule, MapRule)
    mapped = [name for name, each in zip(model.encoder_.names, rule.mapped, strict=True) if each]
    assert mapped == ["age", "income", "joined (days)"]
    assert rule.pieces == 8
    assert model.views_["plain"]._map_rule is None


@pytest.mark.parametrize(("columns", "pieces"), [(5, 8), (33, 8), (60, 4), (75, 3), (76, 0)])
def test_many_numbers_have_fewer_pieces_each(columns: int, pieces: int) -> None:
    model = TableRegressor()
    x = pd.DataFrame(DRAWS.normal(size=(10, columns)))
    model.encoder_ = ridgewalk.tables.Encoder().fit(x)
    assert model._map_rule(model.encoder_.transform(x)).pieces == pieces


def test_the_views_share_folds_starts_and_the_linear_model(fitted: Any) -> None:
    views = list(fitted["three"].views_.values())
    for view in views[1:]:
        assert all(
            np.array_equal(*pair) for pair in zip(view.path_.heldout_rows, views[0].path_.heldout_rows, strict=True)
        )
        assert view.linear_path_ is views[0].linear_path_


@pytest.mark.parametrize("kind", ["classes", "three", "numbers"])
def test_what_it_is_worth_is_measured_on_held_out_rows(fitted: Any, kind: str) -> None:
    model = fitted[kind]
    path = model.network_.path_
    assert model.heldout_loss_ == pytest.approx(float(weighted_mean(model.blend_.row_loss, path.row_weights)))
    assert model.network_.heldout_loss_ == min(view.heldout_loss_ for view in model.views_.values())
    worth = {each["than"]: each for each in model.worth_}
    others = ["the single network", "the blend without a penalty", "early stopping", "a linear model", "a constant"]
    assert list(worth) == others
    for each in worth.values():
        assert each["difference"] == pytest.approx(model.heldout_loss_ - each["heldout_loss"])
        assert each["standard_error"] > 0
        assert each["low"] < each["difference"] < each["high"]
        assert each["verdict"] in ("better", "worse", "no difference", "cannot tell")
    assert worth["a constant"]["verdict"] == "better"
    assert worth["the single network"]["heldout_loss"] == pytest.approx(model.network_.heldout_loss_)
    unpenalized = model.unpenalized_blend_
    assert set(unpenalized.strength) == {0}
    assert set(unpenalized.path) == {0, 1}
    rows = model.heldout_scores().rows
    assert np.array_equal(rows, model.blend_.row_loss)


def test_the_same_random_state_gives_a_single_network_the_same_folds(fitted: Any) -> None:
    model = fitted["classes"]
    alone = MLPClassifierCV((3,), alphas=[0.1], max_iter=5, **QUICK)
    alone.fit(model.encoder_.transform(X), CLASSES)
    for ours, theirs in zip(model.path_.heldout_rows, alone.path_.heldout_rows, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    comparison = compare({"blend": model, "one": alone})
    assert comparison.models[0].heldout_loss == pytest.approx(model.heldout_loss_)
    drawn = [TableRegressor(random_state=np.random.RandomState(seed), cv=3)._seed() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_cannot_be_drawn_again_has_no_checkpoints(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give random_state a whole number"):
        TableRegressor(checkpoint_dir=tmp_path).fit(X, NUMBERS)


def test_the_blend_is_that_of_the_paths(fitted: Any) -> None:
    model = fitted["numbers"]
    paths = [*(view.path_ for view in model.views_.values()), model.network_.linear_path_]
    again = fit_blend(model.network_._problem, paths, 5)
    np.testing.assert_array_equal(again.weights, model.blend_.weights)
    assert len(model.mixture_.models) == 4 * len(model.blend_.members)


def test_held_out_rows_teach_a_fold_nothing() -> None:
    """Values and targets of a fold's rows change none of its networks and maps.

    Medians that stand for gaps, and categories, are learned on all rows (benchmarks/encoder_leak.py measures it).
    """
    splits = list(KFold(3, shuffle=True, random_state=1).split(X))
    rows = splits[0][1]
    changed, numbers = X.assign(age=X.age.fillna(40)), NUMBERS.copy()
    same = changed.copy()
    changed.loc[rows, "age"] = changed.loc[rows, "age"].to_numpy() * 3 + 5
    changed.loc[rows, "income"] = changed.loc[rows, "income"].to_numpy()[::-1] ** 2
    numbers[rows] = -numbers[rows] + 7
    one, other = (
        TableRegressor(cv=splits, random_state=0).fit(*each) for each in ((same, NUMBERS), (changed, numbers))
    )
    for name in one.views_:
        before, after = (model.views_[name].path_ for model in (one, other))
        assert before.fold_networks is not None
        assert after.fold_networks is not None
        for a, b in zip(before.fold_networks.parameters, after.fold_networks.parameters, strict=True):
            assert np.array_equal(a[0, 0], b[0, 0])  # at strength 0; the grid of strengths is one for all folds
        maps = [path.folds[0].inputs for path in (before, after)]
        assert [each is None for each in maps] == [name == "plain"] * 2
        centers = [each.center for each in maps if each is not None]
        assert not centers or np.array_equal(centers[0], centers[1])


def test_the_numbers_do_not_depend_on_threads(fitted: Any) -> None:
    threaded = TableClassifier(n_jobs=2, **QUICK).fit(X, CLASSES)
    np.testing.assert_array_equal(threaded.predict_proba(X), fitted["classes"].predict_proba(X))


def test_weights_and_groups_reach_every_view() -> None:
    groups = np.arange(ROWS) // 3
    weights = 1.0 + np.arange(ROWS) % 2
    model = TableRegressor(views=["plain"], cv=GroupKFold(3), random_state=0).fit(X, NUMBERS, weights, groups=groups)
    path = model.network_.path_
    assert all(not set(groups[rows]) & set(np.delete(groups, rows)) for rows in path.heldout_rows)
    assert np.array_equal(path.row_weights, weights)
    scores = model.heldout_scores()
    expected = [np.average(scores.rows[rows], weights=weights[rows]) for rows in path.heldout_rows]
    np.testing.assert_allclose(scores.heldout[:, 0], expected)


@pytest.mark.parametrize("kind", ["classes", "three", "numbers"])
def test_one_file_holds_everything(fitted: Any, kind: str, tmp_path: Path) -> None:
    model, new = fitted[kind], frame_of(20, seed=1)
    file = model.save(tmp_path / "model.safetensors")
    loaded = ridgewalk.load(file)
    assert type(loaded) is type(model)
    assert np.array_equal(loaded.predict(new), model.predict(new))
    assert loaded.get_params() == model.get_params()
    assert loaded.worth_ == model.worth_
    assert loaded.notes_ == model.notes_
    assert list(loaded.selected_features_) == list(model.selected_features_)
    assert list(loaded.feature_names_in_) == list(X)
    page = loaded.report(tmp_path / "report.html", title="Of a table").read_text(encoding="utf-8")
    assert "Of a table" in page
    assert "<p>Predictions are a blend of" in page
    assert "Predictions are a blend of" in loaded._repr_html_()
    with pytest.raises(ValueError, match="rows of the fit are needed"):
        loaded.diagnose()
    again = ridgewalk.load(loaded.save(tmp_path / "again.safetensors"))
    assert np.array_equal(again.predict(new), model.predict(new))


def test_a_file_holds_no_other_encoder(fitted: Any, tmp_path: Path) -> None:
    model = fitted["classes"]
    ridgewalk.save(model, tmp_path / "own.safetensors", encoder=model.encoder_, target="class")
    assert read(tmp_path / "own.safetensors").target == "class"
    with pytest.raises(ModelFileError, match="has an encoder of its own, and another came: leave encoder out"):
        ridgewalk.save(model, tmp_path / "other.safetensors", encoder=fitted["three"].encoder_)
    assert not (tmp_path / "other.safetensors").exists()


@pytest.mark.parametrize("kind", ["classes", "three", "numbers"])
def test_a_compacted_model_is_small_and_predicts_the_same(fitted: Any, kind: str, tmp_path: Path) -> None:
    model, new = fitted[kind], frame_of(20, seed=1)
    small = model.compact()
    get = "predict" if kind == "numbers" else "predict_proba"
    np.testing.assert_allclose(getattr(small, get)(new), getattr(model, get)(new), rtol=1e-9, atol=1e-9)
    files = [each.save(tmp_path / f"{name}.safetensors") for name, each in (("whole", model), ("small", small))]
    assert files[1].stat().st_size < files[0].stat().st_size / 2
    assert np.array_equal(ridgewalk.load(files[1]).predict(new), small.predict(new))
    for ask in (lambda: small.worth_, small.diagnose, lambda: small.report(tmp_path / "r.html")):
        with pytest.raises(ValueError, match="A compacted model holds no paths"):
            ask()
    assert hasattr(model, "views_")
    assert type(small).__name__ in small._repr_html_()  # scikit-learn's box asks for every attribute


def test_one_fold_has_no_honest_loss_and_still_predicts(tmp_path: Path) -> None:
    split = (np.arange(60), np.arange(60, ROWS))
    model, iterated = (TableRegressor(cv=cv, random_state=0).fit(X, NUMBERS) for cv in ([split], iter([split])))
    assert np.array_equal(iterated.predict(X), model.predict(X))
    assert np.isnan(model.heldout_loss_)
    blend = model.summary()["blend"]
    assert blend["heldout_loss"] is blend["standard_error"] is None
    assert blend["worth"] == []
    summary = model.summary()
    assert summary["answer"]["competitors"][0]["loss"]["value"] is None
    del summary["answer"]
    assert any("its held-out loss is unknown +- unknown." in said for said in sentences(summary))
    assert model.score(X, NUMBERS) > 0.7
    loaded = ridgewalk.load(model.save(tmp_path / "model.safetensors"))
    assert np.array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ValueError, match="One fold leaves no other to learn a blend's weights by"):
        model.diagnose()


def test_where_every_unpenalized_network_diverged_the_others_predict(tmp_path: Path) -> None:
    model = TableRegressor(views=["plain"], **QUICK).fit(X, NUMBERS)
    view = model.views_["plain"]
    lost = view.path_.diverged.copy()
    lost[0] = True
    view.path_ = replace(view.path_, diverged=lost)
    model._blend()
    assert model.unpenalized_blend_ is None
    assert "the blend without a penalty" not in {each["than"] for each in model.worth_}
    loaded = ridgewalk.load(model.save(tmp_path / "model.safetensors"))
    assert loaded.unpenalized_blend_ is None
    assert np.array_equal(loaded.predict(X), model.predict(X))


def test_an_estimator_that_is_not_fitted_says_so() -> None:
    for model in (TableClassifier(), TableRegressor()):
        for ask in (lambda model=model: model.predict(X), lambda model=model: model.worth_, model.compact):
            with pytest.raises(NotFittedError):
                ask()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"views": ["plain", "round"]}, "views is \"auto\", or some of 'plain'"),
        ({"views": []}, "views is"),
        ({"views": ["plain", "plain"]}, "each once"),
        ({"max_members": 0}, "max_members"),
        ({"loss": "huber"}, "loss"),
    ],
)
def test_a_wrong_parameter_ends_in_a_sentence(change: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        TableClassifier(**change).fit(X, CLASSES)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (X, CLASSES[:50], "X has 90 rows, and y 50"),
        (X, np.where(np.arange(ROWS) == 3, np.nan, NUMBERS), "missing in 1 of 90 rows"),
        (X, ["one"] * ROWS, "at least 2 classes, got 1 class"),
        (X.to_numpy()[:1], CLASSES[:1], "at least 2 classes"),
        (X.to_numpy()[:1], NUMBERS[:1], "1 sample"),
        (X[["member"]].assign(member=True), CLASSES, "No column is left"),
    ],
)
def test_a_wrong_table_ends_in_a_sentence(x: Any, y: Any, words: str) -> None:
    model = TableRegressor() if np.asarray(y).dtype.kind == "f" else TableClassifier()
    with pytest.raises(ValueError, match=words):
        model.fit(x, y)


def test_a_column_that_is_missing_is_named(fitted: Any) -> None:
    with pytest.raises(DataError, match="The model needs column 'town', and this table lacks it: add it"):
        fitted["classes"].predict(X.drop(columns="town"))
    with pytest.raises(DataError, match="Is it 'towns'"):
        fitted["classes"].predict(X.rename(columns={"town": "towns"}))


def test_a_column_that_the_model_knows_is_not_taken_for_one_that_is_missing() -> None:
    x = X[["town"]].assign(towns=X["town"].to_numpy()[::-1], age=np.arange(len(X)) % 7)
    model = TableClassifier(views=("plain",), **QUICK).fit(x, CLASSES)
    with pytest.raises(DataError) as raised:
        model.predict(x.drop(columns="town"))
    assert "The model needs column 'town'" in str(raised.value)
    assert "Is it" not in str(raised.value)


def test_columns_that_say_nothing_are_left_out_and_named() -> None:
    model = TableRegressor(views=["plain"], **QUICK).fit(X.assign(number=np.arange(ROWS), same=1), NUMBERS)
    assert "number" not in model.encoder_.origins
    assert len(model.notes_) == 2
    assert "'number'" in model.notes_[0]
    assert "'same'" in model.notes_[1]
    np.testing.assert_array_equal(model.predict(X), model.predict(X.assign(number=0, same=2)))


def test_scikit_learn_can_clone_search_and_pickle_it(fitted: Any) -> None:
    model = fitted["classes"]
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert not hasattr(copied, "views_")
    kept = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(kept.predict_proba(X), model.predict_proba(X))
    assert (cross_val_score(TableClassifier(views=["plain"], **QUICK), X, CLASSES, cv=2) > 0.5).all()


def test_the_docstrings_name_the_network_of_their_kind() -> None:
    assert "network_ : MLPClassifierCV" in str(TableClassifier.__doc__)
    assert "network_ : MLPRegressorCV" in str(TableRegressor.__doc__)
    assert "Raises" in str(TableClassifier.fit.__doc__)
