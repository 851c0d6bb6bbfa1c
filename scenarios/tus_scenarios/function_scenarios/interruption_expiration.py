"""Uploads that expire while they are interrupted: told only where the profile says how long."""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext, ScenarioResponse
from tus_scenarios.expectation import Condition, Expectation
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.expiration import REMOVED_STATUSES
from tus_scenarios.network_fault import Cut, NetworkFault
from tus_scenarios.step import GivenUpload, RequestSpec

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
        "Given an upload of 100 bytes, 40 bytes of it stored.",
        "PATCH the rest, with the connection reset after 20 bytes.",
        "HEAD the upload until it is removed, for up to twice the expiration time in the profile"
        " plus 5 seconds.",
        "  expects 404 or 410; a note for a 2xx or 403, else a warning [expiration.may-remove].",
        "PATCH the rest, if the upload is removed.",
        "  expects 404 or 410; else a warning [expiration.removed-404-410].",
    ),
)
async def after_cut(context: ScenarioContext) -> None:
    """Let an upload expire after a break."""
    await context.create_upload(GivenUpload(length=100, stored=40))
    await context.send("PATCH", RequestSpec(offset=40, send="rest", cut=Cut(after=20, by="rst")))
    head_responses: list[ScenarioResponse] = []

    async def is_removed() -> bool:
        head_responses.append(await context.send("HEAD", RequestSpec()))
        return head_responses[-1].status in REMOVED_STATUSES

    was_removed = await context.wait_until(
        is_removed, seconds=2 * context.profile_seconds("expiration") + 5
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
        second_patch = RequestSpec(offset=40, at=40, send=60)
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
        "Given an upload of 100 bytes.",
        "PATCH all of it slowly, for 1.5 times the expiration time in the profile.",
        "  expects a 2xx, 404 or 410; a note for a closed connection or another 4xx"
        " [expiration.removed-404-410].",
        "HEAD the upload.",
        "  expects a 2xx if the PATCH succeeded; else a fail [expiration.complete-not-removed].",
    ),
)
async def while_sending(context: ScenarioContext) -> None:
    """Send more slowly than the upload expires."""
    await context.create_upload(GivenUpload(length=100))
    step = context.profile_seconds("expiration") * 1.5 / 10
    stalls = tuple(NetworkFault(at=at, stall=step) for at in range(10, 101, 10))
    response = await context.send("PATCH", RequestSpec(offset=0, send=100, faults=stalls))
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
