"""`tus_reports`: the names that it exports."""

from __future__ import annotations

import tus_reports


def test_the_facade_names_what_it_exports() -> None:
    """Every name of `__all__` is there, and none is named twice."""
    assert len(set(tus_reports.__all__)) == len(tus_reports.__all__)
    assert [name for name in tus_reports.__all__ if not hasattr(tus_reports, name)] == []
