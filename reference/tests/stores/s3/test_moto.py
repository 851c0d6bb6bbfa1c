"""`stores.s3.client`: literal HTTP through the store and boto3 to an S3 that checks its calls."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from moto.server import ThreadedMotoServer

from tus_reference.handler import ConfigError
from tus_reference.stores.s3 import S3Store, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import ClientFactory, HandlerClient

MIB = 1024 * 1024
CONTENT = random.Random(1).randbytes(13 * MIB)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process credentials and no other settings of AWS."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Run moto's S3 on a free port and return its URL."""
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def s3(endpoint: str, credentials: None) -> Any:
    """Return a client of boto3 as the command line makes it, with a bucket."""
    client: Any = connect(endpoint)
    client.create_bucket(Bucket="tus-uploads")
    return client


@pytest.fixture
def client(server: ClientFactory, s3: Any) -> HandlerClient:
    """Return a client of a server that keeps its uploads there, in parts of 6 MiB."""
    store = S3Store("tus-uploads", s3, preferred_part_size=6 * MIB, object_prefix="in")
    return server(store, expire_after=3600)


def keys(s3: Any) -> list[str]:
    """Return the keys of all objects."""
    return [o["Key"] for o in s3.list_objects_v2(Bucket="tus-uploads").get("Contents", ())]


async def test_an_upload_from_its_creation_to_its_removal(client: HandlerClient, s3: Any) -> None:
    path = await client.create(13 * MIB, CONTENT[:100], Upload_Metadata="filetype dGV4dC9wbGFpbg==")
    assert (await client.patch(path, 100, CONTENT[100 : 7 * MIB])).status == 204
    assert await client.get_offset(path) == 7 * MIB
    assert (await client.patch(path, 7 * MIB, CONTENT[7 * MIB :], chunked=True)).status == 204
    assert await client.get(path) == CONTENT
    known = {"If-Modified-Since": (await client.request("GET", path))["Last-Modified"]}
    assert (await client.request("GET", path, known)).status == 304
    name = path.removeprefix("/files/").partition("+")[0]
    assert keys(s3) == [f"in/{name}", f"in/{name}.info"]
    assert s3.head_object(Bucket="tus-uploads", Key=f"in/{name}")["ContentType"] == "text/plain"
    assert (await client.request("DELETE", path)).status == 204
    assert keys(s3) == []
    assert (await client.head(path)).status == 410


async def test_uploads_are_joined(client: HandlerClient) -> None:
    sizes = (5 * MIB, 3, 6 * MIB)
    paths, offset = [], 0
    for size in sizes:
        content = CONTENT[offset : offset + size]
        paths.append(await client.create(size, content, Upload_Concat="partial"))
        offset += size
    header: dict[str, str | None] = {"Upload-Concat": "final;" + " ".join(paths)}
    answer = await client.request("POST", "/files/", header)
    assert answer.status == 201
    final = (answer["Location"] or "").removeprefix("http://tus.test")
    assert await client.get(final) == CONTENT[:offset]


async def test_the_length_may_come_with_the_last_byte(client: HandlerClient) -> None:
    path = await client.create(None, CONTENT[:10])
    assert (await client.patch(path, 10, b"", Upload_Length="10")).status == 204
    assert await client.get(path) == CONTENT[:10]


async def test_a_missing_bucket_is_reported_to_the_client(server: ClientFactory, s3: Any) -> None:
    client = server(S3Store("no-such-bucket", s3))
    answer = await client.request("POST", "/files/", {"Upload-Length": "5"})
    assert (answer.status, answer.code) == (403, "ERR_STORAGE_BUCKET_MISSING")


async def test_unreachable_storage_gets_a_response_that_asks_for_a_retry(
    server: ClientFactory, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    client = server(S3Store("tus-uploads", connect("http://127.0.0.1:9")))
    answer = await client.request("POST", "/files/", {"Upload-Length": "5"})
    assert (answer.status, answer.code) == (503, "ERR_STORAGE_BUSY")
    assert (await client.head("/files/name+multi")).status == 423


def test_an_invalid_endpoint_is_reported_in_a_sentence(credentials: None) -> None:
    with pytest.raises(ConfigError, match="S3 cannot be used: Invalid endpoint"):
        connect("not a url")


def test_missing_credentials_are_reported_in_a_sentence(
    credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigError, match="There are no AWS credentials: set AWS_ACCESS_KEY_ID"):
        connect("http://127.0.0.1:9")
