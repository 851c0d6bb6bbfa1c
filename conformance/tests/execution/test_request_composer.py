"""`execution.request_composer`: headers, bodies and references of a request."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace

import msgspec
import pytest
from scripted_server import (
    URL,
    ReceivedRequest,
    creation_response,
    discovered_with,
    open_session,
    patch_response,
    scenario_from_toml,
    script_answers,
)

from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.execution.request_composer import RequestComposer
from tus_conformance.execution.steps import execute_scenario
from tus_conformance.state.content import GeneratedContent, read_content
from tus_conformance.state.digests import body_digest
from tus_conformance.state.early_exit import UnresolvedReference
from tus_conformance.state.references import References
from tus_conformance.state.session import Session
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.targets.profile import Profile
from tus_conformance.targets.target import Target
from tus_conformance.transport import BodyCut, Http1Transport, HttpRequest, HttpResponse
from tus_reports import Exchange
from tus_scenarios import RequestSpec

TYPE = ("Content-Type", "application/offset+octet-stream")
VERSION = ("Tus-Resumable", "1.0.0")
NOTHING = ("Content-Length", "0")
AUTH = ("Authorization", "Bearer x")

UPLOADS = {
    "upload": UploadState(
        "upload", URL + "1?sig=a", GeneratedContent("k:upload"), length=100, offset=40
    ),
    "a": UploadState("a", URL + "a", GeneratedContent("k:a"), length=10, offset=10),
    "b": UploadState("b", URL + "b", GeneratedContent("k:b"), length=5, offset=5),
    "endless": UploadState("endless", URL + "e", GeneratedContent("k:endless")),
}
BEFORE = StepResponse(
    HttpResponse(
        exchange=Exchange(method="HEAD", url=URL, at=0.0, request_head=""),
        status=200,
        headers=(("Upload-Offset", "7"), ("Link", "a"), ("Link", "b")),
    ),
    "HEAD",
    URL,
    0,
)


def composer(
    *,
    headers: tuple[tuple[str, str], ...] = (),
    profile: Profile | None = None,
    discovery: DiscoveryResult | None = None,
) -> RequestComposer:
    """Return a composer on a target, with uploads and an earlier answer to refer to."""
    found = discovery or replace(discovered_with(), max_size=1000)
    target = Target(URL, profile or Profile(), headers)
    here = Session(target=target, transport=Http1Transport(), discovery=found)
    parameters: dict[str, str | int] = {"value": "v", "number": 3}
    return RequestComposer(References(here, parameters, UPLOADS, {"before": BEFORE}), "k")


def request(toml: str) -> RequestSpec:
    """Return a request from TOML."""
    return msgspec.convert(tomllib.loads(toml), RequestSpec)


def body(http_request: HttpRequest) -> bytes | None:
    """Return the body of a message, or None where it has none."""
    return b"".join(http_request.payload.chunks()) if http_request.payload else None


HEADERS: list[tuple[str, str, tuple[tuple[str, str], ...], str]] = [
    ("OPTIONS", "", (), "OPTIONS has no header of its own"),
    ("HEAD", "", (VERSION,), "HEAD has the version"),
    ("GET", "", (VERSION,), "GET has it too"),
    ("DELETE", "", (VERSION,), "so has DELETE"),
    ("POST", "", (VERSION, NOTHING), "POST says that it has no body"),
    (
        "POST",
        'length = 5\ndefer = "1"\nmetadata = "a"',
        (
            *(VERSION, ("Upload-Length", "5"), ("Upload-Defer-Length", "1")),
            *(("Upload-Metadata", "a"), NOTHING),
        ),
        "each tus header in its place",
    ),
    ("PATCH", "", (VERSION, TYPE, ("Upload-Offset", "40"), NOTHING), "PATCH at the known offset"),
    (
        "HEAD",
        "override = true",
        (VERSION, ("X-HTTP-Method-Override", "HEAD"), NOTHING),
        "an overridden HEAD is a POST without a body",
    ),
    (
        "PATCH",
        "override = true\nsend = 5",
        (VERSION, TYPE, ("Upload-Offset", "40"), ("X-HTTP-Method-Override", "PATCH")),
        "an overridden PATCH has the headers of one",
    ),
    (
        "HEAD",
        'names = "lower"',
        (("tus-resumable", "1.0.0"),),
        "names in lower case",
    ),
    (
        "HEAD",
        'names = "odd"',
        (("tUs-rEsUmAbLe", "1.0.0"),),
        "names in odd case",
    ),
    ("PATCH", "send = 5", (VERSION, TYPE, ("Upload-Offset", "40")), "a body has its own framing"),
    (
        "PATCH",
        'send = 5\noffset = " 7x"',
        (VERSION, TYPE, ("Upload-Offset", " 7x")),
        "an offset goes out byte for byte",
    ),
    ("PATCH", 'omit = ["content-type", "Upload-Offset", "Content-Length"]', (VERSION,), "omitted"),
    (
        "PATCH",
        'send = 1\nheader.content-type = "text/plain"',
        (VERSION, ("Upload-Offset", "40"), ("content-type", "text/plain")),
        "a header of one's own replaces the usual one, whatever its letter case",
    ),
    (
        "PATCH",
        'send = 1\nheader.Upload-Offset = ["0", "50"]',
        (VERSION, TYPE, ("Upload-Offset", "0"), ("Upload-Offset", "50")),
        "a list goes out as several lines",
    ),
    (
        "PATCH",
        'send = 1\nframing = "chunked"',
        (VERSION, TYPE, ("Upload-Offset", "40")),
        "a chunked body has no length",
    ),
    (
        "POST",
        'framing = "chunked"',
        (VERSION,),
        "nor does a chunked request without one",
    ),
    (
        "POST",
        'length = 5\nframing = "raw"',
        (VERSION, ("Upload-Length", "5"), NOTHING),
        "a request by hand that has no body says so as well",
    ),
    (
        "POST",
        'parts = ["a", "b"]',
        (VERSION, ("Upload-Concat", "final;/files/a /files/b"), NOTHING),
        "parts are named by their paths",
    ),
    (
        "POST",
        'parts = ["a"]\nheader.Upload-Concat = "final;{b}"',
        (VERSION, NOTHING, ("Upload-Concat", f"final;{URL}b")),
        "unless the header is given",
    ),
    ("POST", 'parts = ["a"]\nomit = ["Upload-Concat"]', (VERSION, NOTHING), "or omitted"),
    (
        "OPTIONS",
        'header.Tus-Resumable = "9.9.9"',
        (("Tus-Resumable", "9.9.9"),),
        "a version is sent with OPTIONS where it is asked for",
    ),
]


def without_coding(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return headers without the one that asks for content as it is, which every request has."""
    codings = [value for name, value in headers if name.lower() == "accept-encoding"]
    assert codings == ["identity"]
    return tuple(header for header in headers if header[0].lower() != "accept-encoding")


