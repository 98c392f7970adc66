"""scikit-learn's own tests of its networks, run on ours: nothing of them is changed but the line that imports."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sklearn

from amounts import long

IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor\n"
OURS = "from ridgewalk.estimators import MLPClassifier, MLPRegressor\n"

# Decision 0018 has a line on each.
DIFFERENT = {
    "test_fit",
    "test_gradient",
    "test_lbfgs_classification_maxfun[X1-y1]",
    "test_partial_fit_regression",
    "test_nonfinite_params",
    "test_n_iter_no_change",
    "test_mlp_loading_from_joblib_partial_fit",
    "test_mlp_diverging_loss",
}
BY_THE_LAST_BITS = {"test_predict_proba_multilabel"}  # it asks how log(p) is rounded, and may pass on another processor


@long
@pytest.mark.slow
@pytest.mark.skipif(sklearn.__version__ != "1.9.1", reason="the list is that of scikit-learn 1.9.1")
def test_all_but_the_named_ones_pass(tmp_path: Path) -> None:
    found = find_spec("sklearn.neural_network.tests.test_mlp")
    assert found is not None
    assert found.origin is not None
    source = Path(found.origin).read_text(encoding="utf-8")
    assert source.count(IMPORT) == 1
    (tmp_path / "test_mlp.py").write_text(source.replace(IMPORT, OURS), encoding="utf-8")
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "test_mlp.py", "-q", "-p", "no:cacheprovider", "-p", "sklearn.conftest"]
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "SKLEARN_"))}
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", f"--junit-xml={report}"],
        cwd=tmp_path, env=settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert report.exists(), done.stdout + done.stderr
    outcomes = {
        case.attrib["name"]: {child.tag for child in case} & {"failure", "error", "skipped"}
        for case in ElementTree.parse(report).iter("testcase")
    }
    assert len(outcomes) == 59
    assert not [name for name, outcome in outcomes.items() if outcome - {"failure"}], done.stdout
    failed = {name for name, outcome in outcomes.items() if outcome}
    assert failed - BY_THE_LAST_BITS == DIFFERENT, done.stdout
