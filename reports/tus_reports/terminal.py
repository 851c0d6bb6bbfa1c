"""The terminal view: a line for each scenario or section, then the findings, then totals.

Everything here is a pure function of the record's lines; `TerminalView` only feeds them in.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import zip_longest
from typing import Literal, TextIO

from tus_reports.capability import NOT_ADVERTISABLE, find_contradictions
from tus_reports.client_outcomes import outcome_sentence
from tus_reports.finding_text import blocker_rows, finding_rows, note_rows
from tus_reports.findings import Finding, RunFindings, collect_findings, group_by_cause
from tus_reports.leftovers import (
    MAX_LISTED,
    left_behind_sentence,
    possibly_left_behind_sentence,
)
from tus_reports.record import (
    Discovery,
    Footer,
    Header,
    RecordLine,
    ScenarioResult,
    Verdict,
)
from tus_reports.record_reader import Record
from tus_reports.server_title import server_title
from tus_reports.text_layout import (
    PLAIN_WIDTH,
    StyledLine,
    heading_row,
    indented_lines,
    line_writer,
    styled_row,
    supports_colour,
    terminal_width,
    wrap_text,
)
from tus_reports.totals import (
    conclusion_sentence,
    content_sentence,
    count_verdicts,
    pluralize,
    selected_sentence,
    totals_by_extension,
    whole_totals,
)
from tus_reports.transcript import escape_controls, format_size
from tus_reports.verdict_style import VERDICT_STYLES

Detail = Literal["brief", "normal", "full"]
"""How much of a run is shown."""

_VERDICT_WIDTH = 13
_SECTION_WIDTH = 38
_ID_COLUMN = 110  # only a line as wide as this has room for the ids next to the titles
_MIN_WIDTH = 20
_OBSERVED_WORDS = {"accepted": "yes", "refused": "no", "unknown": "unknown"}


class TerminalView:
    """Shows a run on `stream` while it goes on; give it every line of the record by `line`.

    Width (columns) and colour follow the stream unless given; in a log they are 80 and none.
    `where` is what to call the stored record, if there is one. `detail` is "brief" for what did
    not pass and the result, "normal" for a row for each section as well, and "full" for a row for
    each scenario, all bytes and the notes.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        width: int | None = None,
        colour: bool | None = None,
        where: str = "",
        detail: Detail = "normal",
    ) -> None:
        self._detail = detail
        self._section_results: list[ScenarioResult] = []
        self._late_results: list[ScenarioResult] = []
        self._shown_sections: set[str] = set()
        self._width = terminal_width(stream) if width is None else width
        self._paint = line_writer(
            stream, colour=supports_colour(stream) if colour is None else colour
        )
        self._where = where
        self._section: str | None = None
        self._lines: list[RecordLine] = []

    def add_line(self, line: RecordLine) -> None:
        """Show one line of the record; after the footer, all that did not pass and the sums."""
        self._lines.append(line)
        for shown in self._rows(line):
            self._paint(shown)

    def _shows_discovery(self, line: Discovery) -> bool:
        """Return whether a discovery is shown: not if no server responded to it."""
        found = bool(line.versions or line.extensions or line.capabilities)
        return found and self._detail != "brief" and not self._is_about_client

    @property
    def _is_about_client(self) -> bool:
        return any(isinstance(line, Header) and line.side == "client" for line in self._lines)

    def finish(self) -> None:
        """Show what is known of a run that has no footer."""
        if not any(isinstance(line, Footer) for line in self._lines):
            for shown in [*self._last_sections(), *self._conclusion_rows()]:
                self._paint(shown)

    def _rows(self, line: RecordLine) -> Iterator[StyledLine]:
        match line:
            case Header():
                yield from header_rows(line)
            case Discovery() if self._shows_discovery(line):
                yield from discovery_rows(line, self._width)
            case ScenarioResult():
                yield from self._scenario_rows(line)
            case Footer():
                yield from self._last_sections()
                yield from self._conclusion_rows()
            case _:
                return

    def _conclusion_rows(self) -> Iterator[StyledLine]:
        record = Record.from_lines(self._lines)
        return conclusion_rows(record, self._width, self._where, self._detail)

    def _scenario_rows(self, scenario: ScenarioResult) -> Iterator[StyledLine]:
        """Yield a row for a scenario, or, once its section is complete, one for the section."""
        if not scenario.is_selected or self._detail == "brief":
            return
        if scenario.section != self._section:
            yield from self._section_end()
            if self._section is None or self._detail == "full":
                yield styled_row()
            self._section = scenario.section
            if self._detail == "full":
                yield styled_row(scenario.section, "bold")
        self._section_results.append(scenario)
        if self._detail == "full":
            yield from scenario_rows(scenario, self._width)

    def _section_end(self) -> Iterator[StyledLine]:
        """Yield a row for the section that ended, unless it already has one.

        A section comes again where some of its scenarios run alone, after all others.
        """
        section, results, self._section_results = self._section or "", self._section_results, []
        if not results or self._detail != "normal":
            return
        if section in self._shown_sections:
            self._late_results += results
            return
        self._shown_sections.add(section)
        yield from section_rows(section, results, self._width)

    def _last_sections(self) -> Iterator[StyledLine]:
        yield from self._section_end()
        if self._late_results:
            yield from section_rows("More of these sections", self._late_results, self._width)


