"""A walked path as plain data: one dictionary that the terminal, the files and the page all read."""

from __future__ import annotations

from typing import Any

import numpy as np

from ridgewalk.objective import weighted_mean
from ridgewalk.path import MLPPath
from ridgewalk.selection import Rule, choose, mean_and_error


def summarize(path: MLPPath, rule: Rule, origins: list[str] | None = None) -> dict[str, Any]:
    """Describe a path: strength by strength, what was chosen, which inputs are kept and how often.

    Parameters
    ----------
    path : MLPPath
    rule : "min" or "1se"
    origins : list of str, optional
        Name of the input that each of the path's columns came from; columns of one name count as one input.

    Returns
    -------
    dict
        Of numbers, strings and lists alone, ready for JSON. Losses are held-out means without any penalty.
    """
    names = origins or [f"input {k + 1}" for k in range(path.inputs_kept.shape[-1])]
    inputs = list(dict.fromkeys(names))
    columns = [[k for k, name in enumerate(names) if name == wanted] for wanted in inputs]
    kept = np.stack([path.inputs_kept[..., each].any(axis=-1) for each in columns], axis=-1)
    choice = choose(path.row_loss, path.row_weights, rule)
    loss, error = mean_and_error(path.row_loss, path.row_weights)
    gain, gain_error = mean_and_error(path.row_loss[choice.chosen] - path.row_loss[0], path.row_weights)
    rows = []
    for s, alpha in enumerate(path.alphas):
        seed = path.best_seed(s)
        rows.append(
            {
                "alpha": float(alpha),
                "heldout_loss": _number(loss[s]),
                "standard_error": _number(error[s]),
                "train_loss": _number(path.train_loss[s, -1, seed]),
                "objective": _number(path.objective[s, -1, seed]),
                "penalty": _number(path.penalty[s, -1, seed]),
                "zeros": float(path.zeros[s, -1, seed]),
                "inputs_kept": int(kept[s, -1, seed].sum()),
                "units_kept": int(path.units_kept[s, -1, seed]),
                "diverged": int(path.diverged[s].sum()),
                "marks": [
                    mark for mark, index in (("min", choice.minimum), ("1se", choice.one_standard_error)) if index == s
                ],
            }
        )
    seed = path.best_seed(choice.chosen)
    frequency = kept[choice.chosen, :-1].mean(axis=(0, 1))
    return {
        "loss": type(path.loss).__name__,
        "rows": int((path.row_weights > 0).sum()),
        "folds": path.heldout_loss.shape[1],
        "seeds": path.heldout_loss.shape[2],
        "fits": int(np.prod(path.train_loss.shape)),
        "null_loss": float(weighted_mean(path.null_row_loss, path.row_weights)),
        "selection": rule,
        "alpha": float(path.alphas[choice.chosen]),
        "index": choice.chosen,
        "change_from_no_penalty": {"mean": _number(gain), "standard_error": _number(gain_error)},
        "inputs": [
            {
                "name": name,
                "kept": bool(kept[choice.chosen, -1, seed, k]),
                "kept_in_folds": float(frequency[k]),
            }
            for k, name in enumerate(inputs)
        ],
        "path": rows,
    }


def _number(value: Any) -> float | None:
    """Give a number that JSON knows."""
    return float(value) if np.isfinite(value) else None
