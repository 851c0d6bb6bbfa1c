"""Whether a header value is what a matcher of an expectation asks for.

Directives compare without letter case, lists and URLs by meaning, and everything else byte for
byte.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from tus_conformance.transport.header_values import (
    is_integer,
    origin_of,
    parse_concat,
    parse_http_date,
    parse_integer,
    parse_metadata,
    resolve_url,
    split_list,
)
from tus_scenarios import HeaderMatcher

_VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ALGORITHM = re.compile(r"[!-+\--@\[-~]+")  # printable ASCII but space, comma and A-Z
_NON_EMPTY = re.compile(r".+", re.DOTALL)
_OBSOLETE_DATES = ("%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")


def matches(matcher: HeaderMatcher, value: str, *, base: str) -> bool:
    """Return whether a value is what a matcher asks for; `base` is the URL of the request."""
    return all(predicate(value, base) for predicate in _predicates(matcher))


def _predicates(matcher: HeaderMatcher) -> Iterator[Callable[[str, str], bool]]:
    """Yield the questions of a matcher, each to be asked of a value and the request's URL."""
    m = matcher
    if m.equals is not None:
        yield lambda value, _: value == m.equals
    if m.differs is not None:
        yield lambda value, _: value != m.differs
    if m.form is not None:
        yield lambda value, base: _has_form(m.form or "", value, base)
    yield from _list_predicates(m)
    if m.metadata is not None:
        yield lambda value, _: parse_metadata(value) == parse_metadata(m.metadata or "") is not None
    if m.concat is not None:
        yield (
            lambda value, base: (
                parse_concat(value, base) == parse_concat(m.concat or "", base) is not None
            )
        )
    if m.least is not None or m.most is not None:
        yield lambda value, _: is_integer(value) and _within(parse_integer(value), m.least, m.most)


def _list_predicates(m: HeaderMatcher) -> Iterator[Callable[[str, str], bool]]:
    if m.lists is not None:
        yield lambda value, _: m.lists in split_list(value)
    if m.includes is not None:
        yield lambda value, _: _includes(value, m.includes or "")
    if m.excludes is not None:
        yield lambda value, _: not _includes(value, m.excludes or "")
    if m.among is not None:
        yield lambda value, _: set(split_list(value)) <= set(split_list(m.among or ""))
    if m.members is not None:
        yield lambda value, _: sorted(split_list(value)) == sorted(split_list(m.members or ""))


def _has_form(form: str, value: str, base: str) -> bool:
    if form == "same-origin":
        url = resolve_url(value, base)
        return url is not None and origin_of(url) == origin_of(base)
    if form == "other-host":
        url = resolve_url(value, base)
        return url is not None and origin_of(url)[1] != origin_of(base)[1]
    return _FORMS[form](value)


def _within(number: int, least: int | str | None, most: int | str | None) -> bool:
    return (least is None or number >= int(least)) and (most is None or number <= int(most))


def _is_obsolete_date(value: str) -> bool:
    """Return whether a value is a date of RFC 850 or of C's asctime (RFC 9110, section 5.6.7)."""
    for form in _OBSOLETE_DATES:
        try:
            found = datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        written = found.strftime(form)
        padded = written[:8] + written[8:10].lstrip("0").rjust(2) + written[10:]
        return value == (padded if form.endswith("%Y") else written)
    return False


def _list_of(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    def is_list(value: str) -> bool:
        found = split_list(value)
        return len(set(found)) == len(found) and all(pattern.fullmatch(item) for item in found)

    return is_list


def _split_metadata(value: str) -> list[tuple[str, str]]:
    """Split an Upload-Metadata into keys and still encoded values, however wrong they are."""
    split = (member.partition(" ") for member in split_list(value))
    return [(key, encoded) for key, _, encoded in split]


def _has_valid_pairs(value: str) -> bool:
    return all(1 <= len(member.split(" ")) <= 2 and member for member in split_list(value))


def _is_base64(encoded: str) -> bool:
    try:
        base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _has_unique_keys(value: str) -> bool:
    keys = [key for key, _ in _split_metadata(value)]
    return len(set(keys)) == len(keys)


def _is_concat(value: str) -> bool:
    return parse_concat(value, "http://localhost/") is not None


def _is_url(value: str) -> bool:
    return resolve_url(value, "http://localhost/") is not None


_FORMS: dict[str, Callable[[str], bool]] = {
    "integer": is_integer,
    "versions": _list_of(_VERSION),
    "extensions": _list_of(_TOKEN),
    "algorithms": _list_of(_ALGORITHM),
    "metadata": lambda value: parse_metadata(value) is not None,
    "metadata-pairs": _has_valid_pairs,
    "metadata-keys": lambda value: all(key for key, _ in _split_metadata(value)),
    "metadata-ascii": lambda value: all(key.isascii() for key, _ in _split_metadata(value)),
    "metadata-base64": lambda value: all(
        _is_base64(encoded) for _, encoded in _split_metadata(value)
    ),
    "metadata-unique": _has_unique_keys,
    "list": _list_of(_NON_EMPTY),
    "compact-list": lambda value: all(member == member.strip(" \t") for member in value.split(",")),
    "concat": _is_concat,
    "date": lambda value: parse_http_date(value) is not None,
    "obsolete-date": _is_obsolete_date,
    "url": _is_url,
}


def _includes(value: str, wanted: str) -> bool:
    return wanted.lower() in (member.lower() for member in split_list(value))
