"""What happened in a situation: every request, every upload, and what is stored in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tus_conformance.clients.honest_server import HonestServer
from tus_conformance.clients.seen_request import SeenRequest, SeenUpload

LATEST = 3
"""How many requests are the latest ones."""


@dataclass
class ClientLog:
    """The requests of a client and its uploads; `now` is the clock of the situation, in seconds."""

    now: Callable[[], float]
    requests: list[SeenRequest] = field(default_factory=list)
    uploads: dict[str, SeenUpload] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)
    offered: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    endpoint: str = ""
    prior: str = ""

    @property
    def last_activity(self) -> float:
        """Return when the client last began a request or had a response."""
        return max((each.responded or each.began for each in self.requests), default=0.0)

    def pauses(self) -> list[float]:
        """Return how long the client waited before each request but the first, in seconds."""
        ends = [each.responded or each.ended or each.began for each in self.requests]
        return [
            max(0.0, later.began - end) for end, later in zip(ends, self.requests[1:], strict=False)
        ]

    def gets_on(self) -> bool:
        """Return whether one of the latest requests brought an upload further than any before."""
        reached = [(each.offset_before or 0) + max(0, each.stored) for each in self.requests]
        late = [place for place in range(len(reached)) if place >= len(reached) - LATEST]
        return any(reached[at] > max(reached[:at], default=0) for at in late)

    @property
    def under_way(self) -> bool:
        """Return whether a request has no response yet."""
        return any(each.ended is None for each in self.requests)

    @property
    def misled(self) -> bool:
        """Return whether the client had a response that says something untrue."""
        return any(each.false_response and each.response is not None for each in self.requests)

    def of_method(self, *methods: str) -> list[SeenRequest]:
        """Return the requests of these methods, overrides counted as what they stand for."""
        return [each for each in self.requests if each.effective_method in methods]

    def about(self, upload: str) -> list[SeenRequest]:
        """Return the requests about one upload, its creation included."""
        return [each for each in self.requests if each.upload == upload]

    def add_upload(self, upload: SeenUpload) -> None:
        """Take note of a new upload."""
        self.uploads[upload.id] = upload

    async def read_back(self, server: HonestServer) -> None:
        """Ask the server what each upload holds in the end."""
        for upload in self.uploads.values():
            if not upload.removed:
                await read_upload(server, upload)


async def read_upload(server: HonestServer, upload: SeenUpload) -> None:
    """Store in `upload` what the server says and holds of it."""
    response = await server.offset(upload.id)
    if response.status not in {200, 204}:
        upload.removed = True
        return
    upload.offset = response.integer("Upload-Offset") or 0
    upload.length = response.integer("Upload-Length")
    upload.complete = upload.length is not None and upload.offset == upload.length
    upload.content = await server.read(upload.id) if upload.complete else bytes(upload.received)
