"""An exchange as lines to read: both heads, interim answers, and what we did to the connection.

A `WireLine` is one of them. `marked` lines are the decisive ones, worked out from a check's
evidence; a header that should be there and is not becomes a marked line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tus_reports.record import Body, Check, Event, Exchange, Response

Side = Literal["request", "response", "interim", "act", "event"]

_RELEVANT = re.compile(
    r"(?i)^(tus-|upload-|x-http-method-override|location|content-type|content-length|content-range"
    r"|transfer-encoding|cache-control|expect|trailer|retry-after)"
)
_ABSENT = re.compile(r"(?:^|, )no ([A-Za-z][A-Za-z0-9-]*)(?=,|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SPOILT = "of the download"  # what a check says of bytes that came back otherwise than they went
_ESCAPES = {"\t": "\\t", "\r": "\\r", "\n": "\\n"}
_BODY_SHOWN = 120
_BYTES_SHOWN = 32
_LINE_SHOWN = 400


@dataclass(frozen=True)
class WireLine:
    """One line of an exchange; `at` is seconds after it began, where a time is known."""

    side: Side
    text: str
    marked: bool = False
    at: float | None = None


def visible(text: str) -> str:
    """Return a text with control characters written as escapes, so that none reaches a terminal."""
    return _CONTROL.sub(lambda found: _ESCAPES.get(found[0], f"\\x{ord(found[0]):02x}"), text)


def transcript(
    exchange: Exchange, check: Check | None = None, *, whole: bool = False
) -> tuple[WireLine, ...]:
    """Return an exchange as lines; unless `whole`, header lines without a bearing are counted."""
    decisive = _decisive(exchange, check) if check else frozenset[str]()
    lines = list(_request(exchange, decisive, whole=whole))
    lines += _acts(exchange.events)
    for interim in exchange.interim:
        at = _heard(exchange.events, interim.status)
        lines += _head("interim", interim.head, decisive, whole=whole, at=at)
    if exchange.response is not None:
        spoilt = check is not None and check.outcome == "violated" and _SPOILT in check.actual
        lines += _response(exchange, exchange.response, decisive, whole=whole, spoilt=spoilt)
    if check is not None and exchange.response is not None:
        lines += _absences(exchange.response, check)
    if exchange.response is None or not exchange.response.complete:
        failed = exchange.failure or "The connection closed before a whole answer came."
        ours = any(event.kind == "act" for event in exchange.events)
        lines.append(WireLine("event", failed, marked=exchange.response is None and not ours))
    return tuple(lines)


def in_a_line(exchange: Exchange) -> str:
    """Return an exchange in one line: the request, our acts, and how it ended."""
    _, target, *_ = [*exchange.request.split(" ", 2), "", ""]
    parts = [f"{exchange.method} {visible(target)}"]
    if exchange.body is not None and exchange.body.length:
        parts[0] += f" with {sized(exchange.body.length)}"
    parts += [f"we {act.text}" for act in _acts(exchange.events)]
    parts += [str(interim.status) for interim in exchange.interim]
    if exchange.response is not None:
        parts.append(str(exchange.response.status))
    elif not any(event.kind == "act" for event in exchange.events):
        parts.append(visible(exchange.failure or "no answer"))
    return " → ".join(parts)


def sized(count: int) -> str:
    """Return a number of bytes in words."""
    return "1 byte" if count == 1 else f"{count:,} bytes".replace(",", " ")


def described(body: Body) -> str:
    """Return what a body is, in one line: its length, and its beginning or what generated it."""
    size = sized(body.length)
    if body.generated is not None:
        return f"{size}: {body.generated}"
    if not body.text:
        return size
    if _is_binary(body.text):
        octets = body.text[:_BYTES_SHOWN].encode("latin-1", "replace").hex(" ")
        more = " ..." if body.truncated or len(body.text) > _BYTES_SHOWN else ""
        return f"{size}: {octets}{more}"
    text = visible(body.text[:_BODY_SHOWN])
    more = " ..." if body.truncated or len(body.text) > _BODY_SHOWN else ""
    return f'{size}: "{text}"{more}'


def _is_binary(text: str) -> bool:
    """Tell whether a text is none, by how much of its beginning no keyboard writes."""
    beginning = text[:_BODY_SHOWN]
    odd = sum(not (" " <= char <= "~" or char in "\t\r\n") for char in beginning)
    return odd * 4 > len(beginning)


def _request(exchange: Exchange, decisive: frozenset[str], *, whole: bool) -> Iterator[WireLine]:
    yield from _head("request", exchange.request, decisive, whole=whole, at=0.0)
    if exchange.body is not None and exchange.body.length:
        yield WireLine("request", f"({described(exchange.body)})")


def _response(
    exchange: Exchange,
    response: Response,
    decisive: frozenset[str],
    *,
    whole: bool,
    spoilt: bool,
) -> Iterator[WireLine]:
    at = _heard(exchange.events, response.status)
    yield from _head("response", response.head, decisive, whole=whole, at=at)
    if response.body is not None and response.body.length:
        yield WireLine("response", f"({described(response.body)})", marked=spoilt)


def _head(
    side: Side, head: str, decisive: frozenset[str], *, whole: bool, at: float | None
) -> Iterator[WireLine]:
    first, *others = head.rstrip("\r\n").splitlines() or [""]
    limit = None if whole else _LINE_SHOWN
    yield WireLine(
        side, _bounded(first, limit), marked=side != "request" and first in decisive, at=at
    )
    left_out = 0
    for line in others:
        marked = side != "request" and line in decisive
        if whole or marked or _RELEVANT.match(line):
            yield WireLine(side, _bounded(line, limit), marked=marked)
        else:
            left_out += 1
    if left_out:
        yield WireLine(side, f"({left_out} more header line{'s' if left_out > 1 else ''})")


def _bounded(line: str, limit: int | None) -> str:
    if limit is None or len(line) <= limit:
        return visible(line)
    return f"{visible(line[:limit])} ... (a line of {len(line)} characters)"


def _decisive(exchange: Exchange, check: Check) -> frozenset[str]:
    """Return the lines of the answer that decided a check.

    Evidence may be as wide as the whole head, so it is narrowed to what `actual` speaks of, and the
    status line stays out where it is as expected.
    """
    if exchange.response is None or check.outcome != "violated":
        return frozenset()
    first, *others = exchange.response.head.rstrip("\r\n").splitlines() or [""]
    given = {line.strip() for line in check.evidence.splitlines()}
    said = check.actual.lower()
    named = [line for line in others if line.strip() in given and _spoken_of(line, said)]
    wrong = [line for line in named if line.strip().lower() not in check.expected.lower()]
    status = str(exchange.response.status)
    as_expected = re.search(rf"\b{status}\b|\b{status[0]}xx\b", check.expected)
    found = [] if as_expected or status not in said else [first]
    if wrong and not re.search(r"\bstatus\b|\b[1-5]xx\b", check.expected):
        found = []  # a status was named, and is not what was asked for
    found += wrong
    if not found and not _ABSENT.search(check.actual) and _SPOILT not in check.actual:
        found = named or [first]
    return frozenset(found)


def _spoken_of(line: str, said: str) -> bool:
    name, _, value = line.partition(":")
    return name.strip().lower() in said and value.strip().lower() in said


def _absences(response: Response, check: Check) -> Iterator[WireLine]:
    if check.outcome != "violated":
        return
    present = {name.lower() for name, _ in response.headers}
    for name in _ABSENT.findall(check.actual):
        wanted = name.lower() in check.expected.lower()
        unwanted = f"no {name.lower()}" in check.expected.lower()
        if wanted and not unwanted and name.lower() not in present:
            yield WireLine("response", f"(no {name})", marked=True)


def _acts(events: Iterable[Event]) -> Iterator[WireLine]:
    for event in events:
        if event.kind == "act":
            yield WireLine("act", visible(event.text), at=event.at)


def _heard(events: Iterable[Event], status: int) -> float | None:
    """Return when an answer of this status was received: by its label, else the first bytes."""
    received = [event for event in events if event.kind == "received"]
    labelled = [event for event in received if str(status) in event.text]
    chosen = labelled or received
    return chosen[0].at if chosen else None
