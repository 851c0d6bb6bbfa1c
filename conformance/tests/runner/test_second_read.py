"""`execution.second_read`: what a server loses later than a scenario lasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from memory_run import RunLines, run_suite_in_memory
from reference_in_memory import serve_reference

from tus_conformance.execution.second_read import REQUIREMENT, SECOND_READ
from tus_conformance.state.content import GeneratedContent
from tus_conformance.state.kept_uploads import MAX_KEPT, KeptUploads
from tus_conformance.state.upload import UploadState
from tus_conformance.targets.profile import Commands, Profile
from tus_defects.call import Call
from tus_defects.message_edits import set_header
from tus_defects.rule import Match
from tus_defects.variant import Change
from tus_reference.model import Response

IMPATIENT = Profile(download_delay=0.01)
Act = Callable[[Call], Awaitable[Response]]


async def run_against(act: Act, profile: Profile = IMPATIENT) -> RunLines:
    """Run a few scenarios against the reference with a change."""
    return await run_suite_in_memory(
        serve=serve_reference(Change(Match(), act)),
        only=("core.patch.*",),
        profile=profile,
    )


def lose_later(method: str, status: int) -> Act:
    """Return a server that loses a complete upload once it was read."""
    seen: Counter[tuple[str, str]] = Counter()

    async def act(call: Call) -> Response:
        response = await call.respond()
        seen[call.method, call.upload_id] += 1
        complete = seen["GET", call.upload_id] >= 1
        if call.method != method or not complete or response.status >= 300:
            return response
        if method == "GET" and seen["GET", call.upload_id] < 2:
            return response
        return Response(status=status)

    return act


async def as_it_is(call: Call) -> Response:
    """Respond as the server does."""
    return await call.respond()


async def test_uploads_that_stay_are_read_again_and_removed() -> None:
    run = await run_against(as_it_is)
    result = run.scenarios[SECOND_READ]
    assert (result.verdict, run.footer.remaining_uploads) == ("pass", ())
    reads = [each.method for each in result.attempts[0].exchanges]
    assert reads.count("GET") == reads.count("HEAD") > 3


@pytest.mark.parametrize(
    ("act", "verdict", "words"),
    [
        (lose_later("GET", 404), "fail", "GET got 404"),
        (lose_later("GET", 500), "fail", "GET got 500"),
        (lose_later("HEAD", 404), "warn", "HEAD got 404"),
        (lose_later("GET", 403), "pass", ""),
    ],
    ids=["GET 404", "GET 500", "HEAD alone", "not allowed"],
)
async def test_what_is_lost_later_is_a_failure(act: Act, verdict: str, words: str) -> None:
    run = await run_against(act)
    result = run.scenarios[SECOND_READ]
    assert result.verdict == verdict
    if words:
        check = next(each for each in result.attempts[0].checks if each.grade == verdict)
        assert check.requirement == REQUIREMENT
        assert check.actual.startswith("upload of core.patch.")
        assert check.actual.endswith(words)
        assert "at the end of the run" in check.actual


async def test_an_offset_that_is_smaller_later_is_a_failure() -> None:
    seen: set[str] = set()

    async def act(call: Call) -> Response:
        response = await call.respond()
        if call.method == "GET":
            seen.add(call.upload_id)
        forget = call.method == "HEAD" and call.upload_id in seen
        return set_header(response, "Upload-Offset", "0") if forget else response

    run = await run_against(act)
    assert run.scenarios[SECOND_READ].verdict == "fail"


async def test_everything_is_read_again_after_the_settle_command() -> None:
    settled: list[str] = []

    async def act(call: Call) -> Response:
        return Response(status=404) if settled and call.method == "GET" else await call.respond()

    async def run_program(command: str, **_: str) -> bytes:
        settled.append(command)
        return b""

    run = await run_suite_in_memory(
        serve=serve_reference(Change(Match(), act)),
        only=("core.patch.*",),
        profile=Profile(download_delay=0.01, commands=Commands(settle="vacuum")),
        run_program=run_program,
    )
    result = run.scenarios[SECOND_READ]
    failed = [check.actual for check in result.attempts[0].checks if check.grade == "fail"]
    assert set(settled) == {"vacuum"}
    assert failed
    assert all("after the `settle` command" in actual for actual in failed)


async def test_what_the_maintainer_does_not_promise_is_not_read_again() -> None:
    run = await run_against(lose_later("GET", 404), Profile(retention=0.000001))
    assert run.scenarios[SECOND_READ].verdict == "not-applicable"


def test_the_sample_has_a_stated_size_and_may_be_everything() -> None:
    def upload(number: int, length: int = 10) -> UploadState:
        name = str(number)
        found = UploadState(name, f"/{name}", GeneratedContent(name), length)
        found.found_intact = True
        return found

    sample, everything = KeptUploads(), KeptUploads(everything=True)
    for number in range(1000):
        sample.offer("a", [upload(number)])
        everything.offer("a", [upload(number)])
    assert (len(sample.uploads), len(everything.uploads)) == (MAX_KEPT["ordinary"], 1000)
    large = KeptUploads()
    assert [bool(large.offer("a", [upload(at, 2**25)])) for at in range(3)] == [True, True, False]


def test_a_final_upload_stays_with_its_parts_and_not_without_them() -> None:
    part = UploadState("a", "/a", GeneratedContent("a"), 5)
    final = UploadState("f", "/f", GeneratedContent("f"), 5, parts=(part,), found_intact=True)
    assert KeptUploads().offer("a", [final]) == {"/f", "/a"}
    part.was_deleted = True
    assert KeptUploads().offer("a", [final]) == set()
