"""Input maps follow their formulas, are learned on a fold's own rows alone, and a path with them keeps its laws."""

import math
import pickle
import warnings
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from ridgewalk import MLPClassifierCV, MLPRegressorCV, input_maps
from ridgewalk.diagnostics import of_path
from ridgewalk.engine import Runner, memory
from ridgewalk.engine.checkpoints import CheckpointStore
from ridgewalk.estimators.problem import Sampling, path_problem
from ridgewalk.folds import standardized_fold
from ridgewalk.input_maps import InputMap, Kind, MapRule, bounded_rule, has_three_values
from ridgewalk.losses import BinaryCrossEntropy, SquaredError
from ridgewalk.path.families import ElasticNetPath, GroupLassoPath, GroupMCPPath, MCPPath, over_inputs
from ridgewalk.path.fit import find_strengths, fit_path
from ridgewalk.path.jobs import dense_job
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.settings import PathSettings

ROWS = 60
RULE = MapRule(np.array([True, False, True, False]), 3)  # 4 columns, 10 inputs
TINY, HUGE = 5e-324, 1.7e308


def table(rows: int = ROWS, seed: int = 0) -> Any:
    """Return columns with heavy tails, of zeros and ones, of few values, and plain ones."""
    x = np.random.default_rng(seed).normal(size=(rows, 4))
    return np.stack([np.exp(3 * x[:, 0]), x[:, 1] > 0, np.round(x[:, 2]), x[:, 3]], axis=1).astype(float)


def make_problem(loss: Any = None, maps: Any = RULE, folds: int = 2, **given: Any) -> PathProblem:
    x = table()
    y = np.log(x[:, 0]) + x[:, 2] ** 2
    target = (y > np.median(y))[:, None].astype(float) if isinstance(loss, BinaryCrossEntropy) else y[:, None]
    rows = np.arange(ROWS)
    splits = [(rows[rows % folds != k], rows[rows % folds == k]) for k in range(folds)]
    return PathProblem.of(x, target, loss or SquaredError(), splits, maps=maps, **given)


def formula(x: float, kind: int, center: float, scale: float) -> float:
    if math.isinf(scale):
        return 0.0
    z = (x - center) / scale
    if kind == Kind.SOFT_CLIP:
        return z / math.hypot(1, z / 3) if abs(z) < 1e150 else math.copysign(3, z)
    return min(max(z, 0.0), 1.0) if kind == Kind.PIECE else z


def test_every_number_is_its_formula() -> None:
    x = np.array([[0.0, 1.0], [-7.5, 2.0], [TINY, -HUGE], [HUGE, HUGE], [1e9, -1e-300]])
    kinds = [Kind.IDENTITY, Kind.SOFT_CLIP, Kind.PIECE, Kind.SOFT_CLIP, Kind.SOFT_CLIP, Kind.PIECE, Kind.PIECE]
    centers = [0.0, 0.5, -1.0, HUGE, 1.0, -HUGE / 4, 1.0]
    scales = [1.0, 2.0, 3.0, 1e-150, TINY, HUGE / 2, np.inf]
    made = InputMap(np.array([0, 0, 0, 0, 1, 1, 1]), np.array(kinds), np.array(centers), np.array(scales)).apply(x)
    column = [0, 0, 0, 0, 1, 1, 1]
    slow = [[formula(float(row[column[m]]), kinds[m], centers[m], scales[m]) for m in range(7)] for row in x]
    np.testing.assert_allclose(made, slow, rtol=1e-14, atol=0)


