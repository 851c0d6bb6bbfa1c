"""`handler.routing`: OPTIONS, HEAD, PATCH, versions, routing and method override."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import ClientFactory, HandlerClient, ReceivedResponse

ANSWERS: list[tuple[str, str, dict[str, str | None], int, str]] = [
    # method, path, headers, status, code
    ("POST", "/files/", {"Tus-Resumable": None}, 412, "ERR_UNSUPPORTED_VERSION"),
    ("POST", "/files/", {"Tus-Resumable": "0.2.2"}, 412, "ERR_UNSUPPORTED_VERSION"),
    ("PATCH", "/files/x", {"Tus-Resumable": "1.0"}, 412, "ERR_UNSUPPORTED_VERSION"),
    ("DELETE", "/files/x", {"Tus-Resumable": "1.0.0b"}, 412, "ERR_UNSUPPORTED_VERSION"),
    ("GET", "/files/x", {"Tus-Resumable": "9.9.9"}, 412, "ERR_UNSUPPORTED_VERSION"),
    ("GET", "/files/x", {"Tus-Resumable": None}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/x", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("GET", "/files/", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/..", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/%2e%2e%2fx", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/a/b", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/%09", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/%00", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/%ff", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/x.info", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("DELETE", "/files/" + "x" * 250, {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("GET", "/elsewhere", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("OPTIONS", "/elsewhere", {}, 404, "ERR_UPLOAD_NOT_FOUND"),
    ("PUT", "/files/x", {}, 405, "ERR_METHOD_NOT_ALLOWED"),
    ("PUT", "/files/x", {"Tus-Resumable": None}, 405, "ERR_METHOD_NOT_ALLOWED"),
    ("PUT", "/files/", {}, 405, "ERR_METHOD_NOT_ALLOWED"),
    ("POST", "/files/x", {}, 405, "ERR_METHOD_NOT_ALLOWED"),
    ("GET", "/files/x", {"X-HTTP-Method-Override": "FROB"}, 405, "ERR_METHOD_NOT_ALLOWED"),
]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    ANSWERS,
    ids=[f"{m} {p[:16]} {list(h.items())}" for m, p, h, *_ in ANSWERS],
)
async def test_refusals_that_need_no_upload(
    client: HandlerClient,
    method: str,
    path: str,
    headers: dict[str, str | None],
    status: int,
    code: str,
) -> None:
    answer = await client.request(method, path, headers)
    assert (answer.status, answer.code) == (status, code)
    assert answer["Tus-Resumable"] == "1.0.0"
    assert answer["Tus-Version"] == ("1.0.0" if status == 412 else None)
    assert (answer["Allow"] is not None) == (status == 405)


async def test_the_methods_allowed_are_those_that_are_offered(server: ClientFactory) -> None:
    client = server(disable_termination=True, disable_download=True)
    answer = await client.request("PUT", "/files/x")
    assert answer["Allow"] == "OPTIONS, HEAD, PATCH"


@pytest.mark.parametrize("path", ["/files/", "/files", "/files/x", "*", "http://other/files/"])
@pytest.mark.parametrize("version", [None, "1.0.0", "9.9.9", ""])
async def test_options_lists_capabilities_whatever_the_version(
    server: ClientFactory, path: str, version: str | None
) -> None:
    client = server(max_size=1000)
    answer = await client.request("OPTIONS", path, {"Tus-Resumable": version})
    assert answer.status == 204
    assert answer["Tus-Version"] == answer["Tus-Resumable"] == "1.0.0"
    assert answer["Tus-Max-Size"] == "1000"
    extensions = (answer["Tus-Extension"] or "").split(",")
    assert {"creation", "creation-defer-length", "termination"} <= set(extensions)
    assert "expiration" not in extensions


async def test_without_a_limit_there_is_no_tus_max_size(client: HandlerClient) -> None:
    assert (await client.request("OPTIONS", "/files/"))["Tus-Max-Size"] is None


async def test_all_nine_extensions(server: ClientFactory) -> None:
    answer = await server(expire_after=60.0).request("OPTIONS", "/files/")
    assert set((answer["Tus-Extension"] or "").split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "checksum-trailer",
        "termination",
        "concatenation",
        "concatenation-unfinished",
    }
    assert answer["Tus-Checksum-Algorithm"] == "sha1,sha256,sha512,md5,crc32"


async def test_head_returns_the_offset_at_every_stage(client: HandlerClient) -> None:
    path = await client.create(10)
    for offset, piece in ((0, b"hello"), (5, b" "), (6, b"tus!")):
        answer = await client.head(path)
        assert answer.status == 200
        assert answer["Upload-Offset"] == str(offset)
        assert answer["Upload-Length"] == "10"
        assert answer["Cache-Control"] == "no-store"
        assert answer["Upload-Metadata"] is answer["Upload-Defer-Length"] is None
        patched = await client.patch(path, offset, piece)
        assert (patched.status, patched["Upload-Offset"]) == (204, str(offset + len(piece)))
    assert await client.get_offset(path) == 10
    assert await client.get(path) == b"hello tus!"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/files/unknown", {}, 404),
        ("/files/", {}, 404),
        ("/elsewhere", {}, 404),
        ("/files/unknown", {"Tus-Resumable": "9.9.9"}, 412),
        ("/files/unknown", {"Tus-Resumable": None}, 412),
    ],
)
async def test_refused_heads_are_not_cached_and_return_no_offset(
    client: HandlerClient, path: str, headers: dict[str, str | None], status: int
) -> None:
    answer = await client.request("HEAD", path, headers)
    assert answer.status == status
    assert answer["Cache-Control"] == "no-store"
    assert answer["Upload-Offset"] is None
    assert answer.body == b""


PATCHES = [
    # offset, headers, body, status, code
    ("4", {"Content_Type": "text/plain"}, b"x", 415, "ERR_INVALID_CONTENT_TYPE"),
    ("4", {"Content_Type": ""}, b"x", 415, "ERR_INVALID_CONTENT_TYPE"),
    ("4", {"Content_Type": "application/octet-stream"}, b"x", 415, "ERR_INVALID_CONTENT_TYPE"),
    ("", {}, b"x", 400, "ERR_INVALID_OFFSET"),
    ("+4", {}, b"x", 400, "ERR_INVALID_OFFSET"),
    ("-1", {}, b"x", 400, "ERR_INVALID_OFFSET"),
    ("4.0", {}, b"x", 400, "ERR_INVALID_OFFSET"),
    ("0x4", {}, b"x", 400, "ERR_INVALID_OFFSET"),
    ("4, 4", {}, b"x", 400, "ERR_INVALID_OFFSET"),
    ("0", {}, b"x", 409, "ERR_MISMATCHED_OFFSET"),
    ("3", {}, b"x", 409, "ERR_MISMATCHED_OFFSET"),
    ("5", {}, b"x", 409, "ERR_MISMATCHED_OFFSET"),
    ("10", {}, b"x", 409, "ERR_MISMATCHED_OFFSET"),
    (str(2**64), {}, b"x", 409, "ERR_MISMATCHED_OFFSET"),
    ("4", {}, b"1234567", 413, "ERR_UPLOAD_SIZE_EXCEEDED"),
    ("4", {"Upload_Length": "11"}, b"x", 400, "ERR_UPLOAD_LENGTH_MISMATCH"),
    ("4", {"Upload_Length": "ten"}, b"x", 400, "ERR_INVALID_UPLOAD_LENGTH"),
    ("4", {"Tus_Resumable": "9.9.9"}, b"x", 412, "ERR_UNSUPPORTED_VERSION"),
]


@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize(
    ("offset", "headers", "body", "status", "code"),
    PATCHES,
    ids=[f"{o[:5]} {list(h.items())} {b!r}" for o, h, b, *_ in PATCHES],
)
async def test_a_refused_patch_changes_nothing(
    client: HandlerClient,
    offset: str,
    headers: dict[str, str],
    body: bytes,
    status: int,
    code: str,
    chunked: bool,
) -> None:
    path = await client.create(10, b"good")
    answer = await client.patch(path, offset, body, chunked=chunked, **headers)
    assert (answer.status, answer.code) == (status, code)
    assert answer["Upload-Offset"] is None
    assert answer["Tus-Resumable"] == "1.0.0"
    assert await client.get_offset(path) == 4
    assert (await client.patch(path, 4, b" bytes")).status == 204
    assert await client.get(path) == b"good bytes"


async def test_a_missing_offset_is_not_zero(client: HandlerClient) -> None:
    path = await client.create(10)
    answer = await client.request(
        "PATCH", path, {"Content-Type": "application/offset+octet-stream"}, b"x"
    )
    assert (answer.status, answer.code) == (400, "ERR_INVALID_OFFSET")
    assert await client.get_offset(path) == 0


ACCEPTED = [
    ("plain", {}, b"123456", False, 10),
    ("in chunks", {}, b"123456", True, 10),
    ("part of it", {}, b"1", False, 5),
    ("empty", {}, b"", False, 4),
    ("empty, in chunks", {}, b"", True, 4),
    ("with the same length again", {"Upload_Length": "10"}, b"123456", False, 10),
    ("type in capitals, with a parameter",
     {"Content_Type": "APPLICATION/offset+octet-stream;x=y"}, b"1", False, 5),
    ("offset with zeros in front", {"Upload_Offset": "004"}, b"1", False, 5),
]  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "body", "chunked", "offset"),
    [case[1:] for case in ACCEPTED],
    ids=[case[0] for case in ACCEPTED],
)
async def test_an_accepted_patch_moves_the_offset_by_its_bytes(
    client: HandlerClient, headers: dict[str, str], body: bytes, chunked: bool, offset: int
) -> None:
    path = await client.create(10, b"good")
    answer = await client.patch(path, 4, body, chunked=chunked, **headers)
    assert (answer.status, answer["Upload-Offset"]) == (204, str(offset))
    assert await client.get_offset(path) == offset


async def test_a_complete_upload_takes_an_empty_patch_and_no_more(client: HandlerClient) -> None:
    path = await client.create(4, b"done")
    assert (await client.patch(path, 4)).status == 204
    assert (await client.patch(path, 4, b"x")).status == 413
    assert (await client.patch(path, 4, b"x", chunked=True)).status == 413
    assert await client.get(path) == b"done"


async def test_a_body_in_chunks_that_goes_too_far_in_a_later_piece_never_completes(
    client: HandlerClient,
) -> None:
    path = await client.create(10)
    async with client.connect() as wire:
        await wire.send(
            f"PATCH {path} HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\nUpload-Offset: 0\n"
            "Content-Type: application/offset+octet-stream\nTransfer-Encoding: chunked\n\n"
            "4\nabcd\n"
        )
        await wire.send("7\nefghijk\n0\n\n")
        answer = await wire.receive_response()
    assert (answer.status, answer.code) == (413, "ERR_UPLOAD_SIZE_EXCEEDED")
    assert await client.get_offset(path) < 10


OVERRIDES = [("POST", "PATCH"), ("GET", "patch"), ("PUT", "Patch"), ("DELETE", "PATCH")]


@pytest.mark.parametrize(("method", "override"), OVERRIDES)
async def test_the_override_makes_a_patch_of_any_method(
    client: HandlerClient, method: str, override: str
) -> None:
    path = await client.create(5)
    headers: dict[str, str | None] = {
        "X-HTTP-Method-Override": override,
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    answer = await client.request(method, path, headers, b"hello")
    assert (answer.status, answer["Upload-Offset"]) == (204, "5")
    assert await client.get(path) == b"hello"


@pytest.mark.parametrize(
    ("method", "override", "status"),
    [
        ("POST", "HEAD", 200),
        ("DELETE", "HEAD", 200),
        ("HEAD", "DELETE", 204),
        ("GET", "OPTIONS", 204),
    ],
)
async def test_the_real_method_plays_no_role(
    client: HandlerClient, method: str, override: str, status: int
) -> None:
    path = await client.create(5, b"hello")
    answer: ReceivedResponse = await client.request(
        method, path, {"X-HTTP-Method-Override": override}
    )
    assert answer.status == status
    assert (answer["Upload-Offset"] == "5") == (override == "HEAD")
    assert ((await client.head(path)).status == 200) == (override != "DELETE")
