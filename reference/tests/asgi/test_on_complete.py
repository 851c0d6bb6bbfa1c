"""`docs/on-complete.md`: its example publishes complete uploads from a simulated S3."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from asgi_call import run_lifespan
from moto.server import ThreadedMotoServer

from tus_reference.stores.s3 import connect

PAGE = Path(__file__).parents[3] / "docs" / "on-complete.md"
TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """Run a simulated S3 with a bucket, and point the environment at it."""
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
        "BUCKET": "uploads",
        "DATABASE": str(tmp_path / "files.db"),
    }.items():
        monkeypatch.setenv(name, value)
    client: Any = connect()
    client.create_bucket(Bucket="uploads")
    yield client
    client.close()
    moto.stop()


def run_example(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the page's Python and return what it defines."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    module = ModuleType("example")
    monkeypatch.setitem(sys.modules, "example", module)
    exec(compile(source, str(PAGE), "exec"), module.__dict__)
    return module.__dict__


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_complete_upload_is_published(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of an upload publishes nothing; all of it is at its key before the last response."""
    example = run_example(monkeypatch)
    transport = httpx.ASGITransport(example["app"])
    async with (
        run_lifespan(example["app"]),
        httpx.AsyncClient(transport=transport, base_url="http://tus.test") as client,
    ):
        names = {**TUS, "Upload-Length": "10", "Upload-Metadata": "filename Li4vYQ=="}
        url = (await client.post("/files/", headers=names)).headers["Location"]
        first = await client.patch(url, headers={**BYTES, "Upload-Offset": "0"}, content=b"hello")
        assert (first.status_code, (await client.get("/published")).json()) == (204, [])
        last = await client.patch(url, headers={**BYTES, "Upload-Offset": "5"}, content=b" tus!")
        assert last.status_code == 204
        ((key, name, size),) = (await client.get("/published")).json()
        assert (name, size) == ("../a", 10)
        assert s3.get_object(Bucket="uploads", Key=key)["Body"].read() == b"hello tus!"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_failure_is_repeated(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """If publishing fails the client gets 500, and its next request, a HEAD, publishes."""
    example = run_example(monkeypatch)
    publish, fails = example["publish"], [True]

    def publish_later(*arguments: Any) -> None:
        if fails:
            fails.clear()
            raise OSError("the database is locked")
        publish(*arguments)

    example["publish"] = publish_later
    transport = httpx.ASGITransport(example["app"])
    async with (
        run_lifespan(example["app"]),
        httpx.AsyncClient(transport=transport, base_url="http://tus.test") as client,
    ):
        made = await client.post("/files/", headers={**TUS, "Upload-Length": "3"})
        url, start = made.headers["Location"], {**BYTES, "Upload-Offset": "0"}
        assert (await client.patch(url, headers=start, content=b"abc")).status_code == 500
        assert (await client.get("/published")).json() == []
        assert (await client.head(url, headers=TUS)).headers["Upload-Offset"] == "3"
        assert len((await client.get("/published")).json()) == 1
