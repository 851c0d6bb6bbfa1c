"""Scenarios replayed against answers in order: the steps that they are made of, and the telling."""

from __future__ import annotations

from scripted_server import (
    ReceivedRequest,
    ScriptedAnswer,
    discovered_with,
    open_session,
    scenario_from_toml,
    script_answers,
)

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.targets.profile import Profile
from tus_reports import Attempt
from tus_scenarios import Scenario

ROW, OTHER = "core.head.upload-offset", "core.patch.success-204"
GIVEN = "{ given = { length = 10 } }"
PATCHED = f'expect = [{{ status = 204, checks = "{OTHER}" }}] }}'
PATCH = f"{{ patch = {{ send = 5 }}, needed = true, {PATCHED}"
FINISH = f'{{ finish = {{}}, expect = [{{ intact = true, checks = "{ROW}" }}] }}'


async def execute_steps(
    steps: str | Scenario,
    *answers: ScriptedAnswer,
    profile: Profile | None = None,
    **known: bool,
) -> tuple[Attempt, list[ReceivedRequest]]:
    """Replay a scenario against answers in order; every one of them must have been used."""
    answering, heard = script_answers(*answers)
    discovery = discovered_with(*(name for name, has in known.items() if has))
    scenario_ = scenario_from_toml(steps) if isinstance(steps, str) else steps
    async with open_session(answering, discovery=discovery, profile=profile, patience=0.05) as here:
        attempt = await execute_scenario(scenario_, here)
    assert len(heard) == len(answers)
    return attempt, heard


def check_outcomes(attempt: Attempt) -> list[str]:
    """Return the checks of an attempt, each as "requirement outcome"."""
    return [f"{each.requirement} {each.outcome}" for each in attempt.checks]
