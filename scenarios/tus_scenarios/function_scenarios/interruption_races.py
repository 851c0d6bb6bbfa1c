"""Requests that meet because one of them was given up: one of them wins, whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tus_scenarios.context import ScenarioContext, ScenarioResponse
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.paused_patch import upload_offset
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_REQUIREMENT = "core.patch.concurrent"
DELETE_LENGTH, DELETE_STORED, DELETE_SENT = 200_000, 100, 100_000
"""Bytes of the upload that is deleted: in all, stored, and sent in the PATCH."""

PARTIAL_LENGTH = 50_000
"""The length, in bytes, of each partial upload."""

_REQUEST_COUNT = 5
_SIZE = 1000


@function_scenario(
    id="interruption.race.one-winner",
    title="One of five concurrent PATCH requests with different bytes is stored, and completely",
    section="Core/PATCH",
    extension="core",
    checks=(_REQUIREMENT,),
    needs=("download",),
    why="Two devices of one user may resume the same upload. A file with bytes of both is corrupt.",
    steps=(
        f"Given an upload of {_SIZE} bytes.",
        f"PATCH {_SIZE} bytes at the start, {_REQUEST_COUNT} times at the same time, each with"
        " different bytes.",
        "  expects a 204 of one and a 4xx of the others; a note for a closed connection, a warning"
        " for a 5xx, a failure for a second success [core.patch.concurrent].",
        "HEAD the upload.",
        "  expects at least the acknowledged offset; else a failure [core.patch.concurrent].",
        "GET the upload, if it is complete.",
        "  expects only bytes of the successful request; else a failure [core.patch.concurrent].",
    ),
)
async def one_winner(context: ScenarioContext) -> None:
    """Race PATCH requests that differ in their bytes."""
    await context.create_upload(GivenUpload(length=_SIZE))
    responses: dict[int, ScenarioResponse] = {}

    def patch_number(number: int) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            request = RequestSpec(offset=0, at=number * _SIZE, send=_SIZE)
            responses[number] = await context.send("PATCH", request)

        return send

    await context.run_concurrently(*(patch_number(number) for number in range(_REQUEST_COUNT)))
    winners = [number for number, response in sorted(responses.items()) if response.succeeded]
    for number, response in sorted(responses.items()):
        context.expect(response, _WINNER if number in winners[:1] else _LOSERS)
    acknowledged = max((upload_offset(responses[number]) for number in winners), default=0)
    head = await context.send("HEAD", RequestSpec())
    context.expect(
        head,
        Expectation(
            status="2xx",
            header={"Upload-Offset": HeaderMatcher(least=acknowledged, most=_SIZE)},
            checks=_REQUIREMENT,
            otherwise="fail",
        ),
    )
    if upload_offset(head) == _SIZE:
        # A winner whose connection was closed cannot be told from those that lost.
        possible = winners[:1] or list(range(_REQUEST_COUNT))
        byte_ranges = [(number * _SIZE, (number + 1) * _SIZE) for number in possible]
        context.expect(
            await context.send("GET", RequestSpec()),
            Expectation(
                status=200,
                content=byte_ranges[0],
                checks=_REQUIREMENT,
                note=tuple(Condition(status=200, content=span) for span in byte_ranges[1:]),
                otherwise="fail",
            ),
        )


_WINNER = Expectation(
    status=204,
    checks=_REQUIREMENT,
    note=(Condition(status="2xx", says="success was reported with another status"),),
)
_LOSERS = Expectation(
    status="4xx",
    checks=_REQUIREMENT,
    note=(Condition(closed=True, says="the server ended the PATCH in favour of another"),),
    warn=(Condition(status="5xx", says="losing to a concurrent request is not a server error"),),
    fail=(
        Condition(
            status="2xx",
            says="the server acknowledged the bytes of two requests at the same offset",
        ),
    ),
)


@function_scenario(
    id="interruption.race.delete-and-patch",
    title="A concurrent DELETE and PATCH leave the upload removed or usable",
    section="Termination/DELETE",
    extension="termination",
    checks=("termination.in-flight",),
    needs=("termination",),
    why="A user may cancel at the moment when the client retries.",
    steps=(
        f"Given an upload of {DELETE_LENGTH} bytes, {DELETE_STORED} of them stored.",
        f"PATCH {DELETE_SENT} bytes and DELETE the upload at the same time.",
        "  expects any response but a 5xx to the PATCH, or a closed connection"
        " [termination.in-flight].",
        "  expects status 204, 404, 409, 410 or 423 for the DELETE; a note for another 4xx"
        " [termination.in-flight].",
        "HEAD the upload.",
        "  expects 404, 410 or 403 if the DELETE succeeded, otherwise a 2xx; else a failure"
        " [termination.in-flight].",
        "Resume the upload where HEAD says, if it exists, complete it, compare every byte.",
        "  expects every byte in place; else a failure [termination.in-flight].",
    ),
)
async def delete_and_patch(context: ScenarioContext) -> None:
    """Race a deletion with a retry."""
    requirement = "termination.in-flight"
    await context.create_upload(GivenUpload(length=DELETE_LENGTH, stored=DELETE_STORED))
    delete_responses: list[ScenarioResponse] = []

    async def patch() -> None:
        context.expect(
            await context.send("PATCH", RequestSpec(offset=DELETE_STORED, send=DELETE_SENT)),
            Expectation(status=("2xx", "4xx"), checks=requirement, note=(Condition(closed=True),)),
        )

    async def delete() -> None:
        delete_responses.append(await context.send("DELETE", RequestSpec()))
        expected_statuses = (204, 404, 409, 410, 423)
        context.expect(
            delete_responses[0],
            Expectation(
                status=expected_statuses, checks=requirement, note=(Condition(status="4xx"),)
            ),
        )

    await context.run_concurrently(patch, delete)
    head = await context.send("HEAD", RequestSpec())
    if delete_responses[0].succeeded:
        context.expect(
            head, Expectation(status=(404, 410, 403), checks=requirement, otherwise="fail")
        )
    else:
        context.expect(head, Expectation(status="2xx", checks=requirement, otherwise="fail"))
        await context.finish(
            FinishUpload(), Expectation(intact=True, checks=requirement, otherwise="fail")
        )


@function_scenario(
    id="interruption.race.two-finals",
    title=(
        "Two concurrent final uploads of the same partial uploads are both complete, or one"
        " is rejected"
    ),
    section="Concatenation",
    extension="concatenation",
    checks=("concatenation.partial.reuse-across", "concatenation.final.order"),
    needs=("concatenation",),
    why="A retry that overtakes the first request may find the partial uploads half consumed.",
    steps=(
        f"Given two partial uploads of {PARTIAL_LENGTH} bytes, all of them stored.",
        "POST two final uploads of these, one in each order, at the same time.",
        "  expects status 201 of each; a note for a 4xx of one, else a warning"
        " [concatenation.partial.reuse-across].",
        "HEAD each final upload that was created, compare every byte.",
        "  expects every byte in place; else a failure [concatenation.final.order].",
    ),
)
async def two_finals(context: ScenarioContext) -> None:
    """Race two concatenations."""
    for name in ("a", "b"):
        header = {"Upload-Concat": "partial"}
        await context.create_upload(
            GivenUpload(name=name, length=PARTIAL_LENGTH, stored=PARTIAL_LENGTH, header=header)
        )
    responses: dict[str, ScenarioResponse] = {}

    async def concatenate_ab() -> None:
        responses["ab"] = await context.send("POST", RequestSpec(of="ab", parts=("a", "b")))

    async def concatenate_ba() -> None:
        responses["ba"] = await context.send("POST", RequestSpec(of="ba", parts=("b", "a")))

    await context.run_concurrently(concatenate_ab, concatenate_ba)
    refused_in_use = (
        Condition(status="4xx", says="the partial uploads are in use or were removed"),
    )
    any_created = any(response.succeeded for response in responses.values())
    for response in responses.values():
        context.expect(
            response,
            Expectation(
                status=201,
                checks="concatenation.partial.reuse-across",
                note=refused_in_use if any_created else (),
                otherwise="warn",
            ),
        )
    all_intact = Expectation(intact=True, checks="concatenation.final.order", otherwise="fail")
    for name, response in responses.items():
        if response.succeeded:
            await context.finish(FinishUpload(of=name), all_intact)
