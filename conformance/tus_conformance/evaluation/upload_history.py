"""What clients said of each upload over a run, by URL, for the invariants that depend on it.

Only facts that no later exchange can contradict are kept, so that an invariant never depends on the
order in which concurrent exchanges end.
"""

from __future__ import annotations

from dataclasses import dataclass

from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport import HttpRequest
from tus_conformance.transport.header_values import (
    header_value,
    parse_concat,
    parse_metadata,
    read_integer,
    resolve_url,
)
from tus_scenarios import Scenario


@dataclass
class UploadFacts:
    """What is known of an upload; sizes are in bytes.

    `length` is the one of its creation, None if that was deferred or is not a plain integer.
    `length_sent` says that a later request stated a length, whatever became of it. `concat` is the
    Upload-Concat of its creation, None where the server need not know the header.
    `parts_metadata` has the pairs that the partial uploads of a final one were created with.
    `has_expiration_date` says that a response about it had Upload-Expires, and `returns_metadata`
    that one had Upload-Metadata.
    """

    length: int | None = None
    deferred: bool = False
    length_sent: bool = False
    metadata: str | None = None
    concat: str | None = None
    parts_metadata: frozenset[tuple[str, bytes]] = frozenset()
    has_expiration_date: bool = False
    returns_metadata: bool = False

    @property
    def is_final(self) -> bool:
        """Return whether it is a concatenation."""
        return self.concat is not None and self.concat.startswith("final")

    @property
    def is_partial(self) -> bool:
        """Return whether it is a partial upload."""
        return self.concat == "partial"


class UploadHistory:
    """The facts of every upload that was created in a run."""

    def __init__(self) -> None:
        self._facts: dict[str, UploadFacts] = {}

    def find(self, url: str) -> UploadFacts | None:
        """Return what is known of the upload at a URL; None if the run did not create one there."""
        return self._facts.get(url)

    def add_exchange(
        self, scenario: Scenario, method: str, http_request: HttpRequest, reply: StepResponse
    ) -> None:
        """Take in an exchange, after the invariants have looked at it."""
        if http_request.method == "POST" and method == "POST" and reply.succeeded:
            location = resolve_url(reply.header("Location") or "", reply.url)
            if location is not None:
                created = _facts_of_creation(scenario, http_request, reply)
                created.parts_metadata = self._find_parts_metadata(created, reply.url)
                self._facts[location] = created
            return
        facts = self.find(http_request.url)
        if facts is None:
            return
        facts.length_sent |= header_value(http_request.headers, "Upload-Length") is not None
        facts.has_expiration_date |= reply.succeeded and reply.header("Upload-Expires") is not None
        facts.returns_metadata |= reply.succeeded and reply.header("Upload-Metadata") is not None

    def _find_parts_metadata(self, created: UploadFacts, base: str) -> frozenset[tuple[str, bytes]]:
        """Return the metadata of the partial uploads that a final one lists."""
        if not created.is_final:
            return frozenset()
        _, *urls = parse_concat(created.concat or "", base) or ("",)
        listed = [self._facts[url].metadata for url in urls if url in self._facts]
        pairs = [parse_metadata(each) or {} for each in listed if each is not None]
        return frozenset(pair for each in pairs for pair in each.items())


def _facts_of_creation(
    scenario: Scenario, http_request: HttpRequest, reply: StepResponse
) -> UploadFacts:
    length = header_value(http_request.headers, "Upload-Length")
    defer = header_value(http_request.headers, "Upload-Defer-Length")
    stated = read_integer(length) if defer is None else None
    # A server without the extension may ignore Upload-Concat and create an ordinary upload.
    concat = header_value(http_request.headers, "Upload-Concat")
    return UploadFacts(
        length=stated if concat in {None, "partial"} else None,
        deferred=defer == "1" and length is None,
        metadata=header_value(http_request.headers, "Upload-Metadata"),
        concat=None if "concatenation" in scenario.lacks else concat,
        has_expiration_date=reply.header("Upload-Expires") is not None,
    )