def test_a_mapped_column_is_spread_over_its_quantile_bins() -> None:
    x = np.arange(1.0, 101)[:, None] ** 3
    learned = MapRule(np.array([True]), 4).learn(x, np.ones(100))
    assert learned.center.tolist() == [50**3, 1, 25**3, 50**3, 75**3]  # the median, then lower edges
    assert learned.scale.tolist() == [75**3 - 25**3, 25**3 - 1, 50**3 - 25**3, 75**3 - 50**3, 100**3 - 75**3]
    position = learned.apply(x)[:, 1:].sum(axis=1)  # how many bins lie below
    np.testing.assert_allclose(position[[0, 24, 49, 74, 99]], [0, 1, 2, 3, 4])
    assert (np.diff(position) > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_weight_is_that_many_rows(seed: int) -> None:
    x, weights = table(seed=seed), np.random.default_rng(seed).integers(0, 4, ROWS).astype(float)
    once = RULE.learn(x, weights)
    several = RULE.learn(np.repeat(x, weights.astype(int), axis=0), np.ones(int(weights.sum())))
    for field in fields(InputMap):
        np.testing.assert_array_equal(getattr(once, field.name), getattr(several, field.name))


def test_rows_of_no_weight_teach_nothing_and_the_layout_is_the_rules_own() -> None:
    x, weights = table(), (np.arange(ROWS) % 3 > 0).astype(float)
    other = np.where(weights[:, None] > 0, x, 1e6)
    learned, again, elsewhere = RULE.learn(x, weights), RULE.learn(other, weights), RULE.learn(0 * x, weights)
    for field in fields(InputMap):
        np.testing.assert_array_equal(getattr(learned, field.name), getattr(again, field.name))
    assert RULE.learn(other, np.ones(ROWS)).center.tolist() != learned.center.tolist()
    for each in (learned, elsewhere):
        assert each.column.tolist() == RULE.column.tolist() == [0, 0, 0, 0, 1, 2, 2, 2, 2, 3]
        assert each.kind.tolist() == RULE.kind.tolist() == [1, 2, 2, 2, 0, 1, 2, 2, 2, 0]


def test_of_many_rows_the_same_part_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_maps, "_MOST_ROWS", 50)
    x, weights = np.arange(1000.0)[:, None], np.ones(1000)
    rule = MapRule(np.array([True]), 2)
    few, again = rule.learn(x, weights), rule.learn(x.copy(), weights)
    assert few.center.tolist() == again.center.tolist()
    assert few.center[1] > 0
    assert few.center[0] == pytest.approx(500, abs=200)


