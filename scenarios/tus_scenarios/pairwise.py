"""Pairwise selection: few combinations that together hold every pair of values.

Most defects that depend on a combination depend on two of its values (Kuhn, Wallace and Gallo,
2004). The selection is deterministic, so that two runs have the same scenarios.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import combinations


def select_pairs(candidates: Sequence[Mapping[str, str]]) -> list[int]:
    """Return the indexes of combinations that hold every pair that any combination holds.

    Each combination maps axes to values. Those that add most pairs come first: a pass takes what
    adds at least so many, and the next pass asks for one less.
    """
    pairs = [_pairs_of(each) for each in candidates]
    order = sorted(range(len(candidates)), key=lambda index: _shuffle_key(candidates[index]))
    missing = set().union(*pairs)
    selected: list[int] = []
    threshold = max((len(each) for each in pairs), default=0)
    while missing and threshold:
        for index in order:
            if len(pairs[index] & missing) >= threshold:
                selected.append(index)
                missing -= pairs[index]
        threshold -= 1
    return sorted(selected)


def _pairs_of(values: Mapping[str, str]) -> frozenset[tuple[tuple[str, str], ...]]:
    """Return every pair of values, each with its axis; of one axis alone, its value."""
    items = sorted(values.items())
    return frozenset(combinations(items, min(2, len(items))))


def _shuffle_key(values: Mapping[str, str]) -> bytes:
    """Return a key that mixes combinations, since in table order each is like the one before."""
    return hashlib.sha256(repr(sorted(values.items())).encode()).digest()
