"""What HTTP itself asks of every exchange of a run (RFC 9110 and RFC 9112).

A violation is a warning where clients survive it, and a failure where the bytes of one message are
taken for those of another. Requests that are malformed, or broken on their way, are left out: their
server may say and close what it likes.
"""

from __future__ import annotations

from collections.abc import Callable

from tus_conformance.evaluation.invariant import InvariantCheck, InvariantResult, Observation
from tus_conformance.transport import HttpResponse
from tus_scenarios import Grade

_SHOWN = 60
"""How many of the bytes that should not be there are shown."""


def _is_regular(observation: Observation) -> bool:
    """Return whether the request was whole and well-formed, and went over HTTP/1.1."""
    asked = observation.http_request
    answer = observation.reply.http_response
    return asked.framing != "raw" and not asked.all_faults and not answer.cut


def _persists(answer: HttpResponse) -> bool:
    """Return whether a client would send its next request over the connection."""
    options = ",".join(answer.header_values("Connection")).lower()
    return "close" not in options and (answer.version != "1.0" or "keep-alive" in options)


def _misread_grade(observation: Observation) -> Grade:
    return "fail" if _persists(observation.reply.http_response) else "warn"


def _describe_bytes(data: bytes) -> str:
    shown = data[:_SHOWN].decode("latin-1")
    return f"{shown!r}" + (" ..." if len(data) > _SHOWN else "")


def _answers_body(observation: Observation) -> bool:
    """Return whether another response follows: to a body that was taken for a request."""
    answer = observation.reply.http_response
    return answer.surplus.startswith(b"HTTP/") and observation.http_request.payload is not None


def _check_no_content(
    applies: Callable[[Observation], bool], message: str
) -> Callable[[Observation], InvariantResult | None]:
    def check(observation: Observation) -> InvariantResult | None:
        answer = observation.reply.http_response
        if not answer.complete or not _is_regular(observation) or not applies(observation):
            return None
        if not answer.surplus or _answers_body(observation):
            return InvariantResult("pass")
        return InvariantResult(
            _misread_grade(observation),
            f"no content in {message}",
            f"status {answer.status}, and then {_describe_bytes(answer.surplus)}",
        )

    return check


def _is_head(observation: Observation) -> bool:
    return observation.http_request.method == "HEAD"


def _is_204(observation: Observation) -> bool:
    return observation.reply.status == 204 and not _is_head(observation)


def _check_204_framing(observation: Observation) -> InvariantResult | None:
    if observation.reply.status != 204:
        return None
    names = ("Content-Length", "Transfer-Encoding")
    values = {name: observation.reply.header(name) for name in names}
    found = [f"{name}: {value}" for name, value in values.items() if value is not None]
    if not found:
        return InvariantResult("pass")
    expected = "neither Content-Length nor Transfer-Encoding in a 204"
    return InvariantResult("warn", expected, f"status 204, {', '.join(found)}")


def _check_length(observation: Observation) -> InvariantResult | None:
    answer = observation.reply.http_response
    if answer.status is None or not _is_regular(observation):
        return None
    expected = "a response that is as long as it says"
    if answer.complete:
        if not answer.surplus or _is_head(observation) or _is_204(observation):
            return InvariantResult("pass")
        if _answers_body(observation):
            return None
        actual = f"status {answer.status}, and after its end {_describe_bytes(answer.surplus)}"
        return InvariantResult(_misread_grade(observation), expected, actual)
    kind = answer.failure.kind if answer.failure is not None else ""
    if kind not in {"closed", "reset", "timeout"}:
        return None
    length = observation.reply.header("Content-Length")
    stated = f"Content-Length: {length}" if length is not None else "no Content-Length"
    how = "no more came" if kind == "timeout" else "the connection ended"
    actual = f"status {answer.status}, {stated}; {how} after {answer.body_length} bytes"
    return InvariantResult("fail" if kind == "timeout" else "warn", expected, actual)


def _check_ends(observation: Observation) -> InvariantResult | None:
    answer = observation.reply.http_response
    if answer.failure is not None and answer.failure.kind == "endless":
        return InvariantResult("fail", "a response that ends", answer.failure.message)
    return InvariantResult("pass") if answer.complete else None


def _check_one_length(observation: Observation) -> InvariantResult | None:
    encoding = observation.reply.header("Transfer-Encoding")
    if encoding is None or observation.reply.status == 204:
        return None
    length = observation.reply.header("Content-Length")
    if length is None:
        return InvariantResult("pass")
    actual = f"Transfer-Encoding: {encoding}, Content-Length: {length}"
    return InvariantResult("warn", "Transfer-Encoding without Content-Length", actual)


def _check_valid(observation: Observation) -> InvariantResult | None:
    answer = observation.reply.http_response
    if not _is_regular(observation):
        return None
    if answer.failure is not None and answer.failure.kind == "malformed":
        return InvariantResult("fail", "a valid HTTP response", answer.failure.message)
    return InvariantResult("pass") if answer.complete else None


def _check_body_consumed(observation: Observation) -> InvariantResult | None:
    if observation.http_request.payload is None or not _is_regular(observation):
        return None
    answer = observation.reply.http_response
    if not answer.complete:
        return None
    if not _answers_body(observation):
        return InvariantResult("pass")
    expected = "one response to one request with a body"
    actual = f"status {answer.status}, and then {_describe_bytes(answer.surplus)}"
    return InvariantResult("fail", expected, actual)


HTTP_RULES: tuple[tuple[str, str, str, Callable[[], InvariantCheck]], ...] = (
    (
        "always.http-head-without-content",
        "The response to a HEAD has no content",
        "http.head.no-body",
        lambda: _check_no_content(_is_head, "the response to a HEAD"),
    ),
    (
        "always.http-204-without-content",
        "A 204 response has no content",
        "http.204.no-content",
        lambda: _check_no_content(_is_204, "a 204"),
    ),
    (
        "always.http-204-without-framing",
        "A 204 response has neither Content-Length nor Transfer-Encoding",
        "http.204.no-framing",
        lambda: _check_204_framing,
    ),
    (
        "always.http-response-length",
        "A response is as long as it says",
        "http.response.length",
        lambda: _check_length,
    ),
    (
        "always.http-response-ends",
        "Every response ends",
        "http.response.ends",
        lambda: _check_ends,
    ),
    (
        "always.http-one-length",
        "A response with Transfer-Encoding has no Content-Length",
        "http.response.one-length",
        lambda: _check_one_length,
    ),
    (
        "always.http-response-valid",
        "Every response is a valid HTTP message",
        "http.response.valid",
        lambda: _check_valid,
    ),
    (
        "always.http-body-consumed",
        "A request body is never taken for the next request",
        "http.request.body-consumed",
        lambda: _check_body_consumed,
    ),
)
"""Id, title, requirement, and what makes the check of a run."""
