"""`handler.completions`: what failed is tried again by itself, and health and metrics say so."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import s3_dialects
import trio
from s3_harness import S3Harness, new_s3_harness

from tus_reference.handler.completions import LONGEST_PAUSE, PendingCompletions
from tus_reference.middleware import Health
from tus_reference.middleware.metrics import Metrics
from tus_reference.model import Refused, errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest
    from conftest import ClientFactory, HandlerClient

CONTENT = bytes(range(48, 148))
REFUSE = s3_dialects.refuse("complete_multipart_upload", "InvalidPart")


def new_client(server: ClientFactory) -> tuple[HandlerClient, S3Harness]:
    """Return a client of a server on S3 with health and metrics."""
    harness = new_s3_harness()
    client = server(harness.store)
    client._layers = (Metrics(client.handler), Health(check=client.handler.check_health))
    return client, harness


async def read_metrics(client: HandlerClient) -> dict[str, str]:
    page = (await client.request("GET", "/metrics")).body.decode()
    lines = [line for line in page.splitlines() if line.startswith("tus_reference_completion")]
    return dict(line.split(" ") for line in lines if "_created" not in line)


async def test_a_failed_completion_is_seen_and_ends_by_itself(
    server: ClientFactory, caplog: pytest.LogCaptureFixture
) -> None:
    client, harness = new_client(server)
    assert (await client.request("GET", "/healthz")).status == 200
    path = await client.create(100)
    harness.intercepted.hook = REFUSE
    assert (await client.patch(path, 0, CONTENT)).status == 500
    answer = await client.request("GET", "/healthz")
    assert (answer.status, b"1 complete uploads" in answer.body) == (503, True)
    assert b"ERR_STORAGE_FAILED" in answer.body
    assert await read_metrics(client) == {
        "tus_reference_completions_pending": "1.0",
        "tus_reference_completion_failures_total": "1.0",
    }
    assert "failed 1 times and is tried again in 1 s" in caplog.text
    harness.intercepted.hook = None
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.handler.run_maintenance)
            while (await client.request("GET", "/healthz")).status != 200:  # noqa: ASYNC110
                await trio.sleep(0.05)
            nursery.cancel_scope.cancel()
    assert (await read_metrics(client))["tus_reference_completions_pending"] == "0.0"
    harness.intercepted.calls.clear()
    assert await client.get(path) == CONTENT
    assert harness.intercepted.calls["complete_multipart_upload"] == 0


async def test_what_a_killed_process_left_complete_is_finished_at_the_start(
    server: ClientFactory,
) -> None:
    harness = new_s3_harness()
    upload_id = await harness.create(100)
    await harness.append(upload_id, CONTENT)
    client = server(harness.store)
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.handler.run_maintenance)
            while upload_id.partition("+")[0] not in harness.s3.objects:  # noqa: ASYNC110
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()


async def test_a_removed_upload_is_not_tried_again(server: ClientFactory) -> None:
    client, harness = new_client(server)
    path = await client.create(100)
    harness.intercepted.hook = REFUSE
    assert (await client.patch(path, 0, CONTENT)).status == 500
    assert (await client.request("DELETE", path)).status == 204
    assert (await client.request("GET", "/healthz")).status == 200


async def test_a_failing_upload_does_not_stop_the_others(server: ClientFactory) -> None:
    client, harness = new_client(server)
    failing, other = await client.create(100), await client.create(100)
    harness.intercepted.hook = REFUSE
    for path in (failing, other):
        assert (await client.patch(path, 0, CONTENT)).status == 500

    def refuse_one(name: str, arguments: Mapping[str, object], call: s3_dialects.Call) -> object:
        if str(arguments["Key"]) in failing:
            return REFUSE(name, arguments, call)
        return call()

    harness.intercepted.hook = refuse_one
    for path in (failing, other):
        await client.handler.maintenance.retry_completion(path.removeprefix("/files/"))
    assert len(client.handler.uploads.completions) == 1
    assert await client.get(other) == CONTENT
    assert (await client.head(failing)).status == 423


async def test_an_upload_that_is_being_completed_is_looked_at_later(
    server: ClientFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tus_reference.handler.uploads.COMPLETION_WAIT", 0.05)
    client, harness = new_client(server)
    path = await client.create(100)
    harness.intercepted.hook = REFUSE
    assert (await client.patch(path, 0, CONTENT)).status == 500
    upload_id = path.removeprefix("/files/")
    locker = client.handler.config.composer.locker
    assert locker is not None
    lock = locker.new_lock(upload_id)
    assert await lock.try_lock()
    await client.handler.maintenance.retry_completion(upload_id)
    assert upload_id in client.handler.uploads.completions
    await lock.unlock()


def test_pauses_grow_up_to_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    completions = PendingCompletions(logging.getLogger("tus_reference"))
    for _ in range(50):
        completions.note_failure("a", OSError("the disk is full"))
    assert "tried again in 60 s" in caplog.records[-1].message
    assert LONGEST_PAUSE == 60
    assert completions.describe() == "1 complete uploads cannot be finished: OSError"
    completions.note_failure("a", Refused(errors.UPLOAD_GONE))
    assert (len(completions), completions.describe()) == (0, "")
