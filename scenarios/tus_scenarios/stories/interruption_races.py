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
    title="Of five PATCHes with different bytes at one offset, one is stored, and whole",
    section="Core/PATCH",
    extension="core",
    checks=(_ROW,),
    needs=("download",),
    why="Two devices of one user resume the same upload; a file made of both is worth nothing.",
    steps=(
        "Given an upload of 1000 bytes.",
        "PATCH 1000 bytes at offset 0, five times at once, each time others.",
        "  expects of one a 204, of the others a 4xx; a note for a closed connection, a warning"
        " for a 5xx, a fail for a second success [core.patch.concurrent].",
        "HEAD the upload.",
        "  expects at least the offset that was acknowledged; else a fail [core.patch.concurrent].",
        "GET the upload, if it is complete.",
        "  expects the bytes of the one that had success, and none of the others'; else a fail"
        " [core.patch.concurrent].",
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
    status=204, checks=_ROW, note=(Condition(status="2xx", says="it was told by another status"),)
)
_OTHERS = Expectation(
    status="4xx",
    checks=_ROW,
    note=(Condition(closed=True, says="it was ended in favour of another"),),
    warn=(Condition(status="5xx", says="being outdone is no failure of the server"),),
    fail=(
        Condition(status="2xx", says="the bytes of two requests were acknowledged at one place"),
    ),
)


@scenario(
    id="interruption.race.delete-and-patch",
    title="A DELETE and a PATCH that meet leave the upload gone, or usable",
    section="Termination/DELETE",
    extension="termination",
    checks=("termination.in-flight",),
    needs=("termination",),
    why="The user cancels in the moment when the client tries again.",
    steps=(
        "Given an upload of 200000 bytes, 100 of them stored.",
        "PATCH 100000 bytes and DELETE the upload at once.",
        "  expects any answer but 5xx of the PATCH, or a closed connection"
        " [termination.in-flight].",
        "  expects status 204, 404, 409, 410 or 423 of the DELETE; a note for another 4xx"
        " [termination.in-flight].",
        "HEAD the upload.",
        "  expects 404, 410 or 403 if DELETE had success, else a 2xx; else a fail"
        " [termination.in-flight].",
        "Resume the upload where HEAD says, if it is there, complete it, compare every byte.",
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
    title="Two final uploads over the same partial ones at once are both whole, or one is refused",
    section="Concatenation",
    extension="concatenation",
    checks=("concatenation.partial.reuse-across", "concatenation.final.order"),
    needs=("concatenation",),
    why="A retry that overtakes the first try finds the parts half moved.",
    steps=(
        "Given two partial uploads of 50000 bytes, all of them stored.",
        "POST a final upload over the two, and another over them in the other order, at once.",
        "  expects status 201 of each; a note for a 4xx of one, else a warning"
        " [concatenation.partial.reuse-across].",
        "Ask for each that was made with HEAD, compare every byte.",
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
    refusable = (Condition(status="4xx", says="the partial uploads are in use, or gone"),)
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
