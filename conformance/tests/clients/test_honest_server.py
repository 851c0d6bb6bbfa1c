"""`clients.honest_server`: the reference as a process, started once for each set of flags."""

from __future__ import annotations

import pytest
import trio

from tus_conformance.clients.honest_server import HonestServer, HonestServers
from tus_conformance.clients.seen_request import value_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Run on the clock of the machine: the server is a process."""
    return "trio"


VERSION = ("Tus-Resumable", "1.0.0")


async def test_situations_that_begin_together_share_one_server() -> None:
    found: list[HonestServer] = []
    async with HonestServers() as servers:

        async def start(flags: tuple[str, ...]) -> None:
            found.append(await servers.start(flags))

        async with trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(start, ())
        with_limit = await servers.start(("--max-size", "10"))
        response = await with_limit.send("OPTIONS", with_limit.path)
    assert len({id(each) for each in found}) == 1
    assert with_limit is not found[0]
    assert response.integer("Tus-Max-Size") == 10


async def test_an_upload_is_asked_for_read_and_removed() -> None:
    async with HonestServers() as servers:
        server = await servers.start(())
        offered, algorithms = await server.offers()
        created = await server.send("POST", server.path, (VERSION, ("Upload-Length", "3")))
        upload = (value_of(created.headers, "Location") or "").rsplit("/", 1)[-1]
        octets = ("Content-Type", "application/offset+octet-stream")
        headers = (VERSION, octets, ("Upload-Offset", "0"), ("Host", "elsewhere"))
        await server.send("PATCH", server.path + upload, headers, b"abc")
        offset = (await server.offset(upload)).integer("Upload-Offset")
        content = await server.read(upload)
        await server.remove(upload)
        gone = await server.offset(upload)
        read = await server.read(upload)
    assert "creation" in offered
    assert "sha1" in algorithms
    assert (offset, content) == (3, b"abc")
    assert gone.status in {404, 410}
    assert read is None
