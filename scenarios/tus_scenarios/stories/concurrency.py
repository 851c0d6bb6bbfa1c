"""Two requests for one upload at the same time.

The specification does not speak of locks. Whatever a server does with the two, it must not lose,
double or mix bytes, and what it acknowledged must be there afterwards.
"""

from __future__ import annotations

from tus_scenarios.expectation import Condition, Expectation, Matcher
from tus_scenarios.functions import scenario
from tus_scenarios.step import Finish, Given, Request
from tus_scenarios.stories.overlap import LIVENESS, arrived, held_back, offset_told, once_answered
from tus_scenarios.story import Reply, Story

SETTLING = 30.0
"""Seconds until an upload at which requests have met is to be answered for again."""

_ROW = "core.patch.concurrent"
_INTACT = Expectation(intact=True, checks=_ROW, otherwise="fail")
_REFUSED_OR_DONE = Expectation(
    status=(204, 409, 423),
    checks=_ROW,
    note=(Condition(status="4xx"),),
    warn=(Condition(closed=True, says="the connection was closed without a response"),),
    otherwise="warn",
)
# Which of those that meet comes last is chance, and with it who is outdone, and how.
_DONE_OR_OUTDONE = Expectation(
    status=(204, "4xx"),
    checks=_ROW,
    warn=(Condition(closed=True, says="the connection was closed without a response"),),
    otherwise="warn",
)
_OUTDONE = Expectation(
    status=(204, "4xx"),
    checks=_ROW,
    note=(
        Condition(closed=True, says="the server ended the PATCH in favour of the newer request"),
    ),
    warn=(Condition(status="5xx", says="losing to a concurrent request is not a server error"),),
    otherwise="warn",
)
_ANSWERED = Expectation(
    status=("2xx", "3xx", "4xx", "5xx"),
    closed=False,
    checks=_ROW,
    otherwise="warn",
    says="after two concurrent requests the upload no longer responds",
)


def acknowledged(*replies: Reply) -> int:
    """Return the highest offset that a successful answer acknowledged."""
    return max((offset_told(reply) for reply in replies if reply.succeeded), default=0)


async def _settled(story: Story, *replies: Reply) -> None:
    """Judge that nothing acknowledged is lost, and that the upload can be completed."""
    heads: list[Reply] = []

    async def answered() -> bool:
        heads.append(await story.send("HEAD", Request()))
        return heads[-1].status is not None

    await story.until(answered, seconds=SETTLING)
    head = heads[-1]
    if not story.expect(head, _ANSWERED):
        return
    stored = acknowledged(*replies)
    kept = Matcher(least=stored, most=100)
    found = Condition(status="2xx")
    story.expect(
        head,
        Expectation(
            # That a complete upload has to be found at all is another row.
            when=found if stored == 100 else None,
            status="2xx",
            header={"Upload-Offset": kept},
            checks=_ROW,
            otherwise="fail",
            says="acknowledged bytes are lost, or there are more bytes than were sent",
        ),
    )
    await story.finish(Finish(), _INTACT)


@scenario(
    id="core.patch.concurrent.slow-and-fast",
    title="A PATCH responds while another PATCH is in progress at the same offset",
    section="Core/PATCH",
    extension="core",
    checks=(_ROW,),
    why=(
        "A client that considers its connection dead retries while the server still waits for"
        " the old request. If the server appends the bytes of both, the file is corrupt."
    ),
    steps=(
        "Given an upload of 100 bytes.",
        "PATCH all of it at offset 0, and pause the body after 40 bytes.",
        "OPTIONS the creation URL, so that the 40 bytes arrive first.",
        "PATCH 60 bytes at offset 0 at the same time.",
        "  expects status 204, 409 or 423; a note for another 4xx, else a warning"
        " [core.patch.concurrent].",
        "Continue the first PATCH when the second has a response, or after 3 seconds.",
        "  expects status 204 or 4xx; a note for a closed connection, else a warning"
        " [core.patch.concurrent].",
        "HEAD the upload, repeated for up to 30 seconds until it responds.",
        "  expects a response; else a warning [core.patch.concurrent].",
        "  expects at least the acknowledged offset; else a fail [core.patch.concurrent].",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.patch.concurrent].",
    ),
)
async def slow_and_fast(story: Story) -> None:
    """Overlap a held PATCH with a whole one."""
    slow = await held_back(story)
    await arrived(story)
    replies: list[Reply] = []

    async def second() -> None:
        reply = await story.send("PATCH", Request(offset=0, at=0, send=60))
        replies.append(reply)
        story.expect(reply, _REFUSED_OR_DONE)

    async def first() -> None:
        await once_answered(story, replies)
        reply = await slow.reply()
        replies.append(reply)
        story.expect(reply, _OUTDONE)

    await story.together(second, first)
    await _settled(story, *replies)


@scenario(
    id="core.patch.concurrent.at-once",
    title="Four identical PATCH requests at the same time are stored once",
    section="Core/PATCH",
    extension="core",
    checks=(_ROW,),
    why=(
        "Retries that overtake each other meet between the offset check and the write."
        " Without a lock their bytes are stored twice."
    ),
    steps=(
        "Given an upload of 100 bytes.",
        "PATCH 100 bytes at offset 0, four times at the same time.",
        "  expects status 204 or 4xx of each; a warning for no response [core.patch.concurrent].",
        "HEAD the upload, repeated for up to 30 seconds until it responds.",
        "  expects a response; else a warning [core.patch.concurrent].",
        "  expects at least the acknowledged offset; else a fail [core.patch.concurrent].",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.patch.concurrent].",
    ),
)
async def at_once(story: Story) -> None:
    """Race four whole PATCHes."""
    await story.given(Given(length=100))
    replies: list[Reply] = []

    async def one() -> None:
        reply = await story.send("PATCH", Request(offset=0, at=0, send=100))
        replies.append(reply)
        story.expect(reply, _DONE_OR_OUTDONE)

    await story.together(one, one, one, one)
    await _settled(story, *replies)


