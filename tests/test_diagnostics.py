"""The statistics of a difference, the gates over made-up evidence, and whole diagnoses of real trainings."""

import json
import math
import pickle
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from paths import settings_of
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressorCV
from ridgewalk.diagnostics import (
    ConditionScores,
    Effect,
    Evidence,
    Fault,
    TrainingCurve,
    Wiring,
    effect,
    findings,
    judge,
    of_jobs,
    of_path,
    rules,
    wording,
)
from ridgewalk.diagnostics.evidence import SingleNetwork
from ridgewalk.diagnostics.labels import LABELS
from ridgewalk.diagnostics.statistics import NORMAL, calibrated, seed_spread, spread_of_pairs, tail
from ridgewalk.engine import train
from ridgewalk.engine.job import Job
from ridgewalk.estimators import comparing
from ridgewalk.folds import Fold
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, SquaredError
from ridgewalk.network import layer_penalties, multilayer_perceptron
from ridgewalk.optimizers import SGD, Adam, InverseTime
from ridgewalk.path.fit import fit_path
from ridgewalk.path.problem import PathProblem
from ridgewalk.tutorial import spiral_data

ROWS, FOLDS, SEEDS = 400, 5, 3


# The statistics.


def test_the_error_is_of_rows_and_of_starts() -> None:
    draws = np.random.default_rng(0)
    rows, fold_seed_pairs = draws.normal(0.1, 1, 50), draws.normal(0.1, 1, (5, 4))
    found = effect(rows, np.ones(50), fold_seed_pairs, 0.25, 0.8)
    assert found.mean == pytest.approx(rows.mean())
    assert found.row_error == pytest.approx(rows.std(ddof=1) / math.sqrt(50))
    assert found.seed_error == pytest.approx(math.sqrt(0.8 / 20))
    assert found.error == pytest.approx(math.hypot(found.row_error, found.seed_error))
    assert found.skewness == pytest.approx(((rows - rows.mean()) ** 3).sum() / 50**3 / found.error**3)
    even = effect(np.r_[rows, -rows], np.ones(100), fold_seed_pairs, 0.25, 0.8)
    assert (even.low, even.high) == pytest.approx((-1.96 * even.error, 1.96 * even.error))
    # Nadeau and Bengio: (1/J + n_test/n_train) s^2, with the t quantile of 4 degrees of freedom, 2.776.
    spread = fold_seed_pairs.mean(axis=1).var(ddof=1)
    assert 1.96 * found.careful_error == pytest.approx(2.776445 * math.sqrt((1 / 5 + 0.25) * spread), rel=1e-6)


