"""`markdown`: the summary of a run for a job or a pull request."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hostile_text import add_hostile_text
from odd_records import add_sum, remove_evidence

from tus_reports import Record
from tus_reports.markdown import code_block, code_span, escape_markdown, markdown

Golden = Callable[[str, str], None]


def test_golden(sample: Record, golden: Golden) -> None:
    """The view of the sample run is the stored one."""
    golden("summary.md", markdown(sample))


def test_markdown_keeps_to_its_limit(sample: Record) -> None:
    """Findings for which there is no room are named, and the summary stays within its limit."""
    whole = markdown(sample)
    short = markdown(sample, limit=3500)
    assert len(whole) > 3500 >= len(short)
    assert "Not shown, because" in short
    assert "Not shown, because" not in whole
    for name in ("core.patch.offset-mismatch-409", "core.patch.keep-partial"):
        assert name in short


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(escape_markdown("a|b"), "a\\|b", id="a table's bar"),
        pytest.param(escape_markdown("<b>"), "&lt;b&gt;", id="HTML"),
        pytest.param(escape_markdown("@someone"), "\\@someone", id="a mention"),
        pytest.param(escape_markdown("a\nb"), "a b", id="a line end"),
        pytest.param(code_span("a`b"), "``a`b``", id="a backtick in code"),
        pytest.param(code_span("`a"), "`` `a ``", id="a backtick at the edge"),
        pytest.param(code_block("```"), "````text\n```\n````", id="a fence in a fence"),
    ],
)
def test_markdown_escapes(shown: str, expected: str) -> None:
    """Text stays text."""
    assert shown == expected


def test_markdown_holds_any_text(sample: Record) -> None:
    """No text from a server becomes HTML or leaves its block of code."""
    text = markdown(add_hostile_text(sample))
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", text)
    outside = re.sub(r"(`+).+?\1(?!`)", "", outside)
    assert "<script" not in outside
    assert "\x1b" not in text


def test_a_total_is_named(sample: Record) -> None:
    """A requirement that is the sum of others is named with its verdict, not as unjudged."""
    text = markdown(add_sum(sample))
    assert "<summary>✗ FAIL <code>core.all</code> Every response" in text
    assert "Unjudged: `core.all`" not in text


def test_a_scenario_without_evidence_is_still_reported(sample: Record) -> None:
    """A failed scenario without a check has a finding of its own."""
    assert "odd.one" in markdown(remove_evidence(sample))
