"""`cli.folder_lock`: no two servers write to one folder without a common locker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from server_process import run_failing_server, run_server

if TYPE_CHECKING:
    from pathlib import Path

ALONE: tuple[str, ...] = ()
SHARED = ("--locker", "file")
WORKERS = ("--workers", "2")


@pytest.mark.parametrize(
    ("first", "second"), [(ALONE, ALONE), (ALONE, SHARED), (SHARED, ALONE), (WORKERS, ALONE)]
)
def test_a_folder_in_use_is_refused(
    tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    folder = ("--upload-dir", str(tmp_path / "up"))
    with run_server(*folder, *first) as server:
        path = server.create(5)
        code, err = run_failing_server(*folder, *second)
        assert (code, "give each of them --locker file" in err) == (2, True)
        assert server.request("HEAD", path).status == 200


@pytest.mark.parametrize(("first", "second"), [(SHARED, SHARED), (WORKERS, SHARED)])
def test_servers_with_a_common_locker_share_a_folder(
    tmp_path: Path, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    folder = ("--upload-dir", str(tmp_path / "up"))
    with run_server(*folder, *first) as one, run_server(*folder, *second) as other:
        assert other.request("HEAD", one.create(5)).status == 200


def test_a_server_that_was_killed_or_is_stopping_keeps_no_other_from_starting(
    tmp_path: Path,
) -> None:
    folder = ("--upload-dir", str(tmp_path / "up"))
    with run_server(*folder) as server:
        server.process.kill()
        server.process.wait()
        with run_server(*folder) as second:
            second.process.terminate()
            with run_server(*folder) as third:
                assert third.create(5)
