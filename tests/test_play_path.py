"""A path in a page is Python's: grid, networks, law, choice, effect and verdict, on 30 problems."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from in_node import needs_node, run_in_node
from paths import settings_of
from ridgewalk.diagnostics.evidence import Evidence, scores_of
from ridgewalk.diagnostics.statistics import effect, seed_spread
from ridgewalk.diagnostics.verdict import judge
from ridgewalk.diagnostics.wiring import Wiring
from ridgewalk.engine import Runner, native
from ridgewalk.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, Poisson, SquaredError
from ridgewalk.path.fit import fit_path
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.selection import cross_chosen

pytestmark = [needs_node, pytest.mark.slow]
EXACT = "x86-64-v2"
FOLDS, STRENGTHS = 3, 7
LOSSES: dict[str, Any] = {
    "cross_entropy": CrossEntropy(), "binary_cross_entropy": BinaryCrossEntropy(), "squared_error": SquaredError(),
    "absolute_error": AbsoluteError(), "huber": Huber(0.7), "poisson": Poisson(),
}  # fmt: skip
FAMILIES = ("elasticnet", "group_lasso", "mcp", "group_mcp")


def fixture(number: int) -> dict[str, Any]:
    """Return the problem of a page that has this number: every loss, family, activation and depth stands in some."""
    draws = np.random.default_rng(number)
    rows, columns = int(draws.integers(60, 140)), int(draws.integers(2, 6))
    x = draws.normal(size=(rows, columns)) * draws.uniform(0.5, 3, columns) + draws.normal(size=columns)
    if number % 10 == 4:
        x[:, 1] = 2.5  # a constant says nothing
    signal = np.sin(x[:, 0] * 2) + 0.5 * x[:, -1] ** 2 + 0.3 * draws.normal(size=rows)
    loss = tuple(LOSSES)[number % len(LOSSES)]
    target: dict[str, Any] = {"numbers": signal}
    if loss == "poisson":
        target = {"numbers": draws.poisson(np.exp(np.clip(signal, -2, 2))).astype(float)}
    elif "entropy" in loss:
        count = 2 if loss == "binary_cross_entropy" else 3
        cuts = np.quantile(signal, np.arange(1, count) / count)
        target = {"classes": np.digitize(signal, cuts), "classCount": count}
    hidden = [(6,), (5, 4), (8,), (4, 4, 3)][number % 4]
    return {
        "x": x, "rows": rows, "columns": columns, "loss": loss, "delta": 0.7, "folds": FOLDS,
        "fold": draws.permutation(np.arange(rows) % FOLDS), "seeds": [number, number + 5][: 1 + number % 2],
        "hidden": hidden,
        "activation": ("relu", "tanh", "leaky_relu", "gelu", "logistic")[number % 5], "epochs": 60, "rate": 0.02,
        "batch": 0 if number % 3 else 32,
        "penalty": {
            "family": FAMILIES[number // 2 % 4], "l1Ratio": (0.5, 1.0, 0.0, 0.8)[number % 4],
            "upperL2": 1e-3, "gamma": 30, "biasAlpha": 0.01 if number % 7 == 3 else 0,
            "layerFactors": [1.0 + k * (number % 3) / 2 for k in range(len(hidden) + 1)],
        },
    } | target  # fmt: skip


def python_path(given: dict[str, Any]) -> tuple[PathProblem, Any]:
    penalty = given["penalty"]
    settings = settings_of(
        given["hidden"], activation=given["activation"], max_iter=given["epochs"], learning_rate=given["rate"],
        batch_size=given["batch"] or None, penalty=penalty["family"], l1_ratio=penalty["l1Ratio"],
        upper_l2=penalty["upperL2"], bias_alpha=penalty["biasAlpha"], layer_factors=penalty["layerFactors"],
    )  # fmt: skip
    loss = LOSSES[given["loss"]]
    target = loss.encode(given["classes"] if "classes" in given else given["numbers"], given.get("classCount"))
    splits = [(np.flatnonzero(given["fold"] != k), np.flatnonzero(given["fold"] == k)) for k in range(FOLDS)]
    problem = PathProblem.of(given["x"], target, loss, splits, given["seeds"])
    return problem, fit_path(problem, settings, STRENGTHS, Runner(n_jobs=2))


NUMBERS = range(30)


@cache
def in_python() -> list[tuple[PathProblem, Any]]:
    """Return the problems and the paths of all fixtures, as Python fits them."""
    return [python_path(fixture(number)) for number in NUMBERS]


@cache
def in_page() -> list[dict[str, Any]]:
    """Return the paths of all fixtures, as a page fits them at Python's strengths; and a page's own grid."""
    plain = [
        {name: value.ravel().tolist() if isinstance(value, np.ndarray) else value for name, value in fixture(k).items()}
        | {"strengths": path.alphas.tolist()}
        for k, (_, path) in zip(NUMBERS, in_python(), strict=True)
    ]
    script = f"""
      const pool = new Pool(workers(2), bytes), found = [];
      await pool.ready;
      for (const each of given) {{
        const problem = {{ ...each, x: Float64Array.from(each.x), fold: Int32Array.from(each.fold) }};
        if (each.classes) problem.classes = Int32Array.from(each.classes);
        else problem.numbers = Float64Array.from(each.numbers);
        const path = await pool.path(problem, {{ strengths: Float64Array.from(each.strengths) }}).result;
        found.push({{ ...path, grid: engine.strengths(problem, {STRENGTHS}), networks: null }});
      }}
      return found;
    """
    found: list[dict[str, Any]] = run_in_node(script, plain)
    return found


def evidence_of(problem: PathProblem, path: Any) -> Evidence:
    """Return what of a path's evidence a page knows: the two arms, and their starts as they are."""
    indices = [at for _, at in cross_chosen([path.held_out], path.row_weights)]
    before, after = scores_of([(path, 0)] * len(indices)), scores_of([(path, at) for at in indices])
    differences = []
    for k, (_, rows) in enumerate(problem.splits):
        losses = [
            problem.losses(path.network, [w[s, k] for w in path.fold_networks.parameters], problem.folds[k], rows)
            for s in (0, indices[k])
        ]
        differences.append(losses[1] - losses[0])
    spread = seed_spread(differences, [problem.weights[rows] for _, rows in problem.splits]) if any(indices) else 0.0
    choice = path.choose()
    return Evidence(
        loss=problem.loss, unpenalized=before, penalized=after, weights=path.row_weights, ratio=0.5, seed_spread=spread,
        curves={}, wiring=Wiring((), 1.0, 0.0), escape=None, penalty_ratio=np.nan, decay=np.nan,
        conditions={"none": before, "both": after},
        larger={}, references={}, null=path.null_row_loss, inputs=(1, 1), units=(1, 1), gone=(), asked=False,
        alpha=float(path.alphas[choice.minimum]),
    )  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_a_path_in_a_page_is_pythons(number: int, monkeypatch: Any) -> None:
    if EXACT not in native.levels():
        pytest.skip(f"this processor has no {EXACT}")
    monkeypatch.setenv(native.VARIABLE, EXACT)
    (problem, path), page, given = in_python()[number], in_page()[number], fixture(number)
    count = len(path.alphas)
    # The steepest direction is searched from axes that LAPACK may turn round; a page tries both ways.
    searched = given["penalty"]["family"] == "elasticnet" and given["penalty"]["l1Ratio"] < 1
    assert np.divide(page["grid"][1:], path.alphas[1:]) == pytest.approx(
        1 + 0.01 * searched, abs=0.01 * searched + 1e-9
    )
    np.testing.assert_array_equal(np.reshape(page["source"], path.source.shape), path.source)
    for name, mine in (("objective", path.objective), ("penalty", path.penalty)):
        np.testing.assert_allclose(np.reshape(page[name], mine.shape), mine, rtol=1e-5, atol=1e-7, err_msg=name)
    table, choice = path.strength_table, path.choose()
    for name, of_path in (
        ("heldoutLoss", table.heldout_loss), ("standardError", table.standard_error), ("trainLoss", table.train_loss),
        ("zeros", table.zeros), ("foldLoss", path.heldout_loss.mean(axis=-1).ravel()),
    ):  # fmt: skip
        np.testing.assert_allclose(page[name], of_path, rtol=1e-4, atol=1e-6, err_msg=name)
    np.testing.assert_array_equal(page["unitsKept"], table.units)
    np.testing.assert_array_equal(page["weightsKept"], table.weights)
    np.testing.assert_array_equal(np.reshape(page["inputsKept"], (count, -1)).sum(axis=1), table.inputs)
    assert (page["minimum"], page["oneStandardError"]) == (choice.minimum, choice.one_standard_error)
    evidence = evidence_of(problem, path)
    found = effect(
        evidence.penalized.rows - evidence.unpenalized.rows, evidence.weights,
        evidence.penalized.heldout - evidence.unpenalized.heldout, 0.5, evidence.seed_spread,
    )  # fmt: skip
    for name, value in (("mean", found.mean), ("error", found.error), ("low", found.low), ("high", found.high),
                        ("carefulLow", found.careful[0]), ("carefulHigh", found.careful[1])):  # fmt: skip
        assert page["effect"][name] == pytest.approx(value, rel=1e-3, abs=1e-6), name
    assert page["effect"]["outcome"] == found.outcome(evidence.smallest_effect)
    assert page["effect"]["smallest"] == pytest.approx(evidence.smallest_effect, rel=1e-3)
    assert page["verdict"].replace(" somewhat", "") == judge(evidence).findings[0].claim
