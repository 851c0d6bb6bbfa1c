"""What function scenarios share in which a request is held back while another arrives."""

from __future__ import annotations

import re
from collections.abc import Collection

from tus_scenarios.context import PausedRequest, ScenarioContext, ScenarioResponse
from tus_scenarios.step import GivenUpload, RequestSpec

_OFFSET = re.compile(r"[0-9]{1,19}")

PAUSED_LENGTH = 100
"""The length, in bytes, of the upload whose PATCH is paused."""

PAUSED_AFTER = 40
"""The number of body bytes that are sent before the pause."""

MAX_PAUSE = 3.0
"""Seconds that a request may wait for the one before it, until that one is let go on."""

RESPONSE_TIMEOUT = 8.0
"""Seconds in which a request that nothing holds up is answered, over a link that stalls, too."""


async def start_paused_patch(context: ScenarioContext, send: int = PAUSED_LENGTH) -> PausedRequest:
    """Create an upload, open a PATCH of `send` bytes, and pause it after PAUSED_AFTER bytes."""
    await context.create_upload(GivenUpload(length=PAUSED_LENGTH))
    paused = await context.open_request("PATCH", RequestSpec(offset=0, send=send))
    await paused.send_body(PAUSED_AFTER)
    return paused


async def wait_until_received(context: ScenarioContext) -> None:
    """Let what was fed to a held request arrive first, on a slow link, too: go there and back."""
    await context.send("OPTIONS", RequestSpec())


async def wait_for_response(
    context: ScenarioContext, responses: Collection[ScenarioResponse]
) -> bool:
    """Wait until there is a reply, for as long as `MAX_PAUSE`; return whether there is one."""

    async def is_answered() -> bool:
        return bool(responses)

    return await context.wait_until(is_answered, seconds=MAX_PAUSE)


def upload_offset(response: ScenarioResponse) -> int:
    """Return the Upload-Offset of an answer; where that is none, or no number of bytes, 0."""
    value = response.header("Upload-Offset") or ""
    return int(value) if _OFFSET.fullmatch(value) else 0
