"""`junit`: the view for what reads JUnit XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import junitparser
import msgspec
import pytest
import xmlschema
from hostile_text import add_hostile_text
from odd_records import remove_evidence

from tus_reports import VERDICTS, Record, Verdict
from tus_reports.junit import junit

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


def test_golden(sample: Record, golden: Golden) -> None:
    """The view of the sample run is the stored one."""
    golden("junit.xml", junit(sample))


@cache
def junit_schema() -> xmlschema.XMLSchema:
    """Read the schema once."""
    return xmlschema.XMLSchema(str(Path(__file__).with_name("data") / "junit.xsd"))


def parse_valid_junit(text: str) -> ET.Element:
    """Return JUnit XML as a tree, once it has been found valid."""
    junit_schema().validate(text)
    return ET.fromstring(text)


def test_junit_has_the_right_element_for_every_verdict(sample: Record) -> None:
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


def test_a_scenario_without_evidence_is_still_reported(sample: Record) -> None:
    """A failed scenario without a check has a failure of its own."""
    document = parse_valid_junit(junit(remove_evidence(sample)))
    assert [each.get("message") for each in document.iter("failure")] == ["fail: An odd one"]
