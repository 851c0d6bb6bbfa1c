"""`runner.run`: what only a proxy does is blocked, and never charged to the server."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
import trio
from faulty_proxy import FaultyProxy, serve_reference_with_cors
from reference_in_memory import defect, run_inline
from trio.testing import MockClock

from tus_conformance.runner.run import Run
from tus_conformance.runner.run_plan import RunPlan
from tus_conformance.runner.selection import Selection
from tus_conformance.targets.profile import Profile
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import memory_network
from tus_defects import Change
from tus_reports import RecordLine, ScenarioResult
from tus_scenarios import scenarios

WAF_PAGE = b"<html><body>Request rejected. Your support id is %d.</body></html>"
SAMPLE = (
    *("core.options.answer", "core.head.not-found", "core.head.offset-accurate"),
    *("core.patch.success", "core.patch.offset-mismatch/above", "creation.post"),
    *("creation.post.location-form", "termination.completed", "termination.nonexistent"),
)


def run_through(
    fault: dict[str, Any],
    *changes: Change,
    path: str = "/files/",
    only: tuple[str, ...] = SAMPLE,
) -> tuple[dict[str, ScenarioResult], list[str]]:
    """Return the results of a run through a proxy with a fault, and the notices before them."""
    lines: list[RecordLine] = []
    notices: list[str] = []
    selection = Selection(only)
    chosen = [
        each for each in scenarios() if selection.exclusion_reason(each.id, Profile()) is None
    ]

    async def main() -> None:
        proxy = FaultyProxy([serve_reference_with_cors(*changes)], **fault)
        target = Target(f"http://tus.test{path}")
        plan = RunPlan(target, chosen, seed=7, examines_proxy=True)
        async with memory_network(proxy.serve) as backend:
            route = Http1Transport(backend=backend, timeout=target.timeout)
            await Run(plan, route, lines.append, notify=notices.append)()

    with patch("anyio.to_thread.run_sync", run_inline):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    return {line.id: line for line in lines if isinstance(line, ScenarioResult)}, notices


@pytest.mark.parametrize(
    ("fault", "cause", "unaffected"),
    [
        ({"blocked": {"PATCH": 403}}, "PATCH got 403", "core.options.answer"),
        ({"blocked": {"HEAD": 405}}, "HEAD got 405", "core.options.answer"),
        ({"blocked": {"DELETE": 405}}, "DELETE got 405", "core.patch.offset-mismatch/above"),
        ({"blocked": {"POST": 501}}, "POST got 501", "core.options.answer"),
        ({"redirects": {"PATCH": "/login"}}, "PATCH got 302", "core.options.answer"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_needs_a_method_that_is_not_let_through_is_blocked(
    fault: dict[str, Any], cause: str, unaffected: str
) -> None:
    results, notices = run_through({"page": WAF_PAGE, "server": "edge", **fault})
    failed = {name: each.reason for name, each in results.items() if each.verdict == "fail"}
    assert failed == {}
    assert results[unaffected].verdict == "pass"
    assert any(each.verdict == "blocked" and cause in each.reason for each in results.values())
    assert len(notices) == 1
    assert cause in notices[0]


def test_a_location_that_a_proxy_makes_wrong_blocks_what_needs_uploads() -> None:
    results, notices = run_through(
        {"served_path": "/api/files/", "page": WAF_PAGE, "server": "edge"}, path="/api/files/"
    )
    assert [name for name, each in results.items() if each.verdict == "fail"] == []
    assert results["core.options.answer"].verdict == "pass"
    assert "The upload is at /api/files/" in notices[0]


def test_refusals_that_a_proxy_replaces_are_not_charged_to_the_server() -> None:
    results, _ = run_through({"replaces_errors": 404})
    assert [name for name, each in results.items() if each.verdict == "fail"] == []


@pytest.mark.parametrize(
    ("scenario", "verdict"),
    [
        ("core.patch.success", "pass"),
        ("interruption.patch.cut-fin/half", "blocked"),
        ("interruption.patch.cut-rst-chunked/half", "blocked"),
        ("interruption.patch.cut-last-chunk/zero", "blocked"),
        ("interruption.patch.half-close/half", "blocked"),
        ("interruption.patch.half-close-whole", "pass"),
    ],
)
def test_bodies_that_a_proxy_buffers_block_what_breaks_off_within_them(
    scenario: str, verdict: str
) -> None:
    results, notices = run_through({"buffers": True}, only=(scenario,))
    assert results[scenario].verdict == verdict
    assert ("buffered by nginx" in results[scenario].reason) == (verdict == "blocked")
    assert len(notices) == 1


NULL = "core.head.odd-name/nul"


@pytest.mark.parametrize("status", [401, 502, 503])
def test_a_head_that_a_proxy_answers_is_not_charged_to_the_server(status: int) -> None:
    """nginx replaces Server, and its response to HEAD has no page: GET of the same URL shows it."""
    fault = {"replaces_server": True, "dated": True, "refused_paths": {"%00": status}}
    results, _ = run_through(fault, only=(NULL,))
    assert results[NULL].verdict == "blocked"
    assert "GET got the same status with an error page of nginx" in results[NULL].reason
    assert ("the proxy's log says" in results[NULL].reason) == (status >= 500)


@pytest.mark.parametrize(
    ("scenario", "fault", "verdict"),
    [
        ("interruption.patch.half-close/half", {}, "not-applicable"),
        ("interruption.patch.half-close-whole", {}, "pass"),
        ("creation-with-upload.expect-refused", {}, "pass"),
        ("creation-with-upload.expect-refused", {"answers_expect": True}, "not-applicable"),
        ("creation-with-upload.expect-continue", {"answers_expect": True}, "pass"),
    ],
)
def test_what_a_proxy_hides_of_connections_does_not_apply(
    scenario: str, fault: dict[str, Any], verdict: str
) -> None:
    results, notices = run_through(fault, only=(scenario,))
    assert notices == []
    assert results[scenario].verdict == verdict
    assert ("through nginx" in results[scenario].reason) == (verdict != "pass")


def test_a_note_about_the_response_of_a_proxy_says_so() -> None:
    fault = {"replaces_server": True, "dated": True, "refused_paths": {"%00": 400}}
    results, _ = run_through(fault, only=(NULL,))
    assert results[NULL].verdict == "note"
    noted = [each for each in results[NULL].attempts[0].checks if each.grade == "note"]
    assert [each.requirement for each in noted] == [
        "core.head.not-found-status",
        "core.patch.nonexistent-404",
    ]
    for each in noted:
        assert "so something in front of the server answered" in each.explanation


def test_a_server_error_of_the_server_behind_a_proxy_is_a_failure() -> None:
    scenario = "core.head.neighbour/query"
    through = {"replaces_server": True, "dated": True}
    results, _ = run_through(through, *defect("fails-on-patch-with-query"), only=(scenario,))
    assert results[scenario].verdict == "fail"


def test_a_defect_of_a_server_behind_a_proxy_is_a_failure() -> None:
    results, notices = run_through({}, *defect("head-without-length"))
    assert notices == []
    assert "fail" in {each.verdict for each in results.values()}


def test_a_location_of_no_upload_fails_in_one_scenario() -> None:
    for fault, changes in (({"location": ("$", "/")}, ()), ({}, defect("location-of-no-upload"))):
        results, notices = run_through(fault, *changes)
        failed = [name for name, each in results.items() if each.verdict == "fail"]
        assert failed == ["creation.post"]
        assert results["core.options.answer"].verdict == "pass"
        (notice,) = notices
        assert notice.startswith("creation.post fails of this, and what needs it is blocked")
