"""A scenario laid out for reading: its steps in prose, its attempts, every exchange as a ladder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tus_reports.curl_script import curl_script
from tus_reports.findings import rule_phrase
from tus_reports.record import Attempt, Check, ConnectionEvent, Exchange, ScenarioResult, Verdict
from tus_reports.transcript import (
    TranscriptLine,
    escape_controls,
    format_exchange,
    format_size,
    summarize_exchange,
)
from tus_reports.verdict_style import VERDICT_STYLES


@dataclass(frozen=True)
class StepView:
    """A step: what is done, and what each of its expectations accepts."""

    text: str
    expectations: tuple[str, ...]


@dataclass(frozen=True)
class EventView:
    """One event on the connection; `way` is "out", "in" or "" and `at` milliseconds."""

    at: str
    direction: str
    text: str
    is_action: bool


@dataclass(frozen=True)
class ExchangeView:
    """An exchange: a line that sums it up, its ladder, and the bytes of both sides."""

    summary: str
    started: str
    events: tuple[EventView, ...]
    sent: tuple[TranscriptLine, ...]
    received: tuple[TranscriptLine, ...]
    marked: bool
    has_actions: bool


@dataclass(frozen=True)
class CheckView:
    """A check with the verdict it counts for, and the rule that makes it a failure at any level."""

    check: Check
    verdict: Verdict
    step: str
    rule: str


@dataclass(frozen=True)
class AttemptView:
    """An attempt: its checks, and its exchanges in order."""

    number: int
    verdict: Verdict
    reason: str
    milliseconds: str
    checks: tuple[CheckView, ...]
    exchanges: tuple[ExchangeView, ...]
    script: str


@dataclass(frozen=True)
class ScenarioView:
    """A scenario with everything that a reader may want to see of it."""

    scenario: ScenarioResult
    steps: tuple[StepView, ...]
    attempts: tuple[AttemptView, ...]


Depth = Literal["title", "checks", "exchanges"]
"""How much of a scenario is laid out: its title, its steps and checks, all bytes as well."""


def scenario_view(scenario: ScenarioResult, depth: Depth = "exchanges") -> ScenarioView:
    """Lay out a scenario."""
    attempts = scenario.attempts if depth != "title" else ()
    if depth == "checks" and len({_outline(attempt) for attempt in attempts}) == 1:
        attempts = attempts[:1]
    return ScenarioView(
        scenario=scenario,
        steps=tuple(_step_views(scenario.steps if depth != "title" else ())),
        attempts=tuple(
            _attempt_view(number, attempt, whole=depth == "exchanges")
            for number, attempt in enumerate(attempts, 1)
        ),
    )


def _outline(attempt: Attempt) -> object:
    """Return what two attempts share that do not differ for a reader of their checks."""
    checks = (
        (check.requirement, check.step, check.grade, check.expected, check.rule)
        for check in attempt.checks
    )
    return (attempt.verdict, *checks)


def _step_views(sentences: tuple[str, ...]) -> Iterator[StepView]:
    text, expects = "", list[str]()
    for sentence in sentences:
        if sentence.startswith(" "):
            expects.append(escape_controls(sentence.strip()))
        else:
            if text:
                yield StepView(text, tuple(expects))
            text, expects = escape_controls(sentence), []
    if text:
        yield StepView(text, tuple(expects))


def _attempt_view(number: int, attempt: Attempt, *, whole: bool) -> AttemptView:
    exchanges = attempt.exchanges if whole else ()
    return AttemptView(
        number=number,
        verdict=attempt.verdict,
        reason=escape_controls(attempt.reason),
        milliseconds=_format_milliseconds(attempt.duration),
        checks=tuple(_check_view(check, attempt) for check in attempt.checks),
        exchanges=tuple(
            exchange_view(exchange, _decisive_check(attempt, place))
            for place, exchange in enumerate(exchanges)
        ),
        script=curl_script(exchanges),
    )


def exchange_view(exchange: Exchange, check: Check | None = None) -> ExchangeView:
    """Lay out one exchange; the lines that decided a check are marked."""
    lines = format_exchange(exchange, check, whole=True)
    received = tuple(line for line in lines if line.side in {"interim", "response", "event"})
    return ExchangeView(
        summary=summarize_exchange(exchange),
        started=f"{exchange.at:.3f}",
        events=tuple(_event_view(event) for event in exchange.events),
        sent=tuple(line for line in lines if line.side == "request"),
        received=received,
        marked=any(line.marked for line in received),
        has_actions=any(event.event == "action" for event in exchange.events),
    )


def _check_view(check: Check, attempt: Attempt) -> CheckView:
    verdict: Verdict = check.grade or (
        attempt.verdict if attempt.verdict in {"error", "inconclusive"} else "blocked"
    )
    step = f"step {check.step}" if check.step else ""
    return CheckView(check, verdict, step, rule_phrase(check))


def _decisive_check(attempt: Attempt, place: int) -> Check | None:
    """Return the worst check that an exchange decided."""
    order = list(VERDICT_STYLES)
    checks = [
        check
        for check in attempt.checks
        if check.exchange == place and check.outcome == "violated" and check.grade
    ]
    return min(checks, key=lambda check: order.index(check.grade or "pass"), default=None)


def _event_view(event: ConnectionEvent) -> EventView:
    size = f" ({format_size(event.size)})" if event.size else ""
    words = {
        "connect": "connected",
        "sent": "sent",
        "received": "received",
        "action": "suite:",
        "closed": "closed",
        "failed": "failed:",
    }[event.event]
    text = f"{words} {escape_controls(event.text)}".strip() + size
    way = {"sent": "out", "received": "in"}.get(event.event, "")
    return EventView(_format_milliseconds(event.at), way, text, event.event in {"action", "failed"})


def _format_milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
