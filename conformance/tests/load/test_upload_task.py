"""`load.upload_task`: an upload is cut and resumed by HEAD, and lost bytes are noticed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from tus_conformance.load.body import CutError
from tus_conformance.load.content import UploadContent
from tus_conformance.load.mix import Mix
from tus_conformance.load.reply import Reply
from tus_conformance.load.tally import Tally
from tus_conformance.load.upload_plan import UploadPlan
from tus_conformance.load.upload_task import Client, ServerOffer, UploadTask

CONTENT = UploadContent(1, 1)
SIZE = 1000


@dataclass
class StoredUpload:
    """A server of one upload in memory; `answer` may replace the response to a request."""

    answer: Callable[[str, int], Reply | None] = lambda _method, _count: None
    stored: bytes = b""
    sent: list[str] = field(default_factory=list)

    def _replaced(self, method: str) -> Reply | None:
        self.sent.append(method)
        return self.answer(method, self.sent.count(method))

    def create(self, _length: int, *, body: Any, **_: Any) -> tuple[Reply, str | None]:
        replaced = self._replaced("POST")
        if replaced is not None:
            return replaced, None
        self.stored += _read(body)[0]
        return Reply(201, {"upload-offset": str(len(self.stored))}), "http://s/1"

    def head(self, _url: str, _kind: str, **_: Any) -> Reply:
        offset = {"upload-offset": str(len(self.stored))}
        return self._replaced("HEAD") or Reply(200, offset)

    def patch(self, _url: str, offset: int, body: Any, **_: Any) -> Reply:
        replaced = self._replaced("PATCH")
        if replaced is not None:
            return replaced
        assert offset == len(self.stored)
        data, is_cut = _read(body)
        self.stored += data
        if is_cut:
            return Reply(0, is_cut=True)
        return Reply(204, {"upload-offset": str(len(self.stored))})


def _read(body: Any) -> tuple[bytes, bool]:
    if isinstance(body, bytes):
        return body, False
    data = b""
    try:
        while piece := body.read():
            data += piece
    except CutError:
        return data, True
    return data, False


def run_task(
    server: Any, plan: UploadPlan, offer: ServerOffer | None = None
) -> tuple[bool, UploadTask, Tally]:
    tally, waits = Tally(), list[float]()
    client = Client(server, offer or ServerOffer(), Mix(), tally, Random(1), waits.append)
    task = UploadTask(client, CONTENT, plan)
    return task.run(), task, tally


def plan_of(
    *, end: int = SIZE, cuts: tuple[int, ...] = (), at_creation: bool = False
) -> UploadPlan:
    return UploadPlan(size=SIZE, chunk=300, end=end, cuts=cuts, at_creation=at_creation)


def test_an_upload_goes_in_chunks() -> None:
    server = StoredUpload()
    done, task, tally = run_task(server, plan_of())
    assert done
    assert server.stored == CONTENT.read(0, SIZE)
    assert server.sent == ["POST", *["PATCH"] * 4]
    assert task.acknowledged == tally.to_counts().bytes_acknowledged == SIZE


def test_each_cut_is_followed_by_head_and_a_patch_from_there() -> None:
    server = StoredUpload()
    done, _, tally = run_task(server, plan_of(cuts=(120, 450)))
    assert done
    assert server.stored == CONTENT.read(0, SIZE)
    assert server.sent[:4] == ["POST", "PATCH", "HEAD", "PATCH"]
    assert (tally.to_counts().cuts, tally.to_counts().resumes) == (2, 2)


def test_the_first_bytes_go_with_creation_where_that_is_offered() -> None:
    for extensions, patches in (({"creation-with-upload"}, 3), (set(), 4)):
        server = StoredUpload()
        offer = ServerOffer(extensions=frozenset(extensions))
        done, _, _ = run_task(server, plan_of(at_creation=True), offer)
        assert done
        assert server.stored == CONTENT.read(0, SIZE)
        assert server.sent.count("PATCH") == patches


def test_an_error_is_followed_by_a_resume() -> None:
    def fail_once(method: str, count: int) -> Reply | None:
        return Reply(0, error="ConnectionResetError") if (method, count) == ("PATCH", 2) else None

    server = StoredUpload(fail_once)
    done, _, tally = run_task(server, plan_of())
    assert done
    assert server.stored == CONTENT.read(0, SIZE)
    assert (tally.to_counts().retries, tally.to_counts().resumes) == (1, 1)


def test_a_locked_upload_is_waited_for_after_a_cut() -> None:
    def lock(method: str, count: int) -> Reply | None:
        return Reply(423) if method == "HEAD" and count < 3 else None

    done, _, tally = run_task(StoredUpload(lock), plan_of(cuts=(10,)))
    assert done
    assert tally.to_counts().retries == 2


def test_a_client_gives_up_after_the_retries_of_the_mix() -> None:
    server = StoredUpload(lambda method, _: Reply(500) if method == "PATCH" else None)
    done, _, tally = run_task(server, plan_of())
    assert not done
    assert server.sent.count("PATCH") == Mix().retries + 1
    assert tally.to_counts().uploads_failed == 1
    assert tally.to_counts().uploads_lost == 0


def test_a_refused_creation_is_not_repeated() -> None:
    server = StoredUpload(lambda method, _: Reply(413) if method == "POST" else None)
    done, _, _ = run_task(server, plan_of())
    assert not done
    assert server.sent == ["POST"]


def test_a_creation_without_a_usable_location_is_not_repeated() -> None:
    """Each attempt would leave another upload behind."""
    server = StoredUpload(lambda method, _: Reply(201) if method == "POST" else None)
    done, _, _ = run_task(server, plan_of())
    assert not done
    assert server.sent == ["POST"]


LOSSES = {
    "the offset went back": (Reply(200, {"upload-offset": "250"}), "lost", 50),
    "HEAD answers 404": (Reply(404), "lost", 300),
    "only 350 bytes were sent": (Reply(200, {"upload-offset": "360"}), "mixed", 10),
}


@pytest.mark.parametrize("sentence", LOSSES)
def test_offsets_that_cannot_be_are_findings(sentence: str) -> None:
    """300 bytes are acknowledged and 50 more were sent when the connection is cut."""
    reply, kind, size = LOSSES[sentence]
    server = StoredUpload(lambda method, _: reply if method == "HEAD" else None)
    done, _, tally = run_task(server, plan_of(cuts=(350,)))
    assert not done
    (finding,) = tally.findings
    assert sentence in finding.sentence
    assert finding.kind == kind
    assert tally.counts[f"bytes_{kind}"] == size


def test_an_upload_that_may_be_complete_and_moved_is_not_lost() -> None:
    """The response to the last PATCH is lost; some servers forget uploads that are complete."""

    def lose_last(method: str, count: int) -> Reply | None:
        is_last = (method, count) == ("PATCH", 4)
        return Reply(0, error="reset") if is_last else Reply(404) if method == "HEAD" else None

    done, _, tally = run_task(StoredUpload(lose_last), plan_of())
    assert not done
    assert not tally.findings


def test_an_abandoned_upload_ends_early() -> None:
    server = StoredUpload()
    done, task, _ = run_task(server, plan_of(end=450))
    assert done
    assert task.acknowledged == len(server.stored) == 450


def test_an_offer_has_the_smaller_limit_and_an_algorithm_of_both() -> None:
    reply = Reply(
        204,
        {
            "tus-extension": "creation, Checksum",
            "tus-checksum-algorithm": "crc32,sha256",
            "tus-max-size": "5000",
        },
    )
    assert ServerOffer.from_reply(reply, 400).max_size == 400
    assert ServerOffer.from_reply(reply, None).max_size == 5000
    assert ServerOffer.from_reply(reply, None).algorithm == "sha256"
    assert ServerOffer.from_reply(Reply(0), None) == ServerOffer()
