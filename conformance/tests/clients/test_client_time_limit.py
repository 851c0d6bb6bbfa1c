"""`clients.client_time_limit`: how long a client may take, and when it does not use its place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from seen_client import SeenClient

from tus_conformance.clients.client_time_limit import PATIENCE, ClientTimeLimit


class Clock:
    """What the log of a client takes for the time, in seconds."""

    def __init__(self, client: SeenClient) -> None:
        self.moment = 0.0
        client.log.now = lambda: self.moment


def attempts_at(moments: Sequence[float], *, stored: int = 0) -> tuple[SeenClient, Clock]:
    """Return a client whose requests begin at these moments and fail a tenth of a second later."""
    client = SeenClient()
    for number, began in enumerate(moments):
        request = client.send("PATCH", status=503)
        request.began, request.responded = began, began + 0.1
        request.offset_before, request.stored = number * stored, stored
    return client, Clock(client)


GROWING = [0.0, 1.0, 3.0, 7.0, 15.0, 31.0, 63.0]


@pytest.mark.parametrize(
    ("moments", "now", "over"),
    [
        (GROWING, 100.0, False),
        (GROWING, 111.0, False),
        (GROWING, 160.0, True),
        ([*GROWING, 123.0, 183.0, 243.0, 303.0], 350.0, False),
        ([*GROWING, 123.0, 183.0, 243.0, 303.0, 363.0], PATIENCE, True),
        ([0.0, 30.0, 60.0, 90.0], 111.0, False),
        ([0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0], 111.0, False),
        ([0.5 * number for number in range(220)], 111.0, True),
        ([0.0, 1.0], 111.0, True),
        ([], 111.0, True),
    ],
)
def test_a_client_that_waits_between_attempts_has_more_time(
    moments: list[float], now: float, over: bool
) -> None:
    client, clock = attempts_at(moments)
    clock.moment = now
    assert ClientTimeLimit(client.log, 110.0).is_over() is over


def test_a_client_that_gets_on_has_more_time_until_it_is_quiet() -> None:
    client, clock = attempts_at([100.0, 104.0, 108.0], stored=10)
    limit = ClientTimeLimit(client.log, 110.0)
    clock.moment = 111.0
    assert not limit.is_over()
    clock.moment = 125.0
    assert limit.is_over()


def test_a_request_that_has_just_begun_is_waited_for() -> None:
    """The response of the reference may take some seconds on a busy machine."""
    client, clock = attempts_at([*GROWING, 109.0])
    client.log.requests[-1].ended = client.log.requests[-1].responded = None
    limit = ClientTimeLimit(client.log, 110.0)
    clock.moment = 111.0
    assert not limit.is_over()
    clock.moment = 120.0
    assert not limit.is_over()
    clock.moment = 125.0
    assert limit.is_over()


def test_a_limit_of_the_user_s_is_kept() -> None:
    client, clock = attempts_at(GROWING)
    clock.moment = 111.0
    limit = ClientTimeLimit(client.log, 110.0, patience=0)
    assert limit.over_at is None
    assert limit.is_over()
    assert limit.over_at == 111.0


def test_a_client_that_does_nothing_gives_its_place_away_once() -> None:
    client, clock = attempts_at([0.0, 1.0])
    given: list[float] = []
    limit = ClientTimeLimit(client.log, 110.0, on_idle=lambda: given.append(clock.moment))
    for moment in (2.0, 4.0, 9.0, 10.0, 30.0):
        clock.moment = moment
        assert not limit.is_over()
    assert given == [9.0]


def test_a_client_that_has_not_begun_keeps_its_place() -> None:
    client, clock = attempts_at([])
    given: list[float] = []
    limit = ClientTimeLimit(client.log, 110.0, on_idle=lambda: given.append(clock.moment))
    clock.moment = 60.0
    assert not limit.is_over()
    assert given == []
