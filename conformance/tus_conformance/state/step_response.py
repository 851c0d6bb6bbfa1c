"""An answer as a scenario sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tus_conformance.state.upload import UploadState
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value

FinishState = Literal[
    "verified",
    "unverified",
    "unreadable",
    "unfinished",
    "completion-refused",
    "wrong-byte",
    "wrong-length",
    "offset-beyond-length",
]
"""What an upload came to that was resumed, completed and compared.

- `verified`: complete, and every byte that was read back is right.
- `unverified`: complete, and nothing offers its bytes.
- `unreadable`: complete, and not to be read on a server that offers downloads.
- `unfinished`: it could not be completed.
- `completion-refused`: HEAD says that it is complete, and the request that completed it failed.
- `wrong-byte`, `wrong-length`, `offset-beyond-length`: bytes were lost, mixed or doubled.
"""


@dataclass(frozen=True)
class StepResponse:
    """What came back for a request on `url`; `exchange_index` is its place in the attempt, from 0.

    `upload` is the upload the request was about, `body_start` the position in its content where the
    request's body began, and `offsets_before` the offsets, by upload, that were acknowledged when
    it was sent. `finish_state` is None but for a `finish`: there it is what the upload came to, and
    `finding` says it. `foreign` says why it is not the response of the tus server, if it is not.
    """

    http_response: HttpResponse
    method: str
    url: str
    exchange_index: int
    upload: UploadState | None = None
    body_start: int = 0
    offsets_before: Mapping[str, int] = field(default_factory=dict)
    finish_state: FinishState | None = None
    finding: str = ""
    foreign: str = ""

    @property
    def status(self) -> int | None:
        """Return the status of the final response, or None where there was none."""
        return self.http_response.status

    @property
    def closed(self) -> bool:
        """Return whether the server closed the connection without a final answer."""
        return self.http_response.closed

    @property
    def succeeded(self) -> bool:
        """Return whether the final response is a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_server_error(self) -> bool:
        """Return whether the final response is a 5xx; 501 only says what is not implemented."""
        return self.status is not None and self.status >= 500 and self.status != 501

    def header(self, name: str) -> str | None:
        """Return a header's value, several lines joined by a comma, or None."""
        return header_value(self.http_response.headers, name)

    @property
    def creates_upload(self) -> bool:
        """Return whether the server handled the request as a creation, whatever it asked for.

        A server that does not know X-HTTP-Method-Override may take a POST with it for a creation.
        That says nothing of the upload at the URL.
        """
        sent_method = self.http_response.exchange.method
        return sent_method == "POST" and self.status == 201 and self.header("Location") is not None
