"""A comparison of runs as plain text, as Markdown and as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence

from tus_reports.compare import HEADINGS, Change, Comparison, Stability
from tus_reports.html import environment
from tus_reports.mark import MARKS
from tus_reports.markdown import code, escaped
from tus_reports.reader import Record
from tus_reports.record import Verdict
from tus_reports.tally import plural
from tus_reports.transcript import visible


def comparison_text(found: Comparison) -> str:
    """Return a comparison as plain text."""
    lines = [found.sentence, f"  old  {_run(found.old)}", f"  new  {_run(found.new)}"]
    for kind, heading in HEADINGS.items():
        changes = found.of(kind)
        if changes:
            lines += ["", f"{heading} ({len(changes)})"]
        for change in changes:
            lines.append(f"  {_arrow(change):<22} {change.noun} {change.id}")
            if change.detail and kind in {"regressed", "unclear", "noted"}:
                lines.append(f"  {'':<22} {visible(change.detail)}")
    return "\n".join(lines) + "\n"


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
    return template.render(found=found, groups=groups, verdict=_WORST[found.exit_code], run=_run)


_WORST: dict[int, Verdict] = {0: "pass", 1: "fail", 3: "inconclusive"}


def stability_text(found: Sequence[Stability]) -> str:
    """Return the scenarios that did not come out alike in every run, as plain text."""
    unsteady = [each for each in found if not each.steady]
    runs = len(found[0].verdicts) if found else 0
    lines = [f"{plural(len(unsteady), 'scenario')} of {len(found)} not steady over {runs} runs."]
    lines += [
        f"  {each.id}: {', '.join(verdict or 'absent' for verdict in each.verdicts)}"
        for each in unsteady
    ]
    return "\n".join(lines) + "\n"


def _arrow(change: Change) -> str:
    before = MARKS[change.before].word if change.before else "none"
    after = MARKS[change.after].word if change.after else "none"
    return f"{before} → {after}"


def _run(record: Record) -> str:
    header = record.header
    return f"{header.target}, {header.started}, tus-conformance {header.suite_version}"
