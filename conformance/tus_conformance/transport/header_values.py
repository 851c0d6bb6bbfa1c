"""Header values by meaning: the grammar of each.

Lists may have space around their commas (RFC 9110, section 5.6.1), URLs are resolved against the
request, and dates are IMF-fixdates (RFC 9110, section 5.6.7).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urljoin, urlsplit

MAX_DIGITS = 100
HUGE = 10**MAX_DIGITS

_INTEGER = re.compile(r"[0-9]+")
_IMF_FIXDATE = "%a, %d %b %Y %H:%M:%S GMT"


def header_value(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """Return a header's value, several lines joined by a comma as RFC 9110 5.3 says, or None."""
    lowered = name.lower()
    lines = [value.strip(" \t") for key, value in headers if key.lower() == lowered]
    return ", ".join(lines) if lines else None


def split_list(value: str) -> list[str]:
    """Split a comma-separated list; an empty member stays, since a list may not have one."""
    return [member.strip(" \t") for member in value.split(",")]


def is_integer(value: str) -> bool:
    """Return whether a value is a non-negative integer, digits alone."""
    return _INTEGER.fullmatch(value) is not None


def parse_integer(value: str) -> int:
    """Return the number that digits stand for; one of more than 100 digits counts as 10^100.

    Python refuses to convert thousands of digits, and no upload comes near such a number.
    """
    digits = value.lstrip("0") or "0"
    return int(digits) if len(digits) <= MAX_DIGITS else HUGE


def read_integer(value: str | None) -> int | None:
    """Return the number that a header value stands for, or None where it is missing or none."""
    return None if value is None or not is_integer(value) else parse_integer(value)


def parse_metadata(value: str) -> dict[str, bytes] | None:
    """Return the pairs of an Upload-Metadata, or None where its grammar is broken."""
    pairs: dict[str, bytes] = {}
    for member in split_list(value):
        key, _, encoded = member.partition(" ")
        if not key or key in pairs:
            return None
        try:
            pairs[key] = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            return None
    return pairs


def parse_concat(value: str, base: str) -> tuple[str, ...] | None:
    """Return the form and the resolved URLs of an Upload-Concat, or None for another value."""
    if value == "partial":
        return ("partial",)
    form, semicolon, urls = value.partition(";")
    parts = urls.split()
    if form != "final" or not semicolon or not parts:
        return None
    resolved_parts = [resolve_url(part, base) for part in parts]
    found = tuple(url for url in resolved_parts if url is not None)
    return ("final", *found) if len(found) == len(parts) else None


def resolve_url(reference: str, base: str) -> str | None:
    """Return the URL that a reference means in a response from `base`; None if it is not one."""
    if not reference or re.search(r"[\x00-\x20\x7f]", reference):
        return None
    try:
        url = urljoin(base, reference)
        _ = urlsplit(url).port
    except ValueError:
        return None
    return url


def parse_http_date(value: str) -> datetime | None:
    """Return the moment that an IMF-fixdate names, or None for another form."""
    try:
        found = datetime.strptime(value, _IMF_FIXDATE).replace(tzinfo=UTC)
    except ValueError:
        return None
    # strptime forgives letter case, missing zeros and a wrong weekday; the grammar does not.
    return found if format_datetime(found, usegmt=True) == value else None


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Return the scheme, the host and the port of a URL, the usual port filled in."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", parts.port or usual
