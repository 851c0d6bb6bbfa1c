"""The stage `framing`: chunked bodies, Expect, trailers, compression and HTTP/2."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import sha1
from urllib.parse import urlsplit

import msgspec

from tus_conformance.discovery.composed_request import compose_patch, compose_request
from tus_conformance.discovery.prober import succeeded
from tus_conformance.doctor.examination import Examination, describe_answer, offset_of
from tus_conformance.targets.target_transport import transport_for
from tus_conformance.transport import HttpResponse, Payload
from tus_conformance.transport.header_values import header_value

_BODY = b"resumable " * 512
_EXPECT_SECONDS = 2.5
_METADATA = "filename dGV4dC50eHQ=,filetype dGV4dC9wbGFpbg=="


async def examine_framing(examination: Examination) -> None:
    """Try each way to send a body or to answer that HTTP has."""
    if await _examine_chunked(examination):
        await _examine_trailers(examination)
    await _examine_expect(examination)
    await _examine_compression(examination)
    await _examine_http2(examination)


async def _send_chunked(
    examination: Examination, body: bytes, *headers: tuple[str, str], trailer: str = ""
) -> HttpResponse | None:
    _, url = await examination.create(len(body))
    if url is None:
        return None
    announced = (("Trailer", "Upload-Checksum"),) if trailer else ()
    return await examination.prober.transport.send(
        compose_patch(
            examination.target,
            url,
            0,
            Payload.literal(body),
            *announced,
            *headers,
            framing="chunked",
            trailers=(("Upload-Checksum", trailer),) if trailer else (),
        )
    )


async def _examine_chunked(examination: Examination) -> bool:
    response = await _send_chunked(examination, b"12345")
    if response is None:
        return False
    if succeeded(response) and offset_of(response) == 5:
        return True
    values = {"answer": describe_answer(response)}
    if succeeded(response):
        values = {"answer": f"{values['answer']} with Upload-Offset {offset_of(response)}"}
    elif not examination.is_foreign(response):
        examination.note("Chunked bodies", f"refused by the server with {response.status}")
        return False
    examination.report("framing.chunked-refused", response, values=values)
    return False


async def _examine_trailers(examination: Examination) -> None:
    if "checksum-trailer" not in examination.extensions:
        return
    right = await _send_chunked(examination, b"12345", trailer=checksum(b"12345"))
    wrong = await _send_chunked(examination, b"12345", trailer=checksum(b"other"))
    if right is None or wrong is None:
        return
    if examination.accepts(right) and not examination.accepts(wrong):
        return
    head = await examination.send("HEAD", wrong.exchange.url)
    if examination.accepts(right) and offset_of(head) == 0:
        return  # the server refused it, whatever became of the status
    values = {
        "right": describe_answer(right),
        "wrong": describe_answer(wrong),
    }
    examination.report("framing.trailers-dropped", right, wrong, values=values)


def checksum(content: bytes) -> str:
    """Return an Upload-Checksum of a content."""
    digest = sha1(content, usedforsecurity=False).digest()
    return f"sha1 {b64encode(digest).decode()}"


async def _examine_expect(examination: Examination) -> None:
    _, url = await examination.create(5)
    if url is None:
        return
    expect = ("Expect", "100-continue")
    async with examination.open_patch(url, 0, 5, expect) as pending:
        status = await pending.receive_status(examination.patience(_EXPECT_SECONDS))
        response = await pending.finish()
    values = {
        "seconds": f"{examination.patience(_EXPECT_SECONDS):g}",
        "answer": describe_answer(response),
    }
    if status == 100 and succeeded(response):
        return
    if status is None and succeeded(response):
        examination.report("framing.expect-swallowed", response, values=values)
    else:
        examination.report("framing.expect-refused", response, values=values)


async def _examine_compression(examination: Examination) -> None:
    """Download an upload of text with a client that accepts gzip."""
    _, url = await examination.create(len(_BODY), ("Upload-Metadata", _METADATA))
    if url is None or not succeeded(await examination.patch(url, 0, _BODY)):
        return
    plain = await examination.send("GET", url)
    packed = await examination.prober.transport.send(
        compose_request(examination.target, "GET", url, ("Accept-Encoding", "gzip"))
    )
    coding = header_value(packed.headers, "Content-Encoding")
    if succeeded(plain) and succeeded(packed) and coding not in {None, "identity"}:
        values = {"coding": coding}
        examination.report("framing.compressed-download", packed, values=values)


async def _examine_http2(examination: Examination) -> None:
    if "HTTP/2" not in examination.facts.get("Protocol", ""):
        return
    profile = msgspec.structs.replace(examination.target.profile, http2=True)
    target = replace(examination.target, profile=profile)
    transport = transport_for(target)
    _, url = await examination.create(5)
    if url is None:
        return
    response = await transport.send(
        compose_patch(examination.target, url, 0, Payload.literal(b"12345"))
    )
    if not succeeded(response) or offset_of(response) != 5:
        values = {"answer": describe_answer(response), "host": urlsplit(url).netloc}
        examination.report("framing.http2-broken", response, values=values)
