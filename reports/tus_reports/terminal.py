"""The terminal view: a row per scenario as it comes in, then what there is to look at, then sums.

Everything here is a pure function of the record's lines; `TerminalView` only feeds them in.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TextIO

from tus_reports.account import finding_rows, obstacle_rows, remark_rows
from tus_reports.capability import UNADVERTISED, contradictions
from tus_reports.findings import Digest, digest
from tus_reports.mark import MARKS
from tus_reports.reader import Record
from tus_reports.record import (
    Discovery,
    Footer,
    Header,
    Line,
    Requirement,
    Scenario,
    Verdict,
)
from tus_reports.tally import by_extension, conclusion, counted, plural
from tus_reports.transcript import sized, visible
from tus_reports.typeset import (
    PLAIN_WIDTH,
    Row,
    indented,
    painter,
    row,
    rule,
    wants_colour,
    width_of,
    wrap,
)

_MARK_WIDTH = 13
_ID_COLUMN = 110  # only a line as wide as this has room for the ids beside the titles
_NARROWEST = 20
_SEEN = {"accepted": "yes", "refused": "no", "unknown": "unknown"}


class TerminalView:
    """Shows a run on `stream` while it goes on; give it every line of the record by `line`.

    Width (columns) and colour follow the stream unless given; in a log they are 80 and none.
    `where` is what to call the stored record, if there is one.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        width: int | None = None,
        colour: bool | None = None,
        where: str = "",
    ) -> None:
        self._width = width_of(stream) if width is None else width
        self._paint = painter(stream, colour=wants_colour(stream) if colour is None else colour)
        self._where = where
        self._section: str | None = None
        self._lines: list[Line] = []

    def line(self, line: Line) -> None:
        """Show one line of the record; after the footer, all that did not pass and the sums."""
        self._lines.append(line)
        for shown in self._rows(line):
            self._paint(shown)

    def finish(self) -> None:
        """Show what is known of a run that has no footer."""
        if not any(isinstance(line, Footer) for line in self._lines):
            for shown in conclusion_rows(self._record(), self._width, self._where):
                self._paint(shown)

    def _rows(self, line: Line) -> Iterator[Row]:
        match line:
            case Header():
                yield from header_rows(line)
            case Discovery():
                yield from discovery_rows(line, self._width)
            case Scenario():
                if line.section != self._section:
                    self._section = line.section
                    yield row()
                    yield row(line.section, "bold")
                yield from scenario_rows(line, self._width)
            case Footer():
                yield from conclusion_rows(self._record(), self._width, self._where)
            case Requirement():
                return

    def _record(self) -> Record:
        header = next(line for line in self._lines if isinstance(line, Header))
        return Record(
            header=header,
            discovery=next((line for line in self._lines if isinstance(line, Discovery)), None),
            scenarios=tuple(line for line in self._lines if isinstance(line, Scenario)),
            requirements=tuple(line for line in self._lines if isinstance(line, Requirement)),
            footer=next((line for line in self._lines if isinstance(line, Footer)), None),
        )


def render(record: Record, *, width: int = PLAIN_WIDTH, where: str = "") -> str:
    """Return the terminal view of a whole record as plain text, `width` columns wide."""
    stream = io.StringIO()
    view = TerminalView(stream, width=width, colour=False, where=where)
    view.line(record.header)
    if record.discovery is not None:
        view.line(record.discovery)
    for scenario in by_section(record.scenarios):
        view.line(scenario)
    for requirement in record.requirements:
        view.line(requirement)
    if record.footer is not None:
        view.line(record.footer)
    view.finish()
    return stream.getvalue()


def by_section(scenarios: tuple[Scenario, ...]) -> list[Scenario]:
    """Return scenarios so that those of a section stand together, in the order of the record."""
    sections = {scenario.section: None for scenario in scenarios}
    places = {name: place for place, name in enumerate(sections)}
    return sorted(scenarios, key=lambda scenario: places[scenario.section])


def header_rows(header: Header) -> Iterator[Row]:
    """Yield what was run against what."""
    yield row(f"tus-conformance {header.suite_version} · {header.spec_edition}", "bold")
    yield row()
    yield _fact("target", header.target)
    yield _fact("seed", str(header.seed))


def discovery_rows(discovery: Discovery, width: int) -> Iterator[Row]:
    """Yield what the server says of itself, and where a probe saw otherwise."""
    yield from _facts("versions", ", ".join(discovery.versions) or "none named", width)
    yield from _facts("extensions", ", ".join(discovery.extensions) or "none named", width)
    if discovery.algorithms:
        yield from _facts("checksums", ", ".join(discovery.algorithms), width)
    if discovery.max_size is not None:
        yield _fact("max size", sized(discovery.max_size))
    for found in discovery.capabilities:
        if found.name in UNADVERTISED:
            yield _fact(found.name, _SEEN[found.observed])
    for found in contradictions(discovery):
        said = "advertised and was refused" if found.advertised else "accepted and not advertised"
        because = f" ({found.because})" if found.because else ""
        yield from _facts("but", f"{found.name} is {said}{because}", width)


