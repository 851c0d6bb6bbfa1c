"""What a server does wrong is charged to the requirement that it breaks, and to no other."""

from __future__ import annotations

from running import ran
from tiny import EVERYTHING, Sound

LISTED = EVERYTHING - {"download"}


async def test_a_final_refused_over_unfinished_parts_breaks_what_the_list_promises() -> None:
    """The creation of uploads is in order; that finals may come early is listed, and not so."""
    server = Sound(able=EVERYTHING - {"concatenation-unfinished"}, lists=LISTED)
    found = await ran(server, only=("*concatenation-unfinished.*", "creation.post.201"))
    charged = {row for row in found.failing() if not row.startswith("core.")}
    assert charged == {"concatenation-unfinished.advertise"}
    blocked = found.scenarios["interruption.concatenation-unfinished.cut/half"]
    assert blocked.verdict == "blocked"
    assert "(concatenation-unfinished.advertise)" in blocked.reason
