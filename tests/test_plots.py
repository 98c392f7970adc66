"""Laws of the displays: what they draw is what the report says, mistakes are told, names cannot harm them."""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sklearn.exceptions import NotFittedError
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from paths import settings_of
from ridgewalk import MLPClassifier, MLPClassifierCV, MLPRegressor, MLPRegressorCV, mlp_path
from ridgewalk.engine.job import History
from ridgewalk.plots import (
    DecisionBoundaryPathDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    PartialDependencePathDisplay,
    RegularizationPathDisplay,
)
from ridgewalk.report.details import inputs_along
from ridgewalk.report.summary import summarize
from ridgewalk.tables import Encoder

matplotlib.use("Agg")

QUICK: dict[str, Any] = {"alphas": 5, "max_iter": 40, "cv": 3, "learning_rate_init": 0.03, "random_state": 0}
KINDS: list[Literal["loss", "weights", "frequency"]] = ["loss", "weights", "frequency"]
ODD = ["_private", "$x", "$y$ of {z}", "a\nb", "<b>", "", "x" * 500]


def table(columns: Any, rows: int = 80) -> Any:
    x = np.random.default_rng(0).normal(size=(rows, columns))
    names = [*ODD, *(f"column {k}" for k in range(columns))][:columns] if columns > 2 else ["first", "second"]
    return pd.DataFrame(x, columns=names), x[:, 0] + np.sin(2 * x[:, 1])


def fitted(columns: Any, kind: Any) -> Any:
    x, signal = table(columns)
    y = {"number": signal, "two": signal > 0, "three": np.digitize(signal, [-0.5, 0.5])}[kind]
    model = MLPRegressorCV if kind == "number" else MLPClassifierCV
    return model((6,), penalty="group_lasso", selection="1se", **QUICK).fit(x, y), x, y


@pytest.fixture(scope="module", params=[(2, "three"), (2, "two"), (2, "number"), (45, "number")], ids=str)
def drawn(request: pytest.FixtureRequest) -> Any:
    return fitted(*request.param)


@pytest.fixture(autouse=True)
def closed() -> Iterator[Any]:
    yield
    plt.close("all")


def told(model: Any) -> Any:
    """Return the report's summary of a fitted model."""
    names = list(model.feature_names_in_)
    summary = summarize(model.path_, model.selection, names)
    return summary, inputs_along(model.path_, names, model.index_)


def test_losses_are_the_reports(drawn: Any) -> None:
    model, *_ = drawn
    summary, _ = told(model)
    display = RegularizationPathDisplay.from_estimator(model)
    for line, name in zip(display.lines_, ["heldout_loss", "train_loss"], strict=True):
        np.testing.assert_array_equal(line.get_ydata(), [row[name] for row in summary["path"]])
        np.testing.assert_allclose(line.get_xdata()[1:], model.alphas_[1:])
        assert 0 < line.get_xdata()[0] < model.alphas_[1]  # the place of 0, apart
    top, error = summary["path"][-1]["heldout_loss"], summary["path"][-1]["standard_error"]
    assert display.fill_between_[0].get_paths()[0].vertices[:, 1].max() >= top + error - 1e-12
    marked = sorted(line.get_xdata()[0] for line in display.marks_)
    strengths = sorted({model.alpha_min_, model.alpha_1se_, model.alpha_})
    np.testing.assert_allclose(marked, [s or display.lines_[0].get_xdata()[0] for s in strengths])
    labels = [tick.get_text() for tick in display.top_axis_.get_xticklabels()]
    assert set(labels) <= {f"{row['inputs_kept']}\n{row['weights_kept']:,}" for row in summary["path"]}
    assert display.ax_.get_xticklabels()[0].get_text() == "0"


def test_weights_and_frequencies_are_the_reports(drawn: Any) -> None:
    model, *_ = drawn
    _, inputs = told(model)
    lines = RegularizationPathDisplay.from_estimator(model, kind="weights").lines_
    np.testing.assert_array_equal([line.get_ydata() for line in lines], np.transpose(inputs["importance"]))
    mesh = RegularizationPathDisplay.from_estimator(model, kind="frequency").mesh_
    np.testing.assert_array_equal(mesh.get_array(), np.transpose(inputs["frequency"]))


