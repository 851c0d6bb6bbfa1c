"""What a proxy in front of the server does, as far as scenarios depend on it: found before them.

Only what is certain counts, since a violation of the server must not be excused: a response is that
of something else only if `response_origin` can show it, or if the same request gets through in
another way. One that merely lacks Tus-Resumable may be the server's own, and is evaluated.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha1
from urllib.parse import urljoin, urlsplit, urlunsplit

import trio

from tus_conformance.discovery.body_arrival import find_body_arrival
from tus_conformance.discovery.composed_request import OFFSET_TYPE, compose_patch
from tus_conformance.discovery.connection_passing import find_hidden_behaviour
from tus_conformance.discovery.discovery import DiscoveryResult, unknown_upload_url
from tus_conformance.discovery.intermediary import (
    drops_trailers,
    recognise_gateway,
    recognise_page,
    recognise_site,
    request_that_a_parser_refuses,
)
from tus_conformance.discovery.preflight import speaks_tus
from tus_conformance.discovery.prober import (
    NO_UPLOAD_STATUSES,
    Prober,
    TargetUnreachable,
    is_refusal,
    succeeded,
)
from tus_conformance.discovery.response_origin import ServerMarks, explain_foreign, learn_marks
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.origin_guard import OtherOriginError
from tus_conformance.targets.target import Target
from tus_conformance.targets.target_transport import UnsupportedByTransportError
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpResponse, Payload

_CONTENT = b"12345"
_ADVICE = "`tus-conformance doctor` says more about it."
TO_UPLOADS = "requests to uploads"
"""The key of what is obstructed for every request to the URL of an upload."""

PARTS_OF_BODIES = "parts of bodies"
"""The key for requests whose body ends or pauses before its end: the server gets none of it."""

CHARGED_SCENARIOS = {TO_UPLOADS: "creation.post", "PATCH": "core.patch.success"}
"""The scenario that is charged with what fails and may be the server's own."""


@dataclass
class FrontProxy:
    """What is known of a proxy: its name, and why something cannot be tested through it.

    `obstructed` has extensions, `obstructed_requests` methods, TO_UPLOADS or PARTS_OF_BODIES, each
    with the reason.
    `charged` has what fails for every upload and may be the server's own: the scenario that is
    charged with it fails, and the others are blocked. `hidden` is what cannot be seen through the
    proxy, and matters to few clients (`connection_passing`). `notices` are what the user should
    know before the results, which they do not change. `marks` are those of the server's responses,
    None where nothing shows that there is a proxy.
    """

    name: str = ""
    notices: list[str] = field(default_factory=list)
    obstructed: dict[str, str] = field(default_factory=dict)
    obstructed_requests: dict[str, str] = field(default_factory=dict)
    charged: dict[str, str] = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    marks: ServerMarks | None = None
    exchange_count: int = 0

    @property
    def all_notices(self) -> list[str]:
        """Return what the user should know first, a sentence or two for each cause."""
        requests = self.obstructed_requests
        others = {
            name: reason
            for name, reason in self.obstructed.items()
            if reason not in requests.values()
        }
        return [
            *(f"What needs it is blocked: {reason}" for reason in requests.values()),
            *(f"{name} is not tested: {reason}" for name, reason in others.items()),
            *(
                f"{CHARGED_SCENARIOS[key]} fails of this, and what needs it is blocked: {reason}"
                for key, reason in self.charged.items()
            ),
            *self.notices,
        ]


async def examine_front_proxy(
    target: Target, transport: Transport, found: DiscoveryResult, left_behind: LeftBehind
) -> FrontProxy:
    """Return what a proxy obstructs."""
    prober = Prober(target, transport)
    front = FrontProxy()
    try:
        await _Examination(prober, front, found).run()
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


