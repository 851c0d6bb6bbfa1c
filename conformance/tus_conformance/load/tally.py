"""What a run counts besides requests; the tallies of several workers add up."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

from tus_conformance.load.content import Difference, describe_number
from tus_reports.load_result import LoadCounts, LoadFinding

MAX_FINDINGS = 50
"""How many findings a run describes; all are counted."""

COUNTS = LoadCounts.__struct_fields__


class Tally:
    """The counts of one process since they were last taken, or those of a whole run."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.findings: list[LoadFinding] = []
        self.unverified: Counter[str] = Counter()

    def count(self, name: str, number: int = 1) -> None:
        """Add to one of LoadCounts."""
        assert name in COUNTS, name
        self.counts[name] += number

    def verified(self, size: int) -> None:
        """Count an upload whose bytes were all compared, and are right."""
        self.count("uploads_verified")
        self.count("bytes_verified", size)

    def wrong(
        self, kind: Literal["lost", "mixed"], size: int, number: int, url: str, sentence: str
    ) -> None:
        """Count bytes that are lost or mixed up, and describe the finding."""
        self.count(f"uploads_{kind}")
        self.count(f"bytes_{kind}", size)
        if len(self.findings) < MAX_FINDINGS:
            place = url.partition("?")[0]
            self.findings.append(LoadFinding(kind, describe_number(number), place, sentence))

    def different(self, difference: Difference, number: int, url: str) -> None:
        """Count what a comparison found."""
        self.wrong(difference.kind, difference.size, number, url, difference.sentence)

    def not_verified(self, size: int, reason: str) -> None:
        """Count a complete upload whose bytes could not be compared, with the reason."""
        self.count("uploads_unverified")
        self.count("bytes_unverified", size)
        self.unverified[reason] += 1

    def take(self) -> dict[str, Any]:
        """Return everything as plain data, and start again at nothing."""
        taken = {
            "counts": dict(self.counts),
            "unverified": dict(self.unverified),
            "findings": [
                [each.kind, each.upload, each.url, each.sentence] for each in self.findings
            ],
        }
        self.clear()
        return taken

    def add(self, taken: dict[str, Any]) -> None:
        """Add what another process took."""
        self.counts.update(taken["counts"])
        self.unverified.update(taken["unverified"])
        room = MAX_FINDINGS - len(self.findings)
        self.findings += [LoadFinding(*each) for each in taken["findings"][:room]]

    def clear(self) -> None:
        """Start again at nothing."""
        self.counts, self.findings, self.unverified = Counter(), [], Counter()

    def to_counts(self) -> LoadCounts:
        """Return the counts as they are recorded."""
        return LoadCounts(**{name: self.counts[name] for name in COUNTS})
