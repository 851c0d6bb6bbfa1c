"""Scenarios replayed against answers in order: the steps that they are made of, and the telling."""

from __future__ import annotations

from in_memory import Answer, Asked, able, script, session, story

from tus_conformance.telling.replay import replay
from tus_reports import Attempt
from tus_scenarios import Scenario

ROW, OTHER = "core.head.upload-offset", "core.patch.success-204"
GIVEN = "{ given = { length = 10 } }"
PATCHED = f'expect = [{{ status = 204, checks = "{OTHER}" }}] }}'
PATCH = f"{{ patch = {{ send = 5 }}, needed = true, {PATCHED}"
FINISH = f'{{ finish = {{}}, expect = [{{ intact = true, checks = "{ROW}" }}] }}'


async def told(
    steps: str | Scenario, *answers: Answer, **known: bool
) -> tuple[Attempt, list[Asked]]:
    """Replay a scenario against answers in order; every one of them must have been used."""
    answering, heard = script(*answers)
    discovery = able(*(name for name, has in known.items() if has))
    scenario_ = story(steps) if isinstance(steps, str) else steps
    async with session(answering, discovery=discovery, patience=0.05) as here:
        attempt = await replay(scenario_, here)
    assert len(heard) == len(answers)
    return attempt, heard


def said(attempt: Attempt) -> list[str]:
    """Return the checks of an attempt, each as "requirement outcome"."""
    return [f"{each.requirement} {each.outcome}" for each in attempt.checks]