def differences_of_folds(draws: Any, start_luck: Any, interaction: Any) -> Any:
    """Differences (E, 40) of each fold: rows differ, networks differ, and networks differ from row to row."""
    rows = [draws.normal(0.2, 1, 40) for _ in range(FOLDS)]
    return [row + draws.normal(0, start_luck, (SEEDS, 1)) + draws.normal(0, interaction, (SEEDS, 40)) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(("start_luck", "interaction"), [(0.3, 0.0), (0.2, 1.0), (0.3, 2.0), (0.0, 1.0)])
def test_the_spread_of_starts_leaves_the_rows_part_out(start_luck: Any, interaction: Any) -> None:
    """Means over 40 rows vary by interaction^2 / 40 between starts that are equally good."""
    draws, weights = np.random.default_rng(0), [np.ones(40)] * FOLDS
    every = [differences_of_folds(draws, start_luck, interaction) for _ in range(2000)]
    spread = np.mean([seed_spread(each, weights) for each in every])
    plain = np.mean(
        [spread_of_pairs(np.array([each.mean(axis=1) for each in fold_seed_pairs])) for fold_seed_pairs in every]
    )
    assert plain == pytest.approx(start_luck**2 + interaction**2 / 40, rel=0.05)
    if start_luck:
        assert spread == pytest.approx(start_luck**2, rel=0.05)
    else:  # half of the time it would be below 0, and is 0: the mean of the rest is 0.4 of its deviation
        assert spread == pytest.approx(0.4 * plain * np.sqrt(2 / (FOLDS * (SEEDS - 1))), rel=0.1)


def test_a_start_that_diverged_is_left_out() -> None:
    draws = np.random.default_rng(2)
    each = draws.normal(size=(3, 40)) + draws.normal(size=(3, 1))
    broken = np.vstack([each, np.where(draws.random(40) < 0.1, np.inf, each[0])])
    assert seed_spread([broken], [np.ones(40)]) == pytest.approx(seed_spread([each], [np.ones(40)]))
    assert seed_spread([np.full((3, 40), np.nan)], [np.ones(40)]) == 0


def test_one_start_has_no_spread_and_weights_count_as_rows() -> None:
    one = [np.random.default_rng(0).normal(size=(1, 30))]
    assert seed_spread(one, [np.ones(30)]) == 0
    draws = np.random.default_rng(1)
    each = draws.normal(size=(4, 30)) + draws.normal(0, 3, (4, 1))
    without = seed_spread([each[:, :20]], [np.ones(20)])
    assert seed_spread([each], [np.r_[np.full(20, 2.0), np.zeros(10)]]) == pytest.approx(without)


@pytest.mark.slow
@pytest.mark.parametrize("interaction", [0.0, 1.0, 2.0])
def test_the_interval_covers_95_times_in_100(interaction: Any) -> None:
    """Rows of one fold share their network's luck (its starts'), as in life, and networks differ from row to row."""
    draws, weights = np.random.default_rng(0), [np.ones(40)] * FOLDS
    hits = 0
    for _ in range(1000):
        fold_seed_pairs = differences_of_folds(draws, 0.3, interaction)
        rows = np.concatenate([each.mean(axis=0) for each in fold_seed_pairs])
        means = np.array([each.mean(axis=1) for each in fold_seed_pairs])
        found = effect(rows, np.ones(200), means, 0.25, seed_spread(fold_seed_pairs, weights))
        hits += found.low <= 0.2 <= found.high
    assert 925 <= hits <= 970


def missed(draw: Any, truth: Any, times: Any = 3000) -> Any:
    """How often the truth is below and above the interval, and one of equal sides."""
    counts = np.zeros(4)
    for _ in range(times):
        found = effect(draw(), np.ones(200), np.zeros((5, 2)), 0.25, 0.0)
        far = 1.96 * found.error
        counts += (truth < found.low, truth > found.high, truth < found.mean - far, truth > found.mean + far)
    return counts / times


@pytest.mark.slow
def test_skewed_differences_are_missed_less_where_equal_sides_miss_them() -> None:
    draws = np.random.default_rng(0)
    below, above, plain_below, plain_above = missed(lambda: -draws.lognormal(size=200), -np.exp(0.5))
    assert plain_below > 0.05
    assert below < 0.7 * plain_below
    assert above == plain_above < 0.01


@pytest.mark.slow
@pytest.mark.parametrize("tails", ["student", "rare", "lognormal"])
def test_heavy_tails_on_both_sides_bring_no_more_claims(tails: Any) -> None:
    draws = np.random.default_rng(0)
    kinds = {
        "student": lambda: draws.standard_t(2, size=200),
        "rare": lambda: draws.choice([-1, 1], 200) * (draws.random(200) < 3 / 200) + 1e-9 * draws.normal(size=200),
        "lognormal": lambda: draws.choice([-1, 1], 200) * draws.lognormal(sigma=2, size=200),
    }
    below, above, *_ = missed(kinds[tails], 0.0)
    assert max(below, above) < 0.03


def test_the_far_side_undoes_halls_transformation_up_to_a_skewness() -> None:
    """From the paper: g(t) = t + k t^2 / 3 + k^2 t^3 / 27 + k / 6 is nearly normal, k the skewness of the mean."""
    draws = np.random.default_rng(2)
    for scale, shape in ((1, 2.0), (-1, 2.0), (1, 0.05), (-1, 0.05)):
        rows = scale * draws.gamma(shape, size=40)
        found = effect(rows, np.ones(40), np.zeros((5, 2)), 0.25, 0.0)
        k = np.clip(found.skewness, -0.4, 0.4)
        assert (abs(k) < 0.4) == (shape > 1)
        assert np.sign(k) == scale
        low, high = ((found.mean - end) / found.error for end in (found.low, found.high))
        near, far = (low, high) if scale > 0 else (high, low)
        assert near == pytest.approx(scale * 1.96)
        assert far * scale < -1.96
        assert far + k * far**2 / 3 + k**2 * far**3 / 27 + k / 6 == pytest.approx(-1.96 * scale)


def test_weights_count_by_their_ratios_and_weight_0_not_at_all() -> None:
    rows = np.random.default_rng(3).exponential(size=30)
    whole = effect(np.r_[rows, np.inf], np.r_[np.full(30, 2.0), 0.0], np.zeros((5, 2)), 0.25, 1e-3)
    plain = effect(rows, np.ones(30), np.zeros((5, 2)), 0.25, 1e-3)
    assert (whole.low, whole.high, whole.skewness) == pytest.approx((plain.low, plain.high, plain.skewness))


def test_rows_and_seeds_that_would_settle_it() -> None:
    draws = np.random.default_rng(0)
    for rows in (draws.normal(size=100), draws.lognormal(size=100)):
        found = effect(rows, np.ones(100), np.zeros((5, 2)), 0.25, 1e-3)
        count, seeds = found.settled_by(0.1)
        half = (found.high - found.low) / 2
        assert count == pytest.approx(100 * (found.row_error * half / found.error / 0.09) ** 2, abs=1)
        times = 1 + count // 100
        more = effect(np.tile(rows, times), np.ones(100 * times), np.zeros((5, seeds)), 0.25, 1e-3)
        assert (more.high - more.low) / 2 <= 0.1
    enough = effect(draws.normal(size=100) / 100, np.ones(100), np.zeros((5, 2)), 0.25, 1.0)
    assert enough.settled_by(0.1)[0] == 100
    assert enough.settled_by(0.1)[1] > 2


@pytest.mark.parametrize(("center", "smallest"), [(0.05, 0.01), (-0.05, 0.01), (0.01, 0.1), (-0.03, 0.06), (0.0, 0.05)])
@pytest.mark.parametrize("skewed", [False, True])
def test_rows_at_which_one_could_tell(center: float, smallest: float, skewed: bool) -> None:
    draws = np.random.default_rng(0)
    rows = draws.lognormal(size=100) if skewed else draws.normal(size=100)
    rows = center + rows - rows.mean()

    def of(times: int) -> Effect:
        return effect(np.tile(rows, times), np.ones(100 * times), np.zeros((5, 1)), 0.25, 0.0)

    assert of(1).outcome(smallest) == "cannot tell"
    decided = of(1).decided_by(smallest)
    assert decided is not None
    needed, then = decided
    assert of(1 + needed // 100).outcome(smallest) == then
    if not skewed:  # of more rows the mean is less skewed, and its interval the narrower
        assert of(int(0.8 * needed / 100)).outcome(smallest) == "cannot tell"
    starts = effect(rows, np.ones(100), np.zeros((5, 2)), 0.25, 1e6)
    assert starts.decided_by(smallest) is None  # no number of rows lowers what starts bring


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), CrossEntropy()])
def test_a_temperature_mends_overconfidence_and_nothing_else(loss: Any) -> None:
    draws = np.random.default_rng(0)
    truth = draws.normal(size=(4000, 1 if isinstance(loss, BinaryCrossEntropy) else 3))
    chance = loss.predict(truth)
    if truth.shape[1] == 1:
        target = (draws.random(chance.shape) < chance).astype(float)
    else:
        target = np.eye(3)[(draws.random((4000, 1)) > chance.cumsum(axis=1)).sum(axis=1)]
    halves = [target[:2000], target[2000:]]
    right = calibrated([truth[None, :2000], truth[None, 2000:]], halves, loss)
    loud = calibrated([8 * truth[None, :2000], 8 * truth[None, 2000:]], halves, loss)
    assert np.mean(loud) == pytest.approx(np.mean(right), rel=1e-6)
    assert np.mean(right) == pytest.approx(loss.values(truth, target).mean(), abs=2e-3)
    assert loss.values(8 * truth, target).mean() > np.mean(loud) + 0.3


