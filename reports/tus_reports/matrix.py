"""Several runs side by side: requirements down, servers across."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tus_reports.compare import same_edition
from tus_reports.html import environment
from tus_reports.mark import MARKS
from tus_reports.markdown import code, escaped
from tus_reports.reader import Record, RecordError
from tus_reports.record import Requirement, Verdict
from tus_reports.saying import sayings
from tus_reports.tally import Share, by_extension


class DuplicateServerError(RecordError):
    """Two columns of a matrix have the same name."""


@dataclass(frozen=True)
class Server:
    """A column: what to call the server, its run, and where the report on that run is, if it is."""

    name: str
    record: Record
    report: str = ""


@dataclass(frozen=True)
class Cell:
    """What one server's run says of one requirement; `verdict` is None where it says nothing."""

    server: Server
    verdict: Verdict | None
    said: str
    link: str


@dataclass(frozen=True)
class Line:
    """A requirement with a cell for each server."""

    requirement: Requirement
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        """Tell whether the servers came out differently."""
        return len({cell.verdict for cell in self.cells}) > 1


@dataclass(frozen=True)
class Block:
    """The requirements of one extension, and how each server does in it."""

    name: str
    shares: tuple[Share | None, ...]
    lines: tuple[Line, ...]


def matrix_html(servers: Sequence[Server]) -> str:
    """Return the matrix of several runs as one HTML file.

    Raises `MixedEditionsError` where they judge by different editions of the specification, and
    `DuplicateServerError` where two servers have one name.
    """
    template = environment().get_template("matrix.html.j2")
    return template.render(servers=servers, blocks=blocks(servers))


def matrix_markdown(servers: Sequence[Server]) -> str:
    """Return the verdict of each server on each extension as a Markdown table; raises as HTML."""
    names = [
        f"[{escaped(server.name)}]({server.report})" if server.report else escaped(server.name)
        for server in servers
    ]
    lines = [f"| Extension | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for block in blocks(servers):
        cells = [_summary(share) for share in block.shares]
        lines.append(f"| {code(block.name)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def blocks(servers: Sequence[Server]) -> tuple[Block, ...]:
    """Lay the runs side by side, in the order of the first one that has a requirement."""
    same_edition([server.record for server in servers])
    names = [server.name for server in servers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DuplicateServerError(f"Two servers are called {twice}; give each a name of its own.")
    rows: dict[str, Requirement] = {}
    for server in servers:
        rows |= {row.id: row for row in server.record.requirements if row.id not in rows}
    columns = [_Column(server) for server in servers]
    extensions = dict.fromkeys(row.extension for row in rows.values())
    return tuple(
        Block(
            name=extension,
            shares=tuple(column.shares.get(extension) for column in columns),
            lines=tuple(_lines(rows.values(), extension, columns)),
        )
        for extension in extensions
    )


class _Column:
    """What is looked up of one server, made ready."""

    def __init__(self, server: Server) -> None:
        self.server = server
        record = server.record
        self.rows = {row.id: row for row in record.requirements}
        self.said = sayings(record)
        self.shares = {share.name: share for share in by_extension(record.requirements)}

    def cell(self, name: str) -> Cell:
        """Return what this run says of a requirement."""
        row = self.rows.get(name)
        if row is None:
            return Cell(self.server, None, "The run did not judge it.", "")
        link = f"{self.server.report}#r:{name}" if self.server.report else ""
        return Cell(self.server, row.verdict, self.said[name], link)


def _lines(
    rows: Iterable[Requirement], extension: str, columns: Sequence[_Column]
) -> Iterable[Line]:
    for row in rows:
        if row.extension == extension:
            yield Line(row, tuple(column.cell(row.id) for column in columns))


def _summary(share: Share | None) -> str:
    if share is None:
        return ""
    mark = MARKS[share.verdict]
    return f"{mark.glyph} {mark.word}: {escaped(share.sentence)}"
