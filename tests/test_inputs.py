"""Selecting inputs: the adaptive factors, the refits, the gate, and what comes out where the truth is known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold

from paths import settings_of
from ridgewalk import load, save
from ridgewalk.engine import Runner
from ridgewalk.estimators import MLPClassifierCV, MLPRegressorCV
from ridgewalk.input_maps import InputMap, Kind, MapRule
from ridgewalk.losses import BinaryCrossEntropy, SquaredError
from ridgewalk.path import input_selection as inputs
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.families import GroupLassoPath
from ridgewalk.path.input_selection import RIDGES, adaptive_factors
from ridgewalk.path.problem import PathProblem

MAPS = MapRule(np.array([True, True, False, True, True]), 3)  # 5 columns, 17 numbers


def make_signal(rows: int = 400, columns: Any = 12, seed: int = 0) -> Any:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, columns))
    logit = 4 * np.sin(2 * x[:, 0]) + 4 * (np.abs(x[:, 1]) - 0.8) + 2.4 * x[:, 2]
    y = (generator.random(rows) < 1 / (1 + np.exp(-logit))).astype(float)
    return x, y[:, None]


def folds(y: Any, count: Any = 3, seed: int = 0) -> Any:
    return list(StratifiedKFold(count, shuffle=True, random_state=seed).split(y, y[:, 0]))


def select_inputs(
    x: Any, y: Any, loss: Any, splits: Any, settings: Any, alphas: Any = 22, seeds: Any = (0,), **given: Any
) -> Any:
    return selected(inputs.select_inputs, x, y, loss, splits, settings, alphas, seeds, **given)


def relax(
    x: Any, y: Any, loss: Any, splits: Any, settings: Any, alphas: Any = 30, seeds: Any = (0,), **given: Any
) -> Any:
    return selected(inputs.relax, x, y, loss, splits, settings, alphas, seeds, **given)


def selected(
    way: Any,
    x: Any,
    y: Any,
    loss: Any,
    splits: Any,
    settings: Any,
    alphas: Any,
    seeds: Any,
    rule: Any = "min",
    n_jobs: Any = 1,
    standardize: Any = True,
    maps: Any = None,
    engine: Any = "compiled",
) -> Any:
    problem = PathProblem.of(x, y, loss, splits, seeds, standardize=standardize, maps=maps)
    return way(problem, settings, alphas, Runner(engine, n_jobs), rule)


@pytest.fixture(scope="module")
def signal() -> Any:
    x, y = make_signal()
    return select_inputs(x, y, BinaryCrossEntropy(), folds(y), settings_of((12,)), seeds=(1,), n_jobs=-1)


@pytest.mark.slow
def test_inputs_that_matter_are_kept_and_others_leave(signal: Any) -> None:
    assert signal.significant
    kept = signal.chosen.path.inputs_kept[signal.chosen.index, -1, 0]
    assert kept[:3].all()
    assert kept[3:].sum() <= 2
    assert signal.frequency.shape == (12,)
    assert (signal.frequency[:3] == 1).all()


@pytest.mark.slow
def test_every_arm_is_at_its_minimum_and_what_is_handed_over_is_near_the_lowest(signal: Any) -> None:
    assert [candidate.name for candidate in signal.arms] == ["path", "adaptive path", "refits"]
    for candidate in signal.arms:
        losses = candidate.path.row_loss @ candidate.path.row_weights / candidate.path.row_weights.sum()
        assert candidate.loss == pytest.approx(losses.min())
        assert losses[candidate.index] == losses.min()
        assert not (losses[candidate.index + 1 :] == losses.min()).any()  # of equal ones, the strongest
    chosen, lowest = signal.chosen, min(signal.arms, key=lambda candidate: candidate.loss)
    above, error = mean_and_error(
        chosen.path.row_loss[chosen.index] - lowest.path.row_loss[lowest.index], chosen.path.row_weights
    )
    assert above <= error
    assert chosen.path is signal.arms[2].path
    assert chosen.loss < signal.arms[0].loss
    assert signal.null_loss - signal.chosen.loss == pytest.approx(signal.gain)


def test_a_refit_uses_the_inputs_of_the_path_before_it_and_no_others(signal: Any) -> None:
    _, adaptive, refits = (candidate.path for candidate in signal.arms)
    assert len(refits.alphas) == len(RIDGES) * len(adaptive.alphas)
    before = np.repeat(adaptive.inputs_kept, len(RIDGES), axis=0)
    own = (
        adaptive.source == np.arange(len(adaptive.alphas))[:, None, None]
    )  # a network that moved: where it was trained
    refitted = ~refits.null_wins & np.repeat(own, len(RIDGES), axis=0)
    assert not (refits.inputs_kept & ~before)[refitted].any()
    several = [len(np.unique(before[:, k, 0].sum(axis=-1))) for k in range(4)]
    assert min(several) > 3
    # A weaker ridge on the same inputs fits the training rows better.
    train = refits.train_loss[:, :, 0].reshape(-1, len(RIDGES), 4)
    dense = before[:, :, 0].reshape(-1, len(RIDGES), 4, 12)[:, 0].sum(axis=-1) >= 3
    assert (train[:, 0] < train[:, -1])[dense].mean() > 0.95


@pytest.mark.parametrize("maps", [None, MAPS], ids=["columns", "mapped"])
def test_equal_supports_of_one_training_set_are_refitted_once(monkeypatch: pytest.MonkeyPatch, maps: Any) -> None:
    x, y = make_signal(120, 5)
    trained: list[Any] = []
    train = Runner.train

    def spy(self: Any, job: Any, *share: Any) -> Any:
        trained.append(job)
        return train(self, job, *share)

    monkeypatch.setattr(Runner, "train", spy)
    monkeypatch.setattr(inputs, "fit_path", lambda *_: None)
    select_inputs(x, y, BinaryCrossEntropy(), folds(y), settings_of((5,), max_iter=60), 6, maps=maps)
    ramps, *refits = trained[-2:] if maps is None else trained[-3:]
    assert len({len(refit.fold) for refit in refits}) == 1  # of the same supports, encoded or not
    for refit in refits:
        held = np.isfinite(refit.penalties[0].factors[..., 0])
        pairs = refit.fold[: len(held) // len(RIDGES)]
        keys = {(int(pair), support.tobytes()) for pair, support in zip(pairs, held, strict=False)}
        assert len(keys) == len(held) // len(RIDGES) < len(ramps.fold)


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), SquaredError()], ids=["classes", "numbers"])
def test_noise_selects_nothing_and_hands_over_the_null_model(loss: Any) -> None:
    generator = np.random.default_rng(3)
    x = generator.normal(size=(150, 8))
    y = (
        generator.integers(0, 2, (150, 1)).astype(float)
        if isinstance(loss, BinaryCrossEntropy)
        else generator.normal(3, 2, size=(150, 1))
    )
    splits = list(KFold(3, shuffle=True, random_state=0).split(x))
    selection = select_inputs(x, y, loss, splits, settings_of((6,), max_iter=200))
    assert not selection.significant
    path, index = selection.chosen.path, selection.chosen.index
    assert not path.inputs_kept[index, -1].any()
    output = path.model(index).output(x)
    np.testing.assert_allclose(loss.predict(output), y.mean(), rtol=1e-6)


def test_factors_are_the_largest_norm_over_each() -> None:
    w = np.zeros((3, 4, 5))
    w[0, :, 0] = [4, 2, 0, 1]
    w[1, :, 1] = [1, 0, 0, 0]
    w[2, :, 1] = [1, 2, 3, 4]
    factors = adaptive_factors(GroupLassoPath(), w, np.array([False, False, True]))[..., 0]
    np.testing.assert_allclose(factors[0], [1, 2, np.inf, 4])
    np.testing.assert_allclose(factors[1], [1, np.inf, np.inf, np.inf])
    assert np.isinf(factors[2]).all()  # the null model won there


def test_factors_are_shared_in_a_group_and_multiply_those_given() -> None:
    w = np.zeros((1, 4, 5))
    w[0, :, 0] = [3, 4, 0, 1]
    grouped = adaptive_factors(GroupLassoPath(groups=np.array([7, 7, 2, 1])), w, np.array([False]))[0, :, 0]
    root_mean_square = np.sqrt(12.5)
    np.testing.assert_allclose(grouped, [1, 1, np.inf, root_mean_square])
    given = adaptive_factors(GroupLassoPath(penalty_factors=np.array([2, 0, 0, 1])), w, np.array([False]))[0, :, 0]
    np.testing.assert_allclose(given, [2 * 4 / 3, 0, 0, 4])


@pytest.mark.slow
def test_columns_of_a_category_leave_together() -> None:
    generator = np.random.default_rng(0)
    x, y = make_signal(300, 6)
    levels = np.eye(3)[generator.integers(0, 3, 300)]
    groups = np.array([0, 1, 2, 3, 4, 5, 9, 9, 9])
    selection = select_inputs(
        np.hstack([x, levels]),
        y,
        BinaryCrossEntropy(),
        folds(y),
        settings_of((8,), penalty="group_lasso", groups=groups),
    )
    together = selection.arms[1].path.inputs_kept[..., 6:]
    assert (together.all(axis=-1) | ~together.any(axis=-1)).mean() > 0.98
    assert not selection.chosen.path.inputs_kept[selection.chosen.index, -1, 0, 6:].any()


@pytest.mark.slow
def test_one_standard_error_prefers_the_refits(signal: Any) -> None:
    x, y = make_signal()
    common = (x, y, BinaryCrossEntropy(), folds(y), settings_of((12,)), 22, (1,))
    sparse = select_inputs(*common, n_jobs=-1, rule="1se")
    np.testing.assert_array_equal(sparse.arms[2].path.row_loss, signal.arms[2].path.row_loss)
    assert sparse.chosen.name == "refits"
    path = signal.arms[0].path
    lower = replace(path, fold_row_loss=tuple(losses - 1 for losses in path.fold_row_loss))
    better = replace(signal.arms[0], path=lower, loss=-1)
    assert inputs._sparsest((better, *signal.arms[1:])).name == "path"


def refits_that_lose(signal: Any, above: Any) -> Any:
    """Three arms: the path at 0 on every row, and refits that lose so much more in the mean, with errors of 0.05.

    They hold inputs 0 and 1; the same and 2; the same and, in one fold of three, 3 to 5; all, in every fold.
    """
    refits, rows = signal.arms[2].path, len(signal.arms[2].path.row_weights)
    noise = np.random.default_rng(0).normal(size=(len(above), rows))
    noise = (noise - noise.mean(axis=1, keepdims=True)) / noise.std(axis=1, ddof=1, keepdims=True)
    losses = np.full((len(refits.alphas), rows), 9.0)
    losses[: len(above)] = noise + np.array(above)[:, None]
    kept = np.zeros_like(refits.inputs_kept)
    kept[0, ..., :2] = kept[1, ..., :3] = kept[2, ..., :2] = kept[3] = True
    kept[2, [0, 3], :, 3:6] = True
    refits = replace(refits, fold_row_loss=tuple(losses[:, r] for r in refits.heldout_rows), inputs_kept=kept)
    path = signal.arms[0].path
    path = replace(path, fold_row_loss=tuple(np.zeros((len(path.alphas), len(r))) for r in path.heldout_rows))
    return inputs._candidate("path", path), signal.arms[1], inputs._candidate("refits", refits)


@pytest.mark.parametrize(
    ("above", "index"),
    [
        ((0.01, 0.02, 0.03, 0.2), 1),  # all inputs lose too much; of the others the most that the folds confirm
        ((0.01, 0.2, 0.03, 0.2), 0),  # inputs of one fold of three count against
        ((0.03, 0.2, 0.2, 0.04), 3),
    ],
)
def test_of_refits_that_lose_alike_the_inputs_that_folds_confirm_are_handed_over(
    signal: Any, above: Any, index: int
) -> None:
    arms = refits_that_lose(signal, above)
    chosen = inputs._agreed((arms[0], arms[2]))
    assert (chosen.name, chosen.index) == ("refits", index)
    assert chosen.loss == pytest.approx(above[index])
    assert inputs._sparsest((arms[0], arms[2])).index == 0


def test_of_equal_agreement_the_lower_loss_is_handed_over(signal: Any) -> None:
    path, _, refits = refits_that_lose(signal, (0.04, 0.03, 0.2, 0.2))
    kept = refits.path.inputs_kept.copy()
    kept[1] = kept[0]
    arms = path, replace(refits, path=replace(refits.path, inputs_kept=kept))
    assert inputs._agreed(arms).index == 1


def test_refits_that_do_not_beat_the_null_model_are_not_handed_over(signal: Any) -> None:
    path, _, refits = refits_that_lose(signal, (0.01, 0.03, 0.2, 0.2))
    assert inputs._agreed((path, refits)).index == 1
    null = np.full_like(refits.path.null_row_loss, 0.12)  # the second refit gains 0.09, less than two errors
    assert inputs._agreed((path, replace(refits, path=replace(refits.path, null_row_loss=null)))).index == 0


def test_without_refits_near_the_lowest_loss_its_arm_is_handed_over(signal: Any) -> None:
    path, _, refits = refits_that_lose(signal, (0.2, 0.2, 0.2, 0.2))
    assert inputs._agreed((path, refits)) is path
    assert inputs._sparsest((path, refits)) is path


def test_encoded_refits_replace_those_of_the_same_inputs_where_they_lose_less(signal: Any) -> None:
    path, adaptive, refits = refits_that_lose(signal, (0.1, 0.2, 0.3, 0.2))

    def encoded(loss: float) -> Any:
        losses = np.zeros(len(refits.path.alphas))
        losses[:8] = 0.5
        losses[6] = loss
        by_fold = tuple(np.tile(losses[:, None], len(r)) for r in refits.path.heldout_rows)
        return replace(refits, name="encoded refits", path=replace(refits.path, fold_row_loss=by_fold))

    for chosen in (replace(refits, index=5, loss=0.2), replace(adaptive, index=1, loss=0.2)):  # the second support
        better, worse = encoded(0.19), encoded(0.21)
        found = inputs._encoded(chosen, (path, adaptive, refits, better))
        assert (found.name, found.index) == ("encoded refits", 6)
        assert found.path is better.path
        assert inputs._encoded(chosen, (path, adaptive, refits, worse)) is chosen
    assert inputs._encoded(path, (path, adaptive, refits, encoded(0.0))) is path  # it has supports of its own


def mapped_selection(engine: Any, way: Any = select_inputs, hidden: Any = (5,), **given: Any) -> Any:
    x, y = make_signal(100, 5)
    x[:, 3] = np.round(x[:, 3])  # some of its pieces are constant
    settings = settings_of(hidden, penalty="group_lasso", max_iter=40, **given)
    return way(x, y, BinaryCrossEntropy(), folds(y, 2), settings, 6, engine=engine, maps=MAPS)


def columns_used(path: Any) -> Any:
    """Return which columns have all, and which have any, of their numbers' weights: (S, K + 1, E, P) both."""
    folds_w, whole_w = path.fold_networks.parameters[0], path.parameters[0]
    used = (np.concatenate([folds_w, whole_w[:, None]], axis=1) != 0).any(axis=-1)
    varies = np.stack([np.isfinite(fold.scale) for fold in path.folds])[None, :, None]
    inputs = path.folds[-1].inputs
    own = [(np.arange(5) if inputs is None else inputs.column) == column for column in range(5)]
    return tuple(
        np.stack([each[..., column].all(axis=-1) for column in own], axis=-1) for each in (used | ~varies, ~used)
    )


