"""`proxy.session_recording`: a recording replays a session without any user data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from reference_in_memory import open_session

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.proxy import ProxiedRequest, SessionRecording
from tus_scenarios import Scenario
from tus_scenarios.lint import ensure_valid
from tus_scenarios.reader import parse_scenarios

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
) -> ProxiedRequest:
    """Return a request that has passed; its headers are named with underscores."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    passing = ProxiedRequest(1, method, target, (*SECRETS, *named), length=length, received=came)
    passing.status, passing.response_headers = status, tuple((answer or {}).items())
    passing.closed_by_client = "rst" if broke == "rst" else "fin" if broke else ""
    passing.complete = not broke or came == length
    return passing


def record_scenario(*passed: ProxiedRequest) -> str:
    """Return the scenario file of a session."""
    recording = SessionRecording("/files/")
    for each in passed:
        recording.add(each)
    text = recording.format_scenario_file()
    assert text is not None
    return text


def creation(name: str, length: int, **headers: Any) -> ProxiedRequest:
    """Return a creation."""
    place = {"Location": f"/files/{name}"}
    return request("POST", "/files/", 201, answer=place, Upload_Length=str(length), **headers)


def stored_patch(name: str, offset: int, came: int, **more: Any) -> ProxiedRequest:
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


def cut_patch(name: str, offset: int, came: int, length: int, broke: str = "rst") -> ProxiedRequest:
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


def head_of(name: str, offset: int) -> ProxiedRequest:
    """Return a HEAD."""
    return request("HEAD", f"/files/{name}", 200, answer={"Upload-Offset": str(offset)})


SESSIONS = [
    pytest.param(
        [
            creation("x", 300, Upload_Metadata=METADATA),
            stored_patch("x", 0, 100),
            stored_patch("x", 100, 200),
        ],
        id="chunks",
    ),
    pytest.param(
        [
            creation("x", 300),
            cut_patch("x", 0, 120, 300),
            head_of("x", 120),
            stored_patch("x", 120, 180),
        ],
        id="resumed after a cut",
    ),
    pytest.param(
        [
            creation("x", 300),
            cut_patch("x", 0, 120, 300),
            head_of("x", 64),
            request("PATCH", "/files/x", 409, came=5, length=236, Upload_Offset="64"),
            head_of("x", 120),
            stored_patch("x", 120, 180),
        ],
        id="a race with what broke off",
    ),
    pytest.param(
        [
            creation("p", 5, Upload_Concat="partial"),
            creation("q", 6, Upload_Concat="partial"),
            stored_patch("q", 0, 6),
            stored_patch("p", 0, 5),
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
            stored_patch("d", 0, 100),
            stored_patch("d", 100, 50, Upload_Length="150"),
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
            stored_patch("c", 40, 60, Upload_Checksum="sha1 dG9wLXNlY3JldA=="),
        ],
        id="bytes with the creation, and a checksum",
    ),
    pytest.param(
        [
            creation("x", 10),
            request("DELETE", "/files/x", 204),
            request("HEAD", "/files/x", 404),
        ],
        id="deleted",
    ),
    pytest.param(
        [
            creation("x", 10),
            stored_patch("x", 0, 10),
            request("PATCH", "/elsewhere", 404),
            head_of("x", 10),
        ],
        id="something else in between",
    ),
]


def scenario(passed: Sequence[ProxiedRequest]) -> Scenario:
    """Return a session as the engine reads it."""
    found = parse_scenarios(record_scenario(*passed), "the recording")
    ensure_valid(found)
    return found[0]


@pytest.mark.parametrize("passed", SESSIONS)
async def test_a_server_that_conforms_passes_what_was_recorded(
    passed: list[ProxiedRequest],
) -> None:
    async with open_session() as session:
        attempt = await execute_scenario(scenario(passed), session)
    assert attempt.verdict == "pass", attempt


@pytest.mark.parametrize("passed", SESSIONS)
def test_nothing_of_the_users_is_in_the_file(passed: list[ProxiedRequest]) -> None:
    text = record_scenario(*passed)
    for secret in ("secret", "dG9wLXNlY3JldA==", "private", "Authorization", "Cookie", "/files/"):
        assert secret not in text


def test_a_cut_is_recorded_with_its_position_and_kind() -> None:
    steps = scenario([creation("x", 300), cut_patch("x", 0, 120, 300)]).steps
    assert steps[1].patch is not None
    assert [(fault.at, fault.cut) for fault in steps[1].patch.faults] == [(120, "rst")]
    whole = scenario([creation("x", 300), cut_patch("x", 0, 300, 300)]).steps[1].patch
    assert whole is not None
    assert [fault.lose for fault in whole.faults] == ["reply"]


def test_a_refusal_amid_a_body_is_recorded_as_a_cut_there() -> None:
    refused = cut_patch("x", 0, 120, 300)
    refused.status, refused.closed_by_client = 400, ""
    steps = scenario(
        [creation("x", 300), refused, head_of("x", 120), stored_patch("x", 120, 180)]
    ).steps
    assert steps[1].patch is not None
    assert [(fault.at, fault.cut) for fault in steps[1].patch.faults] == [(120, "fin")]
    assert steps[2].within > 0


def test_without_an_upload_there_is_nothing_to_write() -> None:
    recording = SessionRecording("/files/")
    recording.add(request("OPTIONS", "/files/", 204))
    assert recording.format_scenario_file() is None


def test_what_is_left_out_is_reported() -> None:
    recording = SessionRecording("/files/")
    for passing in (creation("x", 0), request("GET", "/favicon.ico", 404)):
        recording.add(passing)
    assert recording.format_scenario_file()
    assert recording.notes == [
        "Left out, because their uploads were not created in this session: 1 requests."
    ]
