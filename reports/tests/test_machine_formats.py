"""The views for machines and for CI: JUnit, Markdown, badges, HAR, JSON, annotations."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import junitparser
import msgspec
import pytest
import xmlschema

from tus_reports import VERDICTS, Check, Record, ScenarioResult, Verdict
from tus_reports.annotations import github_annotations
from tus_reports.badge import badge, badge_json, badge_svg
from tus_reports.har import har
from tus_reports.json_report import json_report
from tus_reports.junit import junit
from tus_reports.markdown import code_block, code_span, escape_markdown, markdown

Golden = Callable[[str, str], None]

ELEMENT_BY_VERDICT: dict[Verdict, str] = {
    "pass": "",
    "note": "",
    "warn": "",
    "fail": "failure",
    "error": "error",
    "inconclusive": "error",
    "blocked": "error",
    "not-applicable": "skipped",
    "unsupported": "skipped",
    "excluded": "skipped",
}

HOSTILE = "\x1b]0;x\x07 ]]> & <script>alert(1)</script> `` ```` | \x00 \ufffe --> ${x} % :: é"


def add_hostile_text(record: Record) -> Record:
    """Put a text that could break out of any format into every place that a server can reach."""
    check = Check(
        requirement="core.patch.offset-mismatch-409",
        outcome="violated",
        grade="fail",
        expected=HOSTILE,
        actual=HOSTILE,
        evidence=HOSTILE,
        explanation=HOSTILE,
    )
    scenario = msgspec.structs.replace(
        record.scenarios[3],
        title=HOSTILE,
        reason=HOSTILE,
        section=HOSTILE,
        attempts=(msgspec.structs.replace(record.scenarios[3].attempts[0], checks=(check,)),),
    )
    skipped = msgspec.structs.replace(record.scenarios[-1], reason=HOSTILE)
    return replace(record, scenarios=(scenario, skipped))


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("junit.xml", junit),
        ("summary.md", markdown),
        ("badge.json", badge_json),
        ("badge.svg", badge_svg),
        ("run.har", har),
        ("run.json", json_report),
        ("annotations.txt", github_annotations),
    ],
)
def test_golden(name: str, view: Callable[[Record], str], sample: Record, golden: Golden) -> None:
    """Each view of the sample run is the stored one."""
    golden(name, view(sample))


# JUnit


@cache
def junit_schema() -> xmlschema.XMLSchema:
    """Read the schema once."""
    return xmlschema.XMLSchema(str(Path(__file__).with_name("data") / "junit.xsd"))


def parse_valid_junit(text: str) -> ET.Element:
    """Return JUnit XML as a tree, once it has been found valid."""
    junit_schema().validate(text)
    return ET.fromstring(text)


def test_junit_tells_every_verdict_by_the_right_element(sample: Record) -> None:
    """A fail is a failure, what is unclear an error, what was left out skipped, the rest passes."""
    cases = {case.get("name"): case for case in parse_valid_junit(junit(sample)).iter("testcase")}
    assert {scenario.verdict for scenario in sample.scenarios} == set(VERDICTS)
    for scenario in sample.scenarios:
        found = [element.tag for element in cases[scenario.id]]
        assert "".join(found) == ELEMENT_BY_VERDICT[scenario.verdict], scenario.verdict
    assert len(cases) == len(sample.scenarios)


def test_junit_counts_what_it_holds(sample: Record) -> None:
    """The sums of each suite are those of its cases."""
    for suite in parse_valid_junit(junit(sample)).iter("testsuite"):
        tags = Counter(element.tag for case in suite.iter("testcase") for element in case)
        known = {name: int(suite.get(name, "-1")) for name in ("failures", "errors", "skipped")}
        sums = (tags["failure"], tags["error"], tags["skipped"])
        assert tuple(known.values()) == sums
        assert int(suite.get("tests", "-1")) == len(list(suite.iter("testcase")))


def test_junit_is_read_by_a_consumer(sample: Record) -> None:
    """A library that CI tools use finds the same failures, errors and skips."""
    read = junitparser.JUnitXml.fromstring(junit(sample).encode())
    results = {case.name: [type(each).__name__ for each in case.result] for s in read for case in s}
    names = {"failure": ["Failure"], "error": ["Error"], "skipped": ["Skipped"], "": []}
    assert results == {
        each.id: names[ELEMENT_BY_VERDICT[each.verdict]] for each in sample.scenarios
    }


def test_a_strict_run_fails_by_its_warnings(sample: Record) -> None:
    """With --strict a warning is a failure."""
    header = msgspec.structs.replace(sample.header, arguments=("--strict",))
    cases = {
        case.get("name"): case
        for case in parse_valid_junit(junit(replace(sample, header=header))).iter("testcase")
    }
    assert [element.tag for element in cases["core.patch.cut/50%"]] == ["failure"]


def test_junit_warnings_are_in_the_output(sample: Record) -> None:
    """What passes with a remark has it in the output of its suite."""
    outputs = "".join(
        each.text or "" for each in parse_valid_junit(junit(sample)).iter("system-out")
    )
    assert "▲ warn  core.patch.keep-partial" in outputs
    assert "• note" in outputs


@pytest.mark.parametrize("how", ["no footer", "a problem", "no scenario"])
def test_junit_of_a_run_that_broke_off_is_no_pass(how: str, sample: Record) -> None:
    """A run that was cut short, could not begin or selected nothing has an erroneous case."""
    assert sample.footer is not None
    passed = tuple(each for each in sample.scenarios if each.verdict == "pass")
    calm = replace(sample, scenarios=passed, requirements=())
    unreachable = msgspec.structs.replace(sample.footer, error="Nobody there.", exit_code=3)
    broken = {
        "no footer": replace(calm, footer=None),
        "a problem": replace(calm, footer=unreachable),
        "no scenario": replace(calm, scenarios=()),
    }[how]
    assert not list(parse_valid_junit(junit(calm)).iter("error"))
    assert len(list(parse_valid_junit(junit(broken)).iter("error"))) == 1


def test_junit_holds_any_text(sample: Record) -> None:
    """No text from a server makes the XML invalid, or gets lost in it."""
    text = junit(add_hostile_text(sample))
    messages = [each.get("message", "") for each in parse_valid_junit(text).iter("failure")]
    assert "<script>alert(1)</script>" in messages[0]
    assert "\\x1b" in messages[0]


# Markdown


def test_markdown_keeps_to_its_limit(sample: Record) -> None:
    """Findings for which there is no room are named, and the summary stays within its limit."""
    whole = markdown(sample)
    short = markdown(sample, limit=3500)
    assert len(whole) > 3500 >= len(short)
    assert "Not shown here" in short
    assert "Not shown here" not in whole
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


# Badges


@pytest.mark.parametrize(
    ("extension", "label", "message"),
    [
        pytest.param(None, "tus 1.0.0", "2 of 10 violated", id="the run"),
        pytest.param("core", "tus core", "2 of 6 violated", id="violated"),
        pytest.param("creation", "tus creation", "undetermined", id="undetermined"),
        pytest.param("checksum", "tus checksum", "not offered", id="not offered"),
    ],
)
def test_badge(extension: str | None, label: str, message: str, sample: Record) -> None:
    """A badge says what the verdict is."""
    made = badge(sample, extension)
    assert (made.label, made.message) == (label, message)
    assert json.loads(badge_json(sample, extension))["message"] == message
    image = ET.fromstring(badge_svg(sample, extension))
    assert image.get("aria-label") == f"{label}: {message}"


def test_a_badge_never_claims_more_than_is_known(sample: Record) -> None:
    """Only a whole run without doubt says conformant; its warnings are counted."""
    good = tuple(row for row in sample.requirements if row.verdict in {"pass", "warn"})
    assert badge(replace(sample, requirements=good)).message == "conformant, 1 warning"
    assert badge(replace(sample, requirements=good, footer=None)).message == "undetermined"
    assert badge(replace(sample, requirements=())).message == "undetermined"


def test_a_badge_of_an_unknown_extension_is_refused(sample: Record) -> None:
    """The error names the extensions there are."""
    with pytest.raises(KeyError, match="core, creation, checksum, termination"):
        badge(sample, "teleportation")


# HAR


def test_har_holds_every_exchange(sample: Record) -> None:
    """Each exchange is an entry of the page of its attempt, in order, with what HAR asks for."""
    log = json.loads(har(sample))["log"]
    exchanges = [
        exchange
        for scenario in sample.scenarios
        for attempt in scenario.attempts
        for exchange in attempt.exchanges
    ]
    entries = log["entries"]
    assert [(each["request"]["method"], each["response"]["status"]) for each in entries] == [
        (each.method, each.response.status if each.response else 0) for each in exchanges
    ]
    pages = [page["id"] for page in log["pages"]]
    assert len(pages) == len(set(pages))
    assert {each["pageref"] for each in entries} == set(pages)
    for entry in entries:
        assert entry["time"] == pytest.approx(sum(entry["timings"].values()))
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        assert all(value >= 0 for value in entry["timings"].values())


def test_har_shows_what_it_has_no_place_for(sample: Record) -> None:
    """Our own acts and failures are in the comments and in names of our own."""
    entries = json.loads(har(sample))["log"]["entries"]
    cut = next(each for each in entries if "we cut after" in each["comment"])
    assert cut["response"]["_error"] == "We cut the connection; no answer was awaited."
    assert "action" in [event["event"] for event in cut["_events"]]


# JSON and annotations


def test_json_is_whole_and_counts_right(sample: Record) -> None:
    """The document has every verdict and the sums that they make."""
    document = json.loads(json_report(sample))
    assert [each["id"] for each in document["scenarios"]] == [each.id for each in sample.scenarios]
    assert document["counts"]["scenarios"] == Counter(each.verdict for each in sample.scenarios)
    assert sum(each["total"] for each in document["extensions"]) == len(sample.requirements)
    assert document["exit_code"] == 1


def test_annotations_are_one_line_each(sample: Record) -> None:
    """A finding is one workflow command, whatever text is in it."""
    lines = github_annotations(add_hostile_text(sample)).splitlines()
    assert lines
    assert all(re.match(r"^::(error|warning) title=[^:,]+::.+$", line) for line in lines)
    found = github_annotations(sample)
    assert found.count("::warning ") == 1
    assert found.count("::error ") == 5


def test_a_sum_is_told_by_its_name(sample: Record) -> None:
    """A row that is the sum of others is named with its verdict, not as unjudged."""
    failed = tuple(each.id for each in sample.scenarios if each.verdict == "fail")
    total = msgspec.structs.replace(sample.requirements[0], id="core.all", scenarios=failed)
    summed = replace(sample, requirements=(*sample.requirements, total))
    assert "<summary>✗ FAIL <code>core.all</code> Every response" in markdown(summed)
    assert "Unjudged: `core.all`" not in markdown(summed)
    assert "::error title=core.all::Every response" in github_annotations(summed)


def test_a_scenario_without_evidence_is_still_told(sample: Record) -> None:
    """A fail without a check has a failure, an annotation and a finding of its own."""
    bare = ScenarioResult(
        id="odd.one", title="An odd one", verdict="fail", section="Odd", extension="core"
    )
    odd = replace(sample, scenarios=(bare,), requirements=())
    assert [each.get("message") for each in parse_valid_junit(junit(odd)).iter("failure")] == [
        "fail: An odd one"
    ]
    assert "odd.one" in markdown(odd)
    assert github_annotations(odd).startswith("::error ")
