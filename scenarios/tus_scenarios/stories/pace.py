"""Bodies whose pace matters: in two pieces, broken off, or standing still."""

from __future__ import annotations

from tus_scenarios.expectation import Condition, Expectation, Matcher
from tus_scenarios.functions import scenario
from tus_scenarios.step import Finish, Given, Request
from tus_scenarios.stories.overlap import arrived, held_back, once_answered
from tus_scenarios.story import Reply, Story

_BEYOND = "core.patch.exceeds-length"


@scenario(
    id="core.patch.exceeds-length-in-two",
    title="A body that exceeds the length in its second part does not extend the upload",
    section="Core/PATCH",
    extension="core",
    checks=(_BEYOND,),
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
async def exceeds_in_two(story: Story) -> None:
    """Send a body too long in two pieces."""
    await story.given(Given(length=10))
    paced = await story.hold("PATCH", Request(offset=0, send=15, framing="chunked"))
    await paced.feed(10)
    story.expect(
        await paced.reply(),
        Expectation(
            status="4xx",
            checks=_BEYOND,
            note=(Condition(status="2xx", header={"Upload-Offset": Matcher(most=10)}),),
            warn=(Condition(closed=True),),
            fail=(Condition(status="2xx", header={"Upload-Offset": Matcher(least=11)}),),
        ),
    )
    story.expect(
        await story.send("HEAD", Request()),
        Expectation(
            status="2xx",
            header={"Upload-Offset": Matcher(most=10)},
            checks=_BEYOND,
            otherwise="fail",
        ),
    )
    await story.finish(Finish(), Expectation(intact=True, checks=_BEYOND, otherwise="fail"))


@scenario(
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
async def stands_still(story: Story) -> None:
    """Stall a PATCH for longer than the server waits."""
    paced = await held_back(story)
    given_up = await paced.answer(2 * story.knows("network-timeout") + 5)
    answered = (Condition(status="4xx"), Condition(status="5xx"))
    story.expect(
        given_up,
        Expectation(closed=True, checks="core.net.timeouts", note=answered),
        Expectation(
            closed=True, checks="core.net.timeout-close", note=answered[:1], warn=answered[1:]
        ),
    )
    kept = Condition(
        header={"Upload-Offset": Matcher(most=0)}, says="the server kept none of the bytes"
    )
    story.expect(
        await story.send("HEAD", Request()),
        Expectation(
            status="2xx",
            header={"Upload-Offset": Matcher(least=1, most=40)},
            checks="core.patch.store-partial",
            warn=(kept,),
            otherwise="fail",
        ),
    )
    await story.finish(
        Finish(), Expectation(intact=True, checks="core.patch.store-partial", otherwise="fail")
    )


@scenario(
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
async def delete_in_flight(story: Story) -> None:
    """Delete an upload beside a held PATCH to it."""
    row = "termination.in-flight"
    slow = await held_back(story, send=60)
    await arrived(story)
    deletions: list[Reply] = []

    async def delete() -> None:
        reply = await story.send("DELETE", Request())
        deletions.append(reply)
        story.expect(
            reply,
            Expectation(status=(204, 409, 423), checks=row, note=(Condition(status="4xx"),)),
        )

    async def go_on() -> None:
        await once_answered(story, deletions)
        story.expect(
            await slow.reply(),
            Expectation(status=(204, "4xx"), checks=row, note=(Condition(closed=True),)),
        )

    await story.together(delete, go_on)
    head = await story.send("HEAD", Request())
    if deletions[0].succeeded:
        gone = Expectation(status=(404, 410, 403), checks=row, otherwise="fail")
        story.expect(head, gone)
    else:
        story.expect(head, Expectation(status="2xx", checks=row, otherwise="fail"))
        await story.finish(Finish(), Expectation(intact=True, checks=row, otherwise="fail"))


@scenario(
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
async def delete_twice(story: Story) -> None:
    """Race two deletions."""
    row = "termination.in-flight"
    await story.given(Given(length=100, stored=40))
    deletions: list[Reply] = []

    async def delete() -> None:
        reply = await story.send("DELETE", Request())
        deletions.append(reply)
        right = (204, 404, 409, 410, 423)
        story.expect(reply, Expectation(status=right, checks=row, note=(Condition(status="4xx"),)))

    await story.together(delete, delete)
    head = await story.send("HEAD", Request())
    deleted = any(reply.succeeded for reply in deletions)
    story.expect(
        head,
        Expectation(status=(404, 410, 403), checks=row, otherwise="fail" if deleted else "note"),
    )
