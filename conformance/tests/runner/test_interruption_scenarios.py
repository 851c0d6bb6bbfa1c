"""`runner.run`: interruption scenarios pass on a conforming server and find each defect."""

from __future__ import annotations

import pytest
from reference_in_memory import defect, quirk, run_in_memory

from tus_defects import Change
from tus_reports import ScenarioResult

QUIET = {"pass", "note", "not-applicable", "unsupported"}


def run_families(
    *changes: Change, only: tuple[str, ...], skip: tuple[str, ...] = ("interruption.large.[ac]*",)
) -> dict[str, ScenarioResult]:
    """Run scenarios against the reference in memory; return the result of each."""
    lines = run_in_memory(*changes, only=only, skip=skip, include_large=True)
    results = {line.id: line for line in lines if isinstance(line, ScenarioResult)}
    return {name: each for name, each in results.items() if each.verdict != "excluded"}


@pytest.mark.parametrize("changes", [(), quirk("locks-by-423")], ids=["takes over", "gets 423"])
def test_a_server_that_conforms_has_nothing_above_a_note(changes: tuple[Change, ...]) -> None:
    """Refusing a concurrent request is as good as ending the earlier one."""
    found = run_families(*changes, only=("interruption.*", "always.offset-never-goes-back"))
    odd = {
        name: _describe_results(line) for name, line in found.items() if line.verdict not in QUIET
    }
    assert odd == {}
    assert len([line for line in found.values() if line.verdict == "pass"]) > 150


# Each row: a defect, a scenario that has to fail for it, and one that must not.
DEFECTS = [
    (
        "broken-patch-adds-a-byte",
        "interruption.patch.cut-rst/block",
        "interruption.patch.twice/all",
    ),
    ("broken-patch-adds-a-byte", "interruption.patch.cut-fin-chunked/half", ""),
    ("broken-patch-adds-a-byte", "interruption.deferred.cut/half", ""),
    ("broken-patch-adds-a-byte", "interruption.cuts.ten", ""),
    ("broken-patch-erases-upload", "interruption.patch.cut-acknowledged/first", ""),
    ("broken-patch-erases-upload", "always.offset-never-goes-back", ""),
    (
        "half-request-costs-a-byte",
        "interruption.patch.cut-head/header",
        "interruption.patch.cut-fin/last",
    ),
    (
        "locked-after-broken-patch",
        "interruption.patch.cut-rst/first",
        "interruption.patch.lost-reply/part",
    ),
    ("locked-after-broken-patch", "interruption.cuts.ten", ""),
    ("offset-ignored", "interruption.patch.lost-reply/part", "interruption.patch.twice/small"),
    ("offset-ignored", "interruption.patch.stale-offset/stale", ""),
    ("offset-ignored", "interruption.checksum.lost-reply", ""),
    ("reads-of-one-byte-lost", "interruption.patch.pace-bytes", "interruption.patch.cut-fin/block"),
    ("request-after-error-400", "interruption.patch.kept-after-offset", "interruption.cuts.ten"),
    ("request-after-error-400", "interruption.patch.kept-after-type", ""),
    ("without-locks", "interruption.race.one-winner", "interruption.patch.cut-fin/half"),
    ("silent-after-concurrent-patches", "interruption.stalled.patch/half", ""),
    ("deleted-upload-returns", "interruption.termination.stalled/half", "interruption.cuts.ten"),
    ("upload-of-same-length-reused", "interruption.creation-with-upload.lost-reply", ""),
    (
        "broken-creation-goes-on-in-next",
        "interruption.creation-with-upload.cut-rst/half",
        "interruption.creation-with-upload.lost-reply",
    ),
    (
        "final-cuts-unfinished-partials",
        "interruption.concatenation.early-final",
        "interruption.cuts.ten",
    ),
    (
        "last-byte-of-final-corrupted",
        "interruption.concatenation.cut/half",
        "interruption.cuts.ten",
    ),
    ("last-byte-of-final-corrupted", "interruption.race.two-finals", ""),
    ("last-byte-of-final-corrupted", "interruption.cuts.parallel-parts", ""),
    ("broken-patch-sets-length", "interruption.deferred.declare-cut/half", ""),
    ("broken-checksummed-patch-stored", "interruption.checksum.cut-fin/block", ""),
    ("broken-checksummed-patch-stored", "interruption.checksum-trailer.cut/value", ""),
    (
        "offset-truncated-to-32-bits",
        "interruption.large.wrapped-offset",
        "interruption.cuts.ten",
    ),
]


@pytest.mark.parametrize(("identifier", "failing", "passing"), DEFECTS)
def test_each_defect_is_found(identifier: str, failing: str, passing: str) -> None:
    only = ("interruption.patch.cut-*",) if failing.startswith("always") else ()
    named = tuple(name for name in (failing, passing) if name)
    found = run_families(*defect(identifier), only=(*named, *only))
    assert found[failing].verdict == "fail", _describe_results(found[failing])
    if passing:
        assert found[passing].verdict in QUIET


def _describe_results(told: ScenarioResult) -> list[str]:
    return [
        f"{check.grade} {check.expected} | {check.actual} {check.explanation}"
        for attempt in told.attempts
        for check in attempt.checks
    ] + [told.reason]


def test_uploads_that_wait_for_one_another_are_a_warning() -> None:
    """It breaks no sentence of the specification."""
    name = "interruption.stalled.other/half"
    found = run_families(*defect("one-upload-at-a-time"), only=(name,))
    assert found[name].verdict == "warn"
