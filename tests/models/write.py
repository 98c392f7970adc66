"""Write the small models that ``tests/test_storage.py`` loads: once for each format, and never again.

    python tests/models/write.py

gives ``format_N/`` with two models, the rows that they predict and the predictions, as they were on that day. The
folders of earlier formats stay as they are, for as long as their models are to be read.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ridgewalk import MLPClassifierCV, MLPRegressor, save
from ridgewalk.storage import FORMAT
from ridgewalk.tables import Encoder
from ridgewalk.tables.encode import Category


def table(rows: int = 22) -> Any:
    """Return columns of every kind, with gaps."""
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": generator.normal(40, 10, rows).round(),
            "größe, cm": generator.normal(170, 10, rows).round(1),
            "smoker": generator.choice([True, False], rows),
            "job": generator.choice(np.array(["nurse", "cook", None]), rows),
            "town": [f"town {k % 4}" if k % 3 else "elsewhere" for k in range(rows)],
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 1500, rows), unit="h"),
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::9, "joined"] = pd.NaT
    return frame


def main() -> None:
    """Write the models of today's format."""
    folder = Path(__file__).parent / f"format_{FORMAT}"
    if folder.exists():
        sys.exit(f"{folder} is there already: what was written once stays, or it shows nothing.")
    folder.mkdir()
    frame = table()
    towns = Category("town", ("elsewhere",), ("town 0", "town 1", "town 2", "town 3"))  # rare, in a larger table
    encoder = Encoder.of(tuple(towns if each.name == "town" else each for each in Encoder().fit(frame).columns))
    x = encoder.transform(frame)
    signal = x[:, 0] / 10 + 2 * frame["smoker"].to_numpy()
    labels = np.where(signal > np.median(signal), "yes", "no")
    classifier = MLPClassifierCV((3,), alphas=2, cv=2, relax=True, max_iter=60, random_state=0).fit(x, labels)
    regressor = MLPRegressor((4, 3), "tanh", alpha=0.01, l1_ratio=0.5, max_iter=300, random_state=0, n_seeds=2,
                             ensemble=True, solver="lbfgs", tol=1e-2).fit(x, signal)  # fmt: skip
    save(classifier, folder / "classifier.safetensors", encoder=encoder, target="answer")
    save(regressor, folder / "regressor.safetensors", encoder=encoder, target="signal")
    fresh = frame[::2].assign(town="a new one")
    told = {
        "rows": json.loads(fresh.to_json(orient="split", index=False, date_format="iso")),
        "classifier": classifier.predict_proba(encoder.transform(fresh)).tolist(),
        "regressor": regressor.predict(encoder.transform(fresh)).tolist(),
    }
    (folder / "predictions.json").write_text(json.dumps(told, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
