"""`AccessLog`: a line about each request, as JSON or logfmt, and an id by which to find it.

It logs neither queries nor headers, except User-Agent: passwords and tokens
travel there. The path has the id of an upload, and anyone who knows it can write to it: treat the
log as what it is.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal
from uuid import uuid4

import msgspec

from tus_reference.forwarding import client_address
from tus_reference.middleware.counted_body import CountedBody
from tus_reference.model import BodyEndedEarly, Download, Headers, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.middleware.layers import Respond
    from tus_reference.model import Request

_ID = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")
_CODE = re.compile(rb"(ERR_[A-Z0-9_]+):")
MAX_FIELD_LENGTH: Final = 1024


class AccessLogEntry(msgspec.Struct):
    """What is logged about a request: sizes in bytes, `ms` in milliseconds.

    `status` is 0 if the client left before it could be answered. `sent` is what was made of
    the body of the answer before the connection ended.
    """

    time: str
    id: str
    method: str
    path: str
    remote: str
    agent: str
    status: int = 0
    code: str = ""
    received: int = 0
    sent: int = 0
    ms: float = 0.0


class AccessLog:
    """A layer that calls `write` with a line, without its line break, for each request.

    The id is the request's X-Request-ID if that is sound, else a new one; it is answered, and
    hooks see it. With `behind_proxy` the client's address is what proxies say it is.
    """

    def __init__(
        self,
        form: Literal["json", "logfmt"] = "json",
        *,
        behind_proxy: bool = False,
        write: Callable[[str], object] | None = None,
    ) -> None:
        self._format = _as_json if form == "json" else _as_logfmt
        self._behind_proxy = behind_proxy
        self._write = write or _write_to_stderr

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Return the response of the next layer, and log the request once that is sent."""
        start = time.monotonic()
        request, entry = self._new_entry(request)

        def received(count: int) -> None:
            entry.received += count

        def end() -> None:
            entry.ms = round((time.monotonic() - start) * 1000, 3)
            self._write(self._format(entry))

        try:
            response = await respond(replace(request, body=CountedBody(request.body, received)))
        except BodyEndedEarly:
            end()
            raise
        response = response.with_headers(("X-Request-ID", entry.id))
        entry.status = response.status
        if isinstance(response.body, Download):
            chunks = _LoggedDownload(response.body, entry, end)
            return replace(response, body=replace(response.body, chunks=chunks))
        code = _CODE.match(response.body)
        entry.code = "" if code is None else code[1].decode()
        entry.sent = 0 if request.method == "HEAD" else len(response.body)
        end()
        return response

    def _new_entry(self, request: Request) -> tuple[Request, AccessLogEntry]:
        given = request.headers.joined("X-Request-ID") or ""
        request_id = given if _ID.fullmatch(given) else uuid4().hex
        entry = AccessLogEntry(
            time=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            id=request_id,
            method=request.method,
            path=request.path[:MAX_FIELD_LENGTH],
            remote=client_address(request) if self._behind_proxy else request.remote_addr,
            agent=(request.headers.joined("User-Agent") or "")[:MAX_FIELD_LENGTH],
        )
        if request_id != given:
            others = [item for item in request.headers.items() if item[0] != "x-request-id"]
            request = replace(request, headers=Headers([*others, ("X-Request-ID", request_id)]))
        return request, entry


class _LoggedDownload(AsyncGenerator[bytes, None]):
    """Yield the pieces of a download; log the request when it ends, complete or not."""

    def __init__(self, download: Download, entry: AccessLogEntry, end: Callable[[], None]) -> None:
        self._chunks = download.chunks
        self._entry = entry
        self._end = end
        self._last_chunk_size = 0

    async def asend(self, value: None) -> bytes:
        # A request for the next piece means that the previous one was sent.
        self._entry.sent += self._last_chunk_size
        self._last_chunk_size = 0
        piece = await self._chunks.asend(value)
        self._last_chunk_size = len(piece)
        return piece

    async def athrow(self, *error: Any) -> bytes:
        return await self._chunks.athrow(*error)

    async def aclose(self) -> None:
        try:
            await self._chunks.aclose()
        finally:
            self._end()


def _as_json(entry: AccessLogEntry) -> str:
    return msgspec.json.encode(entry).decode()


def _as_logfmt(entry: AccessLogEntry) -> str:
    items = ((name, str(getattr(entry, name))) for name in entry.__struct_fields__)
    return " ".join(f"{name}={v if _PLAIN.fullmatch(v) else json.dumps(v)}" for name, v in items)


def _write_to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
