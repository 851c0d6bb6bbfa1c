"""`stores.s3.part_limits`: tusd's rule for part sizes, and numbers that suffice."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tus_reference.handler import ConfigError
from tus_reference.stores.s3 import S3Store
from tus_reference.stores.s3.part_limits import GIB, MIB, TIB, PartLimits

DEFAULT = PartLimits()


@pytest.mark.parametrize(
    ("size", "part"),
    [
        (1, 50 * MIB),
        (1 * GIB, 50 * MIB),
        (524_288_000_000, 50 * MIB),
        (524_288_000_001, 52_428_801),
        (600 * GIB, 64_424_510),
        (5 * TIB, 549_755_814),
    ],
)
def test_the_first_part_is_as_long_as_tusd_makes_it(size: int, part: int) -> None:
    assert DEFAULT.full_length(size, 0, 0) == part


def test_100_000_patches_of_one_mib_fit() -> None:
    parts, stored, tail = 0, 0, 0
    size = 100_000 * MIB
    for _ in range(100_000):
        tail += MIB
        if stored + tail == size or tail >= DEFAULT.min_length(size, stored, parts):
            parts, stored, tail = parts + 1, stored + tail, 0
    assert (parts, stored) == (10_000, size)


def test_an_upload_of_unknown_length_reaches_5_tib_in_the_shortest_parts() -> None:
    parts = stored = 0
    while stored < DEFAULT.max_object_size:
        stored += DEFAULT.min_length(None, stored, parts)
        parts += 1
    assert parts <= 10_000


def test_parts_of_unknown_length_stay_short_as_long_as_they_can() -> None:
    assert DEFAULT.min_length(None, 0, 0) == 5 * MIB
    assert DEFAULT.min_length(None, 5 * GIB, 1000) == 5 * GIB // 1000
    assert DEFAULT.full_length(None, 48 * GIB, 1000) == 50 * MIB


@given(st.data())
def test_no_upload_runs_out_of_numbers(data: st.DataObject) -> None:
    """Whatever the settings and however the client cuts its bodies, the upload fits."""
    most = data.draw(st.integers(1, 60), "max_part_size")
    preferred = data.draw(st.integers(1, most), "preferred_part_size")
    least = data.draw(st.integers(1, preferred), "min_part_size")
    numbers = data.draw(st.integers(1, 30), "max_multipart_parts")
    limits = PartLimits(
        max_part_size=most,
        preferred_part_size=preferred,
        min_part_size=least,
        max_multipart_parts=numbers,
        max_object_size=data.draw(st.integers(1, most * numbers), "max_object_size"),
    )
    assert limits.mistakes() == []
    size = data.draw(st.integers(0, limits.max_object_size), "size")
    known = size if data.draw(st.booleans(), "known") else None
    stored = parts = 0
    while stored < size:
        shortest, full = (
            limits.min_length(known, stored, parts),
            limits.full_length(known, stored, parts),
        )
        assert shortest <= full <= most
        stored += min(size - stored, data.draw(st.sampled_from([shortest, full]), "part"))
        parts += 1
    assert parts <= numbers


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"min_part_size": 0}, "min_part_size must be at least 1."),
        ({"concurrent_part_uploads": -1}, "concurrent_part_uploads must be at least 1."),
        ({"min_part_size": 60 * MIB}, "min_part_size is larger than preferred_part_size"),
        ({"preferred_part_size": 6 * GIB}, "preferred_part_size is larger than max_part_size"),
        ({"max_multipart_parts": 1000}, "max_object_size does not fit into max_multipart_parts"),
        ({"bucket": ""}, "The name of the bucket is empty."),
        ({"temporary_directory": "/there/is/none"}, "/there/is/none is not a folder; create it."),
    ],
)
def test_settings_that_cannot_work_are_reported_in_a_sentence(
    settings: dict[str, object], sentence: str
) -> None:
    arguments = {"bucket": "bucket", "service": object(), **settings}
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        S3Store(**arguments)  # type: ignore[arg-type]
