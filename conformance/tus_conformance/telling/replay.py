"""Replaying a scenario: its steps in order, each answer judged, all of it recorded."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

import trio

from tus_conformance.dialogue.faulting import parted
from tus_conformance.dialogue.reply import Reply
from tus_conformance.dialogue.session import Session
from tus_conformance.dialogue.stopping import Stopped, Unbound
from tus_conformance.judging import verdict
from tus_conformance.telling.preparing import hindered
from tus_conformance.telling.telling import Telling
from tus_conformance.telling.waiting import Waiting, begun
from tus_reports import Attempt, Check, Verdict
from tus_scenarios import Request, Scenario, Step

_FINAL = frozenset({400, 404, 410, 412, 413, 415})
"""The refusals of a request that is wrong, whatever the upload is busy with, or of one gone."""


async def replay(scenario: Scenario, session: Session, attempt: int = 1) -> Attempt:
    """Tell a scenario once, on uploads of its own, and return what was found."""
    began = trio.current_time()
    trouble: Verdict | None = None
    reason = ""
    async with Telling(session, scenario, attempt) as telling:
        try:
            await _tell(telling)
        except Stopped as stopped:
            trouble, reason = stopped.verdict, stopped.reason
        except Unbound as missing:
            trouble, reason = "blocked", f"It could not go on: {missing}."
        except Exception as bug:  # a bug of ours must not count against the server
            trouble, reason = "error", _bug(bug)
    checks = (*telling.checks, *_missing(telling, reason))
    return Attempt(
        verdict=verdict.of_attempt(checks, trouble),
        reason=reason,
        checks=checks,
        exchanges=tuple(telling.exchanges),
        seconds=round(trio.current_time() - began, 6),
    )


async def _tell(telling: Telling) -> None:
    if telling.scenario.tell is not None:
        await telling.scenario.tell(telling)
        return
    waiting: Waiting | None = None
    for number, step in enumerate(telling.scenario.steps, 1):
        telling.step = number
        meanwhile = waiting if waiting is not None and waiting.until == step.name else None
        try:
            if (parting := parted(step)) is not None:
                waiting = await begun(telling, step, *parting)
                continue
            reply = await _perform(telling, step, meanwhile)
        except Unbound as missing:
            if step.setup:
                raise
            telling.skip(step.expect, str(missing))
            continue
        if step.within:
            reply = await _patiently(telling, step, reply)
        if not _satisfied(telling, step, reply) or not _ended(telling, meanwhile):
            break


def _ended(telling: Telling, waiting: Waiting | None) -> bool:
    """Judge a step that stood still until now; return whether the scenario goes on."""
    if waiting is None:
        return True
    telling.step = waiting.number
    return _satisfied(telling, waiting.step, waiting.reply)


async def _perform(telling: Telling, step: Step, meanwhile: Waiting | None = None) -> Reply | None:
    if step.given is not None:
        await telling.given(step.given)
        return None
    if step.finish is not None:
        return await telling.completed(step.finish)
    request = step.message
    assert request is not None
    method = request.method or step.act.upper()
    if meanwhile is None:
        reply = await telling.send(method, request)
    else:
        reply = await meanwhile.released_by(telling, lambda: telling.send(method, request))
    if step.name:
        telling.replies[step.name] = reply
    return reply


async def _patiently(telling: Telling, step: Step, reply: Reply | None) -> Reply | None:
    """Perform a step again until its expectations pass, its time is over, or there is no hope.

    The bytes of a request that broke off may still be on their way to the store, so a PATCH that
    has no offset of its own asks where the upload stands before it is sent again.
    """
    moving = step.patch if step.patch is not None and step.patch.offset is None else None

    async def ready() -> bool:
        nonlocal reply
        seen = len(telling.checks)
        passed = reply is not None and telling.expect(reply, *step.expect, patiently=True)
        del telling.checks[seen:]
        if passed or _hopeless(reply):
            return True
        if moving is not None:
            await telling.send("HEAD", Request(of=moving.of))
        reply = await _perform(telling, step)
        return False

    await telling.until(ready, seconds=step.within)
    return reply


def _hopeless(reply: Reply | None) -> bool:
    """Tell whether time mends no answer: it is wrong, was done, or is about what is gone."""
    if reply is None:
        return False
    done = reply.succeeded and reply.method in {"POST", "PATCH", "DELETE"}
    return done or reply.damage or reply.status in _FINAL


def _satisfied(telling: Telling, step: Step, reply: Reply | None) -> bool:
    """Judge a step; return whether the scenario goes on."""
    if reply is None:
        return True
    if step.setup:
        _ensure_in_place(telling, step, reply)
        return True
    seen = len(telling.checks)
    telling.expect(reply, *step.expect, patiently=bool(step.within))
    violated = any(check.outcome == "violated" for check in telling.checks[seen:])
    return not (step.needed and violated)


def _ensure_in_place(telling: Telling, step: Step, reply: Reply) -> None:
    """Raise Stopped where a precondition does not hold; its expectations are not checks."""
    seen = len(telling.checks)
    telling.expect(reply, *step.expect)
    found, telling.checks[seen:] = telling.checks[seen:], []
    refused = not step.expect and not reply.succeeded
    if refused or any(check.grade in {None, "fail"} for check in found):
        broken = next((check for check in found if check.grade in {None, "fail"}), None)
        actual, row = (broken.actual, broken.requirement) if broken else ("", "")
        raise Stopped(*hindered("A precondition did not hold", reply, actual, row))


def _missing(telling: Telling, reason: str) -> list[Check]:
    """Return the checks that the story did not come to, and what kept it from them."""
    why = reason or _ended_by(telling.checks)
    judged = {(check.step, check.requirement) for check in telling.checks}
    expected: list[tuple[int | None, str]] = [
        (number, requirement)
        for number, step in enumerate(telling.scenario.steps, 1)
        for expectation in (() if step.setup else step.expect)
        for requirement in expectation.requirements
    ]
    left = [place for place in dict.fromkeys(expected) if place not in judged]
    said = {requirement for _, requirement in [*judged, *left]}
    # Of a story in code it is known what it checks, not where; one that was stopped owes all.
    owed = telling.scenario.requirements if telling.scenario.tell is not None and reason else ()
    left += [
        (None, requirement)
        for requirement in telling.scenario.requirements
        if requirement not in said or requirement in owed
    ]
    return [
        Check(requirement=requirement, outcome="not-reached", says=why, step=number)
        for number, requirement in left
    ]


def _ended_by(checks: Sequence[Check]) -> str:
    """Return what ended a story early, if something did: the last thing that was wrong."""
    wrong = [check for check in checks if check.outcome == "violated"]
    return f"the story ended with this: {wrong[-1].actual}" if wrong else "not reached"


def _bug(bug: Exception) -> str:
    while isinstance(bug, ExceptionGroup):
        bug = bug.exceptions[0]
    frame = traceback.extract_tb(bug.__traceback__)[-1]
    return (
        "The suite itself failed here, which says nothing of the server; please report it:"
        f" {type(bug).__name__}: {bug} (line {frame.lineno} of {frame.name})."
    )