def render_terminal(
    record: Record, *, width: int = PLAIN_WIDTH, where: str = "", detail: Detail = "normal"
) -> str:
    """Return the terminal view of a whole record as plain text, `width` columns wide."""
    stream = io.StringIO()
    view = TerminalView(stream, width=width, colour=False, where=where, detail=detail)
    view.add_line(record.header)
    if record.discovery is not None:
        view.add_line(record.discovery)
    for scenario in sort_by_section(record.scenarios):
        view.add_line(scenario)
    for requirement in record.requirements:
        view.add_line(requirement)
    if record.footer is not None:
        view.add_line(record.footer)
    view.finish()
    return stream.getvalue()


def sort_by_section(scenarios: tuple[ScenarioResult, ...]) -> list[ScenarioResult]:
    """Return scenarios so that those of a section stand together, in the order of the record."""
    sections = {scenario.section: None for scenario in scenarios}
    places = {name: place for place, name in enumerate(sections)}
    return sorted(scenarios, key=lambda scenario: places[scenario.section])


def header_rows(header: Header) -> Iterator[StyledLine]:
    """Yield what was run against what."""
    yield styled_row(f"tus-conformance {header.suite_version} · {header.spec_edition}", "bold")
    yield styled_row()
    if server_title(header) != header.target:
        yield _fact_row("server", server_title(header))
    yield _fact_row("client" if header.side == "client" else "target", header.target)
    yield _fact_row("seed", str(header.seed))


def discovery_rows(discovery: Discovery, width: int) -> Iterator[StyledLine]:
    """Yield what the server says of itself, and where a probe saw otherwise."""
    yield from _fact_rows("versions", ", ".join(discovery.versions) or "none listed", width)
    yield from _fact_rows("extensions", ", ".join(discovery.extensions) or "none listed", width)
    if discovery.algorithms:
        yield from _fact_rows("checksums", ", ".join(discovery.algorithms), width)
    if discovery.max_size is not None:
        yield _fact_row("max size", format_size(discovery.max_size))
    for found in discovery.capabilities:
        if found.name in NOT_ADVERTISABLE:
            yield _fact_row(found.name, _OBSERVED_WORDS[found.observed])
    for found in find_contradictions(discovery):
        said = "advertised but refused" if found.advertised else "accepted but not advertised"
        because = f" ({found.reason})" if found.reason else ""
        yield from _fact_rows("but", f"{found.name} is {said}{because}", width)


def scenario_rows(scenario: ScenarioResult, width: int) -> Iterator[StyledLine]:
    """Yield a scenario: its mark and its title, and its id or parameters where there is room."""
    _, _, instance = scenario.id.partition("/")
    title = escape_controls(scenario.title)
    title_style = "dim" if VERDICT_STYLES[scenario.verdict].style == "dim" else ""
    wide = width >= _ID_COLUMN
    room = max(width - _VERDICT_WIDTH - (len(scenario.id) + 2 if wide else 0), _MIN_WIDTH)
    first, *others = wrap_text(title, room)
    if instance and not wide and not others and len(first) + len(instance) + 3 <= room:
        first += f" [{instance}]"
    shown = (*verdict_cells(scenario.verdict), (first, title_style))
    gap = width - _VERDICT_WIDTH - len(first) - len(scenario.id)
    yield (*shown, (" " * max(gap, 2) + scenario.id, "dim")) if wide else shown
    yield from (styled_row(" " * _VERDICT_WIDTH + other, title_style) for other in others)


