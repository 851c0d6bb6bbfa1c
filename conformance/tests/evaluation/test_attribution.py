"""What a server does wrong is charged to the requirement that it breaks, and to no other."""

from __future__ import annotations

import base64
from contextlib import suppress

import pytest
from defect_servers import (
    AnswerRequest,
    DefectServer,
    ReferenceInMemory,
    header_value_of,
    request_header_value,
    with_header,
    with_request_headers,
)
from memory_run import run_suite_in_memory
from minimal_server import EVERYTHING, UNLISTED, StrictMinimalServer

from tus_conformance.targets.profile import Profile
from tus_reference.model import Refused, Request, Response

LISTED = EVERYTHING - UNLISTED


async def test_a_final_refused_over_unfinished_parts_breaks_what_the_list_promises() -> None:
    """The creation of uploads is in order; that finals may come early is listed, and not so."""
    server = StrictMinimalServer(able=EVERYTHING - {"concatenation-unfinished"}, lists=LISTED)
    found = await run_suite_in_memory(
        server, only=("*concatenation-unfinished.*", "creation.post.201")
    )
    charged = {row for row in found.failed_requirements() if not row.startswith("core.")}
    assert charged == {"concatenation-unfinished.advertise"}
    blocked = found.scenarios["interruption.concatenation-unfinished.cut/half"]
    assert blocked.verdict == "blocked"
    assert "(concatenation-unfinished.advertise)" in blocked.reason


async def refuse_version_with_400(right: ReferenceInMemory, request: Request) -> Response:
    """What a server refuses for its version it refuses with 400."""
    answer = await right.handle(request)
    return Response(400, answer.headers) if answer.status == 412 else answer


async def test_a_row_that_waits_for_an_answer_that_never_came_says_which_came_instead() -> None:
    server = DefectServer("otherwise", refuse_version_with_400, set(), set(), set(), ())
    found = await run_suite_in_memory(
        serve=server.serve, only=("core.tus-resumable.unsupported.*",)
    )
    row = found.requirements["core.tus-resumable.unsupported-tus-version"]
    assert row.verdict == "blocked"
    assert row.reason == "It was not reached: status 400, Tus-Version: 1.0.0 came instead."


async def require_tenant(right: ReferenceInMemory, request: Request) -> Response:
    """A creation needs to name a tenant in its metadata."""
    named = "tenant " in (request_header_value(request, "Upload-Metadata") or "")
    if request.method != "POST" or named:
        return await right.handle(request)
    return Response(403, (("Tus-Resumable", "1.0.0"),))


async def test_metadata_that_a_server_requires_goes_along_with_that_of_a_scenario() -> None:
    """What the profile names is the server's right to ask for, and no scenario leaves it out."""
    server = DefectServer("tenant", require_tenant, set(), set(), set(), ())
    profile = Profile(metadata="tenant YWNtZQ==")
    found = await run_suite_in_memory(serve=server.serve, profile=profile, only=("*metadata*",))
    told = {name: each.verdict for name, each in found.scenarios.items() if each.attempts}
    assert {name for name, verdict in told.items() if verdict in {"pass", "note"}} == {
        name for name, verdict in told.items() if verdict != "not-applicable"
    }
    assert len([name for name in told if name.startswith("creation.metadata.")]) > 30


@pytest.mark.parametrize(("known", "verdict"), [(None, "warn"), (3600.0, "fail")])
async def test_a_list_without_a_date_is_a_fail_where_uploads_are_known_to_expire(
    known: float | None, verdict: str
) -> None:
    """Only the profile can say that the date is owed; else nothing may be going to expire."""
    server = StrictMinimalServer(able=EVERYTHING - {"expiration"}, lists=LISTED)
    dates = ("expiration.patch-header*", "expiration.post-header", "expiration.completing")
    found = await run_suite_in_memory(server, profile=Profile(expiration=known), only=dates)
    assert found.requirements["expiration.patch-header"].verdict == verdict
    assert found.requirements["expiration.post-header"].verdict == "warn"


async def forget_complete_uploads(right: ReferenceInMemory, request: Request) -> Response:
    """Of a complete upload nothing is known any more but its bytes."""
    if request.method in {"POST", "OPTIONS", "GET"}:
        return await right.handle(request)
    try:
        info = await right.store.get_info(request.path.rpartition("/")[2])
    except Refused:
        return await right.handle(request)
    gone = Response(404, (("Tus-Resumable", "1.0.0"),))
    return gone if info.is_complete else await right.handle(request)


