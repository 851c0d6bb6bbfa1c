"""The exit code of a run: what its verdicts come to for the program that started it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tus_conformance.evaluation.exit_codes import (
    CONFORMANT,
    FAILED,
    INTERRUPTED,
    NOTHING_SELECTED,
    UNDETERMINED,
)
from tus_conformance.evaluation.verdicts import UNDETERMINED as UNDETERMINED_VERDICTS
from tus_reports import ScenarioResult


def exit_code_of_scenarios(
    scenarios: Sequence[ScenarioResult], *, strict: bool = False, known: Collection[str] = ()
) -> int:
    """Return the exit code for verdicts; the failures of scenarios in `known` are ignored."""
    found = {scenario.verdict for scenario in scenarios if scenario.id not in known}
    found |= {"pass"} if any(scenario.id in known for scenario in scenarios) else set()
    if "fail" in found or (strict and "warn" in found):
        return FAILED
    if found & UNDETERMINED_VERDICTS:
        return UNDETERMINED
    if not found - {"excluded"}:
        return NOTHING_SELECTED
    return CONFORMANT


def exit_code_of_run(
    scenarios: Sequence[ScenarioResult],
    *,
    strict: bool,
    known: Collection[str],
    fixed: bool,
    error: bool,
    interrupted: bool,
) -> int:
    """Return the exit code of a run.

    `known` are ids of scenarios whose failures the baseline has; `fixed` says that one of its
    entries passes now, `error` that the run could not complete.
    """
    if interrupted:
        return INTERRUPTED
    code = FAILED if fixed else exit_code_of_scenarios(scenarios, strict=strict, known=known)
    return UNDETERMINED if error and code != FAILED else code
