"""`annotations`: a line of a GitHub job for each finding."""

from __future__ import annotations

import re
from collections.abc import Callable

from hostile_text import add_hostile_text
from odd_records import add_sum, remove_evidence

from tus_reports import Record
from tus_reports.annotations import github_annotations

Golden = Callable[[str, str], None]


def test_golden(sample: Record, golden: Golden) -> None:
    """The view of the sample run is the stored one."""
    golden("annotations.txt", github_annotations(sample))


def test_annotations_are_one_line_each(sample: Record) -> None:
    """A finding is one workflow command, whatever text is in it."""
    lines = github_annotations(add_hostile_text(sample)).splitlines()
    assert lines
    assert all(re.match(r"^::(error|warning) title=[^:,]+::.+$", line) for line in lines)
    found = github_annotations(sample)
    assert found.count("::warning ") == 1
    assert found.count("::error ") == 5


def test_a_total_is_named(sample: Record) -> None:
    """A requirement that is the sum of others is named with its verdict."""
    assert "::error title=core.all::Every response" in github_annotations(add_sum(sample))


def test_a_scenario_without_evidence_is_still_reported(sample: Record) -> None:
    """A failed scenario without a check has an annotation of its own."""
    assert github_annotations(remove_evidence(sample)).startswith("::error ")
