"""One response, evaluated: an expectation in TOML, and the checks that it comes to."""

from __future__ import annotations

from scripted_server import (
    ScriptedAnswer,
    ScriptedResponse,
    open_session,
    scenario_from_toml,
    script_answers,
)

from tus_conformance.execution.steps import execute_scenario
from tus_reports import Attempt

MUST, SHOULD, OPEN = (
    "core.head.upload-offset",
    "core.patch.content-type-415",
    "core.tus-resumable.missing",
)
TWO = '["core.head.upload-offset", "core.patch.content-type-415"]'


def ok(**headers: str) -> ScriptedResponse:
    """Return a 200 with headers, "_" in their names standing for "-"."""
    return ScriptedResponse(200, {name.replace("_", "-"): value for name, value in headers.items()})


async def evaluate_options(expectation: str, answer: ScriptedAnswer) -> Attempt:
    """Replay one OPTIONS against one answer."""
    answering, heard = script_answers(answer)
    async with open_session(answering, patience=0.05) as here:
        told = await execute_scenario(
            scenario_from_toml(f"{{ options = {{}}, expect = [{{ {expectation} }}] }}"), here
        )
    assert len(heard) == 1
    return told


def check_grades(attempt: Attempt) -> list[str]:
    """Return the checks of an attempt, each as "outcome grade"."""
    return [" ".join(filter(None, (each.outcome, each.grade))) for each in attempt.checks]


def expectation_from(conditions: str, row: str = MUST) -> str:
    """Return an expectation of one row in TOML."""
    return f'{conditions}, checks = "{row}"'
