"""The invariants of a run, all of which look at each exchange as it ends."""

from __future__ import annotations

from collections.abc import Sequence

from tus_conformance.evaluation.attribution import OFFSET_REQUIREMENTS
from tus_conformance.evaluation.created_urls import CreatedUrls
from tus_conformance.evaluation.invariant import InvariantResult, Observation
from tus_conformance.evaluation.invariants import (
    BODY_LIMIT,
    CREATION_SUCCEEDS,
    PATCH_SUCCEEDS,
    SERVER_KEEPS_RUNNING,
    invariants,
)
from tus_conformance.evaluation.upload_history import UploadHistory
from tus_conformance.state.step_response import StepResponse
from tus_conformance.targets.trace import LastExchanges
from tus_conformance.transport import HttpRequest
from tus_reports import Check, Exchange
from tus_scenarios import Scenario

_SUCCESS_INVARIANTS = {"POST": CREATION_SUCCEEDS, "PATCH": PATCH_SUCCEEDS}
"""The invariants that a server error breaks, by method; HEAD is evaluated where it is sent."""


class InvariantMonitor:
    """Every invariant of a run; `observe` is called with each exchange.

    `is_concurrent` says that scenarios run at once: a server error may be the others' doing then.
    """

    def __init__(self, *, is_concurrent: bool = False) -> None:
        self._is_concurrent = is_concurrent
        self._urls = CreatedUrls()
        self.invariants = invariants(self._urls)
        self._history = UploadHistory()

    def record_server_exit(
        self, during: Sequence[str], exit_description: str, end: LastExchanges
    ) -> None:
        """Record that the server's process ended during the latest of these scenarios.

        Before the first scenario it ended during discovery.
        """
        self._urls.clear()
        keeps_running = next(each for each in self.invariants if each.id == SERVER_KEEPS_RUNNING)
        place = " or ".join(during if len(during) > 1 else ("discovery", *during))
        details = (
            f"{exit_description.rstrip('.')}; {end.summary}" if end.summary else exit_description
        )
        keeps_running.add_server_exit(during, f"{details} (in {place})", end.exchanges)

    def record_removal(self, url: str) -> None:
        """Record that an upload was removed outside a scenario."""
        self._urls.remove(url)

    def record_body_limit(
        self, accepted: int | None, refused: int | None, end: Exchange | None
    ) -> None:
        """Record what the probe saw of a limit on request bodies, in bytes; None where nothing."""
        invariant = next(each for each in self.invariants if each.id == BODY_LIMIT)
        expected = "a request body as large as the upload"
        if refused is not None:
            actual = f"a body of {refused} bytes is refused with 413, one of {accepted} is accepted"
            invariant.add_result(InvariantResult("warn", expected, actual), end)
        elif accepted is not None:
            invariant.add_result(InvariantResult("pass"), end)

    def record_server_error(self, scenario: Scenario, reply: StepResponse) -> None:
        """Record that a request which prepares a scenario got a server error.

        The scenario is blocked by it. A server that is out of order for one request only would
        otherwise be charged with nothing.
        """
        name = _SUCCESS_INVARIANTS.get(reply.method)
        if name is None:
            return
        invariant = next(each for each in self.invariants if each.id == name)
        expected = "success for a valid request"
        actual = f"{reply.method} got {reply.status}"
        if self._is_concurrent:
            result = InvariantResult("warn", expected, f"{actual} while other scenarios ran")
        else:
            result = InvariantResult("fail", expected, actual, "server-error")
        invariant.add_violation(scenario, result, reply.http_response.exchange)

    def observe(self, scenario: Scenario, http_request: HttpRequest, reply: StepResponse) -> None:
        """Look at one exchange with every invariant."""
        override = [
            value
            for name, value in http_request.headers
            if name.lower() == "x-http-method-override"
        ]
        overridden = bool(override) and not reply.creates_upload
        method = override[0].upper() if overridden else http_request.method
        facts = self._history.find(http_request.url)
        observation = Observation(method, http_request, reply, facts)
        for invariant in self.invariants:
            invariant.observe_exchange(scenario, observation)
        self._history.add_exchange(scenario, method, http_request, reply)

    def find_failure(self) -> Check | None:
        """Return the first check of an invariant that no scenario makes; None if none failed.

        It saw data loss, or a HEAD without a valid Upload-Offset, which blocks a scenario.
        """
        return next(
            (
                check
                for invariant in self.invariants
                for check, _ in invariant.evidence
                if check.rule == "data-loss"
                or (check.grade == "fail" and check.requirement in OFFSET_REQUIREMENTS)
            ),
            None,
        )
