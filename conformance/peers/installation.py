"""A third-party server on this machine: what its recipe installs, and how it is started."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from peers.recipe import PEERS, Recipe, fill_in, find_version, read_recipe

STAMP = "installed"
"""The file that is written last; it has the digest of all that decides what is installed."""

_LOG_LINES = 5


class MissingError(Exception):
    """A server cannot be had here; the message is the reason, as part of a sentence."""


@dataclass(frozen=True)
class Installation:
    """An installed server: its name, what reports call it, its version, and how it is started.

    `start` has `{port}` in it; `path` is that of the creation URL.
    """

    name: str
    title: str
    version: str
    start: str
    path: str
    profile: Path


def install_peer(name: str, home: Path, peers: Path = PEERS) -> Installation:
    """Install a server in a folder of `home`, unless it is there already.

    The folder's path stays as given in the command that starts the server: a record has that
    command, and a relative path says nothing about the machine. Raises `MissingError`.
    """
    recipe = read_recipe(name, peers)
    interpreter = find_interpreter(recipe.python)
    if reason := missing_requirement(recipe, interpreter):
        raise MissingError(reason)
    folder = home / name
    absolute = folder.resolve()
    given = os.environ.get(recipe.program_variable, "")
    values = {
        "interpreter": str(interpreter),
        "suite": sys.executable,
        "python": f"{absolute}/venv/bin/python",
        "folder": str(absolute),
    }
    if not given:
        _install_once(recipe, peers / name, absolute, values)
    remove_uploads(folder)
    values |= {"folder": str(folder), "python": f"{folder}/venv/bin/python", "suite": "python"}
    values["program"] = given or fill_in(recipe.program, values)
    return Installation(
        name=name,
        title=recipe.title or name,
        version=_program_version(given, recipe) if given else recipe.version,
        start=fill_in(" ".join(recipe.start.split()), values),
        path=recipe.path,
        profile=peers / name / "profile.toml",
    )


def missing_requirement(recipe: Recipe, interpreter: str | None) -> str:
    """Return why a server cannot be had on this machine, or "" if nothing is missing."""
    if recipe.cannot_start:
        return recipe.cannot_start
    if interpreter is None:
        return f"Python {recipe.python} is not installed"
    missing = [program for program in recipe.needs if shutil.which(program) is None]
    return f"{' and '.join(missing)} not installed" if missing else ""


def find_interpreter(version: str | None) -> str | None:
    """Return a Python of a version, such as "3.12", or this one if any will do."""
    if version is None or sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    found = shutil.which(f"python{version}")
    return found if found is not None and _is_working(found) else None


def _is_working(interpreter: str) -> bool:
    """Return whether an interpreter runs; shims of version managers can be names only."""
    return subprocess.run([interpreter, "-c", ""], capture_output=True, check=False).returncode == 0


def recipe_digest(source: Path, values: Mapping[str, str]) -> str:
    """Return a digest of a recipe's files and of where it is installed."""
    digest = hashlib.sha256(repr(sorted(values.items())).encode())
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        if path.name != "profile.toml":
            digest.update(str(path.relative_to(source)).encode() + path.read_bytes())
    return digest.hexdigest()


def _install_once(recipe: Recipe, source: Path, folder: Path, values: Mapping[str, str]) -> None:
    stamp, digest = folder / STAMP, recipe_digest(source, values)
    if stamp.exists() and stamp.read_text("utf-8") == digest:
        return
    stamp.unlink(missing_ok=True)
    shutil.copytree(source, folder, dirs_exist_ok=True)
    run_install_commands(recipe, folder, values)
    stamp.write_text(digest, "utf-8")


def run_install_commands(recipe: Recipe, folder: Path, values: Mapping[str, str]) -> None:
    """Run the commands of a recipe, their output in `install.log`; raise `MissingError`."""
    variables = {key: fill_in(text, values) for key, text in recipe.environment.items()}
    log = folder / "install.log"
    with log.open("wb") as output:
        for command in recipe.install:
            words = [fill_in(word, values) for word in command]
            try:
                completed = subprocess.run(
                    words,
                    env={**os.environ, **variables},
                    cwd=folder,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    check=False,
                )
            except OSError as error:
                raise MissingError(f"{words[0]} cannot be started: {error.strerror}") from None
            if completed.returncode:
                lines = log.read_text("utf-8", "replace").strip().splitlines()[-_LOG_LINES:]
                raise MissingError(f"{words[0]} could not install it: {' | '.join(lines)}")


def remove_uploads(folder: Path) -> None:
    """Remove what an earlier run has uploaded."""
    shutil.rmtree(folder / "uploads", ignore_errors=True)
    (folder / "uploads").mkdir(parents=True)


def _program_version(program: str, recipe: Recipe) -> str:
    """Return the version that a program prints which a variable names."""
    command = [program, *recipe.version_arguments]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MissingError(f"{program} cannot be started: {error.strerror}") from None
    return find_version(completed.stdout + completed.stderr)
