"""The run as JUnit XML: a suite for each section, a case for each scenario.

It keeps to what the stricter of the two schemas in use allows (Ant's, which has no output inside a
case), so that it satisfies both. A fail is a failure; what could not be judged is an error; what
was not applicable, not offered or deselected is skipped with its reason. Warnings pass, unless the
run was strict, and are written to the output of their suite, as are notes. A run that was cut
short, or could not begin, has an erroneous case of its own: it never looks like a passing one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from tus_reports.account import finding
from tus_reports.findings import UNDETERMINED, occurrences_of
from tus_reports.reader import Record
from tus_reports.record import Scenario, Verdict
from tus_reports.tally import conclusion
from tus_reports.transcript import visible

_SKIPPED: frozenset[Verdict] = frozenset({"not-applicable", "unsupported", "excluded"})
_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


def junit(record: Record) -> str:
    """Return the run as JUnit XML."""
    root = ET.Element("testsuites")
    sections: dict[str, list[Scenario]] = {}
    for scenario in record.scenarios:
        sections.setdefault(scenario.section, []).append(scenario)
    for place, (section, scenarios) in enumerate(sections.items()):
        _suite(root, place, section, scenarios, record)
    if record.footer is None or record.footer.problem or not record.scenarios:
        _broken_off(root, len(sections), record)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _suite(
    root: ET.Element, place: int, section: str, scenarios: Sequence[Scenario], record: Record
) -> None:
    outcomes = [_outcome(scenario, record) for scenario in scenarios]
    suite = _begun(root, place, section, record, tests=len(scenarios))
    suite.set("failures", str(outcomes.count("failure")))
    suite.set("errors", str(outcomes.count("error")))
    suite.set("skipped", str(outcomes.count("skipped")))
    suite.set("time", _seconds(sum(map(_duration, scenarios))))
    for scenario, outcome in zip(scenarios, outcomes, strict=True):
        _case(suite, scenario, outcome)
    remarks = [
        finding(scenario)
        for scenario, outcome in zip(scenarios, outcomes, strict=True)
        if outcome == "" and scenario.verdict != "pass"
    ]
    ET.SubElement(suite, "system-out").text = _text("\n\n".join(remarks))
    ET.SubElement(suite, "system-err")


def _begun(root: ET.Element, place: int, name: str, record: Record, *, tests: int) -> ET.Element:
    header = record.header
    started = datetime.fromisoformat(header.started).replace(tzinfo=None)
    suite = ET.SubElement(root, "testsuite")
    suite.set("id", str(place))
    suite.set("package", "tus")
    suite.set("name", _text(name))
    suite.set("hostname", _text(urlsplit(header.target).hostname or "unknown"))
    suite.set("timestamp", started.isoformat(timespec="seconds"))
    suite.set("tests", str(tests))
    properties = ET.SubElement(suite, "properties")
    for name_, value in (
        ("target", header.target),
        ("seed", str(header.seed)),
        ("suite_version", header.suite_version),
        ("spec_edition", header.spec_edition),
    ):
        ET.SubElement(properties, "property", {"name": name_, "value": _text(value)})
    return suite


def _case(suite: ET.Element, scenario: Scenario, outcome: str) -> None:
    case = ET.SubElement(suite, "testcase")
    case.set("name", _text(scenario.id))
    case.set("classname", _text(f"tus.{scenario.extension}"))
    case.set("time", _seconds(_duration(scenario)))
    if outcome:
        element = ET.SubElement(case, outcome)
        element.set("message", _text(_message(scenario)))
        if outcome != "skipped":
            element.set("type", _type(scenario))
            element.text = _text(finding(scenario))


def _broken_off(root: ET.Element, place: int, record: Record) -> None:
    suite = _begun(root, place, "The run itself", record, tests=1)
    suite.set("failures", "0")
    suite.set("errors", "1")
    suite.set("skipped", "0")
    suite.set("time", "0")
    case = ET.SubElement(suite, "testcase", {"name": "run", "classname": "tus", "time": "0"})
    said = _text(conclusion(record))
    ET.SubElement(case, "error", {"message": said, "type": "error"}).text = said
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")


def _outcome(scenario: Scenario, record: Record) -> str:
    """Return the name of the element that tells how a scenario came out; none for a pass."""
    strict = "--strict" in record.header.arguments
    if scenario.verdict == "fail" or (strict and scenario.verdict == "warn"):
        return "failure"
    if scenario.verdict in UNDETERMINED:
        return "error"
    return "skipped" if scenario.verdict in _SKIPPED else ""


def _message(scenario: Scenario) -> str:
    first = next(iter(occurrences_of(scenario)), None)
    if scenario.verdict in _SKIPPED or first is None:
        return f"{scenario.verdict}: {scenario.reason or scenario.title}"
    check = first.check
    return f"{check.requirement}: expected {check.expected or 'otherwise'}, got {first.came}"


def _type(scenario: Scenario) -> str:
    first = next(iter(occurrences_of(scenario)), None)
    return first.check.requirement if first else scenario.verdict


def _duration(scenario: Scenario) -> float:
    return sum(attempt.seconds for attempt in scenario.attempts)


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _text(value: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    lines = [visible(line) for line in value.split("\n")]
    return _NOT_XML.sub("\ufffd", "\n".join(lines))
