"""A comparison of runs as plain text, as Markdown and as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence

from tus_reports.compare import CHANGE_HEADINGS, Comparison, ScenarioStability, VerdictChange
from tus_reports.html import format_start_time, template_environment
from tus_reports.markdown import code_span, escape_markdown
from tus_reports.record import Verdict
from tus_reports.record_reader import Record
from tus_reports.text_layout import PLAIN_WIDTH, wrap_text
from tus_reports.totals import pluralize
from tus_reports.transcript import escape_controls
from tus_reports.verdict_style import VERDICT_STYLES


def comparison_text(found: Comparison) -> str:
    """Return a comparison as plain text of 80 columns."""
    lines = wrap_text(found.sentence, PLAIN_WIDTH)
    lines += _hanging_indent("  old", 7, _describe_run(found.old)) + _hanging_indent(
        "  new", 7, _describe_run(found.new)
    )
    for kind, heading in CHANGE_HEADINGS.items():
        changes = found.of_kind(kind)
        if changes:
            lines += ["", f"{heading} ({len(changes)})"]
        for change in changes:
            lines += _hanging_indent(
                f"  {_format_change(change)}", _ARROW_WIDTH, f"{change.noun} {change.id}"
            )
            if change.detail and kind in {"regressed", "unclear", "noted"}:
                lines += _hanging_indent("", _ARROW_WIDTH, escape_controls(change.detail))
    return "\n".join(lines) + "\n"


def _hanging_indent(label: str, width: int, text: str) -> list[str]:
    """Return a text next to its label, its further lines below its first."""
    first, *others = wrap_text(text, PLAIN_WIDTH - width)
    return [f"{label:<{width}}{first}", *(" " * width + other for other in others)]


def comparison_markdown(found: Comparison) -> str:
    """Return a comparison as Markdown."""
    parts = [
        f"**{escape_markdown(found.sentence)}**",
        f"Old: {code_span(_describe_run(found.old))}<br>New: {code_span(_describe_run(found.new))}",
    ]
    for kind, heading in CHANGE_HEADINGS.items():
        changes = found.of_kind(kind)
        if changes:
            rows = [
                f"| {_format_change(change)} | {change.noun} {code_span(change.id)} "
                f"| {escape_markdown(change.detail)} |"
                for change in changes
            ]
            table = "\n".join(["| Before and now | What | Detail |", "|---|---|---|", *rows])
            parts += [f"### {heading} ({len(changes)})", table]
    return "\n\n".join(parts) + "\n"


def comparison_html(found: Comparison) -> str:
    """Return a comparison as one HTML file."""
    groups = [
        (heading, found.of_kind(kind))
        for kind, heading in CHANGE_HEADINGS.items()
        if found.of_kind(kind)
    ]
    template = template_environment().get_template("comparison.html.j2")
    return template.render(found=found, groups=groups, verdict=_EXIT_VERDICTS[found.exit_code])


_ARROW_WIDTH = 25  # where text stands, right of what a change went from and to
_EXIT_VERDICTS: dict[int, Verdict] = {0: "pass", 1: "fail", 3: "inconclusive"}


def stability_text(found: Sequence[ScenarioStability]) -> str:
    """Return the scenarios that did not come out alike in every run, as plain text."""
    lines = [_stability_sentence(found)]
    for each in _find_unstable(found):
        lines += [
            f"  {each.id}",
            *_hanging_indent("", 4, ", ".join(map(_verdict_word, each.verdicts))),
        ]
    return "\n".join(lines) + "\n"


def stability_markdown(found: Sequence[ScenarioStability]) -> str:
    """Return the scenarios that did not come out alike in every run, as Markdown."""
    parts = [f"**{_stability_sentence(found)}**"]
    rows = [
        f"| {code_span(each.id)} | {' | '.join(map(_verdict_word, each.verdicts))} |"
        for each in _find_unstable(found)
    ]
    if rows:
        runs = len(found[0].verdicts)
        numbers = " | ".join(f"Run {number}" for number in range(1, runs + 1))
        parts.append("\n".join([f"| Scenario | {numbers} |", "|---|" + "---|" * runs, *rows]))
    return "\n\n".join(parts) + "\n"


def stability_html(found: Sequence[ScenarioStability], records: Sequence[Record]) -> str:
    """Return the scenarios that did not come out alike in every run, as one HTML file."""
    template = template_environment().get_template("stability.html.j2")
    unstable = _find_unstable(found)
    return template.render(
        records=records, unstable=unstable, sentence=_stability_sentence(found), total=len(found)
    )


def _find_unstable(found: Sequence[ScenarioStability]) -> list[ScenarioStability]:
    return [each for each in found if not each.is_stable]


def _stability_sentence(found: Sequence[ScenarioStability]) -> str:
    runs = len(found[0].verdicts) if found else 0
    counted = pluralize(len(_find_unstable(found)), "scenario")
    return f"{counted} of {len(found)} not stable over {runs} runs."


def _verdict_word(verdict: Verdict | None) -> str:
    return VERDICT_STYLES[verdict].word if verdict else "absent"


def _format_change(change: VerdictChange) -> str:
    before = VERDICT_STYLES[change.before].word if change.before else "none"
    after = VERDICT_STYLES[change.after].word if change.after else "none"
    return f"{before} → {after}"


def _describe_run(record: Record) -> str:
    header = record.header
    return f"{header.target}, {format_start_time(record)}, tus-conformance {header.suite_version}"