CROWDS = {
    "many": np.geomspace(1e-5, 1, 60),
    "close": np.linspace(0.01, 0.02, 30),
    "uneven": np.array([1e-6, 0.1, 0.1001, 0.1002, 0.11, 3]),
    "two": np.array([0.01, 0.1]),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("crowd", CROWDS)
def test_labels_stand_apart_and_inside_the_figure(crowd: Any, kind: Any) -> None:
    x, signal = table(45, rows=30)
    route = settings_of((2,), max_iter=2)
    path = mlp_path(x, signal, settings=route, alphas=CROWDS[crowd], cv=2)
    display = RegularizationPathDisplay.from_path(path, kind=kind, feature_names=x.columns)
    figure = display.figure_
    figure.canvas.draw()
    axes = [display.ax_.xaxis, display.ax_.yaxis, *([display.top_axis_.xaxis] if display.top_axis_ else [])]
    for axis in axes:
        low, high = sorted(display.ax_.get_ylim() if axis is axes[1] else display.ax_.get_xlim())
        told = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
        boxes = [
            label.get_window_extent() for place, label in told if low <= place <= high and label.get_text().strip()
        ]
        assert len(boxes) > 1
        assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
        assert all(box.x0 >= 0 and box.y0 >= 0 for box in boxes)
        assert all(box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_odd_names_are_drawn_as_they_are(kind: Any) -> None:
    model, *_ = fitted(7, "two")
    display = RegularizationPathDisplay.from_estimator(model, kind=kind)
    display.figure_.canvas.draw()
    if kind != "loss":
        legend = display.ax_.get_legend()
        assert legend is not None
        names = [text.get_text() for text in legend.get_texts()]
        seen = [each.strip() for each in names + [tick.get_text() for tick in display.ax_.get_yticklabels()]]
        assert {"_private", r"\$x", r"\$y\$ of {z}", "a b", "<b>"} <= set(seen)
        assert max(map(len, seen)) < 60


@pytest.mark.slow
def test_the_users_own_axes_names_pipelines_and_paths() -> None:
    model, x, y = fitted(2, "three")
    _, axes = plt.subplots(1, 3)
    for ax, kind in zip(axes, KINDS, strict=True):
        assert RegularizationPathDisplay.from_estimator(model, kind=kind, ax=ax).ax_ is ax
    joined = RegularizationPathDisplay.from_estimator(model, kind="weights", feature_names=["one", "one"])
    assert [line.get_label() for line in joined.lines_] == ["one"]
    names = ["the scaler's first", "the scaler's second"]
    pipeline = make_pipeline(StandardScaler(), MLPClassifierCV((4,), **QUICK)).fit(x.set_axis(names, axis=1), y)
    display = RegularizationPathDisplay.from_estimator(pipeline, kind="weights")
    assert sorted(line.get_label() for line in display.lines_) == names
    path = mlp_path(x, y, settings=settings_of((4,), max_iter=20), alphas=3, cv=3)
    display = RegularizationPathDisplay.from_path(path, selection="1se")
    assert display.summary == summarize(path, "1se")
    assert display.plot(kind="frequency").mesh_ is not None


@pytest.mark.slow
def test_strengths_that_repeat_stand_side_by_side() -> None:
    x, signal = table(4)
    model = MLPRegressorCV((6,), relax=True, **QUICK).fit(x, signal)
    arms = [arm.path for arm in model.input_selection_.arms if (np.diff(arm.path.alphas) <= 0).any()]
    assert arms
    for kind in KINDS:
        display = RegularizationPathDisplay.from_path(arms[0], kind=kind)
        display.figure_.canvas.draw()
        assert display.ax_.get_xscale() == "linear"


@pytest.mark.slow
def test_one_strength_is_drawn() -> None:
    x, signal = table(2)
    model = MLPRegressorCV((4,), **{**QUICK, "alphas": "qut", "max_iter": 20}).fit(x, signal)
    for kind in KINDS:
        display = RegularizationPathDisplay.from_estimator(model, kind=kind)
        display.figure_.canvas.draw()
        assert display.ax_.lines or display.ax_.collections or display.ax_.patches, kind


@pytest.mark.filterwarnings("ignore:Training ended")
@pytest.mark.parametrize("more", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_the_curve_is_the_trainings(more: Any) -> None:
    x, signal = table(3)
    model = MLPClassifier((4,), alpha=0.01, max_iter=20, random_state=0, **more).fit(x, signal > 0)
    lines = {line.get_label(): line for line in LossCurveDisplay.from_estimator(model).lines_}
    np.testing.assert_array_equal(lines["training loss"].get_ydata(), model.loss_curve_)
    np.testing.assert_array_equal(lines["penalty"].get_ydata(), model.penalty_curve_)
    assert ("validation loss" in lines) == ("early_stopping" in more)
    assert (np.diff(lines["penalty"].get_xdata()) == 1).all()


def test_the_curve_goes_on_with_every_part_of_a_training() -> None:
    x, signal = table(3)
    model = MLPRegressor((4,), alpha=0.01, random_state=0)
    for _ in range(3):
        model.partial_fit(x, signal)
    for line in LossCurveDisplay.from_estimator(model).lines_:
        assert len(line.get_ydata()) == 3


@pytest.mark.parametrize("kind", ["three", "number"])
def test_the_curve_of_a_path_ends_where_the_path_did(kind: Any) -> None:
    model, *_ = fitted(2, kind)
    for index, asked in ((model.index_, None), (1, model.alphas_[1])):
        display = LossCurveDisplay.from_estimator(model, alpha=asked)
        assert np.asarray(display.iterations)[-1] == model.max_iter
        path = model.path_
        total = np.asarray(display.data_loss)[-1] + np.asarray(display.penalty)[-1]
        assert total == pytest.approx(path.objective[index, :-1].mean(), rel=1e-5)
        if kind == "three":  # its losses have no unit to be brought back to
            assert display.validation_loss is not None
            assert np.asarray(display.validation_loss)[-1] == pytest.approx(path.heldout_loss[index].mean(), rel=1e-5)


def test_a_history_is_drawn_as_far_as_it_goes() -> None:
    losses = np.array([[3.0, 2.0, np.nan], [3.0, 1.0, 0.5]])
    history = History(np.array([0, 5, 10]), losses, losses / 10, np.full((2, 3), np.nan), np.zeros((2, 3, 1)), losses)
    lines = LossCurveDisplay.from_history(history, run=1).lines_
    assert [line.get_label() for line in lines] == ["training loss", "penalty"]
    np.testing.assert_array_equal(lines[0].get_xdata(), [0, 5, 10])
    np.testing.assert_array_equal(lines[0].get_ydata(), losses[1])


@pytest.mark.parametrize("kind", ["two", "three", "number"])
def test_the_plane_is_what_the_model_predicts(kind: Any) -> None:
    model, x, y = fitted(2, kind)
    display = DecisionBoundaryPathDisplay.from_estimator(model, x, y, alphas=[0, model.alpha_], grid_resolution=20)
    assert len(display.axes_) == len(display.displays_) == 2
    assert "strength 0\n" in display.titles[0] + "\n"
    assert "chosen" in display.titles[1]
    shown = display.displays_[1]
    points = pd.DataFrame({"first": shown.xx0.ravel(), "second": shown.xx1.ravel()})
    if kind == "two":
        np.testing.assert_allclose(shown.response.ravel(), model.predict_proba(points)[:, 1], atol=2e-3)
    elif kind == "number":
        np.testing.assert_allclose(shown.response.ravel(), model.predict(points), atol=0.02)
    else:
        assert (model.classes_[shown.response.ravel()] == model.predict(points)).mean() > 0.99
    drawn = sum(len(scatter.get_offsets()) for scatter in display.scatters_)
    assert drawn == 2 * len(x)


def test_the_strengths_of_the_plane_hold_the_chosen_one_and_fit_the_users_axes() -> None:
    model, x, y = fitted(2, "two")
    display = DecisionBoundaryPathDisplay.from_estimator(model)
    assert any("chosen" in title for title in display.titles)
    assert display.titles[0].startswith("strength 0")
    assert not display.scatters_
    _, ax = plt.subplots()
    assert DecisionBoundaryPathDisplay.from_estimator(model, x, y, alphas=0.01, ax=ax).axes_[0] is ax
    with pytest.raises(ValueError, match="2 strengths to draw, and 1 axes"):
        DecisionBoundaryPathDisplay.from_estimator(model, alphas=[0, 1], ax=ax)


def mistakes() -> Any:
    model, x, y = fitted(2, "two")
    wide, *_ = fitted(7, "two")
    numbers = np.column_stack([x["first"], x["second"]])
    several = MLPRegressorCV((4,), **QUICK).fit(x, numbers)
    raw = MLPClassifierCV((4,), standardize=False, **QUICK).fit(x, y)
    linear = MLPRegressor(()).fit(x, numbers[:, 0])
    sequential = MLPClassifierCV((4,), schedule="sequential", **QUICK).fit(x, y)
    stepped = MLPClassifier((4,), max_iter=5, learning_rate="cosine").fit(x, y)
    search = GridSearchCV(MLPClassifierCV(), {"l1_ratio": [0.5]})
    path: Any = RegularizationPathDisplay.from_estimator
    boundary: Any = DecisionBoundaryPathDisplay.from_estimator
    curve: Any = LossCurveDisplay.from_estimator
    return [
        (lambda: path(MLPClassifierCV()), NotFittedError, "not fitted yet"),
        (lambda: path(make_pipeline(StandardScaler(), MLPClassifierCV())), NotFittedError, "not fitted yet"),
        (lambda: path(LogisticRegression()), TypeError, "MLPClassifierCV or MLPRegressorCV.*got LogisticRegression"),
        (lambda: path(search), TypeError, "got GridSearchCV.*best_estimator_"),
        (lambda: path(model.compact()), ValueError, "compacted model holds no path"),
        (lambda: path(model, kind="bars"), ValueError, "\"loss\", \"weights\" or \"frequency\", got 'bars'"),
        (lambda: path(model, feature_names=["one"]), ValueError, "name for each of the 2 columns, got 1"),
        (lambda: curve(MLPClassifier()), NotFittedError, "not fitted yet"),
        (lambda: curve(model.compact()), ValueError, "compacted model holds no path"),
        (lambda: curve(pickle.loads(pickle.dumps(model))), ValueError, "draw a curve, the rows of the fit are needed"),
        (lambda: curve(sequential), ValueError, 'plain path with schedule="ramp"'),
        (lambda: curve(model, alpha=-1), ValueError, "at least 0, got -1"),
        (lambda: curve(stepped, alpha=1), ValueError, "has one strength: leave it out"),
        (lambda: curve(linear), ValueError, "2 points or more, and this training recorded 1"),
        (lambda: boundary(wide), ValueError, "two inputs, and this model has 7"),
        (lambda: boundary(several), ValueError, "one label or one number"),
        (lambda: boundary(raw), ValueError, "it needs X and y"),
        (lambda: boundary(model, x), ValueError, "X and y together"),
        (lambda: boundary(model, alphas=[-1]), ValueError, "at least 0, got"),
        (lambda: boundary(make_pipeline(model)), TypeError, "last step of the pipeline"),
    ]  # fmt: skip


@pytest.mark.slow
def test_mistakes_are_told() -> None:
    for attempt, kind, sentence in mistakes():
        with pytest.raises(kind, match=sentence):
            attempt()
    assert not plt.get_fignums()


@pytest.mark.slow
def test_matplotlib_waits_until_it_is_needed_and_where_it_is_missing_it_is_said_how_to_install_it() -> None:
    code = """
import sys
import ridgewalk.plots as plots
assert "matplotlib" not in sys.modules
sys.modules["matplotlib"] = None
for name in plots.__all__:
    try:
        getattr(plots, name).from_estimator(None)
    except ImportError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["The pictures are drawn by matplotlib: pip install matplotlib"] * 5


def test_the_lines_of_a_partial_dependence_are_scikit_learns() -> None:
    model, x, _ = fitted(3, "two")
    display = PartialDependencePathDisplay.from_estimator(model, features=[ODD[0], ODD[1]])
    assert [panel.get_title() for panel in display.axes_] != []
    for lines, effect in zip(display.lines_, display.effects["inputs"], strict=True):
        grid, drawn = lines[0].get_data()
        column = list(x.columns).index(effect["name"])
        wanted = partial_dependence(model, x, [column], method="brute", custom_values={column: grid})["average"][0]
        np.testing.assert_allclose(drawn, wanted, rtol=1e-3)  # four digits are drawn
    display.figure_.canvas.draw()


@pytest.mark.parametrize("kind", ["three", "number"])
def test_a_partial_dependence_has_a_line_for_each_class(kind: Any) -> None:
    model, x, _ = fitted(4, kind)
    display = PartialDependencePathDisplay.from_estimator(model, x, alpha=0)
    assert display.alpha == 0
    assert {len(lines) for lines in display.lines_} == {3 if kind == "three" else 1}
    assert len(display.axes_) == 4
    _, ax = plt.subplots(1, 4)
    assert PartialDependencePathDisplay.from_estimator(model, x, alpha=0, ax=ax).axes_[0] is ax[0]


def test_a_partial_dependence_shows_levels() -> None:
    frame = pd.DataFrame({"size": np.arange(60.0) % 7, "trade": ["office", "farming", "transport"] * 20})
    encoder = Encoder().fit(frame)
    model = MLPRegressorCV((4,), **QUICK).fit(encoder.transform(frame), 3.0 * (frame["trade"] == "farming"))
    display = PartialDependencePathDisplay.from_estimator(model, encoder=encoder)
    panel = next(each for each in display.axes_ if each.get_title() == "trade")
    assert [label.get_text() for label in panel.get_xticklabels()] == ["farming", "office", "transport"]
    with pytest.raises(ValueError, match="give the encoder that made them"):
        PartialDependencePathDisplay.from_estimator(
            MLPRegressorCV((4,), **QUICK).fit(pd.DataFrame([[1.0]] * 60, columns=["a"]), frame["size"]), features=[]
        )


@pytest.mark.parametrize(("columns", "kind"), [(3, "three"), (45, "number")])
def test_a_network_is_drawn_with_exactly_its_links(columns: Any, kind: Any) -> None:
    model, _, _ = fitted(columns, kind)
    path = model.path_
    for s, alpha in enumerate(path.alphas):
        display = NetworkDisplay.from_estimator(model, alpha=alpha, max_links=100)
        live = sum(np.count_nonzero(w) for w in path.model(s).compact().parameters[::2])
        assert len(display.links.weight) == live
        assert len(display.links_.get_segments()) == min(live, 100)
        assert f"{live:,} link" in display.ax_.get_title()
        assert ("largest drawn" in display.ax_.get_title()) == (live > 100)
        display.figure_.canvas.draw()


def test_what_the_new_displays_cannot_draw_is_said() -> None:
    model, x, _ = fitted(3, "two")
    with pytest.raises(ValueError, match="max_links is a whole number of 1 or more, got 0"):
        NetworkDisplay.from_estimator(model, max_links=0)
    with pytest.raises(ValueError, match="features are names of inputs"):
        PartialDependencePathDisplay.from_estimator(model, features=["nobody"])
    with pytest.raises(ValueError, match="X has the 3 columns of the fit"):
        PartialDependencePathDisplay.from_estimator(model, np.asarray(x)[:, :2])
    with pytest.raises(ValueError, match="3 inputs to draw, and 1 axes"):
        PartialDependencePathDisplay.from_estimator(model, alpha=0, ax=plt.subplots()[1])
    with pytest.raises(ValueError, match="rows of the fit are needed"):
        PartialDependencePathDisplay.from_estimator(pickle.loads(pickle.dumps(model)))
    with pytest.raises(TypeError, match="NetworkDisplay draws a fitted"):
        NetworkDisplay.from_estimator(LogisticRegression())
