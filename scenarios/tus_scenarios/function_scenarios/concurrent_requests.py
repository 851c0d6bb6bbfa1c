"""Two requests for one upload at the same time.

The specification does not speak of locks. Whatever a server does with the two, it must not lose,
double or mix bytes, and what it acknowledged must be there afterwards.
"""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext, ScenarioResponse
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.paused_patch import (
    MAX_PAUSE,
    PAUSED_AFTER,
    PAUSED_LENGTH,
    RESPONSE_TIMEOUT,
    start_paused_patch,
    upload_offset,
    wait_for_response,
    wait_until_received,
)
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

RETRY_COUNT = 4
"""How many identical requests are sent at the same time."""

SECOND_LENGTH = 60
"""The length, in bytes, of the body that competes with a paused one."""

SHORT_LENGTH = 50
"""The length, in bytes, of a paused body that is shorter than the other."""

RECOVERY_TIMEOUT = 30.0
"""Seconds until an upload at which requests have met is to be answered for again."""

_REQUIREMENT = "core.patch.concurrent"
_INTACT = Expectation(intact=True, checks=_REQUIREMENT, otherwise="fail")
_REFUSED_OR_STORED = Expectation(
    status=(204, 409, 423),
    checks=_REQUIREMENT,
    note=(Condition(status="4xx"),),
    warn=(Condition(closed=True, says="the connection was closed without a response"),),
    otherwise="warn",
)
# Which of those that meet comes last is chance, and with it who is outdone, and how.
_STORED_OR_SUPERSEDED = Expectation(
    status=(204, "4xx"),
    checks=_REQUIREMENT,
    warn=(Condition(closed=True, says="the connection was closed without a response"),),
    otherwise="warn",
)
_SUPERSEDED = Expectation(
    status=(204, "4xx"),
    checks=_REQUIREMENT,
    note=(
        Condition(closed=True, says="the server ended the PATCH in favour of the newer request"),
    ),
    warn=(Condition(status="5xx", says="losing to a concurrent request is not a server error"),),
    otherwise="warn",
)
_ANSWERED = Expectation(
    status=("2xx", "3xx", "4xx", "5xx"),
    closed=False,
    checks=_REQUIREMENT,
    otherwise="warn",
    says="after two concurrent requests the upload no longer responds",
)


def acknowledged_offset(*responses: ScenarioResponse) -> int:
    """Return the highest offset that a successful answer acknowledged."""
    return max((upload_offset(response) for response in responses if response.succeeded), default=0)


async def _check_upload_intact(context: ScenarioContext, *responses: ScenarioResponse) -> None:
    """Check that nothing acknowledged is lost, and that the upload can be completed."""
    heads: list[ScenarioResponse] = []

    async def is_answered() -> bool:
        heads.append(await context.send("HEAD", RequestSpec()))
        return heads[-1].status is not None

    await context.wait_until(is_answered, seconds=RECOVERY_TIMEOUT)
    head = heads[-1]
    if not context.expect(head, _ANSWERED):
        return
    stored = acknowledged_offset(*responses)
    offset_matcher = HeaderMatcher(least=stored, most=PAUSED_LENGTH)
    is_found = Condition(status="2xx")
    context.expect(
        head,
        Expectation(
            # That a complete upload has to be found at all is another row.
            when=is_found if stored == PAUSED_LENGTH else None,
            status="2xx",
            header={"Upload-Offset": offset_matcher},
            checks=_REQUIREMENT,
            otherwise="fail",
            says="acknowledged bytes are lost, or there are more bytes than were sent",
        ),
    )
    await context.finish(FinishUpload(), _INTACT)


_OVERLAP_STEPS = (
    f"OPTIONS the creation URL, so that the {PAUSED_AFTER} bytes arrive first.",
    f"PATCH {SECOND_LENGTH} bytes at the start at the same time.",
    "  expects status 204, 409 or 423; a note for another 4xx, else a warning"
    " [core.patch.concurrent].",
    f"Continue the first PATCH when the second has a response, or after {MAX_PAUSE:g} seconds.",
    "  expects status 204 or 4xx; a note for a closed connection, else a warning"
    " [core.patch.concurrent].",
    f"HEAD the upload, repeated for up to {RECOVERY_TIMEOUT:g} seconds until it responds.",
    "  expects a response; else a warning [core.patch.concurrent].",
    "  expects at least the acknowledged offset; else a failure [core.patch.concurrent].",
    "Resume the upload at the offset from HEAD, complete it, compare every byte.",
    "  expects every byte in place; else a failure [core.patch.concurrent].",
)


