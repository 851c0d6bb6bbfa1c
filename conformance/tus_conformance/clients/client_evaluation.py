"""What came of a client in a situation: its checks, its verdict and its line of the record."""

from __future__ import annotations

from tus_conformance.clients.client_checks import check_client
from tus_conformance.clients.client_log import ClientLog
from tus_conformance.clients.client_program import ClientReport
from tus_conformance.clients.client_rule import ClientView
from tus_conformance.clients.outcome import FoundOutcome
from tus_conformance.clients.seen_request import CLIENT_REDACTION
from tus_conformance.evaluation import verdicts
from tus_conformance.runner.line_redaction import redact_line
from tus_conformance.transport import Redaction
from tus_reports import Attempt, ScenarioResult
from tus_scenarios.situation import Situation


def evaluate_client(view: ClientView, seconds: float, command: str) -> ScenarioResult:
    """Return what came of a client in a situation, as a line of the record without secrets."""
    checks = tuple(check_client(view))
    attempt = Attempt(
        verdict=verdicts.of_attempt(checks),
        reason=view.outcome.because,
        checks=checks,
        exchanges=tuple(each.exchange() for each in view.log.requests),
        duration=seconds,
    )
    reason = describe_behaviour(view.log, view.outcome)
    result = situation_result(view.situation, attempt, reason, command, view.outcome)
    return redact_line(result, client_redaction(view.log))


def client_redaction(log: ClientLog) -> Redaction:
    """Return a redaction that knows the secrets of every request: a client may print them."""
    redaction = CLIENT_REDACTION
    for request in log.requests:
        redaction = redaction.with_request_secrets(request.target, request.headers)
    return redaction


def attempt_without_request(report: ClientReport) -> Attempt:
    """Return the attempt of a client that sent nothing, which is an error of its set-up."""
    return Attempt(
        verdict="error",
        reason=f"The client sent no request. {report.sentence()} {report.output}".strip(),
        duration=report.seconds,
    )


def situation_result(
    situation: Situation,
    attempt: Attempt | None,
    reason: str,
    command: str,
    found: FoundOutcome | None = None,
) -> ScenarioResult:
    """Return a situation as a line of the record."""
    requirements = dict.fromkeys(situation.checks)
    if attempt is not None:
        requirements |= dict.fromkeys(check.requirement for check in attempt.checks)
    return ScenarioResult(
        id=situation.id,
        title=situation.title,
        verdict="not-applicable" if attempt is None else attempt.verdict,
        section=situation.section,
        extension=situation.extension,
        reason=reason or (attempt.reason if attempt else ""),
        steps=situation.prose,
        requirements=tuple(requirements),
        attempts=() if attempt is None else (attempt,),
        command=command,
        outcome=None if found is None else found.outcome,
    )


def describe_behaviour(log: ClientLog, found: FoundOutcome) -> str:
    """Return the outcome and what the client did, in a line."""
    steps = [each.summary() for each in log.requests[:8]]
    more = f"; {len(log.requests) - 8} more" if len(log.requests) > 8 else ""
    return f"{found.outcome}: " + "; ".join(steps) + more
