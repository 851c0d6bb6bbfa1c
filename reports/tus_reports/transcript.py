"""An exchange as lines to read: both heads, interim answers, and what we did to the connection.

A `TranscriptLine` is one of them. `marked` lines are the decisive ones, worked out from a check's
evidence; a header that should be there and is not becomes a marked line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from tus_reports.record import Check, ConnectionEvent, Exchange, RecordedBody, RecordedResponse

LineSource = Literal["request", "response", "interim", "act", "event"]

_RELEVANT_HEADER = re.compile(
    r"(?i)^(tus-|upload-|x-http-method-override|location|content-type|content-length|content-range"
    r"|transfer-encoding|cache-control|expect|trailer|retry-after|allow|origin|access-control-)"
)
_MISSING_HEADER = re.compile(r"(?:^|, )no ([A-Za-z][A-Za-z0-9-]*)(?=,|$)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WRONG_CONTENT = (
    "of the download"  # what a check says of bytes that came back otherwise than they went
)
_ESCAPES = {"\t": "\\t", "\r": "\\r", "\n": "\\n"}
_MAX_BODY_CHARACTERS = 120
_MAX_BODY_BYTES = 32
_MAX_LINE = 400


@dataclass(frozen=True)
class TranscriptLine:
    """One line of an exchange; `at` is seconds after it began, where a time is known."""

    side: LineSource
    text: str
    marked: bool = False
    at: float | None = None


def escape_controls(text: str) -> str:
    """Return a text with control characters written as escapes, so that none reaches a terminal."""
    return _CONTROL.sub(lambda found: _ESCAPES.get(found[0], f"\\x{ord(found[0]):02x}"), text)


def format_exchange(
    exchange: Exchange, check: Check | None = None, *, whole: bool = False
) -> tuple[TranscriptLine, ...]:
    """Return an exchange as lines; unless `whole`, header lines without a bearing are counted."""
    decisive = _decisive_lines(exchange, check) if check else frozenset[str]()
    lines = list(_request_lines(exchange, decisive, whole=whole))
    lines += _action_lines(exchange.events)
    for interim in exchange.interim_responses:
        at = _received_at(exchange.events, interim.status)
        lines += _head_lines("interim", interim.head, decisive, whole=whole, at=at)
    if exchange.response is not None:
        wrong_content = (
            check is not None and check.outcome == "violated" and _WRONG_CONTENT in check.actual
        )
        lines += _response_lines(
            exchange, exchange.response, decisive, whole=whole, wrong_content=wrong_content
        )
    if check is not None and exchange.response is not None:
        lines += _missing_header_lines(exchange.response, check)
    if exchange.response is None or not exchange.response.complete:
        failed = exchange.failure or "The connection closed before the response was complete."
        has_own_action = any(event.event == "action" for event in exchange.events)
        lines.append(
            TranscriptLine("event", failed, marked=exchange.response is None and not has_own_action)
        )
    return tuple(lines)


def summarize_exchange(exchange: Exchange) -> str:
    """Return an exchange in one line: the request, our acts, and how it ended."""
    _, target, *_ = [*exchange.request_head.split(" ", 2), "", ""]
    parts = [f"{exchange.method} {escape_controls(target)}"]
    if exchange.body is not None and exchange.body.size:
        parts[0] += f" with {format_size(exchange.body.size)}"
    parts += [f"suite: {act.text}" for act in _action_lines(exchange.events)]
    parts += [str(interim.status) for interim in exchange.interim_responses]
    if exchange.response is not None:
        parts.append(str(exchange.response.status))
    elif not any(event.event == "action" for event in exchange.events):
        parts.append(escape_controls(exchange.failure or "no response"))
    return " → ".join(parts)


def format_size(count: int) -> str:
    """Return a number of bytes in words."""
    return "1 byte" if count == 1 else f"{count:,} bytes".replace(",", " ")


def describe_body(body: RecordedBody) -> str:
    """Return what a body is, in one line: its length, and its beginning or what generated it."""
    size = format_size(body.size)
    if body.generator is not None:
        return f"{size}: {body.generator}"
    if not body.text:
        return size
    if _is_binary(body.text):
        octets = body.text[:_MAX_BODY_BYTES].encode("latin-1", "replace").hex(" ")
        more = " ..." if body.truncated or len(body.text) > _MAX_BODY_BYTES else ""
        return f"{size}: {octets}{more}"
    text = escape_controls(body.text[:_MAX_BODY_CHARACTERS])
    more = " ..." if body.truncated or len(body.text) > _MAX_BODY_CHARACTERS else ""
    return f'{size}: "{text}"{more}'


def _is_binary(text: str) -> bool:
    """Return whether a text is binary, by the share of unusual characters at its beginning."""
    beginning = text[:_MAX_BODY_CHARACTERS]
    odd = sum(not (" " <= char <= "~" or char in "\t\r\n") for char in beginning)
    return odd * 4 > len(beginning)


def _request_lines(
    exchange: Exchange, decisive: frozenset[str], *, whole: bool
) -> Iterator[TranscriptLine]:
    yield from _head_lines("request", exchange.request_head, decisive, whole=whole, at=0.0)
    if exchange.body is not None and exchange.body.size:
        yield TranscriptLine("request", f"({describe_body(exchange.body)})")


def _response_lines(
    exchange: Exchange,
    response: RecordedResponse,
    decisive: frozenset[str],
    *,
    whole: bool,
    wrong_content: bool,
) -> Iterator[TranscriptLine]:
    at = _received_at(exchange.events, response.status)
    yield from _head_lines("response", response.head, decisive, whole=whole, at=at)
    if response.body is not None and response.body.size:
        yield TranscriptLine("response", f"({describe_body(response.body)})", marked=wrong_content)


def _head_lines(
    side: LineSource, head: str, decisive: frozenset[str], *, whole: bool, at: float | None
) -> Iterator[TranscriptLine]:
    first, *others = head.rstrip("\r\n").splitlines() or [""]
    limit = None if whole else _MAX_LINE
    yield TranscriptLine(
        side, _truncate(first, limit), marked=side != "request" and first in decisive, at=at
    )
    left_out = 0
    for line in others:
        marked = side != "request" and line in decisive
        if whole or marked or _RELEVANT_HEADER.match(line):
            yield TranscriptLine(side, _truncate(line, limit), marked=marked)
        else:
            left_out += 1
    if left_out:
        yield TranscriptLine(side, f"({left_out} more header line{'s' if left_out > 1 else ''})")


def _truncate(line: str, limit: int | None) -> str:
    if limit is None or len(line) <= limit:
        return escape_controls(line)
    return f"{escape_controls(line[:limit])} ... (a line of {len(line)} characters)"


def _decisive_lines(exchange: Exchange, check: Check) -> frozenset[str]:
    """Return the lines of the answer that decided a check.

    Evidence may be as wide as the whole head, so it is narrowed to what `actual` speaks of, and the
    status line stays out where it is as expected.
    """
    if exchange.response is None or check.outcome != "violated":
        return frozenset()
    first, *others = exchange.response.head.rstrip("\r\n").splitlines() or [""]
    given = {line.strip() for line in check.evidence.splitlines()}
    actual = check.actual.lower()
    named = [line for line in others if line.strip() in given and _is_mentioned(line, actual)]
    wrong = [line for line in named if line.strip().lower() not in check.expected.lower()]
    status = str(exchange.response.status)
    as_expected = re.search(rf"\b{status}\b|\b{status[0]}xx\b", check.expected)
    found = [] if as_expected or status not in actual else [first]
    if wrong and not re.search(r"\bstatus\b|\b[1-5]xx\b", check.expected):
        found = []  # a status was named, and is not the expected one
    found += wrong
    if (
        not found
        and not _MISSING_HEADER.search(check.actual)
        and _WRONG_CONTENT not in check.actual
    ):
        found = named or [first]
    return frozenset(found)


def _is_mentioned(line: str, actual: str) -> bool:
    name, _, value = line.partition(":")
    return name.strip().lower() in actual and value.strip().lower() in actual


def _missing_header_lines(response: RecordedResponse, check: Check) -> Iterator[TranscriptLine]:
    if check.outcome != "violated":
        return
    present = {name.lower() for name, _ in response.headers}
    for name in _MISSING_HEADER.findall(check.actual):
        wanted = name.lower() in check.expected.lower()
        unwanted = f"no {name.lower()}" in check.expected.lower()
        if wanted and not unwanted and name.lower() not in present:
            yield TranscriptLine("response", f"(no {name})", marked=True)


def _action_lines(events: Iterable[ConnectionEvent]) -> Iterator[TranscriptLine]:
    for event in events:
        if event.event == "action":
            yield TranscriptLine("act", escape_controls(event.text), at=event.at)


def _received_at(events: Iterable[ConnectionEvent], status: int) -> float | None:
    """Return when an answer of this status was received: by its label, else the first bytes."""
    received = [event for event in events if event.event == "received"]
    labelled = [event for event in received if str(status) in event.text]
    chosen = labelled or received
    return chosen[0].at if chosen else None
