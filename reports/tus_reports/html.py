"""The report as one HTML file: no network, readable without JavaScript, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tus_reports.account import attempts_in_words, step_of
from tus_reports.capability import UNADVERTISED, contradicts
from tus_reports.findings import Digest, Occurrence, digest
from tus_reports.mark import MARKS
from tus_reports.markdown import finding_markdown
from tus_reports.reader import Record
from tus_reports.record import VERDICTS, Requirement, Scenario, Verdict
from tus_reports.saying import sayings
from tus_reports.spectext import Section, section_for, sections_of
from tus_reports.story import Passage, Story, passage, story
from tus_reports.tally import Share, by_extension, by_level, conclusion, counted, plural
from tus_reports.transcript import in_a_line, sized, visible

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

WHOLE_STORIES = 2000
"""Up to so many scenarios, those that passed are shown with their bytes, too."""


@dataclass(frozen=True)
class Chapter:
    """The requirements, or the scenarios, of one section."""

    name: str
    requirements: tuple[Requirement, ...] = ()
    stories: tuple[Story, ...] = ()
    text: Section | None = None


@dataclass(frozen=True)
class Part:
    """The chapters of one extension."""

    share: Share
    chapters: tuple[Chapter, ...]


@dataclass(frozen=True)
class Page:
    """Everything that the report shows."""

    record: Record
    conclusion: str
    verdict: Verdict
    found: Digest
    extensions: tuple[Share, ...]
    levels: tuple[Share, ...]
    scenario_counts: dict[Verdict, int]
    requirement_counts: dict[Verdict, int]
    said: dict[str, str]
    statements: dict[str, str]
    parts: tuple[Part, ...]
    chapters: tuple[Chapter, ...]
    bytes_of_all: bool


def html(record: Record, *, spec_text: str = "", brief: bool = False) -> str:
    """Return the report on a run as one HTML file.

    If `brief`, or beyond `WHOLE_STORIES`, scenarios that passed are shown without their exchanges.
    With the specification's own Markdown as `spec_text`, each section stands above its
    requirements, with its normative sentences marked.
    """
    shown = page(record, spec_text=spec_text, brief=brief)
    return environment().get_template("report.html.j2").render(page=shown)


def page(record: Record, *, spec_text: str = "", brief: bool = False) -> Page:
    """Gather what the report shows."""
    sections = sections_of(spec_text)
    bytes_of_all = not brief and len(record.scenarios) <= WHOLE_STORIES
    found = digest(record.scenarios, record.requirements)
    return Page(
        record=record,
        conclusion=conclusion(record),
        verdict=_overall(record),
        found=found,
        extensions=by_extension(record.requirements),
        levels=by_level(record.requirements),
        scenario_counts=counted(record.scenarios),
        requirement_counts=counted(record.requirements),
        said=sayings(record, found),
        statements={row.id: row.statement for row in record.requirements},
        parts=tuple(_parts(record, sections)),
        chapters=tuple(_chapters(record.scenarios, bytes_of_all=bytes_of_all)),
        bytes_of_all=bytes_of_all,
    )


def _overall(record: Record) -> Verdict:
    code = record.footer.exit_code if record.footer else 3
    found = {scenario.verdict for scenario in record.scenarios}
    if code in {0, 1}:
        return "fail" if "fail" in found else "warn" if code else "pass"
    return "inconclusive"


def _parts(record: Record, spec: Sequence[Section]) -> Iterable[Part]:
    for share in by_extension(record.requirements):
        sections: dict[str, list[Requirement]] = {}
        for row in record.requirements:
            if row.extension == share.name:
                sections.setdefault(row.section, []).append(row)
        chapters = [
            Chapter(name, requirements=tuple(rows), text=section_for(name, spec))
            for name, rows in sections.items()
        ]
        yield Part(share, tuple(chapters))


def _chapters(scenarios: Iterable[Scenario], *, bytes_of_all: bool) -> Iterable[Chapter]:
    sections: dict[str, list[Story]] = {}
    for scenario in scenarios:
        whole = bytes_of_all or scenario.verdict != "pass"
        sections.setdefault(scenario.section, []).append(story(scenario, whole=whole))
    for name, stories in sections.items():
        yield Chapter(name, stories=tuple(stories))


def started(record: Record) -> str:
    """Return when a run began, to the second, for a reader."""
    return record.header.started.replace("T", " ").replace("+00:00", " UTC")


def decisive(each: Occurrence) -> Passage | None:
    """Return the exchange that decided a check, laid out."""
    number, exchanges = each.check.exchange, each.attempt.exchanges
    if number is None or not 0 <= number < len(exchanges):
        return None
    return passage(exchanges[number], each.check)


def before(each: Occurrence) -> tuple[str, ...]:
    """Return the exchanges that led up to the decisive one, each in a line."""
    earlier = each.attempt.exchanges[: each.check.exchange or 0]
    return tuple(in_a_line(exchange) for exchange in earlier)


def inline(text: str) -> Markup:
    """Return a sentence of Markdown with its code shown as such, and all else as it stands."""
    from markupsafe import Markup, escape

    shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(shown)  # noqa: S704  the text was escaped before any markup came into it


@cache
def environment() -> Environment:
    """Return the templates, with what they may call; all text is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("tus_reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"visible": visible, "sized": sized, "inline": inline}
    made.globals |= {
        "MARKS": MARKS,
        "VERDICTS": VERDICTS,
        "plural": plural,
        "step_of": step_of,
        "attempts_in_words": attempts_in_words,
        "decisive": decisive,
        "before": before,
        "started": started,
        "contradicts": contradicts,
        "UNADVERTISED": UNADVERTISED,
        "finding_markdown": finding_markdown,
    }
    return made
