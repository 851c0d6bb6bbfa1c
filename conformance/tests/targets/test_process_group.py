"""`targets.process_group`: a process ends, and with it what it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
import trio

from tus_conformance.targets.process_group import stop_process_group

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Processes take real time: a clock that jumps would end every wait for one."""
    return "trio"


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = "import os, time; os.write(1, b'started'); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", child])
time.sleep(60)
"""


async def start(code: str) -> trio.Process:
    return await trio.lowlevel.open_process(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    )


async def read_to_end(process: trio.Process) -> bytes:
    """Read what is printed until no process holds the pipe any more."""
    assert process.stdout is not None
    return b"".join([piece async for piece in process.stdout])


async def test_what_ignores_sigterm_is_killed_with_what_it_started() -> None:
    process = await start(STUBBORN)
    assert process.stdout is not None
    assert await process.stdout.receive_some() == b"started"
    await stop_process_group(process, 0.1)
    assert process.returncode == -signal.SIGKILL
    with trio.fail_after(30):
        assert await read_to_end(process) == b""


async def test_a_process_that_has_ended_leaves_nothing_behind() -> None:
    process = await start(
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    )
    await process.wait()
    await stop_process_group(process, 30)
    assert process.returncode == 0
    with trio.fail_after(30):
        assert await read_to_end(process) == b""


async def test_without_process_groups_the_process_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = await start("import os, time; os.write(1, b'started'); time.sleep(60)")
    assert process.stdout is not None
    assert await process.stdout.receive_some() == b"started"
    monkeypatch.delattr(os, "killpg")
    await stop_process_group(process, 30)
    assert process.returncode == -signal.SIGTERM
    await process.stdout.aclose()
