"""Uploads that break off again and again, one after the other and side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tus_scenarios.expectation import Condition, Expectation, Matcher
from tus_scenarios.fault import Cut
from tus_scenarios.functions import scenario
from tus_scenarios.step import Finish, Given, Request
from tus_scenarios.story import Reply, Story, Upload

USABLE = 30.0
"""Seconds in which an upload must be usable again after a break."""

_ACCURATE = "core.head.offset-accurate"


async def asked(story: Story, name: str = "upload") -> Reply:
    """Ask with HEAD until the upload can be had again, for 30 seconds at most."""
    seen: list[Reply] = []

    async def answered() -> bool:
        seen.append(await story.send("HEAD", Request(of=name)))
        return seen[-1].succeeded

    await story.until(answered, seconds=USABLE)
    return seen[-1]


async def _broken_off(story: Story, upload: Upload, name: str, cut: Cut) -> None:
    """Break a PATCH of the rest off, and judge what HEAD says then."""
    known = upload.offset
    assert isinstance(cut.after, int)
    await story.send("PATCH", Request(of=name, offset=known, send="rest", cut=cut))
    story.expect(
        await asked(story, name),
        Expectation(
            status="2xx",
            header={"Upload-Offset": Matcher(least=known, most=known + cut.after)},
            checks=_ACCURATE,
            fail=(Condition(status="2xx", says="the offset went back, or beyond what was sent"),),
            otherwise="warn",
        ),
    )


@scenario(
    id="interruption.cuts.ten",
    title="An upload that is interrupted ten times is stored completely",
    section="Core/PATCH",
    extension="core",
    checks=(_ACCURATE, "core.net.detect-errors"),
    why="A phone on a train is interrupted this often with every large file.",
    steps=(
        "Given an upload of 1000000 bytes.",
        "Ten times: PATCH the rest at the offset from HEAD, with the connection reset or closed"
        " in turn, each time after more bytes; then HEAD the upload, repeated for up to 30"
        " seconds.",
        "  expects a 2xx with an Upload-Offset from the previous one to what was sent; a fail for"
        " another offset, else a warning [core.head.offset-accurate].",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.net.detect-errors].",
    ),
)
async def ten(story: Story) -> None:
    """Break one upload off ten times."""
    upload = await story.given(Given(length=1_000_000))
    for turn in range(10):
        after = 9973 * (turn + 1)
        await _broken_off(
            story, upload, "upload", Cut(after=after, by="fin" if turn % 2 else "rst")
        )
    await story.finish(
        Finish(), Expectation(intact=True, checks="core.net.detect-errors", otherwise="fail")
    )


@scenario(
    id="interruption.cuts.parallel-parts",
    title=(
        "Four partial uploads that are interrupted in parallel are concatenated without"
        " losing a byte"
    ),
    section="Concatenation",
    extension="concatenation",
    checks=(_ACCURATE, "concatenation.final.length-sum", "concatenation.final.order"),
    needs=("concatenation",),
    why="Clients upload in parallel on fast but unreliable connections.",
    steps=(
        "Given four partial uploads of 100000 bytes.",
        "All of them at the same time, twice: PATCH the rest, with the connection reset after"
        " 20000 bytes or more; then HEAD it.",
        "  expects a 2xx with an Upload-Offset from the previous one to what was sent; a fail for"
        " another offset, else a warning [core.head.offset-accurate].",
        "Resume each at the offset from HEAD, and complete it.",
        "  expects every byte in place; else a fail [concatenation.final.order].",
        "POST a final upload of the four.",
        "  expects status 201 [concatenation.final.length-sum].",
        "HEAD the final upload, compare every byte.",
        "  expects every byte in place; else a fail [concatenation.final.order].",
    ),
)
async def parallel_parts(story: Story) -> None:
    """Break four partial uploads off at the same time."""
    names = ("a", "b", "c", "d")
    whole = Expectation(intact=True, checks="concatenation.final.order", otherwise="fail")

    async def uploaded(name: str, number: int) -> None:
        header = {"Upload-Concat": "partial"}
        upload = await story.given(Given(name=name, length=100_000, header=header))
        for turn in (1, 2):
            cut = Cut(after=20_000 * turn + number, by="rst")
            await _broken_off(story, upload, name, cut)
        await story.finish(Finish(of=name), whole)

    await story.together(*(_bound(uploaded, name, at) for at, name in enumerate(names)))
    made = await story.send("POST", Request(of="f", parts=names))
    if story.expect(made, Expectation(status=201, checks="concatenation.final.length-sum")):
        await story.finish(Finish(of="f"), whole)


def _bound(
    branch: Callable[[str, int], Awaitable[None]], name: str, number: int
) -> Callable[[], Awaitable[None]]:
    async def bound() -> None:
        await branch(name, number)

    return bound
