"""Values of options that the command line and the pytest plugin accept, from text."""

from __future__ import annotations

import secrets
from argparse import ArgumentTypeError

from tus_conformance.targets.profile import origin_error

MAX_SECONDS = 86400
"""The upper bound of an option in seconds: a day."""


def random_seed() -> int:
    """Return a random seed, from 0 to 2**31 - 1."""
    return secrets.randbelow(2**31)


def parse_header(text: str) -> tuple[str, str]:
    """Return the name and the value of a header written as 'Name: value'.

    Raises ArgumentTypeError for anything else.
    """
    name, colon, value = text.partition(":")
    token = name.strip()
    if not colon or not token or any(character.isspace() for character in token):
        raise ArgumentTypeError(f"{text!r} is not a header; write it as 'Name: value'")
    if any(character in value for character in "\r\n\0"):
        raise ArgumentTypeError(f"the value of {token} contains a line break; remove it")
    return token, value.strip()


def parse_origin(text: str) -> str:
    """Return an origin such as https://uploads.example.com; raise ArgumentTypeError otherwise."""
    if wrong := origin_error(text):
        raise ArgumentTypeError(wrong)
    return text


def parse_seconds(text: str) -> float:
    """Return a number of seconds above 0 and below a day; raise ArgumentTypeError otherwise."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < MAX_SECONDS:
        raise ArgumentTypeError(f"must be a number of seconds above 0, got {text!r}")
    return seconds


def parse_integer(text: str, lowest: int, highest: int) -> int:
    """Return a whole number in a range; raise ArgumentTypeError otherwise."""
    if not text.isdecimal() or not lowest <= int(text) <= highest:
        raise ArgumentTypeError(f"must be a whole number from {lowest} to {highest}, got {text!r}")
    return int(text)
