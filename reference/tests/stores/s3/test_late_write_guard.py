"""`stores.s3.late_write_guard`: late writes of a dead process never overwrite newer data."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from memory_s3 import byte_source, client_error
from s3_harness import SMALL_SIZES, S3Harness, new_s3_harness

from tus_reference.model import Refused, errors
from tus_reference.stores.s3 import S3Store, late_write_guard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = bytes(range(48, 148))
LONG = 1000.0


class FakeClock:
    """The time of stores that wait: it passes at once, and `meanwhile` happens in it."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        """Return the seconds of a clock that no process sets."""
        return time.monotonic() + sum(self.waits)

    def time(self) -> float:
        """Return the seconds since the epoch."""
        return time.time() + sum(self.waits)

    async def sleep(self, seconds: float) -> None:
        """Let so many seconds have passed."""
        self.waits.append(seconds)
        self.meanwhile()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Return the clock that every store of the test goes by."""
    made = FakeClock()
    monkeypatch.setattr(late_write_guard, "time", made)
    monkeypatch.setattr(late_write_guard, "anyio", made)
    return made


def list_files(folder: Path) -> list[Path]:
    """Return what is in a folder."""
    return list(folder.iterdir())


def restart_store(s3_harness: S3Harness) -> S3Harness:
    """Return a stage with a store that was just started, on the same S3."""
    store = S3Store("bucket", s3_harness.intercepted, **{**SMALL_SIZES, "late_write_delay": LONG})
    return S3Harness(store, s3_harness.s3, s3_harness.intercepted)


def store_late_part(s3_harness: S3Harness, upload_id: str) -> None:
    s3_harness.put_part(upload_id, 2, CONTENT[10:20])


def store_late_tail(s3_harness: S3Harness, upload_id: str) -> None:
    s3_harness.put_tail(upload_id, CONTENT[10:13], "10")


def remove_late(s3_harness: S3Harness, upload_id: str) -> None:
    s3_harness.s3.objects.pop(upload_id.partition("+")[0] + ".part", None)


@pytest.mark.parametrize(
    ("late", "offset"), [(store_late_part, 20), (store_late_tail, 13), (remove_late, 10)]
)
async def test_a_write_waits_and_looks_again(
    clock: FakeClock, late: Callable[[S3Harness, str], None], offset: int
) -> None:
    """The former process had sent it; it arrives while the first request is waiting."""
    before = new_s3_harness()
    upload_id = await before.create(100)
    await before.append(upload_id, CONTENT[:10])
    s3_harness = restart_store(before)
    info = await s3_harness.store.get_info(upload_id)
    assert info.offset == 10
    clock.meanwhile = lambda: late(s3_harness, upload_id)
    if offset == 10:
        assert (await s3_harness.store.append(info, byte_source(CONTENT[10:17]))).offset == 17
    else:
        with pytest.raises(Refused) as refusal:
            await s3_harness.store.append(info, byte_source(CONTENT[10:17]))
        assert refusal.value.error == errors.MISMATCHED_OFFSET
    assert clock.waits == [pytest.approx(LONG, abs=60)]
    found = await s3_harness.get_offset(upload_id)
    assert await s3_harness.append(upload_id, CONTENT[found:]) == 100
    assert await s3_harness.finish_and_read(upload_id) == CONTENT


async def test_a_write_looks_again_if_the_record_had_to_wait(clock: FakeClock) -> None:
    before = new_s3_harness()
    upload_id = await before.create(None)
    await before.append(upload_id, CONTENT[:10])
    s3_harness = restart_store(before)
    info = await s3_harness.store.get_info(upload_id)
    clock.meanwhile = lambda: store_late_part(s3_harness, upload_id)
    await s3_harness.store.declare_length(upload_id, 100)
    clock.meanwhile = lambda: None
    with pytest.raises(Refused) as refusal:
        await s3_harness.store.append(replace(info, size=100), byte_source(CONTENT[10:17]))
    assert refusal.value.error == errors.MISMATCHED_OFFSET


async def test_an_upload_of_this_process_does_not_wait(clock: FakeClock) -> None:
    s3_harness = new_s3_harness(late_write_delay=LONG)
    upload_id = await s3_harness.create(20)
    assert await s3_harness.append(upload_id, CONTENT[:20]) == 20
    await s3_harness.store.declare_length(upload_id, 20)
    assert clock.waits == []


async def test_the_next_write_after_a_failure_waits(clock: FakeClock) -> None:
    s3_harness = new_s3_harness(late_write_delay=LONG)
    upload_id = await s3_harness.create(20)
    s3_harness.intercepted.fail("upload_part", client_error("InternalError", 500))
    with pytest.raises(Refused):
        await s3_harness.append(upload_id, CONTENT[:10])
    sent: list[int] = []
    clock.meanwhile = lambda: sent.append(s3_harness.intercepted.calls["upload_part"])
    assert await s3_harness.append(upload_id, CONTENT[:10]) == 10
    assert clock.waits == [pytest.approx(LONG, abs=60)]
    assert (sent, s3_harness.intercepted.calls["upload_part"]) == ([1], 2)


async def test_looking_up_does_not_wait(clock: FakeClock) -> None:
    before = new_s3_harness()
    upload_id = await before.create(20)
    s3_harness = restart_store(before)
    assert await s3_harness.get_offset(upload_id) == 0
    assert clock.waits == []


async def test_processes_share_what_may_still_be_stored(clock: FakeClock, tmp_path: Path) -> None:
    before = new_s3_harness()
    upload_id = await before.create(100)
    await before.append(upload_id, CONTENT[:10])
    settings = {**SMALL_SIZES, "late_write_delay": LONG, "shared_directory": tmp_path}
    stages = []
    for _ in range(2):
        store = S3Store("bucket", before.intercepted, **settings)
        stages.append(S3Harness(store, before.s3, before.intercepted))
    one, other = stages
    # The first write waits for what an earlier process may have left behind, for both of them.
    await one.append(upload_id, CONTENT[10:20])
    await other.append(upload_id, CONTENT[20:30])
    await one.append(upload_id, CONTENT[30:40])
    assert len(clock.waits) == 1
    one.store.note_late_write(upload_id)
    (mark,) = list_files(tmp_path)
    os.utime(mark, (clock.time(), clock.time()))
    await other.append(upload_id, CONTENT[40:50])
    assert clock.waits[1:] == [pytest.approx(LONG, abs=60)]
    await other.append(upload_id, CONTENT[50:60])
    assert len(clock.waits) == 2
    assert not list_files(tmp_path)
