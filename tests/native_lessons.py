"""Every training of the lessons' table by the native engine, and every number that the lessons say, made from them."""

import json
import re
import warnings
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from in_node import PLAY, run_in_node
from paths import settings_of
from ridgewalk.diagnostics.statistics import effect
from ridgewalk.diagnostics.verdict import judge
from ridgewalk.engine import compiled
from ridgewalk.engine.job import Job
from ridgewalk.losses import CrossEntropy
from ridgewalk.network import EvadablePenaltyWarning
from ridgewalk.optimizers import SGD, Adam
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.fit import fit_path
from ridgewalk.path.jobs import network_of, penalties_at, random_starts
from ridgewalk.path.problem import PathProblem
from ridgewalk.path.settings import PathSettings
from test_play_path import evidence_of

ROOT = Path(__file__).parents[1]
TABLE = PLAY / "lessons" / "table.json"
SCRIPTS = [PLAY / "page" / "datasets.js", PLAY / "page" / "state.js", PLAY / "lessons" / "trainings.js"]
FOLDS = 5


def table() -> Any:
    """Return the lessons' table."""
    return json.loads(TABLE.read_text(encoding="utf-8"))


def run_lessons(script: str, given: Any = None) -> Any:
    """Run JavaScript after the lessons' scripts that know no document; `pools` and `table` are there."""
    begin = "const SLICE = 15, table = given.table, pool = new Pool(workers(2), bytes);\n"
    begin += "const pools = { path: pool, live: pool };\nawait pool.ready;\n"
    parts = [path.read_text(encoding="utf-8") for path in SCRIPTS]
    return run_in_node("".join(parts) + begin + script, {"table": table(), "more": given})


@cache
def drawn_rows() -> dict[str, Any]:
    """Return the rows and folds of every training, as a page draws them: the one source of them."""
    found: dict[str, Any] = run_lessons(
        "return Object.fromEntries(Object.keys(table.trainings).map((name) => { const { setup, problem } = "
        "preparedFor(table, name); return [name, { setup, x: problem.x, classes: problem.classes, "
        "classCount: problem.classCount, fold: problem.fold, penalty: problem.penalty }]; }));"
    )
    return found


@dataclass(frozen=True)
class TrainingCurve:
    """One training, looked at every so many epochs, as a page looks at it; and its last weights."""

    data_loss: Any
    penalty: Any
    norms: Any
    weights: list[Any]


def problem_of(name: str) -> tuple[PathProblem, PathSettings, dict[str, Any]]:
    """Return a training's problem and settings as Python has them, and its row of the table."""
    given = drawn_rows()[name]
    setup, penalty = given["setup"], given["penalty"]
    settings = settings_of(
        setup["hidden"], max_iter=setup["epochs"], learning_rate=setup["rate"], l1_ratio=penalty["l1Ratio"],
        layer_factors=penalty["layerFactors"],
    )  # fmt: skip
    fold, x = np.array(given["fold"]), np.reshape(given["x"], (-1, 2))
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(FOLDS)]
    target = CrossEntropy().encode(given["classes"], given["classCount"])
    return PathProblem.of(x, target, CrossEntropy(), splits, range(setup["starts"])), settings, setup


@cache
def native_path(name: str) -> tuple[PathProblem, Any]:
    """Return a path's problem, and the path."""
    problem, settings, setup = problem_of(name)
    return problem, fit_path(problem, settings, setup["strengths"])


def _job(name: str, start: int = 0, epochs: int | None = None, record_every: int = 0) -> Job:
    """Return the job of one training at its strength, at a constant rate."""
    problem, settings, setup = problem_of(name)
    fold = setup.get("fold", FOLDS)
    pair = np.array([fold * setup["starts"] + start])
    rate = setup["rate"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EvadablePenaltyWarning)  # a lesson is about it
        return Job(
            network=network_of(problem, settings), loss=problem.loss,
            penalties=penalties_at(problem, settings, np.array([float(setup["strength"])])),
            optimizer=SGD(rate, setup["momentum"]) if setup["optimizer"] == "sgd" else Adam(rate),
            x=problem.x, target=problem.target, folds=problem.folds, fold=problem.fold_of(pair),
            seeds=problem.seed_of(pair), start=tuple(array[pair] for array in random_starts(problem, settings)),
            epochs=setup["epochs"] if epochs is None else epochs, record_every=record_every,
        )  # fmt: skip


@cache
def native_course(name: str, start: int = 0) -> TrainingCurve:
    """Train one network, and look at it as a page does."""
    step = problem_of(name)[2]["step"]
    fits = compiled.train(_job(name, start, record_every=step))
    assert fits.history is not None
    data_loss, penalty, norms = (
        each[0, 1:] for each in (fits.history.data_loss, fits.history.penalty, fits.history.norms)
    )
    return TrainingCurve(data_loss, penalty, norms, [w[0] for w in fits.parameters])


def right_share(name: str, epochs: int | None = None, start: int = 0) -> float:
    """Return the share of held-out rows that a network is right about after some epochs."""
    problem, _, setup = problem_of(name)
    job = _job(name, start, epochs)
    fold, rows = problem.folds[setup["fold"]], problem.splits[setup["fold"]][1]
    x = ((problem.x[rows] - fold.center) / fold.scale).astype(np.float32)
    outputs, _ = job.network.forward(x, tuple(w[0] for w in compiled.train(job).parameters))
    return float(np.mean(outputs.argmax(axis=1) == problem.target[rows].argmax(axis=1)))


