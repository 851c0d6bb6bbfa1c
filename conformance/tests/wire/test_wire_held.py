"""Requests whose body waits for the word, and requests that are cut."""

from __future__ import annotations

import pytest
import trio
from trio.testing import wait_all_tasks_blocked
from wire.peers import Reads, exchange, patch, peer

from tus_conformance.wire import Answer, Cut, Payload, Wire
from tus_conformance.wire.memory import serving
from tus_conformance.wire.outgoing import Ending, Framing

END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
DONE = b"HTTP/1.1 204 No Content\r\nUpload-Offset: 10\r\n\r\n"
TEN = b"0123456789"


def acts(answer: Answer) -> list[str]:
    return [event.text for event in answer.exchange.events if event.kind == "act"]


async def test_the_body_is_held_back_until_fed() -> None:
    far = peer(Reads(TEN), DONE)
    async with serving(far.serve) as backend, Wire(backend=backend).hold(patch(TEN)) as held:
        await wait_all_tasks_blocked()
        assert bytes(far.heard).endswith(END)
        assert await held.feed(3) == 3
        await wait_all_tasks_blocked()
        assert bytes(far.heard).endswith(END + b"012")
        answer = await held.reply()
    assert bytes(far.heard).endswith(END + TEN)
    assert (answer.status, answer.sent, answer.failure) == (204, 10, None)
    sent = [(event.size, event.text) for event in answer.exchange.events if event.kind == "sent"]
    assert sent[1:] == [(3, "body"), (7, "body")]


async def test_a_client_that_expects_100_hears_it_and_goes_on() -> None:
    far = peer(Reads(END), CONTINUE, Reads(TEN), DONE)
    outgoing = patch(TEN, headers=(("Expect", "100-continue"),))
    async with serving(far.serve) as backend, Wire(backend=backend).hold(outgoing) as held:
        assert await held.hear(5) == 100
        answer = await held.reply()
    assert (answer.interim, answer.status, answer.sent) == ((100,), 204, 10)


async def test_answers_that_come_together_are_heard_one_by_one() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\n"
    refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    far = peer(Reads(END), b"HTTP/1.1 102 \r\n\r\n" + hints + refusal)
    async with serving(far.serve) as backend, Wire(backend=backend).hold(patch(TEN)) as held:
        assert [await held.hear(5) for _ in range(3)] == [102, 103, 413]
        answer = await held.answer()
    assert (answer.interim, answer.status, answer.sent) == ((102, 103), 413, 0)


async def test_a_refusal_is_heard_before_any_body_is_sent() -> None:
    far = peer(Reads(END), b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    async with serving(far.serve) as backend, Wire(backend=backend).hold(patch(TEN)) as held:
        assert await held.hear(5) == 413
        answer = await held.reply()
    assert (answer.status, answer.sent) == (413, 0)
    assert acts(answer) == ["stopped after 0 body bytes: the answer had come"]
    assert bytes(far.heard).endswith(END)


async def test_an_answer_is_awaited_without_the_rest() -> None:
    far = peer(Reads(b"0123"), DONE)
    async with serving(far.serve) as backend, Wire(backend=backend).hold(patch(TEN)) as held:
        await held.feed(4)
        answer = await held.answer()
    assert (answer.status, answer.sent, answer.complete) == (204, 4, True)


async def test_one_task_may_wait_for_the_answer_while_another_feeds() -> None:
    far = peer(Reads(TEN), DONE)
    async with serving(far.serve) as backend, Wire(backend=backend).hold(patch(TEN)) as held:
        answers = []

        async def wait() -> None:
            answers.append(await held.answer())

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            for _ in range(5):
                await held.feed(2)
    assert [answer.status for answer in answers] == [204]


@pytest.mark.parametrize("by", ["fin", "rst"])
async def test_a_held_request_is_cut(by: Ending) -> None:
    far = peer()
    async with serving(far.serve) as backend, Wire(backend=backend).hold(patch(TEN)) as held:
        await held.feed(6)
        answer = await held.cut(by)
        await far.gone.wait()
        assert await held.feed(4) == 6
    assert bytes(far.heard).endswith(END + b"012345")
    assert (answer.status, answer.cut, answer.failure, answer.closed) == (None, True, None, False)
    assert acts(answer) == [f"cut after 6 body bytes by {by.upper()}"]


async def test_leaving_a_held_request_closes_it() -> None:
    far = peer()
    async with serving(far.serve) as backend:
        async with Wire(backend=backend).hold(patch(TEN)):
            await wait_all_tasks_blocked()
            assert not far.gone.is_set()
        with trio.fail_after(5):
            await far.gone.wait()


async def test_a_cancelled_exchange_closes_its_connection() -> None:
    far = peer()
    async with serving(far.serve) as backend:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Wire(backend=backend).send, patch(TEN))
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
    outgoing = patch(TEN, framing=framing, cut=Cut(after))
    answer, far = await exchange(outgoing)
    assert bytes(far.heard).endswith(END + body)
    assert (answer.cut, answer.sent, answer.status, answer.failure) == (True, after, None, None)
    assert acts(answer) == [f"cut after {after} body bytes by FIN"]
    assert answer.exchange.body is not None
    assert answer.exchange.body.length == after


async def test_an_answer_before_the_cut_is_read_instead() -> None:
    body = Payload(2**30, lambda: iter([bytes(65536)] * 2**14), generated="zeros")
    refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    outgoing = patch(payload=body, cut=Cut(2**30 - 1))
    answer, _ = await exchange(
        outgoing, Reads(END), refused, pair=trio.testing.lockstep_stream_pair
    )
    assert (answer.status, answer.cut, answer.complete) == (403, False, True)
