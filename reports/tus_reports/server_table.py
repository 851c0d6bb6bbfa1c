"""Several servers as Markdown tables that fit a page: servers down, extensions across.

The matrix has a column for each server, which is too wide for more than a few.
"""

from __future__ import annotations

from collections.abc import Sequence

from tus_reports.markdown import code_span, escape_markdown
from tus_reports.matrix import ExtensionMatrix, MatrixRow, MatrixServer, build_matrix
from tus_reports.record import Verdict
from tus_reports.totals import GroupTotals
from tus_reports.verdict_style import VERDICT_STYLES

_UNDETERMINED: tuple[Verdict, ...] = ("error", "inconclusive", "blocked")


def server_table(servers: Sequence[MatrixServer]) -> str:
    """Return a row for each server, the one with the fewest violations first.

    A cell has the number of requirements that the server violates (✗), follows in a way that is
    warned about (▲), or that no verdict was reached for (?); ✓ is none of these, ○ an extension
    that the server does not offer. Raises as `build_matrix`.
    """
    blocks = build_matrix(servers)
    names = " | ".join(code_span(block.name) for block in blocks)
    lines = [f"| Server | Tested | {names} |", f"|---|---|{'---|' * len(blocks)}"]
    numbers = sorted(range(len(servers)), key=lambda at: _rank(servers[at], blocks, at))
    for at in numbers:
        cells = " | ".join(_cell(block.shares[at]) for block in blocks)
        day = servers[at].record.header.started_at[:10]
        lines.append(f"| {_link(servers[at])} | {day} | {cells} |")
    return "\n".join(lines) + "\n"


def violation_table(servers: Sequence[MatrixServer]) -> str:
    """Return a row for each requirement that a server violates, the most violated first."""
    rows = [
        row
        for block in build_matrix(servers)
        for row in block.lines
        if not row.requirement.is_aggregate and _servers_with(row, "fail")
    ]
    rows.sort(key=lambda row: -len(_servers_with(row, "fail")))
    lines = ["| Requirement | Violated by | Warned about |", "|---|---|---|"]
    for row in rows:
        requirement = row.requirement
        name = code_span(requirement.id)
        name = f"[{name}]({requirement.link})" if requirement.link else name
        failed, warned = (", ".join(_servers_with(row, each)) for each in ("fail", "warn"))
        statement = escape_markdown(requirement.statement)
        lines.append(f"| {name}: {statement} | {failed} | {warned} |")
    return "\n".join(lines) + "\n"


def _servers_with(row: MatrixRow, verdict: Verdict) -> list[str]:
    return [_link(cell.server) for cell in row.cells if cell.verdict == verdict]


def _link(server: MatrixServer) -> str:
    name = escape_markdown(server.name)
    return f"[{name}]({server.report})" if server.report else name


def _rank(server: MatrixServer, blocks: Sequence[ExtensionMatrix], at: int) -> tuple[int, int, str]:
    shares = [share for block in blocks if (share := block.shares[at]) is not None]
    failed, warned = (
        sum(share.counts.get(verdict, 0) for share in shares) for verdict in ("fail", "warn")
    )
    return failed, warned, server.name


def _cell(share: GroupTotals | None) -> str:
    if share is None or not share.is_offered or not share.evaluated:
        return VERDICT_STYLES["unsupported"].glyph
    failed, warned = share.counts.get("fail", 0), share.counts.get("warn", 0)
    unclear = sum(share.counts.get(verdict, 0) for verdict in _UNDETERMINED)
    marks = [(VERDICT_STYLES["fail"].glyph, failed), (VERDICT_STYLES["warn"].glyph, warned)]
    marks.append(("?", unclear))
    said = [f"{glyph}{count}" for glyph, count in marks if count]
    return " ".join(said) or VERDICT_STYLES["pass"].glyph