@cache
def native_plain(name: str) -> list[Any]:
    """Train by steps of the engine's without a penalty, each followed by L1's by the plain derivative."""
    _, _, setup = problem_of(name)
    job = _job(name, 0, 1)
    unpenalized = replace(job, penalties=tuple(each.convert(np.zeros_like) for each in job.penalties))
    hop = setup["rate"] * setup["strength"]
    for _ in range(setup["epochs"]):
        before = unpenalized.start
        after = compiled.train(unpenalized).parameters
        moved = tuple(
            after[k] if k % 2 else (after[k].astype(float) - hop * np.sign(before[k].astype(float))).astype(np.float32)
            for k in range(len(after))
        )
        unpenalized = replace(unpenalized, start=moved)
    return [w[0] for w in unpenalized.start]


# What the lessons say.


def _losses(path: Any) -> tuple[Any, Any, Any, int]:
    found = path.strength_table
    return found.heldout_loss, found.train_loss, found.standard_error, path.choose().minimum


def _why() -> dict[str, Any]:
    problem, path = native_path("moons-l2")
    heldout, train, _, _ = _losses(path)
    return {"rows": len(problem.x), "train_0": train[0], "heldout_0": heldout[0], "null": np.log(2)}


def _shapes() -> dict[str, Any]:
    heldout, *_ = _losses(native_path("moons-l1")[1])
    l2, _, _, minimum = _losses(native_path("moons-l2")[1])
    links = sum(w.size for w in native_course("moons-none").weights[::2])
    return {"links": links, "heldout_0": heldout[0], "l2_min": l2[minimum]}


def _zeros() -> dict[str, Any]:
    setup = problem_of("plain")[2]
    plain, proximal = native_plain("plain"), native_course("proximal")
    zeros = [sum(int((w == 0).sum()) for w in each[::2]) for each in (plain, proximal.weights)]
    still = compiled.train(replace(_job("plain", epochs=0), start=tuple(w[None] for w in plain)))
    assert still.data_loss[0] == pytest.approx(proximal.data_loss[-1], abs=5e-5)  # the same, in what is said of them
    return {
        "hop": setup["rate"] * setup["strength"], "epochs": setup["epochs"], "weights": sum(w.size for w in plain[::2]),
        "plain": zeros[0], "proximal": zeros[1], "proximal_loss": proximal.data_loss[-1],
    }  # fmt: skip


def _escape() -> dict[str, Any]:
    said: dict[str, Any] = {}
    for which in ("none", "first", "both"):
        norms = native_course(f"moons-{which}").norms[-1]
        said |= {f"{which}_w1": norms[0], f"{which}_w2": norms[2]}
    return said


def _choose() -> dict[str, Any]:
    problem, path = native_path("moons-l2")
    heldout, _, error, minimum = _losses(path)
    chosen = path.choose().one_standard_error
    assert heldout[chosen] <= heldout[minimum] + error[minimum] < heldout[chosen + 1]  # the textbook's rule
    rows, weights = path.row_loss, path.row_weights
    mean, spread = mean_and_error(rows[chosen : chosen + 2] - rows[minimum], weights, path.dependence)
    assert mean[0] <= spread[0] < mean[1]
    assert mean[1] > spread[1]
    return {
        "folds": len(problem.splits), "heldout_min": heldout[minimum], "error_min": error[minimum],
        "heldout_next": heldout[chosen + 1], "difference": mean[0], "difference_error": spread[0],
        "difference_next": mean[1], "difference_next_error": spread[1],
    }  # fmt: skip


def _lottery() -> dict[str, Any]:
    setup = problem_of("sgd-none")[2]
    epochs = range(setup["epochs"] // 3, setup["epochs"] + 1, setup["step"])
    right = [right_share("sgd-none", each) for each in epochs]
    last = [[right_share(f"sgd-{which}", setup["epochs"], seed) for seed in range(5)] for which in ("none", "both")]
    ahead = np.subtract(last[1], last[0])
    return {
        "rate": setup["rate"], "from": epochs[0], "to": epochs[-1], "low_share": min(right), "high_share": max(right),
        "seeds": len(ahead), "worst_points": min(ahead), "best_points": max(ahead),
    }  # fmt: skip


def _gap() -> dict[str, Any]:
    heldout, train, _, minimum = _losses(native_path("spiral-l2")[1])
    words = " ".join((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8").split())
    quoted = re.search(r"a training accuracy of ([\d.]+) .{,40} validation accuracy of (0[\d.]+\d)", words)
    assert quoted is not None
    return {
        "quoted_train": float(quoted[1]), "quoted_validation": float(quoted[2]), "null": np.log(3),
        "gap_min": heldout[minimum] - train[minimum], "heldout_min": heldout[minimum], "heldout_0": heldout[0],
    }  # fmt: skip


def _verdict() -> dict[str, Any]:
    problem, path = native_path("spiral-l2")
    of = evidence_of(problem, path)
    found = effect(
        of.penalized.rows - of.unpenalized.rows, of.weights, of.penalized.heldout - of.unpenalized.heldout, 0.5,
        of.seed_spread,
    )  # fmt: skip
    assert judge(of).findings[0].claim == "probably helps"  # as the lesson says
    careful_low, careful_high = found.careful
    assert found.high < 0 < careful_high
    return {
        "rows": len(problem.x), "gain": -found.mean, "low": -found.high, "high": -found.low,
        "careful_low": -careful_high, "careful_high": -careful_low,
    }  # fmt: skip


SAID = {
    "why": _why, "shapes": _shapes, "zeros": _zeros, "escape": _escape, "choose": _choose, "lottery": _lottery,
    "gap": _gap, "verdict": _verdict,
}  # fmt: skip


def said_of(lesson: str) -> dict[str, float]:
    """Return every number of a lesson's sentences: six digits of each, of which a page shows three."""
    return {name: _rounded(value) for name, value in SAID[lesson]().items()}


def _rounded(value: float) -> float:
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded
