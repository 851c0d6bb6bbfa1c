"""The run as Markdown, for the summary of a CI job, a pull request or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tus_reports.account import step_of
from tus_reports.findings import Digest, Finding, Obstacle, Occurrence, digest
from tus_reports.mark import MARKS
from tus_reports.reader import Record
from tus_reports.record import Verdict
from tus_reports.tally import by_extension, conclusion, counted, plural
from tus_reports.transcript import in_a_line, transcript, visible

LIMIT = 60_000
"""How many characters a summary has at most; a comment on GitHub may have 65,536."""

_IDS_SHOWN = 10


def markdown(record: Record, *, limit: int = LIMIT) -> str:
    """Return the run as Markdown of about `limit` characters at most.

    Findings that would go beyond it are named, and left to the other reports.
    """
    header, found = record.header, digest(record.scenarios, record.requirements)
    parts = [
        f"## tus conformance of {code(header.target)}",
        f"**{escaped(conclusion(record))}**",
        *_extensions(record),
        *_counts(record),
    ]
    ending = _ending(record)
    room = limit - sum(len(part) + 2 for part in [*parts, ending])
    return "\n\n".join([*parts, *_bounded(found, room), ending]) + "\n"


def escaped(text: str) -> str:
    """Return a text so that Markdown shows it as it is, in a table too."""
    shown = visible(" ".join(text.split()))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~@])", r"\\\1", shown)


def code(text: str) -> str:
    """Return a text as inline code that no backtick in it can end."""
    shown = visible(text).replace("|", "\\|")
    fence = "`" * (_longest_run(shown) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def fenced(text: str) -> str:
    """Return lines as a block of code that no backtick in them can end."""
    fence = "`" * max(_longest_run(text) + 1, 3)
    return f"{fence}text\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _extensions(record: Record) -> Iterator[str]:
    rows = [
        f"| {_marked(share.verdict)} | {escaped(share.name)} | {escaped(share.sentence)} |"
        for share in by_extension(record.requirements)
    ]
    if rows:
        yield "\n".join(["| | Extension | Verdict |", "|---|---|---|", *rows])


def _counts(record: Record) -> Iterator[str]:
    scenarios, requirements = counted(record.scenarios), counted(record.requirements)
    if not scenarios:
        return
    rows = [
        f"| {_marked(verdict)} | {verdict} | {scenarios.get(verdict, 0)} "
        f"| {requirements.get(verdict, 0)} |"
        for verdict in MARKS
        if verdict in scenarios or verdict in requirements
    ]
    totals = f"Scenarios (of {sum(scenarios.values())})"
    totals += f" | Requirements (of {sum(requirements.values())})"
    yield "\n".join([f"| | Verdict | {totals} |", "|---|---|--:|--:|", *rows])


def _bounded(found: Digest, room: int) -> Iterator[str]:
    """Yield the accounts that there is room for, then the names of the others."""
    accounts = [(each.verdict, each.requirement.id, _finding(each)) for each in found.findings]
    accounts += [(each.verdict, _named(each), _obstacle(each)) for each in found.obstacles]
    accounts.sort(key=lambda account: list(MARKS).index(account[0]))
    if accounts:
        yield "### What did not pass"
    left_out = []
    for verdict, name, text in accounts:
        if len(text) + 2 <= room:
            room -= len(text) + 2
            yield text
        else:
            left_out.append(f"{_marked(verdict)} {code(name)}")
    if left_out:
        shown, more = left_out[:_IDS_SHOWN], len(left_out) - _IDS_SHOWN
        yield f"Not shown here, for want of room: {', '.join(shown)}" + (
            f" and {more} more." if more > 0 else "."
        )


def _finding(found: Finding) -> str:
    row, (first, *others) = found.requirement, found.ways
    level = f"{row.level}, " if row.level else ""
    where = escaped(f"{level}{row.section}")
    lines = [
        "<details>",
        f"<summary>{_marked(found.verdict)} <code>{_html(row.id)}</code> "
        f"{_html(row.statement)}</summary>",
        "",
        f"[{where}]({row.link})" if row.link else where,
        "",
        *_occurrence(first[0]),
    ]
    lines += _ids("The same in", [each.scenario.id for each in first[1:]])
    for way in others:
        said = escaped(way[0].came)
        lines += _ids(f"{_marked(way[0].verdict)} {said} in", [each.scenario.id for each in way])
    return "\n".join([*lines, "", "</details>"])


def _occurrence(each: Occurrence) -> Iterator[str]:
    scenario, check = each.scenario, each.check
    yield f"- scenario: {escaped(scenario.title)} ({code(scenario.id)})"
    step = step_of(scenario, check.step)
    if step:
        yield f"- step {check.step}: {escaped(step)}"
    if check.expected:
        yield f"- expected: {escaped(check.expected)}"
    if check.actual:
        yield f"- **actual: {escaped(check.actual)}**"
    if each.says:
        yield f"- that is: {escaped(each.says)}"
    if scenario.reason:
        yield f"- reason: {escaped(scenario.reason)}"
    yield ""
    yield fenced("\n".join(_bytes(each)))
    if scenario.reproduce:
        yield ""
        yield fenced(visible(scenario.reproduce))


def _bytes(each: Occurrence) -> Iterator[str]:
    number, exchanges = each.check.exchange, each.attempt.exchanges
    if number is None or not 0 <= number < len(exchanges):
        yield from (visible(line) for line in each.check.evidence.splitlines())
        return
    earlier = [f"  before: {in_a_line(each)}" for each in exchanges[:number][-4:]]
    yield from [*earlier, ""] if earlier else []
    last = ""
    for line in transcript(exchanges[number], each.check):
        if last and line.side != last:
            yield ""
        yield f"{'>' if line.marked else ' '} {line.text}"
        last = line.side


def _obstacle(found: Obstacle) -> str:
    own = "" if found.scenarios else f"<code>{_html(_named(found))}</code> "
    lines = [
        "<details>",
        f"<summary>{_marked(found.verdict)} {own}{_html(found.reason)}</summary>",
        "",
        *_ids("In", [scenario.id for scenario in found.scenarios]),
        *_ids("Unjudged:", list(found.requirements) if found.scenarios else []),
        "",
        "</details>",
    ]
    return "\n".join(lines)


def _named(found: Obstacle) -> str:
    return found.scenarios[0].id if found.scenarios else ", ".join(found.requirements)


def finding_markdown(found: Finding) -> str:
    """Return one finding as Markdown, to be pasted into an issue."""
    row = found.requirement
    link = f" ([{escaped(row.section)}]({row.link}))" if row.link else f" ({escaped(row.section)})"
    lines = [f"**{escaped(row.statement or row.id)}** {row.level}{link}", ""]
    return "\n".join([*lines, *_occurrence(found.ways[0][0])]) + "\n"


def _ids(lead: str, names: list[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(code(name) for name in names[:_IDS_SHOWN])
    more = f" and {len(names) - _IDS_SHOWN} more" if len(names) > _IDS_SHOWN else ""
    return ["", f"{lead} {shown}{more}."]


def _ending(record: Record) -> str:
    header, footer = record.header, record.footer
    told = f"tus-conformance {header.suite_version}, {header.spec_edition}, seed {header.seed}"
    if footer is not None:
        took = f"{footer.seconds:.1f} s, {plural(footer.exchanges, 'exchange')}"
        told += f", {took}, exit code {footer.exit_code}"
    return f"<sub>{_html(told)}</sub>"


def _marked(verdict: Verdict) -> str:
    mark = MARKS[verdict]
    return f"{mark.glyph} {mark.word}"


def _html(text: str) -> str:
    shown = visible(" ".join(text.split()))
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
