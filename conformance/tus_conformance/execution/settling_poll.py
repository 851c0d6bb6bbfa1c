"""A request that is repeated: when another response would not help any more."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from tus_conformance.evaluation.finish_outcome import shows_data_loss, shows_refused_completion
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport.header_values import read_integer
from tus_scenarios import Expectation, HeaderMatcher, Step

SETTLED_AFTER = 3.0
"""Seconds without a change after which a wait ends, if this server has let such a one pass."""

_FINAL_STATUSES = frozenset({400, 404, 405, 410, 412, 413, 415, 501})
"""Refusals of a request that is wrong or not offered whatever is going on, or of an upload gone."""


def wait_key(step: Step) -> tuple[str, ...]:
    """Return what a step waits for: the method, and the requirements that are to hold."""
    return (step.act, *(name for each in step.expect for name in each.requirements))


class SettlingPoll:
    """Follows the responses to a request that is repeated until expectations hold.

    `is_hopeless` says that the server has let the whole time of such a wait pass: then a response
    that stays the same ends it, so that scenarios do not each wait for the same silence.
    """

    def __init__(self, expected: Sequence[Expectation], *, is_hopeless: bool) -> None:
        self._expected = expected
        self._is_hopeless = is_hopeless
        self._latest: tuple[object, ...] | None = None
        self._since = trio.current_time()

    def is_over(self, reply: StepResponse | None) -> bool:
        """Return whether waiting cannot change a response, or has not changed it for long."""
        if reply is None:
            return False
        if is_final(reply, self._expected):
            return True
        latest = _fingerprint(reply)
        if latest != self._latest:
            self._latest, self._since = latest, trio.current_time()
        return self._is_hopeless and trio.current_time() - self._since >= SETTLED_AFTER


def is_final(reply: StepResponse, expected: Sequence[Expectation]) -> bool:
    """Return whether a response succeeded, refuses for good, or is beyond what is asked of it."""
    done = reply.succeeded and reply.method in {"POST", "PATCH", "DELETE"}
    return (
        done
        or shows_data_loss(reply)
        or shows_refused_completion(reply)
        or reply.status in _FINAL_STATUSES
        or any(_is_beyond(reply, each) for each in expected)
    )


def _is_beyond(reply: StepResponse, expectation: Expectation) -> bool:
    """Return whether an offset is above every bound; it cannot go back."""
    offset = read_integer(reply.header("Upload-Offset"))
    if offset is None or not reply.succeeded:
        return False
    asked = [condition.header.get("Upload-Offset") for _, condition in expectation.alternatives]
    # A bound that a parameter of the scenario gives is text.
    given = [read_integer(str(each.most)) for each in asked if isinstance(each, HeaderMatcher)]
    bounds = [bound for bound in given if bound is not None]
    return len(bounds) == len(asked) and offset > max(bounds)


def _fingerprint(reply: StepResponse) -> tuple[object, ...]:
    """Return what of a response would show a change; its time would not."""
    headers = reply.http_response.headers
    return (reply.status, *(each for each in headers if each[0].lower() != "date"))