def test_a_header_of_the_target_asks_for_another_coding() -> None:
    http_request, _ = composer(headers=(("accept-encoding", "gzip"),)).compose("GET", request(""))
    assert [value for name, value in http_request.headers if name.lower() == "accept-encoding"] == [
        "gzip"
    ]


@pytest.mark.parametrize(
    ("method", "toml", "expected"), [pytest.param(*case[:3], id=case[3]) for case in HEADERS]
)
def test_the_headers_go_out_as_they_stand(
    method: str, toml: str, expected: tuple[tuple[str, str], ...]
) -> None:
    http_request, _ = composer().compose(method, request(toml))
    assert without_coding(http_request.headers) == expected


PROFILED: list[tuple[str, str, tuple[tuple[str, str], ...], str]] = [
    ("POST", "", (AUTH, ("Upload-Metadata", "k dg=="), NOTHING), "a creation has its metadata"),
    (
        "POST",
        'metadata = "x"',
        (AUTH, ("Upload-Metadata", "k dg==,x"), NOTHING),
        "beside the scenario's",
    ),
    (
        "POST",
        'metadata = "x,k {value}"',
        (AUTH, ("Upload-Metadata", "x,k v"), NOTHING),
        "of a key that the scenario has, the scenario's",
    ),
    ("POST", 'metadata = ""', (AUTH, ("Upload-Metadata", ""), NOTHING), "an empty one stays empty"),
    (
        "POST",
        'metadata = "x"\nto = "{creation}"',
        (AUTH, ("Upload-Metadata", "x"), NOTHING),
        "a request to a place of its own is as it stands",
    ),
    ("POST", 'omit = ["Upload-Metadata"]', (AUTH, NOTHING), "or none where that is asked for"),
    ("POST", 'to = "{upload}"', (AUTH, NOTHING), "a POST to an upload creates nothing"),
    ("HEAD", "", (AUTH,), "what is no creation has none"),
    ("HEAD", 'omit = ["authorization"]', (), "the target's headers can be omitted, too"),
    ("HEAD", 'header.Authorization = "no"', (("Authorization", "no"),), "or replaced"),
]


