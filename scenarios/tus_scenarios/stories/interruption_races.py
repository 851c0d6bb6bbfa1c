"""Requests that meet because one of them was given up: one of them wins, whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tus_scenarios.expectation import Condition, Expectation, Matcher
from tus_scenarios.functions import scenario
from tus_scenarios.step import Finish, Given, Request
from tus_scenarios.stories.overlap import offset_told
from tus_scenarios.story import Reply, Story

_ROW = "core.patch.concurrent"
_MANY = 5
_SIZE = 1000


@scenario(
    id="interruption.race.one-winner",
    title="One of five concurrent PATCH requests with different bytes is stored, and completely",
    section="Core/PATCH",
    extension="core",
    checks=(_ROW,),
    needs=("download",),
    why="Two devices of one user may resume the same upload. A file with bytes of both is corrupt.",
    steps=(
        "Given an upload of 1000 bytes.",
        "PATCH 1000 bytes at offset 0, five times at the same time, each with different bytes.",
        "  expects a 204 of one and a 4xx of the others; a note for a closed connection, a warning"
        " for a 5xx, a fail for a second success [core.patch.concurrent].",
        "HEAD the upload.",
        "  expects at least the acknowledged offset; else a fail [core.patch.concurrent].",
        "GET the upload, if it is complete.",
        "  expects only the bytes of the successful request; else a fail [core.patch.concurrent].",
    ),
)
async def one_winner(story: Story) -> None:
    """Race five PATCHes that differ in their bytes."""
    await story.given(Given(length=_SIZE))
    replies: dict[int, Reply] = {}

    def sending(number: int) -> Callable[[], Awaitable[None]]:
        async def send() -> None:
            request = Request(offset=0, at=number * _SIZE, send=_SIZE)
            replies[number] = await story.send("PATCH", request)

        return send

    await story.together(*(sending(number) for number in range(_MANY)))
    winners = [number for number, reply in sorted(replies.items()) if reply.succeeded]
    for number, reply in sorted(replies.items()):
        story.expect(reply, _FIRST if number in winners[:1] else _OTHERS)
    acknowledged = max((offset_told(replies[number]) for number in winners), default=0)
    head = await story.send("HEAD", Request())
    story.expect(
        head,
        Expectation(
            status="2xx",
            header={"Upload-Offset": Matcher(least=acknowledged, most=_SIZE)},
            checks=_ROW,
            otherwise="fail",
        ),
    )
    if offset_told(head) == _SIZE:
        # A winner whose connection was closed cannot be told from those that lost.
        possible = winners[:1] or list(range(_MANY))
        bytes_of = [(number * _SIZE, (number + 1) * _SIZE) for number in possible]
        story.expect(
            await story.send("GET", Request()),
            Expectation(
                status=200,
                content=bytes_of[0],
                checks=_ROW,
                note=tuple(Condition(status=200, content=span) for span in bytes_of[1:]),
                otherwise="fail",
            ),
        )


_FIRST = Expectation(
    status=204,
    checks=_ROW,
    note=(Condition(status="2xx", says="success was reported with another status"),),
)
_OTHERS = Expectation(
    status="4xx",
    checks=_ROW,
    note=(Condition(closed=True, says="the server ended the PATCH in favour of another"),),
    warn=(Condition(status="5xx", says="losing to a concurrent request is not a server error"),),
    fail=(
        Condition(
            status="2xx",
            says="the server acknowledged the bytes of two requests at the same offset",
        ),
    ),
)


@scenario(
    id="interruption.race.delete-and-patch",
    title="A concurrent DELETE and PATCH leave the upload removed or usable",
    section="Termination/DELETE",
    extension="termination",
    checks=("termination.in-flight",),
    needs=("termination",),
    why="A user may cancel at the moment when the client retries.",
    steps=(
        "Given an upload of 200000 bytes, 100 of them stored.",
        "PATCH 100000 bytes and DELETE the upload at the same time.",
        "  expects any response but a 5xx to the PATCH, or a closed connection"
        " [termination.in-flight].",
        "  expects status 204, 404, 409, 410 or 423 for the DELETE; a note for another 4xx"
        " [termination.in-flight].",
        "HEAD the upload.",
        "  expects 404, 410 or 403 if the DELETE succeeded, otherwise a 2xx; else a fail"
        " [termination.in-flight].",
        "Resume the upload where HEAD says, if it exists, complete it, compare every byte.",
        "  expects every byte in place; else a fail [termination.in-flight].",
    ),
)
async def delete_and_patch(story: Story) -> None:
    """Race a deletion with a retry."""
    row = "termination.in-flight"
    await story.given(Given(length=200_000, stored=100))
    deletions: list[Reply] = []

    async def patch() -> None:
        story.expect(
            await story.send("PATCH", Request(offset=100, send=100_000)),
            Expectation(status=("2xx", "4xx"), checks=row, note=(Condition(closed=True),)),
        )

    async def delete() -> None:
        deletions.append(await story.send("DELETE", Request()))
        right = (204, 404, 409, 410, 423)
        story.expect(
            deletions[0],
            Expectation(status=right, checks=row, note=(Condition(status="4xx"),)),
        )

    await story.together(patch, delete)
    head = await story.send("HEAD", Request())
    if deletions[0].succeeded:
        story.expect(head, Expectation(status=(404, 410, 403), checks=row, otherwise="fail"))
    else:
        story.expect(head, Expectation(status="2xx", checks=row, otherwise="fail"))
        await story.finish(Finish(), Expectation(intact=True, checks=row, otherwise="fail"))


@scenario(
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
        "Given two partial uploads of 50000 bytes, all of them stored.",
        "POST two final uploads of these, one in each order, at the same time.",
        "  expects status 201 of each; a note for a 4xx of one, else a warning"
        " [concatenation.partial.reuse-across].",
        "HEAD each final upload that was created, compare every byte.",
        "  expects every byte in place; else a fail [concatenation.final.order].",
    ),
)
async def two_finals(story: Story) -> None:
    """Race two concatenations."""
    for name in ("a", "b"):
        header = {"Upload-Concat": "partial"}
        await story.given(Given(name=name, length=50_000, stored=50_000, header=header))
    replies: dict[str, Reply] = {}

    async def forwards() -> None:
        replies["ab"] = await story.send("POST", Request(of="ab", parts=("a", "b")))

    async def backwards() -> None:
        replies["ba"] = await story.send("POST", Request(of="ba", parts=("b", "a")))

    await story.together(forwards, backwards)
    refusable = (Condition(status="4xx", says="the partial uploads are in use or were removed"),)
    any_made = any(reply.succeeded for reply in replies.values())
    for reply in replies.values():
        story.expect(
            reply,
            Expectation(
                status=201,
                checks="concatenation.partial.reuse-across",
                note=refusable if any_made else (),
                otherwise="warn",
            ),
        )
    whole = Expectation(intact=True, checks="concatenation.final.order", otherwise="fail")
    for name, reply in replies.items():
        if reply.succeeded:
            await story.finish(Finish(of=name), whole)
