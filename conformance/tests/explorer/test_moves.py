"""`explorer`: every move makes sound steps, and a conforming server passes them."""

from __future__ import annotations

import random

import pytest
from reference_in_memory import open_session

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.explorer import Move, unfold_moves
from tus_conformance.explorer.disagreement import scenario_from_moves
from tus_conformance.explorer.sequence import MOVE_KINDS
from tus_scenarios.lint import find_problems

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


def moves_before(kind: str) -> list[Move]:
    """Return moves after which one of a kind is possible."""
    return BEFORE.get(kind, [CREATE])


@pytest.mark.parametrize("kind", MOVE_KINDS)
def test_each_kind_comes_to_steps_where_it_is_possible(kind: str) -> None:
    steps = unfold_moves([*moves_before(kind), Move(kind, size=3, shape=1)])
    assert len(steps) > 0
    assert steps != unfold_moves(moves_before(kind))


def test_what_is_not_possible_is_left_out() -> None:
    assert unfold_moves([Move("patch"), Move("delete"), Move("join")]) == ()


def test_any_moves_make_a_sound_scenario() -> None:
    drawn = random.Random(1)
    for _ in range(300):
        moves = [
            Move(
                drawn.choice(list(MOVE_KINDS)),
                drawn.randrange(3),
                drawn.randrange(41),
                drawn.randrange(12),
            )
            for _ in range(drawn.randrange(1, 20))
        ]
        scenario = scenario_from_moves([CREATE, *moves])
        assert list(find_problems(scenario)) == []


@pytest.mark.parametrize("kind", MOVE_KINDS)
async def test_a_server_that_conforms_passes_each_kind(kind: str) -> None:
    async with open_session() as session:
        for shape in (0, 1, 5):
            moves = [*moves_before(kind), Move(kind, size=3, shape=shape)]
            attempt = await execute_scenario(scenario_from_moves(moves), session)
            grades = {check.requirement: check.grade for check in attempt.checks}
            assert attempt.verdict in {"pass", "note"}, (shape, attempt.reason, grades)
