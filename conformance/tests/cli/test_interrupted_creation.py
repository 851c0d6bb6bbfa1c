"""`targets.creation_tracker`: Ctrl-C during a creation removes or lists its upload."""

from __future__ import annotations

from pathlib import Path

import pytest
from interrupting_server import InterruptingServer
from loopback import serve_in_thread
from minimal_server import DISCOVERY_CREATIONS, EVERYTHING, MinimalServer
from scripted_server import serve_answers

from tus_conformance.cli.main import main

COMMANDS = {
    "run": ("run", "--only", "core.head.*", "--target"),
    "explore": ("explore", "--examples", "5", "--seed", "1", "--target"),
    "init": ("init",),
}
MOMENTS = [
    pytest.param("run", 2, id="run, discovery"),
    pytest.param("run", DISCOVERY_CREATIONS + 1, id="run, a scenario"),
    pytest.param("explore", 2, id="explore, discovery"),
    pytest.param("explore", DISCOVERY_CREATIONS + 1, id="explore, a sequence"),
    pytest.param("init", 2, id="init"),
]


def run_interrupted(command: str, server: InterruptingServer, folder: Path) -> str:
    """Run a command that the server interrupts; return the URL of the endpoint."""
    with serve_in_thread(serve_answers(server)) as url, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main([*COMMANDS[command], url]) == 130
    assert server.interrupted
    return url


@pytest.mark.parametrize(("command", "at"), MOMENTS)
def test_the_upload_is_removed(command: str, at: int, tmp_path: Path) -> None:
    server = MinimalServer()
    run_interrupted(command, InterruptingServer(server, at), tmp_path)
    assert server.made >= at
    assert server.uploads == {}


@pytest.mark.parametrize(("command", "at"), MOMENTS)
def test_the_upload_is_listed_if_it_cannot_be_removed(
    command: str, at: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = MinimalServer(able=EVERYTHING - {"termination"})
    url = run_interrupted(command, InterruptingServer(server, at), tmp_path)
    printed = capsys.readouterr()
    text = printed.out + printed.err
    count = len(server.uploads)
    assert f"{count} uploads that the server did not remove:" in text
    if command != "run":  # which lists five, and has the others in its record
        assert [name for name in server.uploads if f"  {url}{name}\n" not in text] == []
    assert "may be left behind" not in text


@pytest.mark.parametrize(("command", "at"), MOMENTS)
def test_a_creation_without_a_response_is_named(
    command: str, at: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = MinimalServer()
    run_interrupted(command, InterruptingServer(server, at, responds=False), tmp_path)
    printed = capsys.readouterr()
    text = " ".join((printed.out + printed.err).split())
    assert "1 upload may be left behind: no response named the created upload in " in text
    assert len(server.uploads) == 1
