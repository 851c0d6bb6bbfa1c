"""A response of tus, whatever sent the request: the status, the headers, or why there is none."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

GONE = frozenset({404, 410})
BUSY = frozenset({409, 423})
"""The answers while the server still holds the request whose connection was cut."""

_MAX_DIGITS = 19
"""The digits of 2^63; Python refuses to convert thousands of them."""


@dataclass(frozen=True)
class Reply:
    """A response: its status, 0 where there was none, and its headers by lower-case names.

    `is_cut`: the client closed the connection itself. `error`: why no response arrived.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False
    error: str = ""

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return 200 <= self.status < 300

    def integer(self, name: str) -> int | None:
        """Return the value of a header if it is a whole number of at most 19 digits."""
        value = self.headers.get(name, "")
        is_number = value.isascii() and value.isdigit() and len(value) <= _MAX_DIGITS
        return int(value) if is_number else None


def encode_metadata(name: str) -> str:
    """Return an Upload-Metadata with a file name."""
    return f"filename {base64.b64encode(name.encode()).decode()}"
