"""`clients.cross_origin`: what lets a page of another origin upload."""

from __future__ import annotations

from seen_client import SeenClient

from tus_conformance.clients.cross_origin import allow_origin, answer_preflight, is_preflight
from tus_conformance.clients.seen_request import SeenResponse

ORIGIN = {"Origin": "http://page.test"}


def test_only_a_browser_s_own_question_is_a_preflight() -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "PATCH"}
    client = SeenClient()
    assert is_preflight(client.send("OPTIONS", headers=asked))
    assert not is_preflight(client.send("OPTIONS", headers=ORIGIN))
    assert not is_preflight(client.send("PATCH", headers=asked))


def test_a_preflight_is_allowed_what_it_asks_for() -> None:
    asked = {
        **ORIGIN,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "upload-offset,x-own",
    }
    response = answer_preflight(SeenClient().send("OPTIONS", headers=asked))
    assert response.status == 204
    assert response.value("Access-Control-Allow-Origin") == "http://page.test"
    assert response.value("Access-Control-Allow-Methods") == "PATCH"
    assert response.value("Access-Control-Allow-Headers") == "upload-offset,x-own"


def test_a_page_may_read_what_tus_needs() -> None:
    request = SeenClient().send("POST", headers=ORIGIN)
    response = allow_origin(request, SeenResponse(201, (("Location", "/files/u"),)))
    assert response.value("Access-Control-Allow-Origin") == "http://page.test"
    exposed = response.value("Access-Control-Expose-Headers") or ""
    assert {"Location", "Upload-Offset", "Tus-Resumable"} <= set(exposed.split(", "))
    assert response.value("Location") == "/files/u"


def test_a_program_gets_no_headers_for_pages() -> None:
    response = SeenResponse(204)
    assert allow_origin(SeenClient().send("PATCH"), response) is response
    own = SeenResponse(204, (("Access-Control-Allow-Origin", "*"),))
    assert allow_origin(SeenClient().send("PATCH", headers=ORIGIN), own) is own
