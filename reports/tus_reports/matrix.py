"""Several runs side by side: requirements down, servers or clients across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tus_reports.client_outcomes import SituationRow, compare_outcomes, outcomes_markdown
from tus_reports.compare import ensure_same_edition
from tus_reports.html import template_environment
from tus_reports.markdown import code_span, escape_markdown
from tus_reports.record import RequirementResult, Side, Verdict
from tus_reports.record_reader import Record, RecordError
from tus_reports.requirement_summary import summarize_requirements
from tus_reports.totals import GroupTotals, totals_by_extension, whole_totals
from tus_reports.verdict_style import VERDICT_STYLES


class MixedSidesError(RecordError):
    """Records of servers and of clients were given for one matrix."""


class DuplicateServerError(RecordError):
    """Two columns of a matrix have the same name."""


@dataclass(frozen=True)
class MatrixServer:
    """A column: what to call the server, its run, and where the report on that run is, if it is."""

    name: str
    record: Record
    report: str = ""


@dataclass(frozen=True)
class MatrixCell:
    """The result of one server for one requirement; `verdict` is None if it was not evaluated."""

    server: MatrixServer
    verdict: Verdict | None
    said: str
    link: str


@dataclass(frozen=True)
class MatrixRow:
    """A requirement with a cell for each server."""

    requirement: RequirementResult
    cells: tuple[MatrixCell, ...]

    @property
    def differs(self) -> bool:
        """Return whether the servers have different verdicts."""
        return len({cell.verdict for cell in self.cells}) > 1


@dataclass(frozen=True)
class ExtensionMatrix:
    """The requirements of one extension, and how each server does in it."""

    name: str
    shares: tuple[GroupTotals | None, ...]
    lines: tuple[MatrixRow, ...]


def matrix_html(servers: Sequence[MatrixServer]) -> str:
    """Return the matrix of several runs as one HTML file.

    Of clients it has every situation with its outcome as well. Raises `MixedSidesError` for servers
    and clients together, `MixedEditionsError` if they are about different editions of the
    specification, and `DuplicateServerError` where two servers have one name.
    """
    template = template_environment().get_template("matrix.html.j2")
    return template.render(
        servers=servers,
        blocks=build_matrix(servers),
        totals=[whole_totals(server.record) for server in servers],
        noun=_side_of(servers),
        situations=_situation_rows(servers),
    )


def matrix_markdown(servers: Sequence[MatrixServer]) -> str:
    """Return the verdict of each server on each extension as a Markdown table; raises as HTML."""
    names = [
        f"[{escape_markdown(server.name)}]({server.report})"
        if server.report
        else escape_markdown(server.name)
        for server in servers
    ]
    lines = [f"| Extension | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for block in build_matrix(servers):
        cells = [_totals_cell(share) for share in block.shares]
        lines.append(f"| {code_span(block.name)} | {' | '.join(cells)} |")
    cells = [_totals_cell(whole_totals(server.record)) for server in servers]
    lines.append(f"| total | {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    if situations := _situation_rows(servers):
        text += "\n" + outcomes_markdown(situations, names)
    return text


def _side_of(servers: Sequence[MatrixServer]) -> Side:
    """Return whether the columns are servers or clients; raise MixedSidesError for both."""
    sides = {server.record.header.side for server in servers}
    if len(sides) > 1:
        raise MixedSidesError("Some records are of servers, others of clients: compare one kind.")
    return next(iter(sides), "server")


def _situation_rows(servers: Sequence[MatrixServer]) -> tuple[SituationRow, ...]:
    if _side_of(servers) == "server":
        return ()
    return compare_outcomes([(server.record, server.report) for server in servers])


def build_matrix(servers: Sequence[MatrixServer]) -> tuple[ExtensionMatrix, ...]:
    """Lay the runs side by side, in the order of the first one that has a requirement."""
    ensure_same_edition([server.record for server in servers])
    names = [server.name for server in servers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DuplicateServerError(f"Two servers are called {twice}; give each a unique name.")
    rows: dict[str, RequirementResult] = {}
    for server in servers:
        rows |= {
            requirement.id: requirement
            for requirement in server.record.requirements
            if requirement.id not in rows
        }
    columns = [_ServerColumn(server) for server in servers]
    extensions = dict.fromkeys(requirement.extension for requirement in rows.values())
    return tuple(
        ExtensionMatrix(
            name=extension,
            shares=tuple(column.shares.get(extension) for column in columns),
            lines=tuple(_matrix_rows(rows.values(), extension, columns)),
        )
        for extension in extensions
    )


class _ServerColumn:
    """What is looked up of one server, made ready."""

    def __init__(self, server: MatrixServer) -> None:
        self.server = server
        record = server.record
        self.rows = {requirement.id: requirement for requirement in record.requirements}
        self.said = summarize_requirements(record)
        self.shares = {share.name: share for share in totals_by_extension(record)}

    def cell(self, name: str) -> MatrixCell:
        """Return what this run says of a requirement."""
        requirement = self.rows.get(name)
        if requirement is None:
            return MatrixCell(self.server, None, "The run did not evaluate it.", "")
        link = f"{self.server.report}#r:{name}" if self.server.report else ""
        return MatrixCell(self.server, requirement.verdict, self.said[name], link)


def _matrix_rows(
    rows: Iterable[RequirementResult], extension: str, columns: Sequence[_ServerColumn]
) -> Iterable[MatrixRow]:
    for requirement in rows:
        if requirement.extension == extension:
            yield MatrixRow(requirement, tuple(column.cell(requirement.id) for column in columns))


def _totals_cell(share: GroupTotals | None) -> str:
    if share is None:
        return ""
    mark = VERDICT_STYLES[share.verdict]
    return f"{mark.glyph} {mark.word}: {escape_markdown(share.sentence)}"