ENGINES = ["reference", "compiled"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("way", [select_inputs, relax])
def test_a_mapped_column_is_held_whole_or_not_at_all(way: Any, engine: Any) -> None:
    arms = mapped_selection(engine, way).arms
    for candidate in arms:
        whole, none = columns_used(candidate.path)
        pairs = ~candidate.path.lost
        assert (whole | none)[pairs].all()
        assert (candidate.path.inputs_kept == ~none)[pairs].all()
    counts = np.unique(arms[-1].path.inputs_kept.sum(axis=-1))
    assert {0, 1, 5} <= set(counts.tolist()) or len(counts) > 3


@pytest.mark.parametrize("engine", ENGINES)
def test_refits_of_mapped_columns_use_those_of_the_path_before_them(engine: Any) -> None:
    _, adaptive, *arms = (candidate.path for candidate in mapped_selection(engine).arms)
    assert [refits.folds[-1].inputs is None for refits in arms] == [True, False]
    own = adaptive.source == np.arange(len(adaptive.alphas))[:, None, None]
    before = np.repeat(adaptive.inputs_kept, len(RIDGES), axis=0)
    for refits in arms:
        refitted = ~refits.null_wins & np.repeat(own, len(RIDGES), axis=0)
        assert refitted.sum() > 30
        np.testing.assert_array_equal(refits.inputs_kept[refitted], before[refitted])


@pytest.mark.parametrize(("engine", "hidden"), [("reference", (5,)), ("compiled", (5,)), ("compiled", ())])
def test_factors_of_columns_hold_for_all_their_numbers(hidden: Any, engine: Any) -> None:
    factors = np.array([1.0, 1.0, 1.0, np.inf, 0.0])
    arms = mapped_selection(engine, select_inputs if hidden else relax, hidden, penalty_factors=factors).arms
    for candidate in arms:
        kept = candidate.path.inputs_kept[~candidate.path.null_wins]
        assert not kept[:, 3].any()
        assert kept[:, 4].mean() > 0.9


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rule_that_maps_nothing_selects_as_none_does(engine: Any) -> None:
    x, y = make_signal(100, 5)
    nothing = MapRule(np.zeros(5, dtype=bool))
    given = x, y, BinaryCrossEntropy(), folds(y, 2), settings_of((5,), max_iter=40), 5
    ours, theirs = (select_inputs(*given, maps=maps, engine=engine) for maps in (nothing, None))
    for a, b in zip(ours.arms, theirs.arms, strict=True):
        np.testing.assert_array_equal(a.path.inputs_kept, b.path.inputs_kept)
        np.testing.assert_allclose(a.path.train_loss, b.path.train_loss, rtol=1e-5)


class Copies(MapRule):
    """Map the columns to 3, 1, 4, 1 and 2 copies of themselves."""

    def learn(self, x: Any, weights: Any) -> InputMap:
        column = np.repeat(np.arange(5), [3, 1, 4, 1, 2])
        return InputMap(column, np.full(11, Kind.IDENTITY), np.zeros(11), np.ones(11))


def test_a_column_beside_copies_of_itself_is_selected_and_refitted_as_it_is_alone() -> None:
    x, y = make_signal(120, 5)
    settings = settings_of((), penalty="group_lasso", penalty_factors=[1, 2, 1, 1, 0.5])
    given = x, y, BinaryCrossEntropy(), folds(y), settings, np.geomspace(1e-3, 0.2, 6)
    alone, copied = (relax(*given, maps=maps).arms for maps in (None, Copies(np.zeros(5, dtype=bool))))
    for ours, theirs in zip(copied, alone, strict=True):
        penalized = theirs.path.alphas > 0  # without a penalty copies have no single optimum
        np.testing.assert_allclose(ours.path.row_loss[penalized], theirs.path.row_loss[penalized], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(ours.path.inputs_kept, theirs.path.inputs_kept)


def test_relaxing_a_linear_path_refits_its_supports_without_l1() -> None:
    x, y = make_signal(150, 6)
    settings = settings_of((), l1_ratio=1.0)
    relaxed = relax(x, y, BinaryCrossEntropy(), folds(y), settings, alphas=8, standardize=False)
    path, refits = (candidate.path for candidate in relaxed.arms)
    assert [candidate.name for candidate in relaxed.arms] == ["path", "refits"]
    np.testing.assert_array_equal(refits.alphas, np.repeat(path.alphas[1:], len(RIDGES)))
    for s, ridge in ((5, 0), (7, 2)):
        support = path.inputs_kept[s + 1, -1, 0]
        assert 0 < support.sum() < 6 or s == 7
        at = s * len(RIDGES) + ridge
        w, b = refits.model(at).raw_parameters()
        np.testing.assert_array_equal(w[:, 0] != 0, support)
        if support.any():
            theirs = LogisticRegression(C=1 / (2 * RIDGES[ridge] * len(x)), tol=1e-10).fit(x[:, support], y[:, 0])
            np.testing.assert_allclose(w[support, 0], theirs.coef_[0], atol=1e-4)
            np.testing.assert_allclose(b[0], theirs.intercept_, atol=1e-4)


def test_a_relaxed_network_loses_less_than_its_path() -> None:
    x, y = make_signal(300, 10)
    relaxed = relax(x, y, BinaryCrossEntropy(), folds(y), settings_of((8,), penalty="group_lasso", max_iter=200), 10)
    path, refits = relaxed.arms
    assert refits.loss < path.loss
    kept = refits.path.inputs_kept[refits.index, -1, 0]
    assert 0 < kept.sum() <= path.path.inputs_kept[path.index, -1, 0].sum()
    assert relaxed.chosen is refits


def test_without_hidden_units_it_is_refused() -> None:
    x, y = make_signal(60, 4)
    with pytest.raises(ValueError, match="no hidden layer L1 selects"):
        select_inputs(x, y, BinaryCrossEntropy(), folds(y), settings_of(()))


@pytest.mark.parametrize("maps", [None, MAPS], ids=["columns", "mapped"])
def test_held_out_rows_move_no_weight_of_their_fold(monkeypatch: pytest.MonkeyPatch, maps: Any) -> None:
    x, y = make_signal(120, 5)
    splits = folds(y)
    held_out = splits[0][1]
    other_x, other_y = x.copy(), y.copy()
    other_x[held_out] *= 10
    other_y[held_out] = 1 - other_y[held_out]
    strengths = np.geomspace(1e-3, 1e-1, 4)
    monkeypatch.setattr(inputs, "minimum", lambda _, __: 1)  # where the first path ends is chosen by all folds' rows
    arms = [
        select_inputs(a, b, BinaryCrossEntropy(), splits, settings_of((5,), max_iter=60), strengths, maps=maps).arms
        for a, b in ((x, y), (other_x, other_y))
    ]
    for one, two in zip(*arms, strict=True):
        # Which numbers are summed together in a refit depends on what all folds hold: that is rounding.
        np.testing.assert_allclose(one.path.train_loss[:, 0], two.path.train_loss[:, 0], rtol=1e-6 * bool(maps))
        np.testing.assert_array_equal(one.path.inputs_kept[:, 0], two.path.inputs_kept[:, 0])
        assert (one.path.heldout_loss[:, 0] != two.path.heldout_loss[:, 0]).any()


@pytest.mark.slow
def test_inputs_that_matter_are_found_among_encoded_ones() -> None:
    x, y = make_signal()
    given: Any = {"cv": 3, "alphas": 12, "random_state": 0, "n_jobs": -1}
    model = MLPClassifierCV((12,), select_inputs=True, pieces=4, **given).fit(x, y[:, 0])
    assert model.coefs_[0].shape == (60, 12)
    assert model.support_[:3].all()
    assert model.support_[3:].sum() <= 2
    used = np.zeros(12, dtype=bool)
    used[model.model_.column[model.coefs_[0].any(axis=1)]] = True
    np.testing.assert_array_equal(model.support_, used)
    moved = x + np.where(model.support_, 0.0, 100.0)
    np.testing.assert_allclose(model.predict_proba(moved), model.predict_proba(x))
    linear = MLPClassifierCV((12,), select_inputs=True, **given).fit(x, y[:, 0])
    assert linear.coefs_[0].shape == (12, 12)


@pytest.mark.slow
def test_what_an_encoded_refit_is_compared_with_is_encoded_too(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    x = generator.normal(size=(300, 8))
    y = 2 * np.sin(2 * x[:, 0]) + np.abs(x[:, 1]) + x[:, 2] + 0.5 * generator.normal(size=300)
    given: Any = {"alphas": 8, "max_iter": 200, "select_inputs": True, "random_state": 0, "n_jobs": -1}
    plain, model = (MLPRegressorCV((16,), pieces=pieces, **given).fit(x, y) for pieces in (0, 4))
    assert model.input_selection_.chosen.name == "encoded refits"
    np.testing.assert_array_equal(model.support_, plain.support_)
    unpenalized = model.input_selection_.unpenalized
    np.testing.assert_array_equal(unpenalized.alphas, [0])
    assert unpenalized.parameters[0].shape[-2:] == model.coefs_[0].shape == (40, 16)
    assert model.unpenalized_loss_ == pytest.approx(unpenalized.row_loss[0].mean())
    assert model.unpenalized_loss_ != plain.unpenalized_loss_
    compared = {each["name"]: each["loss"]["value"] for each in model.answer_.summary["competitors"]}
    assert compared["no penalty"] == pytest.approx(model.unpenalized_loss_)
    save(model, tmp_path / "model.safetensors")
    kept = load(tmp_path / "model.safetensors")
    assert kept.at(0.01).unpenalized_loss_ == model.at(0.01).unpenalized_loss_ == model.unpenalized_loss_
    ours, theirs = (each.diagnose(references=False).numbers for each in (model, plain))  # of the path before
    others = {
        "arms",
        *(name for name in ours if "early_stopping" in name),
    }  # that is trained with the encoding, or again
    assert {name for name in ours if ours[name] != theirs[name]} <= others


@pytest.mark.slow
def test_estimators_select_inputs() -> None:
    x, y = make_signal()
    model = MLPClassifierCV((12,), select_inputs=True, cv=3, random_state=0, n_jobs=-1).fit(x, y[:, 0])
    support = model.get_support()
    assert support[:3].all()
    assert support[3:].sum() <= 2
    np.testing.assert_array_equal(support, model.coefs_[0].any(axis=1))
    assert model.alpha_ == model.path_.alphas[model.index_]
    assert model.score(x, y[:, 0]) > 0.85
    moved = x + np.where(support, 0.0, 100.0)
    np.testing.assert_allclose(model.predict_proba(moved), model.predict_proba(x))
    noise = np.random.default_rng(0).normal(size=(80, 4))
    constant = MLPRegressorCV((4,), select_inputs=True, cv=3, max_iter=100, random_state=0).fit(
        noise[:, :3], noise[:, 3]
    )
    assert not constant.get_support().any()
    np.testing.assert_allclose(constant.predict(noise[:5, :3]), noise[:, 3].mean())
