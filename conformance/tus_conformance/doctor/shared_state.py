"""The stage `servers`: whether every server behind the name knows every upload."""

from __future__ import annotations

from tus_conformance.doctor.examination import Examination
from tus_conformance.doctor.location import count_finds

_ASKED = (6, 6, *8 * (1,))
"""How often each of several uploads is asked for: servers are chosen in turns, by chance, or by the
path, so that an upload is always or never found."""


async def examine_shared_state(examination: Examination) -> None:
    """Create uploads and ask for each over many connections."""
    for asked in _ASKED:
        created, url = await examination.create(10)
        if url is None:
            continue
        found, last = await count_finds(examination, url, asked)
        if found < asked:
            values = {"found": found, "asked": asked}
            examination.report("servers.no-common-state", created, last, values=values)
            return
