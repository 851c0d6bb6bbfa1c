"""`handler.uploads`: termination, and the download of what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tus_reference import FileStore

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import ClientFactory, HandlerClient


@pytest.mark.parametrize("stored", [b"", b"half!", b"all of it!"])
async def test_a_terminated_upload_is_gone_for_every_method(
    client: HandlerClient, stored: bytes
) -> None:
    path = await client.create(10, stored)
    answer = await client.request("DELETE", path)
    assert (answer.status, answer.body) == (204, b"")
    for method in ("HEAD", "DELETE", "GET"):
        assert (await client.request(method, path)).status == 410
    assert (await client.patch(path, len(stored))).status == 410


async def test_a_new_process_does_not_remember_what_was_terminated(
    server: ClientFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "uploads"
    client = server(FileStore(folder))
    path = await client.create(10, b"half!")
    assert (await client.request("DELETE", path)).status == 204
    assert list(folder.iterdir()) == []
    assert (await server(FileStore(folder)).head(path)).status == 404


async def test_termination_can_be_disabled(server: ClientFactory) -> None:
    client = server(disable_termination=True)
    path = await client.create(10, b"half!")
    assert (await client.request("DELETE", path)).status == 405
    assert await client.get_offset(path) == 5
    answer = await client.request("OPTIONS", "/files/")
    assert "termination" not in (answer["Tus-Extension"] or "").split(",")


async def test_an_incomplete_upload_cannot_be_downloaded(client: HandlerClient) -> None:
    answer = await client.request("GET", await client.create(10, b"half!"))
    assert (answer.status, answer.code) == (400, "ERR_INCOMPLETE_UPLOAD")


async def test_download_can_be_disabled(server: ClientFactory) -> None:
    client = server(disable_download=True)
    assert (await client.request("GET", await client.create(5, b"hello"))).status == 405


async def test_a_download_needs_no_tus_headers_and_is_whole(client: HandlerClient) -> None:
    content = bytes(range(256)) * 4000
    path = await client.create(len(content), content)
    answer = await client.request("GET", path, {"Tus-Resumable": None})
    assert answer.status == 200
    assert answer["Content-Length"] == str(len(content))
    assert answer.body == content


@pytest.mark.parametrize(
    ("metadata", "media_type", "disposition"),
    [
        ("", "application/octet-stream", "attachment"),
        ("filetype aW1hZ2UvcG5n,filename Zi5wbmc=", "image/png", 'inline; filename="f.png"'),
        ("filetype dGV4dC9odG1s,filename YS5odG1s", "application/octet-stream",
         'attachment; filename="a.html"'),
        ("filetype aW1hZ2Uvc3ZnK3htbA==", "application/octet-stream", "attachment"),
        # "text/plain\r\nX-Injected: 1" and 'a"\r\nX: 1'
        ("filetype dGV4dC9wbGFpbg0KWC1JbmplY3RlZDogMQ==,filename YSINClg6IDE=",
         "application/octet-stream",
         "attachment; filename=\"a_X: 1\"; filename*=UTF-8''a%22X%3A%201"),
        # "ü/€.txt"
        ("filename w7wv4oKsLnR4dA==", "application/octet-stream",
         "attachment; filename=\"_.txt\"; filename*=UTF-8''%E2%82%AC.txt"),
        # "../..", and "a", a character that turns the direction of writing, "b"
        ("filename Li4vLi4=", "application/octet-stream", "attachment"),
        ("filename YeKArmI=", "application/octet-stream", 'attachment; filename="ab"'),
        # 'Text/Plain; Charset="UTF-8"; x=y', and "; charset=utf-8" behind other types
        ("filetype VGV4dC9QbGFpbjsgQ2hhcnNldD0iVVRGLTgiOyB4PXk=", "text/plain; charset=utf-8",
         "inline"),
        ("filetype aW1hZ2UvcG5nOyBjaGFyc2V0PXV0Zi04", "image/png", "inline"),
        ("filetype dGV4dC9odG1sOyBjaGFyc2V0PXV0Zi04", "application/octet-stream", "attachment"),
        ("filetype YXBwbGljYXRpb24vcGRm", "application/pdf", "inline"),
    ],
)  # fmt: skip
async def test_metadata_is_made_harmless_before_it_becomes_a_header(
    client: HandlerClient, metadata: str, media_type: str, disposition: str
) -> None:
    path = await client.create(5, b"hello", Upload_Metadata=metadata)
    answer = await client.request("GET", path)
    assert answer["Content-Type"] == media_type
    assert answer["Content-Disposition"] == disposition
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Injected"] is None
    policy = (answer["Content-Security-Policy"] or "").split("; ")
    assert "default-src 'none'" in policy
    assert not [rule for rule in policy if rule.startswith("script-src")]
    assert ("sandbox" in policy) == (media_type != "application/pdf")
