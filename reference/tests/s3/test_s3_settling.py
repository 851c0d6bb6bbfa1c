"""What S3 stores late, from a process that died, never overwrites what was stored since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
from s3.memory_s3 import body, refused
from s3.stage import SMALL, Stage, new_stage

from tus_reference.protocol import Refused, errors
from tus_reference.stores.s3 import S3Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = bytes(range(48, 148))


def files(folder: Path) -> list[Path]:
    """Return what is in a folder."""
    return list(folder.iterdir())


def restarted(stage: Stage) -> Stage:
    """Return a stage with a store that was just started, on the same S3."""
    store = S3Store("bucket", stage.watched, **{**SMALL, "settling_time": 0.2})
    return Stage(store, stage.s3, stage.watched)


async def late_part(stage: Stage, upload_id: str) -> None:
    stage.put_part(upload_id, 2, CONTENT[10:20])


async def late_tail(stage: Stage, upload_id: str) -> None:
    stage.put_tail(upload_id, CONTENT[10:13], "10")


async def late_removal(stage: Stage, upload_id: str) -> None:
    stage.s3.objects.pop(upload_id.partition("+")[0] + ".part", None)


@pytest.mark.parametrize(("late", "offset"), [(late_part, 20), (late_tail, 13), (late_removal, 10)])
async def test_a_write_waits_and_looks_again(
    late: Callable[[Stage, str], object], offset: int
) -> None:
    """The former process had sent it; it arrives while the first request is waiting."""
    before = new_stage()
    upload_id = await before.create(100)
    await before.append(upload_id, CONTENT[:10])
    stage = restarted(before)
    assert await stage.offset(upload_id) == 10

    async def arrive() -> None:
        await late(stage, upload_id)  # type: ignore[misc]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(arrive)
        if offset == 10:
            assert await stage.append(upload_id, CONTENT[10:17]) == 17
        else:
            with pytest.raises(Refused) as refusal:
                await stage.store.write_chunk(upload_id, 10, body(CONTENT[10:17]))
            assert refusal.value.error == errors.MISMATCHED_OFFSET
    found = await stage.offset(upload_id)
    assert await stage.append(upload_id, CONTENT[found:]) == 100
    assert await stage.content(upload_id) == CONTENT


async def test_an_upload_of_this_process_does_not_wait() -> None:
    stage = new_stage(settling_time=1000.0)
    upload_id = await stage.create(20)
    with anyio.fail_after(5):
        assert await stage.append(upload_id, CONTENT[:20]) == 20
        await stage.store.declare_length(upload_id, 20)


async def test_the_next_write_after_a_failure_waits() -> None:
    stage = new_stage(settling_time=1000.0)
    upload_id = await stage.create(20)
    stage.watched.fail("upload_part", refused("InternalError", 500))
    with pytest.raises(Refused):
        await stage.append(upload_id, CONTENT[:20])
    with anyio.move_on_after(0.2) as scope:
        await stage.append(upload_id, CONTENT[:20])
    assert scope.cancelled_caught
    assert stage.watched.calls["upload_part"] <= 2


async def test_looking_up_does_not_wait() -> None:
    before = new_stage()
    upload_id = await before.create(20)
    stage = restarted(before)
    with anyio.fail_after(5):
        assert await stage.offset(upload_id) == 0


async def test_processes_tell_each_other_what_may_still_be_stored(tmp_path: Path) -> None:
    before = new_stage()
    upload_id = await before.create(100)
    await before.append(upload_id, CONTENT[:10])
    settings = {**SMALL, "settling_time": 0.3, "shared_directory": tmp_path}
    stages = []
    for _ in range(2):
        store = S3Store("bucket", before.watched, **settings)
        stages.append(Stage(store, before.s3, before.watched))
    one, other = stages
    # The first write to each waits for what an earlier process may have left behind.
    await one.append(upload_id, CONTENT[10:20])
    await other.append(upload_id, CONTENT[20:30])
    start = anyio.current_time()
    await one.append(upload_id, CONTENT[30:40])
    assert anyio.current_time() - start < 0.2
    one.store.disturb(upload_id)
    await other.append(upload_id, CONTENT[40:50])
    assert anyio.current_time() - start >= 0.25
    start = anyio.current_time()
    await other.append(upload_id, CONTENT[50:60])
    assert anyio.current_time() - start < 0.2
    assert not files(tmp_path)
