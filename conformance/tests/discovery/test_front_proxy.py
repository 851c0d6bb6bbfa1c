"""`discovery.front_proxy`: what a recognised proxy refuses; no violation of a server is excused."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import pytest
import trio
from faulty_proxy import NGINX_PAGE, FaultyProxy, serve_reference_with_cors
from reference_in_memory import run_inline
from scripted_server import URL
from trio.testing import MockClock

from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.discovery.front_proxy import (
    PARTS_OF_BODIES,
    TO_UPLOADS,
    FrontProxy,
    examine_front_proxy,
)
from tus_conformance.evaluation.applicability import verdict_without_run
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.profile import Profile
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import Serve, memory_network
from tus_defects import changes, defects, quirks
from tus_reference.server.connection import SERVER
from tus_scenarios import EXTENSIONS, scenarios

FOUND = DiscoveryResult(extensions=EXTENSIONS)
WAF_PAGE = b"<html><body>Request rejected. Your support id is %d.</body></html>"
REFERENCE_SERVER = SERVER.partition(": ")[2]


def examine(serve: Serve) -> dict[str, str]:
    """Return what the front proxy of a server in memory obstructs."""
    return find_front_proxy(serve).obstructed


def find_front_proxy(serve: Serve, url: str = URL) -> FrontProxy:
    """Return what is known of the front proxy of a server in memory."""

    async def main() -> FrontProxy:
        async with memory_network(serve) as backend:
            transport = Http1Transport(backend=backend)
            return await examine_front_proxy(Target(url), transport, FOUND, LeftBehind())

    with patch("anyio.to_thread.run_sync", run_inline):
        return trio.run(main, clock=MockClock(autojump_threshold=0))


def behind(**fault: object) -> Serve:
    return FaultyProxy([serve_reference_with_cors()], **fault).serve  # type: ignore[arg-type]


def test_nothing_is_obstructed_by_a_proxy_that_passes_all_on() -> None:
    assert examine(behind()) == {}


@pytest.mark.parametrize("page", [NGINX_PAGE, WAF_PAGE], ids=["nginx", "unknown product"])
@pytest.mark.parametrize("method", ["POST", "HEAD", "PATCH", "DELETE"])
def test_a_method_that_something_else_answers_is_obstructed(method: str, page: bytes) -> None:
    front = find_front_proxy(behind(blocked={method: 405}, page=page, server="edge"))
    assert list(front.obstructed_requests) == [method]
    reason = front.obstructed_requests[method]
    assert reason.startswith(f"{method} got 405 with")
    assert f"allow {method} in front of it" in reason
    assert front.all_notices == [f"What needs it is blocked: {reason}"]


def test_a_patch_that_gets_through_by_another_method_is_obstructed() -> None:
    alike = behind(blocked={"PATCH": 403}, page=WAF_PAGE, server=REFERENCE_SERVER, dated=True)
    (reason,) = find_front_proxy(alike).obstructed_requests.values()
    assert "while POST with X-HTTP-Method-Override: PATCH reaches the server" in reason


def test_a_location_outside_of_the_proxys_path_obstructs_uploads() -> None:
    proxy = behind(served_path="/api/files/", page=WAF_PAGE, server="edge")
    front = find_front_proxy(proxy, "http://tus.test/api/files/")
    (reason,) = front.obstructed_requests.values()
    assert list(front.obstructed_requests) == [TO_UPLOADS]
    assert "The upload is at /api/files/" in reason


def test_delete_obstructs_termination_alone() -> None:
    obstructed = examine(behind(blocked={"DELETE": 403}))
    assert list(obstructed) == ["termination"]
    assert "DELETE got 403 with an error page of nginx" in obstructed["termination"]


def test_trailers_that_nginx_drops_obstruct_their_extension() -> None:
    obstructed = examine(behind(drops_trailers=True))
    assert list(obstructed) == ["checksum-trailer"]
    assert "nginx is in front of the server" in obstructed["checksum-trailer"]


def test_buffering_obstructs_what_breaks_off_within_a_body() -> None:
    front = find_front_proxy(behind(buffers=True))
    assert front.obstructed == {}
    assert list(front.obstructed_requests) == [PARTS_OF_BODIES]
    (notice,) = front.all_notices
    assert notice.startswith("What needs it is blocked: Request bodies are buffered by nginx")


def test_a_server_that_drops_parts_of_bodies_is_not_excused_by_a_proxy() -> None:
    """No refusal comes before the end of a PATCH either, but HEAD does not wait for its body."""
    discarding = serve_reference_with_cors(*changes(defects()["broken-patch-discarded"]))
    front = find_front_proxy(FaultyProxy([discarding], waits_for_body=("PATCH",)).serve)
    assert (front.obstructed_requests, front.notices) == ({}, [])


@pytest.mark.parametrize(
    ("server", "name"), [("Caddy", "Caddy"), (REFERENCE_SERVER, ""), ("myapp", "")]
)
def test_a_proxy_is_recognised_by_what_it_serves_besides_the_uploads(
    server: str, name: str
) -> None:
    assert find_front_proxy(behind(page=b"error %d", server=server)).name == name


def test_a_server_without_a_proxy_gets_no_notice() -> None:
    assert find_front_proxy(serve_reference_with_cors()).notices == []


def test_scenarios_of_an_obstructed_extension_are_blocked() -> None:
    found = DiscoveryResult(extensions=EXTENSIONS, obstructed={"checksum-trailer": "A proxy."})
    concerned = [each for each in scenarios() if "checksum-trailer" in each.needs]
    others = [each for each in scenarios() if not (each.needs or each.lacks)]
    assert concerned
    for scenario in concerned:
        verdict = verdict_without_run(scenario, found, Profile(), exclusion=None, server_lost="")
        assert verdict == ("blocked", "A proxy.")
    for scenario in others:
        verdict = verdict_without_run(scenario, found, Profile(), exclusion=None, server_lost="")
        assert verdict is None


def test_no_defect_of_a_server_is_excused() -> None:
    excused, charged = {}, set()
    for name, variant in defects().items():
        serve: Callable[..., Serve] = serve_reference_with_cors
        front = find_front_proxy(serve(*changes(variant)))
        if front.obstructed or front.obstructed_requests or front.marks is not None:
            excused[name] = front
        if front.charged:
            charged.add(name)
    assert excused == {}
    assert charged == {"location-of-no-upload"}


def test_no_quirk_of_a_server_is_taken_for_a_proxy() -> None:
    for name, variant in quirks().items():
        front = find_front_proxy(serve_reference_with_cors(*changes(variant)))
        obstacles = (front.obstructed, front.obstructed_requests, front.charged)
        assert obstacles == ({}, {}, {}), name
        assert front.marks is None, name