async def _overlap_patches(context: ScenarioContext, slow_length: int) -> None:
    """Overlap a paused PATCH of `slow_length` bytes with one of SECOND_LENGTH bytes."""
    slow = await start_paused_patch(context, slow_length)
    await wait_until_received(context)
    responses: list[ScenarioResponse] = []

    async def send_second() -> None:
        response = await context.send("PATCH", RequestSpec(offset=0, at=0, send=SECOND_LENGTH))
        responses.append(response)
        context.expect(response, _REFUSED_OR_STORED)

    async def finish_first() -> None:
        await wait_for_response(context, responses)
        response = await slow.send_rest()
        responses.append(response)
        context.expect(response, _SUPERSEDED)

    await context.run_concurrently(send_second, finish_first)
    await _check_upload_intact(context, *responses)


@function_scenario(
    id="core.patch.concurrent.slow-and-fast",
    title="A PATCH responds while another PATCH is in progress at the same offset",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    why=(
        "A client that considers its connection dead retries while the server still waits for"
        " the old request. If the server appends the bytes of both, the file is corrupt."
    ),
    steps=(
        f"Given an upload of {PAUSED_LENGTH} bytes.",
        f"PATCH all of it from the start, and pause the body after {PAUSED_AFTER} bytes.",
        *_OVERLAP_STEPS,
    ),
)
async def slow_and_fast(context: ScenarioContext) -> None:
    """Overlap a paused PATCH with a shorter one."""
    await _overlap_patches(context, PAUSED_LENGTH)


@function_scenario(
    id="core.patch.concurrent.slow-and-longer",
    title="A slow PATCH that ends last does not take back the offset of a longer PATCH",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    why=(
        "A client that retries with a larger chunk has its bytes acknowledged. If the old request"
        " then sets the offset to its own end, acknowledged bytes are lost."
    ),
    steps=(
        f"Given an upload of {PAUSED_LENGTH} bytes.",
        f"PATCH {SHORT_LENGTH} bytes from the start, and pause the body after {PAUSED_AFTER}.",
        *_OVERLAP_STEPS,
    ),
)
async def slow_and_longer(context: ScenarioContext) -> None:
    """Overlap a paused PATCH with a longer one."""
    await _overlap_patches(context, SHORT_LENGTH)


@function_scenario(
    id="core.patch.concurrent.at-once",
    title="Four identical PATCH requests at the same time are stored once",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    why=(
        "Retries that overtake each other meet between the offset check and the write."
        " Without a lock their bytes are stored twice."
    ),
    steps=(
        f"Given an upload of {PAUSED_LENGTH} bytes.",
        f"PATCH {PAUSED_LENGTH} bytes at the start, {RETRY_COUNT} times at the same time.",
        "  expects status 204 or 4xx of each; a warning for no response [core.patch.concurrent].",
        f"HEAD the upload, repeated for up to {RECOVERY_TIMEOUT:g} seconds until it responds.",
        "  expects a response; else a warning [core.patch.concurrent].",
        "  expects at least the acknowledged offset; else a failure [core.patch.concurrent].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.concurrent].",
    ),
)
async def at_once(context: ScenarioContext) -> None:
    """Race whole PATCH requests."""
    await context.create_upload(GivenUpload(length=PAUSED_LENGTH))
    responses: list[ScenarioResponse] = []

    async def patch() -> None:
        response = await context.send("PATCH", RequestSpec(offset=0, at=0, send=PAUSED_LENGTH))
        responses.append(response)
        context.expect(response, _STORED_OR_SUPERSEDED)

    await context.run_concurrently(*(patch for _ in range(RETRY_COUNT)))
    await _check_upload_intact(context, *responses)


@function_scenario(
    id="core.patch.concurrent.head-meanwhile",
    title="HEAD responds while a PATCH is in progress and reports only bytes that were sent",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT, "core.head.offset-accurate"),
    why=(
        "A client that lost its connection sends HEAD while the server still waits for the"
        " old request. It starts over on any response but success, 409 or 423."
    ),
    steps=(
        f"Given an upload of {PAUSED_LENGTH} bytes.",
        f"PATCH all of it, and pause the body after {PAUSED_AFTER} bytes.",
        f"OPTIONS the creation URL, so that the {PAUSED_AFTER} bytes arrive first.",
        "HEAD the upload at the same time.",
        "  expects a 2xx or 423; else a warning [core.patch.concurrent].",
        f"  expects an Upload-Offset of {PAUSED_AFTER} at most; else a failure"
        " [core.head.offset-accurate].",
        f"Continue the PATCH when HEAD has a response, or after {MAX_PAUSE:g} seconds.",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.concurrent].",
    ),
)
async def head_meanwhile(context: ScenarioContext) -> None:
    """Ask with HEAD beside a held PATCH."""
    slow = await start_paused_patch(context)
    await wait_until_received(context)
    head_responses: list[ScenarioResponse] = []
    late = False

    async def send_head() -> None:
        response = await context.send("HEAD", RequestSpec())
        head_responses.append(response)
        context.expect(
            response,
            Expectation(status=("2xx", 423), checks=_REQUIREMENT, otherwise="warn"),
        )
        if not late:
            context.expect(
                response,
                Expectation(
                    when=Condition(header={"Upload-Offset": True}),
                    header={"Upload-Offset": HeaderMatcher(most=PAUSED_AFTER)},
                    checks="core.head.offset-accurate",
                    otherwise="fail",
                    says="the server reports more bytes than were sent",
                ),
            )

    async def resume() -> None:
        nonlocal late
        late = not await wait_for_response(context, head_responses)
        await slow.send_rest()

    await context.run_concurrently(send_head, resume)
    await context.finish(FinishUpload(), _INTACT)


