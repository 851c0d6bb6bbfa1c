"""`discovery.preflight`: two sentences for what is not tus; no refusal of what is."""

from __future__ import annotations

import pytest
from minimal_server import MinimalServer
from scripted_server import (
    URL,
    AnswerFunction,
    CloseWithoutReply,
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    serve_answers,
)

from tus_conformance.discovery.discovery import DiscoveryResult, discover
from tus_conformance.discovery.prober import NotATusServerError, TargetUnreachable
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.profile import Commands, Profile
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import memory_network

HTML = {"Content-Type": "text/html; charset=utf-8"}


async def probe(
    answering: AnswerFunction,
    url: str = URL,
    profile: Profile | None = None,
    left_behind: LeftBehind | None = None,
) -> DiscoveryResult:
    async with memory_network(serve_answers(answering)) as backend:
        target = Target(url, profile or Profile(), run_program=print_url)
        try:
            transport = Http1Transport(backend=backend, timeout=1.0)
            return await discover(target, transport, left_behind)
        except TargetUnreachable as raised:
            unreachable = raised  # outside of the nursery, which would make it a group
    raise unreachable


async def print_url(command: str, **values: str) -> bytes:
    """Return what the command of a profile prints."""
    return b"http://tus.test/files/1\n"


def plain(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"", options: int = 200
) -> AnswerFunction:
    """Return a server that answers every POST so, and knows nothing of tus."""

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        code = options if asked.method == "OPTIONS" else status
        return ScriptedResponse(code, headers or {}, body, version=False)

    return answer


def webdav(asked: ReceivedRequest) -> ScriptedAnswer:
    allowed = {"DAV": "1, 2", "Allow": "OPTIONS, GET, PROPFIND, MKCOL, PUT"}
    return ScriptedResponse(200 if asked.method == "OPTIONS" else 405, allowed, version=False)


def options_redirects(asked: ReceivedRequest) -> ScriptedAnswer:
    place = {"Location": "http://tus.test/other/"}
    return ScriptedResponse(301 if asked.method == "OPTIONS" else 400, place, version=False)


