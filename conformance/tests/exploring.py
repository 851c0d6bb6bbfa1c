"""Sessions on the reference in memory, right or with something wrong, for stories to be told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from in_memory import URL
from miniatures import Act, Miniature

from tus_conformance.dialogue.discovery import discover
from tus_conformance.dialogue.session import Session
from tus_conformance.target.target import Target
from tus_conformance.wire import Wire
from tus_conformance.wire.memory import serving


@asynccontextmanager
async def session_on(act: Act) -> AsyncIterator[Session]:
    """Yield a session on a server in memory, after its discovery."""
    serve = Miniature("one", act, set(), set(), set(), ()).serve
    async with serving(serve) as backend:
        wire, target = Wire(backend=backend), Target(URL)
        yield Session(target=target, wire=wire, discovery=await discover(target, wire), seed=1)