def test_the_tail_tells_rest_drift_and_spikes_apart() -> None:
    steps = np.arange(1000)
    rest, falling = np.full(1000, 0.3), 0.3 + 0.3 * np.exp(-steps / 400)
    spiked = rest.copy()
    spiked[500::50] = 1.0
    assert tail(rest[None]).at_rest
    assert not tail(falling[None]).at_rest
    assert tail(falling[None]).drift > 0.01
    assert not tail(spiked[None]).at_rest
    assert tail(spiked[None]).spikes == pytest.approx(10 / 900)
    assert tail(np.stack([rest, spiked])).spikes == pytest.approx(5 / 900)


# The gates, over evidence that is made up.


def scores(loss: Any, training: Any = 0.1, seed: int = 0, noise: Any = 0.3) -> ConditionScores:
    draws = np.random.default_rng(seed)
    rows = loss + noise * draws.normal(size=ROWS)
    rows += loss - rows.mean()
    fold_seed_pairs = np.repeat(rows.reshape(FOLDS, -1).mean(axis=1)[:, None], SEEDS, axis=1)
    return ConditionScores(rows, fold_seed_pairs, np.full((FOLDS, SEEDS), training))


def moved(base: Any, by: Any, noise: Any = 0.02, training: Any = 0.1, seed: int = 1) -> ConditionScores:
    """Scores that differ from another by about as much in every row."""
    other = scores(by, training, seed, noise)
    return ConditionScores(base.rows + other.rows, base.heldout + other.heldout, other.training)


BASE = scores(0.40)


def curve(level: Any, seed: int = 0, jumps: Any = 0.0) -> TrainingCurve:
    draws = np.random.default_rng(seed)
    curve = level * (1 + 1e-3 * draws.normal(size=(SEEDS, 500)))
    curve[draws.random(curve.shape) < jumps] *= 10
    return TrainingCurve(np.arange(500), curve, np.ones((SEEDS, 500, 4)))


EVIDENCE = Evidence(
    loss=CrossEntropy(),
    unpenalized=BASE,
    penalized=moved(BASE, -0.1),
    weights=np.ones(ROWS),
    ratio=0.25,
    seed_spread=1e-5,
    curves={"unpenalized": curve(0.1), "penalized": curve(0.15)},
    wiring=Wiring((), 1.0, 1e-9),
    escape=None,
    penalty_ratio=0.3,
    decay=math.nan,
    conditions={"best strength": moved(BASE, -0.1), "none": BASE, "both": moved(BASE, -0.1)},
    larger={},
    references={"a forest": scores(0.29, seed=2).rows},
    null=np.full(ROWS, 1.1),
    inputs=(10, 6),
    units=(32, 20),
    gone=[1, 2, 3, 4],
    alpha=0.01,
    best_alpha=0.01,
    safe_alpha=0.02,
)
UNWIRED = Fault("penalty", "The penalty changes the gradient of no array: it is wired to nothing.")
DOUBLED = Fault("penalty", "weight 1: the penalty is 2 times what was asked for.", "wrong scale")
CASES: dict[str, Any] = {
    "wired wrong": ({"wiring": Wiring((UNWIRED, DOUBLED), math.nan, 1e-9)}, ["wired to nothing", "2 faults"]),
    "wrong scale": ({"wiring": Wiring((DOUBLED,), math.nan, 1e-9)}, ["2 times what was asked for"]),
    "too weak": ({"penalty_ratio": 0.999, "decay": 0.01}, ["too weak to act", "2 l2 t = 0.01"]),
    "not converged": ({"curves": {"unpenalized": curve(0.1), "penalized": curve(0.15, jumps=0.05)}}, ["penalized"]),
    "hurts the optimizer": (
        {"curves": {"unpenalized": curve(0.1), "penalized": curve(0.5, jumps=0.05), "settled": curve(0.12)}},
        ["the penalty upsets the optimizer", "0.12 instead of 0.5"],
    ),
    "underfit": (
        {"unpenalized": scores(0.40, training=0.38), "larger": {"wider": np.array(0.2), "longer": np.array(0.379)}},
        ["underfits", "A wider one reaches 0.2."],
    ),
    "nothing to fix": (
        {
            "unpenalized": scores(0.40, training=0.40, noise=0.02),
            "penalized": moved(scores(0.40, training=0.40, noise=0.02), -0.001, noise=0.001),
            "references": {"a forest": scores(0.40, noise=0.02).rows},
        },
        ["nothing to fix"],
    ),
    "no signal": ({"null": np.full(ROWS, 0.2)}, ["no signal", "the best constant has 0.2"]),
    "helps": ({}, ["helps: the held-out loss falls from 0.4 to 0.3, by 0.1 nats (95% interval 0.09"]),
    "too strong": (
        {"penalized": moved(BASE, 0.2, training=0.5), "alpha": 0.2},
        ["too strong", "rises by 0.2 nats", "is 10 times weaker than this"],
    ),
    "does not help": ({"penalized": moved(BASE, 0.05), "asked": False}, ["folds choose for each other lose 0.05 nats"]),
    "no difference": ({"penalized": moved(BASE, 0.001, noise=0.02)}, ["makes no difference"]),
    "too noisy to tell": ({"penalized": moved(BASE, -0.01, noise=1.0)}, ["too noisy to tell", "nats"]),
}


