"""Make a table at covertype's shape, fit it on the command line, and print the memory, the time to the first progress.

python tools/large_table.py FOLDER      581,012 rows, 10 numbers and 44 zeros and ones, 7 classes: FOLDER/covertype.*

The rows are drawn, not measured: what counts here is how large they are. Linux alone tells a child's peak.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

ROWS, NUMBERS, AREAS, SOILS = 581_012, 10, 4, 40
SHARES = (0.365, 0.488, 0.062, 0.005, 0.016, 0.030, 0.034)  # of covertype's classes


def table(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Draw columns of covertype's kinds, and classes of its shares that a small network can tell apart in part."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, NUMBERS)) @ np.triu(generator.normal(size=(NUMBERS, NUMBERS)))
    area = generator.choice(AREAS, rows, p=(0.45, 0.05, 0.44, 0.06))
    soil = np.minimum((generator.exponential(0.15, rows) * SOILS).astype(int), SOILS - 1)
    hidden = np.tanh(numbers @ generator.normal(size=(NUMBERS, 8)) / 3 + generator.normal(size=(SOILS, 8))[soil])
    score = hidden @ generator.normal(size=8) + generator.normal(size=AREAS)[area] + generator.normal(size=rows)
    bounds = np.quantile(score, np.cumsum(SHARES)[:-1])
    columns = {f"number {k + 1}": (100 * numbers[:, k]).round().astype(int) for k in range(NUMBERS)}
    columns |= {f"area {k + 1}": (area == k).astype(int) for k in range(AREAS)}
    columns |= {f"soil {k + 1}": (soil == k).astype(int) for k in range(SOILS)}
    return pd.DataFrame(columns | {"cover": 1 + np.searchsorted(bounds, score)})
