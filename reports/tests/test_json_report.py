"""`json_report`: the verdicts of a run for scripts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

from tus_reports import Record
from tus_reports.json_report import json_report

Golden = Callable[[str, str], None]


def test_golden(sample: Record, golden: Golden) -> None:
    """The view of the sample run is the stored one."""
    golden("run.json", json_report(sample))


def test_json_is_whole_and_counts_right(sample: Record) -> None:
    """The document has every verdict and the sums that they make."""
    document = json.loads(json_report(sample))
    assert [each["id"] for each in document["scenarios"]] == [each.id for each in sample.scenarios]
    assert document["counts"]["scenarios"] == Counter(each.verdict for each in sample.scenarios)
    assert sum(each["total"] for each in document["extensions"]) == len(sample.requirements)
    assert document["exit_code"] == 1