COLUMNS = {
    "zeros": (np.zeros(ROWS), False),
    "a one": (np.r_[np.zeros(ROWS - 1), 1.0], True),
    "a tiny one": (np.r_[np.zeros(ROWS - 1), TINY], False),
    "all sizes": (np.linspace(-1, 1, ROWS) * HUGE, True),
    "both ends": (np.r_[np.ones(ROWS // 2), -np.ones(ROWS // 2)] * HUGE, True),
    "tiny": (np.linspace(0, 1e-310, ROWS), False),
    "one far out": (np.r_[np.linspace(0, 1, ROWS - 1), 1e300], True),
    "a huge constant": (np.ones(ROWS) * HUGE, False),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_no_column_gives_what_is_no_number(name: str) -> None:
    column, tells = COLUMNS[name]
    x = np.stack([column, np.ones(ROWS)], axis=1)
    rule = MapRule(np.array([True, False]))
    fold = standardized_fold(x, x[:, [1]], SquaredError(), np.ones(ROWS), True, maps=rule)
    seen = np.asarray(fold.seen(np.vstack([x, np.full((1, 2), HUGE), np.full((1, 2), -HUGE)])))
    assert np.isfinite(seen).all()
    varies = np.isfinite(fold.scale)
    assert not seen[:, ~varies].any()
    assert varies[rule.kind == Kind.PIECE].any() == tells
    np.testing.assert_allclose(seen[:ROWS, varies].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(seen[:ROWS, varies].std(axis=0), 1, rtol=1e-6)


def test_a_column_whose_quartiles_are_equal_is_clipped_by_half_its_range() -> None:
    x, weights = np.r_[np.zeros(ROWS - 2), 8.0, 99.0][:, None], np.r_[np.ones(ROWS - 1), 0.0]
    assert MapRule(np.array([True]), 2).learn(x, weights).scale.tolist() == [4.0, np.inf, 8.0]


def test_what_hardly_varies_is_a_constant() -> None:
    identity = InputMap(np.zeros(1, dtype=int), np.zeros(1, dtype=int), np.zeros(1), np.ones(1))
    x = np.linspace(0, 1, ROWS)[:, None]
    scales = [identity.standardization(unit * x, np.ones(ROWS))[1][0] for unit in (1e-100, 1e-200)]
    assert np.isfinite(scales).tolist() == [True, False]


def test_the_strength_that_keeps_nothing_is_found_among_mapped_columns() -> None:
    settings = PathSettings((), penalty=ElasticNetPath(l1_ratio=1))
    safe, plain = (find_strengths(make_problem(maps=maps), settings, Runner(), "qut")[1] for maps in (RULE, None))
    assert safe != plain  # the steepest of 10 slopes, and of 4
    assert plain / 2 < safe < 2 * plain


def test_the_network_is_sized_by_the_columns() -> None:
    x = table(400)
    problem = path_problem(x, x[:, 3], SquaredError(), Sampling(2, 1, 0), np.ones(400), True, RULE)
    assert problem.inputs == 10
    assert MLPRegressorCV()._size(problem).hidden_layer_sizes == (64, 32)  # 50 rows to a column, 40 to an input


def test_a_fold_learns_nothing_of_the_rows_that_it_holds_out() -> None:
    problem, settings = make_problem(), PathSettings((4,), max_iter=20)
    x, target, held_out = np.array(problem.x), problem.target.copy(), problem.splits[0][1]
    x[held_out], target[held_out] = -3 * x[held_out] + 1, 0.0
    changed = problem.with_rows(x, target)
    paths = [fit_path(each, settings, [0.01, 0.1]) for each in (problem, changed)]
    for a, b in zip(*(path.fold_networks.parameters for path in paths if path.fold_networks), strict=True):
        np.testing.assert_array_equal(a[:, 0], b[:, 0])
        assert (a[:, 1] != b[:, 1]).any()  # which trains on them
    for name in ("center", "scale"):
        np.testing.assert_array_equal(getattr(problem.folds[0], name), getattr(changed.folds[0], name))


def test_a_map_that_looks_at_held_out_rows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = PathSettings((3,), max_iter=4)

    def leaks() -> list[str]:
        problem = make_problem(BinaryCrossEntropy())
        path = fit_path(problem, settings, [0.01])
        return [fault.probe for fault in of_path(problem, path, alpha=0.01).wiring.faults if fault.probe == "held out"]

    assert leaks() == []
    honest = MapRule.learn
    monkeypatch.setattr(MapRule, "learn", lambda rule, x, weights: honest(rule, x, np.ones_like(weights)))
    assert leaks() == ["held out"]


FAMILIES = [ElasticNetPath(l1_ratio=0.8), GroupLassoPath(), MCPPath(), GroupMCPPath()]


@pytest.mark.parametrize("batch_size", [None, 16])
@pytest.mark.parametrize("penalty", FAMILIES, ids=lambda each: type(each).__name__)
def test_a_path_keeps_its_law_and_the_same_bits_on_any_threads(penalty: Any, batch_size: Any) -> None:
    settings = PathSettings((5,), penalty=penalty, max_iter=20, batch_size=batch_size)
    problem = make_problem(BinaryCrossEntropy(), seeds=(0, 1))
    path, again = (fit_path(problem, settings, 4, Runner(n_jobs=jobs)) for jobs in (1, 3))
    for a, b in zip(path.parameters, again.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    assert path.inputs_kept.shape == (5, 3, 2, 4)
    assert path.frequency(1).shape == (4,)
    assert (np.diff(path.objective[1:], axis=0) >= -1e-6).all()


@pytest.mark.parametrize("penalty", [GroupLassoPath(), GroupMCPPath()], ids=lambda each: type(each).__name__)
def test_a_column_leaves_as_a_whole(penalty: Any) -> None:
    problem = make_problem()
    path = fit_path(problem, PathSettings((5,), penalty=penalty, max_iter=100), np.geomspace(0.01, 1, 8))
    used = (path.parameters[0] != 0).any(axis=-1)  # (S, E, M)
    varies = np.isfinite(path.whole.scale)
    mixed = 0
    for column in range(4):
        own = used[..., (RULE.column == column) & varies]
        assert (own.all(axis=-1) == own.any(axis=-1)).all()
        mixed += 0 < own.any(axis=-1).sum() < len(own)
    assert mixed >= 1
    single = PathSettings((5,), penalty=ElasticNetPath(l1_ratio=1), max_iter=100)
    used = (fit_path(problem, single, np.geomspace(0.01, 1, 8)).parameters[0] != 0).any(axis=-1)
    parts = [used[..., RULE.column == column] for column in range(4)]
    assert any((own.any(axis=-1) & ~own.all(axis=-1)).any() for own in parts)  # without groups a part may leave


def test_factors_and_groups_are_given_per_column() -> None:
    given = GroupLassoPath(penalty_factors=np.array([1.0, 2.0, 0.0, np.inf]), groups=np.array([0, 0, 1, 2]))
    wide = over_inputs(given, RULE.column)
    assert isinstance(wide, GroupLassoPath)
    assert wide.groups is not None
    assert wide.penalty_factors is not None
    assert wide.groups.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 2]
    assert wide.penalty_factors.tolist() == [1, 1, 1, 1, 2, 0, 0, 0, 0, np.inf]
    assert over_inputs(given, None) is given
    for family in (ElasticNetPath, GroupLassoPath):
        with pytest.raises(ValueError, match=r"penalty_factors needs one number per input \(4\), got 10"):
            over_inputs(family(penalty_factors=np.ones(10)), RULE.column)


def test_without_its_map_a_problem_is_that_of_the_columns() -> None:
    problem, plain = make_problem(), make_problem(maps=None)
    assert (problem.inputs, problem.columns, plain.inputs, plain.columns) == (10, 4, 4, 4)
    for ours, theirs in zip(problem.plain.folds, plain.folds, strict=True):
        np.testing.assert_array_equal(ours.center, theirs.center)
        np.testing.assert_array_equal(ours.scale, theirs.scale)
    assert plain.plain is plain
    assert problem.plain.maps is None


def test_some_inputs_need_some_columns() -> None:
    problem, inputs = make_problem(), np.array([1, 3, 4, 9])
    part = problem.restricted(inputs)
    assert part.columns == 3
    assert part.column is not None
    assert part.column.tolist() == [0, 0, 1, 2]
    rows = np.arange(ROWS)
    for fold, small in zip(problem.folds, part.folds, strict=True):
        np.testing.assert_array_equal(problem.seen(fold, rows)[:, inputs], part.seen(small, rows))


@pytest.fixture(scope="module")
def fitted() -> Any:
    """Return an estimator whose columns are mapped, and the same one without."""
    x = table()
    y = (np.log(x[:, 0]) + x[:, 2] > 0).astype(int) + (x[:, 3] > 1)
    models = []
    for rule in (RULE, None):
        model = MLPClassifierCV((6,), alphas=[0.02, 0.04, 0.06], cv=2, max_iter=30, l1_ratio=1, random_state=0)
        model._map_rule = rule
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            models.append(model.fit(x, y))
    return (*models, x)


def test_an_estimator_speaks_of_columns(fitted: Any) -> None:
    model, plain, x = fitted
    assert model.coefs_[0].shape == (10, 6)
    assert plain.coefs_[0].shape == (4, 6)
    assert model.selection_frequency_.shape == model.support_.shape == (4,)
    assert len(model.get_feature_names_out()) == model.support_.sum()
    assert model.model_.size.inputs == 4
    assert model.model_.column.tolist() == RULE.column.tolist()
    index, fold = model.index_, model.path_.whole
    output = model.path_.model(index).output(x)
    parameters = [w[index, [model.path_.best_seed(index)]] for w in model.path_.parameters]
    problem = model._problem
    seen = fold.in_target_units(problem.outputs_of(model.path_.network, parameters, fold, np.arange(ROWS))[0])
    np.testing.assert_allclose(output, seen, rtol=1e-5, atol=1e-5)
    assert model.summary()["path"][index]["inputs_kept"] == model.path_.inputs_kept[index, -1].sum()


def test_the_baseline_is_of_plain_columns(fitted: Any) -> None:
    model, plain, _ = fitted
    for ours, theirs in zip(model.linear_path_.parameters, plain.linear_path_.parameters, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert model.linear_path_.whole.inputs is None


def test_compact_networks_predict_the_same(fitted: Any) -> None:
    model, _, x = fitted
    np.testing.assert_allclose(model.compact().predict_proba(x), model.predict_proba(x), atol=1e-12)
    for index in range(len(model.alphas_)):
        network = model.path_.model(index)
        assert network.support(4).tolist() == model.path_.inputs_kept[index, -1, 0].tolist()
        np.testing.assert_allclose(network.compact().output(x), network.output(x), atol=1e-12)


@pytest.mark.parametrize(
    ("hidden", "given"),
    [((4,), {"select_inputs": True}), ((4,), {"relax": True}), ((), {"relax": True})],
    ids=["selected", "relaxed", "linear, relaxed"],
)
def test_columns_are_selected_and_refitted(hidden: Any, given: Any) -> None:
    x = table()
    model = MLPRegressorCV(hidden, alphas=3, cv=2, max_iter=20, random_state=0, engine="reference", **given)
    model._map_rule = RULE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, np.log(x[:, 0]))
    assert model.support_[0]
    assert model.selection_frequency_.shape == (4,)


def quick(estimator: Any, **given: Any) -> Any:
    return estimator(**{"hidden_layer_sizes": (4,), "alphas": 3, "cv": 2, "max_iter": 15, "random_state": 0} | given)


def test_pieces_map_every_column_that_has_three_values() -> None:
    x, weights = table(), np.ones(ROWS)
    x[:, 1] = np.arange(ROWS) % 2
    x[0, 1], weights[0] = 7.0, 0.0  # a third value, in a row that does not count
    y = np.log(x[:, 0])
    by_hand = quick(MLPRegressorCV, select_inputs=True)
    by_hand._map_rule = MapRule(np.array([True, False, True, True]), 3)
    models = [model.fit(x, y, weights) for model in (quick(MLPRegressorCV, select_inputs=True, pieces=3), by_hand)]
    encoded = [model.input_selection_.arms[-1].path for model in models]
    for ours, theirs in zip(*(path.parameters for path in encoded), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert encoded[0].parameters[0].shape[-2:] == (13, 4)
    assert quick(MLPRegressorCV).fit(x, y, weights).coefs_[0].shape == (4, 4)  # without pieces none is mapped


@pytest.mark.parametrize(
    ("columns", "asked", "pieces"),
    [(5, 8, 8), (33, 8, 8), (60, 8, 4), (75, 8, 3), (76, 8, 0), (76, 2, 2), (150, 2, 0), (400, 4, 0), (0, 4, 4)],
)
def test_of_many_columns_each_has_fewer_pieces(columns: int, asked: int, pieces: int) -> None:
    mapped = np.arange(columns + 1) > 0
    rule = bounded_rule(mapped, asked)
    assert rule.pieces == pieces
    assert rule.mapped is mapped


def test_three_values_are_counted() -> None:
    for values, three in (([], False), ([1], False), ([1, 1, 2, 1, 2], False), ([1, 1, 2, 1, 3], True)):
        assert has_three_values(np.array(values, dtype=float)) is three


@pytest.mark.parametrize("hidden", [(4,), ()], ids=["network", "linear"])
@pytest.mark.parametrize("kind", ["labels", "classes", "several numbers", "several starts", "one fold", "nothing"])
def test_pieces_go_with_every_kind_of_target(kind: str, hidden: Any) -> None:
    x = table(seed=3)
    rise = np.log(x[:, 0])
    y: Any = {
        "labels": np.stack([rise > 0, x[:, 2] > 0], axis=1).astype(int),
        "classes": np.digitize(rise, [-1, 1]),
        "several numbers": np.stack([rise, x[:, 2]], axis=1),
        "nothing": np.random.default_rng(9).normal(size=ROWS),
    }.get(kind, rise)
    given: dict[str, Any] = {"select_inputs" if hidden else "relax": True, "pieces": 3, "hidden_layer_sizes": hidden}
    if kind == "several starts":
        given |= {"n_seeds": 2, "ensemble": True}
    if kind == "one fold":
        given["cv"] = [(np.arange(40), np.arange(40, ROWS))]
    estimator = MLPClassifierCV if kind in ("labels", "classes") else MLPRegressorCV
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = quick(estimator, **given).fit(x, y)
    assert model.support_.shape == model.selection_frequency_.shape == (4,)
    moved = x + np.where(model.support_, 0.0, 5.0)
    np.testing.assert_allclose(model.predict(moved), model.predict(x))
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    np.testing.assert_allclose(np.ravel(model.compact().predict(x)), np.ravel(model.predict(x)), atol=1e-6)


def test_pieces_of_a_sparse_table_are_refused() -> None:
    x = table()
    with pytest.raises(ValueError, match="sparse x cannot be mapped: give x as a dense array"):
        quick(MLPRegressorCV, pieces=3).fit(csr_array(x), x[:, 3])


def test_a_record_tells_maps_apart(tmp_path: Any) -> None:
    problem = make_problem()
    job = dense_job(problem, PathSettings((3,)))
    fold = job.folds[0]
    assert fold.inputs is not None
    moved = replace(fold.inputs, scale=fold.inputs.scale * (1 + 1e-15))
    other = replace(job, folds=(replace(fold, inputs=moved), *job.folds[1:]))
    ours, theirs = (CheckpointStore(tmp_path).digests(each) for each in (job, other))
    assert [a == b for a, b in zip(ours, theirs, strict=True)] == [False, True, True]


def test_memory_does_not_grow_with_the_pieces() -> None:
    sizes = []
    for pieces in (3, 300):
        problem = make_problem(maps=MapRule(RULE.mapped, pieces))
        sizes.append(memory.Size.of_job(dense_job(problem, PathSettings((3,)))).stored)
    assert sizes == [6, 6]  # of 4 columns two are mapped


def bad_map(**changed: Any) -> InputMap:
    given = {"column": [0, 0, 1], "kind": [1, 2, 0], "center": [0.0, 0.0, 0.0], "scale": [1.0, np.inf, 1.0]} | changed
    return InputMap(**{name: np.array(values) for name, values in given.items()})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"column": [0, 1]}, "per number, got shapes"),
        ({"column": [0, 0, 2]}, "rise from 0, and none is left out"),
        ({"column": [1, 1, 2]}, "rise from 0"),
        ({"column": [0, 1, 0]}, "rise from 0"),
        ({"kind": [1, 3, 0]}, "numbers from 0 to 2"),
        ({"center": [0.0, np.nan, 0.0]}, "finite centers"),
        ({"scale": [1.0, 0.0, 1.0]}, "scales above 0"),
        ({"scale": [1.0, np.nan, 1.0]}, "scales above 0"),
    ],
)
def test_what_is_no_map_is_refused(changed: Any, words: str) -> None:
    assert bad_map().part(np.array([2]))[0].tolist() == [1]
    with pytest.raises(ValueError, match=words):
        bad_map(**changed)


@pytest.mark.parametrize(
    ("mapped", "pieces", "words"),
    [
        (np.array([1.0, 0.0]), 8, "a boolean per column, got float64"),
        (np.ones((2, 2), dtype=bool), 8, r"shaped \(2, 2\)"),
        (np.array([True]), -1, "pieces is a whole number of zero or more, got -1"),
    ],
)
def test_what_is_no_rule_is_refused(mapped: Any, pieces: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        MapRule(mapped, pieces)


def test_what_cannot_be_mapped_is_refused() -> None:
    x, y, sampling = table(), np.arange(ROWS) % 2, Sampling(2, 1, 0)
    with pytest.raises(ValueError, match="sparse x cannot be mapped"):
        path_problem(csr_array(x), y, BinaryCrossEntropy(), sampling, np.ones(ROWS), True, RULE)
    with pytest.raises(ValueError, match="for 4 columns, and x has 3"):
        path_problem(x[:, :3], y, BinaryCrossEntropy(), sampling, np.ones(ROWS), True, RULE)
    job = dense_job(make_problem(), PathSettings((3,)))
    with pytest.raises(ValueError, match="Either every fold of a job maps its columns, or none does"):
        replace(job, folds=(job.folds[0], *make_problem(maps=None).folds[1:]))
    with pytest.raises(ValueError, match="x has 3 columns"):
        replace(job, x=job.x[:, :3])
    with pytest.raises(ValueError, match="sparse x cannot be mapped"):
        replace(job, x=csr_array(job.x))
