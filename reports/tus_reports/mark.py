"""How a verdict is shown: a glyph and a word, so that neither colour nor one of them is needed."""

from __future__ import annotations

from dataclasses import dataclass

from tus_reports.record import Verdict


@dataclass(frozen=True)
class Mark:
    """The signs of one verdict. `plain` is the glyph in ASCII; `style` is a colour's name.

    `word` has at most seven letters, so that a column of marks stays narrow.
    """

    glyph: str
    plain: str
    word: str
    meaning: str
    style: str


MARKS: dict[Verdict, Mark] = {
    "fail": Mark("✗", "x", "FAIL", "violates the specification", "bold red"),
    "error": Mark("!", "!", "ERROR", "our fault or the network's", "bold magenta"),
    "inconclusive": Mark("?", "?", "unclear", "no clear answer", "magenta"),
    "blocked": Mark("▪", "#", "blocked", "something it builds on did not hold", "magenta"),
    "warn": Mark("▲", "^", "warn", "conformant, but not as recommended", "yellow"),
    "note": Mark("•", "*", "note", "left open by the specification", "blue"),
    "pass": Mark("✓", "+", "ok", "held", "green"),
    "not-applicable": Mark("-", "-", "n/a", "does not apply here", "dim"),
    "unsupported": Mark("○", "o", "absent", "optional, and not offered", "dim"),
    "excluded": Mark("/", "/", "skipped", "deselected", "dim"),
}
