"""`rule`: what each key of a rule does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from tus_defects.gallery import read_rules
from tus_defects.message_edits import ComposedBody, find_header
from tus_defects.server import Server
from tus_defects.service import ChangeLayer
from tus_defects.variant import change_by_rule
from tus_reference import Config, MemoryStore
from tus_reference.model import BodyEndedEarly, FileInfo, Headers, Request, Response

HEADERS = {"Tus-Resumable": "1.0.0", "Upload-Offset": "3", "Upload-Length": "10"}
RESPONSE = Response(
    204, (("Upload-Offset", "5"), ("Tus-Extension", "creation,checksum")), b"", "ERR_X"
)


def new_request(
    method: str = "PATCH", target: str = "/files/u", body: bytes = b"ab", **headers: str | None
) -> Request:
    """Return a request; underscores in names of headers are hyphens, None leaves one out."""
    named = HEADERS | {name.replace("_", "-"): text for name, text in headers.items()}
    fields = [(name, text) for name, text in named.items() if text is not None]
    return Request(method, target, Headers(fields), ComposedBody(body, length=len(body)))


class RuleExchange:
    """One request to a rule in TOML over a server that always returns RESPONSE."""

    def __init__(self, rule: str, response: Response = RESPONSE) -> None:
        made = read_rules(f'[quirk.one]\nsentence = "One."\n{rule}').quirk["one"]
        self.store = MemoryStore()
        self.config = Config(data_store=self.store).validate()
        self.layer = ChangeLayer(change_by_rule(made.match, made.edit), Server(self.config))
        self.response = response
        self.forwarded: list[Request] = []

    async def send(self, request: Request, info: FileInfo | None = None) -> Response:
        """Send a request, to an upload if there is one, and return the response."""
        if info is not None:
            await self.store.new_upload(replace(info, id="u"))
            await self.store.write_chunk(
                "u", 0, ComposedBody(b"x" * info.offset, length=info.offset)
            )
        return await self.layer.answer(request, self._respond)

    async def _respond(self, request: Request) -> Response:
        self.forwarded.append(request)
        return self.response


PARTIAL = FileInfo(size=10, offset=4, is_partial=True)
WHOLE = FileInfo(size=4, offset=4)

MATCHES: list[tuple[str, dict[str, Any], FileInfo | None, bool]] = [
    ("", {}, None, True),
    ('method = "HEAD|PATCH"', {}, None, True),
    ('method = "HEAD"', {}, None, False),
    ('method = "HEAD"', {"X_HTTP_Method_Override": "head"}, None, True),
    ('sent = "HEAD"', {"X_HTTP_Method_Override": "head"}, None, False),
    ('path = "upload"', {}, None, True),
    ('path = "endpoint"', {}, None, False),
    ('path = "endpoint"', {"target": "/files/"}, None, True),
    ('path = "server"', {"target": "*"}, None, True),
    ('name = "u"', {}, None, True),
    ('name = "[0-9]+"', {}, None, False),
    ('name = "x|"', {"target": "/files/u/"}, None, True),
    ('target = ".*\\\\?.*"', {"target": "/files/u?a=b"}, None, True),
    ('target = ".*\\\\?.*"', {}, None, False),
    ('request = ["tus-method"]', {}, None, True),
    ('request = ["tus-method", "other-version"]', {}, None, False),
    ('request = ["other-version"]', {"Tus_Resumable": "2.0.0"}, None, True),
    ('request = ["no-version"]', {"Tus_Resumable": None}, None, True),
    ('request = ["malformed-checksum"]', {"Upload_Checksum": "sha1"}, None, True),
    ('request = ["malformed-checksum"]', {}, None, False),
    ('request = ["other-media-type"]', {}, None, True),
    (
        'request = ["media-type-variant"]',
        {"Content_Type": "Application/Offset+octet-stream"},
        None,
        True,
    ),
    ("header = { Upload-Offset = true }", {}, None, True),
    ("header = { Upload-Offset = false }", {}, None, False),
    ('header = { Upload-Offset = "[0-9]" }', {}, None, True),
    ('header = { Upload-Offset = "[0-9]" }', {"Upload_Offset": "33"}, None, False),
    ('header = { Expect = ".*" }', {}, None, False),
    ('lacks = { Upload-Offset = "3" }', {}, None, False),
    ('lacks = { Upload-Offset = "4" }', {}, None, True),
    ("above = { Upload-Length = 9 }", {}, None, True),
    ("above = { Upload-Length = 10 }", {}, None, False),
    ("above = { Upload-Length = 9 }", {"Upload_Length": "x"}, None, False),
    ('body = "sized"', {}, None, True),
    ('body = "empty"', {"body": b""}, None, True),
    ('body = "chunked"', {}, None, False),
    ('upload = ["known"]', {}, None, False),
    ('upload = ["known"]', {}, WHOLE, True),
    ('upload = ["partial", "unfinished"]', {}, PARTIAL, True),
    ('upload = ["partial", "complete"]', {}, PARTIAL, False),
    ('partials = ["unfinished"]', {"Upload_Concat": "final;/files/u"}, PARTIAL, True),
    ('partials = ["deferred-length"]', {"Upload_Concat": "final;/files/u"}, PARTIAL, False),
    ('after = ["complete"]', {}, WHOLE, True),
    ('upload = ["empty"]', {}, FileInfo(size=0), True),
    ('upload = ["empty"]', {}, FileInfo(), False),
    ('upload = ["fresh"]', {}, FileInfo(), True),
    ('upload = ["fresh"]', {}, FileInfo(size=0), False),
    ('upload = ["begun"]', {}, PARTIAL, True),
    ('upload = ["begun"]', {}, WHOLE, False),
    ('upload = ["with-metadata"]', {}, FileInfo(metadata_header="a"), True),
    ('upload = ["with-metadata"]', {}, PARTIAL, False),
    ("longer-than = 9", {}, PARTIAL, True),
    ("longer-than = 10", {}, PARTIAL, False),
    ("longer-than = 0", {}, None, False),
    ("beyond = 3", {}, PARTIAL, True),
    ("beyond = 4", {}, PARTIAL, False),
    ("ordinal = 1", {}, None, True),
    ("ordinal = 2", {}, None, False),
    ("from-ordinal = 1", {}, None, True),
    ("from-ordinal = 2", {}, None, False),
    ('history = ["refused"]', {}, None, False),
    ('connection = { http = "1.1" }', {}, None, False),
    ('connection.http = "1.1"', {"Connection_Facts": "1 1.1 0 0 usual"}, None, True),
    ('connection.http = "1.0"', {"Connection_Facts": "1 1.1 0 0 usual"}, None, False),
    ("connection.requests = 2", {"Connection_Facts": "1 1.1 2 0 usual"}, None, True),
    ("connection.requests = 3", {"Connection_Facts": "1 1.1 2 0 usual"}, None, False),
    ('connection.status = "4.."', {"Connection_Facts": "1 1.1 2 409 usual"}, None, True),
    ('connection.status = "4.."', {"Connection_Facts": "1 1.1 2 204 usual"}, None, False),
    ('connection.names = "lower"', {"Connection_Facts": "1 1.1 0 0 lower"}, None, True),
    ('connection.names = "odd"', {"Connection_Facts": "1 1.1 0 0 lower"}, None, False),
    ('after = ["complete"]', {}, PARTIAL, False),
    ("status = 204", {}, None, True),
    ("status = 404", {}, None, False),
    ('status = "2xx"', {}, None, True),
    ('status = "!2xx"', {}, None, False),
    ('status = "!404"', {}, None, True),
    ('reason = "ERR_X"', {}, None, True),
    ('reason = "ERR_Y"', {}, None, False),
    ('response = { Upload-Offset = "5" }', {}, None, True),
    ("response = { Location = false }", {}, None, True),
    ("response = { Location = true }", {}, None, False),
]


@pytest.mark.parametrize(("match", "request_", "info", "applies"), MATCHES)
async def test_a_rule_applies_where_every_key_matches(
    match: str, request_: dict[str, Any], info: FileInfo | None, applies: bool
) -> None:
    exchange = RuleExchange(f"match = {{ {match} }}\nedit.status = 299")
    response = await exchange.send(new_request(**request_), info)
    assert response.status == (299 if applies else 204)


RESPONSE_EDITS = [
    ("edit.status = 418", 418, {"Upload-Offset": "5"}),
    ('edit.strip = ["upload-offset"]', 204, {"Upload-Offset": None}),
    ('edit.set = { Upload-Offset = "{offset}", A = "{end}/{size}" }', 204, {"A": "5/2"}),
    ('edit.add = { Upload-Offset = "9", A = "1" }', 204, {"Upload-Offset": "5", "A": "1"}),
    ('edit.replace = { Upload-Offset = { 5 = "6", "\\\\Z" = "7" } }', 204, {"Upload-Offset": "67"}),
    ('edit.replace = { A = { ".*" = "6" } }', 204, {"A": None}),
    ("edit.increase = { Upload-Offset = -2 }", 204, {"Upload-Offset": "3"}),
    ('edit.format = { Upload-Offset = "{:03d}." }', 204, {"Upload-Offset": "005."}),
    ('edit.unlist = { Tus-Extension = "creation" }', 204, {"Tus-Extension": "checksum"}),
    ("edit.answer = 403", 403, {"Upload-Offset": None, "Tus-Resumable": "1.0.0"}),
    ("edit.answer-after = 403", 403, {"Upload-Offset": None, "Tus-Resumable": "1.0.0"}),
    ('edit = { answer-after = 403, keep = ["Upload-Offset"] }', 403, {"Upload-Offset": "5"}),
]


@pytest.mark.parametrize(("edit", "status", "headers"), RESPONSE_EDITS)
async def test_edits_of_the_response(
    edit: str, status: int, headers: dict[str, str | None]
) -> None:
    exchange = RuleExchange(edit)
    response = await exchange.send(new_request(), PARTIAL)
    assert response.status == status
    assert {name: find_header(response, name) for name in headers} == headers
    assert len(exchange.forwarded) == (0 if "answer =" in edit else 1)


REQUEST_EDITS = [
    ('edit.request = { Upload-Offset = "{offset}" }', {"Upload-Offset": "4"}, b"ab"),
    ("edit.request = { Upload-Offset = false }", {"Upload-Offset": None}, b"ab"),
    ("edit.ignore-checksum = true", {"Upload-Checksum": None, "Trailer": None}, b"ab"),
    ('edit.body = "discarded"', {}, b""),
    ('edit.body = "not-read"', {}, b""),
    ('edit.body = "inverted"', {}, bytes([0x9E, 0x9D])),
    ('edit.body = "reversed"', {}, b"ba"),
    ('edit.body = "buffered"', {}, b"ab"),
]


@pytest.mark.parametrize(("edit", "headers", "body"), REQUEST_EDITS)
async def test_edits_of_the_request(edit: str, headers: dict[str, str | None], body: bytes) -> None:
    exchange = RuleExchange(edit)
    await exchange.send(new_request(Upload_Checksum="sha1 x", Trailer="x"), PARTIAL)
    (forwarded,) = exchange.forwarded
    assert {name: forwarded.headers.joined(name) for name in headers} == headers
    buffer = memoryview(bytearray(8))
    assert bytes(buffer[: await forwarded.body.read_into(buffer)]) == body


async def test_a_request_stays_as_it_is_where_a_placeholder_has_no_value() -> None:
    exchange, request = RuleExchange('edit.request = { Upload-Offset = "{offset}" }'), new_request()
    await exchange.send(request)
    assert exchange.forwarded == [request]


async def test_the_server_sees_the_very_request_where_a_rule_edits_responses_only() -> None:
    exchange, request = RuleExchange("edit.status = 418"), new_request()
    await exchange.send(request)
    assert exchange.forwarded[0] is request


async def test_closing_ends_the_connection_after_the_server_has_done_its_work() -> None:
    exchange = RuleExchange("edit.close = true")
    with pytest.raises(BodyEndedEarly):
        await exchange.send(new_request())
    assert len(exchange.forwarded) == 1


async def test_what_a_rule_cannot_read_is_left_to_the_server() -> None:
    exchange = RuleExchange('match.request = ["malformed-checksum"]\nedit.answer = 499')
    response = await exchange.send(new_request(Upload_Checksum="sha1"))
    assert response.status == 499


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        ("match = { metod = 'HEAD' }", "unknown field `metod`"),
        ("match.request = ['nonsense']", "Invalid enum value"),
        ("match.status = '6xx'", "matching regex"),
        ("match.status = 404\nedit.answer = 500", "use `answer-after`"),
        ("edit.body = 'eaten'", "Invalid enum value"),
    ],
)
def test_mistakes_in_a_rule_are_refused(rule: str, mistake: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=mistake):
        read_rules(f'[quirk.one]\nsentence = "One."\n{rule}')
