"""What requests and responses of all tus methods have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tus_reference.model import Refused, errors
from tus_reference.model.http_messages import Response
from tus_reference.notifications import HTTPRequest
from tus_reference.protocol import http_date
from tus_reference.protocol.checksum import parse_checksum
from tus_reference.protocol.fields import announces_trailer

if TYPE_CHECKING:
    from tus_reference.model import FileInfo, Request, TusError
    from tus_reference.notifications import HTTPResponse
    from tus_reference.protocol.checksum import Checksum


@dataclass(frozen=True, slots=True)
class BodyCheck:
    """How a body is verified: by this checksum, or with `spooled` alone by its trailer.

    Without `reads_trailer` a checksum in a trailer is ignored.
    """

    checksum: Checksum | None = None
    spooled: bool = False
    reads_trailer: bool = True


def parse_body_check(request: Request, *, reads_trailer: bool) -> BodyCheck:
    """Return how the client wants its body verified; raise `Refused` (400) if malformed."""
    text = request.headers.one("Upload-Checksum")
    in_trailer = reads_trailer and request.body.length is None
    announced = in_trailer and announces_trailer(request.headers, "Upload-Checksum")
    if text is None:
        return BodyCheck(spooled=announced, reads_trailer=reads_trailer)
    if announced:
        raise Refused(errors.INVALID_CHECKSUM.because("send Upload-Checksum once, not twice"))
    return BodyCheck(parse_checksum(text), spooled=True, reads_trailer=reads_trailer)


def describe_request(request: Request) -> HTTPRequest:
    """Return what callbacks and notifications may know about a request."""
    return HTTPRequest(request.method, request.target, request.remote_addr, request.headers)


def expiry_headers(info: FileInfo) -> tuple[tuple[str, str], ...]:
    """Return Upload-Expires for an upload that is going to expire (Expiration)."""
    if info.expires is None or info.is_complete:
        return ()
    return (("Upload-Expires", http_date(info.expires)),)


def error_response(error: TusError) -> Response:
    """Return an error as an answer: its code and its sentence, as text."""
    text = f"{error.code}: {error.message}\n"
    headers = (("Content-Type", "text/plain; charset=utf-8"),)
    return Response(error.status, headers, text.encode(), error.code)


def merge_reply(response: Response, reply: HTTPResponse) -> Response:
    """Return `response` with the changes of a callback."""
    changed = Response(reply.status or response.status, reply.headers, reply.body or response.body)
    return changed.with_headers(*response.headers)
