"""The examples in the documentation: they are run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
import trio.testing

if TYPE_CHECKING:
    from conftest import Servers

PAGE = Path(__file__).parents[2] / "docs" / "reference-server.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def run(source: str) -> dict[str, Any]:
    """Run an example and return what it defines."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(source, str(PAGE), "exec"), names)
    return names


async def test_a_store_of_ones_own(server: Servers, tmp_path: Path) -> None:
    source = next(block for block in BLOCKS if "class SQLiteStore" in block)
    assert len(source.splitlines()) < 60
    store = run(source)["SQLiteStore"](str(tmp_path / "uploads.db"))
    client = server(store)
    told = (await client.request("OPTIONS", "/files/"))["Tus-Extension"]
    assert told == "creation,creation-with-upload,checksum,checksum-trailer,termination"
    path = await client.create(10, b"hello", Upload_Metadata="a YQ==")
    assert (await client.head(path))["Upload-Metadata"] == "a YQ=="
    assert await client.offset(path) == 5
    assert (await client.patch(path, 0, b"x")).status == 409
    assert (await client.patch(path, 5, b" tus!")).status == 204
    assert await client.offset(path) == 10
    assert (await client.request("GET", path)).status == 405
    assert (await client.request("DELETE", path)).status == 204
    assert (await client.head(path)).status == 410
    assert (await client.head("/files/unknown")).status == 404
    store.close()


async def test_the_trio_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = next(block for block in BLOCKS if "async def main" in block)
    monkeypatch.chdir(tmp_path)
    listening = trio.Event()
    ports: list[int] = []
    opening = trio.open_tcp_listeners

    async def open_any(port: int, *, host: str) -> list[trio.SocketListener]:
        listeners = await opening(0, host=host)
        ports.append(listeners[0].socket.getsockname()[1])
        listening.set()
        return listeners

    monkeypatch.setattr(trio, "open_tcp_listeners", open_any)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run(source)["main"])
        await listening.wait()
        async with await trio.open_tcp_stream("127.0.0.1", ports[0]) as stream:
            await stream.send_all(
                b"POST /files/ HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
                b"Upload-Length: 0\r\nUpload-Metadata: a YQ==\r\n\r\n"
            )
            with trio.fail_after(5):
                assert (await stream.receive_some(4096)).startswith(b"HTTP/1.1 201 ")
        await trio.testing.wait_all_tasks_blocked(0.01)
        nursery.cancel_scope.cancel()
    assert "{'a': b'a'}" in capsys.readouterr().out


def test_every_flag_of_the_page_exists() -> None:
    from tus_reference.commandline import parser

    known = {name for action in parser()._actions for name in action.option_strings}
    assert set(re.findall(r"--[a-z][a-z0-9-]*", PAGE.read_text())) <= known
