"""What S3 stores late, from a process that died, never overwrites what was stored since."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from s3.memory_s3 import body, refused
from s3.stage import SMALL, Stage, new_stage

from tus_reference.protocol import Refused, errors
from tus_reference.stores.s3 import S3Store, settling

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = bytes(range(48, 148))
LONG = 1000.0


class Clock:
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
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that every store of the test goes by."""
    made = Clock()
    monkeypatch.setattr(settling, "time", made)
    monkeypatch.setattr(settling, "anyio", made)
    return made


def files(folder: Path) -> list[Path]:
    """Return what is in a folder."""
    return list(folder.iterdir())


def restarted(stage: Stage) -> Stage:
    """Return a stage with a store that was just started, on the same S3."""
    store = S3Store("bucket", stage.watched, **{**SMALL, "settling_time": LONG})
    return Stage(store, stage.s3, stage.watched)


def late_part(stage: Stage, upload_id: str) -> None:
    stage.put_part(upload_id, 2, CONTENT[10:20])


def late_tail(stage: Stage, upload_id: str) -> None:
    stage.put_tail(upload_id, CONTENT[10:13], "10")


def late_removal(stage: Stage, upload_id: str) -> None:
    stage.s3.objects.pop(upload_id.partition("+")[0] + ".part", None)


@pytest.mark.parametrize(("late", "offset"), [(late_part, 20), (late_tail, 13), (late_removal, 10)])
async def test_a_write_waits_and_looks_again(
    clock: Clock, late: Callable[[Stage, str], None], offset: int
) -> None:
    """The former process had sent it; it arrives while the first request is waiting."""
    before = new_stage()
    upload_id = await before.create(100)
    await before.append(upload_id, CONTENT[:10])
    stage = restarted(before)
    assert await stage.offset(upload_id) == 10
    clock.meanwhile = lambda: late(stage, upload_id)
    if offset == 10:
        assert await stage.append(upload_id, CONTENT[10:17]) == 17
    else:
        with pytest.raises(Refused) as refusal:
            await stage.store.write_chunk(upload_id, 10, body(CONTENT[10:17]))
        assert refusal.value.error == errors.MISMATCHED_OFFSET
    assert clock.waits == [pytest.approx(LONG, abs=60)]
    found = await stage.offset(upload_id)
    assert await stage.append(upload_id, CONTENT[found:]) == 100
    assert await stage.content(upload_id) == CONTENT


async def test_an_upload_of_this_process_does_not_wait(clock: Clock) -> None:
    stage = new_stage(settling_time=LONG)
    upload_id = await stage.create(20)
    assert await stage.append(upload_id, CONTENT[:20]) == 20
    await stage.store.declare_length(upload_id, 20)
    assert clock.waits == []


async def test_the_next_write_after_a_failure_waits(clock: Clock) -> None:
    stage = new_stage(settling_time=LONG)
    upload_id = await stage.create(20)
    stage.watched.fail("upload_part", refused("InternalError", 500))
    with pytest.raises(Refused):
        await stage.append(upload_id, CONTENT[:10])
    sent: list[int] = []
    clock.meanwhile = lambda: sent.append(stage.watched.calls["upload_part"])
    assert await stage.append(upload_id, CONTENT[:10]) == 10
    assert clock.waits == [pytest.approx(LONG, abs=60)]
    assert (sent, stage.watched.calls["upload_part"]) == ([1], 2)


async def test_looking_up_does_not_wait(clock: Clock) -> None:
    before = new_stage()
    upload_id = await before.create(20)
    stage = restarted(before)
    assert await stage.offset(upload_id) == 0
    assert clock.waits == []


async def test_processes_tell_each_other_what_may_still_be_stored(
    clock: Clock, tmp_path: Path
) -> None:
    before = new_stage()
    upload_id = await before.create(100)
    await before.append(upload_id, CONTENT[:10])
    settings = {**SMALL, "settling_time": LONG, "shared_directory": tmp_path}
    stages = []
    for _ in range(2):
        store = S3Store("bucket", before.watched, **settings)
        stages.append(Stage(store, before.s3, before.watched))
    one, other = stages
    # The first write waits for what an earlier process may have left behind, for both of them.
    await one.append(upload_id, CONTENT[10:20])
    await other.append(upload_id, CONTENT[20:30])
    await one.append(upload_id, CONTENT[30:40])
    assert len(clock.waits) == 1
    one.store.disturb(upload_id)
    (mark,) = files(tmp_path)
    os.utime(mark, (clock.time(), clock.time()))
    await other.append(upload_id, CONTENT[40:50])
    assert clock.waits[1:] == [pytest.approx(LONG, abs=60)]
    await other.append(upload_id, CONTENT[50:60])
    assert len(clock.waits) == 2
    assert not files(tmp_path)
