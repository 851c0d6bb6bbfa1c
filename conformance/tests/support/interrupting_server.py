"""A server that interrupts its client, which runs in this process, during a creation.

It sends SIGINT after it has created an upload, and responds to the creation only after the client
has acted on the signal. So every test with it hits a moment that is rare on a network.
"""

from __future__ import annotations

import os
import signal

import trio
from minimal_server import MinimalServer
from scripted_server import DelayedResponse, ReceivedRequest, ScriptedAnswer, ScriptedResponse

PATIENCE = 10.0
"""How long the client may take to act on the signal, in seconds."""


class InterruptingServer:
    """Interrupts at its Nth creation; `responds` is False if that one never gets a response."""

    def __init__(self, server: MinimalServer, at: int, *, responds: bool = True) -> None:
        self.server = server
        self.interrupted = False
        self._at = at
        self._responds = responds

    def __call__(self, request: ReceivedRequest) -> ScriptedAnswer:
        answer = self.server(request)
        created = request.method == "POST" and isinstance(answer, ScriptedResponse)
        if not created or self.server.made < self._at or self.interrupted:
            return answer
        assert isinstance(answer, ScriptedResponse)
        self.interrupted = True
        return DelayedResponse(answer if self._responds else None, self._interrupt)

    async def _interrupt(self) -> None:
        handler = signal.getsignal(signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        with trio.fail_after(PATIENCE):
            # The client replaces its handler as soon as it has cancelled its run; nothing else
            # shows that from outside.
            while signal.getsignal(signal.SIGINT) is handler:  # noqa: ASYNC110
                await trio.sleep(0.001)
