"""A recording tells what a client did, holds nothing of the user's, and can be told again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from exploring import session_on
from miniatures import nothing_wrong

from tus_conformance.proxying import Passing, Recording
from tus_conformance.telling.replay import replay
from tus_scenarios import Scenario
from tus_scenarios.lint import ensure_sound
from tus_scenarios.reader import read

SECRETS = (("Authorization", "Bearer top-secret"), ("Cookie", "id=top-secret"))
METADATA = "filename dG9wLXNlY3JldA==,private dG9wLXNlY3JldA==,top-secret"


def request(
    method: str,
    target: str,
    status: int | None,
    *,
    came: int = 0,
    length: int | None = None,
    broke: str = "",
    answer: dict[str, str] | None = None,
    **headers: Any,
) -> Passing:
    """Return a request that has passed; its headers are named with underscores."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    passing = Passing(1, method, target, (*SECRETS, *named), length=length, came=came)
    passing.status, passing.answer = status, tuple((answer or {}).items())
    passing.broke = "rst" if broke == "rst" else "fin" if broke else ""
    passing.whole = not broke or came == length
    return passing


def recorded(*passed: Passing) -> str:
    """Return the scenario file of a session."""
    recording = Recording("/files/")
    for each in passed:
        recording.began(each)
    text = recording.written()
    assert text is not None
    return text


def created(name: str, length: int, **headers: Any) -> Passing:
    """Return a creation."""
    place = {"Location": f"/files/{name}"}
    return request("POST", "/files/", 201, answer=place, Upload_Length=str(length), **headers)


def patched(name: str, offset: int, came: int, **more: Any) -> Passing:
    """Return a PATCH that was stored."""
    told = {"Upload-Offset": str(offset + came)}
    return request(
        "PATCH",
        f"/files/{name}",
        204,
        came=came,
        length=came,
        answer=told,
        Upload_Offset=str(offset),
        **more,
    )


def cut(name: str, offset: int, came: int, length: int, broke: str = "rst") -> Passing:
    """Return a PATCH whose client went away."""
    return request(
        "PATCH",
        f"/files/{name}",
        None,
        came=came,
        length=length,
        broke=broke,
        Upload_Offset=str(offset),
    )


def looked(name: str, offset: int) -> Passing:
    """Return a HEAD."""
    return request("HEAD", f"/files/{name}", 200, answer={"Upload-Offset": str(offset)})


SESSIONS = [
    pytest.param(
        [created("x", 300, Upload_Metadata=METADATA), patched("x", 0, 100), patched("x", 100, 200)],
        id="chunks",
    ),
    pytest.param(
        [created("x", 300), cut("x", 0, 120, 300), looked("x", 120), patched("x", 120, 180)],
        id="resumed after a cut",
    ),
    pytest.param(
        [
            created("x", 300),
            cut("x", 0, 120, 300),
            looked("x", 64),
            request("PATCH", "/files/x", 409, came=5, length=236, Upload_Offset="64"),
            looked("x", 120),
            patched("x", 120, 180),
        ],
        id="a race with what broke off",
    ),
    pytest.param(
        [
            created("p", 5, Upload_Concat="partial"),
            created("q", 6, Upload_Concat="partial"),
            patched("q", 0, 6),
            patched("p", 0, 5),
            request(
                "POST",
                "/files/",
                201,
                answer={"Location": "http://host/files/f"},
                Upload_Concat="final;http://host/files/p /files/q",
            ),
        ],
        id="parallel parts",
    ),
    pytest.param(
        [
            request(
                "POST", "/files/", 201, answer={"Location": "/files/d"}, Upload_Defer_Length="1"
            ),
            patched("d", 0, 100),
            patched("d", 100, 50, Upload_Length="150"),
        ],
        id="a deferred length",
    ),
    pytest.param(
        [
            request(
                "POST",
                "/files/",
                201,
                came=40,
                length=40,
                answer={"Location": "/files/c", "Upload-Offset": "40"},
                Upload_Length="100",
            ),
            patched("c", 40, 60, Upload_Checksum="sha1 dG9wLXNlY3JldA=="),
        ],
        id="bytes with the creation, and a checksum",
    ),
    pytest.param(
        [
            created("x", 10),
            request("DELETE", "/files/x", 204),
            request("HEAD", "/files/x", 404),
        ],
        id="deleted",
    ),
    pytest.param(
        [
            created("x", 10),
            patched("x", 0, 10),
            request("PATCH", "/elsewhere", 404),
            looked("x", 10),
        ],
        id="something else in between",
    ),
]


def scenario(passed: Sequence[Passing]) -> Scenario:
    """Return a session as the engine reads it."""
    found = read(recorded(*passed), "the recording")
    ensure_sound(found)
    return found[0]


@pytest.mark.parametrize("passed", SESSIONS)
async def test_a_server_that_conforms_passes_what_was_recorded(passed: list[Passing]) -> None:
    async with session_on(nothing_wrong) as session:
        attempt = await replay(scenario(passed), session)
    assert attempt.verdict == "pass", attempt


@pytest.mark.parametrize("passed", SESSIONS)
def test_nothing_of_the_users_is_in_the_file(passed: list[Passing]) -> None:
    text = recorded(*passed)
    for secret in ("secret", "dG9wLXNlY3JldA==", "private", "Authorization", "Cookie", "/files/"):
        assert secret not in text


def test_a_cut_is_told_with_its_place_and_its_manner() -> None:
    steps = scenario([created("x", 300), cut("x", 0, 120, 300)]).steps
    assert steps[1].patch is not None
    assert [(fault.at, fault.cut) for fault in steps[1].patch.faults] == [(120, "rst")]
    whole = scenario([created("x", 300), cut("x", 0, 300, 300)]).steps[1].patch
    assert whole is not None
    assert [fault.lose for fault in whole.faults] == ["reply"]


def test_what_the_server_refused_in_the_middle_is_told_as_a_cut_there() -> None:
    refused = cut("x", 0, 120, 300)
    refused.status, refused.broke = 400, ""
    steps = scenario([created("x", 300), refused, looked("x", 120), patched("x", 120, 180)]).steps
    assert steps[1].patch is not None
    assert [(fault.at, fault.cut) for fault in steps[1].patch.faults] == [(120, "fin")]
    assert steps[2].within > 0


def test_without_an_upload_there_is_nothing_to_write() -> None:
    recording = Recording("/files/")
    recording.began(request("OPTIONS", "/files/", 204))
    assert recording.written() is None


def test_what_is_left_out_is_said() -> None:
    recording = Recording("/files/")
    for passing in (created("x", 0), request("GET", "/favicon.ico", 404)):
        recording.began(passing)
    assert recording.written()
    assert recording.remarks == [
        "Left out, since they are about no upload that was made here: 1 requests."
    ]
