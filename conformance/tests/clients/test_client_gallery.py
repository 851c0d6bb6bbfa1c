"""`clients`: each wrong client of the gallery is found, and no right one is.

A part of it runs by default; all of it with TUS_EVERY_CLIENT=1, as `nox -s client_proof` does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import trio

from client_gallery.odd_clients import ODD
from client_gallery.right_client import RightClient
from client_gallery.wrong_client import WrongClient
from client_gallery.wrong_clients import WRONG
from tus_conformance.clients.client_profile import ClientProfile
from tus_conformance.clients.client_program import ClientCommand
from tus_conformance.clients.client_run import ClientRun
from tus_conformance.clients.honest_server import HonestServers
from tus_conformance.clients.situation_run import SituationRun
from tus_reports import ScenarioResult
from tus_scenarios.situation import Situation
from tus_scenarios.situation_registry import situations

GALLERY_FOLDER = Path(__file__).parents[2]
SECONDS = 30.0
EVERY = bool(os.environ.get("TUS_EVERY_CLIENT"))
QUICK = [each for each in situations() if not any(rule.pause > 5 for rule in each.rules)]
TRIED = [
    each
    for number, each in enumerate(WRONG)
    if EVERY or number % 4 == 0 or "." not in each.shows_at
]


def gallery_command(name: str) -> ClientCommand:
    """Return the command of a client of the gallery."""
    words = (sys.executable, "-m", "client_gallery", name, "{endpoint}", "{file}", "{options}")
    return ClientCommand(words, {"PYTHONPATH": str(GALLERY_FOLDER)})


def run_gallery(runs: Sequence[tuple[str, Sequence[Situation]]]) -> dict[str, list[ScenarioResult]]:
    """Run clients in situations; return the results by client."""
    results: dict[str, list[ScenarioResult]] = {}

    async def run_all() -> None:
        async with HonestServers() as servers, trio.open_nursery() as nursery:
            limiter = trio.Semaphore(6)
            for name, chosen in runs:
                await limiter.acquire()
                nursery.start_soon(run_one, servers, name, chosen, limiter)

    async def run_one(
        servers: HonestServers, name: str, chosen: Sequence[Situation], limiter: trio.Semaphore
    ) -> None:
        profile = ClientProfile(time_limit=SECONDS)
        situation_run = SituationRun(gallery_command(name), profile, servers, seed=1)
        client_run = ClientRun(situation_run, chosen, lambda _line: None, jobs=6)
        await client_run()
        results.setdefault(name, []).extend(client_run.results)
        limiter.release()

    trio.run(run_all)
    return results


@pytest.fixture(scope="module")
def wrong_results() -> dict[str, list[ScenarioResult]]:
    """Return what every wrong client comes to in its situations."""
    by_id = {each.id: each for each in situations()}
    return run_gallery([(_name(each), [by_id[each.situation]]) for each in TRIED])


def _name(wrong: WrongClient) -> str:
    return wrong.client.__name__.lstrip("_")


@pytest.mark.parametrize("wrong", TRIED, ids=lambda each: f"{_name(each)}-{each.shows_at}")
def test_a_wrong_client_is_found_at_its_requirement(
    wrong: WrongClient, wrong_results: dict[str, list[ScenarioResult]]
) -> None:
    result = next(e for e in wrong_results[_name(wrong)] if e.id == wrong.situation)
    if wrong.shows_at.startswith("client."):
        grades = {
            check.requirement: check.grade
            for attempt in result.attempts
            for check in attempt.checks
            if check.outcome == "violated"
        }
        assert wrong.shows_at in grades, (result.outcome, result.reason)
    else:
        assert result.outcome == wrong.shows_at, result.reason


@pytest.mark.parametrize("client", [RightClient, *ODD], ids=lambda each: each.__name__)
def test_a_right_client_gets_nothing_above_a_note(client: type[RightClient]) -> None:
    name = client.__name__
    step = 1 if EVERY else 12
    chosen = QUICK[:: step if client is RightClient else 6 * step]
    results = run_gallery([(name, chosen)])[name]
    found = {
        f"{each.id} {check.requirement} {check.grade}: {check.actual}"
        for each in results
        for attempt in each.attempts
        for check in attempt.checks
        if check.grade in {"warn", "fail"} and not _reports_what_it_may(check.actual)
    }
    assert not found
    assert len(results) == len(chosen)


def _reports_what_it_may(actual: str) -> bool:
    """Return whether a client reported an error that a better one survives: no false alarm."""
    return "this client does not try again" in actual