@pytest.mark.parametrize(
    ("method", "toml", "expected"), [pytest.param(*case[:3], id=case[3]) for case in PROFILED]
)
def test_a_target_has_headers_and_metadata_of_its_own(
    method: str, toml: str, expected: tuple[tuple[str, str], ...]
) -> None:
    profile = Profile(metadata="k dg==")
    http_request, _ = composer(headers=(AUTH,), profile=profile).compose(method, request(toml))
    assert without_coding(http_request.headers) == (VERSION, *expected)


PLACES: list[tuple[str, str, str, str]] = [
    ("OPTIONS", "", URL, "OPTIONS goes where uploads are created"),
    ("POST", "", URL, "so does POST"),
    ("PATCH", "", URL + "1?sig=a", "PATCH goes to the upload, query and all"),
    ("HEAD", 'of = "b"', URL + "b", "or to another one"),
    ("GET", 'to = "{unknown}"', URL + "unknown", "or where it is told to"),
    ("HEAD", 'to = "{upload}.info"', URL + "1?sig=a.info", "a reference is text"),
    ("HEAD", 'to = "/x"', "http://tus.test/x", "a path is resolved against the target"),
    ("OPTIONS", 'to = "*"', URL, "the asterisk needs a host to connect to"),
]


@pytest.mark.parametrize(
    ("method", "toml", "url"), [pytest.param(*case[:3], id=case[3]) for case in PLACES]
)
def test_a_request_goes_to_its_place(method: str, toml: str, url: str) -> None:
    http_request, _ = composer().compose(method, request(toml))
    assert http_request.url == url
    assert http_request.asterisk_form is ("*" in toml)


BODIES: list[tuple[str, bytes | None, int, str]] = [
    ("", None, 40, "no body"),
    ("send = 5", read_content(GeneratedContent("k:upload"), 40, 45), 40, "bytes from the offset"),
    ("send = 0", b"", 40, "no bytes are a body too"),
    ('send = "rest"', read_content(GeneratedContent("k:upload"), 40, 100), 40, "all that is left"),
    (
        'send = "{number}"',
        read_content(GeneratedContent("k:upload"), 40, 43),
        40,
        "as many as a reference says",
    ),
    (
        "send = 5\nat = 60",
        read_content(GeneratedContent("k:upload"), 60, 65),
        60,
        "bytes from elsewhere",
    ),
    (
        "send = 5\noffset = 0",
        read_content(GeneratedContent("k:upload"), 0, 5),
        0,
        "from the offset that is sent",
    ),
    (
        'send = 5\noffset = "-1"',
        read_content(GeneratedContent("k:upload"), 40, 45),
        40,
        "if it is one",
    ),
    (
        'send = 5\noffset = "{upload.offset}"',
        read_content(GeneratedContent("k:upload"), 40, 45),
        40,
        "referred",
    ),
    ('body = "h\u00e9 {value}"', "h\u00e9 v".encode(), 40, "text as it stands, in UTF-8"),
]


@pytest.mark.parametrize(
    ("toml", "expected", "at"), [pytest.param(*case[:3], id=case[3]) for case in BODIES]
)
def test_a_body_is_made_of_the_uploads_content(toml: str, expected: bytes | None, at: int) -> None:
    http_request, position = composer().compose("PATCH", request(toml))
    assert (body(http_request), position) == (expected, at)
    if http_request.payload is not None and expected is not None:
        assert http_request.payload.length == len(expected)


CUTS: list[tuple[str, BodyCut, str]] = [
    ("after = 7", BodyCut(after=7), "a number of bytes"),
    ('after = "7"', BodyCut(after=7), "a number as text"),
    ('after = "50%"', BodyCut(after=30), "a share of the body"),
    ('after = "0%"', BodyCut(after=0), "nothing of it"),
    ('after = "100%"', BodyCut(after=60), "all of it"),
    ('after = "{number}"', BodyCut(after=3), "a reference"),
    ('after = 7\nby = "rst"', BodyCut(after=7, by="rst"), "by a reset"),
]


@pytest.mark.parametrize(("toml", "cut"), [pytest.param(*case[:2], id=case[2]) for case in CUTS])
def test_request_is_cut_at_its_position(toml: str, cut: BodyCut) -> None:
    http_request, _ = composer().compose("PATCH", request(f'send = "rest"\n[cut]\n{toml}'))
    assert http_request.cut == cut