@pytest.mark.parametrize("name", CASES)
def test_each_gate_speaks_where_it_should(name: Any) -> None:
    changes, words = CASES[name]
    diagnosis = judge(replace(EVIDENCE, **changes))
    assert diagnosis.verdict == name, str(diagnosis)
    for each in words:
        assert each in str(diagnosis)
    assert diagnosis.findings[0].advice
    assert json.loads(diagnosis.to_json())["verdict"] == name


def test_an_earlier_gate_speaks_first_and_later_ones_go_along() -> None:
    """The tutorial's own set-up has all three."""
    changes = CASES["hurts the optimizer"][0] | CASES["underfit"][0] | {"escape": "Rescaling escapes it."}
    diagnosis = judge(replace(EVIDENCE, **changes))
    assert diagnosis.verdict == "hurts the optimizer"
    assert diagnosis.headline.startswith("Unstable")
    assert "evaded by rescaling" in diagnosis.headline
    assert "underfits" in diagnosis.headline
    assert diagnosis.holds("evadable")
    assert diagnosis.holds("underfit")
    assert not diagnosis.holds("helps")  # what never came to rest is not compared


def test_a_network_that_finds_nothing_where_another_model_does_is_told_to_change_itself() -> None:
    lost: dict[str, Any] = {
        "penalized": moved(BASE, 0.01),
        "conditions": {"none": BASE, "both": BASE},
        "null": np.full(ROWS, 0.38),
    }
    diagnosis = judge(replace(EVIDENCE, **lost))
    assert diagnosis.verdict == "no signal"
    assert "another kind of model (a forest) has 0.29" in diagnosis.findings[0].advice
    assert "at best 0.4," in diagnosis.headline
    assert "columns" in judge(replace(EVIDENCE, **lost, references={})).findings[0].advice


def test_what_would_settle_it_is_said_as_far_as_it_is_within_reach() -> None:
    cases: dict[str, dict[str, Any]] = {
        "About 15,000 rows (here: 400) would": {"penalized": moved(BASE, 0.004, noise=1.0)},
        "About 180 seeds (here: 3) would": {"penalized": moved(BASE, 0.0, noise=0.08), "seed_spread": 0.05},
        "A few more rows would": {"penalized": moved(BASE, 0.009, noise=0.1)},
        "more than 100 times these 400 rows; until then it more likely helps": {
            "penalized": moved(BASE, -0.004, noise=3.0)
        },
    }
    for words, changes in cases.items():
        diagnosis = judge(replace(EVIDENCE, **changes))
        assert diagnosis.verdict == "too noisy to tell"
        assert words in diagnosis.findings[0].advice


ALLOWING = "an interval that also allows for other training rows"


def test_a_gain_is_small_where_it_is_below_what_matters() -> None:
    small = judge(replace(EVIDENCE, penalized=moved(BASE, -0.008, noise=0.02)))
    assert (small.verdict, small.findings[0].letter) == ("helps", "e-")
    assert "a little" in small.headline
    assert judge(EVIDENCE).findings[0].letter == "e"
    assert judge(EVIDENCE).verdict == "helps"
    assert re.search(f"{ALLOWING}, 0.09.* to 0.1.*, excludes 0, too", judge(EVIDENCE).headline)
    unsure = judge(replace(EVIDENCE, penalized=moved(BASE, -0.1, noise=0.95)))
    assert "though how much is not sure" in unsure.headline
    penalized = moved(BASE, -0.1)
    uneven = replace(penalized, heldout=penalized.heldout + np.linspace(-0.3, 0.3, FOLDS)[:, None])
    doubted = judge(replace(EVIDENCE, penalized=uneven))
    low, high = (doubted.numbers[f"careful_{end}"] for end in ("low", "high"))
    assert low < doubted.numbers["difference_low"] < doubted.numbers["difference_high"] < 0 < high
    assert f"{ALLOWING}, {-high:.3g} to {-low:.3g}, contains 0." in doubted.headline


