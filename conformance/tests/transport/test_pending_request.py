"""`transport.pending_request`: requests whose body waits, and requests that are cut."""

from __future__ import annotations

import pytest
import trio
from scripted_peer import ReadUntil, patch_request, scripted_peer, send_to_peer
from trio.testing import wait_all_tasks_blocked

from tus_conformance.transport import BodyCut, Http1Transport, HttpResponse, Payload
from tus_conformance.transport.fault_actions import BreakMode
from tus_conformance.transport.memory import memory_network
from tus_conformance.transport.request import Framing

END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
DONE = b"HTTP/1.1 204 No Content\r\nUpload-Offset: 10\r\n\r\n"
TEN = b"0123456789"


def harness_acts(http_response: HttpResponse) -> list[str]:
    return [event.text for event in http_response.exchange.events if event.event == "action"]


async def test_body_waits_until_it_is_sent() -> None:
    far = scripted_peer(ReadUntil(TEN), DONE)
    async with (
        memory_network(far.serve) as backend,
        Http1Transport(backend=backend).open(patch_request(TEN)) as pending,
    ):
        await wait_all_tasks_blocked()
        assert bytes(far.heard).endswith(END)
        assert await pending.send_body(3) == 3
        await wait_all_tasks_blocked()
        assert bytes(far.heard).endswith(END + b"012")
        http_response = await pending.finish()
    assert bytes(far.heard).endswith(END + TEN)
    assert (http_response.status, http_response.sent, http_response.failure) == (204, 10, None)
    sent = [
        (event.size, event.text) for event in http_response.exchange.events if event.event == "sent"
    ]
    assert sent[1:] == [(3, "body"), (7, "body")]


async def test_client_receives_100_continue_and_sends_the_body() -> None:
    far = scripted_peer(ReadUntil(END), CONTINUE, ReadUntil(TEN), DONE)
    http_request = patch_request(TEN, headers=(("Expect", "100-continue"),))
    async with (
        memory_network(far.serve) as backend,
        Http1Transport(backend=backend).open(http_request) as pending,
    ):
        assert await pending.receive_status(5) == 100
        http_response = await pending.finish()
    assert (http_response.interim, http_response.status, http_response.sent) == ((100,), 204, 10)


async def test_responses_in_one_read_are_returned_one_by_one() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n"
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    far = scripted_peer(ReadUntil(END), b"HTTP/1.1 102 \r\n\r\n" + hints + refusal)
    async with (
        memory_network(far.serve) as backend,
        Http1Transport(backend=backend).open(patch_request(TEN)) as pending,
    ):
        assert [await pending.receive_status(5) for _ in range(3)] == [102, 103, 413]
        http_response = await pending.receive_response()
    assert (http_response.interim, http_response.status, http_response.sent) == ((102, 103), 413, 0)


async def test_refusal_is_received_before_any_body_is_sent() -> None:
    far = scripted_peer(ReadUntil(END), b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    async with (
        memory_network(far.serve) as backend,
        Http1Transport(backend=backend).open(patch_request(TEN)) as pending,
    ):
        assert await pending.receive_status(5) == 413
        http_response = await pending.finish()
    assert (http_response.status, http_response.sent) == (413, 0)
    assert harness_acts(http_response) == ["stopped after 0 body bytes: the response had arrived"]
    assert bytes(far.heard).endswith(END)


async def test_an_answer_is_awaited_without_the_rest() -> None:
    far = scripted_peer(ReadUntil(b"0123"), DONE)
    async with (
        memory_network(far.serve) as backend,
        Http1Transport(backend=backend).open(patch_request(TEN)) as pending,
    ):
        await pending.send_body(4)
        http_response = await pending.receive_response()
    assert (http_response.status, http_response.sent, http_response.complete) == (204, 4, True)


async def test_one_task_may_wait_for_the_answer_while_another_feeds() -> None:
    far = scripted_peer(ReadUntil(TEN), DONE)
    async with (
        memory_network(far.serve) as backend,
        Http1Transport(backend=backend).open(patch_request(TEN)) as pending,
    ):
        answers = []

        async def wait() -> None:
            answers.append(await pending.receive_response())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            for _ in range(5):
                await pending.send_body(2)
    assert [http_response.status for http_response in answers] == [204]


@pytest.mark.parametrize("by", ["fin", "rst"])
async def test_pending_request_is_cut(by: BreakMode) -> None:
    far = scripted_peer()
    async with (
        memory_network(far.serve) as backend,
        Http1Transport(backend=backend).open(patch_request(TEN)) as pending,
    ):
        await pending.send_body(6)
        http_response = await pending.cut(by)
        await far.gone.wait()
        assert await pending.send_body(4) == 6
    assert bytes(far.heard).endswith(END + b"012345")
    assert (
        http_response.status,
        http_response.cut,
        http_response.failure,
        http_response.closed,
    ) == (None, True, None, False)
    assert harness_acts(http_response) == [f"cut after 6 body bytes by {by.upper()}"]


async def test_leaving_a_pending_request_closes_it() -> None:
    far = scripted_peer()
    async with memory_network(far.serve) as backend:
        async with Http1Transport(backend=backend).open(patch_request(TEN)):
            await wait_all_tasks_blocked()
            assert not far.gone.is_set()
        with trio.fail_after(5):
            await far.gone.wait()


async def test_a_cancelled_exchange_closes_its_connection() -> None:
    far = scripted_peer()
    async with memory_network(far.serve) as backend:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Http1Transport(backend=backend).send, patch_request(TEN))
            await wait_all_tasks_blocked()
            assert bytes(far.heard).endswith(TEN)
            nursery.cancel_scope.cancel()
        with trio.fail_after(5):
            await far.gone.wait()


CUTS = {
    "before the body": (0, "sized", b""),
    "within the body": (4, "sized", b"0123"),
    "after the body, before its answer": (10, "sized", TEN),
    "within a chunked body, which then never ends": (4, "chunked", b"4\r\n0123\r\n"),
    "within a body by hand": (4, "raw", b"0123"),
}


@pytest.mark.parametrize(("after", "framing", "body"), CUTS.values(), ids=CUTS)
async def test_a_request_is_cut(after: int, framing: Framing, body: bytes) -> None:
    http_request = patch_request(TEN, framing=framing, cut=BodyCut(after))
    http_response, far = await send_to_peer(http_request)
    assert bytes(far.heard).endswith(END + body)
    assert (http_response.cut, http_response.sent, http_response.status, http_response.failure) == (
        True,
        after,
        None,
        None,
    )
    assert harness_acts(http_response) == [f"cut after {after} body bytes by FIN"]
    assert http_response.exchange.body is not None
    assert http_response.exchange.body.size == after


async def test_an_answer_before_the_cut_is_read_instead() -> None:
    body = Payload(2**30, lambda: iter([bytes(65536)] * 2**14), generated="zeros")
    refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    http_request = patch_request(payload=body, cut=BodyCut(2**30 - 1))
    http_response, _ = await send_to_peer(
        http_request, ReadUntil(END), refused, pair=trio.testing.lockstep_stream_pair
    )
    assert (http_response.status, http_response.cut, http_response.complete) == (403, False, True)