@dataclass
class _Examination:
    """One examination: `marks` are what the responses of the server have in common."""

    prober: Prober
    front: FrontProxy
    found: DiscoveryResult
    marks: ServerMarks = field(default_factory=ServerMarks)

    async def run(self) -> None:
        """Find out what is obstructed."""
        prober, front = self.prober, self.front
        target_url = prober.target.url
        broken = await prober.transport.send(request_that_a_parser_refuses(target_url))
        front.name = recognise_page(broken)
        options = await prober.send("OPTIONS", target_url)
        created, url = await self._create()
        place = unknown_upload_url(url or target_url, created=url is not None)
        unknown = await prober.send("HEAD", place)
        responses = {"OPTIONS": options, "POST": created}
        if url is not None:
            responses["HEAD"] = await prober.send("HEAD", url)
            responses["PATCH"] = await prober.patch(url, 0, _CONTENT)
        self.marks = learn_marks((*responses.values(), unknown))
        front.name = front.name or recognise_gateway((*responses.values(), unknown))
        if not front.name:
            root = await prober.send("GET", urljoin(target_url, "/"))
            front.name = recognise_site(root, self.marks.servers)
        if url is None:
            await self._examine_method("POST", created)
        elif not await self._examine_location(url, responses["HEAD"], responses["PATCH"]):
            await self._examine_method("HEAD", responses["HEAD"])
            await self._examine_method("PATCH", responses["PATCH"])
            await self._examine_delete()
        if front.name or front.obstructed_requests:
            front.marks = self.marks
        if front.name and not (front.obstructed_requests or front.charged):
            await self._examine_bodies()

    async def _create(self) -> tuple[HttpResponse, str | None]:
        return await self.prober.create_upload(("Upload-Length", str(len(_CONTENT))))

    async def _send(self, method: str) -> HttpResponse | None:
        """Send a request of a method to a new upload; None where there is none."""
        created, url = await self._create()
        if method == "POST":
            return created
        if url is None:
            return None
        if method == "PATCH":
            return await self.prober.patch(url, 0, _CONTENT)
        return await self.prober.send(method, url)

    async def _examine_method(self, method: str, first: HttpResponse) -> None:
        """Note a method that does not reach the server; ask twice, since once may be chance."""
        why = explain_foreign(first, self.marks)
        if why:
            again = await self._send(method)
            if again is None or not explain_foreign(again, self.marks):
                return
        elif method == "PATCH":
            why = await self._explain_by_override(first)
            if not why:
                await self._charge_refused_patch(first)
        if why:
            self.front.obstructed_requests[method] = (
                f"{method} got {_describe_status(first)} {why}, so it does not reach the tus"
                f" server: allow {method} in front of it. {_ADVICE}"
            )

    async def _explain_by_override(self, patched: HttpResponse) -> str:
        """Return why a PATCH is refused in front of a server that takes it in another way."""
        silent = patched.status is None and patched.closed and bool(self.front.name)
        if speaks_tus(patched) or not (silent or is_refusal(patched.status)):
            return ""
        _, url = await self._create()
        if url is None:
            return ""
        overridden = await self.prober.send(
            "POST",
            url,
            ("X-HTTP-Method-Override", "PATCH"),
            OFFSET_TYPE,
            ("Upload-Offset", "0"),
            body=_CONTENT,
        )
        if not (succeeded(overridden) and speaks_tus(overridden)):
            return ""
        return (
            "without any header of tus, while POST with X-HTTP-Method-Override: PATCH reaches the"
            " server"
        )

    async def _charge_refused_patch(self, first: HttpResponse) -> None:
        """Note that every PATCH is refused, also of a part, without a header of tus."""
        if speaks_tus(first) or not is_refusal(first.status):
            return
        _, url = await self.prober.create_upload(("Upload-Length", str(2 * len(_CONTENT))))
        if url is None:
            return
        again = await self.prober.patch(url, 0, _CONTENT)
        if again.status == first.status and not speaks_tus(again):
            self.front.charged["PATCH"] = (
                f"Every PATCH got {first.status} without any header of tus (core.patch.accept):"
                " either the server does not know PATCH, or something in front of it does not let"
                f" it through. {_ADVICE}"
            )

    async def _examine_delete(self) -> None:
        if not self.found.advertises("termination"):
            return
        deleted = await self._send("DELETE")
        if deleted is None:
            return
        await self._examine_method("DELETE", deleted)
        if "DELETE" in self.front.obstructed_requests:
            self.prober.can_terminate = False
            self.front.obstructed["termination"] = self.front.obstructed_requests["DELETE"]

    async def _examine_location(self, url: str, head: HttpResponse, patched: HttpResponse) -> bool:
        """Return whether the Location of a new upload leads to something else than the server."""
        why = explain_foreign(head, self.marks) or explain_foreign(patched, self.marks)
        if not why or speaks_tus(head) or speaks_tus(patched):
            return await self._charge_lost_location(url, head, patched)
        path = urlsplit(url).path
        for other in _other_places(self.prober.target.url, url):
            found = await self.prober.send("HEAD", other)
            if succeeded(found) and speaks_tus(found):
                self.prober.transport.urls.append(other)
                self.front.obstructed_requests[TO_UPLOADS] = (
                    f"Location has the path {path}, which got {_describe_status(head)} {why}. The"
                    f" upload is at {urlsplit(other).path}: something in front of the server"
                    f" changes paths, and the server does not know it. {_ADVICE}"
                )
                return True
        if is_refusal(head.status) and head.status == patched.status != 404:
            return False  # a matter of both methods, not of the place
        self.front.obstructed_requests[TO_UPLOADS] = (
            f"A new upload is not found at its Location: HEAD of {path} got"
            f" {_describe_status(head)} and PATCH {_describe_status(patched)}, {why}. {_ADVICE}"
        )
        return True

    async def _charge_lost_location(
        self, url: str, head: HttpResponse, patched: HttpResponse
    ) -> bool:
        """Return whether Location leads to no upload; the server or a proxy may have written it."""
        if not {head.status, patched.status} <= NO_UPLOAD_STATUSES:
            return False
        _, other = await self._create()
        if other is None:
            return False
        again = await self.prober.send("HEAD", other), await self.prober.patch(other, 0, _CONTENT)
        if not {each.status for each in again} <= NO_UPLOAD_STATUSES:
            return False
        places = _other_places(self.prober.target.url, url)
        found = [each for each in places if succeeded(await self.prober.send("HEAD", each))]
        where = f" The upload is at {urlsplit(found[0]).path}." if found else ""
        self.prober.transport.urls += found
        self.front.charged[TO_UPLOADS] = (
            f"A new upload is not found at its Location (creation.post.location): HEAD of"
            f" {urlsplit(url).path} got {head.status}, PATCH {patched.status}.{where} {_ADVICE}"
        )
        return True

    async def _examine_bodies(self) -> None:
        """Look for trailers that are dropped, and for bodies that are kept back."""
        front = self.front
        if self.found.advertises("checksum-trailer") and drops_trailers(front.name):
            await _examine_trailers(self.prober, front)
        front.hidden = await find_hidden_behaviour(self.prober, front.name)
        arrival = await find_body_arrival(self.prober)
        if arrival == "at-its-end":
            front.obstructed_requests[PARTS_OF_BODIES] = (
                f"Request bodies are buffered by {front.name}: nothing is stored of a PATCH that"
                " breaks off halfway, and HEAD with a body is answered only at the end of the"
                " body. So no upload can be resumed, and the server never sees an interruption:"
                f" turn the buffering of requests off in {front.name}. If it is off, the server"
                f" itself reads whole bodies first: run the suite without {front.name}. {_ADVICE}"
            )
        elif arrival == "unknown":
            front.notices.append(
                f"{front.name} is in front of the server, and of a PATCH that breaks halfway"
                " nothing is stored: its body seems to be buffered, so that no upload can be"
                f" resumed. {_ADVICE}"
            )


def _describe_status(response: HttpResponse) -> str:
    return "no response" if response.status is None else str(response.status)


def _other_places(target: str, url: str) -> list[str]:
    """Return where else an upload may be: below the path of the target, and without a slash."""
    parts = urlsplit(url)
    folder, name = urlsplit(target).path.rstrip("/"), parts.path.rstrip("/").rpartition("/")[2]
    paths = [f"{folder}/{name}", parts.path.rstrip("/")] if name else []
    return [urlunsplit(parts._replace(path=each)) for each in paths if each != parts.path]


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
        compose_patch(
            prober.target,
            url,
            0,
            Payload.literal(_CONTENT),
            ("Trailer", "Upload-Checksum"),
            framing="chunked",
            trailers=(("Upload-Checksum", f"sha1 {digest}"),),
        )
    )
