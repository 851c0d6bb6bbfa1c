"""Attribution: which requirement a failure is charged to, and what is charged to none.

A server that forgets complete uploads is charged with that in one scenario, a server whose
process ends with that alone; so is one that takes no bytes before it knows the length, or refuses
every DELETE. A HEAD without a valid Upload-Offset is charged to the requirements about that;
everything else that they make impossible is blocked. So is what only the response of a proxy
violates.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from msgspec import structs

from tus_conformance.discovery.prober import NO_UPLOAD_STATUSES, is_refusal
from tus_conformance.evaluation import verdicts
from tus_conformance.evaluation.expectations import (
    describe_outcome,
    evaluate_expectation,
    headers_named,
)
from tus_conformance.evaluation.preconditions import describe_foreign
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.references import References
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport.header_values import is_integer, parse_http_date
from tus_reports import Attempt, Check, DecidingRule
from tus_scenarios import Expectation, Scenario

COMPLETE_UPLOAD_REQUIREMENTS = {
    "core.head.upload-offset": "core.head.upload-offset",
    "concatenation.final.head-offset-equals-length": "concatenation.final",
}
"""The requirements that HEAD goes on responding for complete uploads, each with the scenario in
which a server that forgets them is charged with it; no other is broken where it does not."""

FRAMING_REQUIREMENTS = frozenset({"core.patch.no-content-length", "checksum-trailer.verify"})
"""The requirements that a server breaks by refusing bodies without Content-Length; no other."""

DELETION_REQUIREMENTS = frozenset({"termination.204", "termination.unsupported"})
"""The requirements that a server breaks by refusing every DELETE; no other."""

OFFSET_REQUIREMENTS = frozenset(
    {
        "core.head.upload-offset",
        "core.upload-offset.format",
        "concatenation.final.head-offset-equals-length",
        "concatenation.partial.head-offset",
    }
)
"""The requirements that HEAD returns an Upload-Offset; no other is broken where it does not."""

_NO_OFFSET_REASON = (
    "HEAD has no valid Upload-Offset (core.head.upload-offset, core.upload-offset.format), so it is"
    " unknown how many bytes are stored."
)
_EXPIRED_REASON = (
    "The upload expired, as its Upload-Expires said, before the scenario was over: the server is"
    " slow, or its uploads expire soon."
)
_FORGOTTEN_REASON = (
    "A complete upload is not found (core.head.upload-offset), so no other request can be"
    " sent for it."
)
_MAYBE_FORGOTTEN_REASON = (
    "The server forgets complete uploads (core.head.upload-offset), and it is unknown whether"
    " this one was complete: its last bytes were sent, and no response arrived."
)
_FRAMING_REASON = "the server takes no body without Content-Length (core.patch.no-content-length)"
_DEFERRAL_REQUIREMENTS = "creation.defer-length."
_DEFERRAL_REASON = (
    "the server takes no bytes before the length is known (creation.defer-length.advertise)"
)
_DELETION_REASON = "The server refuses every DELETE (termination.204)."
_OVERRIDE = re.compile(r"(?i)\r\nX-HTTP-Method-Override: *(\S+)")
_SERVER_EXITED_REASON = (
    "The server's process exited in every attempt (always.server-keeps-running)."
)


def evaluate_reply(
    scenario: Scenario,
    reply: StepResponse,
    expected: Sequence[Expectation],
    references: References,
    step: int | None,
    *,
    after_waiting: bool = False,
) -> tuple[list[Check], StopScenario | None]:
    """Return the checks of a response, and why the scenario cannot go on after it, if it cannot.

    Raises StopScenario where nothing can be said of the response. `after_waiting` says that the
    server had its time, so that no response counts.
    """
    if scenario.extension != "expiration" and _has_expired(reply):
        raise StopScenario("precondition", _EXPIRED_REASON)
    checks: list[Check] = []
    stop: StopScenario | None = None
    for each in expected:
        found = evaluate_expectation(each, reply, references, step, after_waiting=after_waiting)
        found = _spare_refused(found, reply, references)
        if _was_refused_as_deletion(reply, references) and not _is_about_deletion(each):
            raise StopScenario("precondition", _DELETION_REASON)
        spared = _spare_other_requirements(found) if _lacks_offset(each, reply) else found
        if spared != found:
            stop = StopScenario("precondition", _NO_OFFSET_REASON)
        checks += spared
    if stop is not None:
        return checks, stop
    if reply.foreign:
        return _excuse_foreign(checks, reply)
    broken = find_broken_answer(reply)
    if broken is not None and not _speaks_of_status(expected, checks):
        checks = _charge_first(checks, reply, broken)
    if not _was_forgotten(reply, forgets=references.session.discovery.forgets_complete_uploads):
        return checks, None
    charged = [check for check in checks if _counts_for_complete_upload(check, scenario)]
    if charged == checks:
        return checks, None
    return charged, StopScenario("forgotten-upload", _FORGOTTEN_REASON)


def _excuse_foreign(
    checks: Sequence[Check], reply: StepResponse
) -> tuple[list[Check], StopScenario | None]:
    """Return the checks that the response of a proxy violates as not reached.

    A note says then that the proxy does what it is about.
    """
    reason = describe_foreign(reply)
    excused = [
        structs.replace(
            check, outcome="not-reached", grade=None, explanation=reason, rule="stopped"
        )
        if check.outcome == "violated"
        else structs.replace(check, explanation=reason)
        if check.grade == "note"
        else check
        for check in checks
    ]
    is_excused = any(check.outcome == "violated" for check in checks)
    return excused, StopScenario("precondition", reason) if is_excused else None


def _has_expired(reply: StepResponse) -> bool:
    """Return whether an upload is not found because the server said that it would expire.

    The time is the server's where it states one: its clock may be another than ours.
    """
    upload = reply.upload
    if upload is None or upload.expires_at is None or reply.status not in NO_UPLOAD_STATUSES:
        return False
    date = parse_http_date(reply.header("Date") or "")
    return (date.timestamp() if date is not None else time.time()) >= upload.expires_at


def _spare_refused(checks: list[Check], reply: StepResponse, references: References) -> list[Check]:
    """Return the checks of a response, those of a refusal that is charged elsewhere as spared."""
    if _was_refused_for_framing(reply, references):
        checks = [_spare_framing(check) for check in checks]
    if _was_refused_for_deferral(reply, references):
        checks = [_spare_deferral(check) for check in checks]
    return checks


def _refuses(references: References, name: str) -> bool:
    """Return whether a probe saw that the server refuses something."""
    probed = references.session.discovery.capabilities.get(name)
    return probed is not None and probed.observed == "refused"


def _was_refused_for_framing(reply: StepResponse, references: References) -> bool:
    """Return whether a body without Content-Length was refused by a server that takes none."""
    refuses = _refuses(references, "chunked-bodies")
    head = reply.http_response.exchange.request_head.lower()
    return refuses and is_refusal(reply.status) and "\r\ntransfer-encoding: chunked\r\n" in head


def _spare_framing(check: Check) -> Check:
    """Return a check as not reached, unless it is about bodies without Content-Length.

    Trailers need such a body, so that a server that lists checksum-trailer owes it.
    """
    if check.grade is None or check.requirement in FRAMING_REQUIREMENTS:
        return check
    return _as_not_reached(check, _FRAMING_REASON)


def _was_refused_for_deferral(reply: StepResponse, references: References) -> bool:
    """Return whether bytes were refused by a server that takes none before it knows the length."""
    refuses = _refuses(references, "deferred-bytes")
    is_deferred = reply.upload is not None and not reply.upload.length_declared
    head = reply.http_response.exchange.request_head.lower()
    declares = "\r\nupload-length:" in head
    is_patch = reply.method == "PATCH"
    return refuses and is_patch and is_deferred and not declares and is_refusal(reply.status)


def _spare_deferral(check: Check) -> Check:
    """Return a check as not reached, unless it is about lengths that are deferred."""
    if check.grade is None or check.requirement.startswith(_DEFERRAL_REQUIREMENTS):
        return check
    return _as_not_reached(check, _DEFERRAL_REASON)


def _was_refused_as_deletion(reply: StepResponse, references: References) -> bool:
    """Return whether a DELETE was refused by a server that refuses every one."""
    exchange = reply.http_response.exchange
    overrides = _OVERRIDE.findall(exchange.request_head)
    method = overrides[0].upper() if overrides else exchange.method
    return method == "DELETE" and is_refusal(reply.status) and _refuses(references, "termination")


def _is_about_deletion(expectation: Expectation) -> bool:
    return any(each in DELETION_REQUIREMENTS for each in expectation.requirements)


def _as_not_reached(check: Check, reason: str) -> Check:
    return structs.replace(
        check, outcome="not-reached", grade=None, explanation=reason, rule="another-case"
    )


def _lacks_offset(expectation: Expectation, reply: StepResponse) -> bool:
    """Return whether an expectation needs Upload-Offset, and a successful HEAD has no valid one.

    A final upload has none before it is complete, so that it tells of that.
    """
    if reply.upload is not None and reply.upload.parts:
        return False
    offset = reply.header("Upload-Offset")
    if reply.method != "HEAD" or not reply.succeeded or (offset and is_integer(offset)):
        return False
    return reply.finish_state == "unfinished" or "Upload-Offset" in headers_named(expectation)


def _spare_other_requirements(checks: Sequence[Check]) -> list[Check]:
    """Return checks, those violated for want of an Upload-Offset as not reached.

    A condition that a step states for such a response counts.
    """
    return [
        structs.replace(
            check,
            outcome="not-reached",
            grade=None,
            explanation=_NO_OFFSET_REASON,
            rule="stopped",
        )
        if check.rule in {"level", "otherwise"}
        and check.outcome == "violated"
        and check.requirement not in OFFSET_REQUIREMENTS
        else check
        for check in checks
    ]


def find_broken_answer(reply: StepResponse) -> DecidingRule | None:
    """Return why a response fails in any row, if it does, whatever the step asks of it.

    HEAD of an upload is valid whatever was sent before; of other requests a step must say whether
    they are. A server whose OPTIONS is broken is charged with that in the rows of OPTIONS alone.
    """
    if reply.method == "OPTIONS":
        return None
    if reply.status is not None:
        return "server-error" if reply.is_server_error else None
    of_upload = reply.upload is not None and reply.url == reply.upload.url
    return "unanswered" if reply.closed and reply.method == "HEAD" and of_upload else None


def _speaks_of_status(expected: Sequence[Expectation], checks: Sequence[Check]) -> bool:
    """Return whether a check says what a response with such a status, or without one, means."""
    if all(check.grade is None for check in checks):
        return False
    conditions = [condition for each in expected for _, condition in each.alternatives]
    return any(check.outcome == "violated" for check in checks) or any(
        each.status is not None or each.closed is not None or each.intact is not None
        for each in conditions
    )


def _charge_first(checks: Sequence[Check], reply: StepResponse, rule: DecidingRule) -> list[Check]:
    """Return the checks, the first that waited for another response as violated."""
    for place, check in enumerate(checks):
        if check.rule in {"another-case", "no-response", "expectation"}:
            charged = structs.replace(
                check,
                outcome="violated",
                grade="fail",
                rule=rule,
                expected="a response to a valid request",
                actual=describe_outcome(reply),
                explanation="",
                exchange=reply.exchange_index,
            )
            return [*checks[:place], charged, *checks[place + 1 :]]
    return list(checks)


def _was_forgotten(reply: StepResponse, *, forgets: bool) -> bool:
    """Return whether a server that forgets complete uploads, as a probe saw, forgot one.

    Raises StopScenario where that is chance, so that two runs give the same verdict.
    """
    upload = reply.upload
    if not forgets or upload is None:
        return False
    if upload.last_byte_unanswered and reply.status is not None:
        raise StopScenario("forgotten-upload", _MAYBE_FORGOTTEN_REASON)
    return reply.status in NO_UPLOAD_STATUSES and upload.may_be_complete


def _counts_for_complete_upload(check: Check, scenario: Scenario) -> bool:
    charged = COMPLETE_UPLOAD_REQUIREMENTS.get(check.requirement)
    return check.outcome == "held" or charged == scenario.id.partition("/")[0]


def suggests_lost_server(attempt: Attempt) -> bool:
    """Return whether an attempt ended as it would without a server."""
    undetermined = attempt.verdict in verdicts.UNDETERMINED
    return undetermined or any(_is_unanswered(check, attempt) for check in attempt.checks)


def shows_strain(attempt: Attempt) -> bool:
    """Return whether an attempt may have gone wrong because the server had too much to do.

    Data loss is wrong however much that is. What did not apply may not have for want of a response.
    """
    if attempt.verdict in {"pass", "note"}:
        return False
    if any(check.rule == "data-loss" for check in attempt.checks):
        return False
    return any(
        exchange.response is None or exchange.response.status >= 500
        for exchange in attempt.exchanges
    )


def spare_unanswered(attempt: Attempt) -> Attempt:
    """Return an attempt that blames nothing for what a server that ended did not answer."""
    checks = tuple(
        structs.replace(
            check,
            outcome="not-reached",
            grade=None,
            explanation=_SERVER_EXITED_REASON,
            rule="server-exit",
        )
        if _is_unanswered(check, attempt)
        else check
        for check in attempt.checks
    )
    outcome = verdicts.of_attempt(checks, "blocked")
    return structs.replace(attempt, checks=checks, verdict=outcome, reason=_SERVER_EXITED_REASON)


def _is_unanswered(check: Check, attempt: Attempt) -> bool:
    """Return whether a check is violated for want of a response."""
    if check.grade not in {"fail", "warn"} or check.exchange is None:
        return False
    return attempt.exchanges[check.exchange].response is None
