"""A load as plain text, Markdown, one HTML file and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from tus_reports.html import format_start_time, template_environment
from tus_reports.load_result import LoadResult, RequestTimes
from tus_reports.markdown import code_span, escape_markdown
from tus_reports.record import Verdict
from tus_reports.record_reader import Record
from tus_reports.server_title import server_title
from tus_reports.text_layout import PLAIN_WIDTH, wrap_text
from tus_reports.totals import pluralize
from tus_reports.transcript import escape_controls

REQUEST_COLUMNS = ("requests", "failed", "per s", "p50", "p90", "p95", "p99", "longest")
_EXIT_VERDICTS: dict[int, Verdict] = {0: "pass", 1: "fail"}


def load_of(record: Record) -> LoadResult:
    """Return what came of a load; the caller knows that the record is of one."""
    assert record.load is not None
    return record.load


def load_sentence(record: Record) -> str:
    """Return what a load came to."""
    result = load_of(record)
    counts = result.counts
    wrong = [
        f"{format_bytes(size)} {what} in {pluralize(uploads, 'upload')}"
        for what, size, uploads in (
            ("lost", counts.bytes_lost, counts.uploads_lost),
            ("mixed up", counts.bytes_mixed, counts.uploads_mixed),
        )
        if uploads
    ]
    if wrong:
        return f"{' and '.join(wrong)}. {_verified(result)}"
    if result.error_share > result.max_error_share:
        return (
            f"{_percent(result.error_share)} of the requests failed; "
            f"{_percent(result.max_error_share)} are tolerated. {_verified(result)}"
        )
    footer = record.footer
    if footer is not None and footer.error:
        return f"{footer.error} {_verified(result)}"
    if counts.uploads_unverified:
        return f"{_verified(result)} {pluralize(counts.uploads_unverified, 'upload')} not verified."
    if not counts.uploads_verified:
        return "No upload was verified."
    return f"No byte lost or mixed up. {_verified(result)}"


def load_verdict(record: Record) -> Verdict:
    """Return how a load is marked."""
    code = record.footer.exit_code if record.footer else 3
    return _EXIT_VERDICTS.get(code, "inconclusive")


def load_facts(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what was counted, as pairs of a name and a text."""
    result = load_of(record)
    counts = result.counts
    named = (
        ("completed", counts.uploads_completed),
        ("abandoned", counts.uploads_abandoned),
        ("failed", counts.uploads_failed),
        ("interrupted by the end", counts.uploads_interrupted),
        ("concatenated", counts.uploads_concatenated),
    )
    processes = pluralize(result.workers, "process").replace("processs", "processes")
    facts = [
        ("target", _describe_target(record)),
        ("load", f"{pluralize(result.users, 'user')} for {result.duration:.1f} s, {processes}"),
        ("engine", f"{result.engine}, seed {record.header.seed}"),
        (
            "requests",
            f"{result.total.count}, {result.total.per_second:.1f} per second,"
            f" {result.total.failures} failed ({_percent(result.error_share)};"
            f" {_percent(result.max_error_share)} tolerated)",
        ),
        (
            "uploads",
            f"{counts.uploads_created} created: "
            + ", ".join(f"{number} {name}" for name, number in named if number),
        ),
        (
            "stored",
            f"{format_bytes(counts.bytes_acknowledged)} acknowledged,"
            f" {format_bytes(result.acknowledged_per_second)} per second",
        ),
        (
            "clients",
            f"{counts.cuts} connections cut, {counts.resumes} resumes by HEAD,"
            f" {counts.retries} retries, {counts.downloads} downloads",
        ),
        (
            "verified",
            f"{format_bytes(counts.bytes_verified)} in {counts.uploads_verified} comparisons;"
            f" {format_bytes(counts.bytes_lost)} lost, {format_bytes(counts.bytes_mixed)} mixed up,"
            f" {format_bytes(counts.bytes_unverified)} not verified",
        ),
    ]
    facts += [("not verified", f"{count} times: {why}") for why, count in result.unverified.items()]
    return tuple((name, escape_controls(text)) for name, text in facts)


def request_cells(times: RequestTimes) -> tuple[str, ...]:
    """Return the cells of a kind of request, in the order of REQUEST_COLUMNS."""
    return (
        str(times.count),
        str(times.failures),
        f"{times.per_second:.1f}",
        *map(format_seconds, (times.p50, times.p90, times.p95, times.p99, times.longest)),
    )


def load_text(record: Record) -> str:
    """Return a load as plain text."""
    result = load_of(record)
    lines = wrap_text(escape_controls(load_sentence(record)), PLAIN_WIDTH)
    width = max(len(name) for name, _ in load_facts(record)) + 4
    for name, text in load_facts(record):
        first, *others = wrap_text(text, PLAIN_WIDTH - width)
        lines += [f"  {name:<{width - 2}}{first}", *(" " * width + each for each in others)]
    rows = [(each.name, request_cells(each)) for each in (*result.requests, result.total)]
    lines += ["", *text_table("request", REQUEST_COLUMNS, rows)]
    for title, described in (("Findings", _findings(result)), ("Errors", _errors(result))):
        if described:
            lines += ["", title, *(f"  {each}" for each in described)]
    return "\n".join(lines) + "\n"


