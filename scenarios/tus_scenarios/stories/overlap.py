"""What stories share in which a request is held back while another arrives."""

from __future__ import annotations

from collections.abc import Collection

from tus_scenarios.step import Given, Request
from tus_scenarios.story import Paced, Reply, Story

PATIENCE = 3.0
"""Seconds that a request may wait for the one before it, until that one is let go on."""

LIVENESS = 8.0
"""Seconds in which a request that nothing holds up is answered, over a link that stalls, too."""


async def held_back(story: Story, send: int = 100) -> Paced:
    """Begin an upload of 100 bytes, and hold a PATCH of so many back after 40 bytes."""
    await story.given(Given(length=100))
    held = await story.hold("PATCH", Request(offset=0, send=send))
    await held.feed(40)
    return held


async def arrived(story: Story) -> None:
    """Let what was fed to a held request arrive first, on a slow link, too: go there and back."""
    await story.send("OPTIONS", Request())


async def once_answered(story: Story, replies: Collection[Reply]) -> bool:
    """Wait until there is a reply, for as long as `PATIENCE`; return whether there is one."""

    async def answered() -> bool:
        return bool(replies)

    return await story.until(answered, seconds=PATIENCE)


def offset_told(reply: Reply) -> int:
    """Return the Upload-Offset of an answer; where that is none, or no number, 0."""
    value = reply.header("Upload-Offset") or ""
    return int(value) if value.isascii() and value.isdigit() else 0
