"""Liberties that need more than a rule: order, bodies, codings, algorithms."""

import gzip
from dataclasses import replace

from tus_defects.call import Call
from tus_defects.message_edits import answer, find_header, rewrite, set_header, succeeded, with_body
from tus_defects.rule import Match
from tus_defects.variant import quirk
from tus_reference.model import BodyEndedEarly, Download, Response


@quirk("lists-in-another-order", Match(method="OPTIONS"), client=True)
async def reverse_lists(call: Call) -> Response:
    """Lists of OPTIONS are in reverse order at each second time."""
    response = await call.respond()
    call.memory.marked ^= {"reversed"}
    if call.memory.marked:
        for name in ("Tus-Extension", "Tus-Checksum-Algorithm"):
            response = rewrite(response, name, lambda text: ",".join(text.split(",")[::-1]))
    return response


@quirk("metadata-in-another-order", Match(method="HEAD"), client=True)
async def reverse_metadata(call: Call) -> Response:
    """HEAD returns metadata with spaces after commas, in reverse order at each second time."""
    response = await call.respond()
    call.memory.marked ^= {"reversed"}
    step = -1 if call.memory.marked else 1
    return rewrite(response, "Upload-Metadata", lambda text: ", ".join(text.split(",")[::step]))


@quirk("creation-with-body", Match(request=("creation",)), client=True)
async def describe_creation(call: Call) -> Response:
    """The response to a creation has a body in JSON, and headers that HEAD has."""
    response = await call.respond()
    info = await call.find_created(response)
    if info is None:
        return response
    response = set_header(response, "Content-Type", "application/json")
    if info.size is not None:
        response = set_header(response, "Upload-Length", str(info.size))
    if info.metadata_header:
        response = set_header(response, "Upload-Metadata", info.metadata_header)
    return replace(response, body=b'{"id": "%b"}' % info.id.encode())


@quirk("long-error-pages", client=True)
async def send_long_error_pages(call: Call) -> Response:
    """Errors have a page of 100,000 bytes in HTML."""
    response = await call.respond()
    if response.status < 400:
        return response
    page = b"<!doctype html><p>" + b"no " * 33_327 + b"\n"
    return replace(set_header(response, "Content-Type", "text/html"), body=page)


@quirk("gzip-downloads", Match(method="GET"), client=True)
async def compress_downloads(call: Call) -> Response:
    """Downloads are compressed with gzip unless Accept-Encoding excludes it."""
    response, accepted = await call.respond(), call.header("Accept-Encoding")
    welcome = not call.has("Accept-Encoding") or "gzip" in accepted or "*" in accepted
    if not welcome or not isinstance(response.body, Download) or not succeeded(response):
        return response
    data = b"".join([chunk async for chunk in response.body.chunks])
    coded = response.with_headers(("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
    return replace(coded, body=gzip.compress(data, mtime=0))


@quirk("cache-control-in-two-lines", Match(method="HEAD"), client=True)
async def split_cache_control(call: Call) -> Response:
    """HEAD has two lines of Cache-Control."""
    response = await call.respond()
    if find_header(response, "Cache-Control") is None:
        return response
    return replace(response, headers=(("Cache-Control", "private"), *response.headers))


@quirk(
    "patch-takes-100-000-bytes",
    Match(method="PATCH", upload=("unfinished", "not-final")),
    client=True,
)
async def take_100_000_bytes(call: Call) -> Response:
    """A PATCH without a checksum stores the first 100,000 bytes, and acknowledges these."""
    length = call.request.body.length
    if length is None or length <= 100_000 or call.has("Upload-Checksum"):
        return await call.respond()
    try:
        data = await call.read_body()
    except BodyEndedEarly:
        return await call.respond()
    size = call.info.size
    if size is not None and call.info.offset + len(data) > size:
        return await call.respond_to(data)
    return await call.respond(with_body(call.request, data[:100_000]))


@quirk("sha1-only", Match(method="OPTIONS|PATCH|POST"), client=True)
async def offer_sha1_only(call: Call) -> Response:
    """The only algorithm for checksums is sha1."""
    if call.method == "OPTIONS":
        return rewrite(await call.respond(), "Tus-Checksum-Algorithm", lambda _: "sha1")
    algorithm = call.header("Upload-Checksum").partition(" ")[0]
    if algorithm in {"md5", "sha256", "sha512", "crc32"}:
        return answer(400)
    return await call.respond()


@quirk("content-length-required", Match(method="OPTIONS|PATCH|POST"))
async def require_content_length(call: Call) -> Response:
    """A body without Content-Length gets 411, and checksum-trailer is not listed."""
    if call.method == "OPTIONS":
        return rewrite(await call.respond(), "Tus-Extension", _without_trailer)
    return await call.respond() if call.request.body.length is not None else answer(411)


def _without_trailer(listed: str) -> str:
    return ",".join(each for each in listed.split(",") if each != "checksum-trailer")