def text_table(
    corner: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]
) -> Iterator[str]:
    """Yield the lines of a table: names on the left, cells aligned on the right."""
    first = max(len(corner), *(len(name) for name, _ in rows))
    widths = [
        max(len(column), *(len(cells[at]) for _, cells in rows))
        for at, column in enumerate(columns)
    ]
    for name, cells in ((corner, columns), *rows):
        shown = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"  {name:<{first}}  {shown}".rstrip()


def load_markdown(record: Record) -> str:
    """Return a load as Markdown."""
    result = load_of(record)
    facts = [f"| {name} | {escape_markdown(text)} |" for name, text in load_facts(record)]
    rows = [(each.name, request_cells(each)) for each in (*result.requests, result.total)]
    parts = [
        f"## Load on {code_span(record.header.target)}",
        f"**{escape_markdown(load_sentence(record))}**",
        "\n".join(["| | |", "|---|---|", *facts]),
        markdown_table("Request", REQUEST_COLUMNS, rows),
    ]
    for title, described in (("Findings", _findings(result)), ("Errors", _errors(result))):
        if described:
            items = "\n".join(f"- {escape_markdown(each)}" for each in described)
            parts += [f"### {title}", items]
    return "\n\n".join(parts) + "\n"


def markdown_table(
    corner: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]
) -> str:
    """Return a table in Markdown, its cells aligned on the right."""
    lines = [
        f"| {corner} | {' | '.join(map(escape_markdown, columns))} |",
        "|---|" + "---:|" * len(columns),
    ]
    for name, cells in rows:
        lines.append(f"| {escape_markdown(name)} | {' | '.join(map(escape_markdown, cells))} |")
    return "\n".join(lines)


def load_html(record: Record) -> str:
    """Return a load as one HTML file."""
    result = load_of(record)
    rows = [(each.name, request_cells(each)) for each in (*result.requests, result.total)]
    lists = [("Findings", _findings(result)), ("Errors", _errors(result))]
    template = template_environment().get_template("load.html.j2")
    return template.render(
        title=f"Load on {server_title(record.header)}",
        verdict=load_verdict(record),
        sentence=load_sentence(record),
        facts=load_facts(record),
        corner="Request",
        columns=REQUEST_COLUMNS,
        rows=rows,
        lists=[(name, each) for name, each in lists if each],
    )


def load_json(record: Record) -> str:
    """Return a load as one JSON document."""
    header, footer, result = record.header, record.footer, load_of(record)
    document = {
        "format": header.format,
        "target": header.target,
        "suite_version": header.suite_version,
        "started_at": header.started_at,
        "seed": header.seed,
        "complete": footer is not None,
        "exit_code": footer.exit_code if footer else None,
        "conclusion": load_sentence(record),
        "error_share": result.error_share,
        "acknowledged_per_second": result.acknowledged_per_second,
        "counts": {name: getattr(result.counts, name) for name in result.counts.__struct_fields__},
        "load": msgspec.to_builtins(result),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def format_seconds(seconds: float) -> str:
    """Return a latency: milliseconds below a second, else seconds."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def format_bytes(count: float) -> str:
    """Return a number of bytes with a unit, exactly below 10 KiB."""
    if count < 10240:
        return f"{count:.0f} bytes" if count != 1 else "1 byte"
    size, units = float(count), iter(("KiB", "MiB", "GiB"))
    unit = "bytes"
    while size >= 1024 and (following := next(units, None)) is not None:
        size, unit = size / 1024, following
    return f"{size:.1f} {unit}"


def _verified(result: LoadResult) -> str:
    size, uploads = result.counts.bytes_verified, result.counts.uploads_verified
    return f"{format_bytes(size)} verified in {pluralize(uploads, 'comparison')}."


def _percent(share: float) -> str:
    return f"{share * 100:.2f}".rstrip("0").rstrip(".") + " %"


def _describe_target(record: Record) -> str:
    name = f"{server_title(record.header)}, " if record.header.server_name else ""
    return f"{name}{record.header.target}, {format_start_time(record)}"


def _findings(result: LoadResult) -> list[str]:
    found = [
        escape_controls(f"{each.kind}: {each.upload}, {each.url}: {each.sentence}")
        for each in result.findings
    ]
    more = result.counts.uploads_lost + result.counts.uploads_mixed - len(found)
    return [*found, f"and {more} more"] if more > 0 else found


def _errors(result: LoadResult) -> list[str]:
    return [
        escape_controls(f"{each.count} x {each.request}: {each.message}") for each in result.errors
    ]
