"""What happened to the uploads of a server, as far as a rule may depend on it."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tus_defects.kinds import brings_bytes
from tus_defects.message_edits import find_header
from tus_defects.rule import HistoryWord, Match
from tus_reference.model import Request, Response

SERVER_WORDS: frozenset[HistoryWord] = frozenset({"any-deleted", "any-refused", "any-final"})
"""What is remembered of a server as a whole."""


@dataclass(slots=True)
class History:
    """How many requests of each method each upload had, and what they did, by its id."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    words: defaultdict[str, set[HistoryWord]] = field(default_factory=lambda: defaultdict(set))

    def count(self, upload_id: str, method: str) -> int:
        """Count a request; return which of its method to its upload it is, from 1."""
        self.counts[upload_id, method] += 1
        return self.counts[upload_id, method]

    def fits(self, match: Match, upload_id: str, ordinal: int) -> bool:
        """Return whether a request is what a rule says of what happened before."""
        return (
            match.ordinal in {0, ordinal}
            and ordinal >= match.from_ordinal
            and all(
                word in self.words["" if word in SERVER_WORDS else upload_id]
                for word in match.history
            )
        )

    def note(
        self, request: Request, method: str, upload_id: str, response: Response | None
    ) -> None:
        """Remember what a request did; `response` is None if it got none."""
        status = 0 if response is None else response.status
        if method == "POST" and status == 201 and response is not None:
            created = (find_header(response, "Location") or "").rpartition("/")[2]
            words = set(_words_of_creation(request))
            self.words[created] |= words
            self.words[""] |= words & SERVER_WORDS
        else:
            self.words[upload_id].update(_words_of_request(request, method, response))
        if method == "DELETE" and 200 <= status < 300:
            self.words[""].add("any-deleted")
        if 400 <= status < 500:
            self.words[""].add("any-refused")


def _words_of_creation(request: Request) -> Iterator[HistoryWord]:
    joined = request.headers.joined
    concat = joined("Upload-Concat") or ""
    if brings_bytes(request):
        yield "created-with-upload"
        if request.body.length is None:
            yield "created-chunked"
    if joined("Upload-Defer-Length"):
        yield "created-deferred"
    if concat.startswith("partial"):
        yield "created-partial"
    if concat.startswith("final"):
        yield "created-final"
        yield "any-final"
    if (joined("Upload-Length") or "1").strip("0") == "":
        yield "created-empty"


def _words_of_request(
    request: Request, method: str, response: Response | None
) -> Iterator[HistoryWord]:
    status = 0 if response is None else response.status
    if response is None or response.reason == "ERR_UNEXPECTED_EOF":
        yield "broken"
    elif 400 <= status < 500:
        yield "refused"
    if status == 409:
        yield "refused-offset"
    if status == 460:
        yield "refused-checksum"
    if method == "DELETE" and 200 <= status < 300:
        yield "deleted"
    if "X-HTTP-Method-Override" in request.headers:
        yield "overridden"
    if method == "PATCH" and request.body.length is None:
        yield "chunked"
    if "Upload-Checksum" in request.headers:
        yield "checked"
