"""`targets.origin_guard`: what is sent to other origins."""

from __future__ import annotations

import pytest

from tus_conformance.targets.origin_guard import OriginGuard, OtherOriginError
from tus_conformance.transport import HttpRequest, HttpResponse, PendingRequest
from tus_reports import Exchange

TARGET = "http://tus.test:1080/files/"


class Noting:
    """A transport that remembers what it was asked to send."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    async def send(self, http_request: HttpRequest, *, sink: object = None) -> HttpResponse:
        self.urls.append(http_request.url)
        return HttpResponse(Exchange(method="GET", url="", at=0, request_head=""), status=204)

    def open(self, http_request: HttpRequest, *, sink: object = None) -> PendingRequest:
        raise AssertionError(http_request.url)


def guard(*allowed: str, alive: bool = True) -> tuple[OriginGuard, Noting, list[str]]:
    tested: list[str] = []

    async def test_connection(host: str, port: int) -> bool:
        tested.append(f"{host}:{port}")
        return alive

    noting = Noting()
    return OriginGuard(noting, TARGET, allowed, str, test_connection), noting, tested


ELSEWHERE = [
    "http://tus.test/files/1",
    "https://tus.test:1080/files/1",
    "http://other.test:1080/files/1",
    "http://[::2]:1080/files/1",
]


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE", "POST"])
async def test_nothing_is_sent_to_another_origin(url: str, method: str) -> None:
    guarded, noting, _ = guard()
    answer = await guarded.send(HttpRequest(method, url))
    assert noting.urls == []
    assert answer.failure is not None
    assert answer.failure.kind == "other-origin"
    assert "add `origins" in answer.failure.message
    with pytest.raises(OtherOriginError):
        async with guarded.open(HttpRequest(method, url)):
            pass


@pytest.mark.parametrize("url", ELSEWHERE)
async def test_where_nothing_answers_the_location_is_to_blame(url: str) -> None:
    guarded, noting, tested = guard(*ELSEWHERE, alive=False)
    for _ in range(3):
        answer = await guarded.send(HttpRequest("HEAD", url))
        assert answer.failure is not None
        assert answer.failure.kind == "dead-origin"
    assert noting.urls == []
    assert len(tested) == 1


@pytest.mark.parametrize(
    "url", ["http://tus.test:1080/x", "HTTP://TUS.TEST:1080/x", "http://up.test/1", "/relative"]
)
async def test_what_is_sent(url: str) -> None:
    """The target's own origin, those that the user names, and a text that is not a URL."""
    guarded, noting, _ = guard("http://up.test")
    await guarded.send(HttpRequest("HEAD", url))
    assert noting.urls == [url]


async def test_the_names_of_this_machine_are_one() -> None:
    noting = Noting()
    guarded = OriginGuard(noting, "http://localhost:1080/", (), str, None)
    await guarded.send(HttpRequest("HEAD", "http://127.0.0.1:1080/1"))
    await guarded.send(HttpRequest("HEAD", "http://127.0.0.1:1081/1"))
    assert noting.urls == ["http://127.0.0.1:1080/1"]
