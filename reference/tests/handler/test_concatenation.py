"""`handler.concatenation`: of complete partial uploads and of unfinished ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.from_thread
import pytest

from tus_reference import FileStore
from tus_reference.stores import file_store
from tus_reference.stores.file_copy import append_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import ClientFactory, HandlerClient, ReceivedResponse


async def create_partial(
    client: HandlerClient, length: int | None, stored: bytes = b"", **more: str
) -> str:
    """Create a partial upload and return its path."""
    return await client.create(length, stored, Upload_Concat="partial", **more)


async def create_final(client: HandlerClient, *urls: str, **more: str) -> ReceivedResponse:
    """Ask for a final upload made of `urls`."""
    headers: dict[str, str | None] = {k.replace("_", "-"): v for k, v in more.items()}
    return await client.request(
        "POST", "/files/", {"Upload-Concat": "final;" + " ".join(urls), **headers}
    )


def path_of(answer: ReceivedResponse) -> str:
    """Return the path of the upload that was created."""
    assert answer.status == 201, answer
    return (answer["Location"] or "").removeprefix("http://tus.test")


async def test_partials_are_joined_in_the_order_given(client: HandlerClient) -> None:
    a, b = await create_partial(client, 5, b"hello"), await create_partial(client, 6, b" world")
    told = await client.head(a)
    assert (told["Upload-Concat"], told["Upload-Offset"]) == ("partial", "5")
    joined = path_of(await create_final(client, b, a))
    told = await client.head(joined)
    assert (told["Upload-Offset"], told["Upload-Length"]) == ("11", "11")
    assert told["Upload-Concat"] == f"final;{b} {a}"
    assert await client.get(joined) == b" worldhello"
    assert await client.get(a) == b"hello"


async def test_a_partial_can_be_used_again_and_again(client: HandlerClient) -> None:
    a, empty = await create_partial(client, 2, b"ab"), await create_partial(client, 0)
    assert await client.get(path_of(await create_final(client, a, empty, a, a))) == b"ababab"
    assert await client.get(path_of(await create_final(client, a))) == b"ab"
    assert await client.get(path_of(await create_final(client, empty))) == b""


async def test_urls_may_be_absolute_or_relative(client: HandlerClient) -> None:
    a = await create_partial(client, 2, b"ab")
    upload_id = a.removeprefix("/files/")
    absolute = (f"http://tus.test{a}", f"HTTP://TUS.TEST{a}", f"//tus.test{a}")
    urls = (f"{a}?node=7", *absolute, upload_id)
    assert await client.get(path_of(await create_final(client, *urls))) == b"ab" * 5


async def test_metadata_is_that_of_the_request_alone(client: HandlerClient) -> None:
    a = await create_partial(client, 2, b"ab", Upload_Metadata="a YQ==")
    assert (await client.head(path_of(await create_final(client, a))))["Upload-Metadata"] is None
    own = await client.head(path_of(await create_final(client, a, Upload_Metadata="c Yw==")))
    assert own["Upload-Metadata"] == "c Yw=="


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("/files/unknown", "ERR_INVALID_CONCAT"),
        ("/elsewhere/{partial}", "ERR_INVALID_CONCAT"),
        ("http://other.test/files/{partial}", "ERR_INVALID_CONCAT"),
        ("/files/../files/..%2f{partial}", "ERR_INVALID_CONCAT"),
        ("/files/{whole}", "ERR_INVALID_CONCAT"),
        ("/files/{final}", "ERR_INVALID_CONCAT"),
        ("http://[", "ERR_INVALID_CONCAT"),
    ],
)
async def test_what_is_no_partial_upload_of_ours_is_refused(
    client: HandlerClient, url: str, code: str
) -> None:
    a, whole = await create_partial(client, 2, b"ab"), await client.create(2, b"ab")
    joined = path_of(await create_final(client, a))
    names = {"partial": a, "whole": whole, "final": joined}
    ids = {name: path.removeprefix("/files/") for name, path in names.items()}
    answer = await create_final(client, a, url.format(**ids))
    assert (answer.status, answer.code) == (400, code)
    assert answer["Location"] is None


@pytest.mark.parametrize(
    ("headers", "body", "status", "code"),
    [
        ({"Upload-Length": "2"}, b"", 400, "ERR_INVALID_CONCAT"),
        ({"Upload-Defer-Length": "1"}, b"", 400, "ERR_INVALID_CONCAT"),
        ({"Content-Type": "application/offset+octet-stream"}, b"x", 403, "ERR_MODIFY_FINAL"),
    ],
)
async def test_a_final_upload_has_no_length_and_no_bytes_of_its_own(
    client: HandlerClient, headers: dict[str, str | None], body: bytes, status: int, code: str
) -> None:
    a = await create_partial(client, 2, b"ab")
    answer = await client.request(
        "POST", "/files/", {"Upload-Concat": f"final;{a}", **headers}, body
    )
    assert (answer.status, answer.code) == (status, code)


async def test_the_maximum_counts_for_the_whole(server: ClientFactory) -> None:
    client = server(max_size=5)
    a = await create_partial(client, 3, b"abc")
    answer = await create_final(client, a, a)
    assert (answer.status, answer.code) == (413, "ERR_MAX_SIZE_EXCEEDED")


async def test_a_final_upload_cannot_be_patched_complete_or_not(client: HandlerClient) -> None:
    a, open_ = await create_partial(client, 2, b"ab"), await create_partial(client, 2)
    for joined, offset in (
        (await create_final(client, a), 2),
        (await create_final(client, open_), 0),
    ):
        for body in (b"", b"xx"):
            answer = await client.patch(path_of(joined), offset, body)
            assert (answer.status, answer.code) == (403, "ERR_MODIFY_FINAL")
    assert (await client.get_offset(a), await client.get_offset(open_)) == (2, 0)


async def test_an_early_final_upload_completes_with_its_last_partial(client: HandlerClient) -> None:
    a, b, c = (
        await create_partial(client, 2, b"ab"),
        await create_partial(client, 2),
        await create_partial(client, None),
    )
    joined = path_of(await create_final(client, a, b, c))
    told = await client.head(joined)
    assert told["Upload-Offset"] is told["Upload-Length"] is None
    assert (await client.patch(c, 0, b"ef", Upload_Length="2")).status == 204
    told = await client.head(joined)
    assert (told["Upload-Offset"], told["Upload-Length"]) == (None, "6")
    assert (await client.request("GET", joined)).code == "ERR_INCOMPLETE_UPLOAD"
    assert (await client.patch(b, 0, b"cd")).status == 204
    told = await client.head(joined)
    assert (told["Upload-Offset"], told["Upload-Length"]) == ("6", "6")
    assert await client.get(joined) == b"abcdef"


async def test_a_new_process_finds_final_uploads_that_wait(
    server: ClientFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "uploads"
    client = server(FileStore(folder))
    a = await create_partial(client, 2)
    joined = path_of(await create_final(client, a))
    client = server(FileStore(folder), notify_complete_uploads=True)
    await client.handler.maintenance.find_unfinished_uploads()
    assert (await client.patch(a, 0, b"ab")).status == 204
    event = await client.handler.complete_uploads.receive()
    assert f"/files/{event.upload.id}" == joined
    assert await client.get(joined) == b"ab"


async def test_a_lost_partial_leaves_its_final_upload_unfinished(client: HandlerClient) -> None:
    a = await create_partial(client, 2)
    joined = path_of(await create_final(client, a))
    assert (await client.request("DELETE", a)).status == 204
    told = await client.head(joined)
    assert (told.status, told["Upload-Offset"]) == (200, None)
    assert (await client.request("DELETE", joined)).status == 204


async def test_concatenation_can_be_disabled(server: ClientFactory) -> None:
    client = server(disable_concatenation=True)
    answer = await client.request(
        "POST", "/files/", {"Upload-Concat": "partial", "Upload-Length": "5"}
    )
    assert (answer.status, answer.code) == (501, "ERR_NOT_IMPLEMENTED")
    extensions = (await client.request("OPTIONS", "/files/"))["Tus-Extension"] or ""
    assert "concatenation" not in extensions


async def test_a_final_may_name_so_many_partials(server: ClientFactory) -> None:
    client = server(max_partial_uploads=3)
    a = await create_partial(client, 1, b"a")
    assert (await create_final(client, a, a, a)).status == 201
    refused = await create_final(client, a, a, a, a)
    assert refused.status == 400
    assert b"may name 3 partial uploads, not 4" in refused.body


async def test_repeated_partials_cannot_fill_a_disk(server: ClientFactory) -> None:
    client = server(max_repeated_bytes=8)
    a, b = await create_partial(client, 4, b"abcd"), await create_partial(client, 20, b"x" * 20)
    assert (await create_final(client, a, a, a, b)).status == 201
    assert (await create_final(client, a, a, a, a)).status == 413


async def test_a_partial_without_a_length_is_named_once(client: HandlerClient) -> None:
    a = await create_partial(client, None, Upload_Defer_Length="1")
    assert (await create_final(client, a)).status == 201
    assert (await create_final(client, a, a)).status == 400


@pytest.mark.parametrize("host", ["[1::2::3]", "[:::]", "[12345::]", "[::1", "a]b"])
async def test_a_malformed_host_is_not_used(client: HandlerClient, host: str) -> None:
    a = await create_partial(client, 1, b"a")
    answer = await client.request("POST", "/files/", {"Upload-Concat": f"final;{a}", "Host": host})
    assert answer.status == 201
    assert host not in (answer["Location"] or "")


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("number", [0, 1, 2])
async def test_a_partial_that_is_deleted_during_the_join_fails_no_request_and_leaves_nothing(
    server: ClientFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
    early: bool,
) -> None:
    folder = tmp_path / "uploads"
    client = server(FileStore(folder))
    parts = [await create_partial(client, 2, piece) for piece in (b"ab", b"cd")]
    parts.append(await create_partial(client, 2, b"" if early else b"ef"))
    copied: list[Path] = []

    def append_after_delete(target: int, source: Path) -> None:
        if len(copied) == number:
            answer = anyio.from_thread.run(client.request, "DELETE", parts[1])
            assert answer.status == 204
        copied.append(source)
        append_file(target, source)

    monkeypatch.setattr(file_store, "append_file", append_after_delete)
    answer = await create_final(client, *parts)
    if early:
        assert (await client.patch(parts[2], 0, b"ef")).status == 204
    is_joined = number == 2
    if is_joined or early:
        told = await client.head(path_of(answer))
        assert (told.status, told["Upload-Offset"]) == (200, "6" if is_joined else None)
    else:
        assert (answer.status, answer.code) == (400, "ERR_INVALID_CONCAT")
    if is_joined:
        assert await client.get(path_of(answer)) == b"abcdef"
    elif early:
        assert (await client.request("DELETE", path_of(answer))).status == 204
    kept = [parts[0], parts[2], *([path_of(answer)] if is_joined else [])]
    ids = [path.removeprefix("/files/") for path in kept]
    assert sorted(each.name for each in folder.iterdir()) == sorted(
        [*ids, *(f"{upload_id}.info" for upload_id in ids)]
    )
    assert "Traceback" not in caplog.text
    assert await client.handler.check_health() == ""
