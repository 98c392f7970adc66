"""Old public names work until ridgewalk 0.2, with a warning at the caller's line."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paths import settings_of
from ridgewalk import MLPClassifierCV, mlp_path
from ridgewalk.route import Route

X = np.random.default_rng(0).normal(size=(60, 3))
Y = (X[:, 0] > 0).astype(int)


def test_parameters_of_estimators(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="walk= is called schedule= now; the old name works until") as seen:
        model = MLPClassifierCV((4,), alphas=3, cv=2, max_iter=5, walk="sequential")
    assert seen[0].filename == __file__
    assert model.schedule == "sequential"
    assert "walk" not in model.get_params()
    with pytest.warns(DeprecationWarning, match="memory= is called checkpoint_dir= now") as seen:
        model.set_params(memory=tmp_path, random_state=0)
    assert seen[0].filename == __file__
    model.fit(X, Y)
    assert model.path_.settings.schedule == "sequential"
    assert list(tmp_path.glob("*.npy"))


def test_a_route_of_a_path() -> None:
    with pytest.warns(DeprecationWarning, match="Route is called ridgewalk.path.PathSettings now") as seen:
        old = Route((4,), l1_ratio=0.2, walk="sequential", max_iter=5, standardize=False, engine="reference")
    assert seen[0].filename == __file__
    with pytest.warns(DeprecationWarning, match="route= is called settings= now") as seen:
        path = mlp_path(X, Y, route=old, alphas=3, cv=2, random_state=0)
    assert seen[0].filename == __file__
    settings = settings_of((4,), l1_ratio=0.2, schedule="sequential", max_iter=5)
    given: dict[str, Any] = {"standardize": False, "engine": "reference"}
    same = mlp_path(X, Y, settings=settings, alphas=3, cv=2, random_state=0, **given)
    np.testing.assert_array_equal(path.heldout_loss, same.heldout_loss)
    assert path.engine == "reference"


def test_a_folder_of_a_path(tmp_path: Path) -> None:
    with pytest.warns(DeprecationWarning, match="memory= is called checkpoint_dir= now") as seen:
        mlp_path(X, Y, memory=tmp_path, settings=settings_of((4,), max_iter=5), alphas=2, cv=2, random_state=0)
    assert seen[0].filename == __file__
    assert list(tmp_path.glob("*.npy"))


@pytest.mark.parametrize("name", ["data", "columns"])
def test_the_module_of_tables(name: str) -> None:
    code = (
        f"import ridgewalk\nfrom ridgewalk.{name} import Encoder\nprint(Encoder.__module__, '{name}' in dir(ridgewalk))"
    )
    command = [sys.executable, "-W", "always", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ridgewalk.tables.encoder", "False"]
    assert f"<string>:2: DeprecationWarning: ridgewalk.{name} is called ridgewalk.tables now" in done.stderr