def test_what_cannot_be_read_is_told_beside_the_verdict_and_is_none() -> None:
    unread = Fault("penalty", "weight 1: Own cannot be read.", "cannot be read")
    scale = Fault("penalty", "bias 1: the penalty is 2 times what was asked for.", "wrong scale")
    for faults, expected in (((unread,), "helps"), ((unread, scale), "wrong scale")):
        evidence = replace(EVIDENCE, wiring=replace(EVIDENCE.wiring, faults=faults))
        diagnosis = judge(evidence)
        assert diagnosis.verdict == expected
        assert diagnosis.holds("wiring not checked")


NARROW, WIDE, NO_CAREFUL = 1e-4, 1.0, np.nan


@pytest.mark.parametrize("careful", [NARROW, WIDE, NO_CAREFUL])
@pytest.mark.parametrize(
    ("mean", "asked", "claim", "name"),
    [
        (-0.1, True, "Regularization {}helps", "helps"),
        (-0.008, True, "Regularization {}helps, a little", "helps"),
        (0.05, False, "Regularization {}does not help here", "does not help"),
        (0.2, True, "The penalty is {}too strong", "too strong"),
    ],
)
def test_no_claim_is_stronger_than_the_careful_interval_beside_it(
    monkeypatch: pytest.MonkeyPatch, careful: float, mean: float, asked: bool, claim: str, name: str
) -> None:
    effect = Effect(mean, 0.001, 0.001, 0.0, 0.0, careful, ROWS, FOLDS, 3)
    monkeypatch.setattr(rules, "effect", lambda *_: effect)
    diagnosis = judge(replace(EVIDENCE, asked=asked))
    probably = "probably " * (careful == WIDE)
    assert diagnosis.headline.startswith(claim.format(probably))
    assert diagnosis.verdict == name
    assert diagnosis.findings[0].probable == bool(probably)
    assert (ALLOWING in diagnosis.headline) == (not np.isnan(careful))
    assert (", contains 0" in diagnosis.headline) == (careful == WIDE)
    assert (", excludes 0, too" in diagnosis.headline) == (careful == NARROW)
    assert str(diagnosis).splitlines()[2].startswith(f"- {probably}{name}.")
    assert json.loads(diagnosis.to_json())["verdict"] == name
    assert json.loads(diagnosis.to_json())["findings"][0]["probable"] == bool(probably)
    assert f"{probably}{name}" in diagnosis._repr_html_()


@pytest.mark.parametrize(
    ("gain", "noise", "said"),
    [
        (0.05, 0.01, "against early stopping it gains 0.05"),
        (-0.05, 0.01, "early stopping, without a penalty, is better still by 0.05"),
        (0.01, 1.0, "against early stopping it gains 0.01, which may be chance"),
        (-0.01, 1.0, "against early stopping it loses 0.01, which may be chance"),
    ],
)
def test_what_is_gained_over_early_stopping_is_said_no_stronger_than_its_interval(
    gain: float, noise: float, said: str
) -> None:
    stopped = moved(EVIDENCE.penalized, gain, noise=noise)
    diagnosis = judge(replace(EVIDENCE, conditions={**EVIDENCE.conditions, "early stopping": stopped}))
    assert said in diagnosis.findings[0].advice.replace("Against", "against").replace("Early", "early")


def difference(low: Any, high: Any) -> Effect:
    """Effect whose interval has these ends."""
    half = (high - low) / 2
    return Effect((low + high) / 2, half / NORMAL, half / NORMAL, 0.0, 0.0, half, 400, 5, 3)


OUTCOMES = {  # of intervals, where effects below 1 are no matter
    (-9.0, -2.0): "better",
    (-3.0, -0.5): "better",
    (-0.5, -0.1): "better",
    (-0.5, 0.5): "no difference",
    (0.1, 0.5): "no difference",
    (0.1, 1.5): "worse",
    (2.0, 3.0): "worse",
    (-0.5, 1.5): "cannot tell",
    (-1.5, 0.5): "cannot tell",
    (-9.0, 9.0): "cannot tell",
}
IN_A_VERDICT = {
    "better": {"helps"},
    "no difference": {"no difference"},
    "worse": {"too strong", "does not help"},
    "cannot tell": {"too noisy to tell"},
}


@pytest.mark.parametrize(("ends", "outcome"), OUTCOMES.items(), ids=str)
def test_an_interval_says_the_same_to_a_comparison_and_to_a_diagnosis(
    monkeypatch: pytest.MonkeyPatch, ends: Any, outcome: Any
) -> None:
    ends = tuple(0.01 * end for end in ends)
    effect = difference(*ends)
    assert (effect.low, effect.high) == pytest.approx(ends)
    assert effect.outcome(0.01) == outcome
    assert comparing._verdict(effect, 0.01) == outcome
    monkeypatch.setattr(rules, "effect", lambda *_: effect)
    for asked in (True, False):
        evidence = replace(
            EVIDENCE, asked=asked, references={"best": scores(0.40, noise=0.02).rows}, null=np.full(ROWS, 0.8)
        )
        monkeypatch.setattr(Evidence, "smallest_effect", 0.01)
        assert judge(evidence).verdict in IN_A_VERDICT[outcome]


