"""Bodies whose pace matters: in two pieces, broken off, or standing still."""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext, ScenarioResponse
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.paused_patch import (
    MAX_PAUSE,
    PAUSED_AFTER,
    PAUSED_LENGTH,
    start_paused_patch,
    wait_for_response,
    wait_until_received,
)
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_EXCEEDS_LENGTH = "core.patch.exceeds-length"
DECLARED_LENGTH = 10
"""The length, in bytes, of the upload whose body is too long."""

TOO_LONG = 15
"""The length, in bytes, of that body."""

EXTRA_WAIT = 5
"""Seconds to wait for a timeout, on top of twice the timeout."""

DELETED_PATCH = 60
"""The length, in bytes, of the PATCH during which the upload is deleted."""


@function_scenario(
    id="core.patch.exceeds-length-in-two",
    title="A body that exceeds the length in its second part does not extend the upload",
    section="Core/PATCH",
    extension="core",
    checks=(_EXCEEDS_LENGTH,),
    why="A server that checks only the first part it reads stores a file that is too long.",
    steps=(
        f"Given an upload of {DECLARED_LENGTH} bytes.",
        f"PATCH {TOO_LONG} bytes in chunked coding, the first {DECLARED_LENGTH} separately.",
        f"  expects a 4xx; a note for a 2xx with an Upload-Offset of {DECLARED_LENGTH} at most, a"
        " warning for a"
        " closed connection [core.patch.exceeds-length].",
        "HEAD the upload.",
        f"  expects an Upload-Offset of {DECLARED_LENGTH} at most; else a failure"
        " [core.patch.exceeds-length].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.exceeds-length].",
    ),
)
async def exceeds_in_two(context: ScenarioContext) -> None:
    """Send a body too long in two pieces."""
    await context.create_upload(GivenUpload(length=DECLARED_LENGTH))
    paused = await context.open_request(
        "PATCH", RequestSpec(offset=0, send=TOO_LONG, framing="chunked")
    )
    await paused.send_body(DECLARED_LENGTH)
    context.expect(
        await paused.send_rest(),
        Expectation(
            status="4xx",
            checks=_EXCEEDS_LENGTH,
            note=(
                Condition(
                    status="2xx", header={"Upload-Offset": HeaderMatcher(most=DECLARED_LENGTH)}
                ),
            ),
            warn=(Condition(closed=True),),
            fail=(
                Condition(
                    status="2xx", header={"Upload-Offset": HeaderMatcher(least=DECLARED_LENGTH + 1)}
                ),
            ),
        ),
    )
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(
            status="2xx",
            header={"Upload-Offset": HeaderMatcher(most=DECLARED_LENGTH)},
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
        f"Given an upload of {PAUSED_LENGTH} bytes.",
        f"PATCH all of it, pause the body after {PAUSED_AFTER} bytes, and wait for twice the"
        " timeout in the"
        f" profile plus {EXTRA_WAIT} seconds.",
        "  expects a closed connection, or a 4xx; else a note [core.net.timeouts].",
        "  expects a closed connection, or a 4xx before that; else a warning"
        " [core.net.timeout-close].",
        "HEAD the upload.",
        f"  expects some bytes to be kept, {PAUSED_AFTER} at most; a warning for none, else a"
        " failure [core.patch.store-partial].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.store-partial].",
    ),
)
async def close_stalled_patch(context: ScenarioContext) -> None:
    """Stall a PATCH for longer than the server waits."""
    paused = await start_paused_patch(context)
    timeout_response = await paused.wait_for_reply(
        2 * context.profile_seconds("network-timeout") + EXTRA_WAIT
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
            header={"Upload-Offset": HeaderMatcher(least=1, most=PAUSED_AFTER)},
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
        f"Given an upload of {PAUSED_LENGTH} bytes.",
        f"PATCH {DELETED_PATCH} bytes of it, and pause the body after {PAUSED_AFTER} bytes.",
        f"OPTIONS the creation URL, so that the {PAUSED_AFTER} bytes arrive first.",
        "DELETE the upload at the same time.",
        "  expects status 204, 409 or 423; a note for another 4xx [termination.in-flight].",
        f"Continue the PATCH when DELETE has a response, or after {MAX_PAUSE:g} seconds.",
        "  expects any response but a 5xx, or a closed connection [termination.in-flight].",
        "HEAD the upload.",
        "  expects 404, 410 or 403 if the DELETE succeeded, otherwise a 2xx; else a failure"
        " [termination.in-flight].",
    ),
)
async def delete_in_flight(context: ScenarioContext) -> None:
    """Delete an upload beside a held PATCH to it."""
    requirement = "termination.in-flight"
    slow = await start_paused_patch(context, send=DELETED_PATCH)
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
        f"Given an upload of {PAUSED_LENGTH} bytes, {PAUSED_AFTER} bytes of it stored.",
        "DELETE the upload, twice at the same time.",
        "  expects status 204, 404, 409, 410 or 423 of each; a note for another 4xx"
        " [termination.in-flight].",
        "HEAD the upload.",
        "  expects 404, 410 or 403; else a failure if one of the two succeeded"
        " [termination.in-flight].",
    ),
)
async def delete_twice(context: ScenarioContext) -> None:
    """Race two deletions."""
    requirement = "termination.in-flight"
    await context.create_upload(GivenUpload(length=PAUSED_LENGTH, stored=PAUSED_AFTER))
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
