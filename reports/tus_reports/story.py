"""A scenario laid out for reading: its steps in prose, its attempts, every exchange as a ladder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tus_reports.findings import regardless
from tus_reports.mark import MARKS
from tus_reports.record import Attempt, Check, Event, Exchange, Scenario, Verdict
from tus_reports.shell import script
from tus_reports.transcript import WireLine, in_a_line, sized, transcript, visible


@dataclass(frozen=True)
class Step:
    """A step: what is done, and what each of its expectations accepts."""

    text: str
    expects: tuple[str, ...]


@dataclass(frozen=True)
class Rung:
    """One event on the connection; `way` is "out", "in" or "" and `at` milliseconds."""

    at: str
    way: str
    text: str
    act: bool


@dataclass(frozen=True)
class Passage:
    """An exchange: a line that sums it up, its ladder, and the bytes of both sides."""

    line: str
    started: str
    rungs: tuple[Rung, ...]
    sent: tuple[WireLine, ...]
    received: tuple[WireLine, ...]
    marked: bool
    acted: bool


@dataclass(frozen=True)
class Judged:
    """A check with the verdict it counts for, and what makes it a fail in any row."""

    check: Check
    verdict: Verdict
    step: str
    rule: str


@dataclass(frozen=True)
class Telling:
    """An attempt: what was judged, and the exchanges in their order."""

    number: int
    verdict: Verdict
    reason: str
    milliseconds: str
    checks: tuple[Judged, ...]
    passages: tuple[Passage, ...]
    script: str


@dataclass(frozen=True)
class Story:
    """A scenario with everything that a reader may want to see of it."""

    scenario: Scenario
    steps: tuple[Step, ...]
    tellings: tuple[Telling, ...]


def story(scenario: Scenario, *, whole: bool = True) -> Story:
    """Lay out a scenario; unless `whole`, without its exchanges."""
    return Story(
        scenario=scenario,
        steps=tuple(_steps(scenario.steps)),
        tellings=tuple(
            _telling(number, attempt, whole=whole)
            for number, attempt in enumerate(scenario.attempts, 1)
        ),
    )


def _steps(sentences: tuple[str, ...]) -> Iterator[Step]:
    text, expects = "", list[str]()
    for sentence in sentences:
        if sentence.startswith(" "):
            expects.append(visible(sentence.strip()))
        else:
            if text:
                yield Step(text, tuple(expects))
            text, expects = visible(sentence), []
    if text:
        yield Step(text, tuple(expects))


def _telling(number: int, attempt: Attempt, *, whole: bool) -> Telling:
    exchanges = attempt.exchanges if whole else ()
    return Telling(
        number=number,
        verdict=attempt.verdict,
        reason=visible(attempt.reason),
        milliseconds=_milliseconds(attempt.seconds),
        checks=tuple(_judged(check, attempt) for check in attempt.checks),
        passages=tuple(
            passage(exchange, _decisive(attempt, place)) for place, exchange in enumerate(exchanges)
        ),
        script=script(exchanges),
    )


def passage(exchange: Exchange, check: Check | None = None) -> Passage:
    """Lay out one exchange; the lines that decided a check are marked."""
    lines = transcript(exchange, check, whole=True)
    received = tuple(line for line in lines if line.side in {"interim", "response", "event"})
    return Passage(
        line=in_a_line(exchange),
        started=f"{exchange.started:.3f}",
        rungs=tuple(_rung(event) for event in exchange.events),
        sent=tuple(line for line in lines if line.side == "request"),
        received=received,
        marked=any(line.marked for line in received),
        acted=any(event.kind == "act" for event in exchange.events),
    )


def _judged(check: Check, attempt: Attempt) -> Judged:
    verdict: Verdict = check.grade or (
        attempt.verdict if attempt.verdict in {"error", "inconclusive"} else "blocked"
    )
    step = f"step {check.step}" if check.step else ""
    return Judged(check, verdict, step, regardless(check, attempt))


def _decisive(attempt: Attempt, place: int) -> Check | None:
    """Return the worst check that an exchange decided."""
    order = list(MARKS)
    checks = [
        check
        for check in attempt.checks
        if check.exchange == place and check.outcome == "violated" and check.grade
    ]
    return min(checks, key=lambda check: order.index(check.grade or "pass"), default=None)


def _rung(event: Event) -> Rung:
    size = f" ({sized(event.size)})" if event.size else ""
    words = {
        "connect": "connected",
        "sent": "sent",
        "received": "received",
        "act": "we",
        "closed": "closed",
        "failed": "failed:",
    }[event.kind]
    text = f"{words} {visible(event.text)}".strip() + size
    way = {"sent": "out", "received": "in"}.get(event.kind, "")
    return Rung(_milliseconds(event.at), way, text, event.kind in {"act", "failed"})


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
