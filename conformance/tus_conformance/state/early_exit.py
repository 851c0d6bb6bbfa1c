"""How a telling can end before its last step."""

from __future__ import annotations

from tus_reports import Verdict


class UnresolvedReference(Exception):  # noqa: N818  it is an outcome of a telling, not an error
    """A reference to something that does not exist in this telling, such as a refused upload."""


class StopScenario(Exception):  # noqa: N818  it is an outcome of a telling, not an error
    """The scenario cannot go on: `verdict` says how that counts, and `reason` why."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict: Verdict = verdict
        self.reason = reason
