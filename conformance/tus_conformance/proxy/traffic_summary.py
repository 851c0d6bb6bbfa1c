"""What a client did through the proxy: what it sent twice, what it began again, what was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from tus_conformance.proxy.proxied_request import ProxiedRequest, header_value
from tus_conformance.transport.header_values import read_integer
from tus_reports.totals import pluralize


class TrafficSummary:
    """Counts over the requests of a session; give it each when it has ended."""

    def __init__(self) -> None:
        self.requests = 0
        self.with_faults = 0
        self.without_response = 0
        self.bytes_sent = 0
        self.bytes_sent_twice = 0
        self.requests_sent_twice = 0
        self._created: Counter[tuple[str, str]] = Counter()
        self._lengths: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._held: dict[str, int] = {}

    def add(self, proxied: ProxiedRequest) -> None:
        """Count a request that has ended."""
        self.requests += 1
        self.with_faults += bool(proxied.faults_done)
        self.without_response += _is_lost(proxied)
        method = (proxied.header("X-HTTP-Method-Override") or proxied.method).upper()
        if method == "POST" and proxied.status == 201:
            self._add_creation(proxied)
        elif method == "PATCH":
            self._add_patch(proxied)
        self._note_offset(proxied.path, proxied)

    def sentences(self) -> Iterator[str]:
        """Yield what came of the session, a sentence each."""
        yield f"{pluralize(self.requests, 'request')}, {self.with_faults} of them with faults."
        if self.without_response:
            yield f"Requests without a response that reached the client: {self.without_response}."
        if self.bytes_sent_twice:
            yield (
                f"Bytes sent again: {self.bytes_sent_twice} of {self.bytes_sent}, in"
                f" {pluralize(self.requests_sent_twice, 'request')}."
            )
        again = sum(count - 1 for count in self._created.values())
        if again:
            yield f"Uploads created again with the same length and metadata: {again}."
        unfinished = [path for path, size in self._lengths.items() if self._held.get(path) != size]
        if unfinished:
            yield f"Uploads not seen to be complete: {len(unfinished)} of {len(self._lengths)}."

    def _add_creation(self, proxied: ProxiedRequest) -> None:
        length = proxied.header("Upload-Length") or ""
        whole = read_integer(length)
        self._created[length, proxied.header("Upload-Metadata") or ""] += 1
        location = header_value(proxied.response_headers, "Location")
        if location is not None and whole is not None:
            path = urlsplit(location).path
            self._lengths[path] = whole
            self._held.setdefault(path, 0)
            self._note_offset(path, proxied)

    def _add_patch(self, proxied: ProxiedRequest) -> None:
        start = read_integer(proxied.header("Upload-Offset"))
        if start is None:
            return
        end = start + proxied.received
        reached = self._sent.get(proxied.path, 0)
        again = max(0, min(end, reached) - start)
        self.bytes_sent += proxied.received
        self.bytes_sent_twice += again
        self.requests_sent_twice += bool(again)
        self._sent[proxied.path] = max(reached, end)

    def _note_offset(self, path: str, proxied: ProxiedRequest) -> None:
        offset = read_integer(header_value(proxied.response_headers, "Upload-Offset"))
        if path in self._lengths and offset is not None:
            self._held[path] = max(self._held[path], offset)


def _is_lost(proxied: ProxiedRequest) -> bool:
    without = proxied.status is None and not proxied.answered_by_proxy
    return proxied.response_lost or without
