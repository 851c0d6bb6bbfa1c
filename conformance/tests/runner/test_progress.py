"""`runner.progress`: shown below the lines on a terminal, absent from a log."""

from __future__ import annotations

import io
import re

import pytest
from memory_run import memory_target, run_suite_in_memory
from minimal_server import MinimalServer
from rich.console import Console

from tus_conformance.evaluation.invariants import invariants
from tus_conformance.runner.progress import NoProgress, show_progress
from tus_conformance.runner.progress_bar import RunningScenarios
from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.transport import Http1Transport


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
    with show_progress(3, log) as (progress, stream):
        assert isinstance(progress, NoProgress)
        assert stream is log
        progress.on_scenario_start("a")
        print("line one", file=stream)
        progress.on_scenario_end("a")
    assert log.getvalue() == "line one\n"


def test_a_dumb_terminal_is_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    terminal = Terminal()
    with show_progress(3, terminal) as (progress, stream):
        assert isinstance(progress, NoProgress)
        assert stream is terminal


@pytest.mark.parametrize("styled", [False, True])
def test_on_a_terminal_the_lines_stand_whole_and_the_bar_goes(
    monkeypatch: pytest.MonkeyPatch, styled: bool
) -> None:
    """Those that another console of rich prints as well, as the terminal view does."""
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with show_progress(2, terminal) as (progress, stream):
        view = Console(file=stream, force_terminal=True, width=70)
        for name in ("first", "second"):
            progress.on_scenario_start(name)
            if styled:
                view.print(f"[green]ok[/green] {name}")
            else:
                print(f"ok {name}", file=stream)
            progress.on_scenario_end(name)
    text = terminal.getvalue()
    assert "0/2" in text
    assert "━━━" in text
    assert screen(text) == ["ok first", "ok second"]


def test_what_is_running_is_named_the_oldest_first() -> None:
    running = RunningScenarios()
    for name in "abcde":
        running.add(name)
    assert str(running) == "a, b, c and 2 more"
    running.remove("b")
    running.remove("a")
    assert str(running) == "c, d, e"
    running.remove("zzz")
    for name in "cde":
        running.remove(name)
    assert str(running) == ""


async def test_every_scenario_begins_and_ends_once() -> None:
    from scripted_server import serve_answers

    from tus_conformance.transport.memory import memory_network
    from tus_scenarios import scenarios

    heard: list[tuple[str, str]] = []

    class Noting:
        def on_scenario_start(self, scenario: str) -> None:
            heard.append(("begins", scenario))

        def on_wait(self, what: str) -> None:
            """Take no notice."""

        def on_scenario_end(self, scenario: str) -> None:
            heard.append(("ends", scenario))

    told = [each for each in scenarios() if each.id.startswith("core.head.upload-offset")]
    async with memory_network(serve_answers(MinimalServer())) as backend:
        run = Run(
            RunPlan(memory_target(), told, jobs=2),
            Http1Transport(backend=backend),
            lambda _: None,
            Noting(),
        )
        await run()
    names = [each.id for each in told]
    assert len(names) >= 3
    expected = [(what, name) for what in ("begins", "ends") for name in names]
    expected += [("ends", invariant.id) for invariant in invariants()]
    assert sorted(heard) == sorted(expected)


async def test_progress_works_without_a_terminal() -> None:
    found = await run_suite_in_memory(MinimalServer(), only=("core.options.answer",))
    assert found.footer.exit_code == 0
