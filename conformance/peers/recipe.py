"""A recipe: how a third-party server is installed and started. `README.md` explains the keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

PEERS = Path(__file__).parent
RECIPE = "recipe.toml"


class RecipeError(ValueError):
    """A recipe, or the name of one, is wrong; the message says what to do."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """How a server is installed and started; texts may have `{folder}` and the like in them.

    Either `start` or `cannot_start` is given. Commands are words; `start` is one line, because the
    suite splits it.
    """

    version: str
    title: str = ""
    start: str = ""
    cannot_start: str = ""
    path: str = "/files/"
    python: str | None = None
    needs: tuple[str, ...] = ()
    install: tuple[tuple[str, ...], ...] = ()
    environment: dict[str, str] = {}
    program: str = ""
    program_variable: str = ""
    version_arguments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.start) == bool(self.cannot_start):
            raise ValueError("give either `start` or `cannot-start`")
        if self.start and "{port}" not in self.start:
            raise ValueError("`start` must have `{port}` in it")


def peer_names(folder: Path = PEERS) -> list[str]:
    """Return the servers that have a recipe, sorted."""
    return sorted(path.parent.name for path in folder.glob(f"*/{RECIPE}"))


def choose_peers(names: list[str], folder: Path = PEERS) -> list[str]:
    """Return the named servers, or all without a name; raise `RecipeError` for an unknown name."""
    known = peer_names(folder)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise RecipeError(f"{unknown[0]!r} has no recipe: name one of {', '.join(known)}.")
    return names or known


def read_recipe(name: str, folder: Path = PEERS) -> Recipe:
    """Return the recipe of a server; raise `RecipeError` for one that is wrong."""
    path = folder / name / RECIPE
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Recipe)
    except msgspec.MsgspecError as error:
        raise RecipeError(f"{path}: {error}.") from None


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Fill in values; `{port}` stays, because the suite chooses the port."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def find_version(text: str) -> str:
    """Return the first version number in what a program prints, or "unknown"."""
    found = re.search(r"\d+\.\d+\.\d+", text)
    return found[0] if found else "unknown"
