"""The diagnosis: findings from the rules, sentences from the wording, and the headline."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict, dataclass
from typing import Any, TypedDict

from ridgewalk.diagnostics.evidence import Evidence
from ridgewalk.diagnostics.findings import Numbers, finite
from ridgewalk.diagnostics.labels import label
from ridgewalk.diagnostics.rules import Case
from ridgewalk.diagnostics.wording import claimed, headline, in_words
from ridgewalk.formatting import format_number
from ridgewalk.markup import element, list_of_findings, table


@dataclass(frozen=True)
class Finding:
    """A finding of a diagnosis.

    Attributes
    ----------
    letter, name : str
        Such as "e" and "helps"; the letters are those of decision 0008.
    speaks : bool
        Whether it can be the headline; others accompany it.
    sentence, advice : str
        What was found, and what to do next.
    numbers : dict
        The numbers behind it.
    probable : bool
        Whether it is only probable: the interval that also allows for other training rows contains 0.
    """

    letter: str
    name: str
    speaks: bool
    sentence: str
    advice: str
    numbers: Numbers
    probable: bool = False

    @property
    def claim(self) -> str:
        """Its name as it is shown: "probably helps" where it is no more than probable."""
        return claimed(self.name, self.probable)


class FindingData(TypedDict):
    """A finding as plain data for JSON, with the fields of :class:`Finding`."""

    letter: str
    name: str
    speaks: bool
    sentence: str
    advice: str
    numbers: Numbers
    probable: bool


class DiagnosisData(TypedDict):
    """A diagnosis as JSON has it."""

    verdict: str
    headline: str
    findings: list[FindingData]
    numbers: Numbers


@dataclass(frozen=True)
class Diagnosis:
    """The result of a diagnosis. Print it for the findings and numbers.

    Attributes
    ----------
    headline : str
        The verdict in one sentence.
    findings : tuple of Finding
        The verdict, findings that accompany it, and the findings of later checks.
    numbers : dict
        Losses with their intervals, counts and strengths, as plain data for JSON.
    """

    headline: str
    findings: tuple[Finding, ...]
    numbers: Numbers

    @property
    def verdict(self) -> str:
        """Name of the first finding, such as "helps"; ``findings[0].probable`` says whether it is only probable."""
        return self.findings[0].name

    def holds(self, name: str) -> bool:
        """Return whether there is a finding with this name."""
        return any(finding.name == name for finding in self.findings)

    def to_dict(self) -> DiagnosisData:
        """Return the diagnosis as plain data; numbers that are not finite become None."""
        ready = _ready(asdict(self))
        return {
            "verdict": self.verdict,
            "headline": self.headline,
            "findings": ready["findings"],
            "numbers": ready["numbers"],
        }

    def to_json(self) -> str:
        """Return the diagnosis as JSON text."""
        return json.dumps(self.to_dict(), indent=1)

    def __str__(self) -> str:
        wrap = textwrap.TextWrapper(100, subsequent_indent="  ")
        lines = [self.headline, ""]
        for finding in self.findings:
            sentence = f": {finding.sentence}" if finding is not self.findings[0] else "."
            lines += wrap.wrap(f"- {finding.claim}{sentence} Next: {finding.advice}")
        rows = self._table()
        width = max((len(name) for name, _ in rows), default=0)
        lines += ["", *(f"  {name:<{width}} {value}" for name, value in rows)]
        return "\n".join(lines)

    def _table(self) -> list[tuple[str, str]]:
        """Write the plain numbers, by their labels."""
        plain = [(name, value) for name, value in self.numbers.items() if isinstance(value, int | float)]
        return [
            (label(name, self.numbers), f"{value:,}" if isinstance(value, int) else format_number(value, 4))
            for name, value in plain
        ]

    def _repr_html_(self) -> str:
        """Return the display in notebooks: headline, findings, and numbers to unfold."""
        found = list_of_findings(
            (finding.claim, "" if finding is self.findings[0] else finding.sentence, finding.advice)
            for finding in self.findings
        )
        numbers = table(("number", "value"), self._table())
        return f"{element('p', self.headline)}{found}<details><summary>Numbers</summary>{numbers}</details>"


def judge(evidence: Evidence) -> Diagnosis:
    """Apply the rules to the evidence, and write the findings in words.

    Returns
    -------
    Diagnosis
    """
    case = Case(evidence)
    found = case.found()
    findings = (
        Finding(each.letter, each.name, each.speaks, wording.sentence, wording.advice, each.numbers, each.probable)
        for each, wording in ((each, in_words(each)) for each in found)
    )
    return Diagnosis(headline(found), tuple(findings), case.numbers())


def _ready(value: Any) -> Any:
    """Make plain data ready for JSON, which knows no number that is not finite."""
    if isinstance(value, dict):
        return {name: _ready(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_ready(each) for each in value]
    return finite(value) if isinstance(value, float) else value