def scenario_rows(scenario: Scenario, width: int) -> Iterator[Row]:
    """Yield a scenario: its mark and its title, and its id or parameters where there is room."""
    _, _, instance = scenario.id.partition("/")
    title = visible(scenario.title)
    quiet = "dim" if MARKS[scenario.verdict].style == "dim" else ""
    wide = width >= _ID_COLUMN
    room = max(width - _MARK_WIDTH - (len(scenario.id) + 2 if wide else 0), _NARROWEST)
    first, *others = wrap(title, room)
    if instance and not wide and not others and len(first) + len(instance) + 3 <= room:
        first += f" [{instance}]"
    shown = (*mark_cells(scenario.verdict), (first, quiet))
    gap = width - _MARK_WIDTH - len(first) - len(scenario.id)
    yield (*shown, (" " * max(gap, 2) + scenario.id, "dim")) if wide else shown
    yield from (row(" " * _MARK_WIDTH + other, quiet) for other in others)


def mark_cells(verdict: Verdict) -> Row:
    """Return a verdict's mark as a column of fixed width."""
    mark = MARKS[verdict]
    return (("  ", ""), (f"{mark.glyph} {mark.word:<9}", mark.style))


def conclusion_rows(record: Record, width: int, where: str) -> Iterator[Row]:
    """Yield what did not pass, told once for each cause, and then the sums."""
    found = digest(record.scenarios, record.requirements)
    yield from _findings_rows(found, width)
    if found.remarks:
        yield row()
        yield rule("For the record", width)
        yield row()
        for remark in found.remarks:
            yield from remark_rows(remark, width)
    yield row()
    yield rule("Result", width)
    yield row()
    yield from _result_rows(record, width)
    yield row()
    yield from _closing_rows(record, width, where)


def _findings_rows(found: Digest, width: int) -> Iterator[Row]:
    accounts = [(each.verdict, finding_rows(each, width)) for each in found.findings]
    accounts += [(each.verdict, obstacle_rows(each, width)) for each in found.obstacles]
    last: Verdict | None = None
    for verdict in MARKS:
        for its, rows in accounts:
            if its != verdict:
                continue
            if verdict != last:
                yield row()
                yield rule(_CHAPTERS[verdict], width)
                last = verdict
            yield row()
            yield from rows


_CHAPTERS: dict[Verdict, str] = {
    "fail": "Violated",
    "error": "Errors of the run",
    "inconclusive": "Inconclusive",
    "blocked": "Blocked",
    "warn": "Warnings",
}


def _result_rows(record: Record, width: int) -> Iterator[Row]:
    yield from indented(conclusion(record), width=width, indent=0, style="bold")
    shares = by_extension(record.requirements)
    if shares:
        yield row()
    column = max((len(share.name) for share in shares), default=0) + 2
    for share in shares:
        mark = MARKS[share.verdict]
        lead = (("  ", ""), (mark.glyph, mark.style), (f" {share.name:<{column}}", ""))
        first, *others = indented(share.sentence, width=width, indent=column + 4)
        yield (*lead, (first[0][0].strip(), mark.style if mark.style == "dim" else ""))
        yield from others
    scenarios, requirements = counted(record.scenarios), counted(record.requirements)
    if not scenarios:
        return
    yield row()
    yield row("  scenarios  requirements", "dim")
    totals = f"of {sum(scenarios.values())}", f"of {sum(requirements.values())}"
    yield row(f"  {totals[0]:>9}  {totals[1]:>12}", "dim")
    for verdict, mark in MARKS.items():
        if verdict in scenarios or verdict in requirements:
            numbers = f"  {scenarios.get(verdict, 0):>9}  {requirements.get(verdict, 0):>12}"
            meaning = mark.meaning if verdict == mark.word.lower() else f"{verdict}: {mark.meaning}"
            fits = len(numbers) + _MARK_WIDTH + len(meaning) <= width
            yield ((numbers, ""), *mark_cells(verdict), (meaning if fits else "", "dim"))


def _closing_rows(record: Record, width: int, where: str) -> Iterator[Row]:
    footer = record.footer
    if footer is not None:
        told = f"{footer.seconds:.1f} s, {plural(footer.exchanges, 'exchange')}"
        yield _fact("took", f"{told}, seed {record.header.seed}")
    if where:
        yield _fact("record", where)
    if footer is not None:
        yield _fact("exit code", str(footer.exit_code))
        if footer.left_behind:
            count = plural(len(footer.left_behind), "upload")
            text = f"{count} that the server would not remove:"
            yield from _facts("remains", text, width)
            yield from (row(" " * 13 + visible(url)) for url in footer.left_behind[:5])
            if len(footer.left_behind) > 5:
                yield row(f"             and {len(footer.left_behind) - 5} more, in the record")


def _fact(label: str, text: str) -> Row:
    return ((f"{label:<12} ", "dim"), (visible(text), ""))


def _facts(label: str, text: str, width: int) -> Iterator[Row]:
    first, *others = indented(visible(text), width=width, indent=13)
    yield ((f"{label:<13}", "dim"), (first[0][0].strip() if first else "", ""))
    yield from others
