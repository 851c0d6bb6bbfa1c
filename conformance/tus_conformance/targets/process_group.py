"""A process that leads a group of its own, so that what it starts is stopped with it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import trio


async def stop_process_group(process: trio.Process, patience: float) -> None:
    """Stop a process and whatever it started, and wait for its end.

    The process has `patience` seconds to end after SIGTERM; what is left of its group then is
    killed. Windows has no groups of this kind: there the process alone is stopped.
    """
    if not hasattr(os, "killpg"):
        with suppress(OSError):
            process.terminate()
        await process.wait()
        return
    if process.poll() is None:
        _signal_group(process, signal.SIGTERM)
        with trio.move_on_after(patience):
            await process.wait()
    _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: trio.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
