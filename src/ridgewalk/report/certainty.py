"""How clear the best strength is, and the curves of held-out losses that the choice was made from."""

from __future__ import annotations

import numpy as np

from ridgewalk.formatting import format_number
from ridgewalk.objective import weighted_mean
from ridgewalk.path.confidence import Band, ConfidenceSet
from ridgewalk.path.dependence import mean_and_error
from ridgewalk.path.input_selection import RIDGES, Candidate, InputSelection
from ridgewalk.path.result import MLPPath
from ridgewalk.path.selection import Choice
from ridgewalk.report.rounding import rounded
from ridgewalk.report.schema import AsGood, CandidateCurve, Certainty


def certainty(path: MLPPath, choice: Choice) -> Certainty:
    """Compare every strength with the minimum, on the same rows, by what strengths are chosen by."""
    table, weights = path.choice_table
    with np.errstate(invalid="ignore"):
        less = table.row_loss - table.row_loss[choice.minimum]
        difference, error = mean_and_error(less, weights, table.dependence)
    within = np.flatnonzero(np.isfinite(difference) & (difference <= np.where(np.isfinite(error), error, 0)))
    band, members = _simultaneous(path)
    return {
        "minimum": choice.minimum,
        "difference": rounded(difference),
        "error": rounded(error),
        "within": within.tolist(),
        "level": None if members is None else float(members.level),
        "band": None if band is None else [rounded(band.low), rounded(band.high)],
        "members": None if members is None else np.flatnonzero(members.members).tolist(),
    }


def _simultaneous(path: MLPPath) -> tuple[Band | None, ConfidenceSet | None]:
    """Return the band of the held-out curve and the confidence set of strengths; None where every curve diverged."""
    return (path.band(), path.confidence_set()) if path.has_whole_strength else (None, None)


def strengths_as_good(path: MLPPath) -> AsGood | None:
    """Return which strengths of a path may be the best; None where there are no two, or every one diverged.

    Of refits, which repeat a strength under several ridges, a strength counts once.
    """
    count = len(np.unique(path.alphas))
    if count < 2 or not path.has_whole_strength:
        return None
    found = path.confidence_set()
    members = np.unique(path.alphas[found.members])
    return {
        "level": float(found.level),
        "low": float(members[0]),
        "high": float(members[-1]),
        "members": len(members),
        "of": count + len(path.dropped.alphas),
        "dropped": len(path.dropped.alphas),
        "scored": path.heldout_score is not None,
    }


def candidate_curves(path: MLPPath, selection: InputSelection | None) -> list[CandidateCurve]:
    """Return every curve of held-out losses: that of a path; or those of a selection's arms, chosen refits by ridge."""
    if selection is None:
        order = np.argsort(path.alphas, kind="stable")
        return [_curve("held-out loss", path, order.tolist(), own=True)]
    curves = []
    for candidate in selection.arms:
        own = candidate.name == selection.chosen.name
        shown = selection.chosen.path if own else candidate.path
        if own and candidate.is_of_refits:
            curves += _ridges(candidate, shown)
        else:
            curves.append(_curve(candidate.name, shown, _lowest_by_ridge(candidate), own))
    return curves


def _lowest_by_ridge(candidate: Candidate) -> list[int] | None:
    """Return the entry of lowest loss at each strength of refits, whatever its ridge; None of another path."""
    if not candidate.is_of_refits:
        return None
    path, count = candidate.path, len(RIDGES)
    loss = weighted_mean(path.row_loss, path.row_weights).reshape(-1, count)
    return [count * k + int(ridge) for k, ridge in enumerate(np.argmin(loss, axis=1))]


def _ridges(candidate: Candidate, path: MLPPath) -> list[CandidateCurve]:
    """Return a curve of refits for every ridge; a path's strengths each come with every one, in order."""
    count = len(RIDGES)
    names = [f"{candidate.name}, ridge {format_number(ridge)}" for ridge in RIDGES]
    return [_curve(name, path, list(range(k, len(path.alphas), count)), own=True) for k, name in enumerate(names)]


def _curve(name: str, path: MLPPath, entries: list[int] | None, own: bool) -> CandidateCurve:
    places = list(range(len(path.alphas))) if entries is None else entries
    loss, error = mean_and_error(path.row_loss[places], path.row_weights, path.dependence)
    return {
        "name": name,
        "alphas": [float(path.alphas[k]) for k in places],
        "heldout_loss": rounded(loss, 5),
        "standard_error": rounded(error),
        "entries": places if own else None,
    }
