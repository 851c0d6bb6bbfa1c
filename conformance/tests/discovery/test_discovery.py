"""`discovery.discovery`: what a server lists compared with what the probes saw."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import httpcore
import pytest
from minimal_server import DISCOVERY_CREATIONS, EVERYTHING, MinimalServer
from scripted_server import (
    URL,
    AnswerFunction,
    CloseWithoutReply,
    KeepOpen,
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    serve_answers,
)

from tus_conformance.discovery.discovery import (
    DiscoveryResult,
    discover,
    unknown_upload_url,
)
from tus_conformance.discovery.prober import SAMPLE, TargetUnreachable
from tus_conformance.targets.profile import Profile
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import memory_network
from tus_scenarios import EXTENSIONS


async def found(answering: AnswerFunction, profile: Profile | None = None) -> DiscoveryResult:
    """Discover a server in memory."""
    async with memory_network(serve_answers(answering)) as backend:
        target = Target(URL, profile or Profile())
        return await discover(target, Http1Transport(backend=backend, timeout=1.0))


def observed(discovered: DiscoveryResult, *outcomes: str) -> set[str]:
    """Return the capabilities that came out so."""
    return {name for name, seen in discovered.capabilities.items() if seen.observed in outcomes}


async def test_a_server_that_does_everything_is_seen_to_do_it() -> None:
    server = MinimalServer()
    discovered = await found(server)
    assert server.made == DISCOVERY_CREATIONS
    assert observed(discovered, "accepted") == EVERYTHING
    assert set(discovered.extensions) == set(EXTENSIONS)
    assert discovered.versions == ("1.0.0",)
    assert all(discovered.advertises(name) for name in EXTENSIONS)
    assert all(seen.reason for seen in discovered.capabilities.values())


async def test_an_unanswering_server_is_not_reported_to_refuse_what_was_not_tried() -> None:
    discovered = await found(MinimalServer(able=frozenset()))
    assert observed(discovered, "accepted") == set()
    refused = observed(discovered, "refused")
    assert refused >= {"creation"}
    tried = {"creation", "creation-with-upload", "creation-defer-length", "concatenation"}
    assert refused <= tried | {"concatenation-unfinished"}
    assert discovered.capabilities["termination"].observed == "unknown"


@pytest.mark.parametrize("name", sorted(EVERYTHING - {"creation"}))
async def test_each_ability_is_seen_accepted_and_refused_by_itself(name: str) -> None:
    implied = {"concatenation-unfinished"} if name == "concatenation" else set()
    # A trailer needs a chunked body; without any, nothing is known of trailers.
    needed = {"chunked-bodies": {"checksum-trailer"}, "creation-defer-length": {"deferred-bytes"}}
    untried = needed.get(name, set())
    discovered = await found(MinimalServer(able=EVERYTHING - {name} - implied))
    assert observed(discovered, "refused") == {name} | implied
    assert observed(discovered, "accepted") == EVERYTHING - {name} - implied - untried


@pytest.mark.parametrize("name", EXTENSIONS)
async def test_what_is_listed_and_what_is_seen_are_kept_apart(name: str) -> None:
    able = EVERYTHING - {name}
    boastful = await found(MinimalServer(able=able, lists=frozenset({name})))
    assert boastful.advertises(name)
    assert not boastful.accepts(name)
    modest = await found(MinimalServer(lists=frozenset()))
    assert not modest.advertises(name)
    assert modest.accepts(name)


def failing(method: str, answer: ScriptedAnswer) -> Callable[[], AnswerFunction]:
    """Return a server that does everything, but answers one method so."""

    def make() -> AnswerFunction:
        tiny = MinimalServer()

        def answering(asked: ReceivedRequest) -> ScriptedAnswer:
            return answer if asked.method == method else tiny(asked)

        return answering

    return make


BROKEN: list[tuple[Callable[[], AnswerFunction], set[str], str]] = [
    (failing("POST", ScriptedResponse(500)), set(EVERYTHING), "creations fail"),
    (failing("POST", ScriptedResponse(503)), set(EVERYTHING), "creations fail for now"),
    (failing("POST", CloseWithoutReply()), set(EVERYTHING), "creations get no answer"),
    (failing("POST", KeepOpen()), set(EVERYTHING), "creations are not answered in time"),
    (failing("DELETE", ScriptedResponse(500)), {"termination"}, "a deletion fails"),
    (failing("DELETE", CloseWithoutReply()), {"termination"}, "a deletion gets no answer"),
    (
        failing("DELETE", ScriptedResponse(204)),
        {"termination"},
        "a deletion is acknowledged and not done",
    ),
    (failing("GET", CloseWithoutReply()), {"download"}, "a download gets no answer"),
    (failing("GET", ScriptedResponse(500)), {"download"}, "a download fails"),
    (
        failing("PATCH", CloseWithoutReply()),
        {"checksum", "checksum-trailer", "download"},
        "a PATCH gets no answer",
    ),
]


@pytest.mark.parametrize(
    ("make", "names"), [pytest.param(*case[:2], id=case[2]) for case in BROKEN]
)
async def test_a_failure_is_never_taken_for_a_refusal(
    make: Callable[[], AnswerFunction], names: set[str]
) -> None:
    discovered = await found(make())
    assert {name: discovered.capabilities[name].observed for name in names} == dict.fromkeys(
        names, "unknown"
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 411, 415, 501])
async def test_a_refusal_is_a_4xx_or_501(status: int) -> None:
    discovered = await found(failing("DELETE", ScriptedResponse(status))())
    assert discovered.capabilities["termination"].observed == "refused"
    assert str(status) in discovered.capabilities["termination"].reason


DOWNLOADS: list[tuple[bytes, str, str]] = [
    (SAMPLE, "accepted", "the very bytes"),
    (bytes([SAMPLE[0] ^ 1]) + SAMPLE[1:], "accepted", "a byte of them wrong"),
    (SAMPLE[:-1], "accepted", "the last byte missing"),
    (SAMPLE[1:], "accepted", "the first byte missing"),
    (bytes(len(SAMPLE)), "accepted", "as many bytes, all of them wrong"),
    (b"<html>Your upload is complete.</html>", "refused", "a page"),
    (b"", "refused", "nothing"),
]


@pytest.mark.parametrize(
    ("body", "outcome"), [pytest.param(*case[:2], id=case[2]) for case in DOWNLOADS]
)
async def test_a_download_is_one_even_if_its_bytes_are_wrong(body: bytes, outcome: str) -> None:
    discovered = await found(failing("GET", ScriptedResponse(200, body=body))())
    assert discovered.capabilities["download"].observed == outcome
    assert ("other bytes" in discovered.capabilities["download"].reason) is (
        outcome == "accepted" and body != SAMPLE
    )


def forgetting(*complete: str) -> AnswerFunction:
    """Return a server on which HEAD does not find these uploads once they are complete."""
    tiny = MinimalServer()

    def answering(asked: ReceivedRequest) -> ScriptedAnswer:
        name = asked.target.rpartition("/")[2]
        upload = tiny.uploads.get(name)
        whole = upload is not None and len(upload.data) == upload.length == len(SAMPLE)
        order = [name for name, each in tiny.uploads.items() if each.length == len(SAMPLE)]
        gone = asked.method == "HEAD" and whole and str(order.index(name) + 1) in complete
        return ScriptedResponse(404) if gone else tiny(asked)

    return answering


@pytest.mark.parametrize(
    ("complete", "outcome"),
    [((), "accepted"), (("1",), "refused"), (("2",), "refused"), (("1", "2"), "refused")],
)
async def test_a_complete_upload_is_looked_for_twice(
    complete: tuple[str, ...], outcome: str
) -> None:
    """One that is found may only not have been forgotten yet."""
    seen = (await found(forgetting(*complete))).capabilities["complete-uploads"]
    assert seen.observed == outcome


async def test_where_one_upload_cannot_be_finished_another_is_tried() -> None:
    tiny = forgetting("1", "2")
    spoilt: list[ReceivedRequest] = []

    def answering(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "PATCH" and len(asked.body) > 60 and not spoilt:
            spoilt.append(asked)
            return ScriptedResponse(500)
        return tiny(asked)

    assert (await found(answering)).capabilities["complete-uploads"].observed == "refused"


async def test_who_takes_no_chunks_is_not_thought_to_verify_trailers() -> None:
    """A wrong checksum counts as refused only where the right one is taken."""
    tiny = MinimalServer(able=EVERYTHING - {"checksum-trailer"})

    def answering(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(400) if asked.header("Transfer-Encoding") else tiny(asked)

    seen = (await found(answering)).capabilities["checksum-trailer"]
    assert seen.observed == "refused"
    assert "the right one got 400" in seen.reason


class UnreachableBackend(httpcore.AsyncNetworkBackend):
    """A network in which nobody listens."""

    async def connect_tcp(self, *place: object, **more: object) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("refused")


async def test_a_server_that_is_not_there_is_unreachable_in_a_sentence() -> None:
    with pytest.raises(TargetUnreachable, match=r"No connection to .*: check that the server runs"):
        await discover(Target(URL), Http1Transport(backend=UnreachableBackend()))


async def test_a_server_without_options_is_there_all_the_same() -> None:
    discovered = await found(failing("OPTIONS", ScriptedResponse(405))())
    assert discovered.extensions == ()
    assert observed(discovered, "accepted") == EVERYTHING


LISTS: list[tuple[dict[str, str], DiscoveryResult, str]] = [
    (
        {"Tus-Max-Size": "5", "Tus-Extension": "a, b ,c", "Tus-Checksum-Algorithm": "sha1,md5"},
        DiscoveryResult(max_size=5, extensions=("a", "b", "c"), algorithms=("sha1", "md5")),
        "lists with space around their commas",
    ),
    ({"Tus-Extension": ""}, DiscoveryResult(), "an empty list names nothing"),
    (
        {"Tus-Extension": "a,,b,"},
        DiscoveryResult(extensions=("a", "b")),
        "nor does an empty member",
    ),
    ({"Tus-Max-Size": "huge"}, DiscoveryResult(), "a size that is no number is none"),
    ({"Tus-Max-Size": "0"}, DiscoveryResult(max_size=0), "0 is a size"),
]


@pytest.mark.parametrize(
    ("headers", "expected"), [pytest.param(*case[:2], id=case[2]) for case in LISTS]
)
async def test_what_options_lists_is_read_as_lists(
    headers: dict[str, str], expected: DiscoveryResult
) -> None:
    seen = await found(failing("OPTIONS", ScriptedResponse(200, headers))())
    assert (seen.max_size, seen.extensions, seen.algorithms) == (
        expected.max_size,
        expected.extensions,
        expected.algorithms,
    )


async def test_the_probes_leave_nothing_behind() -> None:
    tiny = MinimalServer()
    await found(tiny)
    assert tiny.uploads == {}


async def test_every_creation_of_a_probe_has_the_metadata_of_the_profile() -> None:
    tiny = MinimalServer()
    posts: list[str | None] = []

    def answering(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method == "POST" and asked.header("X-HTTP-Method-Override") is None:
            posts.append(asked.header("Upload-Metadata"))
        return tiny(asked)

    await found(answering, Profile(metadata="k dg=="))
    assert len(posts) > 5
    assert set(posts) == {"k dg=="}


async def test_the_url_of_an_upload_that_never_was_is_shaped_like_one_that_is() -> None:
    discovered = await found(MinimalServer())
    assert discovered.unknown_url.startswith(URL)
    assert discovered.unknown_url != URL + "1"


UNKNOWN: list[tuple[str, bool, str, str]] = [
    (URL, False, "/files/[0-9a-f]{32}", "where nothing was created"),
    (URL + "24e533e", True, "/files/[0-9]{2}[a-f][0-9]{3}[a-f]", "hexadecimal stays hexadecimal"),
    (URL + "a1?sig=1", True, r"/files/[a-f][0-9]\?sig=1", "a query stays"),
    (URL + "xyz", True, "/files/.*", "letters beyond f must change, too"),
    (URL + "-", True, "/files/.*", "and so must what has no letters"),
    (URL + "1", True, "/files/[0-9]{15,}", "a counter will not come so far"),
]


@pytest.mark.parametrize(
    ("url", "created", "shape"), [pytest.param(*case[:3], id=case[3]) for case in UNKNOWN]
)
def test_an_unknown_url_differs_from_the_known_one(url: str, created: bool, shape: str) -> None:
    other = unknown_upload_url(url, created=created)
    assert other != url
    assert re.fullmatch(f"http://tus.test{shape}", other)


def ignoring(header: str, instead: dict[str, str] | None = None) -> AnswerFunction:
    """Return a server that takes a creation with a header as if that were not there."""
    server = MinimalServer()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        if asked.method != "POST" or asked.header(header) is None:
            return server(asked)
        kept = [each for each in asked.headers if each[0].lower() != header.lower()]
        length = [] if asked.header("Upload-Length") else [*(instead or {}).items()]
        return server(replace(asked, headers=(*kept, *length)))

    return answer


IGNORED = [
    (ignoring("Upload-Defer-Length", {"Upload-Length": "0"}), "creation-defer-length"),
    (ignoring("Upload-Concat", {"Upload-Length": "0"}), "concatenation"),
]


@pytest.mark.parametrize(("server", "name"), IGNORED, ids=[each[1] for each in IGNORED])
async def test_a_201_alone_is_no_sign_of_an_extension(server: AnswerFunction, name: str) -> None:
    discovered = await found(server)
    assert discovered.capabilities[name].observed == "refused"


async def test_a_length_that_can_be_declared_later_is_seen_without_upload_defer_length() -> None:
    """That HEAD lacks the header is a violation of a requirement, not a lack of the extension."""
    server = MinimalServer()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        told = server(asked)
        assert isinstance(told, ScriptedResponse)
        kept = {name: value for name, value in told.headers.items() if "Defer" not in name}
        return replace(told, headers=kept)

    seen = (await found(answer)).capabilities["creation-defer-length"]
    assert seen.observed == "accepted"
    assert "after a PATCH with Upload-Length: 2" in seen.reason


async def test_an_early_final_upload_that_is_an_empty_upload_is_no_concatenation() -> None:
    """It got 201, but what was created does not become the joined file."""
    server = MinimalServer()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        if not (asked.header("Upload-Concat") or "").startswith("final"):
            return server(asked)
        kept = [each for each in asked.headers if each[0].lower() != "upload-concat"]
        return server(replace(asked, headers=(*kept, ("Upload-Length", "0"))))

    seen = (await found(answer)).capabilities["concatenation-unfinished"]
    assert seen.observed == "refused"


async def test_a_right_checksum_that_is_a_mismatch_is_a_broken_extension_and_not_none() -> None:
    server = MinimalServer()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(460) if asked.header("Upload-Checksum") else server(asked)

    seen = (await found(answer)).capabilities["checksum"]
    assert seen.observed == "accepted"
    assert seen.reason.endswith("the right one got 460, too.")
