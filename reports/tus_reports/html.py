"""The report as one HTML file: no network, readable without JavaScript, in light and in dark."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tus_reports.capability import NOT_ADVERTISABLE, is_contradiction
from tus_reports.curl_script import short_curl_script
from tus_reports.finding_text import describe_attempts, step_sentence
from tus_reports.findings import (
    SERIOUS,
    Finding,
    Occurrence,
    RunFindings,
    collect_findings,
    group_by_cause,
)
from tus_reports.markdown import finding_markdown
from tus_reports.record import VERDICTS, RequirementResult, ScenarioResult, Verdict
from tus_reports.record_reader import Record
from tus_reports.requirement_summary import summarize_requirements
from tus_reports.scenario_families import scenario_families
from tus_reports.scenario_view import (
    Depth,
    ExchangeView,
    ScenarioView,
    exchange_view,
    scenario_view,
)
from tus_reports.server_title import server_title
from tus_reports.spec_text import SpecSection, find_section, split_sections
from tus_reports.totals import (
    GroupTotals,
    conclusion_sentence,
    content_sentence,
    count_verdicts,
    pluralize,
    totals_by_extension,
    totals_by_level,
    whole_totals,
)
from tus_reports.transcript import escape_controls, format_size, summarize_exchange
from tus_reports.verdict_style import VERDICT_STYLES

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MAX_PAGE_SIZE = 1_000_000
"""Bytes of a page, unless it is a full one."""

MAX_WITH_EXCHANGES = 2000
"""Up to so many scenarios, a full page has the bytes of those that passed, too."""


@dataclass(frozen=True)
class PageLimits:
    """How many findings have their bytes, and how many scenarios their steps and checks."""

    findings: int = sys.maxsize
    scenarios: int = sys.maxsize


_LIMITS = (
    PageLimits(),
    PageLimits(findings=100, scenarios=100),
    PageLimits(findings=100, scenarios=60),
    PageLimits(findings=60, scenarios=30),
    PageLimits(findings=30, scenarios=0),
    PageLimits(findings=10, scenarios=0),
    PageLimits(findings=0, scenarios=0),
)
"""From a page with all evidence to the smallest one. The first that is small enough is used."""


@dataclass(frozen=True)
class FindingView:
    """A finding. If its bytes are not shown, `elsewhere` says where they are.

    One that is beyond the limits (`is_short`) has no text to copy either.
    """

    found: Finding
    elsewhere: str = ""
    is_short: bool = False


@dataclass(frozen=True)
class SectionView:
    """The requirements, or the scenarios, of one section."""

    name: str
    requirements: tuple[RequirementResult, ...] = ()
    views: tuple[ScenarioView, ...] = ()
    text: SpecSection | None = None


@dataclass(frozen=True)
class ExtensionView:
    """The chapters of one extension."""

    share: GroupTotals
    chapters: tuple[SectionView, ...]


@dataclass(frozen=True)
class ReportView:
    """Everything that the report shows."""

    record: Record
    conclusion: str
    contents: str
    verdict: Verdict
    found: RunFindings
    findings: tuple[FindingView, ...]
    extensions: tuple[GroupTotals, ...]
    levels: tuple[GroupTotals, ...]
    scenario_counts: dict[Verdict, int]
    requirement_counts: dict[Verdict, int]
    said: dict[str, str]
    statements: dict[str, str]
    parts: tuple[ExtensionView, ...]
    chapters: tuple[SectionView, ...]
    all_exchanges: bool
    total: GroupTotals


def html(record: Record, *, spec_text: str = "", full: bool = False) -> str:
    """Return the report on a run as one HTML file, of at most `MAX_PAGE_SIZE` bytes.

    The bytes are those of the findings. Of a run with so many that the file would be larger, the
    first ones have theirs. With `full`, and up to `MAX_WITH_EXCHANGES` scenarios, every scenario
    is shown with its steps and all of its bytes, which takes some megabytes. With the
    specification's own Markdown as `spec_text`, which is not counted, each section stands above
    its requirements, with its normative sentences marked.
    """
    template = template_environment().get_template("report.html.j2")
    page = ""
    for limits in _LIMITS:
        shown = build_report(record, spec_text=spec_text, full=full, limits=limits)
        page = template.render(page=shown)
        if full or len(page.encode()) <= MAX_PAGE_SIZE + len(spec_text.encode()):
            break
    return page


def build_report(
    record: Record, *, spec_text: str = "", full: bool = False, limits: PageLimits | None = None
) -> ReportView:
    """Gather what the report shows, within limits."""
    limits = limits or PageLimits()
    sections = split_sections(spec_text)
    all_exchanges = full and len(record.scenarios) <= MAX_WITH_EXCHANGES
    found = collect_findings(record.scenarios, record.requirements)
    return ReportView(
        record=record,
        conclusion=conclusion_sentence(record),
        contents=content_sentence(record).partition(": ")[2],
        verdict=_overall_verdict(record),
        found=found,
        findings=tuple(_finding_views(found, limits.findings)),
        extensions=totals_by_extension(record),
        levels=totals_by_level(record.requirements),
        scenario_counts=count_verdicts(record.scenarios),
        requirement_counts=count_verdicts(record.requirements),
        said=summarize_requirements(record, found),
        statements={requirement.id: requirement.statement for requirement in record.requirements},
        parts=tuple(_extension_views(record, sections)),
        chapters=tuple(
            _section_views(record.scenarios, limits.scenarios, all_exchanges=all_exchanges)
        ),
        total=whole_totals(record),
        all_exchanges=all_exchanges,
    )


def _overall_verdict(record: Record) -> Verdict:
    code = record.footer.exit_code if record.footer else 3
    found = {scenario.verdict for scenario in record.scenarios}
    if code in {0, 1}:
        return "fail" if "fail" in found else "warn" if code else "pass"
    return "inconclusive"


def _extension_views(record: Record, spec: Sequence[SpecSection]) -> Iterable[ExtensionView]:
    for share in totals_by_extension(record):
        sections: dict[str, list[RequirementResult]] = {}
        for requirement in record.requirements:
            if requirement.extension == share.name:
                sections.setdefault(requirement.section, []).append(requirement)
        chapters = [
            SectionView(name, requirements=tuple(rows), text=find_section(name, spec))
            for name, rows in sections.items()
        ]
        yield ExtensionView(share, tuple(chapters))


def _finding_views(found: RunFindings, limit: int) -> Iterable[FindingView]:
    """Yield the findings that are not known; of those of one cause, the first has the bytes."""
    new = [each for each in found.findings if not each.is_known]
    for number, group in enumerate(group_by_cause(new)):
        for finding in group:
            if number >= limit:
                text = "The record has the bytes, which would make this page too large."
                yield FindingView(finding, text, is_short=True)
            elif finding is group[0]:
                yield FindingView(finding)
            else:
                yield FindingView(finding, "The same exchange as above shows it.")


def _section_views(
    scenarios: Iterable[ScenarioResult], limit: int, *, all_exchanges: bool
) -> Iterable[SectionView]:
    sections: dict[str, list[ScenarioView]] = {}
    laid_out = 0
    for scenario in scenarios:
        if not scenario.is_selected:
            continue
        depth: Depth = "title"
        if all_exchanges:
            depth = "exchanges"
        elif scenario.verdict in SERIOUS and laid_out < limit:
            depth = "checks"
            laid_out += 1
        sections.setdefault(scenario.section, []).append(scenario_view(scenario, depth))
    for name, views in sections.items():
        yield SectionView(name, views=tuple(views))


def format_start_time(record: Record) -> str:
    """Return when a run began, to the second, for a reader."""
    return record.header.started_at.replace("T", " ").replace("+00:00", " UTC")


def decisive_exchange(each: Occurrence) -> ExchangeView | None:
    """Return the exchange that decided a check, laid out."""
    number, exchanges = each.check.exchange, each.attempt.exchanges
    if number is None or not 0 <= number < len(exchanges):
        return None
    return exchange_view(exchanges[number], each.check)


def previous_exchanges(each: Occurrence) -> tuple[str, ...]:
    """Return the exchanges that led up to the decisive one, each in a line."""
    earlier = each.attempt.exchanges[: each.check.exchange or 0]
    return tuple(summarize_exchange(exchange) for exchange in earlier)


def inline_code(text: str) -> Markup:
    """Return a sentence of Markdown with its code shown as such, and all else as it stands."""
    from markupsafe import Markup, escape

    shown = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(shown)  # noqa: S704  the text was escaped before any markup came into it


@cache
def template_environment() -> Environment:
    """Return the templates, with what they may call; all text is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("tus_reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "escape_controls": escape_controls,
        "format_size": format_size,
        "inline_code": inline_code,
    }
    made.globals |= {
        "VERDICT_STYLES": VERDICT_STYLES,
        "VERDICTS": VERDICTS,
        "pluralize": pluralize,
        "step_sentence": step_sentence,
        "describe_attempts": describe_attempts,
        "decisive_exchange": decisive_exchange,
        "previous_exchanges": previous_exchanges,
        "format_start_time": format_start_time,
        "server_title": server_title,
        "scenario_families": scenario_families,
        "short_curl_script": short_curl_script,
        "is_contradiction": is_contradiction,
        "NOT_ADVERTISABLE": NOT_ADVERTISABLE,
        "finding_markdown": finding_markdown,
    }
    return made
