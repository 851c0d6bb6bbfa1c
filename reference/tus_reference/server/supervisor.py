"""`supervise`: several processes that serve the same sockets, and one that looks after them.

The supervisor runs no event loop and no thread, so that it can fork. It holds the signals that
concern it and takes them one by one; a worker lets them in when it is ready for them. Each
worker holds the read end of a pipe whose write end only the supervisor has: should that be
killed, the pipe ends, and its workers stop as well.

A worker that dies is replaced, since the others go on serving; but if that happens too often
there is something wrong that a new process does not mend.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
# Windows, which cannot fork and so has no supervisor, lacks these names.
BLOCKED_SIGNALS: Final = STOP_SIGNALS | {
    getattr(signal, name) for name in ("SIGHUP", "SIGCHLD") if hasattr(signal, name)
}

MAX_EXITS: Final = 5
EXIT_WINDOW: Final = 10.0


class Supervisor:
    """Keeps `number` processes running `work`, which gets its lifeline and returns an exit code."""

    def __init__(
        self,
        work: Callable[[int], int],
        workers: int,
        report: Callable[[str], None],
        *,
        on_worker_exit: Callable[[int], object] | None = None,
    ) -> None:
        self._run_worker = work
        self._worker_count = workers
        self._report = report
        self._on_worker_exit = on_worker_exit
        self._workers: set[int] = set()
        self._exit_times: deque[float] = deque(maxlen=MAX_EXITS)
        self._parent_pipe, self._parent_pipe_writer = os.pipe()
        self._stopping = False
        self._exit_code = 0

    def run(self, on_ready: Callable[[], None]) -> int:
        """Call `on_ready` when signals are heeded, and return the exit code in the end."""
        signal.pthread_sigmask(signal.SIG_BLOCK, BLOCKED_SIGNALS)
        for _ in range(self._worker_count):
            self._start()
        on_ready()
        while self._workers:
            number = signal.Signals(signal.sigwait(BLOCKED_SIGNALS))
            if number == signal.SIGCHLD:
                self._reap_workers()
            elif number == signal.SIGHUP:
                self._signal_workers(number)
            elif self._stopping:
                self._signal_workers(signal.SIGKILL)
                return 1
            else:
                self._report(f"stopping on {number.name}")
                self._stop()
        return self._exit_code

    def _start(self) -> None:
        child = os.fork()
        if child:
            self._workers.add(child)
            return
        code = 1
        try:
            os.close(self._parent_pipe_writer)
            code = self._run_worker(self._parent_pipe)
        except BaseException:
            traceback.print_exc()
        finally:
            # What the supervisor has registered to be done at exit is not for its workers.
            sys.stderr.flush()
            os._exit(code)

    def _stop(self) -> None:
        self._stopping = True
        self._signal_workers(signal.SIGTERM)

    def _signal_workers(self, number: signal.Signals) -> None:
        for child in self._workers:
            os.kill(child, number)

    def _reap_workers(self) -> None:
        """Take note of those who have died; one signal may stand for several of them."""
        for child in list(self._workers):
            pid, status = os.waitpid(child, os.WNOHANG)
            if not pid:
                continue
            self._workers.discard(child)
            if self._on_worker_exit is not None:
                self._on_worker_exit(child)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                self._exit_code = max(self._exit_code, abs(code))
            else:
                self._restart(child, code)

    def _restart(self, child: int, code: int) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._exit_times.append(time.monotonic())
        recent = [
            exit_time
            for exit_time in self._exit_times
            if self._exit_times[-1] - exit_time < EXIT_WINDOW
        ]
        if len(recent) < MAX_EXITS:
            self._report(f"worker {child} exited ({how}) and is replaced")
            self._start()
            return
        self._report(
            f"worker {child} exited ({how}), like {MAX_EXITS - 1} others just before; stopping"
        )
        self._exit_code = 1
        self._stop()


def unblock_signals() -> None:
    """Receive the signals that the supervisor held, now that somebody listens to them."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, BLOCKED_SIGNALS)


async def wait_parent_exit(parent_pipe: int) -> None:
    """Wait until the supervisor is gone."""
    await trio.lowlevel.wait_readable(parent_pipe)