KINDS: list[tuple[AnswerFunction, str, str]] = [
    (
        plain(501, {"Server": "SimpleHTTP/0.6 Python/3.11"}, options=501),
        "does not accept POST",
        "a",
    ),
    (plain(405, {"Allow": "GET, HEAD"}), "does not accept POST \\(405\\)", "no POST"),
    (plain(404), "does not exist on this server: POST got 404", "no such path"),
    (plain(410), "does not exist on this server", "a path that is gone"),
    (plain(200, HTML, b"<html>Hi"), "POST got 200 and an HTML page", "a page for everything"),
    (plain(200, {"Content-Type": "application/json"}), "application/json content", "an API"),
    (plain(204), "POST got 204 and no upload", "204 for everything"),
    (plain(401, {"WWW-Authenticate": "Basic"}), "refuses access: POST got 401", "a login"),
    (plain(403), "refuses access: POST got 403", "a firewall"),
    (plain(407), "a proxy that requires a login", "a proxy with a login"),
    (plain(400, options=401), "refuses access: OPTIONS got 401", "a login for OPTIONS"),
    *[
        (
            plain(code, {"Location": "/login?next=/files/"}),
            f"redirects POST to a login page \\({code}",
            "x",
        )
        for code in (301, 302, 303, 307, 308)
    ],
    *[
        (plain(code, {"Location": "/x/"}), "use http://tus.test/x/ instead", f"redirect {code}")
        for code in (301, 302, 303, 307, 308)
    ],
    (plain(302, {"Location": "/files/"}), "redirects POST to itself \\(302\\)", "a loop"),
    (plain(302, {"Location": "http://wifi.example/"}), "captive portal", "a captive portal"),
    (options_redirects, "redirects OPTIONS to http://tus.test/other/", "OPTIONS redirects"),
    (plain(308, {"Location": "https://tus.test/files/"}), "use https://tus.test/files/", "to TLS"),
    (plain(502, HTML), "without its backend: it answers 502", "a proxy without its server"),
    (plain(503), "without its backend: it answers 503", "a server that is down"),
    (plain(400, options=504), "without its backend: it answers 504", "a proxy's time-out"),
    (plain(429), "limits the request rate", "a rate limit"),
    (plain(500), "answers POST with 500", "a server that fails"),
    (plain(400, HTML, b"The plain HTTP request was sent to HTTPS port"), "expects TLS", "nginx"),
    (plain(400, {}, b"Client sent an HTTP request to an HTTPS server.\n"), "expects TLS", "Go"),
    (
        plain(403, {}, b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
        "is an S3 endpoint",
        "S3 by its error",
    ),
    (plain(412, {"x-amz-request-id": "17"}), "is an S3 endpoint", "S3 by a header"),
    (
        plain(411, {"x-amzn-RequestId": "17", "Content-Type": "application/xml"}, options=403),
        "is an S3 endpoint",
        "an S3 in Python",
    ),
    (
        plain(200, {}, b'<R xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'),
        "is an S3 endpoint",
        "S3 by its listing",
    ),
    (plain(403, {"x-amzn-RequestId": "17"}), "refuses access", "an API gateway with a login"),
    (webdav, "is a WebDAV server", "WebDAV"),
    (plain(201, {"Upload-Draft-Interop-Version": "6"}), "IETF draft", "another protocol"),
    (plain(201, {"Location": "/x/1"}), "removes its headers", "a proxy that removes headers"),
    (plain(422), "is not a tus endpoint: POST got 422", "something else"),
]


@pytest.mark.parametrize(
    ("server", "said"), [pytest.param(*k[:2], id=f"{k[2]}-{n}") for n, k in enumerate(KINDS)]
)
async def test_what_is_no_tus_server_is_described_before_any_scenario(
    server: AnswerFunction, said: str
) -> None:
    with pytest.raises(NotATusServerError, match=said) as refused:
        await probe(server)
    text = str(refused.value)
    assert text.startswith(URL)
    assert 2 <= text.count(". ") + text.endswith(".") <= 3


@pytest.mark.parametrize(
    ("status", "unnamed"),
    [
        pytest.param(200, [], id="a page for everything"),
        pytest.param(204, [], id="nothing"),
        pytest.param(201, ["discovery"], id="something was created"),
    ],
)
async def test_only_what_was_created_may_be_left_where_there_is_no_tus_server(
    status: int, unnamed: list[str]
) -> None:
    left_behind = LeftBehind()
    with pytest.raises(NotATusServerError):
        await probe(plain(status, HTML), left_behind=left_behind)
    assert left_behind.unnamed[:1] == unnamed


async def test_a_rest_api_that_creates_things_is_no_tus_server() -> None:
    with pytest.raises(NotATusServerError):
        await probe(plain(201, {"Location": "/files/1", "Content-Type": "application/json"}))


BROKEN_OPTIONS: list[tuple[ScriptedAnswer, str]] = [
    (ScriptedResponse(404, version=False), "404"),
    (ScriptedResponse(405, version=False), "405"),
    (ScriptedResponse(500, version=False), "500"),
    (ScriptedResponse(200, HTML, b"<html>", version=False), "a page"),
    (ScriptedResponse(401, version=False), "a login"),
    (ScriptedResponse(302, {"Location": "/x"}, version=False), "a redirect"),
    (CloseWithoutReply(), "no answer"),
]


@pytest.mark.parametrize("answer", [pytest.param(b[0], id=b[1]) for b in BROKEN_OPTIONS])
async def test_a_tus_server_with_broken_options_is_judged(answer: ScriptedAnswer) -> None:
    tiny = MinimalServer()
    found = await probe(lambda asked: answer if asked.method == "OPTIONS" else tiny(asked))
    assert found.accepts("creation")


async def test_a_tus_server_that_never_sends_its_version_is_judged() -> None:
    tiny = MinimalServer()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "OPTIONS":
            return ScriptedResponse(200, version=False)
        found = tiny(asked)
        assert isinstance(found, ScriptedResponse)
        return ScriptedResponse(found.status, found.headers, found.body, version=False)

    assert (await probe(answer)).accepts("creation")


async def test_a_tus_server_that_requires_metadata_and_has_no_options_is_judged() -> None:
    tiny = MinimalServer()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "OPTIONS":
            return ScriptedResponse(404, version=False)
        if asked.method == "POST" and not asked.header("Upload-Metadata"):
            return ScriptedResponse(400, version=False)
        return tiny(asked)

    await probe(answer)


async def test_a_server_without_creation_is_judged_where_a_command_creates() -> None:
    profile = Profile(commands=Commands(upload="make-upload"))
    with pytest.raises(TargetUnreachable, match="POST got 404"):
        await probe(plain(404))
    found = await probe(plain(404), profile=profile)
    assert found.capabilities["creation"].observed == "refused"


@pytest.mark.parametrize(
    "wrong", ["/", "/nope/", "/files", "/files/abc123", "/files/x/?y=1", "/a/b"]
)
@pytest.mark.parametrize("everywhere", [True, False], ids=["options-everywhere", "options-there"])
async def test_a_tus_server_at_another_path_is_named(wrong: str, everywhere: bool) -> None:
    tiny = MinimalServer()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        path = asked.target.partition("?")[0]
        here = path == "/files/" or (asked.method != "POST" and path.startswith("/files/"))
        if here or (everywhere and asked.method == "OPTIONS"):
            return tiny(asked)
        return ScriptedResponse(404, version=everywhere)

    with pytest.raises(TargetUnreachable, match=r"http://tus\.test/files/"):
        await probe(answer, f"http://tus.test{wrong}")


async def test_a_tus_server_that_refuses_every_creation_is_judged() -> None:
    tiny = MinimalServer()
    refuse = ScriptedResponse(404)
    await probe(lambda asked: refuse if asked.method == "POST" else tiny(asked))
