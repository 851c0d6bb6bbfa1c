"""The requests of an attempt as a shell script of curl commands, to copy and try by hand.

Uploads that the attempt created are created again: the script keeps their Location in a variable
and uses that where the run used the upload's URL. What curl cannot do (cut a connection, bytes that
HTTP libraries refuse) is a comment, and so is a body that had to be replaced by zeros.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urljoin, urlsplit

from tus_reports.findings import Occurrence
from tus_reports.record import Exchange
from tus_reports.transcript import escape_controls

MAX_SHORT = 4
"""How many requests a script has that is shown next to a finding."""

_CURL_HEADERS = frozenset({"host", "content-length", "connection", "user-agent"})


def curl_script(exchanges: Sequence[Exchange], variables: Mapping[str, str] | None = None) -> str:
    """Return a script that sends what the exchanges sent, or nothing where there are none.

    Of `variables`, each text is written as the shell variable that it names.
    """
    known = dict(variables or {})
    before = len(known)
    blocks = []
    for exchange in exchanges:
        created = _created_url(exchange)
        # The last response is what the script is about, so that it is shown whole.
        is_last = variables is not None and exchange is exchanges[-1]
        is_new = created and created not in known and not is_last
        name = f"UPLOAD_{len(known) - before + 1}" if is_new else ""
        blocks.append("\n".join(_exchange_block(exchange, known, name)))
        if created and name:
            known[created] = name
    return "\n\n".join(blocks)


def short_curl_script(each: Occurrence) -> str:
    """Return what leads to a check as curl commands, if they are few and curl can say them."""
    number = each.check.exchange
    if number is None or not 0 <= number < min(len(each.attempt.exchanges), MAX_SHORT):
        return ""
    exchanges = each.attempt.exchanges[: number + 1]
    sayable = all(map(is_sayable, exchanges)) and _creates_its_uploads(exchanges)
    return curl_script(exchanges) if sayable else ""


def _creates_its_uploads(exchanges: Sequence[Exchange]) -> bool:
    """Return whether every upload that is used was created by one of the exchanges."""
    created: set[str] = set()
    for exchange in exchanges:
        used = exchange.method in {"HEAD", "PATCH", "GET", "DELETE"}
        missing = exchange.response is not None and exchange.response.status in {404, 410}
        if used and exchange.url not in created and not missing:
            return False
        created |= {_created_url(exchange)}
    return True


def is_sayable(exchange: Exchange) -> bool:
    """Return whether curl can send a request as the suite did, but for the content of its body.

    That matters only to a checksum.
    """
    head, body = exchange.request_head, exchange.body
    if body is not None:
        generated = body.generator is not None and "\nupload-checksum:" in head.lower()
        if generated or not (body.text or "").isascii():
            return False
    acted = any(event.event == "action" for event in exchange.events)
    special = exchange.transport == "raw" or acted or "\ntrailer:" in head
    return not special and head.isascii() and _has_plain_target(exchange)


def _has_plain_target(exchange: Exchange) -> bool:
    """Return whether curl would ask for what the request asks for, of the same host."""
    url = urlsplit(exchange.url)
    target = url.path + (f"?{url.query}" if url.query else "")
    lines = exchange.request_head.splitlines()
    asked = lines[0].split(" ")[1:2] if lines else []
    hosts = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")]
    dots = {".", ".."} & set(url.path.split("/"))
    return asked == [target] and not dots and all(host == url.netloc for host in hosts)


def _exchange_block(exchange: Exchange, known: dict[str, str], name: str) -> Iterator[str]:
    for event in exchange.events:
        if event.event == "action":
            yield f"# The run injected a fault here: {escape_controls(event.text)}."
    status = exchange.response.status if exchange.response else None
    yield f"# {exchange.method}: {status or 'no response'} in the run"
    before, words = _curl_command(exchange, known)
    if name:
        dumped = f"{before}curl -sS -D - -o /dev/null {' '.join(words)}"
        find = "tr -d '\\r' | sed -n 's/^[Ll]ocation: *//p'"
        yield f"{name}={_location_prefix(exchange, known)}$({dumped} | {find})"
        yield f'echo "{name}: ${name}"'
    else:
        shown = "-I" if exchange.method == "HEAD" else "-i"
        yield f"{before}curl -sS {shown} {' '.join(words)}"


def _curl_command(exchange: Exchange, known: dict[str, str]) -> tuple[str, list[str]]:
    """Return what stands before curl, and its arguments."""
    words = [] if exchange.method in {"GET", "HEAD"} else ["-X", exchange.method]
    for line in exchange.request_head.rstrip("\r\n").splitlines()[1:]:
        header, _, value = line.partition(":")
        if header.strip().lower() in _CURL_HEADERS:
            continue
        told = f"{header.strip()}: {value.strip()}" if value.strip() else f"{header.strip()};"
        words += ["-H", _quote(told, known)]
    before, body = _body_arguments(exchange)
    return before, [*words, *body, _quote(exchange.url, known)]


def _body_arguments(exchange: Exchange) -> tuple[str, list[str]]:
    body = exchange.body
    if body is None or (body.size == 0 and exchange.method in {"GET", "HEAD"}):
        return "", []
    typed = "\ncontent-type:" in exchange.request_head.lower()
    untyped = [] if typed else ["-H", "'Content-Type:'"]  # or curl would name one of its own
    if body.text is not None and not body.truncated and "\0" not in body.text:
        raw = body.text.encode("latin-1", "replace").decode("latin-1")
        return "", [*untyped, "--data-raw", shlex.quote(raw)]
    return f"head -c {body.size} /dev/zero | ", [*untyped, "--data-binary", "@-"]


def _quote(text: str, known: dict[str, str]) -> str:
    """Quote a text for the shell, with the URLs of created uploads as variables."""
    if text in known:
        return f'"${known[text]}"'
    named = [url for url in sorted(known, key=len, reverse=True) if url in text]
    if not named:
        return shlex.quote(text)
    escaped = re.sub(r'([\\"$`])', r"\\\1", text)
    for url in named:
        escaped = escaped.replace(url, f"${{{known[url]}}}")
    return f'"{escaped}"'


def _created_url(exchange: Exchange) -> str:
    location = _header_value(exchange)
    return urljoin(exchange.url, location) if location else ""


def _location_prefix(exchange: Exchange, known: dict[str, str]) -> str:
    """Return what a Location lacks to be a whole URL, as this server writes it."""
    location = _header_value(exchange)
    missing = urljoin(exchange.url, location).removesuffix(location)
    return _quote(missing, known) if missing else ""


def _header_value(exchange: Exchange) -> str:
    if exchange.response is None or not 200 <= exchange.response.status < 300:
        return ""
    headers = {name.lower(): value for name, value in exchange.response.headers}
    return headers.get("location", "")
