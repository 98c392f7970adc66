"""Other kinds of model on the same folds: what they give is a loss of the same kind."""

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from ridgewalk.engine.progress import Progress
from ridgewalk.estimators.references import reference_outputs
from ridgewalk.losses import BinaryCrossEntropy, CrossEntropy, Poisson, SquaredError

draws = np.random.default_rng(0)
X = draws.normal(size=(150, 3))
SCORE = 3 * X[:, 0]
HALVES = [(np.arange(75), np.arange(75, 150)), (np.arange(75, 150), np.arange(75))]
TARGETS: dict[str, Any] = {
    "yes or no": (BinaryCrossEntropy(), (SCORE + draws.normal(size=150) > 0)[:, None].astype(float)),
    "classes": (CrossEntropy(), np.eye(3)[np.digitize(SCORE + draws.normal(size=150), [-1, 1])]),
    "numbers": (SquaredError(), (SCORE + draws.normal(size=150))[:, None] * 10 + 100),
    "several": (SquaredError(), np.stack([SCORE, -SCORE], axis=1)),
    "counts": (Poisson(), draws.poisson(np.exp(SCORE / 3))[:, None].astype(float)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", TARGETS)
def test_the_best_of_them_is_between_the_constant_and_nothing(kind: Any) -> None:
    loss, target = TARGETS[kind]
    progress = Progress()
    found = reference_outputs(X, target, loss, HALVES, np.ones(150), progress)
    assert progress.done == progress.total == len(found) * len(HALVES)
    held_out = np.concatenate([rows for _, rows in HALVES])
    null = loss.values(np.broadcast_to(loss.null_output(target, np.ones(150)), target.shape), target).mean()
    means = {}
    for name, outputs in found.items():
        assert [output.shape for output in outputs] == [(75, target.shape[1])] * 2, name
        means[name] = float(loss.values(np.concatenate(outputs), target[held_out]).mean())
    assert 0 < min(means.values()) < 0.75 * null, means
    assert len(means) >= 6


@pytest.mark.slow
def test_rows_of_weight_0_teach_nothing() -> None:
    loss, target = TARGETS["yes or no"]
    weights = np.ones(150)
    weights[:20] = 0
    spoiled = X.copy()
    spoiled[:20] = 1e3
    one, other = (reference_outputs(x, target, loss, HALVES[:1], weights) for x in (X, spoiled))
    for name, outputs in one.items():
        np.testing.assert_array_equal(outputs[0], other[name][0])


def test_where_there_is_no_telling_there_is_none() -> None:
    loss, target = TARGETS["yes or no"]
    assert reference_outputs(csr_array(X), target, loss, HALVES, np.ones(150)) == {}
    assert reference_outputs(X, np.hstack([target, target]), loss, HALVES, np.ones(150)) == {}