@function_scenario(
    id="core.patch.concurrent.others-go-on",
    title="A stalled upload does not block another upload",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    why="One client with a slow connection must not block the uploads of others.",
    steps=(
        f"Given two uploads of {PAUSED_LENGTH} bytes.",
        f"PATCH all of the first, and pause the body after {PAUSED_AFTER} bytes.",
        f"HEAD the second and PATCH all of it at the same time; each has {RESPONSE_TIMEOUT:g}"
        " seconds to respond.",
        "  expects status 2xx and 204; else a warning [core.patch.concurrent].",
        "Continue the first PATCH.",
        "Resume both uploads, complete them, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.concurrent].",
    ),
)
async def others_not_blocked(context: ScenarioContext) -> None:
    """Use one upload beside a held PATCH to another."""
    await context.create_upload(GivenUpload(name="a", length=PAUSED_LENGTH))
    await context.create_upload(GivenUpload(name="b", length=PAUSED_LENGTH))
    slow = await context.open_request("PATCH", RequestSpec(of="a", offset=0, send=PAUSED_LENGTH))
    await slow.send_body(PAUSED_AFTER)
    await _check_responsive(context, "b")
    await slow.send_rest()
    await context.finish(FinishUpload(of="a"), _INTACT)
    await context.finish(FinishUpload(of="b"), _INTACT)


@function_scenario(
    id="core.patch.concurrent.others-beside-two",
    title="Two concurrent PATCH requests to one upload do not block another upload",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    why="A server that waits for the lock of one upload must not block all other uploads.",
    steps=(
        f"Given two uploads of {PAUSED_LENGTH} bytes.",
        f"PATCH all of the first, and pause the body after {PAUSED_AFTER} bytes.",
        f"PATCH {SECOND_LENGTH} bytes of it at the same offset.",
        f"HEAD the second and PATCH all of it at the same time; each has {RESPONSE_TIMEOUT:g}"
        " seconds to respond.",
        "  expects status 2xx and 204; else a warning [core.patch.concurrent].",
        "Continue the first PATCH.",
        "Resume the second upload, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.concurrent].",
    ),
)
async def others_not_blocked_by_two(context: ScenarioContext) -> None:
    """Use one upload while two PATCHes meet at another."""
    await context.create_upload(GivenUpload(name="a", length=PAUSED_LENGTH))
    await context.create_upload(GivenUpload(name="b", length=PAUSED_LENGTH))
    slow = await context.open_request("PATCH", RequestSpec(of="a", offset=0, send=PAUSED_LENGTH))
    await slow.send_body(PAUSED_AFTER)
    fast = await context.open_request(
        "PATCH", RequestSpec(of="a", offset=0, at=0, send=SECOND_LENGTH)
    )
    await fast.send_body(SECOND_LENGTH)
    responsive = await _check_responsive(context, "b")

    async def finish_first() -> None:
        await slow.send_rest()

    async def send_second() -> None:
        await fast.send_rest()

    await context.run_concurrently(finish_first, send_second)
    if responsive:
        await context.finish(FinishUpload(of="b"), _INTACT)


async def _check_responsive(context: ScenarioContext, name: str) -> bool:
    """Judge that HEAD and a PATCH of an upload are answered in time."""
    head = await context.open_request("HEAD", RequestSpec(of=name))
    is_found = context.expect(
        await head.wait_for_reply(RESPONSE_TIMEOUT),
        Expectation(status="2xx", closed=False, checks=_REQUIREMENT, otherwise="warn"),
    )
    patch = await context.open_request("PATCH", RequestSpec(of=name, offset=0, send=PAUSED_LENGTH))
    await patch.send_body(PAUSED_LENGTH)
    stored = context.expect(
        await patch.wait_for_reply(RESPONSE_TIMEOUT),
        Expectation(status=204, closed=False, checks=_REQUIREMENT, otherwise="warn"),
    )
    return is_found and stored
