"""Diagnose a training: whether it is correct, whether it converged, and whether the penalty helped.

evidence = of_path(problem, path)  or  of_jobs(without, with_penalty)        trained with the penalty and without
judge(evidence)                                                             a verdict with its interval
audit(job, train)                                                           probes of any training, from outside
"""

from __future__ import annotations

from ridgewalk.diagnostics.evidence import ConditionScores, Evidence, TrainingCurve
from ridgewalk.diagnostics.statistics import Effect, effect
from ridgewalk.diagnostics.trials import of_jobs, of_path
from ridgewalk.diagnostics.verdict import Diagnosis, Finding, judge
from ridgewalk.diagnostics.wiring import Fault, Train, Wiring, audit

__all__ = [
    "ConditionScores",
    "Diagnosis",
    "Effect",
    "Evidence",
    "Fault",
    "Finding",
    "Train",
    "TrainingCurve",
    "Wiring",
    "audit",
    "effect",
    "judge",
    "of_jobs",
    "of_path",
]