def section_rows(section: str, results: list[ScenarioResult], width: int) -> Iterator[StyledLine]:
    """Yield a section in a row: the mark of its worst scenario, and how many came out how."""
    counts = count_verdicts(results)
    worst = next(iter(counts))
    mark = VERDICT_STYLES[worst]
    text = ", ".join(
        f"{count} {VERDICT_STYLES[verdict].word.lower()}" for verdict, count in counts.items()
    )
    names = wrap_text(escape_controls(section), _SECTION_WIDTH - 2)
    numbers = wrap_text(text, max(width - _SECTION_WIDTH - 4, _MIN_WIDTH))
    dim = "dim" if mark.style == "dim" else ""
    (name, first), *others = zip_longest(names, numbers, fillvalue="")
    yield (("  ", ""), (f"{mark.glyph} ", mark.style), (f"{name:<{_SECTION_WIDTH}}{first}", dim))
    for name, more in others:
        yield styled_row(f"    {name:<{_SECTION_WIDTH}}{more}".rstrip(), dim)


def verdict_cells(verdict: Verdict) -> StyledLine:
    """Return a verdict's mark as a column of fixed width."""
    mark = VERDICT_STYLES[verdict]
    return (("  ", ""), (f"{mark.glyph} {mark.word:<9}", mark.style))


def conclusion_rows(record: Record, width: int, where: str, detail: Detail) -> Iterator[StyledLine]:
    """Yield what did not pass, once for each cause, and then the totals."""
    found = collect_findings(record.scenarios, record.requirements)
    yield from _findings_rows(found, width, detail)
    if found.notes and detail == "full":
        yield styled_row()
        yield heading_row("Notes", width)
        yield styled_row()
        for note in found.notes:
            yield from note_rows(note, width)
    yield styled_row()
    yield heading_row("Result", width)
    yield styled_row()
    yield from _result_rows(record, width, with_totals=detail != "brief")
    if found.notes and detail == "normal":
        yield styled_row()
        text = f"{pluralize(len(found.notes), 'note')} on optional behaviour and on what did not"
        yield from indented_lines(f"{text} apply: add -v.", width=width, indent=2, style="dim")
    yield styled_row()
    yield from _footer_rows(record, width, where)


def _findings_rows(found: RunFindings, width: int, detail: Detail) -> Iterator[StyledLine]:
    new = [each for each in found.findings if not each.is_known]
    accounts = [
        (group[0].verdict, finding_rows(group, width, whole=_is_shown_whole(group, detail)))
        for group in group_by_cause(new)
    ]
    accounts += [(each.verdict, blocker_rows(each, width)) for each in found.blockers]
    last: Verdict | None = None
    for verdict in VERDICT_STYLES:
        for its, rows in accounts:
            if its != verdict:
                continue
            if verdict != last:
                yield styled_row()
                yield heading_row(_HEADINGS[verdict], width)
                last = verdict
            yield styled_row()
            yield from rows
    yield from _known_rows([each for each in found.findings if each.is_known], width)


def _is_shown_whole(group: tuple[Finding, ...], detail: Detail) -> bool:
    """Return whether the bytes of a finding are shown: those of violations, unless it is brief."""
    return detail == "full" or (detail == "normal" and group[0].verdict != "warn")


def _known_rows(known: list[Finding], width: int) -> Iterator[StyledLine]:
    if not known:
        return
    yield styled_row()
    yield heading_row("Known failures, listed in the baseline", width)
    yield styled_row()
    for finding in known:
        reasons = finding.occurrences[0].scenario.known_failures
        reason = reasons.get(finding.requirement.id, "")
        text = f"{finding.requirement.id}  {reason}".strip()
        first, *others = wrap_text(escape_controls(text), width - _VERDICT_WIDTH)
        yield (*verdict_cells(finding.verdict), (first, ""))
        yield from (styled_row(" " * _VERDICT_WIDTH + other) for other in others)


