"""How a verdict is shown: a glyph and a word, so that neither colour nor one of them is needed."""

from __future__ import annotations

from dataclasses import dataclass

from tus_reports.record import Verdict


@dataclass(frozen=True)
class VerdictStyle:
    """The signs of one verdict. `plain` is the glyph in ASCII; `style` is a colour's name.

    `word` has at most seven letters, so that a column of marks stays narrow.
    """

    glyph: str
    plain: str
    word: str
    meaning: str
    style: str


VERDICT_STYLES: dict[Verdict, VerdictStyle] = {
    "fail": VerdictStyle("✗", "x", "FAIL", "violates the specification", "bold red"),
    "error": VerdictStyle(
        "!", "!", "ERROR", "an error of the suite or the network", "bold magenta"
    ),
    "inconclusive": VerdictStyle("?", "?", "unclear", "no clear result", "magenta"),
    "blocked": VerdictStyle("▪", "#", "blocked", "a prerequisite did not hold", "magenta"),
    "warn": VerdictStyle("▲", "^", "warn", "conformant, but not as recommended", "yellow"),
    "note": VerdictStyle("•", "*", "note", "optional or unspecified", "blue"),
    "pass": VerdictStyle("✓", "+", "ok", "held", "green"),
    "not-applicable": VerdictStyle("-", "-", "n/a", "does not apply", "dim"),
    "unsupported": VerdictStyle("○", "o", "absent", "optional, and not offered", "dim"),
    "excluded": VerdictStyle("/", "/", "skipped", "deselected", "dim"),
}
