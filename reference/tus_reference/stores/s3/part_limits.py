"""How large parts are: the arithmetic that keeps every upload within S3's limits.

With `left` part numbers for `rest` bytes, no part but the last is shorter than
`rest / left`. Then `(rest - part) / (left - 1) <= rest / left`: the share never grows, so
numbers never run out, however the client cuts its bodies.

While the length is unknown, the share is `stored * GROWTH / max_multipart_parts` instead.
Parts of at least that make what is stored grow exponentially: with the defaults, from 5 MiB
on, past 5 TiB before the 10,000 numbers are used up. Where other settings leave that short,
the last numbers are kept for parts of `max_part_size`.

With `equal_parts`, all parts but the last have the size of the first, however the client cuts
its bodies: Cloudflare R2 completes no other uploads. What is left at the end of a body, up to a
whole part, then waits in the tail. The size is settled when the first part is made, so an
upload whose length is not known by then can have `max_multipart_parts` of `preferred_part_size`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB
TIB: Final = 1024 * GIB

GROWTH: Final = 10
"""Over how many times the numbers are spent; 10 lets 10,000 parts of 5 MiB and up pass 5 TiB."""


@dataclass(frozen=True)
class PartLimits:
    """S3's limits and the wishes of the operator, under tusd's names; sizes in bytes."""

    max_part_size: int = 5 * GIB
    preferred_part_size: int = 50 * MIB
    min_part_size: int = 5 * MIB
    max_multipart_parts: int = 10_000
    max_object_size: int = 5 * TIB
    concurrent_part_uploads: int = 10
    max_buffered_parts: int = 20
    equal_parts: bool = False

    def mistakes(self) -> list[str]:
        """Return a sentence for each setting that cannot work, alone or with the others."""
        numbers = [f.name for f in fields(self) if f.name != "equal_parts"]
        too_low = [name for name in numbers if getattr(self, name) < 1]
        if too_low:
            return [f"{name} must be at least 1." for name in too_low]
        rules = {
            "min_part_size is larger than preferred_part_size; lower it or raise the other.": (
                self.min_part_size <= self.preferred_part_size
            ),
            "preferred_part_size is larger than max_part_size; lower it or raise the other.": (
                self.preferred_part_size <= self.max_part_size
            ),
            "max_object_size does not fit into max_multipart_parts of max_part_size; lower it "
            "or raise one of the others.": (
                self.max_object_size <= self.max_multipart_parts * self.max_part_size
            ),
        }
        return [sentence for sentence, holds in rules.items() if not holds]

    def min_length(self, size: int | None, stored: int, used: int) -> int:
        """Return how short the next part may be if more will follow it.

        `size` is the upload's length if known, `stored` the bytes in its `used` parts.
        """
        left = max(self.max_multipart_parts - used, 1)
        if size is not None:
            share = _ceil_divide(max(size - stored, 0), left)
        else:
            reserved = (left - 1) * self.max_part_size
            share = max(
                stored * GROWTH // self.max_multipart_parts,
                self.max_object_size - stored - reserved,
            )
        return min(max(self.min_part_size, share), self.max_part_size)

    def full_length(self, size: int | None, stored: int, used: int) -> int:
        """Return how long the next part is if the bytes keep coming."""
        return max(self.preferred_part_size, self.min_length(size, stored, used))

    def equal_length(self, size: int | None) -> int:
        """Return how long all parts of a new upload are, but the last, if they must be equal."""
        share = _ceil_divide(size or 0, self.max_multipart_parts)
        return min(max(self.preferred_part_size, share), self.max_part_size)


def _ceil_divide(number: int, by: int) -> int:
    return -(-number // by)
