"""Progress: what is running, how much is done, how long the rest takes, below a terminal's lines.

Where nobody watches there is none, and what is printed is the same as without.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO


class Progress(Protocol):
    """Is told when a scenario begins and when it has ended."""

    def begins(self, scenario: str) -> None:
        """Take notice that a scenario is being told."""
        ...

    def ends(self, scenario: str) -> None:
        """Take notice that it has come out."""
        ...


class Unseen:
    """Progress that nobody watches."""

    def begins(self, scenario: str) -> None:
        """Take no notice."""

    def ends(self, scenario: str) -> None:
        """Take no notice."""


@contextmanager
def shown(total: int, stream: TextIO) -> Iterator[tuple[Progress, TextIO]]:
    """Show progress on a terminal; yield what to tell it, and where to write the lines above it.

    On anything else than a terminal nothing is shown, and the lines go to the stream itself.
    """
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield Unseen(), stream
        return
    from tus_conformance.running.bar import Bar  # a log needs no rich

    bar = Bar(total, stream)
    with bar.live:
        yield bar, bar.above
