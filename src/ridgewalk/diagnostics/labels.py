"""The labels under which a diagnosis shows its numbers; JSON has them by their names."""

from __future__ import annotations

from collections.abc import Collection

SINGLE = "single_network"
"""Name of what a diagnosis says of the single network, where it judges a blend."""
LABELS = {
    "unpenalized_heldout_loss": "held-out loss without the penalty",
    "penalized_heldout_loss": "held-out loss with the penalty",
    "unpenalized_training_loss": "training loss without the penalty",
    "penalized_training_loss": "training loss with the penalty",
    "difference": "difference: held-out loss with less without",
    "difference_low": "its 95% interval, low end",
    "difference_high": "its 95% interval, high end",
    "row_error": "its standard error, part of the rows",
    "seed_error": "its standard error, part of the seeds",
    "careful_error": "allowing for other training rows: error",
    "careful_low": "allowing for other training rows: low end",
    "careful_high": "allowing for other training rows: high end",
    "smallest_effect": "smallest difference that matters",
    "null_loss": "held-out loss of the best constant",
    "rows": "held-out rows",
    "folds": "folds",
    "seeds": "seeds",
    "strength": "strength that is judged",
    "best_strength": "strength of the lowest held-out loss",
    "one_standard_error_strength": "strength that 1se chooses",
    "penalty_acts_at": "effect of the penalty over its nominal one",
    "less_linear": "held-out loss less a linear model's",
    "less_linear_error": "standard error of that",
    "less_early_stopping": "held-out loss less early stopping's",
    "less_early_stopping_error": "standard error of that",
    "less_single_network": "held-out loss less the single network's",
    "less_single_network_error": "standard error of that",
    "gain_by_calibration": "gain from better calibrated probabilities",
    "gain_by_refinement": "gain from telling classes apart better",
    "accuracy_without": "accuracy without the penalty",
    "accuracy_with": "accuracy with the penalty",
    "gain_of_l1_alone": "gain of L1 alone",
    "gain_of_l2_alone": "gain of L2 alone",
    "gain_of_both": "gain of L1 and L2 together",
    "share_of_l1": "part of that gain due to L1",
    "share_of_l2": "part of that gain due to L2",
    "gain_over_early_stopping": "gain over early stopping",
    "unpenalized_loss_at_temperature": "recalibrated held-out loss without the penalty",
    "penalized_loss_at_temperature": "recalibrated held-out loss with the penalty",
}
"""Of every number that is shown, by its name in JSON."""
_OF_SINGLE = {"penalty_acts_at", *(name for name in LABELS if name.startswith(("gain_of_", "share_of_")))}


def label(name: str, beside: Collection[str]) -> str:
    """Return the label of a number; ``beside`` names all numbers, which tell whether a blend is judged."""
    of_single = " (single network)" if SINGLE in beside and name in _OF_SINGLE else ""
    return LABELS.get(name, name.replace("_", " ")) + of_single
