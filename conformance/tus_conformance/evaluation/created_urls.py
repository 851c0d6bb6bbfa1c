"""The URLs of a run: a creation names one that no other upload has, or had before its removal."""

from __future__ import annotations

import time

from tus_conformance.discovery.prober import NO_UPLOAD_STATUSES
from tus_conformance.evaluation.invariant import InvariantResult, Observation
from tus_conformance.transport import HttpRequest
from tus_conformance.transport.header_values import parse_http_date, resolve_url

_EXPECTED = "a Location that no other upload of this run has or had"


class CreatedUrls:
    """The URLs that were given to uploads, with what created them, and those that were removed.

    A URL that the server itself no longer knows may be used again: the upload has expired, or its
    process was started again.
    """

    def __init__(self) -> None:
        self._created: dict[str, HttpRequest] = {}
        self._expires: dict[str, float] = {}
        self._removed: set[str] = set()

    def clear(self) -> None:
        """Forget every URL, as a server may that was started again."""
        self._created.clear()
        self._removed.clear()

    def remove(self, url: str) -> None:
        """Note that an upload was removed."""
        if self._created.pop(url, None) is not None:
            self._removed.add(url)

    def check_new(self, observation: Observation) -> InvariantResult | None:
        """Look whether a creation returned the URL of another upload."""
        reply, request = observation.reply, observation.http_request
        if reply.status in NO_UPLOAD_STATUSES:
            self._created.pop(request.url, None)
        if observation.method == "DELETE" and reply.succeeded:
            self.remove(request.url)
        url = resolve_url(reply.header("Location") or "", reply.url)
        if observation.method != "POST" or reply.status != 201 or url is None:
            return None
        result = self._compare(url, request)
        self._created[url] = request
        self._removed.discard(url)
        expires = parse_http_date(reply.header("Upload-Expires") or "")
        if expires is not None:
            self._expires[url] = expires.timestamp()
        return result

    def _compare(self, url: str, request: HttpRequest) -> InvariantResult:
        if url in self._removed:
            actual = f"Location: {url}, which another upload had before it was deleted"
            return InvariantResult("warn", _EXPECTED, actual)
        earlier = self._created.get(url)
        is_repeated = earlier is request  # sent twice at once, and taken for one creation
        is_expired = self._expires.get(url, float("inf")) <= time.time()
        if earlier is None or is_repeated or is_expired:
            return InvariantResult("pass")
        actual = f"Location: {url}, which is that of another upload"
        return InvariantResult("fail", _EXPECTED, actual, rule="data-loss")
