"""Bodies whose pace matters: in two pieces, broken off, or standing still."""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext, ScenarioResponse
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.paused_patch import (
    start_paused_patch,
    wait_for_response,
    wait_until_received,
)
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_EXCEEDS_LENGTH = "core.patch.exceeds-length"


@function_scenario(
    id="core.patch.exceeds-length-in-two",
    title="A body that exceeds the length in its second part does not extend the upload",
    section="Core/PATCH",
    extension="core",
    checks=(_EXCEEDS_LENGTH,),
    why="A server that checks only the first part it reads stores a file that is too long.",
    steps=(
        "Given an upload of 10 bytes.",
        "PATCH 15 bytes in chunked coding, the first 10 separately.",
        "  expects a 4xx; a note for a 2xx with an Upload-Offset of 10 at most, a warning for a"
        " closed connection [core.patch.exceeds-length].",
        "HEAD the upload.",
        "  expects an Upload-Offset of 10 at most; else a fail [core.patch.exceeds-length].",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.patch.exceeds-length].",
    ),
)
async def exceeds_in_two(context: ScenarioContext) -> None:
    """Send a body too long in two pieces."""
    await context.create_upload(GivenUpload(length=10))
    paused = await context.open_request("PATCH", RequestSpec(offset=0, send=15, framing="chunked"))
    await paused.send_body(10)
    context.expect(
        await paused.send_rest(),
        Expectation(
            status="4xx",
            checks=_EXCEEDS_LENGTH,
            note=(Condition(status="2xx", header={"Upload-Offset": HeaderMatcher(most=10)}),),
            warn=(Condition(closed=True),),
            fail=(Condition(status="2xx", header={"Upload-Offset": HeaderMatcher(least=11)}),),
        ),
    )
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(
            status="2xx",
            header={"Upload-Offset": HeaderMatcher(most=10)},
            checks=_EXCEEDS_LENGTH,
            otherwise="fail",
        ),
    )
    await context.finish(
        FinishUpload(), Expectation(intact=True, checks=_EXCEEDS_LENGTH, otherwise="fail")
    )


@function_scenario(
    id="core.net.timeouts",
    title="A stalled PATCH is closed after the timeout and its bytes are kept",
    section="Core/PATCH",
    extension="core",
    checks=("core.net.timeouts", "core.net.timeout-close", "core.patch.store-partial"),
    needs=("profile:network-timeout",),
    why=(
        "Dead connections hold locks and memory until the server closes them, and block the"
        " client's retry."
    ),
    steps=(
        "Given an upload of 100 bytes.",
        "PATCH all of it, pause the body after 40 bytes, and wait for twice the timeout in the"
        " profile plus 5 seconds.",
        "  expects a closed connection, or a 4xx; else a note [core.net.timeouts].",
        "  expects a closed connection, or a 4xx before that; else a warning"
        " [core.net.timeout-close].",
        "HEAD the upload.",
        "  expects an Upload-Offset from 1 to 40; a warning for 0, else a fail"
        " [core.patch.store-partial].",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.patch.store-partial].",
    ),
)
async def stalled_patch(context: ScenarioContext) -> None:
    """Stall a PATCH for longer than the server waits."""
    paused = await start_paused_patch(context)
    timeout_response = await paused.wait_for_reply(
        2 * context.profile_seconds("network-timeout") + 5
    )
    error_statuses = (Condition(status="4xx"), Condition(status="5xx"))
    context.expect(
        timeout_response,
        Expectation(closed=True, checks="core.net.timeouts", note=error_statuses),
        Expectation(
            closed=True,
            checks="core.net.timeout-close",
            note=error_statuses[:1],
            warn=error_statuses[1:],
        ),
    )
    nothing_kept = Condition(
        header={"Upload-Offset": HeaderMatcher(most=0)}, says="the server kept none of the bytes"
    )
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(
            status="2xx",
            header={"Upload-Offset": HeaderMatcher(least=1, most=40)},
            checks="core.patch.store-partial",
            warn=(nothing_kept,),
            otherwise="fail",
        ),
    )
    await context.finish(
        FinishUpload(),
        Expectation(intact=True, checks="core.patch.store-partial", otherwise="fail"),
    )


