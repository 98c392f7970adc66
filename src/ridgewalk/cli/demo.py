"""``ridgewalk demo``: fit a path to the tutorial's spiral, and answer the tutorial's question."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from rich.markup import escape

from ridgewalk.cli.console import err, out, show
from ridgewalk.cli.files import PAGE_FILE, reserved
from ridgewalk.cli.options import DATA, OUTPUT, AsJson, Force, Jobs, Quiet, RandomState, option, whole
from ridgewalk.cli.training import stoppable
from ridgewalk.losses import CrossEntropy
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.tutorial import spiral_data

if TYPE_CHECKING:
    from ridgewalk.estimators import MLPClassifierCV

DEMO_EPOCHS = 1500
_SHOWN_POINTS = 2_000  # fresh points on the page
_TITLE = "The tutorial's spiral: which arm is a point on?"


def demo(
    samples: Annotated[
        int, option(metavar="N", help="Points on each of the three arms.", panel=DATA, parser=whole(20))
    ] = 100,
    random_state: RandomState = 0,
    jobs: Jobs = -1,
    out_folder: Annotated[
        Path | None,
        option("--out", metavar="FOLDER", help="Output folder; default ridgewalk-results/demo.", panel=OUTPUT),
    ] = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Fit the path of the tutorial's spiral, answer whether regularization helped, and write an HTML report."""
    verbose = not (quiet or as_json)
    generator = np.random.default_rng(random_state)
    x, y = spiral_data(samples, 3, generator)
    fresh_x, fresh_y = spiral_data(10_000, 3, generator)
    if verbose:
        out.print(
            f"The tutorial's spiral: {len(x)} points, 3 arms; one hidden layer of 64 units; L1 and L2 on every layer."
        )
    model = _model(random_state, jobs, verbose)
    with reserved(out_folder, Path("demo"), force) as folder:
        with stoppable():
            model.fit(x, y)
        page = model.report(
            folder / PAGE_FILE, fresh_x[:_SHOWN_POINTS], fresh_y[:_SHOWN_POINTS], title=_TITLE, origins=["x", "y"]
        )
    summary = model.summary(["x", "y"])
    path = model.path_
    target = CrossEntropy().encode(fresh_y)
    outputs = [path.model(index).output(fresh_x) for index in (0, model.index_)]
    before, after = (CrossEntropy().values(output, target) for output in outputs)
    hits = [float((output.argmax(axis=1) == fresh_y).mean()) for output in outputs]
    change, error = (float(value) for value in mean_and_error(after - before, np.ones(len(fresh_y))))
    if as_json:
        fresh = {
            "points": len(fresh_y),
            "log_loss_without_and_with": [float(before.mean()), float(after.mean())],
            "change": {"mean": change, "standard_error": error},
            "accuracy_without_and_with": hits,
        }
        print(json.dumps(summary | {"fresh": fresh, "page": str(page)}, indent=1))
        return
    if verbose:
        show(summary)
    _answer(
        f"{'Yes' if change + 2 * error < 0 else 'Not here'}: on {len(fresh_y):,} fresh points the log loss goes "
        f"from {before.mean():.3f} to {after.mean():.3f} ({change:+.3f} +- {error:.3f}), the accuracy from "
        f"{hits[0]:.3f} to {hits[1]:.3f}; no classifier does better than 0.213 and 0.910."
    )
    if verbose:
        err.print(f"To look at: {escape(str(page))}", soft_wrap=True)


def _model(random_state: int, jobs: int | None, verbose: bool) -> MLPClassifierCV:
    """Return the tutorial's network on a path."""
    from ridgewalk.estimators import MLPClassifierCV

    return MLPClassifierCV(
        (64,),
        alphas=14,
        max_iter=DEMO_EPOCHS,
        batch_size=None,
        learning_rate_init=0.03,
        random_state=random_state,
        n_jobs=jobs,
        verbose=verbose,
    )


def _answer(measured: str) -> None:
    """Print what was measured, and why the tutorial saw no effect."""
    out.print("\n[bold]Did regularization help?[/]")
    out.print(f"1. {measured}")
    out.print(
        "2. The tutorial saw nothing because it penalized the first layer alone: a ReLU network shrinks that layer, "
        "grows the next, and computes the same. Here every layer pays."
    )
    out.print(
        "3. And SGD at rate 1 never comes to rest under that penalty, so its last epoch is left to chance. "
        "docs/tutorial.md has the figures."
    )
