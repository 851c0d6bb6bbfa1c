"""`clients.client_program`: the command of a client, what it prints, and how it is stopped."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tus_conformance.clients.client_program import (
    ClientCommand,
    ClientCommandError,
    parse_command,
    read_report,
    run_client,
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("code", "output", "said", "url"),
    [
        (0, "url http://a\ndone http://b\n", "done", "http://b"),
        (0, "url http://a\ndone\n", "done", "http://a"),
        (1, "url http://a\nerror it broke\n", "error", "http://a"),
        (1, "error first\ndone http://b\n", "done", "http://b"),
        (1, "done http://b\nerror later\n", "error", "http://b"),
        (0, "all is done\nno error\n", "nothing", ""),
        (0, "", "nothing", ""),
        (None, "url http://a\n", "nothing", "http://a"),
    ],
)
def test_a_report_is_the_last_line_that_says_something(
    code: int | None, output: str, said: str, url: str
) -> None:
    report = read_report(code, output, "", 1.0)
    assert (report.said, report.url) == (said, url)


def test_a_program_that_says_nothing_is_quoted() -> None:
    failed = "Traceback:\n  in upload\nKeyError: 'location'\n"
    crashed = read_report(1, "url http://a\n", failed, 1.0)
    assert crashed.last_output == "Its last output was \"KeyError: 'location'\"."
    assert read_report(0, "", "", 1.0).last_output == ""
    assert read_report(0, "url http://a\n", "", 1.0).last_output == ""
    assert read_report(1, "error no\n", failed, 1.0).last_output == ""


@pytest.mark.parametrize("code", [64, 127])
def test_two_exit_codes_say_that_a_client_cannot(code: int) -> None:
    assert read_report(code, "", "", 1.0).cannot


def test_a_command_is_filled_in_word_by_word() -> None:
    command = parse_command("drive --to={endpoint} {file} {options} -v")
    words = command.arguments("http://e", Path("/f"), ["--chunk", "1 0"])
    assert words == ["drive", "--to=http://e", "/f", "--chunk", "1 0", "-v"]
    assert command.takes_options
    assert not parse_command("drive {endpoint} {file}").takes_options


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "empty"),
        ("drive {endpoint}", "lacks {file}"),
        ("drive {file}", "lacks {endpoint}"),
        ("drive '{endpoint}", "cannot be read"),
        ("drive {endpoint} {file} x{options}", "a word of its own"),
    ],
)
def test_a_command_that_cannot_work_is_refused(text: str, wrong: str) -> None:
    with pytest.raises(ClientCommandError, match=wrong):
        parse_command(text)


async def test_a_program_is_run_to_its_end(tmp_path: Path) -> None:
    code = "import os; print('done', os.environ['WHERE']); raise SystemExit(3)"
    command = ClientCommand((sys.executable,), {"WHERE": "http://u"})
    report = await run_client(command, [sys.executable, "-c", code], tmp_path, lambda: False)
    assert (report.exit_code, report.said, report.url) == (3, "done", "http://u")


async def test_a_program_whose_time_is_over_is_stopped(tmp_path: Path) -> None:
    code = "import time; print('url http://u', flush=True); time.sleep(100)"
    output = tmp_path / "output"
    command = ClientCommand((sys.executable,), {})
    report = await run_client(
        command,
        [sys.executable, "-c", code],
        tmp_path,
        lambda: output.exists() and output.stat().st_size > 0,
    )
    assert report.stopped
    assert report.url == "http://u"


async def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    command = ClientCommand(("no-such-program",), {})
    with pytest.raises(ClientCommandError, match="no-such-program cannot be started"):
        await run_client(command, ["no-such-program"], tmp_path, lambda: False)
