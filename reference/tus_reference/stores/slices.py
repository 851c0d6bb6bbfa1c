"""Long work on a folder, done in short slices with pauses: requests come first.

The latency of requests must not depend on how many uploads there are. A slice keeps the
interpreter for a fraction of a millisecond, and a pause follows that is some times as long.
"""

from __future__ import annotations

import os
import time
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tus_reference.stores.upload_threads import UploadThreads

T = TypeVar("T")

PAUSE: Final = 9.0
"""How many times longer than a slice the pause after it is."""

NAMES_AT_ONCE: Final = 256


async def run_slice(threads: UploadThreads, function: Callable[..., T], *arguments: object) -> T:
    """Run a slice in a thread, make the pause, and return what the slice returned."""

    def run_timed() -> tuple[T, float]:
        begun = time.monotonic()
        result = function(*arguments)
        return result, time.monotonic() - begun

    result, lasted = await threads.run("", run_timed)
    await anyio.sleep(lasted * PAUSE)
    return result


async def handle_in_slices(
    threads: UploadThreads, items: Iterator[T], handle: Callable[[T], object], at_once: int
) -> None:
    """Call `handle` for each item, `at_once` times in a slice."""

    def handle_slice() -> bool:
        count = 0
        for item in islice(items, at_once):
            handle(item)
            count += 1
        return count == at_once

    while await run_slice(threads, handle_slice):
        pass


async def scan_names(
    threads: UploadThreads, folder: str, handle_name: Callable[[str], object]
) -> None:
    """Call `handle_name` in threads for each name in a folder; raises `OSError`.

    A name that is added, replaced or removed meanwhile may be left out.
    """
    with await threads.run("", os.scandir, folder) as entries:
        names = (entry.name for entry in entries)
        await handle_in_slices(threads, names, handle_name, NAMES_AT_ONCE)
