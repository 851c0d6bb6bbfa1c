"""The requests of an attempt as a shell script of curl commands, to copy and try by hand.

Uploads that the attempt created are created again: the script keeps their Location in a variable
and uses that where the run used the upload's URL. What curl cannot do (cut a connection, bytes that
HTTP libraries refuse) stands in a comment, and so does a body that had to be replaced by zeros.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin

from tus_reports.record import Exchange
from tus_reports.transcript import visible

_OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "user-agent"})


def script(exchanges: Sequence[Exchange]) -> str:
    """Return a script that sends what the exchanges sent, or nothing where there are none."""
    known: dict[str, str] = {}
    blocks = []
    for exchange in exchanges:
        created = _location(exchange)
        name = f"UPLOAD_{len(known) + 1}" if created and created not in known else ""
        blocks.append("\n".join(_block(exchange, known, name)))
        if created and name:
            known[created] = name
    return "\n\n".join(blocks)


def _block(exchange: Exchange, known: dict[str, str], name: str) -> Iterator[str]:
    for event in exchange.events:
        if event.kind == "act":
            yield f"# In the run we {visible(event.text)}; curl sends it all."
    status = exchange.response.status if exchange.response else None
    yield f"# {exchange.method}: the run was answered {status or 'not at all'}"
    before, words = _command(exchange, known)
    if name:
        dumped = f"{before}curl -sS -D - -o /dev/null {' '.join(words)}"
        find = "tr -d '\\r' | sed -n 's/^[Ll]ocation: *//p'"
        yield f"{name}={_prefix(exchange)}$({dumped} | {find})"
        yield f'echo "{name}: ${name}"'
    else:
        shown = "-I" if exchange.method == "HEAD" else "-i"
        yield f"{before}curl -sS {shown} {' '.join(words)}"


def _command(exchange: Exchange, known: dict[str, str]) -> tuple[str, list[str]]:
    """Return what stands before curl, and its arguments."""
    words = [] if exchange.method in {"GET", "HEAD"} else ["-X", exchange.method]
    for line in exchange.request.rstrip("\r\n").splitlines()[1:]:
        header, _, value = line.partition(":")
        if header.strip().lower() in _OWN:
            continue
        told = f"{header.strip()}: {value.strip()}" if value.strip() else f"{header.strip()};"
        words += ["-H", _quoted(told, known)]
    before, body = _body(exchange)
    return before, [*words, *body, _quoted(exchange.url, known)]


def _body(exchange: Exchange) -> tuple[str, list[str]]:
    body = exchange.body
    if body is None or (body.length == 0 and exchange.method in {"GET", "HEAD"}):
        return "", []
    typed = "\ncontent-type:" in exchange.request.lower()
    untyped = [] if typed else ["-H", "'Content-Type:'"]  # or curl would name one of its own
    if body.text is not None and not body.truncated and "\0" not in body.text:
        raw = body.text.encode("latin-1", "replace").decode("latin-1")
        return "", [*untyped, "--data-raw", shlex.quote(raw)]
    return f"head -c {body.length} /dev/zero | ", [*untyped, "--data-binary", "@-"]


def _quoted(text: str, known: dict[str, str]) -> str:
    """Quote a text for the shell, with the URLs of created uploads as variables."""
    if text in known:
        return f'"${known[text]}"'
    for url, name in known.items():
        if url in text:
            escaped = re.sub(r'([\\"$`])', r"\\\1", text)
            return '"' + escaped.replace(url, f"${{{name}}}") + '"'
    return shlex.quote(text)


def _location(exchange: Exchange) -> str:
    location = _header(exchange)
    return urljoin(exchange.url, location) if location else ""


def _prefix(exchange: Exchange) -> str:
    """Return what a Location lacks to be a whole URL, as this server writes it."""
    location = _header(exchange)
    missing = urljoin(exchange.url, location).removesuffix(location)
    return shlex.quote(missing) if missing else ""


def _header(exchange: Exchange) -> str:
    if exchange.response is None or not 200 <= exchange.response.status < 300:
        return ""
    headers = {name.lower(): value for name, value in exchange.response.headers}
    return headers.get("location", "")
