"""The requests of tus over Locust's session: each is one entry of its statistics.

A request is a success if its status is one that the caller expects; what fails is named without
URLs, so that equal failures are counted together.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from time import perf_counter
from typing import Any
from urllib.parse import urljoin, urlsplit

from locust.contrib.fasthttp import FAILURE_EXCEPTIONS

from tus_conformance.load.body import CutError, GeneratedBody
from tus_conformance.load.content import ByteComparison
from tus_conformance.load.reply import GONE, Reply

OFFSET_TYPE = "application/offset+octet-stream"
READ_SIZE = 65536


class TusRequests:
    """Sends the requests of one user to the server at `endpoint`, its creation URL.

    `headers` go with every request to the origins of the target, and to no other origin; `origins`
    are others that Location may name. `session` is Locust's FastHttpSession.
    """

    def __init__(
        self,
        session: Any,
        endpoint: str,
        headers: Mapping[str, str],
        origins: Collection[str] = (),
    ) -> None:
        self._session = session
        self.endpoint = endpoint
        self._headers = {"Tus-Resumable": "1.0.0", "Accept-Encoding": "identity", **headers}
        self._origins = {_origin(each) for each in (endpoint, *origins)}

    def options(self) -> Reply:
        """Ask what the server offers."""
        return self._send("OPTIONS", self.endpoint, "offer", expected={200, 204})

    def create(
        self,
        length: int,
        *,
        kind: str,
        metadata: str = "",
        concat: str = "",
        body: bytes | GeneratedBody = b"",
        checksum: str = "",
    ) -> tuple[Reply, str | None]:
        """Create an upload; return the response and the upload's URL, None where there is none."""
        headers = {} if concat.startswith("final") else {"Upload-Length": str(length)}
        if metadata:
            headers["Upload-Metadata"] = metadata
        if concat:
            headers["Upload-Concat"] = concat
        if len(body):
            headers["Content-Type"] = OFFSET_TYPE
        if checksum:
            headers["Upload-Checksum"] = checksum
        reply = self._send(
            "POST", self.endpoint, kind, expected={201}, headers=headers, body=body, needs_url=True
        )
        return reply, self.locate(reply)

    def locate(self, reply: Reply) -> str | None:
        """Return the URL that Location names, if requests may go there."""
        location = reply.headers.get("location", "")
        if not reply.is_success or not location:
            return None
        url = urljoin(self.endpoint, location)
        return url if _origin(url) in self._origins else None

    def head(self, url: str, kind: str, expected: Collection[int] = ()) -> Reply:
        """Ask for the offset of an upload."""
        return self._send("HEAD", url, kind, expected={200, 204, *expected})

    def patch(
        self,
        url: str,
        offset: int,
        body: bytes | GeneratedBody,
        *,
        kind: str,
        checksum: str = "",
        expected: Collection[int] = (),
    ) -> Reply:
        """Send bytes of an upload."""
        headers = {"Upload-Offset": str(offset), "Content-Type": OFFSET_TYPE}
        if checksum:
            headers["Upload-Checksum"] = checksum
        return self._send(
            "PATCH", url, kind, expected={204, 200, *expected}, headers=headers, body=body
        )

    def delete(self, url: str) -> Reply:
        """Remove an upload; one that is already gone is as good as removed."""
        return self._send("DELETE", url, "remove", expected={204, 200, *GONE})

    def read(
        self,
        url: str,
        comparison: ByteComparison,
        *,
        kind: str,
        byte_range: tuple[int, int] | None = None,
        expected: Collection[int] = (),
    ) -> Reply:
        """Read an upload, or bytes of it from one offset to before another, and compare.

        A body that breaks off has an `error`, although its status is 200.
        """
        headers = dict(self._headers)
        if byte_range is not None:
            headers["Range"] = f"bytes={byte_range[0]}-{byte_range[1] - 1}"
        wanted = 200 if byte_range is None else 206
        begin = perf_counter()
        with self._session.request(
            "GET", url, name=kind, headers=headers, catch_response=True, stream=True
        ) as response:
            reply = _reply(response)
            error = reply.error
            if reply.status == wanted and not _is_encoded(reply):
                error = _read_body(response, comparison)
                response.request_meta["response_time"] = (perf_counter() - begin) * 1000
                response.request_meta["response_length"] = comparison.received
            if error or reply.status not in {wanted, *expected}:
                response.failure(error or f"status {reply.status}")
            else:
                response.success()
            response.release()
        return Reply(reply.status, reply.headers, error=error)

    def _send(
        self,
        method: str,
        url: str,
        kind: str,
        *,
        expected: Collection[int],
        headers: Mapping[str, str] | None = None,
        body: bytes | GeneratedBody = b"",
        needs_url: bool = False,
    ) -> Reply:
        with self._session.request(
            method,
            url,
            name=kind,
            headers={**self._headers, **(headers or {})},
            data=body,
            catch_response=True,
        ) as response:
            reply = _reply(response)
            if reply.is_cut:
                response.success()
            elif reply.error or reply.status not in expected:
                response.failure(reply.error or f"status {reply.status}")
            elif needs_url and self.locate(reply) is None:
                response.failure("201 without a Location at an allowed origin")
            else:
                response.success()
        return reply


def _reply(response: Any) -> Reply:
    error = getattr(response, "error", None)
    if isinstance(error, CutError):
        return Reply(0, is_cut=True)
    status = response.status_code or 0
    if not status:
        return Reply(0, error=_describe_error(error))
    headers = {name.lower(): value for name, value in (response.headers or {}).items()}
    return Reply(status, headers)


def _describe_error(error: BaseException | None) -> str:
    """Return a failure in words without a URL or an address."""
    original = getattr(error, "original", None) or error
    detail = original.strerror if isinstance(original, OSError) else None
    name = type(original).__name__
    return f"{name}: {detail}" if detail else name


def _read_body(response: Any, comparison: ByteComparison) -> str:
    """Read a body to its end; return why it broke off, or ""."""
    try:
        while block := response.stream.read(READ_SIZE):
            comparison.feed(block)
    except FAILURE_EXCEPTIONS as error:
        return f"the body broke off: {_describe_error(error)}"
    return ""


def _is_encoded(reply: Reply) -> bool:
    return reply.headers.get("content-encoding", "identity").lower() != "identity"


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443}.get(parts.scheme, 80)
