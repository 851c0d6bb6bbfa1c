"""`discovery.front_proxy`: what a recognised proxy refuses; no violation of a server is excused."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import pytest
import trio
from faulty_proxy import FaultyProxy, serve_reference_with_cors
from reference_in_memory import run_inline
from scripted_server import URL
from trio.testing import MockClock

from tus_conformance.discovery.discovery import EXTENSIONS, DiscoveryResult
from tus_conformance.discovery.front_proxy import (
    BlockedByProxyError,
    FrontProxy,
    examine_front_proxy,
)
from tus_conformance.evaluation.applicability import verdict_without_run
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.profile import Profile
from tus_conformance.targets.target import Target
from tus_conformance.transport import Http1Transport
from tus_conformance.transport.memory import Serve, memory_network
from tus_defects import changes, defects
from tus_scenarios import scenarios

FOUND = DiscoveryResult(extensions=EXTENSIONS)


def examine(serve: Serve) -> dict[str, str]:
    """Return what the front proxy of a server in memory obstructs."""
    return find_front_proxy(serve).obstructed


def find_front_proxy(serve: Serve) -> FrontProxy:
    """Return what is known of the front proxy of a server in memory."""

    async def main() -> FrontProxy:
        async with memory_network(serve) as backend:
            transport = Http1Transport(backend=backend)
            try:
                front = await examine_front_proxy(Target(URL), transport, FOUND, LeftBehind())
            except BlockedByProxyError as error:
                blocked = error  # outside of the nursery, which would make it a group
            else:
                return front
        raise blocked

    with patch("anyio.to_thread.run_sync", run_inline):
        return trio.run(main, clock=MockClock(autojump_threshold=0))


def behind(**fault: object) -> Serve:
    return FaultyProxy([serve_reference_with_cors()], **fault).serve  # type: ignore[arg-type]


def test_nothing_is_obstructed_by_a_proxy_that_passes_all_on() -> None:
    assert examine(behind()) == {}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_method_that_every_upload_needs_ends_the_run(method: str) -> None:
    with pytest.raises(BlockedByProxyError, match=f"{method} got 405 with an error page of nginx"):
        examine(behind(blocked={method: 405}))


def test_delete_obstructs_termination_alone() -> None:
    obstructed = examine(behind(blocked={"DELETE": 403}))
    assert list(obstructed) == ["termination"]
    assert "DELETE got 403 with an error page of nginx" in obstructed["termination"]


def test_trailers_that_nginx_drops_obstruct_their_extension() -> None:
    obstructed = examine(behind(drops_trailers=True))
    assert list(obstructed) == ["checksum-trailer"]
    assert "nginx is in front of the server" in obstructed["checksum-trailer"]


def test_buffering_is_said_first_and_obstructs_nothing() -> None:
    front = find_front_proxy(behind(buffers=True))
    assert front.obstructed == {}
    (notice,) = front.notices
    assert notice.startswith("nginx is in front of the server, and of a PATCH that breaks halfway")


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
    excused = {}
    for name, variant in defects().items():
        serve: Callable[..., Serve] = serve_reference_with_cors
        try:
            obstructed = examine(serve(*changes(variant)))
        except BlockedByProxyError as error:
            obstructed = {"everything": str(error)}
        if obstructed:
            excused[name] = obstructed
    assert excused == {}
