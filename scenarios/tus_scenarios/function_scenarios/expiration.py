"""Uploads that expire: told only where the profile says how long that takes."""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext, ScenarioResponse
from tus_scenarios.expectation import Condition, Expectation
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.step import GivenUpload, RequestSpec

LENGTH, STORED, ADDED = 100, 40, 10
"""Bytes: of the upload that expires, of those stored, and of those sent afterwards."""

COMPLETE = 10
"""The length, in bytes, of the upload that is complete."""

EXTRA_WAIT = 5
"""Seconds to wait on top of twice the time of expiration."""

REMOVED_STATUSES = (404, 410)
"""How requests for an upload that has expired are to be answered."""


async def _wait_until_removed(context: ScenarioContext) -> ScenarioResponse:
    """Ask with HEAD until the upload is gone, for twice the time of expiry and 5 seconds."""
    head_responses: list[ScenarioResponse] = []

    async def is_removed() -> bool:
        head_responses.append(await context.send("HEAD", RequestSpec()))
        status = head_responses[-1].status
        return status is not None and 400 <= status < 500

    await context.wait_until(
        is_removed, seconds=2 * context.profile_seconds("expiration") + EXTRA_WAIT
    )
    return head_responses[-1]


@function_scenario(
    id="expiration.removed",
    title="An expired unfinished upload responds with 404 or 410",
    section="Expiration/Headers/Upload-Expires",
    extension="expiration",
    checks=("expiration.may-remove", "expiration.removed-404-410"),
    needs=("expiration", "profile:expiration"),
    why="Clients start over on these two statuses and retry forever on others.",
    steps=(
        f"Given an upload of {LENGTH} bytes, {STORED} bytes of it stored.",
        "HEAD the upload until it is removed, for up to twice the expiration time in the profile"
        f" plus {EXTRA_WAIT} seconds.",
        "  expects a 4xx; else a note [expiration.may-remove].",
        "  expects 404 or 410; a note for 403, else a warning [expiration.removed-404-410].",
        f"PATCH the upload, sending {ADDED} bytes.",
        "  expects 404 or 410; else a warning [expiration.removed-404-410].",
    ),
)
async def remove_expired_upload(context: ScenarioContext) -> None:
    """Wait for an unfinished upload to expire."""
    await context.create_upload(GivenUpload(length=LENGTH, stored=STORED))
    last_response = await _wait_until_removed(context)
    was_removed = Condition(status="4xx")
    context.expect(
        last_response,
        Expectation(status="4xx", checks="expiration.may-remove"),
        Expectation(
            when=was_removed,
            status=REMOVED_STATUSES,
            checks="expiration.removed-404-410",
            note=(Condition(status=403),),
        ),
    )
    context.expect(
        await context.send("PATCH", RequestSpec(offset=STORED, send=ADDED)),
        Expectation(when=was_removed, status=REMOVED_STATUSES, checks="expiration.removed-404-410"),
    )


@function_scenario(
    id="expiration.complete-not-removed",
    title="A complete upload does not expire as an unfinished one",
    section="Expiration/Headers/Upload-Expires",
    extension="expiration",
    checks=("expiration.complete-not-removed",),
    needs=("expiration", "profile:expiration"),
    why="The user believes that the file was stored.",
    steps=(
        f"Given an upload of {COMPLETE} bytes, {COMPLETE} bytes of it stored.",
        "HEAD the upload repeatedly, for twice the expiration time in the profile plus"
        f" {EXTRA_WAIT} seconds.",
        "  expects a 2xx; else a warning [expiration.complete-not-removed].",
    ),
)
async def keep_complete_upload(context: ScenarioContext) -> None:
    """Wait whether a complete upload expires."""
    await context.create_upload(GivenUpload(length=COMPLETE, stored=COMPLETE))
    context.expect(
        await _wait_until_removed(context),
        Expectation(status="2xx", checks="expiration.complete-not-removed"),
    )
