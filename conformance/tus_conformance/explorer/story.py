"""A story: moves, unfolded into the steps of a scenario, each with what its answer may be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tus_conformance.explorer.bad import bad
from tus_conformance.explorer.breaks import breaks
from tus_conformance.explorer.legal import completed, legal, whole
from tus_conformance.explorer.model import World
from tus_conformance.explorer.move import Kind, Move
from tus_scenarios import Step

KINDS: dict[str, Kind] = {**legal.kinds, **bad.kinds, **breaks.kinds}


def unfolded(moves: Iterable[Move]) -> tuple[Step, ...]:
    """Return the steps of a story; in the end every upload is completed, and its bytes compared."""
    world = World()
    steps: list[Step] = []
    for move in moves:
        steps += KINDS[move.kind].play(world, move)
    for upload in world.uploads:
        if not upload.gone and not upload.used and upload.concat != "final":
            steps += completed(upload)
    for upload in world.uploads:
        if upload.parts and not any(part.gone or part.used for part in upload.parts):
            steps += whole(upload)
    return tuple(steps)


def needs(moves: Sequence[Move]) -> tuple[str, ...]:
    """Return what a server must have for a story to make sense."""
    found = [need for move in moves for need in KINDS[move.kind].needs]
    return tuple(dict.fromkeys(found))
