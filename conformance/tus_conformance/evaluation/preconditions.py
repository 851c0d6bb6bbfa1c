"""Preconditions: why a scenario cannot begin, and the requirement that this is charged to."""

from __future__ import annotations

from collections.abc import Sequence

from tus_conformance.discovery.response_origin import GATEWAY_FAILURES
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.step_response import StepResponse
from tus_reports import Check

SUCCESS_REQUIREMENTS = {
    "POST": "creation.post.201",
    "PATCH": "core.patch.success-204",
    "HEAD": "core.head.success-status",
    "DELETE": "termination.204",
    "OPTIONS": "core.options.status",
}
"""The requirement that a server breaks by not responding to a proper request with success."""

_GATEWAY_REASON = (
    "Either the server did not respond properly (it was down, closed the connection or took too"
    " long), or the proxy could not pass on the request or the response: the proxy's log says"
    " which, and so does a run without the proxy."
)


def ensure_precondition(reply: StepResponse, checks: Sequence[Check] | None) -> None:
    """Raise StopScenario where a step that prepares the others failed.

    `checks` are those of its expectations; None where it has none, so that success is expected.
    """
    broken = next((check for check in checks or () if check.grade in {None, "fail"}), None)
    if broken is not None:
        what = "A precondition did not hold"
        raise setup_failure(what, reply, broken.actual, broken.requirement)
    if checks is None and not reply.succeeded:
        raise setup_failure("A precondition did not hold", reply)


def setup_failure(
    what: str, reply: StepResponse, actual: str = "", broken: str = ""
) -> StopScenario:
    """Return why a scenario cannot begin as it should.

    `broken` is the requirement to blame, where that is another than the method's usual one.
    """
    if reply.foreign:
        return StopScenario("precondition", describe_foreign(reply))
    failure = reply.http_response.failure
    if failure is not None and failure.kind in {"unreachable", "tls"}:
        return StopScenario("network", f"{what}: {failure.message}")
    requirement = broken or SUCCESS_REQUIREMENTS.get(reply.method, "")
    blamed = f" ({requirement})" if requirement else ""
    if failure is not None:
        return StopScenario("precondition", f"{what}{blamed}: {failure.message}")
    description = f"{reply.method} got {actual or reply.status}"
    if reply.succeeded and reply.method == "POST":
        description += f" and {_describe_location(reply.header('Location'))}"
    server_error = reply if reply.is_server_error else None
    return StopScenario("precondition", f"{what}{blamed}: {description}.", server_error)


def describe_foreign(reply: StepResponse) -> str:
    """Return the sentence that something other than the tus server responded."""
    answered = (
        f"{reply.method} got {reply.status} {reply.foreign}, so something in front of the server"
        " answered."
    )
    return f"{answered} {_GATEWAY_REASON}" if reply.status in GATEWAY_FAILURES else answered


def _describe_location(location: str | None) -> str:
    return "no Location" if location is None else f"the Location {location!r}, which is not a URL"
