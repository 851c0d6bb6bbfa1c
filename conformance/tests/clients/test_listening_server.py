"""`clients.listening_server`: situations at URLs, and what clients say of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import trio
from seen_client import make_situation
from small_honest_server import SmallServers

from tus_conformance.clients.client_profile import ClientProfile
from tus_conformance.clients.listening_run import ListeningRun
from tus_conformance.clients.listening_server import ListeningServer
from tus_conformance.evaluation import exit_codes
from tus_reports import RecordLine, ScenarioResult
from tus_scenarios.situation import Situation

pytestmark = pytest.mark.anyio

VERSION = {"Tus-Resumable": "1.0.0"}
OCTETS = {**VERSION, "Content-Type": "application/offset+octet-stream"}
RULE = '[[situation.rule]]\non = "{}"\n{}\n'
MOVED = make_situation(RULE.format("POST", 'edit = { location = "/files/{id}" }'), size="10")


@asynccontextmanager
async def listening(
    *situations: Situation,
) -> AsyncIterator[tuple[ListeningServer, httpx.AsyncClient]]:
    """Serve situations; yield the server and a client for it."""
    servers = SmallServers()
    server = ListeningServer(situations, servers, ClientProfile(), 1)
    async with trio.open_nursery() as nursery:
        await nursery.start(server.serve, 0)
        async with httpx.AsyncClient(base_url=server.origin, trust_env=False) as client:
            yield server, client
        nursery.cancel_scope.cancel()
    await servers.server.aclose()


async def upload(client: httpx.AsyncClient, share: int = 10) -> str:
    """Upload the file of the situation, or a part of it; return the URL."""
    content = (await client.get("/s/tried/file.bin")).content
    length = {"Upload-Length": str(len(content))}
    created = await client.post("/s/tried/files/", headers={**VERSION, **length})
    url = str(httpx.URL(created.request.url).join(created.headers["Location"]))
    headers = {**OCTETS, "Upload-Offset": "0"}
    await client.patch(url, headers=headers, content=content[:share])
    return url


@pytest.mark.parametrize("share", [10, 4])
async def test_what_a_client_says_is_compared_with_what_is_stored(share: int) -> None:
    async with listening(MOVED) as (server, client):
        url = await upload(client, share)
        assert "/s/tried/files/" in url
        assert (await client.get("/results.json")).json()["tried"]["outcome"] == "under way"
        said = await client.post("/s/tried/said", content=f"done {url}")
        assert said.json()["outcome"] == ("whole" if share == 10 else "lied")
        assert server.results["tried"].outcome == said.json()["outcome"]


async def test_a_situation_begins_again_after_its_end() -> None:
    cut = make_situation(RULE.format("PATCH", "answer = { status = 503 }"), size="10")
    async with listening(cut) as (server, client):
        for _ in range(2):
            await upload(client)
            said = await client.post("/s/tried/said", content="error 503")
            assert said.json() == server.summaries()["tried"]
            assert said.json()["outcome"] == "reported"
            assert said.json()["requests"] == 2


async def test_an_upload_to_go_on_with_is_named() -> None:
    prior = make_situation("[situation.prior]\n", size="10")
    async with listening(prior) as (server, client):
        page = (await client.get("/s/tried/")).text
        assert f"{server.origin}/s/tried/files/u1" in page
        told = await client.head("/s/tried/files/u1", headers=VERSION)
        assert told.headers["Upload-Offset"] == "4"


async def test_the_index_lists_every_situation() -> None:
    async with listening(MOVED) as (_, client):
        page = (await client.get("/")).text
        assert '<a href="/s/tried/">tried</a>' in page


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/s/unknown/", 404),
        ("GET", "/elsewhere", 404),
        ("PUT", "/s/tried/", 405),
        ("POST", "/s/tried/said", 400),
    ],
)
async def test_other_requests_are_refused(method: str, path: str, status: int) -> None:
    async with listening(MOVED) as (_, client):
        assert (await client.request(method, path)).status_code == status


async def test_the_record_is_complete_when_the_run_is_stopped() -> None:
    lines: list[RecordLine] = []
    servers = SmallServers()
    server = ListeningServer([MOVED], servers, ClientProfile(), 1)
    started = trio.Event()
    run = ListeningRun(
        server, 0, lines.append, lambda _origin: started.set(), target="a client", seed=1
    )
    codes: list[int] = []

    async def run_it() -> None:
        codes.append((await run()).exit_code)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_it)
        await started.wait()
        async with httpx.AsyncClient(base_url=server.origin, trust_env=False) as client:
            await upload(client)
        run.stop()
    await servers.server.aclose()
    results = [line for line in lines if isinstance(line, ScenarioResult)]
    assert [result.outcome for result in results] == ["whole"]
    assert codes == [exit_codes.CONFORMANT]
