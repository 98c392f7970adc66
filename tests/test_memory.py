"""Laws of the memory that a training takes: what cannot fit is refused before anything is drawn, in a sentence."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV
from ridgewalk.cli import main
from ridgewalk.engine import memory
from ridgewalk.network import Network

X = np.random.default_rng(0).normal(size=(60, 4))
Y = X[:, 0] + 0.1 * X[:, 1] ** 2
HUGE = (15_000, 15_000)
ONE: dict[str, Any] = {
    "adam": {},
    "sgd": {"solver": "sgd"},
    "lbfgs": {"solver": "lbfgs"},
    "lbfgs, L1": {"solver": "lbfgs", "l1_ratio": 1.0},
    "reference": {"engine": "reference"},
    "starts": {"n_seeds": 3},
    "early stopping": {"early_stopping": True},
}
PATHS: dict[str, Any] = {
    "ramp": {},
    "sequential": {"schedule": "sequential"},
    "minibatches": {"batch_size": 16},
    "qut": {"alphas": "qut"},
    "strengths": {"alphas": [0.1, 0.2]},
    "select_inputs": {"select_inputs": True},
    "relax": {"relax": True},
    "group lasso": {"penalty": "group_lasso"},
    "linear": {"hidden_layer_sizes": ()},
    "linear, relax": {"hidden_layer_sizes": (), "relax": True},
}
REFUSED = r"needs about .* (GiB|MiB|KiB) and .* are free\. Fit fewer strengths, folds or seeds"


@pytest.fixture
def nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let little memory be free, and no start be drawn."""

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise AssertionError("a start was drawn")

    monkeypatch.setattr(memory, "available", lambda: 1000)
    monkeypatch.setattr(Network, "start", fail)


def target(estimator: Any) -> Any:
    return Y if estimator in (MLPRegressor, MLPRegressorCV) else (Y > 0).astype(int)


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize("settings", ONE)
@pytest.mark.parametrize("estimator", [MLPRegressor, MLPClassifier])
def test_a_fit_that_cannot_fit_is_refused_before_anything_is_drawn(estimator: Any, settings: Any) -> None:
    model = estimator((20,), max_iter=2, **ONE[settings])
    with pytest.raises(MemoryError, match=REFUSED):
        model.fit(X, target(estimator))
    if "lbfgs" not in settings and "early stopping" not in settings:
        classes = {"classes": [0, 1]} if estimator is MLPClassifier else {}
        with pytest.raises(MemoryError, match=REFUSED):
            model.partial_fit(X, target(estimator), **classes)


@pytest.mark.usefixtures("nothing_is_drawn")
@pytest.mark.parametrize("settings", PATHS)
@pytest.mark.parametrize("estimator", [MLPRegressorCV, MLPClassifierCV])
def test_a_path_that_cannot_fit_is_refused_before_anything_is_drawn(estimator: Any, settings: Any) -> None:
    given: dict[str, Any] = {"hidden_layer_sizes": (20,), "alphas": 5, "cv": 2, "max_iter": 2} | PATHS[settings]
    with pytest.raises(MemoryError, match=REFUSED):
        estimator(**given).fit(X, target(estimator))


@pytest.mark.parametrize("settings", [{}, {"solver": "lbfgs", "warm_start": True}, {"warm_start": True}])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_goes_on_is_refused_too(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MLPRegressor((5,), max_iter=2, alpha=0.1, random_state=0, **settings).fit(X, Y)
    path = MLPRegressorCV((5,), alphas=3, cv=2, max_iter=2, random_state=0).fit(X, Y)
    monkeypatch.setattr(memory, "available", lambda: 1000)
    monkeypatch.setattr(Network, "start", None)
    again: list[Callable[[], Any]] = [lambda: model.fit(X, Y)]
    if not settings:
        again += [lambda: model.partial_fit(X, Y), lambda: model.diagnose(cv=2), path.diagnose]
    for call in again:
        with pytest.raises(MemoryError, match=REFUSED):
            call()


@pytest.mark.parametrize("estimator", [MLPRegressor, MLPRegressorCV])
def test_a_network_that_fills_the_machine_is_refused_at_once(estimator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 2**32)
    monkeypatch.setattr(Network, "start", None)
    with pytest.raises(MemoryError, match="GiB and 4 GiB are free"):
        estimator(HUGE).fit(X, Y)


def test_the_command_line_says_so_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    np.savetxt(table, np.column_stack([X, Y]), delimiter=",", header="a,b,c,d,y", comments="")
    monkeypatch.setattr(memory, "available", lambda: 2**32)
    monkeypatch.setattr(Network, "start", None)
    monkeypatch.setattr(sys, "argv", ["ridgewalk", "fit", str(table), "--target", "y", "--hidden", "15000,15000",
                                      "--quiet", "--out", str(tmp_path / "result")])  # fmt: skip
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: This job needs about")
    assert "Traceback" not in said


_PEAK = """
import sys, warnings
import numpy as np
from ridgewalk import MLPRegressor, MLPRegressorCV
from ridgewalk.engine import memory

def resident(what):
    with open("/proc/self/status") as status:
        return [int(line.split()[1]) * 1024 for line in status if line.startswith(what)][0]

warnings.simplefilter("ignore")
x = np.random.default_rng(0).normal(size=(100, 10))
fit = eval(sys.argv[1])
fit(4)
needs = []
memory.check = lambda need, threads: needs.append(need)
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")
before = resident("VmRSS")
try:
    fit(int(sys.argv[2]))
except ValueError as diverged:
    assert "diverged" in str(diverged)
print(memory._MARGIN * max(needs) / (resident("VmHWM") - before))
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="peaks are read from /proc")
@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer has memory of its own")
@pytest.mark.parametrize(
    ("fit", "units"),
    [
        ("lambda units: MLPRegressor((units, units), max_iter=1, random_state=0).fit(x, x[:, 0])", 1000),
        (
            "lambda units: MLPRegressorCV((units, units), alphas=20, cv=3, max_iter=1, random_state=0, n_jobs=2)"
            ".fit(x, x[:, 0])",
            300,
        ),
    ],
    ids=["a fit", "a path"],
)
def test_the_estimate_is_near_what_is_taken(fit: Any, units: Any) -> None:
    ran = subprocess.run([sys.executable, "-c", _PEAK, fit, str(units)], capture_output=True, text=True, check=True)
    assert 1 <= float(ran.stdout) <= 2
