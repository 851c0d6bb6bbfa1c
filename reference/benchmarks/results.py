"""What a run of the benchmarks found: printed, and written as a table and a plot for publication.

Both say on what machine, and how busy it was: figures of a loaded machine are worth no more than
their ratios within the run.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BUSY = 0.1
"""The share of the processors in use before the run from which on the machine counts as loaded."""


@dataclass(frozen=True)
class Bar:
    """One bar of a plot: the median of `values`, with their least and most."""

    group: str
    label: str
    values: Sequence[float]


@dataclass
class Results:
    """What one kind of run found; `unit` is that of the bars, `commands` are by row."""

    name: str
    title: str
    unit: str
    commands: dict[str, str]
    table: list[str]
    bars: list[Bar]
    missing: list[str] = field(default_factory=list)
    busy: float = 0.0
    """The share of the processors that others used before the run, from 0 to 1."""

    def lines(self) -> list[str]:
        """Return all of it in Markdown."""
        found = [f"# {self.title}", "", _describe_machine(self.busy), "", *self.table, ""]
        found += [f"- {each}" for each in self.missing]
        found += ["", "| row | command |", "|---|---|"]
        found += [f"| {name} | `{command}` |" for name, command in self.commands.items()]
        return found


def measure_busy(seconds: float = 2.0) -> float:
    """Return the share of the processors that is in use for so many seconds, from 0 to 1."""
    total_before, idle_before = _read_processor_times()
    time.sleep(seconds)
    total, idle = _read_processor_times()
    return 1 - (idle - idle_before) / max(total - total_before, 1)


def _read_processor_times() -> tuple[int, int]:
    """Return the ticks of all processors since the start, and those without work."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    ticks = [int(each) for each in fields]
    return sum(ticks[:8]), ticks[3] + ticks[4]


def _describe_machine(busy: float) -> str:
    count = os.cpu_count() or 1
    warning = "The machine was loaded: only ratios count. " if busy > BUSY else ""
    today = datetime.now(UTC).date().isoformat()
    return (
        f"{warning}{today}, {platform.system()} {platform.release()}, {count} processors, "
        f"{busy:.0%} in use before the run, Python {platform.python_version()}. Medians and "
        "spread; every byte was compared."
    )


def write_results(results: Results, folder: Path) -> None:
    """Write the table, and the plot if matplotlib is installed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{results.name}.md").write_text("\n".join((*results.lines(), "")))
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        print("matplotlib is missing: install it to draw the plot.", file=sys.stderr)
        return
    mpl.use("Agg")
    draw(results, folder / f"{results.name}.png")


def draw(results: Results, path: Path) -> None:
    """Draw the bars, a panel for each group, with their spread."""
    from matplotlib import pyplot

    groups = list(dict.fromkeys(bar.group for bar in results.bars))
    height = 1 + 0.45 * len(results.bars)
    figure, panels = pyplot.subplots(len(groups), 1, figsize=(9, height), squeeze=False)
    for panel, group in zip(panels[:, 0], groups, strict=True):
        bars = [bar for bar in results.bars if bar.group == group][::-1]
        medians = [statistics.median(bar.values) for bar in bars]
        below = [middle - min(bar.values) for middle, bar in zip(medians, bars, strict=True)]
        above = [max(bar.values) - middle for middle, bar in zip(medians, bars, strict=True)]
        labels = [bar.label for bar in bars]
        panel.barh(labels, medians, xerr=[below, above], capsize=3, color="#4878a8")
        panel.set_title(group, loc="left")
        panel.set_xlabel(results.unit)
    figure.suptitle(results.title)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
