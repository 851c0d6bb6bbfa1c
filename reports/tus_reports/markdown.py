"""The run as Markdown, for the summary of a CI job, a pull request or an issue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tus_reports.finding_text import step_sentence
from tus_reports.findings import Blocker, Finding, Occurrence, RunFindings, collect_findings
from tus_reports.record import Header, Verdict
from tus_reports.record_reader import Record
from tus_reports.server_title import server_title
from tus_reports.totals import (
    conclusion_sentence,
    content_sentence,
    count_verdicts,
    pluralize,
    totals_by_extension,
    whole_totals,
)
from tus_reports.transcript import escape_controls, format_exchange, summarize_exchange
from tus_reports.verdict_style import VERDICT_STYLES

MAX_CHARACTERS = 60_000
"""How many characters a summary has at most; a comment on GitHub may have 65,536."""

_MAX_IDS = 10
_MAX_KNOWN = 100


def markdown(record: Record, *, limit: int = MAX_CHARACTERS) -> str:
    """Return the run as Markdown of about `limit` characters at most.

    Findings that would go beyond it are named, and left to the other reports.
    """
    header, found = record.header, collect_findings(record.scenarios, record.requirements)
    parts = [
        f"## tus conformance of {_server_name(header)}",
        f"**{escape_markdown(conclusion_sentence(record))}**",
        *_extension_table(record),
        *_count_table(record),
        *filter(None, [content_sentence(record).capitalize()]),
    ]
    ending = _run_footer(record)
    room = limit - sum(len(part) + 2 for part in [*parts, ending])
    return "\n\n".join([*parts, *_fit_findings(found, room), ending]) + "\n"


def _server_name(header: Header) -> str:
    return escape_markdown(server_title(header)) if header.server_name else code_span(header.target)


def escape_markdown(text: str) -> str:
    """Return a text so that Markdown shows it as it is, in a table too."""
    shown = escape_controls(" ".join(text.split()))
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~@])", r"\\\1", shown)


def code_span(text: str) -> str:
    """Return a text as inline code that no backtick in it can end."""
    shown = escape_controls(text).replace("|", "\\|")
    fence = "`" * (_longest_backtick_run(shown) + 1)
    space = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{space}{shown}{space}{fence}"


def code_block(text: str) -> str:
    """Return lines as a block of code that no backtick in them can end."""
    fence = "`" * max(_longest_backtick_run(text) + 1, 3)
    return f"{fence}text\n{text}\n{fence}"


def _longest_backtick_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _extension_table(record: Record) -> Iterator[str]:
    shares = totals_by_extension(record)
    rows = [
        f"| {_format_verdict(share.verdict)} | {escape_markdown(share.name)} "
        f"| {escape_markdown(share.sentence)} |"
        for share in (*shares, whole_totals(record))
    ]
    if shares:
        yield "\n".join(["| | Extension | Verdict |", "|---|---|---|", *rows])


def _count_table(record: Record) -> Iterator[str]:
    scenarios, requirements = count_verdicts(record.scenarios), count_verdicts(record.requirements)
    if not scenarios:
        return
    rows = [
        f"| {_format_verdict(verdict)} | {verdict} | {scenarios.get(verdict, 0)} "
        f"| {requirements.get(verdict, 0)} |"
        for verdict in VERDICT_STYLES
        if verdict in scenarios or verdict in requirements
    ]
    totals = f"Scenarios (of {sum(scenarios.values())})"
    totals += f" | Requirements (of {sum(requirements.values())})"
    yield "\n".join([f"| | Verdict | {totals} |", "|---|---|--:|--:|", *rows])


def _fit_findings(found: RunFindings, room: int) -> Iterator[str]:
    """Yield the accounts that there is room for, then the names of the others."""
    accounts = [
        (each.verdict, each.requirement.id, _format_finding(each))
        for each in found.findings
        if not each.is_known
    ]
    accounts += [
        (each.verdict, _finding_names(each), _format_blocker(each)) for each in found.blockers
    ]
    accounts.sort(key=lambda account: list(VERDICT_STYLES).index(account[0]))
    if accounts:
        yield "### Findings"
    left_out = []
    for verdict, name, text in accounts:
        if len(text) + 2 <= room:
            room -= len(text) + 2
            yield text
        else:
            left_out.append(f"{_format_verdict(verdict)} {code_span(name)}")
    if left_out:
        shown, more = left_out[:_MAX_IDS], len(left_out) - _MAX_IDS
        yield f"Not shown, because the summary is limited in size: {', '.join(shown)}" + (
            f" and {more} more." if more > 0 else "."
        )
    known = [f"- {code_span(each.requirement.id)}" for each in found.findings if each.is_known]
    if known:
        yield "\n".join(["### Known failures, listed in the baseline", "", *known[:_MAX_KNOWN]])


def _format_finding(found: Finding) -> str:
    requirement, (first, *others) = found.requirement, found.groups
    level = f"{requirement.level}, " if requirement.level else ""
    where = escape_markdown(f"{level}{requirement.section}")
    lines = [
        "<details>",
        f"<summary>{_format_verdict(found.verdict)} <code>{_escape_html(requirement.id)}</code> "
        f"{_escape_html(requirement.statement)}</summary>",
        "",
        f"[{where}]({requirement.link})" if requirement.link else where,
        "",
        *_format_occurrence(first[0]),
    ]
    lines += _id_list("Same in", [each.scenario.id for each in first[1:]])
    for way in others:
        said = escape_markdown(way[0].actual)
        lines += _id_list(
            f"{_format_verdict(way[0].verdict)} {said} in", [each.scenario.id for each in way]
        )
    return "\n".join([*lines, "", "</details>"])


def _format_occurrence(each: Occurrence) -> Iterator[str]:
    scenario, check = each.scenario, each.check
    yield f"- scenario: {escape_markdown(scenario.title)} ({code_span(scenario.id)})"
    step = step_sentence(scenario, check.step)
    if step:
        yield f"- step {check.step}: {escape_markdown(step)}"
    if check.expected:
        yield f"- expected: {escape_markdown(check.expected)}"
    if check.actual:
        yield f"- **actual: {escape_markdown(check.actual)}**"
    if each.explanation:
        yield f"- meaning: {escape_markdown(each.explanation)}"
    if scenario.reason:
        yield f"- reason: {escape_markdown(scenario.reason)}"
    yield ""
    yield code_block("\n".join(exchange_lines(each)))
    if scenario.command:
        yield ""
        yield code_block(escape_controls(scenario.command))


def exchange_lines(each: Occurrence) -> Iterator[str]:
    """Yield the exchange that decided a check as lines, what led to it in one line each."""
    number, exchanges = each.check.exchange, each.attempt.exchanges
    if number is None or not 0 <= number < len(exchanges):
        yield from (escape_controls(line) for line in each.check.evidence.splitlines())
        return
    earlier = [f"  before: {summarize_exchange(each)}" for each in exchanges[:number][-4:]]
    yield from [*earlier, ""] if earlier else []
    last = ""
    for line in format_exchange(exchanges[number], each.check):
        if last and line.side != last:
            yield ""
        yield f"{'>' if line.marked else ' '} {line.text}"
        last = line.side


def _format_blocker(found: Blocker) -> str:
    own = "" if found.scenarios else f"<code>{_escape_html(_finding_names(found))}</code> "
    lines = [
        "<details>",
        f"<summary>{_format_verdict(found.verdict)} {own}{_escape_html(found.reason)}</summary>",
        "",
        *_id_list("In", [scenario.id for scenario in found.scenarios]),
        *_id_list("No verdict:", list(found.requirements) if found.scenarios else []),
        "",
        "</details>",
    ]
    return "\n".join(lines)


def _finding_names(found: Blocker) -> str:
    return found.scenarios[0].id if found.scenarios else ", ".join(found.requirements)


def finding_markdown(found: Finding) -> str:
    """Return one finding as Markdown, to be pasted into an issue."""
    requirement = found.requirement
    link = (
        f" ([{escape_markdown(requirement.section)}]({requirement.link}))"
        if requirement.link
        else f" ({escape_markdown(requirement.section)})"
    )
    lines = [
        f"**{escape_markdown(requirement.statement or requirement.id)}** {requirement.level}{link}",
        "",
    ]
    return "\n".join([*lines, *_format_occurrence(found.groups[0][0])]) + "\n"


def _id_list(lead: str, names: list[str]) -> list[str]:
    if not names:
        return []
    shown = ", ".join(code_span(name) for name in names[:_MAX_IDS])
    more = f" and {len(names) - _MAX_IDS} more" if len(names) > _MAX_IDS else ""
    return ["", f"{lead} {shown}{more}."]


def _run_footer(record: Record) -> str:
    header, footer = record.header, record.footer
    told = f"tus-conformance {header.suite_version}, {header.spec_edition}, seed {header.seed}"
    if footer is not None:
        took = f"{footer.duration:.1f} s, {pluralize(footer.exchange_count, 'exchange')}"
        told += f", {took}, exit code {footer.exit_code}"
    return f"<sub>{_escape_html(told)}</sub>"


def _format_verdict(verdict: Verdict) -> str:
    mark = VERDICT_STYLES[verdict]
    return f"{mark.glyph} {mark.word}"


def _escape_html(text: str) -> str:
    shown = escape_controls(" ".join(text.split()))
    return shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