TEXTS: list[tuple[str, str, str]] = [
    ("plain", "plain", "text without a reference stays"),
    ("{value}-{number}", "v-3", "parameters"),
    ("{number+1} {number-4}", "4 -1", "a number and a bit"),
    ("{creation}", URL, "where uploads are created"),
    ("{unknown}", URL + "unknown", "an upload that never was"),
    ("{max-size} {max-size+1}", "1000 1001", "the largest upload, and one more"),
    ("{upload}", URL + "1?sig=a", "an upload"),
    ("{upload.path}", "/files/1?sig=a", "its path, and its query"),
    ("{upload.offset} {upload.offset+1}", "40 41", "its offset"),
    ("{before.Upload-Offset}", "7", "a header of an earlier answer"),
    ("{before.upload-offset-2}", "5", "a bit less than it"),
    ("{before.Link}", "a, b", "several lines of one"),
    ("{}", "{}", "braces with nothing in them"),
    ("{ value }", "{ value }", "or with space"),
]


@pytest.mark.parametrize(
    ("template", "text"), [pytest.param(*case[:2], id=case[2]) for case in TEXTS]
)
def test_references_stand_for_what_is_known(template: str, text: str) -> None:
    assert composer().references.resolve_text(template) == text


@pytest.mark.parametrize(
    ("template", "because"),
    [
        ("{nobody}", "there is no upload 'nobody'"),
        ("{nobody.offset}", "there is no upload 'nobody'"),
        ("{before.Location}", "the response to 'before' has no Location"),
        ("{max-size}", "the server states no Tus-Max-Size"),
    ],
)
def test_a_reference_to_nothing_is_unbound(template: str, because: str) -> None:
    with pytest.raises(UnresolvedReference, match=because):
        composer(discovery=discovered_with()).references.resolve_text(template)


def test_the_rest_of_an_upload_without_a_length_is_unbound() -> None:
    with pytest.raises(UnresolvedReference, match="the length of the upload is unknown"):
        composer().compose("PATCH", request('of = "endless"\nsend = "rest"'))


def test_the_digest_is_that_of_the_body_that_is_sent() -> None:
    toml = 'send = 5\nheader.Upload-Checksum = "sha1 {body.sha1}"'
    http_request, _ = composer().compose("PATCH", request(toml))
    assert http_request.payload is not None
    assert http_request.headers[-1] == (
        "Upload-Checksum",
        f"sha1 {body_digest('body.sha1', http_request.payload)}",
    )


@dataclass(frozen=True)
class PersistentPeer:
    """What a server that keeps everything has seen of one PATCH."""

    headers: tuple[tuple[str, str], ...]
    body: bytes
    trailers: tuple[tuple[str, str], ...]


async def patched(step: str) -> PersistentPeer:
    """Create an upload of 10 bytes, send a PATCH, and return what arrived of it."""
    answering, heard = script_answers(creation_response(), patch_response(4))
    async with open_session(answering) as here:
        await execute_scenario(
            scenario_from_toml(f"{{ given = {{ length = 10 }} }}, {{ patch = {step} }}"), here
        )
    asked: ReceivedRequest = heard[1]
    usual = {"host", "tus-resumable", "accept-encoding", "content-type", "upload-offset"}
    left = tuple(item for item in asked.headers if item[0].lower() not in usual)
    return PersistentPeer(left, asked.body, asked.trailers)


BYTES = read_content(GeneratedContent("7:a.story:1:upload"), 0, 4)


async def test_a_sized_body_arrives_with_its_length() -> None:
    assert await patched("{ send = 4 }") == PersistentPeer((("Content-Length", "4"),), BYTES, ())


async def test_a_chunked_body_arrives_with_its_trailers() -> None:
    kept = await patched(
        '{ send = 4, framing = "chunked", header.Trailer = "X-Sum", trailer.X-Sum = "{body.sha1}" }'
    )
    assert kept.headers == (("Trailer", "X-Sum"), ("Transfer-Encoding", "chunked"))
    assert kept.body == BYTES
    assert [name for name, _ in kept.trailers] == ["X-Sum"]


async def test_a_body_by_hand_arrives_with_the_length_it_declares() -> None:
    kept = await patched('{ send = 4, framing = "raw", declare = 3 }')
    assert kept == PersistentPeer((("Content-Length", "3"),), BYTES[:3], ())


async def test_lines_arrive_as_lines() -> None:
    kept = await patched('{ send = 4, header.X = ["1", "2"] }')
    assert [item for item in kept.headers if item[0] == "X"] == [("X", "1"), ("X", "2")]


async def test_a_second_attempt_has_contents_of_its_own() -> None:
    bodies = []
    for attempt in (1, 2):
        answering, heard = script_answers(creation_response(), patch_response(4))
        async with open_session(answering) as here:
            told = scenario_from_toml("{ given = { length = 10 } }, { patch = { send = 4 } }")
            await execute_scenario(told, here, attempt=attempt)
        bodies.append(heard[1].body)
    assert bodies[0] == BYTES
    assert bodies[1] != BYTES
