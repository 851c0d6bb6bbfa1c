"""`peers.load_run`: one mix on several servers, a table of them, and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from peers.installation import Installation
from peers.load_run import load_servers, peer_options

BRIEF = ("--users", "3", "--time", "2s", "--no-profile")


def test_the_options_start_the_server_at_its_path() -> None:
    peer = Installation("one", "One", "1.2", "./one {port}", "/up/", Path("profile.toml"))
    options = dict(zip(peer_options(peer)[::2], peer_options(peer)[1::2], strict=True))
    assert options["--server-command"] == "./one {port}"
    assert options["--target"] == "http://127.0.0.1:{port}/up/"
    assert options["--server-version"] == "1.2"


def test_the_table_has_the_servers_that_could_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A server that cannot be had here is named, and the others are loaded."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("TUSD", raising=False)
    table, code = load_servers(["tusd"], tmp_path / "home", tmp_path, BRIEF)
    assert code == 0
    assert "tusd is left out" in capfd.readouterr().err
    assert "reference" in table
    assert (tmp_path / "table.html").exists()
