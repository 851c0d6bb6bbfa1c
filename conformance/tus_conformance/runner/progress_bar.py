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

MAX_NAMED = 3
"""How many of the scenarios that are running are named."""


class RunningScenarios:
    """The scenarios that are running, in the order in which they began."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}

    def add(self, scenario: str) -> None:
        """Add a scenario."""
        self._ids[scenario] = None

    def remove(self, scenario: str) -> None:
        """Take a scenario away."""
        self._ids.pop(scenario, None)

    def __str__(self) -> str:
        names = list(self._ids)
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        return ", ".join(names[:MAX_NAMED]) + more


class StreamAboveBar(FileProxy):
    """A stream whose lines are printed above the bar, those of another console of rich as well."""

    @property
    def rich_proxied_file(self) -> TextIO:
        """Return this very stream: rich would go past it to the one behind."""
        return cast("TextIO", self)


class ProgressBar:
    """A bar with the numbers and the running scenarios; `live` is entered to show it."""

    def __init__(self, total: int, stream: TextIO) -> None:
        console = Console(file=stream, highlight=False, markup=False, emoji=False, soft_wrap=True)
        self.lines_stream = cast("TextIO", StreamAboveBar(console, stream))
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
        self._running = RunningScenarios()

    def on_scenario_start(self, scenario: str) -> None:
        """Name a scenario as running."""
        self._running.add(scenario)
        self.live.update(self._task, description=str(self._running))

    def on_wait(self, what: str) -> None:
        """Show what the run waits for instead of the running scenarios."""
        self.live.update(self._task, description=what or str(self._running))

    def on_scenario_end(self, scenario: str) -> None:
        """Count a scenario as done."""
        self._running.remove(scenario)
        self.live.update(self._task, advance=1, description=str(self._running))
