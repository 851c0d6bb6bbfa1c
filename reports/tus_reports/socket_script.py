"""The requests of an attempt as a short Python program with sockets, for what curl cannot send.

It repeats cuts, half-closes and pauses at their place in the body, and malformed requests byte for
byte. Uploads that the attempt created are created again. What it cannot repeat (several requests at
once or over one connection, a throttled body, trailers) leads to no program at all: a program that
does something else than the run would be misleading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin, urlsplit

from tus_reports.record import Exchange, RecordedBody

_BEGINNING = '''\
import socket, struct, time
from urllib.parse import urljoin, urlsplit

SERVER = ("127.0.0.1", {port})  # where the server listens

def send(*parts, end="read"):
    """Send text or bytes, pause where a part is a number of seconds, return the response."""
    received = b""
    with socket.create_connection(SERVER, timeout=5) as connection:
        try:
            for part in parts:
                if isinstance(part, float):
                    time.sleep(part)
                else:
                    connection.sendall(part if isinstance(part, bytes) else part.encode("latin-1"))
            if end == "half-close":
                connection.shutdown(socket.SHUT_WR)
            if end == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            while end in ("read", "half-close") and (piece := connection.recv(65536)):
                received += piece
        except OSError as error:
            print(error)
    print(parts[0].splitlines()[0], "->", received.decode("latin-1")[:500], "\\n")
    return received.decode("latin-1")
'''
_LOCATION = '''
def location(response):
    """Return the path of the upload that a response names."""
    lines = response.partition("\\r\\n\\r\\n")[0].splitlines()
    value = next(each[9:].strip() for each in lines if each.lower().startswith("location:"))
    url = urlsplit(urljoin("http://server{path}", value))
    return url.path + ("?" + url.query if url.query else "")
'''
_CONTENT = '''
def content(key, start, stop):
    """Return the bytes that the run sent, so that their checksum is the same."""
    from hashlib import shake_128
    blocks = range(stop // 65536 + 1)
    return b"".join(shake_128(f"{key}#{i}".encode()).digest(65536) for i in blocks)[start:stop]
'''
_GENERATED = re.compile(r"bytes (\d+) to (\d+) of the content '([^']*)'")
_STALL = re.compile(r"stalled for ([\d.]+) seconds after (\d+) body bytes?")
_SPLIT = re.compile(r"split a write after (\d+) body bytes?")
_BREAK = re.compile(r"(cut|half-closed) after (\d+) body bytes?(?: by (FIN|RST))?")
_HARMLESS = re.compile(r"stopped after .*: the response had arrived")
_SPLIT_PAUSE = 0.1


class _UnsayableError(Exception):
    """A script cannot repeat what was done."""


def socket_script(exchanges: Sequence[Exchange], target: str) -> str:
    """Return a program that sends what the exchanges sent, or "" where it cannot be repeated.

    `target` is the creation URL of the run; the program has its port, for the reader to change.
    """
    if not exchanges or overlap(exchanges):
        return ""
    uploads: dict[str, str] = {}
    lines: list[str] = []
    try:
        for exchange in exchanges:
            lines += _call_lines(exchange, uploads)
    except _UnsayableError:
        return ""
    parts = urlsplit(target)
    text = _BEGINNING.replace("{port}", str(parts.port or 80))
    if uploads:
        text += _LOCATION.replace("{path}", parts.path)
    body = "\n".join(lines)
    if "content(" in body:
        text += _CONTENT
    if "struct" in text and '"reset"' not in body:
        text = _without_reset(text)
    return f"{text}\n{body}\n"


def _without_reset(text: str) -> str:
    """Leave out what only a reset connection needs."""
    kept = [line for line in text.splitlines() if "SO_LINGER" not in line and '"reset"' not in line]
    return "\n".join(kept).replace("import socket, struct, time", "import socket, time") + "\n"


def overlap(exchanges: Sequence[Exchange]) -> bool:
    """Return whether a request began before the one before it had ended: no script repeats that."""
    ends = [each.at + max((event.at for event in each.events), default=0.0) for each in exchanges]
    return any(later.at < end for end, later in zip(ends, exchanges[1:], strict=False))


def _call_lines(exchange: Exchange, uploads: dict[str, str]) -> Iterator[str]:
    """Yield the lines that send one request, and keep the upload that it creates."""
    if exchange.transport == "httpx" or "\ntrailer:" in exchange.request_head.lower():
        raise _UnsayableError
    parts, end = _body_parts(exchange)
    head = [_quote_line(line, uploads) for line in _head_lines(exchange)]
    ending = [f"    {part}," for part in parts] + ([f'    end="{end}",'] if end != "read" else [])
    created = created_url(exchange)
    is_new = bool(created) and created not in uploads
    yield "response = send(" if is_new else "send("
    yield from (f"    {line} +" for line in head[:-1])
    yield from [f"    {head[-1]},", *ending, ")"]
    if is_new:
        name = f"upload_{len(uploads) + 1}"
        uploads[created] = name
        yield f"{name} = location(response)"


def _head_lines(exchange: Exchange) -> list[str]:
    """Return the head in lines with their ends; the server is asked to close the connection."""
    lines = exchange.request_head.splitlines(keepends=True)
    if exchange.transport == "raw" or "\nconnection:" in exchange.request_head.lower():
        return lines
    return [*lines[:-1], "Connection: close\r\n", lines[-1]]


def _quote_line(line: str, uploads: dict[str, str]) -> str:
    """Return a line of a head as a Python text, with the paths of created uploads as variables."""
    for url, name in sorted(uploads.items(), key=lambda item: -len(item[0])):
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if path in line:
            before, after = line.split(path, 1)
            pieces = (repr(before) if before else "", name, repr(after) if after else "")
            return " + ".join(filter(None, pieces))
    return repr(line)


def _body_parts(exchange: Exchange) -> tuple[list[str], str]:
    """Return the body as Python expressions, with pauses, and how the request ends."""
    body = exchange.body
    end, size = "read", body.size if body is not None else 0
    places: list[tuple[int, float]] = []
    for event in exchange.events:
        if event.event != "action" or _HARMLESS.fullmatch(event.text):
            continue
        if found := _STALL.fullmatch(event.text):
            places.append((int(found[2]), float(found[1])))
        elif found := _SPLIT.fullmatch(event.text):
            places.append((int(found[1]), _SPLIT_PAUSE))
        elif found := _BREAK.fullmatch(event.text):
            size = int(found[2])
            end = "half-close" if found[1] == "half-closed" else "cut"
            end = "reset" if found[3] == "RST" else end
        elif event.text == "dropped the response unread":
            end = "cut"
        else:
            raise _UnsayableError
    if body is None or not size:
        return [], end
    text = _body_expression(exchange, body)
    chunked = re.search(r"(?i)\ntransfer-encoding: *chunked", exchange.request_head) is not None
    if chunked and exchange.transport != "raw":
        if places or end != "read":
            raise _UnsayableError
        return [f"b'{body.size:x}\\r\\n'", text, r"b'\r\n0\r\n\r\n'"], end
    return _cut_body(text, size, body.size, places), end


def _cut_body(text: str, stop: int, size: int, places: list[tuple[int, float]]) -> list[str]:
    """Return the pieces of a body up to `stop`, with a pause at each place."""
    parts, position = [], 0
    for place, seconds in sorted(places):
        if place > position:
            parts.append(f"{text}[{position}:{place}]")
            position = place
        parts.append(str(float(seconds)))
    if position == 0 and stop == size:
        return [*parts, text]
    return [*parts, f"{text}[{position}:{stop}]"] if stop > position else parts


def _body_expression(exchange: Exchange, body: RecordedBody) -> str:
    if body.text is not None and not body.truncated:
        return repr(body.text.encode("latin-1", "replace"))
    found = _GENERATED.fullmatch(body.generator or "")
    needs_content = "\nupload-checksum:" in exchange.request_head.lower()
    if needs_content and found is None:
        raise _UnsayableError
    if needs_content and found is not None:
        return f"content({found[3]!r}, {found[1]}, {int(found[2]) + 1})"
    return f"bytes({body.size})"


def created_url(exchange: Exchange) -> str:
    """Return the URL of the upload that an exchange created, or ""."""
    response = exchange.response
    if exchange.method != "POST" or response is None or response.status != 201:
        return ""
    found = (value for name, value in response.headers if name.lower() == "location")
    location = next(found, "")
    return urljoin(exchange.url, location) if location else ""
