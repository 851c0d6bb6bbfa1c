"""Upload-Offset, Upload-Length and Upload-Defer-Length: digits and nothing else.

    non-negative-integer = 1*DIGIT

Signs, spaces, exponents and other bases are refused rather than guessed at: an offset
that two parties read differently corrupts an upload.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tus_reference.model.errors import Refused, errors

if TYPE_CHECKING:
    from tus_reference.model.headers import Headers

# Stores, tusd's JSON and most clients keep sizes in a signed 64-bit integer.
MAX_LENGTH: Final = 2**63 - 1

# More digits than any offset has; keeps int() away from megabytes of digits.
_DIGITS = re.compile(r"[0-9]{1,64}")


def parse_integer(text: str) -> int | None:
    """Return the integer that `text` spells, or None if it spells none."""
    return int(text) if _DIGITS.fullmatch(text) else None


def parse_upload_offset(headers: Headers) -> int:
    """Return Upload-Offset in bytes; raise `Refused` (400) if missing or malformed."""
    text = headers.one("Upload-Offset")
    offset = None if text is None else parse_integer(text)
    if offset is None:
        raise Refused(errors.INVALID_OFFSET)
    return offset


def parse_upload_length(headers: Headers) -> int | None:
    """Return Upload-Length in bytes, None if absent; raise `Refused` (400) if malformed."""
    text = headers.one("Upload-Length")
    if text is None:
        return None
    length = parse_integer(text)
    if length is None or length > MAX_LENGTH:
        raise Refused(errors.INVALID_UPLOAD_LENGTH)
    return length


def parse_upload_defer_length(headers: Headers) -> bool:
    """Return whether the length is deferred; raise `Refused` (400) for values other than 1."""
    text = headers.one("Upload-Defer-Length")
    if text is None:
        return False
    if text != "1":
        raise Refused(errors.INVALID_UPLOAD_LENGTH_DEFER)
    return True
