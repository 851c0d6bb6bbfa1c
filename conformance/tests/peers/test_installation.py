"""`peers.installation`: a server is installed once, and what is missing is named."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from peers.installation import MissingError, find_interpreter, install_peer

RECIPE = """
version = "1.2.3"
title = "A server"
path = "/uploads/"
install = [["sh", "-c", "echo installed >> times; echo {folder} > where"]]
start = "{python} {folder}/app.py {port}   {folder}/uploads"
"""


def write_recipe(peers: Path, text: str) -> None:
    folder = peers / "one"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(text, "utf-8")


def test_the_start_command_has_the_path_of_the_folder_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is in the record, and says nothing of the machine; the commands that install do
    not depend on the current folder.
    """
    monkeypatch.chdir(tmp_path)
    write_recipe(Path("peers"), RECIPE)
    peer = install_peer("one", Path("home"), Path("peers"))
    assert peer.start == "home/one/venv/bin/python home/one/app.py {port} home/one/uploads"
    assert (peer.title, peer.version, peer.path) == ("A server", "1.2.3", "/uploads/")
    assert Path("home/one/where").read_text("utf-8").strip() == str(tmp_path / "home/one")
    assert list(Path("home/one/uploads").iterdir()) == []


def test_a_server_is_installed_again_only_if_its_files_changed(tmp_path: Path) -> None:
    peers, home = tmp_path / "peers", tmp_path / "home"
    write_recipe(peers, RECIPE)
    times = home / "one/times"
    for _ in range(2):
        install_peer("one", home, peers)
        (home / "one/uploads/left").touch()
    assert times.read_text("utf-8").splitlines() == ["installed"]
    (peers / "one/profile.toml").write_text("timeout = 1.0", "utf-8")
    install_peer("one", home, peers)
    assert times.read_text("utf-8").splitlines() == ["installed"]
    (peers / "one/app.py").write_text("changed", "utf-8")
    install_peer("one", home, peers)
    assert times.read_text("utf-8").splitlines() == ["installed"] * 2
    assert list((home / "one/uploads").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('version = "1"\ncannot-start = "it wants a licence"', "it wants a licence"),
        ('version = "1"\nstart = "x {port}"\npython = "3.99"', "Python 3.99 is not installed"),
        ('version = "1"\nstart = "x {port}"\nneeds = ["no-such-one", "sh"]', "no-such-one not"),
        (
            'version = "1"\nstart = "x {port}"\ninstall = [["sh", "-c", "echo broken; exit 1"]]',
            "sh could not install it: broken",
        ),
        ('version = "1"\nstart = "x {port}"\ninstall = [["no-such-one"]]', "cannot be started"),
    ],
)
def test_a_server_that_cannot_be_had_is_left_out_with_the_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    """After a failed installation the next one tries again."""
    write_recipe(tmp_path / "peers", text)
    for _ in range(2):
        with pytest.raises(MissingError, match=said):
            install_peer("one", tmp_path / "home", tmp_path / "peers")


def test_a_program_that_a_variable_names_is_used_and_asked_for_its_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = shutil.which("echo")
    monkeypatch.setenv("ONE", str(program))
    write_recipe(
        tmp_path / "peers",
        'version = "1.0.0"\nprogram = "{folder}/one"\nprogram-variable = "ONE"\n'
        'version-arguments = ["v3.2.1"]\ninstall = [["false"]]\nstart = "{program} {port}"',
    )
    peer = install_peer("one", tmp_path / "home", tmp_path / "peers")
    assert (peer.start, peer.version) == (f"{program} {{port}}", "3.2.1")


def test_any_python_will_do_without_a_version() -> None:
    this = ".".join(map(str, sys.version_info[:2]))
    assert find_interpreter(None) == find_interpreter(this) == sys.executable
