"""``ridgewalk demo``: the main job on the tutorial's spiral, and the tutorial's question answered."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import typer

from ridgewalk.cli.console import out, show
from ridgewalk.losses import CrossEntropy
from ridgewalk.report.summary import summarize
from ridgewalk.selection import mean_and_error
from ridgewalk.tutorial import spiral_data

DEMO_EPOCHS = 1500


def demo(
    samples: Annotated[int, typer.Option(min=20, help="Points on each of the three arms.")] = 100,
    random_state: Annotated[int, typer.Option(min=0, help="Draws the spiral, the folds and the starts.")] = 0,
    jobs: Annotated[int, typer.Option(help="Threads; -1 is one per core.")] = -1,
) -> None:
    """Walk the path of the tutorial's spiral, and answer whether regularization helped."""
    from ridgewalk.estimators import MLPClassifierCV

    generator = np.random.default_rng(random_state)
    x, y = spiral_data(samples, 3, generator)
    fresh_x, fresh_y = spiral_data(10_000, 3, generator)
    out.print(
        f"The tutorial's spiral: {len(x)} points, 3 arms; one hidden layer of 64 units; L1 and L2 on every layer."
    )
    model = MLPClassifierCV(
        (64,),
        alphas=14,
        max_iter=DEMO_EPOCHS,
        learning_rate_init=0.03,
        random_state=random_state,
        n_jobs=jobs,
        verbose=True,
    ).fit(x, y)
    summary = summarize(model.path_, "min", ["x", "y"])
    show(summary)
    path = model.path_
    target = CrossEntropy().encode(fresh_y)
    outputs = [path.model(index).output(fresh_x) for index in (0, model.index_)]
    before, after = (CrossEntropy().values(output, target) for output in outputs)
    hits = [float((output.argmax(axis=1) == fresh_y).mean()) for output in outputs]
    change, error = mean_and_error(after - before, np.ones(len(fresh_y)))
    out.print("\n[bold]Did regularization help?[/]")
    out.print(
        f"1. {'Yes' if change + 2 * error < 0 else 'Not here'}: on {len(fresh_y):,} fresh points the log loss goes "
        f"from {before.mean():.3f} to {after.mean():.3f} ({change:+.3f} +- {error:.3f}), the accuracy from "
        f"{hits[0]:.3f} to {hits[1]:.3f}; no classifier does better than 0.213 and 0.910."
    )
    out.print(
        "2. The tutorial saw nothing because it penalized the first layer alone: a ReLU network shrinks that layer, "
        "grows the next, and computes the same. Here every layer pays."
    )
    out.print(
        "3. And SGD at rate 1 never comes to rest under that penalty, so its last epoch is left to chance. "
        "docs/tutorial.md has the figures."
    )
