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

STOPS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
HELD: Final = STOPS | {signal.SIGHUP, signal.SIGCHLD}

DEATHS: Final = 5
DEATHS_WITHIN: Final = 10.0


class Supervisor:
    """Keeps `number` processes running `work`, which gets its lifeline and returns an exit code."""

    def __init__(
        self,
        work: Callable[[int], int],
        number: int,
        say: Callable[[str], None],
        *,
        buried: Callable[[int], object] | None = None,
    ) -> None:
        self._work = work
        self._number = number
        self._say = say
        self._buried = buried
        self._children: set[int] = set()
        self._deaths: deque[float] = deque(maxlen=DEATHS)
        self._lifeline, self._hold = os.pipe()
        self._stopping = False
        self._code = 0

    def run(self, ready: Callable[[], None]) -> int:
        """Call `ready` when signals are heeded, and return the exit code in the end."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD)
        for _ in range(self._number):
            self._start()
        ready()
        while self._children:
            number = signal.Signals(signal.sigwait(HELD))
            if number == signal.SIGCHLD:
                self._bury()
            elif number == signal.SIGHUP:
                self._tell(number)
            elif self._stopping:
                self._tell(signal.SIGKILL)
                return 1
            else:
                self._say(f"stopping on {number.name}")
                self._stop()
        return self._code

    def _start(self) -> None:
        child = os.fork()
        if child:
            self._children.add(child)
            return
        code = 1
        try:
            os.close(self._hold)
            code = self._work(self._lifeline)
        except BaseException:
            traceback.print_exc()
        finally:
            # What the supervisor has registered to be done at exit is not for its workers.
            sys.stderr.flush()
            os._exit(code)

    def _stop(self) -> None:
        self._stopping = True
        self._tell(signal.SIGTERM)

    def _tell(self, number: signal.Signals) -> None:
        for child in self._children:
            os.kill(child, number)

    def _bury(self) -> None:
        """Take note of those who have died; one signal may stand for several of them."""
        for child in list(self._children):
            pid, status = os.waitpid(child, os.WNOHANG)
            if not pid:
                continue
            self._children.discard(child)
            if self._buried is not None:
                self._buried(child)
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                self._code = max(self._code, abs(code))
            else:
                self._replace(child, code)

    def _replace(self, child: int, code: int) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._deaths.append(time.monotonic())
        recent = [death for death in self._deaths if self._deaths[-1] - death < DEATHS_WITHIN]
        if len(recent) < DEATHS:
            self._say(f"worker {child} died ({how}) and is replaced")
            self._start()
            return
        self._say(f"worker {child} died ({how}), like {DEATHS - 1} others just before; giving up")
        self._code = 1
        self._stop()


def let_signals_in() -> None:
    """Receive the signals that the supervisor held, now that somebody listens to them."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD)


async def severed(lifeline: int) -> None:
    """Wait until the supervisor is gone."""
    await trio.lowlevel.wait_readable(lifeline)
