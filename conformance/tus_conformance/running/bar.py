"""The bar that shows progress below the lines of a run; only a terminal needs this module."""

from __future__ import annotations

from typing import TextIO, cast

from rich.console import Console
from rich.file_proxy import FileProxy
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

SHOWN = 3
"""How many of the scenarios that are running are named."""


class Running:
    """The scenarios that are running, in the order in which they began."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def begins(self, scenario: str) -> None:
        """Add a scenario."""
        self._names[scenario] = None

    def ends(self, scenario: str) -> None:
        """Take a scenario away."""
        self._names.pop(scenario, None)

    def __str__(self) -> str:
        names = list(self._names)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return ", ".join(names[:SHOWN]) + more


class Above(FileProxy):
    """A stream whose lines are printed above the bar, those of another console of rich as well."""

    @property
    def rich_proxied_file(self) -> TextIO:
        """Return this very stream: rich would go past it to the one behind."""
        return cast("TextIO", self)


class Bar:
    """A bar with the numbers and the running scenarios; `live` is entered to show it."""

    def __init__(self, total: int, stream: TextIO) -> None:
        console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self.above = cast("TextIO", Above(console, stream))
        self.live = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            console=console,
            expand=True,
            transient=True,
            redirect_stdout=False,
        )
        self._task = self.live.add_task("", total=total)
        self._running = Running()

    def begins(self, scenario: str) -> None:
        """Name a scenario as running."""
        self._running.begins(scenario)
        self.live.update(self._task, description=str(self._running))

    def ends(self, scenario: str) -> None:
        """Count a scenario as done."""
        self._running.ends(scenario)
        self.live.update(self._task, advance=1, description=str(self._running))