async def test_complete_uploads_that_are_forgotten_are_charged_once() -> None:
    """Whatever else is asked of them cannot be told, and says why."""
    server = DefectServer("forgetful", forget_complete_uploads, set(), set(), set(), ())
    told = ("core.head.*", "core.patch.*", "concatenation*", "termination.*")
    more = ("interruption.patch.*", "interruption.race.*", "interruption.concatenation*")
    found = await run_suite_in_memory(serve=server.serve, only=told + more)
    assert found.failed_requirements() == {
        "core.implemented",
        "core.head.upload-offset",
        "concatenation.final.head-offset-equals-length",
    }
    charged = {name for name, told in found.scenarios.items() if told.verdict == "fail"}
    assert charged == {"core.head.upload-offset/all", "concatenation.final"}
    blocked = found.scenarios["interruption.patch.lost-reply/all"]
    assert blocked.verdict == "blocked"
    assert "(core.head.upload-offset)" in blocked.reason
    assert found.requirements["core.patch.offset-mismatch-409"].verdict == "blocked"
    # That the PATCH was refused is a beginning; what it left behind cannot be looked at.
    after = found.scenarios["core.patch.after-complete/some"]
    assert [check.outcome for check in after.attempts[0].checks][-1] == "not-reached"
    assert found.requirements["core.patch.after-complete"].verdict == "blocked"


async def forget_small_complete_uploads(right: ReferenceInMemory, request: Request) -> Response:
    """The last byte of a large upload may not have arrived; a small one is forgotten."""
    upload = request.path.rpartition("/")[2]
    if request.method == "HEAD" and upload:
        with suppress(Refused):
            info = await right.store.get_info(upload)
            if info.size == 200_000 == info.offset:
                said = (("Upload-Offset", "199999"), ("Upload-Length", "200000"))
                return Response(200, (("Tus-Resumable", "1.0.0"), *said))
    return await forget_complete_uploads(right, request)


async def forget_started_uploads(right: ReferenceInMemory, request: Request) -> Response:
    """Beside those that are complete, uploads with a single byte are forgotten."""
    upload = request.path.rpartition("/")[2]
    if request.method in {"HEAD", "PATCH"} and upload:
        with suppress(Refused):
            if (await right.store.get_info(upload)).offset == 1:
                return Response(404, (("Tus-Resumable", "1.0.0"),))
    return await forget_complete_uploads(right, request)


@pytest.mark.parametrize("behaves", [forget_complete_uploads, forget_small_complete_uploads])
async def test_whether_an_upload_was_complete_before_it_was_forgotten_decides_nothing(
    behaves: AnswerRequest,
) -> None:
    """It is chance, and a run comes out as the one before."""
    server = DefectServer("forgetful", behaves, set(), set(), set(), ())
    story = "interruption.patch.cut-fin/last"
    found = await run_suite_in_memory(serve=server.serve, only=(story,))
    assert found.scenarios[story].verdict == "blocked"
    assert "whether this one was complete is chance" in found.scenarios[story].reason


async def test_an_upload_that_was_not_complete_may_not_be_forgotten() -> None:
    server = DefectServer("forgetful", forget_started_uploads, set(), set(), set(), ())
    story = "interruption.patch.cut-fin/first"
    found = await run_suite_in_memory(serve=server.serve, only=(story,))
    assert found.scenarios[story].verdict == "fail"


async def swap_crc32_bytes(right: ReferenceInMemory, request: Request) -> Response:
    """The bytes of a crc32 go the other way round, and whirlpool is listed as well."""
    algorithm, _, digest = (request_header_value(request, "Upload-Checksum") or "").partition(" ")
    if algorithm == "crc32":
        turned = base64.b64encode(base64.b64decode(digest)[::-1]).decode()
        request = with_request_headers(request, Upload_Checksum=f"crc32 {turned}")
    answer = await right.handle(request)
    listed = header_value_of(answer, "Tus-Checksum-Algorithm")
    more = f"{listed},whirlpool"
    return answer if listed is None else with_header(answer, "Tus-Checksum-Algorithm", more)


async def test_every_listed_algorithm_is_tried_or_said_not_to_be() -> None:
    """A crc32 in another order breaks no sentence, but clients; of whirlpool nothing is known."""
    server = DefectServer("sums", swap_crc32_bytes, set(), set(), set(), ())
    found = await run_suite_in_memory(
        serve=server.serve, only=("checksum.crc32", "checksum.untried")
    )
    crc32, untried = found.scenarios["checksum.crc32"], found.scenarios["checksum.untried"]
    assert crc32.verdict == "warn"
    assert [check.explanation for check in crc32.attempts[0].checks if check.grade == "warn"] == [
        "the server does not compute crc32 as IEEE 802.3 with the most significant byte first"
    ] * 2
    assert untried.verdict == "note"
    assert "whirlpool" in untried.attempts[0].checks[0].actual


async def write_offset_in_words(right: ReferenceInMemory, request: Request) -> Response:
    """PATCH tells an offset that is no number."""
    answer = await right.handle(request)
    told = header_value_of(answer, "Upload-Offset") if request.method == "PATCH" else None
    return answer if told is None else with_header(answer, "Upload-Offset", "forty")


@pytest.mark.parametrize("name", ["core.patch.concurrent.at-once", "interruption.race.one-winner"])
async def test_an_offset_that_is_no_number_is_no_failure_of_the_suite(name: str) -> None:
    """It is a failure of the server, and the story goes on to its end."""
    server = DefectServer("words", write_offset_in_words, set(), set(), set(), ())
    found = await run_suite_in_memory(serve=server.serve, only=(name,))
    assert found.scenarios[name].verdict in {"pass", "note"}
    assert found.requirements["core.upload-offset.format"].verdict == "fail"
