"""Uploads that expire: told only where the profile says how long that takes."""

from __future__ import annotations

from tus_scenarios.expectation import Condition, Expectation
from tus_scenarios.functions import scenario
from tus_scenarios.step import Given, Request
from tus_scenarios.story import Reply, Story

GONE = (404, 410)
"""How requests for an upload that has expired are to be answered."""


async def _until_gone(story: Story) -> Reply:
    """Ask with HEAD until the upload is gone, for twice the time of expiry and 5 seconds."""
    seen: list[Reply] = []

    async def gone() -> bool:
        seen.append(await story.send("HEAD", Request()))
        status = seen[-1].status
        return status is not None and 400 <= status < 500

    await story.until(gone, seconds=2 * story.knows("expiration") + 5)
    return seen[-1]


@scenario(
    id="expiration.removed",
    title="An expired unfinished upload responds with 404 or 410",
    section="Expiration/Headers/Upload-Expires",
    extension="expiration",
    checks=("expiration.may-remove", "expiration.removed-404-410"),
    needs=("expiration", "profile:expiration"),
    why="Clients start over on these two statuses and retry forever on others.",
    steps=(
        "Given an upload of 100 bytes, 40 bytes of it stored.",
        "HEAD the upload until it is removed, for up to twice the expiration time in the profile"
        " plus 5 seconds.",
        "  expects a 4xx; else a note [expiration.may-remove].",
        "  expects 404 or 410; a note for 403, else a warning [expiration.removed-404-410].",
        "PATCH the upload, sending 10 bytes.",
        "  expects 404 or 410; else a warning [expiration.removed-404-410].",
    ),
)
async def removed(story: Story) -> None:
    """Wait for an unfinished upload to expire."""
    await story.given(Given(length=100, stored=40))
    last = await _until_gone(story)
    was_removed = Condition(status="4xx")
    story.expect(
        last,
        Expectation(status="4xx", checks="expiration.may-remove"),
        Expectation(
            when=was_removed,
            status=GONE,
            checks="expiration.removed-404-410",
            note=(Condition(status=403),),
        ),
    )
    story.expect(
        await story.send("PATCH", Request(offset=40, send=10)),
        Expectation(when=was_removed, status=GONE, checks="expiration.removed-404-410"),
    )


@scenario(
    id="expiration.complete-not-removed",
    title="A complete upload does not expire as an unfinished one",
    section="Expiration/Headers/Upload-Expires",
    extension="expiration",
    checks=("expiration.complete-not-removed",),
    needs=("expiration", "profile:expiration"),
    why="The user believes that the file was stored.",
    steps=(
        "Given an upload of 10 bytes, 10 bytes of it stored.",
        "HEAD the upload repeatedly, for twice the expiration time in the profile plus 5 seconds.",
        "  expects a 2xx; else a warning [expiration.complete-not-removed].",
    ),
)
async def complete_not_removed(story: Story) -> None:
    """Wait whether a complete upload expires."""
    await story.given(Given(length=10, stored=10))
    story.expect(
        await _until_gone(story),
        Expectation(status="2xx", checks="expiration.complete-not-removed"),
    )
