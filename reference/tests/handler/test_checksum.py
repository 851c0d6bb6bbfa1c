"""`handler.spool`: what was not verified is never stored; checksums and trailers."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING

import pytest

from tus_reference import MemoryStore

if TYPE_CHECKING:
    from conftest import ClientFactory, HandlerClient, ReceivedResponse

LARGE_BODY = bytes(range(256)) * 16 * 1024  # 4 MiB: more than the spool keeps in memory


def checksum(body: bytes, algorithm: str = "sha1") -> str:
    """Return the value of Upload-Checksum for `body`."""
    if algorithm == "crc32":
        digest = zlib.crc32(body).to_bytes(4, "big")
    else:
        digest = hashlib.new(algorithm, body).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


async def patch_with_trailer(
    client: HandlerClient,
    path: str,
    body: bytes,
    trailer: str,
    *,
    announced: bool = True,
    header: str = "",
) -> ReceivedResponse:
    """Send a PATCH at 5 in two chunks, with Upload-Checksum after them."""
    half = len(body) // 2
    announcement = "Trailer: Upload-Checksum\n" if announced else ""
    async with client.connect() as wire:
        await wire.send(
            f"PATCH {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Offset: 5\n"
            f"Content-Type: application/offset+octet-stream\nTransfer-Encoding: chunked\n"
            f"{announcement}{header}\n"
        )
        for piece in (body[:half], body[half:]):
            await wire.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        await wire.send(f"0\n{trailer}\n")
        return await wire.receive_response()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512", "md5", "crc32"])
@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("rest", [b" world", LARGE_BODY], ids=["small", "big"])
async def test_a_matching_checksum_is_accepted(
    client: HandlerClient, algorithm: str, chunked: bool, rest: bytes
) -> None:
    path = await client.create(5 + len(rest), b"hello")
    answer = await client.patch(
        path, 5, rest, chunked=chunked, Upload_Checksum=checksum(rest, algorithm)
    )
    assert (answer.status, answer["Upload-Offset"]) == (204, str(5 + len(rest)))
    assert await client.get(path) == b"hello" + rest


@pytest.mark.parametrize("rest", [b" world", LARGE_BODY], ids=["small", "big"])
@pytest.mark.parametrize(
    ("value", "status", "code"),
    [
        (checksum(b"other"), 460, "ERR_CHECKSUM_MISMATCH"),
        (checksum(b"other", "crc32"), 460, "ERR_CHECKSUM_MISMATCH"),
        ("sha1 YQ==", 400, "ERR_INVALID_CHECKSUM"),
        ("", 400, "ERR_INVALID_CHECKSUM"),
        ("sha3 YQ==", 400, "ERR_UNSUPPORTED_CHECKSUM_ALGORITHM"),
    ],
)
async def test_anything_else_discards_the_chunk(
    client: HandlerClient, rest: bytes, value: str, status: int, code: str
) -> None:
    path = await client.create(5 + len(rest), b"hello")
    answer = await client.patch(path, 5, rest, Upload_Checksum=value)
    assert (answer.status, answer.code) == (status, code)
    assert await client.get_offset(path) == 5
    assert (await client.patch(path, 5, rest)).status == 204
    assert await client.get(path) == b"hello" + rest


async def test_a_wrong_chunk_does_not_set_a_deferred_length(client: HandlerClient) -> None:
    path = await client.create(None, b"hello")
    answer = await client.patch(
        path, 5, b" world", Upload_Length="11", Upload_Checksum=checksum(b"other")
    )
    assert answer.status == 460
    assert (await client.head(path))["Upload-Defer-Length"] == "1"


async def test_a_checksum_of_nothing_is_a_checksum(client: HandlerClient) -> None:
    path = await client.create(5, b"hello")
    assert (await client.patch(path, 5, b"", Upload_Checksum=checksum(b""))).status == 204
    assert (await client.patch(path, 5, b"", Upload_Checksum=checksum(b"x"))).status == 460


@pytest.mark.parametrize("framing", ["Content-Length: 6", "Transfer-Encoding: chunked"])
async def test_a_chunk_that_was_cut_off_is_discarded(client: HandlerClient, framing: str) -> None:
    path = await client.create(11, b"hello")
    async with client.connect() as wire:
        await wire.send(
            f"PATCH {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Offset: 5\n"
            f"Content-Type: application/offset+octet-stream\n{framing}\n"
            f"Upload-Checksum: {checksum(b' world')}\n\n"
        )
        await wire.send(" wor" if "Length" in framing else "4\n wor\n")
        await wire.stream.aclose()
    assert await client.get_offset(path) == 5


REST = b" world"
TRAILERS = [
    ("right", f"Upload-Checksum: {checksum(REST)}\n", 204, ""),
    ("wrong", f"Upload-Checksum: {checksum(b'x')}\n", 460, "ERR_CHECKSUM_MISMATCH"),
    ("malformed", "Upload-Checksum: Kq5s\n", 400, "ERR_INVALID_CHECKSUM"),
    ("empty", "Upload-Checksum: sha1 \n", 400, "ERR_INVALID_CHECKSUM"),
    ("unknown", "Upload-Checksum: sha3 YQ==\n", 400, "ERR_UNSUPPORTED_CHECKSUM_ALGORITHM"),
]


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
@pytest.mark.parametrize(
    ("trailer", "status", "code"), [t[1:] for t in TRAILERS], ids=[t[0] for t in TRAILERS]
)
async def test_trailers(
    client: HandlerClient, trailer: str, status: int, code: str, announced: bool
) -> None:
    path = await client.create(11, b"hello")
    answer = await patch_with_trailer(client, path, REST, trailer, announced=announced)
    assert (answer.status, answer.code) == (status, code)
    assert await client.get_offset(path) == (11 if status == 204 else 5)


@pytest.mark.parametrize(
    ("size", "verified"),
    [(4095, True), (4096, True), (4097, True), (16_384, True), (65_535, True), (65_536, False)],
)
async def test_an_unannounced_trailer_is_verified_while_the_body_is_in_hand(
    client: HandlerClient, size: int, verified: bool
) -> None:
    body = LARGE_BODY[:size]
    path = await client.create(5 + size, b"hello")
    wrong = f"Upload-Checksum: {checksum(b'x')}\n"
    answer = await patch_with_trailer(client, path, body, wrong, announced=False)
    assert answer.status == (460 if verified else 204)
    assert await client.get_offset(path) == (5 if verified else 5 + size)
    if verified:
        assert (await client.patch(path, 5, body, chunked=True)).status == 204
    assert await client.get(path) == b"hello" + body


async def test_a_big_body_with_a_trailer_is_verified_before_it_counts(
    client: HandlerClient,
) -> None:
    path = await client.create(5 + len(LARGE_BODY), b"hello")
    wrong = f"Upload-Checksum: {checksum(b'x')}\n"
    assert (await patch_with_trailer(client, path, LARGE_BODY, wrong)).status == 460
    assert await client.get_offset(path) == 5
    right = f"Upload-Checksum: {checksum(LARGE_BODY, 'sha256')}\n"
    assert (await patch_with_trailer(client, path, LARGE_BODY, right)).status == 204
    assert await client.get(path) == b"hello" + LARGE_BODY


async def test_an_announced_trailer_must_come(client: HandlerClient) -> None:
    path = await client.create(11, b"hello")
    answer = await patch_with_trailer(client, path, REST, "")
    assert (answer.status, answer.code) == (400, "ERR_INVALID_CHECKSUM")
    assert await client.get_offset(path) == 5


async def test_header_and_trailer_together_are_refused(client: HandlerClient) -> None:
    path = await client.create(11, b"hello")
    for announced in (True, False):
        answer = await patch_with_trailer(
            client,
            path,
            REST,
            f"Upload-Checksum: {checksum(REST)}\n",
            announced=announced,
            header=f"Upload-Checksum: {checksum(REST)}\n",
        )
        assert (answer.status, answer.code) == (400, "ERR_INVALID_CHECKSUM")
    assert await client.get_offset(path) == 5


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "unannounced"])
@pytest.mark.parametrize("header", [True, False], ids=["header", "no-header"])
@pytest.mark.parametrize("trailer", ["", "Upload-Checksum: sha1 no\n"], ids=["missing", "wrong"])
async def test_a_server_without_trailers_ignores_checksums_in_them(
    server: ClientFactory, announced: bool, header: bool, trailer: str
) -> None:
    client = server(MemoryStore(), trailers=False)
    path = await client.create(11, b"hello")
    line = f"Upload-Checksum: {checksum(REST)}\n" if header else ""
    answer = await patch_with_trailer(client, path, REST, trailer, announced=announced, header=line)
    assert answer.status == 204
    assert await client.get(path) == b"hello" + REST
