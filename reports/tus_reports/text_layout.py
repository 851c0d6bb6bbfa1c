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

from tus_reports.verdict_style import VERDICT_STYLES

StyledLine = tuple[tuple[str, str], ...]

PLAIN_WIDTH = 80
MAX_WIDTH = 120

_ASCII_GLYPHS = {ord(mark.glyph): mark.plain for mark in VERDICT_STYLES.values()} | {
    ord("─"): "-",
    ord("·"): "-",
    ord("→"): "->",
    ord("…"): "...",
}


def styled_row(text: str = "", style: str = "") -> StyledLine:
    """Return a row of one style."""
    return ((text, style),) if text else ()


def plain_text(line: StyledLine) -> str:
    """Return the text of a row, without trailing space."""
    return "".join(text for text, _ in line).rstrip()


def wrap_text(text: str, width: int) -> list[str]:
    """Break a text at spaces into lines of at most `width` characters, addresses apart."""
    lines: list[str] = []
    current = ""
    for word in _break_long_words(text.split(), width):
        joined = f"{current} {word}" if current else word
        if current and len(joined) > width:
            lines.append(current)
            joined = word
        current = joined
    return [*lines, current] if current or not lines else lines


def _break_long_words(words: list[str], width: int) -> list[str]:
    fitting = []
    for word in words:
        if "://" in word or len(word) <= width:
            fitting.append(word)
        else:
            fitting += re.findall(f".{{1,{max(width, 1)}}}", word)
    return fitting


def indented_lines(text: str, *, width: int, indent: int, style: str = "") -> list[StyledLine]:
    """Return a paragraph as rows, each `indent` characters in."""
    return [styled_row(" " * indent + line, style) for line in wrap_text(text, width - indent)]


def heading_row(title: str, width: int) -> StyledLine:
    """Return a heading that fills the line."""
    before = "── "
    after = " " + "─" * max(width - len(before) - len(title) - 1, 2)
    return ((before, "dim"), (title, "bold"), (after, "dim"))


def line_writer(stream: TextIO, *, colour: bool) -> Callable[[StyledLine], None]:
    """Return a function that writes lines to a stream, in ASCII where its encoding has no more."""
    if colour:
        return _make_coloured_writer(stream)

    def write_line(line: StyledLine) -> None:
        stream.write(encode_for(plain_text(line), stream.encoding) + "\n")
        stream.flush()

    return write_line


def _make_coloured_writer(stream: TextIO) -> Callable[[StyledLine], None]:
    from rich.console import Console  # a log needs none
    from rich.text import Text

    console = Console(file=stream, force_terminal=True, highlight=False, markup=False, emoji=False)

    def write_line(line: StyledLine) -> None:
        parts = [(encode_for(text, stream.encoding), style) for text, style in line]
        console.print(Text.assemble(*parts, no_wrap=True), soft_wrap=True)

    return write_line


def encode_for(text: str, encoding: str | None) -> str:
    """Return a text that can be written in an encoding: glyphs in ASCII, the rest escaped."""
    known = encoding or "utf-8"
    try:
        text.encode(known)
    except UnicodeEncodeError:
        text = text.translate(_ASCII_GLYPHS)
        return text.encode(known, "backslashreplace").decode(known)
    return text


def supports_colour(stream: TextIO) -> bool:
    """Return whether a stream is a terminal with colour that the user has not turned off."""
    dumb = os.environ.get("TERM") == "dumb"
    return stream.isatty() and not os.environ.get("NO_COLOR") and not dumb


def terminal_width(stream: TextIO) -> int:
    """Return how many columns to fill: a terminal's, within reason, and 80 in a log."""
    if not stream.isatty():
        return PLAIN_WIDTH
    return max(40, min(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, MAX_WIDTH))
