"""A finding as lines of text: requirement, sentence, bytes, and how to reproduce it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tus_reports.curl_script import short_curl_script
from tus_reports.findings import (
    Blocker,
    Finding,
    Note,
    Occurrence,
    collect_findings,
    group_by_cause,
)
from tus_reports.record import ScenarioResult, Verdict
from tus_reports.text_layout import (
    PLAIN_WIDTH,
    StyledLine,
    indented_lines,
    plain_text,
    styled_row,
    wrap_text,
)
from tus_reports.totals import pluralize
from tus_reports.transcript import (
    TranscriptLine,
    escape_controls,
    format_exchange,
    summarize_exchange,
)
from tus_reports.verdict_style import VERDICT_STYLES

_TEXT_COLUMN = 13  # where text stands, right of its label
_MAX_IDS = 8  # how many ids of a long list are printed
_MAX_PREVIOUS = 4  # how many exchanges that led up to the decisive one are printed
_LABELS = {
    "request": "request",
    "interim": "interim",
    "response": "response",
    "act": "suite",
    "event": "outcome",
}


def finding_text(scenario: ScenarioResult) -> str:
    """Return, as plain text of 80 columns, what did not pass in one scenario."""
    found = collect_findings((scenario,), ())
    accounts = [finding_rows(each, PLAIN_WIDTH) for each in group_by_cause(found.findings)]
    accounts += [blocker_rows(each, PLAIN_WIDTH) for each in found.blockers]
    accounts += [note_rows(each, PLAIN_WIDTH) for each in found.notes]
    return "\n\n".join("\n".join(plain_text(line) for line in rows) for rows in accounts)


def finding_rows(
    group: Sequence[Finding], width: int, *, whole: bool = True
) -> Iterator[StyledLine]:
    """Yield requirements that did not hold because of one exchange, with its bytes if `whole`.

    Of each, the first way is shown in full, the others by id.
    """
    for finding in group:
        yield from _requirement_rows(finding, width)
        if finding is not group[-1]:
            yield styled_row()
    first = group[0].groups[0][0]
    if whole:
        yield from _evidence_rows(first, width)
    elif first.scenario.command:
        yield from _field_rows("details", f"tus-conformance explain {first.scenario.id}", width)


def _requirement_rows(found: Finding, width: int) -> Iterator[StyledLine]:
    requirement = found.requirement
    yield _title_row(found.verdict, requirement.id)
    if requirement.statement:
        yield from indented_lines(escape_controls(requirement.statement), width=width, indent=2)
    where = (
        f"{requirement.level}, {requirement.section}" if requirement.level else requirement.section
    )
    link = f": {requirement.link}" if requirement.link else ""
    yield from indented_lines(where + link, width=width, indent=2, style="dim")
    first, *others = found.groups
    yield styled_row()
    yield from _check_rows(first[0], width)
    yield from _id_list("same in", (each.scenario.id for each in first[1:]), width)
    yield from _other_groups(others, width)
    if requirement.ambiguity and found.verdict == "warn":
        yield from _field_rows(
            "ambiguity", escape_controls(requirement.ambiguity), width, style="dim"
        )


def _other_groups(others: Sequence[tuple[Occurrence, ...]], width: int) -> Iterator[StyledLine]:
    """Yield what else did not hold; what is only noted is counted."""
    shown = [way for way in others if way[0].verdict != "note"][:_MAX_IDS]
    for way in shown:
        worse = VERDICT_STYLES[way[0].verdict].word
        text = f"{worse}: {way[0].actual}"
        yield from _field_rows("also", escape_controls(text), width)
        yield from _id_list("", (each.scenario.id for each in way), width)
    if len(others) > len(shown):
        count = pluralize(len(others) - len(shown), "other result")
        yield from _field_rows("also", f"{count}, see the record", width)


def _check_rows(each: Occurrence, width: int) -> Iterator[StyledLine]:
    """Yield what a check says: in which scenario and step, what was expected and what came."""
    scenario, check = each.scenario, each.check
    label = "scenario" if scenario.outcome is None else "situation"
    yield from _field_rows(label, escape_controls(scenario.title), width)
    yield styled_row(" " * _TEXT_COLUMN + scenario.id, "dim")
    step = step_sentence(scenario, check.step)
    if step:
        yield from _field_rows(f"step {check.step}", escape_controls(step), width)
    if check.expected:
        yield from _field_rows("expected", escape_controls(check.expected), width)
    if check.actual:
        yield from _field_rows("actual", escape_controls(check.actual), width, style="bold")
    if each.explanation:
        yield from _field_rows("meaning", escape_controls(each.explanation), width)
    if scenario.reason:
        yield from _field_rows("reason", escape_controls(scenario.reason), width)
    if len(scenario.attempts) > 1:
        yield from _field_rows("attempts", describe_attempts(scenario), width)


def describe_attempts(scenario: ScenarioResult) -> str:
    """Return the verdicts of the attempts, in order."""
    outcomes = [attempt.verdict for attempt in scenario.attempts]
    if len(set(outcomes)) == 1:
        return f"{len(outcomes)}, each with its own upload: {outcomes[0]} every time"
    return f"{len(outcomes)}: {', then '.join(outcomes)}"


def _evidence_rows(each: Occurrence, width: int) -> Iterator[StyledLine]:
    """Yield the bytes that prove a check, and the command that repeats it."""
    scenario = each.scenario
    yield from _exchange_rows(each, width)
    if scenario.command:
        yield from _command_rows("reproduce", scenario.command)
    script = short_curl_script(each)
    if script:
        yield styled_row()
        yield styled_row("  with curl", "dim")
        yield from (styled_row(f"  {line}", "cyan") for line in script.splitlines())


def blocker_rows(found: Blocker, width: int) -> Iterator[StyledLine]:
    """Yield why scenarios came to no verdict, which they are, and what that leaves unjudged."""
    count = pluralize(len(found.scenarios), "scenario")
    yield _title_row(found.verdict, count if found.scenarios else ", ".join(found.requirements))
    yield from indented_lines(escape_controls(found.reason), width=width, indent=2)
    if found.scenarios:
        yield styled_row()
    yield from _id_list("in", (scenario.id for scenario in found.scenarios), width)
    if found.requirements and found.scenarios:
        yield from _id_list("no verdict", found.requirements, width)
    if found.scenarios:
        first = found.scenarios[0]
        attempt = first.attempts[-1] if first.attempts else None
        if attempt is not None and attempt.exchanges:
            yield styled_row()
            yield from _transcript_rows(format_exchange(attempt.exchanges[-1]), width)
        if first.command:
            yield from _command_rows("reproduce", first.command)


def note_rows(note: Note, width: int) -> Iterator[StyledLine]:
    """Yield a note, or a reason why something was not evaluated, in as few lines as possible."""
    mark = VERDICT_STYLES[note.verdict]
    names = note.requirements or note.scenarios
    head = names[0] if len(names) == 1 else pluralize(len(names), "scenario")
    texts = wrap_text(escape_controls(f"{head}: {note.text}"), width - _TEXT_COLUMN)
    yield ((f"  {mark.glyph} {mark.word:<9}", mark.style), (texts[0], ""))
    yield from (styled_row(" " * _TEXT_COLUMN + text) for text in texts[1:])
    if len(names) > 1:
        yield from _id_list("", names, width)


def step_sentence(scenario: ScenarioResult, number: int | None) -> str:
    """Return the sentence of a step, counted from 1; what it expects stands indented below it."""
    sentences = [text for text in scenario.steps if not text.startswith(" ")]
    if number is None or not 1 <= number <= len(sentences):
        return ""
    return sentences[number - 1]


def _title_row(verdict: Verdict, text: str) -> StyledLine:
    mark = VERDICT_STYLES[verdict]
    return ((f"{mark.glyph} {mark.word}", mark.style), (f"  {text}", "bold"))


def _exchange_rows(each: Occurrence, width: int) -> Iterator[StyledLine]:
    number, exchanges = each.check.exchange, each.attempt.exchanges
    if number is None or not 0 <= number < len(exchanges):
        if each.check.evidence:
            yield styled_row()
            for text in escape_lines(each.check.evidence):
                yield from _transcript_row("evidence", text, width, marked=True)
        return
    yield styled_row()
    if number:
        label = "before"
        for earlier in exchanges[max(number - _MAX_PREVIOUS, 0) : number]:
            yield from _field_rows(label, summarize_exchange(earlier), width, style="dim")
            label = ""
        yield styled_row()
    yield from _transcript_rows(format_exchange(exchanges[number], each.check), width)


def escape_lines(text: str) -> list[str]:
    """Return the lines of a text from the wire, fit for a terminal."""
    return [escape_controls(line) for line in text.splitlines()]


def _transcript_rows(lines: Iterable[TranscriptLine], width: int) -> Iterator[StyledLine]:
    last = ""
    for line in lines:
        label = _LABELS[line.side]
        yield from _transcript_row(
            "" if label == last else label, line.text, width, marked=line.marked
        )
        last = label


def _transcript_row(label: str, text: str, width: int, *, marked: bool) -> Iterator[StyledLine]:
    style = "bold" if marked else ""
    mark = "> " if marked else "  "
    first, *others = wrap_text(text, width - _TEXT_COLUMN)
    yield ((f"  {label:<9}", "dim"), (mark, "bold red"), (first, style))
    yield from (
        styled_row(" " * (_TEXT_COLUMN + 2) + other, style) for other in _rewrap(others, width)
    )


def _rewrap(lines: list[str], width: int) -> list[str]:
    """Wrap the continuation of a wire line once more, since it is set further in."""
    return wrap_text(" ".join(lines), width - _TEXT_COLUMN - 2) if lines else []


def _id_list(label: str, ids: Iterable[str], width: int) -> Iterator[StyledLine]:
    named = list(ids)
    if not named:
        return
    shown = ", ".join(named[:_MAX_IDS])
    more = f" and {len(named) - _MAX_IDS} more" if len(named) > _MAX_IDS else ""
    yield from _field_rows(label, shown + more, width, style="dim")


def _field_rows(label: str, text: str, width: int, *, style: str = "") -> Iterator[StyledLine]:
    first, *others = wrap_text(text, width - _TEXT_COLUMN)
    yield ((f"  {label:<11}", "dim"), (first, style))
    yield from (styled_row(" " * _TEXT_COLUMN + other, style) for other in others)


def _command_rows(label: str, command: str) -> Iterator[StyledLine]:
    """Yield a command on a line of its own, unbroken whatever its length."""
    yield styled_row()
    yield styled_row(f"  {label}", "dim")
    yield styled_row(f"  {escape_controls(command)}", "cyan")
