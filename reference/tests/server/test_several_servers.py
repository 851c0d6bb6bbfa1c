"""`lockers.redis_locker`: servers on one folder that are stopped, killed and cut off."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from redis_server import MISSING, PROGRAM, RedisProcess, run_redis
from server_process import OFFSET_CONTENT_TYPE, ReferenceProcess, run_server, wait_until

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)


@pytest.fixture(scope="module")
def redis_process() -> Iterator[RedisProcess]:
    """Return a Redis for the tests of this module."""
    with run_redis() as process:
        yield process


@contextmanager
def run_servers(
    redis_process: RedisProcess, folder: Path
) -> Iterator[tuple[ReferenceProcess, ReferenceProcess]]:
    """Run two servers on one folder."""
    flags = ["--upload-dir", str(folder), "--locker", "redis", "--redis-url", redis_process.url]
    flags += ["--redis-lease", "1", "--acquire-lock-timeout", "10"]
    flags += ["--monitoring-listen", "uploads"]
    with run_server(*flags) as first, run_server(*flags) as second:
        yield first, second


def get_offset(server: ReferenceProcess, path: str) -> int:
    return int(server.request("HEAD", path).headers["Upload-Offset"] or "-1")


def begin_patch(server: ReferenceProcess, path: str, other: ReferenceProcess) -> socket.socket:
    """Send the first half of a PATCH of ten bytes, and wait until another server sees it."""
    connection = server.begin_patch(path, 10)
    connection.sendall(b"hello")
    wait_until(lambda: get_offset(other, path) == 5)
    return connection


def test_a_server_that_was_stopped_beyond_its_lease_changes_nothing(
    redis_process: RedisProcess, tmp_path: Path
) -> None:
    with run_servers(redis_process, tmp_path) as (first, second):
        path = first.create(10)
        with begin_patch(first, path, second) as connection:
            first.process.send_signal(signal.SIGSTOP)
            assert second.patch(path, 5, b" tu") == 204
            connection.sendall(b"XXXXX")
            first.process.send_signal(signal.SIGCONT)
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"ERR_LOCK_LOST" in answer
        assert b"\r\nretry-after: 1\r\n" in answer.lower()
        assert (tmp_path / path.rpartition("/")[2]).read_bytes() == b"hello tu"
        # It serves others, and this upload, as before.
        assert first.patch(path, 8, b"s!") == 204
        assert second.request("GET", path).content == b"hello tus!"


def test_the_uploads_of_a_killed_server_go_on_elsewhere(
    redis_process: RedisProcess, tmp_path: Path
) -> None:
    with run_servers(redis_process, tmp_path) as (first, second):
        path = first.create(10)
        with begin_patch(first, path, second):
            first.process.kill()
            assert second.patch(path, 5, b" tus!") == 204
        assert second.request("GET", path).content == b"hello tus!"


def test_a_new_request_to_another_server_takes_over(
    redis_process: RedisProcess, tmp_path: Path
) -> None:
    with run_servers(redis_process, tmp_path) as (first, second):
        path = first.create(10)
        with begin_patch(first, path, second) as connection:
            assert second.patch(path, 5, b" tus!") == 204
            assert b"ERR_UPLOAD_INTERRUPTED" in connection.recv(65536)


def test_without_redis_uploads_wait_and_then_go_on(tmp_path: Path) -> None:
    with run_redis() as redis_process, run_servers(redis_process, tmp_path) as (first, second):
        path = first.create(10)
        with begin_patch(first, path, second) as connection:
            redis_process.stop()
            assert b"ERR_LOCK_LOST" in connection.recv(65536)
        refused = second.request("PATCH", path, {**OFFSET_CONTENT_TYPE, "Upload-Offset": "5"}, b"x")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert get_offset(second, path) == 5
        assert second.request("GET", "/healthz").status == 503
        redis_process.start()
        wait_until(lambda: second.patch(path, 5, b" tus!") == 204)
        assert first.request("GET", "/healthz").status == 200
        assert first.request("GET", path).content == b"hello tus!"
