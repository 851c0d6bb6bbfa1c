"""Whether there is a tus server at the target, before anything is judged.

A server shows that it speaks tus by a header of the protocol in its response to OPTIONS or to a
creation. One that does so is judged, however many of its responses are wrong. What shows none gets
no verdict: the user gets two sentences, what is there and what to do. A server whose OPTIONS is
broken is still judged, because its response to POST decides.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import trio

from tus_conformance.discovery.creation_needs import may_need_more
from tus_conformance.discovery.endpoint_kinds import describe_endpoint
from tus_conformance.discovery.other_protocols import describe_other_protocol
from tus_conformance.discovery.prober import (
    Prober,
    TargetUnreachable,
    succeeded,
)
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpResponse
from tus_conformance.transport.header_values import header_value, resolve_url

USUAL_METADATA = "filename dXBsb2FkLmJpbg==,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"
"""A name and a media type: what servers that require metadata most often require."""

_TUS_HEADERS = frozenset(
    {
        "upload-offset",
        "upload-length",
        "upload-expires",
        "upload-defer-length",
        "upload-concat",
        "upload-metadata",
    }
)
_DRAFT_HEADERS = frozenset({"upload-draft-interop-version", "upload-complete", "upload-limit"})
"""Headers of the IETF's draft "Resumable Uploads for HTTP", which is another protocol."""

_USUAL_PATHS = ("/files/", "/files", "/uploads/", "/upload/", "/tus/", "/api/files/", "/")
_NOT_HERE = frozenset({301, 302, 303, 307, 308, 404, 405, 501})


def speaks_tus(http_response: HttpResponse) -> bool:
    """Return whether a response has a header that only tus servers send."""
    names = {name.lower() for name, _ in http_response.headers}
    if any(name.startswith("tus-") for name in names):
        return True
    return bool(names & _TUS_HEADERS) and not names & _DRAFT_HEADERS


async def ensure_endpoint(target: Target, transport: Transport) -> None:
    """Raise TargetUnreachable unless the target is where a tus server creates uploads.

    It is a NotATusServerError for anything else. The upload that this creates is removed.
    """
    prober = Prober(target, transport)
    try:
        options = await prober.send("OPTIONS", target.url)
        await ensure_reachable(prober, options)
        await ensure_tus(prober, options)
        creation, _ = await prober.create_upload(("Upload-Length", "1"))
        await ensure_path(prober, options, creation.status)
    finally:
        with trio.CancelScope(shield=True):
            await prober.clean_up(LeftBehind())


async def ensure_reachable(prober: Prober, options: HttpResponse) -> None:
    """Raise TargetUnreachable if OPTIONS got no HTTP response, and nothing else does either.

    It is a NotATusServerError where the server speaks another protocol. A server that fails for
    OPTIONS alone is broken, and is judged.
    """
    if options.failure is None or options.status is not None:
        return
    if options.failure.kind not in {"unreachable", "tls"}:
        creation, _ = await prober.create_upload(("Upload-Length", "1"))
        if creation.status is not None:
            return
    other = await describe_other_protocol(prober.target, options.failure)
    if other:
        raise prober.error_without_tus(other)
    raise TargetUnreachable(options.failure.message)


async def ensure_tus(prober: Prober, options: HttpResponse) -> None:
    """Raise NotATusServerError where neither OPTIONS nor a creation gets an answer of tus."""
    if speaks_tus(options) or prober.target.profile.commands.upload is not None:
        return
    creation, url = await prober.create_upload(("Upload-Length", "1"))
    if speaks_tus(creation) or (url and await _upload_speaks_tus(prober, url)):
        return
    # Some answer 404 or 500 to a creation without metadata, as if there were nothing.
    if may_need_more(creation.status) and prober.target.profile.metadata is None:
        usual = ("Upload-Metadata", USUAL_METADATA)
        again, _ = await prober.create_upload(("Upload-Length", "1"), usual)
        if speaks_tus(again):
            return
    found = await _find_endpoint(prober, options, creation)
    shown = prober.target.redaction.redact_text(found)
    description = describe_endpoint(prober.shown_url, options, creation, shown)
    raise prober.error_without_tus(description, found)


async def ensure_path(prober: Prober, options: HttpResponse, creation_status: int | None) -> None:
    """Raise NotATusServerError if creations work at another path of this tus server.

    Some servers answer OPTIONS at every path, so only a creation shows that the path is right.
    """
    if creation_status not in _NOT_HERE or prober.target.profile.commands.upload is not None:
        return
    if not speaks_tus(options):
        return
    found = await _find_endpoint(prober, options, None)
    if found:
        raise prober.error_without_tus(
            f"{prober.shown_url} answers POST with {creation_status}; this tus server creates"
            f" uploads at another path. Use {prober.target.redaction.redact_text(found)} instead.",
            found,
        )


async def _upload_speaks_tus(prober: Prober, url: str) -> bool:
    """Return whether HEAD or PATCH of what a POST created gets an answer of tus."""
    return speaks_tus(await prober.send("HEAD", url)) or speaks_tus(await prober.patch(url, 0, b""))


async def _find_endpoint(
    prober: Prober, options: HttpResponse, creation: HttpResponse | None
) -> str:
    """Return a URL of the same server where uploads can be created, or nothing."""
    for url in _other_urls(prober.target.url, (options, creation)):
        answered = await prober.send("OPTIONS", url)
        if answered.failure is not None and answered.status is None:
            return ""
        if not speaks_tus(answered):
            continue
        metadata = ("Upload-Metadata", prober.target.profile.metadata or USUAL_METADATA)
        created = await prober.send("POST", url, ("Upload-Length", "1"), metadata)
        if succeeded(created) and header_value(created.headers, "Location"):
            return url
    return ""


def _other_urls(url: str, answers: tuple[HttpResponse | None, ...]) -> list[str]:
    """Return where else the endpoint may be: where a redirect leads, its folder, usual paths."""
    parts = urlsplit(url)
    redirects = [
        resolve_url(header_value(each.headers, "Location") or "", url)
        for each in answers
        if each is not None and each.status is not None and 300 <= each.status < 400
    ]
    path = parts.path or "/"
    folder = path.rstrip("/").rpartition("/")[0]
    paths = [path.rstrip("/") or "/", f"{path.rstrip('/')}/", f"{folder}/", folder or "/"]
    urls = [*redirects, *(_at_path(url, each) for each in (*paths, *_USUAL_PATHS))]
    same = [each for each in urls if each and urlsplit(each).netloc == parts.netloc and each != url]
    return list(dict.fromkeys(same))


def _at_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=path, query="", fragment=""))
