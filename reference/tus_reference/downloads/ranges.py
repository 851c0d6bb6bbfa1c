"""Conditional and partial downloads (RFC 9110, 13 and 14): which bytes a request selects.

A complete upload never changes, so its id is a strong validator, and so is the time of its
last byte. Entity tags win over dates. One range is served; several, or one that is malformed,
are answered with everything, as the RFC allows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from tus_reference.model import Refused, errors
from tus_reference.protocol import http_date

if TYPE_CHECKING:
    from tus_reference.model import FileInfo, Headers

_RANGE = re.compile(r"bytes=[ \t]*([0-9]*)-([0-9]*)[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DownloadSelection:
    """The answer to a GET: its status and headers, and the bytes from `start` on."""

    status: int
    headers: tuple[tuple[str, str], ...]
    start: int = 0
    length: int = 0


def select_bytes(info: FileInfo, headers: Headers) -> DownloadSelection:
    """Return what a GET selects; raise `Refused` (412, 416) if that does not exist."""
    etag, size = f'"{info.id}"', info.offset
    modified = None if info.modified is None else int(info.modified)
    validators: tuple[tuple[str, str], ...] = (("ETag", etag), ("Accept-Ranges", "bytes"))
    if modified is not None:
        validators = (*validators, ("Last-Modified", http_date(modified)))
    if not _preconditions_hold(headers, etag, modified):
        raise Refused(errors.PRECONDITION_FAILED)
    if _is_not_modified(headers, etag, modified):
        return DownloadSelection(304, validators)
    byte_range = (
        _parse_range(headers.joined("Range"), size) if _range_applies(headers, validators) else None
    )
    if byte_range is None:
        return DownloadSelection(200, validators, 0, size)
    start, end = byte_range
    if start >= end:
        raise Refused(errors.RANGE_NOT_SATISFIABLE, headers=(("Content-Range", f"bytes */{size}"),))
    content_range = ("Content-Range", f"bytes {start}-{end - 1}/{size}")
    return DownloadSelection(206, (*validators, content_range), start, end - start)


def _lists_etag(field: str | None, etag: str, *, weak: bool) -> bool:
    """Return whether a list of entity tags has this one, or is "*" for any."""
    tags = [tag.strip(" \t") for tag in (field or "").split(",")]
    return etag in tags or "*" in tags or (weak and f"W/{etag}" in tags)


def _preconditions_hold(headers: Headers, etag: str, modified: int | None) -> bool:
    """Return whether this is an upload that the client is ready to get (RFC 9110, 13.2.2)."""
    if "If-Match" in headers:
        return _lists_etag(headers.joined("If-Match"), etag, weak=False)
    since = _parse_http_date(headers.joined("If-Unmodified-Since"))
    return since is None or modified is None or modified <= since


def _is_not_modified(headers: Headers, etag: str, modified: int | None) -> bool:
    """Return whether the client has the upload already."""
    if "If-None-Match" in headers:
        return _lists_etag(headers.joined("If-None-Match"), etag, weak=True)
    since = _parse_http_date(headers.joined("If-Modified-Since"))
    return since is not None and modified is not None and modified <= since


def _range_applies(headers: Headers, validators: tuple[tuple[str, str], ...]) -> bool:
    """Return whether what the client has a part of is this very upload (RFC 9110, 13.1.5)."""
    wanted = headers.joined("If-Range")
    return wanted is None or wanted in {
        v for name, v in validators if name in {"ETag", "Last-Modified"}
    }


def _parse_http_date(field: str | None) -> float | None:
    """Return a date in seconds since the epoch, or None for anything but a date in GMT."""
    if field is None or not field.endswith(" GMT"):
        return None
    try:
        return parsedate_to_datetime(field).timestamp()
    except (ValueError, OverflowError):
        return None  # a year that no calendar here has, perhaps


# More digits than any size has: what they spell is behind the end of every upload.
_MAX_DIGITS = 19


def _parse_position(digits: str) -> int:
    """Return a position in bytes; one of too many digits as a number behind every end."""
    known = digits.lstrip("0")
    return int(known or "0") if len(known) <= _MAX_DIGITS else 10**_MAX_DIGITS


def _parse_range(field: str | None, size: int) -> tuple[int, int] | None:
    """Return the first byte and the one behind the last; None if there is no single range."""
    match = _RANGE.fullmatch(field or "")
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        return max(size - _parse_position(match[2]), 0), size
    first = _parse_position(match[1])
    last = _parse_position(match[2]) if match[2] else size - 1
    return None if match[2] and last < first else (first, min(last + 1, size))
