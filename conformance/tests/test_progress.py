"""Progress: seen on a terminal below the lines, and in a log not at all."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from running import ran, target
from tiny import Tiny

from tus_conformance.running.bar import Running
from tus_conformance.running.plan import Plan
from tus_conformance.running.progress import Unseen, shown
from tus_conformance.running.run import Run
from tus_conformance.wire import Wire


class Terminal(io.StringIO):
    """A stream that is a terminal, or says so."""

    def isatty(self) -> bool:
        return True

    encoding = "utf-8"


def screen(text: str) -> list[str]:
    """Return the lines that remain on a terminal after a text with its control sequences."""
    lines, at = [""], 0
    for part in re.findall(r"\x1b\[\d*A|\x1b\[2K|\x1b\[[?\d;]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\n":
            at += 1
            lines += [""] * (at + 1 - len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            at -= int(part[2:-1] or 1)
        elif part == "\x1b[2K":
            lines[at] = ""
        elif not part.startswith("\x1b") and part != "\r":
            lines[at] += part
    return [line.rstrip() for line in lines if line.strip()]


def test_in_a_log_there_is_nothing_but_the_lines() -> None:
    log = io.StringIO()
    with shown(3, log) as (progress, stream):
        assert isinstance(progress, Unseen)
        assert stream is log
        progress.begins("a")
        print("line one", file=stream)
        progress.ends("a")
    assert log.getvalue() == "line one\n"


def test_a_dumb_terminal_is_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    with shown(3, terminal) as (progress, stream):
        assert isinstance(progress, Unseen)
        assert stream is terminal


@pytest.mark.parametrize("styled", [False, True])
def test_on_a_terminal_the_lines_stand_whole_and_the_bar_goes(
    monkeypatch: pytest.MonkeyPatch, styled: bool
) -> None:
    """Those that another console of rich prints as well, as the terminal view does."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with shown(2, terminal) as (progress, stream):
        view = Console(file=stream, force_terminal=True, width=70)
        for name in ("first", "second"):
            progress.begins(name)
            if styled:
                view.print(f"[green]ok[/green] {name}")
            else:
                print(f"ok {name}", file=stream)
            progress.ends(name)
    text = terminal.getvalue()
    assert "0/2" in text
    assert "━━━" in text
    assert screen(text) == ["ok first", "ok second"]


def test_what_is_running_is_named_the_oldest_first() -> None:
    running = Running()
    for name in "abcde":
        running.begins(name)
    assert str(running) == "a, b, c and 2 more"
    running.ends("b")
    running.ends("a")
    assert str(running) == "c, d, e"
    running.ends("zzz")
    for name in "cde":
        running.ends(name)
    assert str(running) == ""


async def test_every_scenario_begins_and_ends_once() -> None:
    from in_memory import server

    from tus_conformance.wire.memory import serving
    from tus_scenarios import scenarios

    heard: list[tuple[str, str]] = []

    class Noting:
        def begins(self, scenario: str) -> None:
            heard.append(("begins", scenario))

        def ends(self, scenario: str) -> None:
            heard.append(("ends", scenario))

    told = [each for each in scenarios() if each.id.startswith("core.head.upload-offset")]
    async with serving(server(Tiny())) as backend:
        run = Run(Plan(target(), told, jobs=2), Wire(backend=backend), lambda _: None, Noting())
        await run()
    names = [each.id for each in told]
    assert len(names) >= 3
    assert sorted(heard) == sorted((what, name) for what in ("begins", "ends") for name in names)


async def test_nobody_has_to_watch() -> None:
    found = await ran(Tiny(), only=("core.options.answer",))
    assert found.footer.exit_code == 0
