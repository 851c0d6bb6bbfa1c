"""A response of tus, whatever sent the request: the status, the headers, or why there is none."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

GONE = frozenset({404, 410})
BUSY = frozenset({409, 423})
"""The answers while the server still holds the request whose connection was cut."""


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
        """Return the value of a header if it is a whole number."""
        value = self.headers.get(name, "")
        return int(value) if value.isascii() and value.isdigit() else None


def encode_metadata(name: str) -> str:
    """Return an Upload-Metadata with a file name."""
    return f"filename {base64.b64encode(name.encode()).decode()}"
