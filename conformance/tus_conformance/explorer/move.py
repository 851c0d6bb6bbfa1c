"""Moves: what hypothesis draws. The model decides what a move becomes in a sequence."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from string import Template
from typing import NamedTuple

import msgspec

from tus_conformance.explorer.model import ModelState
from tus_scenarios import Step


class Move(NamedTuple):
    """A move of a kind; `who`, `size` and `shape` choose among what is possible there and then."""

    kind: str
    who: int = 0
    size: int = 0
    shape: int = 0


BuildSteps = Callable[[ModelState, Move], tuple[Step, ...]]


@dataclass(frozen=True)
class MoveKind:
    """A kind of move; `build_steps` returns the steps of a move, none where it is not possible.

    The server has to have what it `needs`. A kind that is `plain` is one that clients cannot do
    without.
    """

    name: str
    build_steps: BuildSteps
    needs: tuple[str, ...] = ()
    plain: bool = False


class MoveRegistry:
    """Kinds of moves, each a function that registers itself."""

    def __init__(self) -> None:
        self.kinds: dict[str, MoveKind] = {}

    def __call__(
        self, name: str, *needs: str, plain: bool = False
    ) -> Callable[[BuildSteps], BuildSteps]:
        """Return a decorator that makes a function the play of a kind."""

        def register(build_steps: BuildSteps) -> BuildSteps:
            self.kinds[name] = MoveKind(name, build_steps, needs, plain)
            return build_steps

        return register


@lru_cache(maxsize=4096)
def steps(text: str, **values: str | int) -> tuple[Step, ...]:
    """Return the steps of a text in the language of scenarios; `$name` stands for a value."""
    # An inline table of TOML stands on one line.
    filled = " ".join(line.strip() for line in Template(text).substitute(values).splitlines())
    return msgspec.convert(tomllib.loads(f"step = [{filled}]")["step"], tuple[Step, ...])
