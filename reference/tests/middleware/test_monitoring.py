"""`middleware`: health, metrics under tusd's names, and a log line for each request."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
import trio.testing
from server_process import OFFSET_CONTENT_TYPE, run_server, wait_until

from tus_reference.middleware import AccessLog, Health
from tus_reference.middleware.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import ClientFactory, HandlerClient

WRONG = {"Upload-Checksum": "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0="}


def parse_samples(page: bytes) -> dict[str, float]:
    """Return the samples of a page of metrics by name and labels."""
    lines = [line for line in page.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def nonzero_samples(page: bytes) -> dict[str, float]:
    """Return those that are about uploads and requests, zeros left out."""
    return {k: v for k, v in parse_samples(page).items() if k.startswith("tusd_") and v}


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("GET", "/healthz", 200, b"ok\n"),
        ("GET", "/healthz?probe=1", 200, b"ok\n"),
        ("HEAD", "/healthz", 200, b""),
        ("POST", "/healthz", 404, None),
        ("GET", "/healthz/", 404, None),
    ],
)
async def test_health_is_there_without_any_header(
    server: ClientFactory, method: str, target: str, status: int, body: bytes | None
) -> None:
    client = server(layers=(Health(),))
    answer = await client.request(method, target, {"Tus-Resumable": None})
    if status == 404:
        assert answer.status in {404, 412}
    else:
        assert (answer.status, answer["Cache-Control"]) == (status, "no-store")
        assert body is None or answer.body == body


@pytest.fixture
def metrics_client(server: ClientFactory) -> tuple[HandlerClient, Metrics]:
    client = server(expire_after=60.0)
    metrics = Metrics(client.handler)
    client._layers = (metrics,)
    return client, metrics


async def test_metrics_have_the_names_of_tusd(
    metrics_client: tuple[HandlerClient, Metrics],
) -> None:
    client, metrics = metrics_client
    path = await client.create(10, b"hello")
    assert (await client.patch(path, 3, b"x")).status == 409
    assert (await client.patch(path, 5, b"world")).status == 204
    assert (await client.patch(path, 10)).status == 204
    assert (await client.request("DELETE", path)).status == 204
    assert (await client.request("BREW", path)).status == 405
    over: dict[str, str | None] = {"X-HTTP-Method-Override": "HEAD"}
    assert (await client.request("POST", path, over)).status == 410
    metrics.add_connections(3)
    metrics.add_connections(-1)
    answer = await client.request("GET", "/metrics")
    assert (answer.status, (answer["Content-Type"] or "")[:10]) == (200, "text/plain")
    assert nonzero_samples(answer.body) == {
        'tusd_requests_total{method="POST"}': 1,
        'tusd_requests_total{method="PATCH"}': 4,
        'tusd_requests_total{method="DELETE"}': 1,
        'tusd_requests_total{method="HEAD"}': 1,
        'tusd_requests_total{method="other"}': 1,
        'tusd_errors_total{code="ERR_MISMATCHED_OFFSET",status="409"}': 1,
        'tusd_errors_total{code="ERR_METHOD_NOT_ALLOWED",status="405"}': 1,
        'tusd_errors_total{code="ERR_UPLOAD_GONE",status="410"}': 1,
        "tusd_bytes_received": 10,
        "tusd_uploads_created": 1,
        "tusd_uploads_finished": 1,
        "tusd_uploads_terminated": 1,
        "tusd_connections_open": 2,
    }
    assert b"# TYPE tusd_uploads_created counter\n" in answer.body
    assert "process_resident_memory_bytes" in parse_samples(answer.body)


async def test_each_upload_is_finished_once(metrics_client: tuple[HandlerClient, Metrics]) -> None:
    client, metrics = metrics_client
    await client.create(0)
    parts = [await client.create(5, b"hello", Upload_Concat="partial") for _ in range(2)]
    final: dict[str, str | None] = {"Upload-Concat": f"final;{parts[0]} {parts[1]}"}
    assert (await client.request("POST", "/files/", final)).status == 201
    deferred = await client.create(None, b"hello")
    assert (await client.patch(deferred, 5, Upload_Length="5")).status == 204
    await client.create(7)
    told = nonzero_samples(metrics.render())
    assert (told["tusd_uploads_created"], told["tusd_uploads_finished"]) == (6, 5)


async def test_what_happens_without_a_request_counts_too(
    metrics_client: tuple[HandlerClient, Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, metrics = metrics_client
    await client.create(5)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert await client.handler.maintenance.remove_expired_uploads() == 1
    assert nonzero_samples(metrics.render())["tusd_uploads_terminated"] == 1


def test_workers_add_up_their_numbers(tmp_path: Path) -> None:
    flags = ("--upload-dir", str(tmp_path / "up"), "--workers", "2", "--expose-metrics")

    def told() -> dict[str, float]:
        return nonzero_samples(server.request_monitoring("/metrics").content)

    with run_server(*flags) as server:
        for _ in range(30):
            server.create(0)
        assert told()["tusd_uploads_created"] == 30
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        server.wait_for_line("exited")
        for _ in range(10):
            server.create(0)
        assert told()["tusd_uploads_finished"] == 40
        wait_until(lambda: "tusd_connections_open" not in told())
        assert server.stop()[0] == 0


def test_without_the_flag_there_is_nothing_to_see(tmp_path: Path) -> None:
    with run_server("--store", "memory") as server:
        assert server.request_monitoring("/metrics").status == 404


@pytest.fixture
def logging_client(server: ClientFactory) -> tuple[HandlerClient, list[dict[str, Any]]]:
    """Return a client, and the entries about its requests."""
    entries: list[dict[str, Any]] = []
    log = AccessLog("json", write=lambda line: entries.append(json.loads(line)))
    return server(layers=(log,)), entries


async def test_a_line_is_logged_for_each_request(
    logging_client: tuple[HandlerClient, list[dict[str, Any]]],
) -> None:
    client, entries = logging_client
    path = await client.create(10)
    secret = {"Authorization": "Bearer s3cret", "Cookie": "s3cret", "User-Agent": 'a "b"'}
    headers = {"X-Request-ID": "abc-1", "Upload-Offset": "0", **secret, **OFFSET_CONTENT_TYPE}
    answer = await client.request("PATCH", path + "?token=s3cret", {**headers}, b"hello")
    assert (answer.status, answer["X-Request-ID"]) == (204, "abc-1")
    answer = await client.patch(path, 0, b"hello")
    assert answer.status == 409
    assert (await client.patch(path, 5, b"world")).status == 204
    assert len((await client.request("GET", path, {"Range": "bytes=2-4"})).body) == 3
    created, patched, refused, _, download = entries
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", created["time"])
    assert (created["method"], created["path"], created["status"]) == ("POST", "/files/", 201)
    assert patched["id"] == "abc-1"
    assert (patched["path"], patched["agent"]) == (path, 'a "b"')
    assert (patched["received"], patched["status"], patched["code"]) == (5, 204, "")
    assert (refused["status"], refused["code"]) == (409, "ERR_MISMATCHED_OFFSET")
    assert refused["id"] == answer["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", refused["id"])
    assert refused["sent"] == len(answer.body)
    assert (download["status"], download["sent"]) == (206, 3)
    assert len({entry["id"] for entry in entries}) == 5
    assert all(0 <= entry["ms"] < 10_000 for entry in entries)
    assert "s3cret" not in json.dumps(entries)


@pytest.mark.parametrize("given", ["a b", "x" * 129, "", 'a"b', "é"])
async def test_an_id_that_is_not_sound_is_replaced(
    logging_client: tuple[HandlerClient, list[dict[str, Any]]], given: str
) -> None:
    client, entries = logging_client
    answer = await client.request("OPTIONS", "/files/", {"X-Request-ID": given})
    assert answer["X-Request-ID"] == entries[0]["id"] != given


async def test_hooks_see_the_id(server: ClientFactory) -> None:
    client = server(layers=(AccessLog(write=print),), notify_created_uploads=True)
    answer = await client.request("POST", "/files/", {"Upload-Length": "1"})
    event = await client.handler.created_uploads.receive()
    assert event.request.headers.one("X-Request-ID") == answer["X-Request-ID"]


async def test_a_client_that_disconnected_is_logged_too(
    logging_client: tuple[HandlerClient, list[dict[str, Any]]],
) -> None:
    client, entries = logging_client
    content = bytes(300_000)
    path = await client.create(len(content), content)
    entries.clear()
    async with client.connect() as wire:
        await wire.send(f"GET {path} HTTP/1.1\nHost: x\n\n")
        await wire.stream.aclose()
    async with client.connect() as wire:
        await wire.send("POST /files/ HTTP/1.1\nHost: x\nTus-Resumable: 1.0.0\n")
        await wire.send("Content-Type: application/offset+octet-stream\nUpload-Length: 9\n")
        await wire.send("Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=\n")
        await wire.send("Content-Length: 9\n\nhello")
        await wire.stream.aclose()
    await trio.testing.wait_all_tasks_blocked()
    download, upload = entries
    assert (download["status"], download["sent"] < len(content)) == (200, True)
    assert (upload["method"], upload["received"]) == ("POST", 5)
    assert upload["status"] in {0, 400}


async def test_logfmt_keeps_a_line_a_line(server: ClientFactory) -> None:
    lines: list[str] = []
    write: Callable[[str], object] = lines.append
    client = server(layers=(AccessLog("logfmt", write=write),))
    agent = 'x" status=200 \x7f'
    await client.request("OPTIONS", "/files/", {"User-Agent": agent})
    line = lines[0]
    assert " method=OPTIONS path=/files/ " in line
    assert f" agent={json.dumps(agent)} status=204 " in line
    assert "\n" not in line


@pytest.mark.parametrize(("trusted", "remote"), [(True, "1.2.3.4"), (False, "")])
async def test_proxies_name_the_client_only_if_trusted(
    server: ClientFactory, trusted: bool, remote: str
) -> None:
    entries: list[dict[str, Any]] = []
    log = AccessLog(behind_proxy=trusted, write=lambda line: entries.append(json.loads(line)))
    client = server(layers=(log,))
    await client.request("OPTIONS", "/files/", {"X-Forwarded-For": "1.2.3.4, 10.0.0.1"})
    assert entries[0]["remote"] == remote


def test_the_log_of_a_process_goes_to_standard_error(tmp_path: Path) -> None:
    with run_server("--store", "memory", "--access-log", "json") as server:
        server.request("OPTIONS", "/files/", {"X-Request-ID": "mine"})
        entry = json.loads(server.wait_for_line('"id":"mine"'))
        assert (entry["status"], entry["remote"][:10]) == (204, "127.0.0.1:")
        assert server.stop()[0] == 0
