"""The fault plan: what the harness does to a request, its connection and its answer on purpose.

A plan is a list of faults, each one act. An act upon the bytes happens where `at` says, counted
within the head, the body, or what ends a chunked body (its last chunk and the trailers). How a
body is cut into chunks does not count: a position in the body is one of its content.

Positions are written as

    40  "40"            so many bytes
    "-1"                so many bytes before the end
    "50%"               a share, rounded down
    "first" "last"      after the first byte, after the last one
    "last-but-one"      with one byte still to come
    "block" "3block"    so many times 64 KiB, what network buffers and copying loops hold
    "part" "part-1"     so many times 5 MiB, the smallest part an object store takes; one byte less
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

BLOCK_SIZE = 65536
PART_SIZE = 5 * 1024 * 1024
"""The sizes, in bytes, that positions count in."""

_BOUNDARY_PATTERN = re.compile(r"([1-9][0-9]*)?(block|part)([+-][0-9]+)?")
_NAMED_POSITIONS = {"first": "1", "last": "100%", "last-but-one": "-1"}

FAULT_ACTIONS = ("cut", "stall", "throttle", "pieces", "split", "duplicate", "lose")


class PositionError(ValueError):
    """A position is not written as one; the message says how it can be."""


def resolve_position(at: int | str, length: int) -> int:
    """Return where a position lies in so many bytes, never outside; raise PositionError."""
    text = _NAMED_POSITIONS.get(str(at), str(at))
    boundary = _BOUNDARY_PATTERN.fullmatch(text)
    if boundary is not None:
        size = BLOCK_SIZE if boundary[2] == "block" else PART_SIZE
        found = int(boundary[1] or 1) * size + int(boundary[3] or 0)
    elif re.fullmatch(r"[0-9]+%", text):
        found = length * int(text[:-1]) // 100
    elif re.fullmatch(r"-?[0-9]+", text):
        found = int(text) if text[0] != "-" else length + int(text)
    else:
        raise PositionError(
            f'{text!r} is not a position: write 40, "-1", "50%", "first", "last", "last-but-one",'
            ' "block" or "part".'
        )
    return min(max(found, 0), length)


class Cut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Break the connection at a position of the body: a request's plan of this one fault."""

    after: int | str
    by: Literal["fin", "rst"] = "fin"


class NetworkFault(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """One act of a fault plan: exactly one of `FAULT_ACTIONS`.

    `cut` ends the connection, by "fin" or "rst", or with "half" our direction alone, so that the
    answer can still come. `stall` waits so many seconds; with `until` it waits for the answer to
    the step of that name, and goes on after `stall` seconds at the latest. From `at` onwards
    `throttle` sends so many bytes a second, and `pieces` at most so many with each write. `split`
    ends one write at `at` and begins another. `duplicate` sends the whole request twice at once,
    over two connections. `lose` sends all of it, waits for the answer to begin and drops it unread.
    """

    at: int | str = 0
    inside: Literal["head", "body", "end"] = "body"
    cut: Literal["fin", "rst", "half"] | None = None
    stall: float | None = None
    until: str = ""
    throttle: int | None = None
    pieces: int | None = None
    split: Literal[True] | None = None
    duplicate: Literal[True] | None = None
    lose: Literal["reply"] | None = None

    def __post_init__(self) -> None:
        actions = [act for act in FAULT_ACTIONS if getattr(self, act) is not None]
        if len(actions) != 1:
            found = " and ".join(actions) or "none"
            raise ValueError(
                f"A fault needs exactly one action of {', '.join(FAULT_ACTIONS)}; it has {found}."
            )
        if self.until and self.stall is None:
            raise ValueError("`until` needs a `stall`, which limits the wait in seconds.")
        for name in ("throttle", "pieces"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be a number of bytes, at least 1.")
        if self.stall is not None and self.stall < 0:
            raise ValueError("`stall` must be a number of seconds, at least 0.")

    @property
    def action(self) -> str:
        """Return the name of the fault's act."""
        return next(act for act in FAULT_ACTIONS if getattr(self, act) is not None)


def describe_fault(fault: NetworkFault) -> str:
    """Return a fault as words that follow those of its request."""
    place = f"{describe_position(fault.at)} of {_PART_NAMES[fault.inside]}"
    wait = f"{fault.stall:g} seconds" if fault.stall is not None else ""
    if fault.until:
        return f"stalled after {place} until {fault.until!r} has its response, for at most {wait}"
    return {
        "cut": f"the connection {_BREAK_NAMES.get(fault.cut or '')} after {place}",
        "stall": f"stalled for {wait} after {place}",
        "throttle": f"at {fault.throttle} bytes per second after {place}",
        "pieces": f"in writes of {_bytes(fault.pieces or 0)} after {place}",
        "split": f"in writes split after {place}",
        "duplicate": "twice at once",
        "lose": "its response lost",
    }[fault.action]


_PART_NAMES = {"head": "the head", "body": "the body", "end": "the body's end"}
_BREAK_NAMES = {
    "fin": "closed",
    "rst": "reset",
    "half": "half-closed, so that the response can arrive,",
}


def describe_position(at: int | str) -> str:
    """Return a position in words."""
    text = str(at)
    if re.fullmatch(r"[0-9]+", text):
        return _bytes(int(text))
    if re.fullmatch(r"-[0-9]+", text):
        return f"all but {_bytes(int(text[1:]))}"
    return _POSITION_NAMES.get(text, text)


_POSITION_NAMES = {
    "first": "the first byte",
    "last": "the last byte",
    "last-but-one": "all but the last byte",
}


def _bytes(number: int) -> str:
    return f"{number} byte" if number == 1 else f"{number} bytes"
