"""The stage `servers`: whether every server behind the name knows every upload."""

from __future__ import annotations

from tus_conformance.doctor.examination import Examination
from tus_conformance.doctor.location import count_finds

_ASKED = 6


async def examine_shared_state(examination: Examination) -> None:
    """Create uploads and ask for each over many connections."""
    for _ in range(2):
        created, url = await examination.create(10)
        if url is None:
            continue
        found, last = await count_finds(examination, url, _ASKED)
        if found < _ASKED:
            values = {"found": found, "asked": _ASKED}
            examination.report("servers.no-common-state", created, last, values=values)
            return
