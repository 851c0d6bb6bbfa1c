"""Uploads that expire while they are interrupted: told only where the profile says how long."""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext, ScenarioResponse
from tus_scenarios.expectation import Condition, Expectation
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.expiration import EXTRA_WAIT, REMOVED_STATUSES
from tus_scenarios.network_fault import Cut, NetworkFault
from tus_scenarios.step import GivenUpload, RequestSpec

LENGTH, STORED, CUT_AFTER = 100, 40, 20
"""Bytes: of the upload, of those stored, and of those sent before the cut."""

SLOWNESS = 1.5
"""How often the time of expiration passes while a body is sent."""

_REQUIREMENT = "expiration.removed-404-410"


@function_scenario(
    id="interruption.expiration.after-cut",
    title="An upload that was interrupted and then expired responds with 404 or 410",
    section="Expiration/Headers/Upload-Expires",
    extension="expiration",
    checks=("expiration.may-remove", _REQUIREMENT),
    needs=("expiration", "profile:expiration"),
    why="A lock left by the interrupted request must not prevent the expiration.",
    steps=(
        f"Given an upload of {LENGTH} bytes, {STORED} bytes of it stored.",
        f"PATCH the rest, with the connection reset after {CUT_AFTER} bytes.",
        "HEAD the upload until it is removed, for up to twice the expiration time in the profile"
        f" plus {EXTRA_WAIT} seconds.",
        "  expects 404 or 410; a note for a 2xx or 403, else a warning [expiration.may-remove].",
        "PATCH the rest, if the upload is removed.",
        "  expects 404 or 410; else a warning [expiration.removed-404-410].",
    ),
)
async def after_cut(context: ScenarioContext) -> None:
    """Let an upload expire after a break."""
    await context.create_upload(GivenUpload(length=LENGTH, stored=STORED))
    await context.send(
        "PATCH", RequestSpec(offset=STORED, send="rest", cut=Cut(after=CUT_AFTER, by="rst"))
    )
    head_responses: list[ScenarioResponse] = []

    async def is_removed() -> bool:
        head_responses.append(await context.send("HEAD", RequestSpec()))
        return head_responses[-1].status in REMOVED_STATUSES

    was_removed = await context.wait_until(
        is_removed, seconds=2 * context.profile_seconds("expiration") + EXTRA_WAIT
    )
    context.expect(
        head_responses[-1],
        Expectation(
            status=REMOVED_STATUSES,
            checks="expiration.may-remove",
            note=(
                Condition(status="2xx", says="the upload was not removed in this time"),
                Condition(status=403),
            ),
            otherwise="warn",
        ),
    )
    if was_removed:
        second_patch = RequestSpec(offset=STORED, at=STORED, send=LENGTH - STORED)
        context.expect(
            await context.send("PATCH", second_patch),
            Expectation(status=REMOVED_STATUSES, checks=_REQUIREMENT, otherwise="warn"),
        )


@function_scenario(
    id="interruption.expiration.while-sending",
    title="An upload that expires while its data arrives is not acknowledged and then removed",
    section="Expiration/Headers/Upload-Expires",
    extension="expiration",
    checks=(_REQUIREMENT, "expiration.complete-not-removed"),
    needs=("expiration", "profile:expiration"),
    why="The client discards acknowledged data. If the upload is then removed, the data is lost.",
    steps=(
        f"Given an upload of {LENGTH} bytes.",
        f"PATCH all of it slowly, for {SLOWNESS} times the expiration time in the profile.",
        "  expects a 2xx, 404 or 410; a note for a closed connection or another 4xx"
        " [expiration.removed-404-410].",
        "HEAD the upload.",
        "  expects a 2xx if the PATCH succeeded; else a failure [expiration.complete-not-removed].",
    ),
)
async def while_sending(context: ScenarioContext) -> None:
    """Send more slowly than the upload expires."""
    await context.create_upload(GivenUpload(length=LENGTH))
    step = context.profile_seconds("expiration") * SLOWNESS / 10
    stalls = tuple(NetworkFault(at=at, stall=step) for at in range(10, LENGTH + 1, 10))
    response = await context.send("PATCH", RequestSpec(offset=0, send=LENGTH, faults=stalls))
    interrupted = (Condition(closed=True), Condition(status="4xx"))
    context.expect(
        response,
        Expectation(
            status=("2xx", *REMOVED_STATUSES),
            checks=_REQUIREMENT,
            note=interrupted,
            otherwise="warn",
        ),
    )
    if response.succeeded:
        context.expect(
            await context.send("HEAD", RequestSpec()),
            Expectation(status="2xx", checks="expiration.complete-not-removed", otherwise="fail"),
        )
