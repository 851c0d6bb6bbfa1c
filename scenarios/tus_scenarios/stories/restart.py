"""A server that is restarted: told only where the profile says how."""

from __future__ import annotations

from tus_scenarios.expectation import Expectation, Matcher
from tus_scenarios.functions import scenario
from tus_scenarios.step import Finish, Given, Request
from tus_scenarios.story import Story

_ROW = "core.head.offset-accurate"
_LOST = "acknowledged bytes were lost in the restart"


@scenario(
    id="core.head.offset-after-restart",
    title="Acknowledged bytes are still stored after a restart of the server",
    section="Core/HEAD",
    extension="core",
    checks=(_ROW,),
    needs=("profile:restart",),
    serial=True,
    why=(
        "The client has discarded the bytes before the acknowledged offset. If a deployment"
        " or a crash loses them, the upload must start over or has a gap."
    ),
    steps=(
        "Given three uploads of 100 bytes: one without bytes, one with 40 bytes stored, and one"
        " that is complete.",
        "Restart the server.",
        "HEAD each of the three.",
        "  expects a 2xx and at least the acknowledged offset; else a fail"
        " [core.head.offset-accurate].",
        "Resume each where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.head.offset-accurate].",
    ),
)
async def after_restart(story: Story) -> None:
    """Restart the server amid uploads."""
    stored = {"empty": 0, "begun": 40, "complete": 100}
    for name, size in stored.items():
        await story.given(Given(name=name, length=100, stored=size))
    await story.restart()
    for name, size in stored.items():
        story.expect(
            await story.send("HEAD", Request(of=name)),
            Expectation(
                status="2xx",
                header={"Upload-Offset": Matcher(least=size, most=100)},
                checks=_ROW,
                otherwise="fail",
                says=_LOST,
            ),
        )
        intact = Expectation(intact=True, checks=_ROW, otherwise="fail")
        await story.finish(Finish(of=name), intact)