def test_where_a_gain_comes_from() -> None:
    none = replace(BASE, calibrated=BASE.rows - 0.05, right=np.full(ROWS, 0.8))
    both = replace(moved(BASE, -0.1), calibrated=BASE.rows - 0.08, right=np.full(ROWS, 0.9))
    conditions = {"none": none, "both": both, "L1 alone": moved(BASE, -0.03), "L2 alone": moved(BASE, -0.09)}
    diagnosis = judge(replace(EVIDENCE, conditions=conditions))
    why = diagnosis.numbers
    assert why["share_of_l1"] == pytest.approx((0.03 + 0.1 - 0.09) / 2, abs=1e-9)
    assert why["share_of_l1"] + why["share_of_l2"] == pytest.approx(why["gain_of_both"], abs=1e-9)
    assert why["gain_by_refinement"] == pytest.approx(0.03)
    assert why["gain_by_calibration"] + why["gain_by_refinement"] == pytest.approx(0.1, abs=1e-9)
    calibration = (
        "0.07 of the 0.1 nats (70%) come from better calibrated probabilities, 0.03 from telling classes apart"
    )
    for words in (
        "L1 alone gains 0.03, L2 alone 0.09, both together 0.1",
        "accuracy goes from 80.0% to 90.0%",
        calibration,
    ):
        assert words in " ".join(str(diagnosis).split())


@pytest.mark.parametrize(
    ("both", "refined", "said"),
    [
        (-0.1, 0.12, "of the 0.1 nats, better calibrated probabilities make -0.02 and telling classes apart +0.12"),
        (-0.1, -0.02, "of the 0.1 nats, better calibrated probabilities make +0.12 and telling classes apart -0.02"),
        (-0.2, 0.05, "0.15 of the 0.2 nats gained with one strength in every fold (75%) come from better calibrated"),
    ],
)
def test_where_a_part_is_no_gain_or_the_parts_are_of_another_gain_it_is_said(
    both: float, refined: float, said: str
) -> None:
    none = replace(BASE, calibrated=BASE.rows)
    scored = replace(moved(BASE, both), calibrated=BASE.rows - refined)
    diagnosis = judge(replace(EVIDENCE, conditions={"none": none, "both": scored}))
    assert said in " ".join(diagnosis.findings[0].advice.replace("Of the", "of the").split())


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("moves", [-0.1, 0.0, 0.1])
def test_every_verdict_of_classes_has_losses_at_a_temperature(alpha: float, moves: float) -> None:
    none = replace(BASE, calibrated=BASE.rows - 0.05)
    both = replace(moved(BASE, moves), calibrated=BASE.rows - 0.08)
    evidence = replace(EVIDENCE, penalized=both, alpha=alpha, conditions={"none": none, "both": both})
    numbers = judge(evidence).numbers
    mean = float(BASE.rows.mean())
    assert numbers["unpenalized_loss_at_temperature"] == pytest.approx(mean - 0.05)
    assert numbers.get("penalized_loss_at_temperature") == (pytest.approx(mean - 0.08) if alpha else None)
    assert "recalibrated held-out loss without the penalty" in str(judge(evidence))


@pytest.mark.parametrize("name", CASES)
def test_every_number_that_is_shown_has_a_label_and_is_documented(name: Any) -> None:
    parts = {part: moved(BASE, -0.05) for part in ("L1 alone", "L2 alone", "early stopping")}
    own = {"none": replace(BASE, calibrated=BASE.rows), "both": replace(moved(BASE, -0.1), calibrated=BASE.rows)}
    linear = Effect(-0.1, 0.01, 0.01, 0.0, 0.0, 0.1, ROWS, FOLDS, 3)
    evidence = replace(EVIDENCE, conditions={**EVIDENCE.conditions, **own, **parts}, linear=linear)
    numbers = judge(replace(evidence, **CASES[name][0])).numbers
    shown = {number for number, value in numbers.items() if isinstance(value, int | float)}
    assert {"share_of_l1", "less_linear"} <= shown or CASES[name][0]
    assert shown <= LABELS.keys()
    table = (Path(__file__).parent.parent / "docs" / "verdict.md").read_text(encoding="utf-8")
    for number in shown:
        assert f"`{number}`" in table
        assert LABELS[number] in table
        assert LABELS[number] in str(judge(replace(evidence, **CASES[name][0])))


def test_of_a_blend_the_parts_of_the_penalty_are_labelled_as_the_single_networks() -> None:
    conditions = {**EVIDENCE.conditions, "L1 alone": moved(BASE, -0.03), "L2 alone": moved(BASE, -0.09)}
    network = replace(EVIDENCE, conditions=conditions)
    blend = replace(network, single=SingleNetwork("plain", 0.01, BASE))
    for label in ("gain of L1 alone", "part of that gain due to L2", "effect of the penalty over its nominal one"):
        assert f"{label} (single network)" in str(judge(blend))
        assert f"{label}  " in str(judge(network))


@pytest.mark.parametrize(
    ("alone", "words"),
    [
        (moved(BASE, -0.2), "both together 0.1 (L2 alone is better)"),
        (moved(BASE, -0.11, noise=0.8), "both together 0.1 (that L2 alone gains more is within its error)"),
    ],
)
def test_a_part_that_gains_more_alone_is_named(alone: Any, words: Any) -> None:
    right = np.full(ROWS, 0.8)
    none, both = replace(BASE, right=right), replace(moved(BASE, -0.1), right=right)
    conditions = {"none": none, "both": both, "L1 alone": moved(BASE, -0.03), "L2 alone": alone}
    said = " ".join(str(judge(replace(EVIDENCE, conditions=conditions))).split())
    assert words in said
    assert "the accuracy stays at 80.0%" in said


