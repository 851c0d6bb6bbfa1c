"""What stands behind a flag: durations, sizes, numbers, modes and lists of names."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

MAX_PORT: Final = 65535
WITH_UPLOADS: Final = "uploads"
"""The value of --monitoring-listen that means the listener of the uploads."""
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_seconds(text: str) -> float:
    """Return a duration in seconds; raise `ArgumentTypeError` for anything else."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    parts = re.findall(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration; write 90, 90s or 1m30s")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def parse_size(text: str) -> int:
    """Return a number of bytes; raise `ArgumentTypeError` for anything else."""
    if not re.fullmatch(r"[0-9]+", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of bytes; write digits only, such as 10485760"
        )
    return int(text)


def parse_number(text: str) -> int:
    """Return a whole number from 0; raise `ArgumentTypeError` for anything else."""
    if not re.fullmatch(r"[0-9]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def parse_count(text: str) -> int:
    """Return a whole number from 1; raise `ArgumentTypeError` for anything else."""
    if not re.fullmatch(r"[0-9]+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def parse_web_url(text: str) -> str:
    """Return an http or https URL; raise `ArgumentTypeError` for anything else."""
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"http", "https"} and bool(parts.hostname)
        parts.port  # noqa: B018 - raises ValueError if it is not a port
    except ValueError:
        is_url = False
    if not is_url:
        raise argparse.ArgumentTypeError(f"{text!r} is not an http or https URL")
    return text


def parse_port(text: str) -> int:
    """Return a port; 0 stands for any free one."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > MAX_PORT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; give a number from 0 to {MAX_PORT}"
        )
    return int(text)


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port of [HOST:]PORT; the host is 127.0.0.1 if none is given."""
    host, _, port = text.rpartition(":")
    return host.removeprefix("[").removesuffix("]") or "127.0.0.1", parse_port(port)


def parse_monitoring(text: str) -> tuple[str, int] | Path | str:
    """Return host and port of [HOST:]PORT, the path of a socket, or `WITH_UPLOADS`."""
    if text == WITH_UPLOADS:
        return text
    return Path(text) if "/" in text else parse_listen(text)


def parse_mode(text: str) -> int:
    """Return the mode of a file."""
    if not re.fullmatch(r"[0-7]{3,4}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an octal mode such as 664")
    return int(text, 8)


def parse_names(text: str) -> tuple[str, ...]:
    """Return what commas separate."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def parse_path(text: str) -> str:
    """Return the path of a URL, or nothing."""
    if text and not re.fullmatch(r"/[^\s?#]*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path such as /metrics")
    return text