@function_scenario(
    id="termination.in-flight",
    title="A DELETE during a PATCH leaves the upload removed or intact",
    section="Termination/DELETE",
    extension="termination",
    checks=("termination.in-flight",),
    needs=("termination",),
    why=(
        "A user cancels while data is being sent. An upload that reappears after its deletion"
        " stays forever, and one that is half deleted can be neither resumed nor read."
    ),
    steps=(
        "Given an upload of 100 bytes.",
        "PATCH 60 bytes of it, and pause the body after 40 bytes.",
        "OPTIONS the creation URL, so that the 40 bytes arrive first.",
        "DELETE the upload at the same time.",
        "  expects status 204, 409 or 423; a note for another 4xx [termination.in-flight].",
        "Continue the PATCH when DELETE has a response, or after 3 seconds.",
        "  expects any response but a 5xx, or a closed connection [termination.in-flight].",
        "HEAD the upload.",
        "  expects 404, 410 or 403 if the DELETE succeeded, otherwise a 2xx; else a fail"
        " [termination.in-flight].",
    ),
)
async def delete_in_flight(context: ScenarioContext) -> None:
    """Delete an upload beside a held PATCH to it."""
    requirement = "termination.in-flight"
    slow = await start_paused_patch(context, send=60)
    await wait_until_received(context)
    delete_responses: list[ScenarioResponse] = []

    async def delete() -> None:
        response = await context.send("DELETE", RequestSpec())
        delete_responses.append(response)
        context.expect(
            response,
            Expectation(
                status=(204, 409, 423), checks=requirement, note=(Condition(status="4xx"),)
            ),
        )

    async def finish_patch() -> None:
        await wait_for_response(context, delete_responses)
        context.expect(
            await slow.send_rest(),
            Expectation(status=(204, "4xx"), checks=requirement, note=(Condition(closed=True),)),
        )

    await context.run_concurrently(delete, finish_patch)
    head = await context.send("HEAD", RequestSpec())
    if delete_responses[0].succeeded:
        gone = Expectation(status=(404, 410, 403), checks=requirement, otherwise="fail")
        context.expect(head, gone)
    else:
        context.expect(head, Expectation(status="2xx", checks=requirement, otherwise="fail"))
        await context.finish(
            FinishUpload(), Expectation(intact=True, checks=requirement, otherwise="fail")
        )


@function_scenario(
    id="termination.at-once",
    title="Two DELETE requests at the same time leave the upload removed",
    section="Termination/DELETE",
    extension="termination",
    checks=("termination.in-flight",),
    needs=("termination",),
    why="A client that cancels and is closed at the same moment sends both.",
    steps=(
        "Given an upload of 100 bytes, 40 bytes of it stored.",
        "DELETE the upload, twice at the same time.",
        "  expects status 204, 404, 409, 410 or 423 of each; a note for another 4xx"
        " [termination.in-flight].",
        "HEAD the upload.",
        "  expects 404, 410 or 403; else a fail if one of the two succeeded"
        " [termination.in-flight].",
    ),
)
async def delete_twice(context: ScenarioContext) -> None:
    """Race two deletions."""
    requirement = "termination.in-flight"
    await context.create_upload(GivenUpload(length=100, stored=40))
    delete_responses: list[ScenarioResponse] = []

    async def delete() -> None:
        response = await context.send("DELETE", RequestSpec())
        delete_responses.append(response)
        expected_statuses = (204, 404, 409, 410, 423)
        context.expect(
            response,
            Expectation(
                status=expected_statuses, checks=requirement, note=(Condition(status="4xx"),)
            ),
        )

    await context.run_concurrently(delete, delete)
    head = await context.send("HEAD", RequestSpec())
    deleted = any(response.succeeded for response in delete_responses)
    context.expect(
        head,
        Expectation(
            status=(404, 410, 403), checks=requirement, otherwise="fail" if deleted else "note"
        ),
    )