def test_a_network_that_hardly_beats_the_constant_helps_nobody() -> None:
    perhaps = judge(replace(EVIDENCE, null=EVIDENCE.penalized.rows + 0.02 + scores(0, noise=1.0, seed=3).rows))
    assert perhaps.verdict == "too noisy to tell"
    assert "whether the columns say anything" in perhaps.headline
    assert judge(replace(EVIDENCE, null=EVIDENCE.penalized.rows + 1e-6)).verdict == "no signal"


def test_a_training_that_diverged_is_said_and_judges_nothing() -> None:
    broken = replace(BASE, rows=np.full(ROWS, np.inf))
    diagnosis = judge(replace(EVIDENCE, unpenalized=broken))
    assert diagnosis.verdict == "not converged"
    assert "diverged" in diagnosis.headline
    json.loads(diagnosis.to_json())


# Whole diagnoses.


@pytest.fixture(scope="module")
def cancer() -> Any:
    X, y = load_breast_cancer(return_X_y=True)
    return MLPClassifierCV((8,), alphas=8, max_iter=200, n_seeds=3, random_state=0, n_jobs=-1).fit(X, y)


@pytest.mark.slow
def test_breast_cancer_is_helped(cancer: Any) -> None:
    diagnosis = cancer.diagnose(references=False)
    assert diagnosis.verdict == "helps"
    numbers = diagnosis.numbers
    # The difference is that of folds which did not choose: what the estimator reports.
    assert numbers["difference"] == pytest.approx(-cancer.gain_, rel=1e-9)
    assert numbers["row_error"] == pytest.approx(cancer.gain_error_, rel=1e-9)
    assert numbers["unpenalized_heldout_loss"] == pytest.approx(cancer.unpenalized_loss_)
    assert numbers["penalty_acts_at"] == pytest.approx(1, abs=0.02)
    # The arms are trained again, bit by bit.
    assert numbers["arms"]["both"] == pytest.approx(cancer.path_.row_loss[cancer.index_].mean(), rel=1e-6)
    assert numbers["arms"]["none"] == pytest.approx(numbers["unpenalized_heldout_loss"], rel=1e-6)
    assert 0.9 < numbers["accuracy_with"] < 1


def test_a_strength_of_the_users_own_may_be_too_strong(cancer: Any) -> None:
    diagnosis = cancer.diagnose(cancer.alphas_[-2], references=False)
    assert diagnosis.verdict in ("too strong", "no signal")
    with pytest.raises(ValueError, match="alpha is a number on the path"):
        cancer.diagnose(10 * cancer.alphas_[-1])


