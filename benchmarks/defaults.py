"""Hold the estimators' defaults to what they are to reach: the spiral, and many rows, in time.

    python benchmarks/defaults.py [spiral] [rows] [many]

spiral  three arms, 300 and 3,000 rows, draws 100 to 104: accuracy on 15,000 fresh points of the same generator
rows    20,000 x 30, standard normal, logit 2 (sin 2 x0 + x1 x2 + x3 / 2): seconds, and loss on 100,000 fresh rows,
        beside the defaults of before
many    500,000 x 50 of the same: seconds, memory, and loss beside scikit-learn's boosting

Seconds are of two threads; measure on a quiet machine.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from accuracy_models import BEFORE
from engine import machine
from ridgewalk import MLPClassifierCV
from ridgewalk.arrays import Array
from ridgewalk.tutorial import spiral_data

_FRESH = 100_000


def smooth(rows: int, columns: int, seed: int) -> tuple[Array, Array]:
    """Draw two classes whose logit is smooth in four of the columns."""
    generator = np.random.default_rng(seed)
    x = generator.standard_normal((rows, columns))
    logit = 2 * (np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + x[:, 3] / 2)
    return x, (generator.random(rows) < 1 / (1 + np.exp(-logit))).astype(int)


def fitted(x: Array, y: Array, seed: int, **given: Any) -> tuple[MLPClassifierCV, str]:
    """Fit a path, and say how long it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    model = MLPClassifierCV(random_state=seed, n_jobs=-1, **given).fit(x, y)
    return model, f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of processor time"


def spiral() -> None:
    """Print the accuracy on the tutorial's spiral."""
    for rows in (300, 3_000):
        scores = []
        for draw in range(100, 105):
            generator = np.random.default_rng(draw)
            (x, y), (fresh, answers) = (spiral_data(count, 3, generator) for count in (rows // 3, 5_000))
            scores.append(fitted(x, y, draw)[0].score(fresh, answers))
        print(
            f"spiral, {rows} rows: {np.mean(scores):.3f} ({', '.join(f'{score:.3f}' for score in scores)})", flush=True
        )


def rows() -> None:
    """Print time and loss of 20,000 rows, by the defaults and by those of before."""
    (x, y), (fresh, answers) = smooth(20_000, 30, 0), smooth(_FRESH, 30, 1)
    for name, given in (("defaults", {}), ("before", BEFORE)):
        model, took = fitted(x, y, 0, **given)
        print(f"20,000 x 30, {name}: {took}, loss {log_loss(answers, model.predict_proba(fresh)):.4f}", flush=True)


def many() -> None:
    """Print time, memory and loss of 500,000 rows, beside boosting."""
    (x, y), (fresh, answers) = smooth(500_000, 50, 0), smooth(_FRESH, 50, 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model, took = fitted(x, y, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loss = log_loss(answers, model.predict_proba(fresh))
    boosted = HistGradientBoostingClassifier(random_state=0).fit(x, y)
    print(
        f"500,000 x 50: {took}, {peak / 2**20:.2f} GiB at most ({before / 2**20:.2f} before the fit), loss {loss:.4f}; "
        f"boosting {log_loss(answers, boosted.predict_proba(fresh)):.4f}",
        flush=True,
    )


def main() -> None:
    """Print what is asked for."""
    parts = {"spiral": spiral, "rows": rows, "many": many}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=", ".join(parts))
    wanted = parser.parse_args().parts or list(parts)
    if not set(wanted) <= set(parts):
        parser.error(f"the parts are {', '.join(parts)}")
    place = machine()
    print(f"{place['processor']}, {place['cores']} cores, {place['level']}; {time.strftime('%Y-%m-%d')}")
    warnings.simplefilter("ignore")
    for part in wanted:
        parts[part]()


if __name__ == "__main__":
    main()
