"""Write three tables to try the command on: numbers, mixed columns with gaps, and a regression.

python examples/write_tables.py [FOLDER]

breast_cancer.csv   569 rows, 30 numbers, two classes (scikit-learn's copy)
people.parquet      600 made-up rows: numbers, categories, booleans and missing values, two classes
diabetes.csv        442 rows, 10 numbers, a number to predict (scikit-learn's copy)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes


def people(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    """Make people whose outcome depends on age, job, smoking and income, but not on their town."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": generator.normal(45, 12, rows).round(),
            "job": generator.choice(["nurse", "teacher", "clerk", "smith, master"], rows),
            "smoker": generator.choice([True, False], rows),
            "income": np.exp(generator.normal(3, 0.5, rows)).round(1),
            "town": generator.choice([f"Ärztehausen {k}" for k in range(8)], rows),
            "form": "B2",
            "number": [f"P{k:04d}" for k in range(rows)],
        }
    )
    logit = 0.08 * (frame["age"] - 45) + 1.5 * ((frame["job"] == "nurse") & frame["smoker"])
    logit += 0.5 * np.sin(frame["income"] / 5) - 1.2 * (frame["job"] == "clerk")
    frame["outcome"] = np.where(generator.uniform(size=rows) < 1 / (1 + np.exp(-logit)), "yes", "no")
    frame["job"] = frame["job"].astype("category")
    frame.loc[generator.uniform(size=rows) < 0.05, "age"] = np.nan
    frame.loc[generator.uniform(size=rows) < 0.15, "income"] = np.nan
    frame.loc[generator.uniform(size=rows) < 0.05, "job"] = None
    return frame


def main(folder: Path) -> None:
    """Write the three files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    load_breast_cancer(as_frame=True).frame.to_csv(folder / "breast_cancer.csv", index=False)
    load_diabetes(as_frame=True, scaled=False).frame.to_csv(folder / "diabetes.csv", index=False)
    people().to_parquet(folder / "people.parquet", index=False)
    print("\n".join(str(path) for path in sorted(folder.iterdir())))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
