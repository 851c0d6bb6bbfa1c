"""`clients.client_log`: the requests of a client, its pauses, and how far its uploads got."""

from __future__ import annotations

import pytest
from seen_client import SeenClient

from tus_conformance.clients.client_log import ClientLog, read_upload
from tus_conformance.clients.honest_server import HonestResponse, HonestServer
from tus_conformance.clients.seen_request import SeenUpload

pytestmark = pytest.mark.anyio


def test_a_client_without_a_request_has_no_activity_and_no_pauses() -> None:
    log = ClientLog(lambda: 5.0)
    assert (log.last_activity, log.pauses(), log.gets_on(), log.under_way) == (
        0.0,
        [],
        False,
        False,
    )


def test_pauses_are_between_a_response_and_the_next_request() -> None:
    client = SeenClient()
    for began, responded in ((0.0, 0.5), (1.5, None), (10.0, 12.0), (11.0, 12.5)):
        request = client.send("PATCH")
        request.began, request.responded, request.ended = began, responded, began + 1.0
    assert client.log.pauses() == [1.0, 7.5, 0.0]
    assert client.log.last_activity == 12.5


def test_requests_are_found_by_the_method_that_counts() -> None:
    client = SeenClient()
    client.create()
    client.send("POST", "/files/u", {"X-HTTP-Method-Override": "patch"}, b"x", upload="u")
    client.patch(1, b"y")
    assert [each.number for each in client.log.of_method("PATCH")] == [2, 3]
    assert [each.number for each in client.log.about("u")] == [1, 2, 3]
    assert client.log.about("other") == []


def test_a_request_without_an_end_is_under_way() -> None:
    client = SeenClient()
    request = client.create()
    assert not client.log.under_way
    request.ended = None
    assert client.log.under_way


class FixedServer(HonestServer):
    """Says the same of every upload; `content` is None for one that cannot be read."""

    def __init__(self, response: HonestResponse, content: bytes | None) -> None:
        super().__init__("http://127.0.0.1/files/")
        self._response = response
        self._content = content

    async def offset(self, upload: str) -> HonestResponse:
        return self._response

    async def read(self, upload: str) -> bytes | None:
        return self._content


def told(offset: int, length: int | None) -> HonestResponse:
    headers = [("Upload-Offset", str(offset))]
    headers += [] if length is None else [("Upload-Length", str(length))]
    return HonestResponse(200, tuple(headers), b"")


@pytest.mark.parametrize(
    ("response", "complete", "content", "removed"),
    [
        (told(3, 3), True, b"abc", False),
        (told(2, 3), False, b"ab", False),
        (told(2, None), False, b"ab", False),
        (HonestResponse(404, (), b""), False, None, True),
    ],
)
async def test_what_an_upload_holds_in_the_end(
    response: HonestResponse, complete: bool, content: bytes | None, removed: bool
) -> None:
    upload = SeenUpload("u", 1, length=3, received=bytearray(b"ab"))
    server = FixedServer(response, b"abc")
    await read_upload(server, upload)
    await server.aclose()
    assert (upload.complete, upload.content, upload.removed) == (complete, content, removed)
