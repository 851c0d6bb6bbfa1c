"""Uploads that expire while they are interrupted: told only where the profile says how long."""

from __future__ import annotations

from tus_scenarios.expectation import Condition, Expectation
from tus_scenarios.fault import Cut, Fault
from tus_scenarios.functions import scenario
from tus_scenarios.step import Given, Request
from tus_scenarios.stories.expiry import GONE
from tus_scenarios.story import Reply, Story

_ROW = "expiration.removed-404-410"


@scenario(
    id="interruption.expiration.after-cut",
    title="An upload that was interrupted and then expired responds with 404 or 410",
    section="Expiration/Headers/Upload-Expires",
    extension="expiration",
    checks=("expiration.may-remove", _ROW),
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
async def after_cut(story: Story) -> None:
    """Let an upload expire after a break."""
    await story.given(Given(length=100, stored=40))
    await story.send("PATCH", Request(offset=40, send="rest", cut=Cut(after=20, by="rst")))
    seen: list[Reply] = []

    async def gone() -> bool:
        seen.append(await story.send("HEAD", Request()))
        return seen[-1].status in GONE

    went = await story.until(gone, seconds=2 * story.knows("expiration") + 5)
    story.expect(
        seen[-1],
        Expectation(
            status=GONE,
            checks="expiration.may-remove",
            note=(
                Condition(status="2xx", says="the upload was not removed in this time"),
                Condition(status=403),
            ),
            otherwise="warn",
        ),
    )
    if went:
        again = Request(offset=40, at=40, send=60)
        story.expect(
            await story.send("PATCH", again),
            Expectation(status=GONE, checks=_ROW, otherwise="warn"),
        )


@scenario(
    id="interruption.expiration.while-sending",
    title="An upload that expires while its data arrives is not acknowledged and then removed",
    section="Expiration/Headers/Upload-Expires",
    extension="expiration",
    checks=(_ROW, "expiration.complete-not-removed"),
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
async def while_sending(story: Story) -> None:
    """Send more slowly than the upload expires."""
    await story.given(Given(length=100))
    step = story.knows("expiration") * 1.5 / 10
    stalls = tuple(Fault(at=at, stall=step) for at in range(10, 101, 10))
    reply = await story.send("PATCH", Request(offset=0, send=100, faults=stalls))
    ended = (Condition(closed=True), Condition(status="4xx"))
    story.expect(
        reply, Expectation(status=("2xx", *GONE), checks=_ROW, note=ended, otherwise="warn")
    )
    if reply.succeeded:
        story.expect(
            await story.send("HEAD", Request()),
            Expectation(status="2xx", checks="expiration.complete-not-removed", otherwise="fail"),
        )
