"""Where the time of a run goes: which scenarios take it, and how much of it is silence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tus_reports import Exchange, ScenarioResult

NOTICE_TIMES = (60.0, 300.0, 1200.0)
"""After so many seconds a run that has not ended says where its time goes."""

_LONGEST = 3
"""How many scenarios are named."""

_MAX_RUNNING = 3
_SLOW_RESPONSE = 1.0
"""Seconds after which a response counts as slow."""


def describe_longest(results: Sequence[ScenarioResult]) -> str:
    """Return which scenarios took the longest, with their seconds; empty without any.

    The instances of a scenario with parameters count together.
    """
    seconds: dict[str, float] = defaultdict(float)
    for result in results:
        seconds[result.id.partition("/")[0]] += sum(each.duration for each in result.attempts)
    longest = sorted(seconds, key=lambda name: -seconds[name])[:_LONGEST]
    shown = ", ".join(f"{name} ({seconds[name]:.0f} s)" for name in longest)
    return f"The longest: {shown}." if shown else ""


def describe_slow_run(
    results: Sequence[ScenarioResult], total: int, seconds: float, running: Iterable[str]
) -> str:
    """Return what a run has done after so many seconds, what costs the time, and what to do."""
    sentences = [
        f"After {seconds:.0f} s, {len(results)} of {total} scenarios are done.",
        describe_longest(results),
        _describe_waits(results),
    ]
    waiting = sorted(running)
    if waiting:
        more = f" and {len(waiting) - _MAX_RUNNING} more" if len(waiting) > _MAX_RUNNING else ""
        sentences.append(f"Not done yet: {', '.join(waiting[:_MAX_RUNNING])}{more}.")
    sentences.append(
        "--jobs N runs scenarios at once, --timeout waits less, --skip leaves scenarios out,"
        " --time-limit ends the run."
    )
    return " ".join(each for each in sentences if each)


def _describe_waits(results: Sequence[ScenarioResult]) -> str:
    """Return how long the run waited for responses that were slow, or did not come."""
    exchanges = [
        each for result in results for attempt in result.attempts for each in attempt.exchanges
    ]
    silent = sum(_duration(each) for each in exchanges if each.response is None)
    slow = sum(
        seconds
        for each in exchanges
        if each.response is not None and (seconds := _duration(each)) >= _SLOW_RESPONSE
    )
    waits = [f"{silent:.0f} s for responses that did not come"] if silent >= 1 else []
    waits += [f"{slow:.0f} s for responses that took a second or more"] if slow >= 1 else []
    return f"The suite waited {' and '.join(waits)}." if waits else ""


def _duration(exchange: Exchange) -> float:
    """Return how many seconds an exchange took."""
    return max((event.at for event in exchange.events), default=0.0)
