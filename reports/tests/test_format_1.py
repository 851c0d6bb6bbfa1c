"""`format_1`: the lines of a record of format 1, and what decided their checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tus_reports import Record, html, markdown, read, render_terminal
from tus_reports.format_1 import upgrade_line

UNANSWERED = "a valid request whose connection closes unanswered is a fail in any row"
RECORDS = Path(__file__).with_name("records")

# The grade of a check, the status of its response, what came, what the scenario says, whether data
# was lost, and the rule that decided.
CHECKS: list[tuple[str, int, str, str, bool, str, str]] = [
    ("fail", 500, "status 500", "", False, "server-error", "a 5xx where another was wanted"),
    ("fail", 503, "HEAD got 503", "", False, "server-error", "a 5xx that kept from resuming"),
    ("fail", 501, "status 501", "", False, "expectation", "501, an honest no"),
    ("fail", 404, "status 404", "", False, "expectation", "another error"),
    ("warn", 500, "status 500", "it trips", False, "expectation", "a 5xx that is foreseen"),
    ("fail", 500, "status 500", "it trips", False, "expectation", "a 5xx that is explained"),
    ("fail", 500, "Upload-Offset: -1", "", False, "expectation", "a header of a 5xx"),
    ("fail", 200, "4 bytes of 5", "", True, "data-loss", "lost bytes"),
    ("fail", 500, "4 bytes of 5", "it is gone", True, "data-loss", "lost bytes, explained"),
    ("fail", 0, "It closed.", UNANSWERED, False, "unanswered", "no response"),
    ("warn", 0, "It closed.", UNANSWERED, False, "expectation", "no response, only a warning"),
]


@pytest.mark.parametrize(
    ("grade", "status", "actual", "says", "damage", "rule"),
    [pytest.param(*each[:6], id=each[6]) for each in CHECKS],
)
def test_what_decided_is_found_in_the_words_of_a_check(
    grade: str, status: int, actual: str, says: str, damage: bool, rule: str
) -> None:
    """The words of the rule itself are taken out of the explanation."""
    check = {"grade": grade, "actual": actual, "says": says, "damage": damage, "exchange": 0}
    exchange = {"response": {"status": status}} if status else {}
    found = upgrade_check(check, exchange)
    assert found.get("rule", "expectation") == rule
    assert found.get("explanation", "") == ("" if rule == "unanswered" else says)
    assert "says" not in found
    assert "damage" not in found


def upgrade_check(check: dict[str, Any], *exchanges: dict[str, Any]) -> dict[str, Any]:
    """Return a check of an attempt with exchanges as format 2 has it."""
    attempts = [{"checks": [check], "exchanges": list(exchanges)}]
    line = upgrade_line({"kind": "scenario", "attempts": attempts})
    assert isinstance(line, dict)
    found: dict[str, Any] = line["attempts"][0]["checks"][0]
    return found


@pytest.mark.parametrize("exchange", [0, 1, -1, None, "0"])
def test_without_its_exchange_nothing_is_known_of_a_status(exchange: object) -> None:
    """A check whose exchange was not kept stands as it is."""
    found = upgrade_check({"grade": "fail", "actual": "status 500", "exchange": exchange})
    assert "rule" not in found


@pytest.mark.parametrize(
    "line", [1, [1], {}, {"kind": "joke"}, {"kind": "scenario", "attempts": 3}], ids=str
)
def test_what_is_not_a_line_stays_for_the_reader_to_report(line: object) -> None:
    """The reader has an error for each; the conversion has none."""
    assert upgrade_line(line) == line


def test_no_name_of_format_1_is_left() -> None:
    """Every field of the stored record is one that format 2 has, and keeps its value."""
    old, new = (
        [
            json.loads(line)
            for line in (RECORDS / f"format-{number}.ndjson").read_text().splitlines()
        ]
        for number in (1, 2)
    )
    assert [upgrade_line(line) for line in old] == new


@pytest.mark.parametrize("view", [render_terminal, markdown, html])
def test_a_record_of_format_1_is_shown_like_one_of_format_2(view: Any, sample: Record) -> None:
    assert view(read(RECORDS / "format-1.ndjson")) == view(sample)