@scenario(
    id="core.patch.concurrent.head-meanwhile",
    title="HEAD responds while a PATCH is in progress and reports only bytes that were sent",
    section="Core/PATCH",
    extension="core",
    checks=(_ROW, "core.head.offset-accurate"),
    why=(
        "A client that lost its connection sends HEAD while the server still waits for the"
        " old request. It starts over on any response but success, 409 or 423."
    ),
    steps=(
        "Given an upload of 100 bytes.",
        "PATCH all of it, and pause the body after 40 bytes.",
        "OPTIONS the creation URL, so that the 40 bytes arrive first.",
        "HEAD the upload at the same time.",
        "  expects a 2xx or 423; else a warning [core.patch.concurrent].",
        "  expects an Upload-Offset of 40 at most; else a fail [core.head.offset-accurate].",
        "Continue the PATCH when HEAD has a response, or after 3 seconds.",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.patch.concurrent].",
    ),
)
async def head_meanwhile(story: Story) -> None:
    """Ask with HEAD beside a held PATCH."""
    slow = await held_back(story)
    await arrived(story)
    asked: list[Reply] = []
    late = False

    async def ask() -> None:
        reply = await story.send("HEAD", Request())
        asked.append(reply)
        story.expect(
            reply,
            Expectation(status=("2xx", 423), checks=_ROW, otherwise="warn"),
        )
        if not late:
            story.expect(
                reply,
                Expectation(
                    when=Condition(header={"Upload-Offset": True}),
                    header={"Upload-Offset": Matcher(most=40)},
                    checks="core.head.offset-accurate",
                    otherwise="fail",
                    says="the server reports more bytes than were sent",
                ),
            )

    async def go_on() -> None:
        nonlocal late
        late = not await once_answered(story, asked)
        await slow.reply()

    await story.together(ask, go_on)
    await story.finish(Finish(), _INTACT)


@scenario(
    id="core.patch.concurrent.others-go-on",
    title="A stalled upload does not block another upload",
    section="Core/PATCH",
    extension="core",
    checks=(_ROW,),
    why="One client with a slow connection must not block the uploads of others.",
    steps=(
        "Given two uploads of 100 bytes.",
        "PATCH all of the first, and pause the body after 40 bytes.",
        "HEAD the second and PATCH all of it at the same time; each has 8 seconds to respond.",
        "  expects status 2xx and 204; else a warning [core.patch.concurrent].",
        "Continue the first PATCH.",
        "Resume both uploads, complete them, compare every byte.",
        "  expects every byte in place; else a fail [core.patch.concurrent].",
    ),
)
async def others_go_on(story: Story) -> None:
    """Use one upload beside a held PATCH to another."""
    await story.given(Given(name="a", length=100))
    await story.given(Given(name="b", length=100))
    slow = await story.hold("PATCH", Request(of="a", offset=0, send=100))
    await slow.feed(40)
    await _prompt(story, "b")
    await slow.reply()
    await story.finish(Finish(of="a"), _INTACT)
    await story.finish(Finish(of="b"), _INTACT)


@scenario(
    id="core.patch.concurrent.others-beside-two",
    title="Two concurrent PATCH requests to one upload do not block another upload",
    section="Core/PATCH",
    extension="core",
    checks=(_ROW,),
    why="A server that waits for the lock of one upload must not block all other uploads.",
    steps=(
        "Given two uploads of 100 bytes.",
        "PATCH all of the first, and pause the body after 40 bytes.",
        "PATCH 60 bytes of it at the same offset.",
        "HEAD the second and PATCH all of it at the same time; each has 8 seconds to respond.",
        "  expects status 2xx and 204; else a warning [core.patch.concurrent].",
        "Continue the first PATCH.",
        "Resume the second upload, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.patch.concurrent].",
    ),
)
async def others_beside_two(story: Story) -> None:
    """Use one upload while two PATCHes meet at another."""
    await story.given(Given(name="a", length=100))
    await story.given(Given(name="b", length=100))
    slow = await story.hold("PATCH", Request(of="a", offset=0, send=100))
    await slow.feed(40)
    fast = await story.hold("PATCH", Request(of="a", offset=0, at=0, send=60))
    await fast.feed(60)
    prompt = await _prompt(story, "b")

    async def first() -> None:
        await slow.reply()

    async def second() -> None:
        await fast.reply()

    await story.together(first, second)
    if prompt:
        await story.finish(Finish(of="b"), _INTACT)


async def _prompt(story: Story, name: str) -> bool:
    """Judge that HEAD and a PATCH of an upload are answered in time."""
    head = await story.hold("HEAD", Request(of=name))
    found = story.expect(
        await head.answer(LIVENESS),
        Expectation(status="2xx", closed=False, checks=_ROW, otherwise="warn"),
    )
    patch = await story.hold("PATCH", Request(of=name, offset=0, send=100))
    await patch.feed(100)
    stored = story.expect(
        await patch.answer(LIVENESS),
        Expectation(status=204, closed=False, checks=_ROW, otherwise="warn"),
    )
    return found and stored
