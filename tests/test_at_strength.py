"""Any strength of a fitted path: what it gives, by a rule or a number, of every estimator and on the command line."""

import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import TimeSeriesSplit

from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressorCV, TableClassifier, TableRegressor, cli
from ridgewalk.estimators.at_strength import index_at
from ridgewalk.estimators.comparing import compare
from ridgewalk.export import to_numpy, to_onnx, to_torch
from ridgewalk.objective import weighted_mean
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.storage import load, save

ROWS = 60
DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(ROWS, 4))
YES = np.where(X[:, 0] + 0.5 * DRAWS.normal(size=ROWS) > 0, "yes", "no")
NUMBERS = X[:, 0] - X[:, 1] ** 2 + 0.3 * DRAWS.normal(size=ROWS)
QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (5,), "alphas": 6, "cv": 3, "max_iter": 30, "learning_rate_init": 0.03, "random_state": 0,
}  # fmt: skip
RULES = ("min", "1se", "simplest")


CASES: dict[str, Any] = {
    "classes": lambda: MLPClassifierCV(**QUICK).fit(X, YES),
    "ratios": lambda: MLPRegressorCV(**QUICK, l1_ratio=[0.2, 1.0]).fit(X, NUMBERS),
    "starts": lambda: MLPRegressorCV(**QUICK, n_seeds=2, ensemble=True).fit(X, NUMBERS),
    "score": lambda: MLPClassifierCV(**QUICK, scoring="roc_auc").fit(X, YES),
    "several": lambda: MLPRegressorCV(**QUICK).fit(X, np.stack([NUMBERS, X[:, 1]]).T),
    "labels": lambda: MLPClassifierCV(**QUICK).fit(X, np.stack([X[:, 0] > 0, X[:, 1] > 0]).T * 1),
    "relaxed": lambda: MLPRegressorCV(**QUICK, relax=True).fit(X, NUMBERS),
    "none selected": lambda: MLPRegressorCV(**QUICK, select_inputs=True).fit(X, NUMBERS[::-1]),
    "qut": lambda: MLPClassifierCV(**QUICK | {"alphas": "qut"}).fit(X, YES),
}


class Fitted(dict[str, Any]):
    """Models by the name of their case, each fitted when it is asked for."""

    def __missing__(self, case: str) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self[case] = CASES[case]()
        return self[case]


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    return Fitted()


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    frame = frame_of_rows()
    return {
        "classes": TableClassifier(random_state=0, cv=3).fit(frame, YES),
        "numbers": TableRegressor(random_state=0, cv=3, n_seeds=2).fit(frame, NUMBERS),
    }


def frame_of_rows() -> pd.DataFrame:
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    frame.loc[::7, "c"] = np.nan
    return frame.assign(town=np.where(X[:, 3] > 0, "here", "there"))


def assert_equal(one: Any, other: Any) -> None:
    """Check that all that two estimators learned is equal."""
    names = [name for name in vars(one) if name.endswith("_") and not isinstance(vars(one)[name], list)]
    for name in names:
        if isinstance(vars(one)[name], float | int | np.ndarray | str):
            np.testing.assert_array_equal(vars(one)[name], vars(other)[name], err_msg=name)
    for a, b in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    assert one.summary() == other.summary()
    np.testing.assert_array_equal(one.heldout_scores().rows, other.heldout_scores().rows)


SLOW = pytest.mark.slow


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "case",
    ["classes", *(pytest.param(each, marks=SLOW) for each in ("ratios", "starts", "score", "several", "labels"))],
)
def test_a_rule_gives_what_its_own_fit_gives(fitted: Any, case: Any, rule: Any) -> None:
    model = fitted[case]
    target = {"classes": YES, "score": YES, "several": np.stack([NUMBERS, X[:, 1]]).T,
              "labels": np.stack([X[:, 0] > 0, X[:, 1] > 0]).T * 1}.get(case, NUMBERS)  # fmt: skip
    found = model.at(rule)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        own = clone(model).set_params(selection=rule).fit(X, target)
    assert_equal(found, own)
    assert repr(found) == repr(own)
    assert found.path_ is model.path_
    assert found.models_[0] is not model.models_[0]


