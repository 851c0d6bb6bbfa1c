"""A sequence: moves, unfolded into the steps of a scenario, each with its legal responses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tus_conformance.explorer.interrupted_requests import interrupted_moves
from tus_conformance.explorer.invalid_requests import invalid_moves
from tus_conformance.explorer.model import ModelState
from tus_conformance.explorer.move import Move, MoveKind
from tus_conformance.explorer.valid_requests import final_upload_steps, finish_steps, valid_moves
from tus_scenarios import Step

MOVE_KINDS: dict[str, MoveKind] = {
    **valid_moves.kinds,
    **invalid_moves.kinds,
    **interrupted_moves.kinds,
}


def unfold_moves(moves: Iterable[Move]) -> tuple[Step, ...]:
    """Return the steps of a sequence; finally, every upload is completed and compared."""
    state = ModelState()
    steps: list[Step] = []
    for move in moves:
        steps += MOVE_KINDS[move.kind].build_steps(state, move)
    for upload in state.uploads:
        if not upload.deleted and not upload.joined and upload.concat != "final":
            steps += finish_steps(upload)
    for upload in state.uploads:
        if upload.parts and not any(part.deleted or part.joined for part in upload.parts):
            steps += final_upload_steps(upload)
    return tuple(steps)


def required_capabilities(moves: Sequence[Move]) -> tuple[str, ...]:
    """Return the capabilities that a server needs for a sequence."""
    found = [need for move in moves for need in MOVE_KINDS[move.kind].needs]
    return tuple(dict.fromkeys(found))
