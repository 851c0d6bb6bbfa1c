"""The account of a finding in rows: what, by which sentence, the bytes, how to repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tus_reports.findings import Finding, Obstacle, Occurrence, Remark, digest
from tus_reports.mark import MARKS
from tus_reports.record import Scenario, Verdict
from tus_reports.tally import plural
from tus_reports.transcript import WireLine, in_a_line, transcript, visible
from tus_reports.typeset import PLAIN_WIDTH, Row, indented, plain, row, wrap

_INDENT = 13  # where text stands, right of its label
_SHOWN = 8  # how many ids of a long list are printed
_LED_UP = 4  # how many exchanges that led up to the decisive one are printed
_LABELS = {
    "request": "request",
    "interim": "interim",
    "response": "response",
    "act": "we acted",
    "event": "outcome",
}


def finding(scenario: Scenario) -> str:
    """Return, as plain text of 80 columns, what did not pass in one scenario."""
    found = digest((scenario,), ())
    accounts = [finding_rows(each, PLAIN_WIDTH) for each in found.findings]
    accounts += [obstacle_rows(each, PLAIN_WIDTH) for each in found.obstacles]
    accounts += [remark_rows(each, PLAIN_WIDTH) for each in found.remarks]
    return "\n\n".join("\n".join(plain(line) for line in rows) for rows in accounts)


def finding_rows(found: Finding, width: int) -> Iterator[Row]:
    """Yield a requirement that did not hold: the first way of it in full, the others by id."""
    row_ = found.requirement
    yield _title(found.verdict, row_.id)
    if row_.statement:
        yield from indented(visible(row_.statement), width=width, indent=2)
    where = f"{row_.level}, {row_.section}" if row_.level else row_.section
    link = f": {row_.link}" if row_.link else ""
    yield from indented(where + link, width=width, indent=2, style="dim")
    first, *others = found.ways
    yield row()
    yield from _claim_rows(first[0], width)
    yield from _elsewhere("the same", (each.scenario.id for each in first[1:]), width)
    yield from _other_ways(others, width)
    if row_.ambiguity and found.verdict == "warn":
        yield from _field("note that", visible(row_.ambiguity), width, style="dim")
    yield from _proof_rows(first[0], width)


def _other_ways(others: Sequence[tuple[Occurrence, ...]], width: int) -> Iterator[Row]:
    for way in others[:_SHOWN]:
        worse = MARKS[way[0].verdict].word
        text = f"{worse}: {way[0].came}"
        yield from _field("also", visible(text), width)
        yield from _elsewhere("", (each.scenario.id for each in way), width)
    if len(others) > _SHOWN:
        count = plural(len(others) - _SHOWN, "more way")
        yield from _field("also", f"in {count}, told in the record", width)


def _claim_rows(each: Occurrence, width: int) -> Iterator[Row]:
    """Yield what a check says: in which scenario and step, what was expected and what came."""
    scenario, check = each.scenario, each.check
    yield from _field("scenario", visible(scenario.title), width)
    yield row(" " * _INDENT + scenario.id, "dim")
    step = step_of(scenario, check.step)
    if step:
        yield from _field(f"step {check.step}", visible(step), width)
    if check.expected:
        yield from _field("expected", visible(check.expected), width)
    if check.actual:
        yield from _field("actual", visible(check.actual), width, style="bold")
    if each.says:
        yield from _field("that is", visible(each.says), width)
    if scenario.reason:
        yield from _field("reason", visible(scenario.reason), width)
    if len(scenario.attempts) > 1:
        yield from _field("attempts", attempts_in_words(scenario), width)


def attempts_in_words(scenario: Scenario) -> str:
    """Return how the attempts came out, in order."""
    outcomes = [attempt.verdict for attempt in scenario.attempts]
    if len(set(outcomes)) == 1:
        return f"{len(outcomes)}, each on an upload of its own: {outcomes[0]} every time"
    return f"{len(outcomes)}: {', then '.join(outcomes)}"


def _proof_rows(each: Occurrence, width: int) -> Iterator[Row]:
    """Yield the bytes that prove a check, and the command that repeats it."""
    scenario = each.scenario
    yield from _bytes_rows(each, width)
    if scenario.reproduce:
        yield from _copied("reproduce", scenario.reproduce)


def obstacle_rows(found: Obstacle, width: int) -> Iterator[Row]:
    """Yield why scenarios came to no verdict, which they are, and what that leaves unjudged."""
    count = plural(len(found.scenarios), "scenario")
    yield _title(found.verdict, count if found.scenarios else ", ".join(found.requirements))
    yield from indented(visible(found.reason), width=width, indent=2)
    if found.scenarios:
        yield row()
    yield from _elsewhere("in", (scenario.id for scenario in found.scenarios), width)
    if found.requirements and found.scenarios:
        yield from _elsewhere("unjudged", found.requirements, width)
    if found.scenarios:
        first = found.scenarios[0]
        attempt = first.attempts[-1] if first.attempts else None
        if attempt is not None and attempt.exchanges:
            yield row()
            yield from _wire_rows(transcript(attempt.exchanges[-1]), width)
        if first.reproduce:
            yield from _copied("reproduce", first.reproduce)


def remark_rows(remark: Remark, width: int) -> Iterator[Row]:
    """Yield a note, or a reason why something was not judged, in as few rows as will hold it."""
    mark = MARKS[remark.verdict]
    names = remark.requirements or remark.scenarios
    head = names[0] if len(names) == 1 else plural(len(names), "scenario")
    texts = wrap(visible(f"{head}: {remark.text}"), width - _INDENT)
    yield ((f"  {mark.glyph} {mark.word:<9}", mark.style), (texts[0], ""))
    yield from (row(" " * _INDENT + text) for text in texts[1:])
    if len(names) > 1:
        yield from _elsewhere("", names, width)


def step_of(scenario: Scenario, number: int | None) -> str:
    """Return the sentence of a step, counted from 1; what it expects stands indented below it."""
    sentences = [text for text in scenario.steps if not text.startswith(" ")]
    if number is None or not 1 <= number <= len(sentences):
        return ""
    return sentences[number - 1]


def _title(verdict: Verdict, text: str) -> Row:
    mark = MARKS[verdict]
    return ((f"{mark.glyph} {mark.word}", mark.style), (f"  {text}", "bold"))


def _bytes_rows(each: Occurrence, width: int) -> Iterator[Row]:
    number, exchanges = each.check.exchange, each.attempt.exchanges
    if number is None or not 0 <= number < len(exchanges):
        if each.check.evidence:
            yield row()
            for text in visible_lines(each.check.evidence):
                yield from _wire_row("evidence", text, width, marked=True)
        return
    yield row()
    if number:
        label = "before"
        for earlier in exchanges[max(number - _LED_UP, 0) : number]:
            yield from _field(label, in_a_line(earlier), width, style="dim")
            label = ""
        yield row()
    yield from _wire_rows(transcript(exchanges[number], each.check), width)


def visible_lines(text: str) -> list[str]:
    """Return the lines of a text from the wire, fit for a terminal."""
    return [visible(line) for line in text.splitlines()]


def _wire_rows(lines: Iterable[WireLine], width: int) -> Iterator[Row]:
    last = ""
    for line in lines:
        label = _LABELS[line.side]
        yield from _wire_row("" if label == last else label, line.text, width, marked=line.marked)
        last = label


def _wire_row(label: str, text: str, width: int, *, marked: bool) -> Iterator[Row]:
    style = "bold" if marked else ""
    mark = "> " if marked else "  "
    first, *others = wrap(text, width - _INDENT)
    yield ((f"  {label:<9}", "dim"), (mark, "bold red"), (first, style))
    yield from (row(" " * (_INDENT + 2) + other, style) for other in _rewrapped(others, width))


def _rewrapped(lines: list[str], width: int) -> list[str]:
    """Wrap the continuation of a wire line once more, since it is set further in."""
    return wrap(" ".join(lines), width - _INDENT - 2) if lines else []


def _elsewhere(label: str, ids: Iterable[str], width: int) -> Iterator[Row]:
    named = list(ids)
    if not named:
        return
    shown = ", ".join(named[:_SHOWN])
    more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
    yield from _field(label, shown + more, width, style="dim")


def _field(label: str, text: str, width: int, *, style: str = "") -> Iterator[Row]:
    first, *others = wrap(text, width - _INDENT)
    yield ((f"  {label:<11}", "dim"), (first, style))
    yield from (row(" " * _INDENT + other, style) for other in others)


def _copied(label: str, command: str) -> Iterator[Row]:
    """Yield a command on a row of its own, unbroken whatever its length."""
    yield row()
    yield row(f"  {label}", "dim")
    yield row(f"  {visible(command)}", "cyan")
