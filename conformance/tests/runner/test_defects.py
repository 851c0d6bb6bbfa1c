"""`runner.run`: runs in memory find defects, and report nothing above a note on the reference."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import pytest
from reference_in_memory import defect, run_in_memory

from proof.results import read_matrix
from tus_conformance.evaluation.requirement_results import CORE_REQUIREMENT
from tus_reports import Footer, RecordLine, RequirementResult, ScenarioResult, Verdict

ALWAYS_RUN = ("core.patch.success", "core.head.repeated", "creation.post")
RACING = (
    *("core.patch.concurrent", "core.patch.store-partial", "core.net.", "concatenation."),
    *("creation.parallel", "creation-with-upload.parallel", "termination."),
)
"""Scenarios of which exchanges may differ: two requests at once, or one that breaks off."""


def rows(lines: Sequence[RecordLine], *verdicts: Verdict) -> set[str]:
    """Return the requirements that came out so, but for the one that sums up the others."""
    return {
        line.id
        for line in lines
        if isinstance(line, RequirementResult)
        and line.verdict in verdicts
        and line.id != CORE_REQUIREMENT
    }


DEFECTS = [
    ("head-without-offset", "core.head.upload-offset* core.head.offset-accurate"),
    ("head-offset-one-too-high", "core.patch.chunks core.head.offset-accurate"),
    ("head-without-cache-control", "core.head.cache-control* core.head.not-found"),
    ("patch-with-200", "core.patch.completing core.patch.zero-length*"),
    ("offset-ignored", "core.patch.offset-mismatch/start core.patch.repeated"),
    ("offset-mismatch-unanswered", "core.patch.offset-mismatch/start core.patch.repeated"),
    ("fails-on-malformed-offset", "core.upload-offset.invalid* core.upload-offset.format"),
    ("excess-refused-and-stored", "core.patch.exceeds-length/*"),
    ("any-media-type-accepted", "core.patch.content-type/text core.patch.media-type-spelling*"),
    ("last-byte-of-patch-lost", "core.patch.chunks core.head.upload-offset/some"),
    ("first-byte-corrupted", "core.patch.chunks core.head.upload-offset/some"),
    ("last-byte-of-download-missing", "core.patch.chunks core.head.upload-offset/some"),
    ("refusal-without-version", "core.tus-resumable.response* core.patch.offset-mismatch/start"),
    ("version-ignored", "core.tus-resumable.unsupported.p*"),
    ("delete-does-nothing", "termination.unfinished* termination.completed"),
    ("head-without-metadata", "creation.metadata.echo* creation.metadata.empty-value/only"),
    ("options-without-extensions", "creation.advertise creation.supported ext.*"),
    ("location-of-internal-host", "creation.post.location-form creation.zero-length always.*"),
    ("creation-without-location", "creation.post.* creation.zero-length"),
    ("maximum-not-enforced", "creation.max-size.*"),
    ("final-not-limited", "concatenation.final.max-size"),
]
"""Defects, each with scenarios that look at what it does."""


@pytest.mark.parametrize(("identifier", "only"), DEFECTS)
def test_a_run_finds_a_defect_and_nothing_that_the_matrix_does_not_know(
    identifier: str, only: str
) -> None:
    lines = run_in_memory(*defect(identifier), only=(*ALWAYS_RUN, *only.split()))
    expected = next(each for each in read_matrix().defects if each.id == identifier)
    failed = {row for row, grade in expected.violates.items() if grade == "fail"}
    assert expected.breaks in rows(lines, "fail", "warn")
    assert rows(lines, "fail") <= failed
    assert rows(lines, "warn") <= expected.violates.keys()
    assert rows(lines, "error", "inconclusive") == set()
    footer = lines[-1]
    assert isinstance(footer, Footer)
    assert footer.exit_code == (1 if rows(lines, "fail") else 0)


_SEQUENTIAL_LINES: list[RecordLine] = []


def _sequential() -> list[RecordLine]:
    """Return the record of one run against the right server, one scenario after the other."""
    if not _SEQUENTIAL_LINES:
        _SEQUENTIAL_LINES.extend(run_in_memory(only=()))
    return _SEQUENTIAL_LINES


@pytest.mark.parametrize("identifier", [identifier for identifier, _ in DEFECTS])
def test_what_a_defect_breaks_holds_on_the_reference(identifier: str) -> None:
    expected = next(each for each in read_matrix().defects if each.id == identifier)
    assert expected.breaks in rows(_sequential(), "pass", "note")


def test_nothing_is_above_a_note_where_nothing_is_wrong() -> None:
    lines = _sequential()
    above = [
        (line.id, line.verdict, line.reason)
        for line in lines
        if isinstance(line, RequirementResult | ScenarioResult)
        and line.verdict in {"fail", "warn", "error", "inconclusive", "blocked"}
    ]
    assert above == []
    assert isinstance(lines[-1], Footer)
    assert lines[-1].exit_code == 0
    assert lines[-1].remaining_uploads == ()


def without_volatile_values(line: RecordLine) -> object:
    """Return what a line says, without times and without the ids that a server made up."""
    text = msgspec.json.encode(line).decode()
    text = re.sub(r"[0-9a-f]{32}", "ID", text)
    text = re.sub(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "DATE", text)
    text = re.sub(r'"(at|started|seconds)":[-0-9.e]+', r'"\1":0', text)
    return re.sub(r'"events":\[.*?\](?=[,}])', '"events":[]', text)


def test_a_run_of_many_jobs_says_what_a_run_of_one_does() -> None:
    some = ("core.head.*", "core.patch.[c-o]*", "creation.*", "termination.*")
    one, many = (
        run_in_memory(only=some),
        run_in_memory(only=some, jobs=8),
    )
    assert sum(bool(line.attempts) for line in one if isinstance(line, ScenarioResult)) > 100
    assert [_named(line) for line in one] == [_named(line) for line in many]
    for line, other in zip(one, many, strict=True):
        told = isinstance(line, ScenarioResult) and not line.id.startswith(("always.", *RACING))
        if told or isinstance(line, RequirementResult):
            assert without_volatile_values(line) == without_volatile_values(other)


def _named(line: RecordLine) -> tuple[str, str]:
    if isinstance(line, RequirementResult | ScenarioResult):
        return line.id, line.verdict
    return type(line).__name__, ""
