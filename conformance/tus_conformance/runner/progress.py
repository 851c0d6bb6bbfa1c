"""Progress: what is running, how much is done, how long the rest takes, below a terminal's lines.

Where nobody watches there is none, and what is printed is the same as without.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO


class Progress(Protocol):
    """Receives the beginning and the end of each scenario."""

    def on_scenario_start(self, scenario: str) -> None:
        """Note that a scenario has begun."""
        ...

    def on_scenario_end(self, scenario: str) -> None:
        """Take notice that it has come out."""
        ...

    def on_wait(self, what: str) -> None:
        """Show what the run waits for, or nothing any more."""
        ...


class NoProgress:
    """Progress that nobody watches."""

    def on_scenario_start(self, scenario: str) -> None:
        """Take no notice."""

    def on_scenario_end(self, scenario: str) -> None:
        """Take no notice."""

    def on_wait(self, what: str) -> None:
        """Take no notice."""


@contextmanager
def show_progress(total: int, stream: TextIO) -> Iterator[tuple[Progress, TextIO]]:
    """Show progress on a terminal; yield the progress, and the stream for the lines above it.

    On anything else than a terminal nothing is shown, and the lines go to the stream itself.
    """
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield NoProgress(), stream
        return
    from tus_conformance.runner.progress_bar import ProgressBar  # a log needs no rich

    progress_bar = ProgressBar(total, stream)
    with progress_bar.live:
        yield progress_bar, progress_bar.lines_stream
