"""Sessions on the reference in memory, right or with something wrong, for stories to be told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from defect_servers import AnswerRequest, DefectServer
from scripted_server import URL

from tus_conformance.discovery.discovery import discover
from tus_conformance.state.session import Session
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import memory_network


@asynccontextmanager
async def open_session_on(act: AnswerRequest) -> AsyncIterator[Session]:
    """Yield a session on a server in memory, after its discovery."""
    serve = DefectServer("one", act, set(), set(), set(), ()).serve
    async with memory_network(serve) as backend:
        wire, target = Http1Transport(backend=backend), Target(URL)
        yield Session(target=target, transport=wire, discovery=await discover(target, wire), seed=1)