@pytest.mark.slow
@pytest.mark.parametrize("case", ["classes", "ratios", "starts", "score", "labels", "relaxed", "none selected", "qut"])
def test_every_strength_is_there(fitted: Any, case: Any) -> None:
    model = fitted[case]
    path, chosen = model.path_, model.index_
    before = model.predict(X)
    for alpha in np.unique(path.alphas)[:: max(1, len(path.alphas) // 6)]:
        found = model.at(alpha)
        index = found.index_
        assert type(found) is type(model)
        assert found.alpha_ == path.alphas[index] == alpha
        np.testing.assert_array_equal(found.model_.output(X), path.model(index).output(X))
        np.testing.assert_array_equal(found.support_, np.any([each.support(4) for each in found.models_], axis=0))
        np.testing.assert_array_equal(found.selection_frequency_, path.frequency(index))
        if case != "score":
            assert found.heldout_loss_ == pytest.approx(weighted_mean(path.row_loss[index], path.row_weights))
            np.testing.assert_allclose(found.heldout_scores().rows, path.row_loss[index])
        assert found.summary()["index"] == index
        again = pickle.loads(pickle.dumps(found))
        np.testing.assert_array_equal(again.predict(X), found.predict(X))
        assert again.at(alpha).index_ == index
    np.testing.assert_array_equal(model.predict(X), before)
    assert (model.index_, hasattr(model, "strength_asked_")) == (chosen, False)


def test_an_ensemble_stays_one(fitted: Any) -> None:
    found = fitted["starts"].at(0.05)
    outputs = [fitted["starts"].path_.model(found.index_, seed).output(X)[:, 0] for seed in range(2)]
    np.testing.assert_allclose(found.predict(X), np.mean(outputs, axis=0))


def test_a_number_is_taken_to_the_nearest_in_the_logarithm(fitted: Any) -> None:
    model = fitted["classes"]
    alphas = model.path_.alphas
    low, high = alphas[2:4]
    middle = np.sqrt(low * high)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.at(middle * 0.99).alpha_ == low
        assert model.at(middle * 1.01).alpha_ == high  # nearer to low as numbers are counted
        assert model.at(0).alpha_ == model.at(np.float32(0)).alpha_ == 0
        assert model.at(alphas[1] / 1.5).alpha_ == alphas[1]
        exact = model.at(high)
    found = model.at(middle * 1.01)
    assert found.strength_asked_ == middle * 1.01
    assert repr(found).endswith(f" at strength {high:.3g}, the nearest of its path to {middle * 1.01:.3g}")
    assert repr(exact).endswith(f") at strength {high:.3g}")
    assert found.summary()["selection"] == f"asked for, {middle * 1.01:g}"


@pytest.mark.parametrize("end", [1, -1])
def test_a_strength_that_is_far_from_the_path_is_said(fitted: Any, end: int) -> None:
    strength = fitted["classes"].path_.alphas[end] * 9.0**-end
    with pytest.warns(UserWarning, match="which is far from it. A path that is fitted with alphas="):
        found = fitted["classes"].at(strength)
    assert found.alpha_ == found.path_.alphas[end]


@pytest.mark.parametrize("end", [1, -1])
def test_a_strength_far_outside_of_the_path_is_an_error(fitted: Any, tables: Any, end: int) -> None:
    for model in (fitted["classes"], fitted["relaxed"], tables["numbers"]):
        path = model.path_
        grid = np.sort([alpha for alpha in (*path.alphas, *path.dropped.alphas) if alpha > 0])
        none = r"0 \(no penalty\), or " if path.alphas[0] == 0 else ""
        ends = f"{none}from {grid[0]:.3g} to {grid[-1]:.3g}: ask for one of these"
        with pytest.raises(ValueError, match=ends):
            model.at(grid[min(end, 0)] * 11.0**-end)


def test_a_path_of_a_single_strength_takes_it_as_it_is_printed() -> None:
    model = MLPRegressorCV(**QUICK | {"alphas": [0.0123456]}).fit(X, NUMBERS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert model.at(0.0123).alpha_ == 0.0123456


@pytest.mark.parametrize("strength", ["best", "0.1", -1, np.nan, np.inf, None, True, [0.1]])
def test_what_is_no_strength_is_refused(fitted: Any, strength: Any) -> None:
    with pytest.raises(ValueError, match="'min', '1se', 'simplest', or a number of 0 or more"):
        fitted["classes"].at(strength)


def test_of_refits_at_one_strength_the_best_ridge_is_taken(fitted: Any) -> None:
    path = fitted["relaxed"].input_selection_.arms[-1].path
    alpha = path.alphas[0]
    same = np.flatnonzero(path.alphas == alpha)
    assert len(same) > 1
    assert index_at(path, alpha) == same[weighted_mean(path.row_loss[same], path.row_weights).argmin()]


def test_a_race_leaves_the_grid_as_it_was() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressorCV(**QUICK | {"alphas": 10}, racing=True).fit(X, NUMBERS)
    out = model.path_.dropped.alphas
    assert len(out) > 2
    with pytest.warns(UserWarning, match="far from it"):
        model.at(float(out.max()))


def test_an_unfitted_or_compacted_model_has_no_other_strength(fitted: Any) -> None:
    with pytest.raises(NotFittedError):
        MLPClassifierCV().at("1se")
    with pytest.raises(ValueError, match="compacted model holds no path"):
        fitted["classes"].compact().at("1se")


def test_a_fit_anew_forgets_what_was_asked(fitted: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = fitted["classes"].at(0.05).fit(X, YES)
    assert not hasattr(again, "strength_asked_")
    assert again.index_ == fitted["classes"].index_
    assert not hasattr(fitted["classes"].at(0.05).at("1se"), "strength_asked_")


@pytest.mark.slow
def test_all_that_a_fit_can_do_works_at_a_strength(fitted: Any, tmp_path: Path) -> None:
    found = fitted["classes"].at(0.05)
    np.testing.assert_allclose(found.compact().predict_proba(X), found.predict_proba(X), atol=1e-12)
    loaded = load(save(found, tmp_path / "m.safetensors"))
    assert (loaded.alpha_, loaded.strength_asked_) == (found.alpha_, 0.05)
    assert repr(loaded) == repr(found)
    np.testing.assert_array_equal(loaded.predict_proba(X), found.predict_proba(X))
    assert loaded.at("simplest").index_ == found.at("simplest").index_
    assert found.report(tmp_path / "page.html", X, YES).stat().st_size > 1000
    assert compare({"chosen": fitted["classes"], "asked": found}).models[1].alpha == found.alpha_
    numbers = found.diagnose(references=False).numbers
    assert numbers["strength"] == found.alpha_
    for exported in (to_numpy(found), to_onnx(found), to_torch(found)):
        assert exported.content


def test_a_score_is_that_of_scoring(fitted: Any) -> None:
    model = fitted["score"]
    assert model.score(X, YES) == pytest.approx(roc_auc_score(YES == "yes", model.predict_proba(X)[:, 1]))
    weights = DRAWS.uniform(0.5, 2, ROWS)
    weighted = roc_auc_score(YES == "yes", model.predict_proba(X)[:, 1], sample_weight=weights)
    assert model.score(X, YES, weights) == pytest.approx(weighted)
    plain = fitted["classes"]
    assert plain.score(X, YES) == pytest.approx((plain.predict(X) == YES).mean())


def test_a_scorer_may_ask_for_the_estimators_own_score() -> None:
    def negative(model: Any, x: Any, y: Any) -> float:
        return -float(model.score(x, y))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifierCV(**QUICK, scoring=negative).fit(X, YES)
    assert model.score(X, YES) == -(model.predict(X) == YES).mean()


@pytest.mark.slow
@pytest.mark.parametrize("asked", [*RULES, "weakest"])
@pytest.mark.parametrize("case", ["classes", "numbers"])
def test_a_table_model_at_a_strength_is_its_single_network(tables: Any, tmp_path: Path, case: Any, asked: Any) -> None:
    model, frame = tables[case], frame_of_rows()
    strength = 1.01 * model.path_.alphas[1] if asked == "weakest" else asked
    found = model.at(strength)
    network = model.network_.at(strength)
    assert type(found) is type(model)
    assert (found.alpha_, found.heldout_loss_) == (network.alpha_, network.heldout_loss_)
    predict = "predict_proba" if case == "classes" else "predict"
    expected = getattr(network, predict)(model.encoder_.transform(frame))
    np.testing.assert_allclose(getattr(found, predict)(frame), expected, rtol=1e-6, atol=1e-6)
    assert not hasattr(found, "blend_")
    assert hasattr(model, "blend_")
    assert [each["than"] for each in found.worth_] == ["no penalty", "early stopping", "a linear model", "a constant"]
    assert "blend" not in found.summary()
    assert f"with one network, at strength {found.alpha_:.3g}" in repr(found)
    loaded = load(save(found, tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(getattr(loaded, predict)(frame), getattr(found, predict)(frame))
    assert repr(loaded) == repr(found)
    assert loaded.at(strength).alpha_ == load(save(model, tmp_path / "b.safetensors")).at(strength).alpha_
    np.testing.assert_allclose(getattr(found.compact(), predict)(frame), expected, rtol=1e-6, atol=1e-6)
    assert found.report(tmp_path / "page.html").stat().st_size > 1000


@pytest.mark.slow
def test_a_single_network_of_a_table_is_exported(tables: Any) -> None:
    found = tables["numbers"].at("1se")
    assert to_numpy(found).content
    found.network_ = tables["numbers"].views_["plain"].at("1se")  # a view that maps no column
    assert to_torch(found).recipe.features is not None
    with pytest.raises(ValueError, match="those of a blend do not"):
        to_torch(tables["numbers"])


@pytest.mark.slow
def test_groups_of_a_fit_count_in_its_errors() -> None:
    groups = np.repeat(np.array([f"g{k}" for k in range(12)], dtype=object), 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressorCV(**QUICK).fit(X, NUMBERS, groups=groups)
        table = TableRegressor(random_state=0, cv=3, views="plain").fit(frame_of_rows(), NUMBERS, groups=groups)
        ordered = MLPRegressorCV(**QUICK | {"cv": TimeSeriesSplit(3)}).fit(X, NUMBERS)
    path = model.path_
    assert path.dependence.kind == model.linear_path_.dependence.kind == "groups"
    assert table.path_.dependence.kind == "groups"
    assert ordered.path_.dependence.kind == "time"
    for each in (model, ordered):
        whole = each.path_
        error = mean_and_error(whole.row_loss, whole.row_weights, whole.dependence)[1]
        shown = np.array([row["standard_error"] for row in each.summary()["path"]], dtype=float)
        np.testing.assert_allclose(shown, error)
        assert (np.abs(error / mean_and_error(whole.row_loss, whole.row_weights)[1] - 1) > 1e-3).any()
        numbers = each.diagnose(references=False).numbers
        change = whole.held_out.row_loss[0] - each.heldout_scores().rows
        gain_error = mean_and_error(change, whole.row_weights, whole.dependence)[1]
        assert each.gain_error_ == pytest.approx(gain_error)
        assert numbers["row_error"] == pytest.approx(gain_error)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.path_.dependence.groups, path.dependence.groups)


@pytest.fixture
def ridgewalk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command in a folder of its own; give its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: Any) -> Any:
        monkeypatch.setattr(sys, "argv", ["ridgewalk", *map(str, arguments)])
        try:
            cli.main()
            code: Any = 0
        except SystemExit as end:
            code = end.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.mark.slow
def test_the_command_line_predicts_and_exports_at_a_strength(ridgewalk: Any, tables: Any) -> None:
    model, frame = tables["classes"], frame_of_rows()
    frame.to_csv("rows.csv", index=False)
    save(model, "m.safetensors", target="outcome")
    for asked in ("1se", "simplest", f"{model.path_.alphas[1]:.6g}"):
        code, _, err = ridgewalk("predict", "m.safetensors", "rows.csv", "--at", asked, "--out", "p.csv", "--force")
        assert code == 0, err
        found = model.at(asked if asked in RULES else float(asked))
        chances = pd.read_csv("p.csv")["probability of yes"]
        np.testing.assert_allclose(chances, found.predict_proba(frame)[:, 1], rtol=1e-9)
    code, _, err = ridgewalk("export", "m.safetensors", "--to", "numpy", "--at", "1se", "--out", "model.py")
    assert code == 0, err
    single = "Note: At a strength the single network predicts, not the blend."
    assert (err.count("Note:"), err.count(single)) == (1, 1)
    alphas = model.path_.alphas
    for strength, more in (
        (float(alphas[1] * 1.1), ""),
        (float(alphas[-1] * 9), ", which is far from it. A path that"),
    ):
        note = nearest_strength_of(model, strength) + more
        for command in (("predict", "m.safetensors", "rows.csv"), ("export", "m.safetensors", "--to", "numpy")):
            code, _, err = ridgewalk(*command, "--at", strength, "--out", "at.py", "--force")
            assert (code, err.count("Note:"), err.count(note), err.count(single)) == (0, 2, 1, 1)
            code, out, err = ridgewalk(*command, "--at", strength, "--out", "at.py", "--force", "--json")
            assert (code, err) == (0, "")
            assert json.loads(out)["notes"][0].startswith(note)
    code_at = Path("model.py").read_text(encoding="utf-8")
    assert code_at == to_numpy(model.at("1se"), target="outcome").content.decode()
    code, _, err = ridgewalk("predict", "m.safetensors", "rows.csv", "--at", "best")
    assert code == 2
    assert "min, 1se, simplest or a strength of zero or more" in " ".join(err.split())
    for command in (("predict", "m.safetensors", "rows.csv"), ("export", "m.safetensors", "--to", "numpy")):
        code, out, err = ridgewalk(*command, "--at", "1e9")
        assert (code, out) == (1, "")
        assert "The strength 1e+09 is far outside of the path" in " ".join(err.split())
    save(model.compact(), "small.safetensors", target="outcome")
    code, _, err = ridgewalk("predict", "small.safetensors", "rows.csv", "--at", "1se")
    assert code == 1
    assert "compacted model holds no path" in " ".join(err.split())


def nearest_strength_of(model: Any, asked: float) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = model.at(asked)
    return f"The model is {repr(found).partition(' with one network, ')[2]}"


def test_a_model_of_one_strength_has_no_other(ridgewalk: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPClassifier(hidden_layer_sizes=(3,), max_iter=5, random_state=0).fit(X, YES)
    save(model, "m.safetensors", target="outcome")
    code, _, err = ridgewalk("export", "m.safetensors", "--to", "numpy", "--at", "0.1")
    assert code == 1
    assert "a MLPClassifier has but one: leave it out" in " ".join(err.split())
