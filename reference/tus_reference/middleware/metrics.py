"""`Metrics`: what has happened, for Prometheus, under tusd's names (extra `metrics`).

Several processes on one port add up their numbers through files, in the multiprocess mode of
prometheus-client: PROMETHEUS_MULTIPROC_DIR has to name a folder for them before this module
is imported. There are no numbers about the process itself then.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector

from tus_reference.middleware.counted_body import CountedBody
from tus_reference.model import Refused, Response
from tus_reference.protocol.fields import effective_method

if TYPE_CHECKING:
    from tus_reference.handler import UnroutedHandler
    from tus_reference.middleware.layers import Respond
    from tus_reference.model import Request

# Clients choose methods freely, and each would be a series of its own.
_METHODS: Final = frozenset({"POST", "HEAD", "PATCH", "DELETE", "GET", "OPTIONS"})
_CODE = re.compile(rb"(ERR_[A-Z0-9_]+):")

# The client library appends _total to each counter and adds a time of creation; tusd does not.
_TOTAL_SUFFIX = re.compile(
    rb"^((?:# (?:HELP|TYPE) )?tusd_(?:bytes_received|uploads_[a-z]+))_total", re.M
)
_CREATED_SERIES = re.compile(rb"^(?:# (?:HELP|TYPE) )?tusd_[a-z_]+_created(?:\{.*\})? .*\n", re.M)


class MetricsPage:
    """A layer that answers GET of `path` with what `metrics` has counted, and counts nothing."""

    def __init__(self, metrics: Metrics, path: str) -> None:
        self.path = path
        self._metrics = metrics

    def is_asked_for(self, request: Request) -> bool:
        """Return whether a request asks for this page."""
        return request.path == self.path and request.method in {"GET", "HEAD"}

    def respond(self) -> Response:
        """Return the page."""
        return Response(200, (("Content-Type", CONTENT_TYPE_LATEST),), self._metrics.render())

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Answer with the page, or let others answer."""
        return self.respond() if self.is_asked_for(request) else await respond(request)


class Metrics:
    """A layer that counts, and answers GET of `path` with the counts.

    With `counts_only` it leaves that to a `MetricsPage`, which another listener can have.
    """

    def __init__(
        self, handler: UnroutedHandler, path: str = "/metrics", *, counts_only: bool = False
    ) -> None:
        self.page = MetricsPage(self, path)
        self._counts_only = counts_only
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "tusd_requests", "Requests, by method.", ["method"], registry=registry
        )
        self._errors = Counter(
            "tusd_errors",
            "Error responses, by status and code.",
            ["status", "code"],
            registry=registry,
        )
        self._bytes = Counter(
            "tusd_bytes_received", "Bytes of request bodies received.", registry=registry
        )
        self._open_connections = Gauge(
            "tusd_connections_open",
            "Open connections.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._streams = [
            (stream, Counter(f"tusd_uploads_{what}", f"Uploads {what}.", registry=registry))
            for what, stream in (
                ("created", handler.created_uploads),
                ("finished", handler.complete_uploads),
                ("terminated", handler.terminated_uploads),
            )
        ]
        self._completions = handler.uploads.completions
        self._pending = Gauge(
            "tus_reference_completions_pending",
            "Complete uploads that the storage could not finish yet.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._failures = Counter(
            "tus_reference_completion_failures",
            "Attempts to finish a complete upload that failed.",
            registry=registry,
        )
        self._counted_failures = 0
        self._counted = [0] * len(self._streams)
        self._is_shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        if not self._is_shared:
            ProcessCollector(registry=registry)

    def add_connections(self, difference: int) -> None:
        """Take note of connections that came or went."""
        self._open_connections.inc(difference)

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Count a request and its answer."""
        if not self._counts_only and self.page.is_asked_for(request):
            return self.page.respond()
        self._requests.labels(_method(request)).inc()
        if request.body.length != 0:
            request = replace(request, body=CountedBody(request.body, self._bytes.inc))
        try:
            response = await respond(request)
        finally:
            self._count_uploads()
        if response.status >= 400:
            code = _CODE.match(response.body) if isinstance(response.body, bytes) else None
            error_code = "" if code is None else code[1].decode()
            self._errors.labels(str(response.status), error_code).inc()
        return response

    def render(self) -> bytes:
        """Return all numbers in the text format of Prometheus."""
        self._count_uploads()
        registry = self._registry
        if self._is_shared:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return _TOTAL_SUFFIX.sub(rb"\1", _CREATED_SERIES.sub(b"", generate_latest(registry)))

    def _count_uploads(self) -> None:
        """Count what happened to uploads since; some of it happens without a request."""
        for place, (stream, counter) in enumerate(self._streams):
            if stream.total != self._counted[place]:
                counter.inc(stream.total - self._counted[place])
                self._counted[place] = stream.total
        self._pending.set(len(self._completions))
        self._failures.inc(self._completions.failures - self._counted_failures)
        self._counted_failures = self._completions.failures


def _method(request: Request) -> str:
    try:
        method = effective_method(request.method, request.headers)
    except Refused:
        method = ""
    return method if method in _METHODS else "other"
