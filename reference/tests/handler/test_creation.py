"""`handler.creation`: with deferred length and with the first bytes in the same request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import ClientFactory, HandlerClient

OFFSET_CONTENT_TYPE = "application/offset+octet-stream"

REFUSED = [
    # headers, status, code
    ({}, 400, "ERR_INVALID_UPLOAD_LENGTH"),
    ({"Upload-Length": ""}, 400, "ERR_INVALID_UPLOAD_LENGTH"),
    ({"Upload-Length": "-1"}, 400, "ERR_INVALID_UPLOAD_LENGTH"),
    ({"Upload-Length": "1.5"}, 400, "ERR_INVALID_UPLOAD_LENGTH"),
    ({"Upload-Length": "0x10"}, 400, "ERR_INVALID_UPLOAD_LENGTH"),
    ({"Upload-Length": str(2**63)}, 400, "ERR_INVALID_UPLOAD_LENGTH"),
    ({"Upload-Length": "9" * 5000}, 400, "ERR_INVALID_UPLOAD_LENGTH"),
    ({"Upload-Defer-Length": "0"}, 400, "ERR_INVALID_UPLOAD_LENGTH_DEFER"),
    ({"Upload-Defer-Length": "2"}, 400, "ERR_INVALID_UPLOAD_LENGTH_DEFER"),
    ({"Upload-Defer-Length": "true"}, 400, "ERR_INVALID_UPLOAD_LENGTH_DEFER"),
    ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, 400, "ERR_AMBIGUOUS_UPLOAD_LENGTH"),
    ({"Upload-Length": "1001"}, 413, "ERR_MAX_SIZE_EXCEEDED"),
    ({"Upload-Length": "5", "Upload-Metadata": "a !"}, 400, "ERR_INVALID_METADATA"),
    ({"Upload-Length": "5", "Upload-Metadata": "a YQ==,a YQ=="}, 400, "ERR_INVALID_METADATA"),
    ({"Upload-Length": "5", "Upload-Concat": "parts"}, 400, "ERR_INVALID_CONCAT"),
]


@pytest.mark.parametrize(
    ("headers", "status", "code"), REFUSED, ids=[str(list(h.items()))[:60] for h, *_ in REFUSED]
)
async def test_a_refused_creation_creates_nothing(
    server: ClientFactory, headers: dict[str, str | None], status: int, code: str
) -> None:
    client = server(max_size=1000)
    answer = await client.request("POST", "/files/", headers)
    assert (answer.status, answer.code) == (status, code)
    assert answer["Location"] is None
    assert answer["Tus-Resumable"] == "1.0.0"
    assert [info async for info in client.handler.uploads.store.list_uploads()] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("length", [0, 1, 1000, 2**53 + 1, 2**63 - 1])
async def test_any_length_is_kept_exactly(client: HandlerClient, length: int) -> None:
    answer = await client.head(await client.create(length))
    assert (answer["Upload-Length"], answer["Upload-Offset"]) == (str(length), "0")


async def test_the_maximum_itself_is_allowed(server: ClientFactory) -> None:
    assert await server(max_size=10).create(10)


async def test_an_empty_upload_is_complete_at_once(client: HandlerClient) -> None:
    path = await client.create(0)
    assert await client.get(path) == b""
    assert (await client.patch(path, 0)).status == 204


@pytest.mark.parametrize(
    ("settings", "headers", "location"),
    [
        ({}, {}, "http://tus.test/files/"),
        ({}, {"Host": "[::1]:8080"}, "http://[::1]:8080/files/"),
        ({}, {"Host": "a/b@c"}, "/files/"),
        ({"base_path": "up"}, {}, "http://tus.test/up/"),
        ({"base_path": "/"}, {}, "http://tus.test/"),
        ({"base_path": "https://cdn.test/u"}, {}, "https://cdn.test/u/"),
        ({}, {"X-Forwarded-Proto": "https"}, "http://tus.test/files/"),
        (
            {"respect_forwarded_headers": True},
            {"X-Forwarded-Proto": "https, http", "X-Forwarded-Host": "pub.test, inner"},
            "https://pub.test/files/",
        ),
        (
            {"respect_forwarded_headers": True},
            {"Forwarded": 'for=1.2.3.4;host="pub.test:8443";proto=https, for=x;host=inner'},
            "https://pub.test:8443/files/",
        ),
    ],
)
async def test_location_is_where_clients_find_the_upload(
    server: ClientFactory, settings: dict[str, Any], headers: dict[str, str | None], location: str
) -> None:
    client = server(**settings)
    path = client.handler.upload_urls.path
    first = await client.request("POST", path, {"Upload-Length": "5", **headers})
    second = await client.request("POST", path, {"Upload-Length": "5", **headers})
    assert first.status == second.status == 201
    start, upload_id = (first["Location"] or "")[: len(location)], (first["Location"] or "")[-32:]
    assert start == location
    assert int(upload_id, 16) >= 0
    assert first["Location"] != second["Location"]
    assert (await client.head(path + upload_id)).status == 200


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("a YQ==, b Yg==", "a YQ==, b Yg=="),
        ("flag ,a YQ==", "flag ,a YQ=="),
        ("9 YQ==,10 YQ==,1 YQ==", "9 YQ==,10 YQ==,1 YQ=="),
        ("bin /wABgA==", "bin /wABgA=="),
        ("key\u00e4 YQ==", "key\u00e4 YQ=="),
        ("", None),
    ],
)
async def test_metadata_comes_back_byte_for_byte(
    client: HandlerClient, sent: str, told: str | None
) -> None:
    path = await client.create(5, Upload_Metadata=sent)
    assert (await client.head(path))["Upload-Metadata"] == told


async def test_a_deferred_length_is_declared_by_the_last_patch(client: HandlerClient) -> None:
    path = await client.create(None)
    for offset, piece in ((0, b"hello"), (5, b" ")):
        answer = await client.head(path)
        assert (answer["Upload-Defer-Length"], answer["Upload-Length"]) == ("1", None)
        assert (await client.patch(path, offset, piece)).status == 204
    assert (await client.patch(path, 6, b"tus", Upload_Length="9")).status == 204
    answer = await client.head(path)
    assert (answer["Upload-Defer-Length"], answer["Upload-Length"]) == (None, "9")
    assert await client.get(path) == b"hello tus"


@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
async def test_an_empty_patch_may_declare_the_length(client: HandlerClient, chunked: bool) -> None:
    path = await client.create(None, b"hello")
    answer = await client.patch(path, 5, chunked=chunked, Upload_Length="5")
    assert (answer.status, answer["Upload-Offset"]) == (204, "5")
    assert await client.get(path) == b"hello"


@pytest.mark.parametrize(
    ("length", "body", "chunked", "status", "code"),
    [
        ("4", b"", False, 400, "ERR_INVALID_UPLOAD_LENGTH"),
        ("x", b"", False, 400, "ERR_INVALID_UPLOAD_LENGTH"),
        ("101", b"", False, 413, "ERR_MAX_SIZE_EXCEEDED"),
        ("6", b"xx", False, 413, "ERR_UPLOAD_SIZE_EXCEEDED"),
        ("6", b"xx", True, 413, "ERR_UPLOAD_SIZE_EXCEEDED"),
        (None, b"x" * 96, False, 413, "ERR_MAX_SIZE_EXCEEDED"),
        (None, b"x" * 96, True, 413, "ERR_MAX_SIZE_EXCEEDED"),
    ],
)
async def test_a_refused_declaration_leaves_the_length_open(
    server: ClientFactory, length: str | None, body: bytes, chunked: bool, status: int, code: str
) -> None:
    client = server(max_size=100)
    path = await client.create(None, b"hello")
    more = {} if length is None else {"Upload_Length": length}
    answer = await client.patch(path, 5, body, chunked=chunked, **more)
    assert (answer.status, answer.code) == (status, code)
    told = await client.head(path)
    assert (told["Upload-Offset"], told["Upload-Defer-Length"]) == ("5", "1")


async def test_a_declared_length_stays(client: HandlerClient) -> None:
    path = await client.create(None, b"hello")
    assert (await client.patch(path, 5, b"", Upload_Length="9")).status == 204
    assert (await client.patch(path, 5, b"", Upload_Length="9")).status == 204
    answer = await client.patch(path, 5, b"", Upload_Length="10")
    assert (answer.status, answer.code) == (400, "ERR_UPLOAD_LENGTH_MISMATCH")
    assert (await client.head(path))["Upload-Length"] == "9"


@pytest.mark.parametrize("chunked", [False, True], ids=["sized", "chunked"])
@pytest.mark.parametrize("body", [b"", b"hel", b"hello"])
async def test_creation_with_upload_stores_the_body(
    client: HandlerClient, body: bytes, chunked: bool
) -> None:
    answer = await client.request(
        "POST",
        "/files/",
        {"Upload-Length": "5", "Content-Type": OFFSET_CONTENT_TYPE},
        body,
        chunked=chunked,
    )
    assert (answer.status, answer["Upload-Offset"]) == (201, str(len(body)))
    path = (answer["Location"] or "").removeprefix("http://tus.test")
    assert await client.get_offset(path) == len(body)
    assert (await client.patch(path, len(body), b"hello"[len(body) :])).status == 204
    assert await client.get(path) == b"hello"


@pytest.mark.parametrize(
    ("headers", "body", "chunked", "status", "code"),
    [
        ({"Content-Type": OFFSET_CONTENT_TYPE}, b"toolong", False, 413, "ERR_UPLOAD_SIZE_EXCEEDED"),
        ({"Content-Type": OFFSET_CONTENT_TYPE}, b"toolong", True, 413, "ERR_UPLOAD_SIZE_EXCEEDED"),
        ({"Content-Type": "text/plain"}, b"hello", False, 415, "ERR_INVALID_CONTENT_TYPE"),
        ({}, b"hello", False, 415, "ERR_INVALID_CONTENT_TYPE"),
        (
            {
                "Content-Type": OFFSET_CONTENT_TYPE,
                "Upload-Checksum": "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            },
            b"wrong",
            False,
            460,
            "ERR_CHECKSUM_MISMATCH",
        ),
    ],
)
async def test_a_refused_body_leaves_no_upload_behind(
    client: HandlerClient,
    headers: dict[str, str | None],
    body: bytes,
    chunked: bool,
    status: int,
    code: str,
) -> None:
    answer = await client.request(
        "POST", "/files/", {"Upload-Length": "5", **headers}, body, chunked=chunked
    )
    assert (answer.status, answer.code) == (status, code)
    assert answer["Location"] is None
    assert [info async for info in client.handler.uploads.store.list_uploads()] == []  # type: ignore[attr-defined]