def test_a_model_without_its_rows_says_so(cancer: Any) -> None:
    for model in (pickle.loads(pickle.dumps(cancer)), cancer.compact()):
        with pytest.raises(ValueError, match="fit it again"):
            model.diagnose()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_standardizing_on_all_rows_is_found_and_on_a_folds_own_is_not_accused(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ridgewalk.path.problem as module
    from ridgewalk.folds import standardized_fold as honest

    def leaking(x: Any, target: Any, loss: Any, weights: Any, standardize: Any, **given: Any) -> Any:
        everything = honest(x, target, loss, np.ones_like(weights), standardize, **given)
        return replace(everything, weights=weights)

    X, y = load_diabetes(return_X_y=True)
    rows = np.random.default_rng(seed).permutation(len(y))[:150]
    model = MLPRegressorCV((4,), alphas=4, max_iter=30, cv=3, random_state=seed)
    assert not model.fit(X[rows], y[rows]).diagnose(references=False).holds("wired wrong")
    monkeypatch.setattr(module, "standardized_fold", leaking)
    diagnosis = model.fit(X[rows], y[rows]).diagnose(references=False)
    assert diagnosis.verdict == "wired wrong"
    assert "holds out" in diagnosis.headline


def test_noise_has_no_signal() -> None:
    draws = np.random.default_rng(0)
    model = MLPClassifierCV((8,), alphas=8, max_iter=150, random_state=0).fit(
        draws.normal(size=(200, 5)), draws.integers(0, 2, 200)
    )
    assert model.diagnose(references=False).verdict == "no signal"


@pytest.mark.parametrize(
    ("loss", "null", "barely"), [(0.96, 1, True), (0.94, 1, False), (1, 1, False), (1.1, 1, False), (0.0, 0.0, False)]
)
def test_barely_better_is_better_by_less_than_a_twentieth(loss: float, null: float, barely: bool) -> None:
    assert rules.barely_better(loss, null) is barely


@pytest.mark.slow
def test_what_is_barely_better_than_a_constant_is_found() -> None:
    draws = np.random.default_rng(0)
    x = draws.normal(size=(1500, 3))
    found = []
    for slope in (0.2, 1.0):
        model = MLPRegressorCV((4,), alphas=5, max_iter=100, cv=3, random_state=0)
        found.append(model.fit(x, slope * x[:, 0] + draws.normal(size=1500)).diagnose(references=False))
    assert [each.holds("barely better than a constant") for each in found] == [True, False]
    assert "the network is barely better than a constant" in found[0].headline


def tutorial_jobs(optimizer: Any, strengths: Any, epochs: Any, samples: Any = 100) -> tuple[Job, Job]:
    """Train the tutorial's network on its spiral, with fresh points held out."""
    generator = np.random.default_rng(0)
    x, y = spiral_data(samples, 3, generator)
    fresh, fresh_y = spiral_data(1000, 3, generator)
    rows = len(x)
    weights = np.repeat([1.0, 0.0], [rows, len(fresh)])
    network = multilayer_perceptron(2, (64,), 3)
    starts = [network.start("normal", seed) for seed in range(3)]
    base: dict[str, Any] = {
        "network": network,
        "loss": CrossEntropy(),
        "optimizer": optimizer,
        "x": np.vstack([x, fresh]),
        "target": CrossEntropy().encode(np.concatenate([y, fresh_y])),
        "folds": (Fold.plain(weights, 2, 3, 1 - weights),),
        "fold": np.zeros(3, dtype=int),
        "seeds": np.arange(3),
        "start": tuple(np.stack(arrays) for arrays in zip(*starts, strict=True)),
        "epochs": epochs,
    }
    free = layer_penalties(network)
    return Job(**base, penalties=free), Job(**base, penalties=strengths(network))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ridgewalk.network.EvadablePenaltyWarning")
def test_the_tutorials_own_run() -> None:
    """One layer penalized, a rate of 1: unstable first, and evadable."""

    def first_layer(network: Any) -> Any:
        return (*layer_penalties(network, weight_l2=5e-4, bias_l2=5e-4)[:2], *layer_penalties(network)[2:])

    diagnosis = judge(of_jobs(*tutorial_jobs(SGD(1.0, 0.5), first_layer, 3000), train=train))
    assert diagnosis.verdict in ("hurts the optimizer", "not converged")
    assert diagnosis.headline.startswith("Unstable")
    assert "evaded by rescaling" in diagnosis.headline


@pytest.mark.slow
def test_the_tutorials_run_that_works() -> None:
    def both(network: Any) -> Any:
        return layer_penalties(network, weight_l2=1e-4)

    diagnosis = judge(of_jobs(*tutorial_jobs(Adam(0.02, schedule=InverseTime(5e-7)), both, 1500), train=train))
    assert diagnosis.verdict == "helps"
    assert diagnosis.numbers["difference"] < -0.1


def test_a_penalty_without_time_to_act_is_too_weak() -> None:
    def faint(network: Any) -> Any:
        return layer_penalties(network, weight_l2=1e-9)

    diagnosis = judge(of_jobs(*tutorial_jobs(SGD(0.05, 0.5), faint, 300), train=train))
    assert diagnosis.verdict == "too weak"
    assert diagnosis.findings[0].numbers["decay"] == pytest.approx(2 * 1e-9 * 300 * 0.05 / 0.5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_one_strength_is_diagnosed_by_its_own_training() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    training: dict[str, Any] = {
        "learning_rate": "cosine",
        "learning_rate_init": 0.02,
        "max_iter": 300,
        "batch_size": None,
        "n_jobs": -1,
    }
    light = MLPClassifier((8,), alpha=0.01, random_state=0, **training).fit(X, y)
    assert light.diagnose(references=False).verdict == "helps"
    heavy = light.set_params(alpha=3.0).fit(X, y)
    assert heavy.diagnose(references=False).verdict in ("too strong", "no signal")
    for change, words in (({"alpha": 0.0}, "no penalty to judge"), ({"solver": "lbfgs"}, "trained in steps")):
        with pytest.raises(ValueError, match=words):
            MLPClassifier((4,), max_iter=5, random_state=0).set_params(**change).fit(X, y).diagnose()


def test_squared_error_has_no_temperature() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressorCV((4,), alphas=6, max_iter=100, random_state=0, n_seeds=2).fit(X, y)
    diagnosis = model.diagnose(references=False)
    assert "gain_by_calibration" not in diagnosis.numbers
    assert isinstance(model.path_.loss, SquaredError)
    assert "half the squared error" in diagnosis.headline


def test_a_path_and_its_verdict_judge_the_same_networks() -> None:
    """Where the null model wins it is taken by both; what starts differ by would be another thing otherwise."""
    draws = np.random.default_rng(0)
    x = draws.normal(size=(300, 4))
    y = (draws.random(300) < 1 / (1 + np.exp(-x[:, 0]))).astype(float)[:, None]
    splits = [(np.setdiff1d(np.arange(300), part), part) for part in np.array_split(np.arange(300), 3)]
    settings = settings_of(hidden_layer_sizes=(4,), max_iter=200, learning_rate=0.02)
    for alpha, wins in ((0.01, range(1)), (0.08, range(1, 9))):
        problem = PathProblem.of(x, y, BinaryCrossEntropy(), splits, [0, 1, 2])
        path = fit_path(problem, settings, [alpha])
        assert path.null_wins[1, :-1].sum() in wins
        evidence = of_path(problem, path, alpha=alpha)
        np.testing.assert_allclose(evidence.conditions["both"].heldout, evidence.penalized.heldout)
        np.testing.assert_allclose(evidence.conditions["none"].heldout, evidence.unpenalized.heldout)


def kinds_of(found: Any) -> Iterator[Any]:
    """Classes of findings that have a name, and so can be found."""
    for kind in found.__subclasses__():
        if hasattr(kind, "name"):
            yield kind
        yield from kinds_of(kind)


@pytest.mark.parametrize("kind", [*kinds_of(findings.Found)], ids=lambda kind: kind.__name__)
def test_every_finding_has_words(kind: Any) -> None:
    assert wording.words.dispatch(kind) is not wording.words.dispatch(findings.Found)
    assert kind.letter.rstrip("'-") in {"a", "b", "c1", "c2", "c3", "d", "e", "f", "l", "m", "n", "s", "u"}
