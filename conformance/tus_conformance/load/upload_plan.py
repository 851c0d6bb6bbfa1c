"""What one upload will be: its size, its chunks, where it is cut and where it ends; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from tus_conformance.load.mix import Mix, Sizes


@dataclass(frozen=True)
class UploadPlan:
    """An upload of `size` bytes, at most `chunk` of them in a request.

    `end` is where the client stops: `size`, unless the upload is abandoned. `cuts` are the offsets
    at which the connection is closed, ascending. All are in bytes.
    """

    size: int
    chunk: int
    end: int
    cuts: tuple[int, ...] = ()
    at_creation: bool = False
    has_checksums: bool = False

    def next_body(self, offset: int) -> int:
        """Return how many bytes the request at an offset sends."""
        return min(self.chunk, self.end - offset)

    def next_cut(self, offset: int, done: int) -> int | None:
        """Return after how many bytes of its body the request at an offset is cut, if it is.

        `done` is how many cuts there were.
        """
        for cut in self.cuts[done:]:
            if offset <= cut < offset + self.next_body(offset):
                return cut - offset
        return None


def choose_task(mix: Mix, random: Random) -> str:
    """Return the name of what a user does next."""
    names = mix.tasks.__struct_fields__
    return random.choices(names, [getattr(mix.tasks, name) for name in names])[0]


def plan_upload(mix: Mix, random: Random, *, limit: int | None, at_creation: bool) -> UploadPlan:
    """Return the plan of an upload of at most `limit` bytes."""
    size = draw_size(mix, random, limit)
    return _plan(mix, random, size, end=size, at_creation=at_creation)


def plan_abandoned(mix: Mix, random: Random, *, limit: int | None) -> UploadPlan:
    """Return the plan of an upload that is never completed."""
    size = max(draw_size(mix, random, limit), 1)
    return _plan(mix, random, size, end=random.randrange(size), at_creation=False)


def plan_parts(mix: Mix, random: Random, *, limit: int | None) -> tuple[UploadPlan, ...]:
    """Return the plans of partial uploads whose concatenation has at most `limit` bytes."""
    size = draw_size(mix, random, limit)
    count = random.randint(mix.parts.fewest, mix.parts.most)
    each, rest = divmod(size, count)
    lengths = [each] * (count - 1) + [each + rest]
    return tuple(_plan(mix, random, length, end=length, at_creation=False) for length in lengths)


def draw_size(mix: Mix, random: Random, limit: int | None) -> int:
    """Return a size from the distribution of a mix, in bytes."""
    chosen = random.choices(mix.sizes, [each.weight for each in mix.sizes])[0]
    size = _draw_from(chosen, random)
    return size if limit is None else min(size, limit)


def _draw_from(sizes: Sizes, random: Random) -> int:
    if sizes.spread == "uniform":
        return random.randint(sizes.smallest, sizes.largest)
    return _draw_log_uniform(sizes.smallest, sizes.largest, random)


def _draw_log_uniform(smallest: int, largest: int, random: Random) -> int:
    low, high = math.log(smallest + 1), math.log(largest + 1)
    return min(max(round(math.exp(random.uniform(low, high))) - 1, smallest), largest)


def _plan(mix: Mix, random: Random, size: int, *, end: int, at_creation: bool) -> UploadPlan:
    whole = random.random() < mix.chunks.whole
    chunk = _draw_log_uniform(mix.chunks.smallest, mix.chunks.largest, random)
    cuts: tuple[int, ...] = ()
    if end and random.random() < mix.cuts.share:
        count = random.randint(1, mix.cuts.most)
        cuts = tuple(sorted(random.randrange(end) for _ in range(count)))
    return UploadPlan(
        size=size,
        chunk=max(end, 1) if whole else chunk,
        end=end,
        cuts=cuts,
        at_creation=at_creation,
        has_checksums=random.random() < mix.checksums,
    )
