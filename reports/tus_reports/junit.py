"""The run as JUnit XML: a suite for each section, a case for each scenario.

It keeps to what the stricter of the two schemas in use allows (Ant's, which has no output inside a
case), so that it satisfies both. A fail is a failure; what could not be evaluated is an error; what
was not applicable, not offered or deselected is skipped with its reason. Warnings pass, unless the
run was strict, and are written to the output of their suite, as are notes. A failure that the
baseline lists is skipped, as a known one; an entry that passes now is a failure of the run. A run
that was cut short, or could not begin, has an erroneous case of its own: it never looks like a
passing one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from tus_reports.finding_text import finding_text
from tus_reports.findings import UNDETERMINED, Occurrence, find_occurrences, is_known
from tus_reports.record import ScenarioResult, Verdict
from tus_reports.record_reader import Record
from tus_reports.totals import conclusion_sentence, content_sentence
from tus_reports.transcript import escape_controls

_SKIPPED: frozenset[Verdict] = frozenset({"not-applicable", "unsupported", "excluded"})
_NOT_XML = re.compile("[\ud800-\udfff\ufffe\uffff]")


def junit(record: Record) -> str:
    """Return the run as JUnit XML."""
    root = ET.Element("testsuites")
    sections: dict[str, list[ScenarioResult]] = {}
    for scenario in record.scenarios:
        if not scenario.is_selected:
            continue
        sections.setdefault(scenario.section, []).append(scenario)
    for suite_id, (section, scenarios) in enumerate(sections.items()):
        _add_suite(root, suite_id, section, scenarios, record)
    if record.footer is None or record.footer.error or not record.scenarios:
        _add_run_case(root, len(sections), record, "error", conclusion_sentence(record))
    elif record.footer.fixed_failures:
        pairs = ", ".join(record.footer.fixed_failures)
        text = f"The baseline lists failures that pass now; delete their lines: {pairs}."
        _add_run_case(root, len(sections), record, "failure", text)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _add_suite(
    root: ET.Element,
    suite_id: int,
    section: str,
    scenarios: Sequence[ScenarioResult],
    record: Record,
) -> None:
    outcomes = [_element_name(scenario, record) for scenario in scenarios]
    suite = _start_suite(root, suite_id, section, record, tests=len(scenarios))
    suite.set("failures", str(outcomes.count("failure")))
    suite.set("errors", str(outcomes.count("error")))
    suite.set("skipped", str(outcomes.count("skipped")))
    suite.set("time", _format_seconds(sum(map(_total_seconds, scenarios))))
    for scenario, outcome in zip(scenarios, outcomes, strict=True):
        _add_case(suite, scenario, outcome)
    notes = [
        finding_text(scenario)
        for scenario, outcome in zip(scenarios, outcomes, strict=True)
        if outcome == "" and scenario.verdict != "pass"
    ]
    ET.SubElement(suite, "system-out").text = _xml_text("\n\n".join(notes))
    ET.SubElement(suite, "system-err")


def _start_suite(
    root: ET.Element, suite_id: int, name: str, record: Record, *, tests: int
) -> ET.Element:
    header = record.header
    started = datetime.fromisoformat(header.started_at).replace(tzinfo=None)
    suite = ET.SubElement(root, "testsuite")
    suite.set("id", str(suite_id))
    suite.set("package", "tus")
    suite.set("name", _xml_text(name))
    suite.set("hostname", _xml_text(urlsplit(header.target).hostname or "unknown"))
    suite.set("timestamp", started.isoformat(timespec="seconds"))
    suite.set("tests", str(tests))
    properties = ET.SubElement(suite, "properties")
    facts = [
        ("target", header.target),
        ("seed", str(header.seed)),
        ("suite_version", header.suite_version),
        ("spec_edition", header.spec_edition),
        ("server_name", header.server_name),
        ("server_version", header.server_version),
    ]
    facts.append(("contents_compared", content_sentence(record).partition(": ")[2]))
    for name_, value in facts:
        if not value:
            continue
        ET.SubElement(properties, "property", {"name": name_, "value": _xml_text(value)})
    return suite


def _add_case(suite: ET.Element, scenario: ScenarioResult, outcome: str) -> None:
    case = ET.SubElement(suite, "testcase")
    case.set("name", _xml_text(scenario.id))
    case.set("classname", _xml_text(f"tus.{scenario.extension}"))
    case.set("time", _format_seconds(_total_seconds(scenario)))
    if outcome:
        element = ET.SubElement(case, outcome)
        element.set("message", _xml_text(_failure_message(scenario)))
        if outcome != "skipped":
            element.set("type", _failure_type(scenario))
            element.text = _xml_text(finding_text(scenario))


def _add_run_case(root: ET.Element, suite_id: int, record: Record, kind: str, text: str) -> None:
    """Add a case of its own about the whole run; `kind` is "error" or "failure"."""
    suite = _start_suite(root, suite_id, "The run", record, tests=1)
    suite.set("failures", "1" if kind == "failure" else "0")
    suite.set("errors", "1" if kind == "error" else "0")
    suite.set("skipped", "0")
    suite.set("time", "0")
    case = ET.SubElement(suite, "testcase", {"name": "run", "classname": "tus", "time": "0"})
    message = _xml_text(text)
    ET.SubElement(case, kind, {"message": message, "type": kind}).text = message
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")


def _element_name(scenario: ScenarioResult, record: Record) -> str:
    """Return the name of the element for the verdict of a scenario; none for a pass."""
    strict = record.header.strict or "--strict" in record.header.arguments
    if scenario.verdict == "fail" or (strict and scenario.verdict == "warn"):
        return "skipped" if is_known(scenario) else "failure"
    if scenario.verdict in UNDETERMINED:
        return "error"
    return "skipped" if scenario.verdict in _SKIPPED else ""


def _failure_message(scenario: ScenarioResult) -> str:
    first = _first_occurrence(scenario)
    if scenario.verdict in _SKIPPED or first is None:
        return f"{scenario.verdict}: {scenario.reason or scenario.title}"
    check = first.check
    known = "known failure, listed in the baseline: " if is_known(scenario) else ""
    return (
        f"{known}{check.requirement}: expected {check.expected or 'otherwise'}, got {first.actual}"
    )


def _first_occurrence(scenario: ScenarioResult) -> Occurrence | None:
    """Return the occurrence that a case is about: the first that the baseline does not list."""
    found = sorted(find_occurrences(scenario), key=lambda each: each.is_known)
    return next(iter(found), None)


def _failure_type(scenario: ScenarioResult) -> str:
    first = _first_occurrence(scenario)
    return first.check.requirement if first else scenario.verdict


def _total_seconds(scenario: ScenarioResult) -> float:
    return sum(attempt.duration for attempt in scenario.attempts)


def _format_seconds(value: float) -> str:
    return f"{value:.3f}"


def _xml_text(value: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    lines = [escape_controls(line) for line in value.split("\n")]
    return _NOT_XML.sub("\ufffd", "\n".join(lines))
