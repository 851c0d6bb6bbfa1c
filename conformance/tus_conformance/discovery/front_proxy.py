"""What a proxy in front of the server does, as far as scenarios depend on it: found before them.

Only what is certain counts, since a violation of the server must not be excused: a response is that
of a proxy only if it is the error page of a product that was recognised. One that merely lacks
Tus-Resumable may be the server's own, and is evaluated.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha1

import trio

from tus_conformance.discovery.body_arrival import is_kept_back
from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.discovery.intermediary import (
    drops_trailers,
    recognise_page,
    request_that_a_parser_refuses,
)
from tus_conformance.discovery.prober import OFFSET_TYPE, Prober, TargetUnreachable, succeeded
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.origin_guard import OtherOriginError
from tus_conformance.targets.target import Target
from tus_conformance.targets.target_transport import UnsupportedByTransportError
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpRequest, HttpResponse, Payload

_CONTENT = b"12345"
_ADVICE = "`tus-conformance doctor` says more about it."


class BlockedByProxyError(TargetUnreachable):
    """A proxy refuses what every upload needs; the message says which method and who."""


@dataclass
class FrontProxy:
    """What is known of a proxy: its name, and why extensions cannot be tested through it.

    `notices` are what the user should know before the results, which they do not change.
    """

    name: str = ""
    notices: list[str] = field(default_factory=list)
    obstructed: dict[str, str] = field(default_factory=dict)
    exchange_count: int = 0


async def examine_front_proxy(
    target: Target, transport: Transport, found: DiscoveryResult, left_behind: LeftBehind
) -> FrontProxy:
    """Return what a proxy obstructs; raise BlockedByProxyError where nothing can be tested."""
    prober = Prober(target, transport)
    front = FrontProxy()
    try:
        await _examine(prober, front, found)
    except (UnsupportedByTransportError, OtherOriginError):
        pass  # what cannot be asked is not known, and nothing is obstructed by it
    except TargetUnreachable as blocked:
        blocked.exchanges = tuple(prober.exchanges)
        raise
    finally:
        with trio.CancelScope(shield=True):
            await prober.clean_up(left_behind)
    front.exchange_count = len(prober.exchanges)
    return front


async def _examine(prober: Prober, front: FrontProxy, found: DiscoveryResult) -> None:
    created, url = await prober.create_upload(("Upload-Length", str(len(_CONTENT))))
    _ensure_not_blocked("POST", created)
    if url is None:
        return
    patched = await prober.patch(url, 0, _CONTENT)
    _ensure_not_blocked("PATCH", patched)
    if found.advertises("termination"):
        deleted = await prober.send("DELETE", url)
        if product := recognise_page(deleted):
            front.obstructed["termination"] = _describe_refusal("DELETE", deleted, product)
    broken = await prober.transport.send(request_that_a_parser_refuses(prober.target.url))
    front.name = recognise_page(broken)
    if not front.name:
        return
    if found.advertises("checksum-trailer") and drops_trailers(front.name):
        await _examine_trailers(prober, front)
    if await is_kept_back(prober):
        front.notices.append(
            f"{front.name} is in front of the server, and of a PATCH that breaks halfway nothing"
            " is stored: its body seems to be buffered, so that no upload can be resumed."
            f" {_ADVICE}"
        )


def _ensure_not_blocked(method: str, response: HttpResponse) -> None:
    product = recognise_page(response)
    if product and response.status in {403, 405, 501}:
        raise BlockedByProxyError(_describe_refusal(method, response, product))


def _describe_refusal(method: str, response: HttpResponse, product: str) -> str:
    return (
        f"{method} got {response.status} with an error page of {product}, so it does not reach the"
        f" tus server: allow {method} there. {_ADVICE}"
    )


async def _examine_trailers(prober: Prober, front: FrontProxy) -> None:
    right = await _send_checksum_trailer(prober, _CONTENT)
    wrong = await _send_checksum_trailer(prober, b"other")
    if right is None or wrong is None or (succeeded(right) and not succeeded(wrong)):
        return
    front.obstructed["checksum-trailer"] = (
        f"{front.name} is in front of the server and drops the trailers of requests: a PATCH with"
        f" the right checksum in its trailer got {right.status}, one with a wrong one"
        f" {wrong.status}. {_ADVICE}"
    )


async def _send_checksum_trailer(prober: Prober, content: bytes) -> HttpResponse | None:
    """Send a PATCH whose trailer has the checksum of a content; None without an upload."""
    _, url = await prober.create_upload(("Upload-Length", str(len(_CONTENT))))
    if url is None:
        return None
    digest = b64encode(sha1(content, usedforsecurity=False).digest()).decode()
    return await prober.transport.send(
        HttpRequest(
            method="PATCH",
            url=url,
            headers=(
                ("Tus-Resumable", "1.0.0"),
                *prober.target.headers,
                OFFSET_TYPE,
                ("Upload-Offset", "0"),
                ("Trailer", "Upload-Checksum"),
            ),
            payload=Payload.literal(_CONTENT),
            framing="chunked",
            trailers=(("Upload-Checksum", f"sha1 {digest}"),),
        )
    )
