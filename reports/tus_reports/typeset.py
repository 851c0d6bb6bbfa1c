"""Rows of styled text, wrapped for a width, and the two ways to put them on a stream.

A row is a tuple of (text, style) pairs; styles are rich's. Addresses are never broken, so that they
can be copied; every other word that is too long for its line is.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from typing import TextIO

from tus_reports.mark import MARKS

Row = tuple[tuple[str, str], ...]

PLAIN_WIDTH = 80
WIDEST = 120

_WIDE_GLYPHS = {ord(mark.glyph): mark.plain for mark in MARKS.values()} | {
    ord("─"): "-",
    ord("·"): "-",
    ord("→"): "->",
    ord("…"): "...",
}


def row(text: str = "", style: str = "") -> Row:
    """Return a row of one style."""
    return ((text, style),) if text else ()


def plain(line: Row) -> str:
    """Return the text of a row, without trailing space."""
    return "".join(text for text, _ in line).rstrip()


def wrap(text: str, width: int) -> list[str]:
    """Break a text at spaces into lines of at most `width` characters, addresses apart."""
    lines: list[str] = []
    current = ""
    for word in _fitting(text.split(), width):
        joined = f"{current} {word}" if current else word
        if current and len(joined) > width:
            lines.append(current)
            joined = word
        current = joined
    return [*lines, current] if current or not lines else lines


def _fitting(words: list[str], width: int) -> list[str]:
    fitting = []
    for word in words:
        if "://" in word or len(word) <= width:
            fitting.append(word)
        else:
            fitting += re.findall(f".{{1,{max(width, 1)}}}", word)
    return fitting


def indented(text: str, *, width: int, indent: int, style: str = "") -> list[Row]:
    """Return a paragraph as rows, each `indent` characters in."""
    return [row(" " * indent + line, style) for line in wrap(text, width - indent)]


def rule(title: str, width: int) -> Row:
    """Return a heading that fills the line."""
    before = "── "
    after = " " + "─" * max(width - len(before) - len(title) - 1, 2)
    return ((before, "dim"), (title, "bold"), (after, "dim"))


def painter(stream: TextIO, *, colour: bool) -> Callable[[Row], None]:
    """Return what writes rows to a stream. What its encoding lacks is written in ASCII."""
    if colour:
        return _coloured(stream)

    def paint(line: Row) -> None:
        stream.write(encodable(plain(line), stream.encoding) + "\n")
        stream.flush()

    return paint


def _coloured(stream: TextIO) -> Callable[[Row], None]:
    from rich.console import Console  # a log needs none
    from rich.text import Text

    console = Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False)

    def paint(line: Row) -> None:
        parts = [(encodable(text, stream.encoding), style) for text, style in line]
        console.print(Text.assemble(*parts, no_wrap=True), soft_wrap=True)

    return paint


def encodable(text: str, encoding: str | None) -> str:
    """Return a text that can be written in an encoding: glyphs in ASCII, the rest escaped."""
    known = encoding or "utf-8"
    try:
        text.encode(known)
    except UnicodeEncodeError:
        text = text.translate(_WIDE_GLYPHS)
        return text.encode(known, "backslashreplace").decode(known)
    return text


def wants_colour(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that shows colour, and the user has not said no to it."""
    dumb = os.environ.get("TERM") == "dumb"
    return stream.isatty() and not os.environ.get("NO_COLOR") and not dumb


def width_of(stream: TextIO) -> int:
    """Return how many columns to fill: a terminal's, within reason, and 80 in a log."""
    if not stream.isatty():
        return PLAIN_WIDTH
    return max(40, min(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, WIDEST))
