"""Every move comes to steps that are sound, and that a server which conforms passes."""

from __future__ import annotations

import random

import pytest
from exploring import session_on
from miniatures import nothing_wrong

from tus_conformance.explorer import Move, unfolded
from tus_conformance.explorer.finding import scenario_of
from tus_conformance.explorer.story import KINDS
from tus_conformance.telling.replay import replay
from tus_scenarios.lint import complaints

CREATE = Move("create")
PARTIAL = Move("create partial")
DEFERRED = Move("create deferred")
CUT = Move("cut", size=4, shape=1)

BEFORE: dict[str, list[Move]] = {
    "declare": [DEFERRED],
    "declare too little": [DEFERRED, Move("patch", size=3, shape=1)],
    "join": [PARTIAL, Move("finish")],
    "join unfinished": [PARTIAL],
    "join what is not partial": [CREATE, Move("finish")],
    "look for what is gone": [CREATE, Move("delete")],
    "patch what is complete": [CREATE, Move("finish")],
    "patch what is final": [PARTIAL, Move("finish"), Move("join")],
    "head after a break": [CREATE, CUT],
    "patch after a break": [CREATE, CUT],
    "finish after a break": [CREATE, CUT],
    "delete after a break": [CREATE, CUT],
}


def ready(kind: str) -> list[Move]:
    """Return moves after which one of a kind is possible."""
    return BEFORE.get(kind, [CREATE])


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_comes_to_steps_where_it_is_possible(kind: str) -> None:
    steps = unfolded([*ready(kind), Move(kind, size=3, shape=1)])
    assert len(steps) > 0
    assert steps != unfolded(ready(kind))


def test_what_is_not_possible_is_left_out() -> None:
    assert unfolded([Move("patch"), Move("delete"), Move("join")]) == ()


def test_any_moves_make_a_sound_scenario() -> None:
    drawn = random.Random(1)
    for _ in range(300):
        moves = [
            Move(
                drawn.choice(list(KINDS)),
                drawn.randrange(3),
                drawn.randrange(41),
                drawn.randrange(12),
            )
            for _ in range(drawn.randrange(1, 20))
        ]
        scenario = scenario_of([CREATE, *moves])
        assert list(complaints(scenario)) == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_server_that_conforms_passes_each_kind(kind: str) -> None:
    async with session_on(nothing_wrong) as session:
        for shape in (0, 1, 5):
            moves = [*ready(kind), Move(kind, size=3, shape=shape)]
            attempt = await replay(scenario_of(moves), session)
            grades = {check.requirement: check.grade for check in attempt.checks}
            assert attempt.verdict in {"pass", "note"}, (shape, attempt.reason, grades)
