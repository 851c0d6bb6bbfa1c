"""A comparison of runs as plain text, as Markdown and as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence

from tus_reports.compare import HEADINGS, Change, Comparison, Stability
from tus_reports.html import environment, started
from tus_reports.mark import MARKS
from tus_reports.markdown import code, escaped
from tus_reports.reader import Record
from tus_reports.record import Verdict
from tus_reports.tally import plural
from tus_reports.transcript import visible
from tus_reports.typeset import PLAIN_WIDTH, wrap


def comparison_text(found: Comparison) -> str:
    """Return a comparison as plain text of 80 columns."""
    lines = wrap(found.sentence, PLAIN_WIDTH)
    lines += _hung("  old", 7, _run(found.old)) + _hung("  new", 7, _run(found.new))
    for kind, heading in HEADINGS.items():
        changes = found.of(kind)
        if changes:
            lines += ["", f"{heading} ({len(changes)})"]
        for change in changes:
            lines += _hung(f"  {_arrow(change)}", _ARROW, f"{change.noun} {change.id}")
            if change.detail and kind in {"regressed", "unclear", "noted"}:
                lines += _hung("", _ARROW, visible(change.detail))
    return "\n".join(lines) + "\n"


def _hung(label: str, width: int, text: str) -> list[str]:
    """Return a text beside its label, its further lines below its first."""
    first, *others = wrap(text, PLAIN_WIDTH - width)
    return [f"{label:<{width}}{first}", *(" " * width + other for other in others)]


def comparison_markdown(found: Comparison) -> str:
    """Return a comparison as Markdown."""
    parts = [
        f"**{escaped(found.sentence)}**",
        f"Old: {code(_run(found.old))}<br>New: {code(_run(found.new))}",
    ]
    for kind, heading in HEADINGS.items():
        changes = found.of(kind)
        if changes:
            rows = [
                f"| {_arrow(change)} | {change.noun} {code(change.id)} | {escaped(change.detail)} |"
                for change in changes
            ]
            table = "\n".join(["| Before and now | What | Detail |", "|---|---|---|", *rows])
            parts += [f"### {heading} ({len(changes)})", table]
    return "\n\n".join(parts) + "\n"


def comparison_html(found: Comparison) -> str:
    """Return a comparison as one HTML file."""
    groups = [(heading, found.of(kind)) for kind, heading in HEADINGS.items() if found.of(kind)]
    template = environment().get_template("comparison.html.j2")
    return template.render(found=found, groups=groups, verdict=_WORST[found.exit_code])


_ARROW = 25  # where text stands, right of what a change went from and to
_WORST: dict[int, Verdict] = {0: "pass", 1: "fail", 3: "inconclusive"}


def stability_text(found: Sequence[Stability]) -> str:
    """Return the scenarios that did not come out alike in every run, as plain text."""
    lines = [_steadiness(found)]
    for each in _unsteady(found):
        lines += [f"  {each.id}", *_hung("", 4, ", ".join(map(_word, each.verdicts)))]
    return "\n".join(lines) + "\n"


def stability_markdown(found: Sequence[Stability]) -> str:
    """Return the scenarios that did not come out alike in every run, as Markdown."""
    parts = [f"**{_steadiness(found)}**"]
    rows = [
        f"| {code(each.id)} | {' | '.join(map(_word, each.verdicts))} |"
        for each in _unsteady(found)
    ]
    if rows:
        runs = len(found[0].verdicts)
        numbers = " | ".join(f"Run {number}" for number in range(1, runs + 1))
        parts.append("\n".join([f"| Scenario | {numbers} |", "|---|" + "---|" * runs, *rows]))
    return "\n\n".join(parts) + "\n"


def stability_html(found: Sequence[Stability], records: Sequence[Record]) -> str:
    """Return the scenarios that did not come out alike in every run, as one HTML file."""
    template = environment().get_template("stability.html.j2")
    unsteady = _unsteady(found)
    return template.render(
        records=records, unsteady=unsteady, sentence=_steadiness(found), total=len(found)
    )


def _unsteady(found: Sequence[Stability]) -> list[Stability]:
    return [each for each in found if not each.steady]


def _steadiness(found: Sequence[Stability]) -> str:
    runs = len(found[0].verdicts) if found else 0
    counted = plural(len(_unsteady(found)), "scenario")
    return f"{counted} of {len(found)} not steady over {runs} runs."


def _word(verdict: Verdict | None) -> str:
    return MARKS[verdict].word if verdict else "absent"


def _arrow(change: Change) -> str:
    before = MARKS[change.before].word if change.before else "none"
    after = MARKS[change.after].word if change.after else "none"
    return f"{before} → {after}"


def _run(record: Record) -> str:
    header = record.header
    return f"{header.target}, {started(record)}, tus-conformance {header.suite_version}"
