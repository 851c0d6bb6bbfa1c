"""The interruption families: nothing to say against a sound server, and each breach is seen."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest
from interruption_defects import URL, InterruptionDefectServer

from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import memory_network
from tus_reports import ScenarioResult
from tus_scenarios import scenarios

FAMILIES = ("interruption.*", "always.offset-never-goes-back")


async def run_families(
    server: InterruptionDefectServer, *only: str, large: bool = False
) -> dict[str, ScenarioResult]:
    """Run scenarios against a server; return how each came out."""
    lines: list[ScenarioResult] = []
    plan = RunPlan(
        target=Target(URL),
        scenarios=[each for each in scenarios() if _named(each.id, only)],
        selection=Selection(only, ("interruption.large.[ac]*",), large),
        seed=7,
    )
    async with memory_network(server.serve) as backend:
        await Run(plan, Http1Transport(backend=backend), _collect_lines(lines))()
    return {line.id: line for line in lines if line.verdict != "excluded"}


def _named(scenario: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(scenario, glob) for glob in globs)


def _collect_lines(lines: list[ScenarioResult]) -> Callable[[object], None]:
    def keep(line: object) -> None:
        if isinstance(line, ScenarioResult):
            lines.append(line)

    return keep


async def test_a_server_that_locks_with_423_is_left_in_peace() -> None:
    """It refuses where the reference takes over, and that is as good."""
    found = await run_families(InterruptionDefectServer(), *FAMILIES, large=True)
    odd = {
        name: _describe_results(line) for name, line in found.items() if line.verdict not in QUIET
    }
    assert odd == {}
    assert len([line for line in found.values() if line.verdict == "pass"]) > 150


QUIET = {"pass", "note", "not-applicable", "unsupported"}

# Each row: what is broken, a scenario that must fail for it, and one that must not.
INTERRUPTION_DEFECTS = [
    ("counts a byte too many", "interruption.patch.cut-rst/block", "interruption.patch.twice/all"),
    ("counts a byte too many", "interruption.patch.cut-fin-chunked/half", ""),
    ("counts a byte too many", "interruption.deferred.cut/half", ""),
    ("counts a byte too many", "interruption.cuts.ten", ""),
    ("forgets all that it had", "interruption.patch.cut-acknowledged/first", ""),
    ("forgets all that it had", "always.offset-never-goes-back", ""),
    (
        "acts on half a head",
        "interruption.patch.cut-head/header",
        "interruption.patch.cut-fin/last",
    ),
    ("stays locked", "interruption.patch.cut-rst/first", "interruption.patch.lost-reply/part"),
    ("stays locked", "interruption.cuts.ten", ""),
    ("takes past offsets", "interruption.patch.lost-reply/part", "interruption.patch.twice/small"),
    ("takes past offsets", "interruption.patch.stale-offset/stale", ""),
    ("takes past offsets", "interruption.checksum.lost-reply", ""),
    ("drops single bytes", "interruption.patch.pace-bytes", "interruption.patch.cut-fin/block"),
    ("leaves bodies unread", "interruption.patch.kept-after-offset", "interruption.cuts.ten"),
    ("leaves bodies unread", "interruption.patch.kept-after-type", ""),
    ("no locks", "interruption.race.one-winner", "interruption.patch.cut-fin/half"),
    ("no locks", "interruption.stalled.patch/half", ""),
    ("deletion undone", "interruption.termination.stalled/half", "interruption.cuts.ten"),
    ("names uploads by their length", "interruption.creation-with-upload.lost-reply", ""),
    (
        "begins with what was left",
        "interruption.creation-with-upload.cut-rst/half",
        "interruption.creation-with-upload.lost-reply",
    ),
    ("joins what is there", "interruption.concatenation.early-final", "interruption.cuts.ten"),
    ("joins without the seam", "interruption.concatenation.cut/half", "interruption.cuts.ten"),
    ("joins without the seam", "interruption.race.two-finals", ""),
    ("joins without the seam", "interruption.cuts.parallel-parts", ""),
    ("forgets the declared length", "interruption.deferred.declare-cut/half", ""),
    ("keeps what it did not verify, twice", "interruption.checksum.cut-fin/block", ""),
    ("keeps what it did not verify, twice", "interruption.checksum-trailer.cut/value", ""),
    ("numbers of 32 bits", "interruption.large.wrapped-offset", "interruption.cuts.ten"),
]


@pytest.mark.parametrize(
    ("breach", "failing", "passing"),
    INTERRUPTION_DEFECTS,
    ids=[f"{row[0]}: {row[1]}" for row in INTERRUPTION_DEFECTS],
)
async def test_each_breach_is_seen(breach: str, failing: str, passing: str) -> None:
    only = ("interruption.patch.cut-*",) if failing.startswith("always") else ()
    found = await run_families(
        InterruptionDefectServer(breach), failing, passing, *only, large=True
    )
    assert found[failing].verdict == "fail", _describe_results(found[failing])
    if passing:
        assert found[passing].verdict in QUIET


def _describe_results(told: ScenarioResult) -> list[str]:
    return [
        f"{check.grade} {check.expected} | {check.actual} {check.explanation}"
        for attempt in told.attempts
        for check in attempt.checks
    ] + [told.reason]


async def test_one_lock_for_all_is_told_as_a_warning() -> None:
    """That uploads wait for one another breaks no sentence of the specification."""
    found = await run_families(
        InterruptionDefectServer("one lock for all"), "interruption.stalled.other/half"
    )
    assert found["interruption.stalled.other/half"].verdict == "warn"
