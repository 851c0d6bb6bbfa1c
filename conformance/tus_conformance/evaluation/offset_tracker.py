"""Offsets over a run: what a server acknowledged of each upload, and whether that went back."""

from __future__ import annotations

from dataclasses import dataclass, field

from tus_conformance.evaluation.invariant import InvariantResult, Observation
from tus_conformance.transport.header_values import is_integer, parse_integer, resolve_url


@dataclass
class OffsetHistory:
    """What a server acknowledged of one upload: each higher offset, and when.

    Times are in seconds since the run began; what was asked before `since` is about another upload.
    """

    since: float = 0.0
    acknowledgements: list[tuple[int, float]] = field(default_factory=list)

    def highest_before(self, when: float) -> int:
        """Return the highest offset that was acknowledged before a time."""
        return max((offset for offset, ended in self.acknowledgements if ended <= when), default=0)

    def acknowledge(self, offset: int, ended: float) -> None:
        """Record an offset, unless as much was acknowledged by then."""
        if offset > self.highest_before(ended):
            self.acknowledgements.append((offset, ended))


class OffsetTracker:
    """The lives of uploads by URL, whatever connection, scenario or branch speaks of them."""

    def __init__(self) -> None:
        self._histories: dict[str, OffsetHistory] = {}

    def check_not_decreasing(self, observation: Observation) -> InvariantResult | None:
        """Look whether an offset went back after it had been acknowledged.

        Only a request that began after the answer with the higher offset was there can be blamed.
        """
        exchange = observation.reply.http_response.exchange
        ended = exchange.at + max((event.at for event in exchange.events), default=0.0)
        url = self._track_upload(observation, ended)
        value = observation.reply.header("Upload-Offset")
        if url is None or not observation.reply.succeeded or value is None or not is_integer(value):
            return None
        history = self._histories.setdefault(url, OffsetHistory())
        if exchange.at < history.since:
            return None
        before = history.highest_before(exchange.at)
        history.acknowledge(parse_integer(value), ended)
        expected = f"Upload-Offset of at least {before}, which was acknowledged before"
        actual = f"Upload-Offset: {value}"
        if parse_integer(value) < before:
            return InvariantResult("fail", expected, actual, rule="data-loss")
        return InvariantResult("pass", expected, actual)

    def _track_upload(self, observation: Observation, ended: float) -> str | None:
        """Return the URL of the upload that an answer speaks of; its life may begin or end here."""
        upload = observation.reply.upload
        if observation.reply.succeeded and observation.method == "POST":
            location = resolve_url(
                observation.reply.header("Location") or "", observation.reply.url
            )
            if location is not None:
                self._histories[location] = OffsetHistory(
                    observation.reply.http_response.exchange.at
                )
            return location
        if upload is None or observation.http_request.url != upload.url:
            return None
        if observation.reply.succeeded and observation.method == "DELETE":
            self._histories[upload.url] = OffsetHistory(ended)
        return upload.url