_HEADINGS: dict[Verdict, str] = {
    "fail": "Violated",
    "error": "Errors of the run",
    "inconclusive": "Inconclusive",
    "blocked": "Blocked",
    "warn": "Warnings",
}


def _result_rows(record: Record, width: int, *, with_totals: bool) -> Iterator[StyledLine]:
    yield from indented_lines(conclusion_sentence(record), width=width, indent=0, style="bold")
    if compared := content_sentence(record):
        yield styled_row(compared)
    if not with_totals:
        return
    shares = list(totals_by_extension(record))
    if len(shares) > 1:
        shares.append(whole_totals(record))
    if shares:
        yield styled_row()
    column = max((len(share.name) for share in shares), default=0) + 2
    for share in shares:
        mark = VERDICT_STYLES[share.verdict]
        lead = (("  ", ""), (mark.glyph, mark.style), (f" {share.name:<{column}}", ""))
        first, *others = indented_lines(share.sentence, width=width, indent=column + 4)
        yield (*lead, (first[0][0].strip(), mark.style if mark.style == "dim" else ""))
        yield from others
    scenarios, requirements = count_verdicts(record.scenarios), count_verdicts(record.requirements)
    if not scenarios:
        return
    yield styled_row()
    units = "situations" if record.header.side == "client" else " scenarios"
    yield styled_row(f" {units}  requirements", "dim")
    totals = f"of {sum(scenarios.values())}", f"of {sum(requirements.values())}"
    yield styled_row(f"  {totals[0]:>9}  {totals[1]:>12}", "dim")
    for verdict, mark in VERDICT_STYLES.items():
        if verdict in scenarios or verdict in requirements:
            numbers = f"  {scenarios.get(verdict, 0):>9}  {requirements.get(verdict, 0):>12}"
            meaning = mark.meaning if verdict == mark.word.lower() else f"{verdict}: {mark.meaning}"
            fits = len(numbers) + _VERDICT_WIDTH + len(meaning) <= width
            yield ((numbers, ""), *verdict_cells(verdict), (meaning if fits else "", "dim"))


def _footer_rows(record: Record, width: int, where: str) -> Iterator[StyledLine]:
    footer = record.footer
    if selected := selected_sentence(record):
        yield _fact_row("selected", selected)
    for pair in footer.fixed_failures if footer else ():
        yield from _fact_rows("fixed", f"{pair} passes now: delete it from the baseline", width)
    if outcomes := outcome_sentence(record):
        yield from _fact_rows("outcomes", outcomes, width)
    if footer is not None:
        told = f"{footer.duration:.1f} s, {pluralize(footer.exchange_count, 'exchange')}"
        yield _fact_row("took", f"{told}, seed {record.header.seed}")
    if where:
        yield _fact_row("record", where)
    if footer is not None:
        yield _fact_row("exit code", str(footer.exit_code))
        if footer.remaining_uploads:
            yield from _fact_rows("remains", left_behind_sentence(footer.remaining_uploads), width)
            yield from (
                styled_row(" " * 13 + escape_controls(url))
                for url in footer.remaining_uploads[:MAX_LISTED]
            )
            if len(footer.remaining_uploads) > MAX_LISTED:
                yield styled_row(
                    f"             and {len(footer.remaining_uploads) - MAX_LISTED} more,"
                    " in the record"
                )
        if footer.unnamed_creations:
            yield from _fact_rows(
                "perhaps", possibly_left_behind_sentence(footer.unnamed_creations), width
            )


def _fact_row(label: str, text: str) -> StyledLine:
    return ((f"{label:<12} ", "dim"), (escape_controls(text), ""))


def _fact_rows(label: str, text: str, width: int) -> Iterator[StyledLine]:
    first, *others = indented_lines(escape_controls(text), width=width, indent=13)
    yield ((f"{label:<13}", "dim"), (first[0][0].strip() if first else "", ""))
    yield from others
