"""A server that is restarted: told only where the profile says how."""

from __future__ import annotations

from tus_scenarios.expectation import Expectation, Matcher
from tus_scenarios.functions import scenario
from tus_scenarios.step import Finish, Given, Request
from tus_scenarios.story import Story

_ROW = "core.head.offset-accurate"
_LOST = "bytes that were acknowledged did not outlive the restart"


@scenario(
    id="core.head.offset-after-restart",
    title="What was acknowledged is there after the server was restarted",
    section="Core/HEAD",
    extension="core",
    checks=(_ROW,),
    needs=("profile:restart",),
    serial=True,
    why=(
        "A client that was told an offset has let go of the bytes before it. Where a deployment or"
        " a crash takes them, the upload can only begin anew, or ends with a hole."
    ),
    steps=(
        "Given an upload of 100 bytes, 40 bytes of it stored, one without bytes, and one that is"
        " complete.",
        "Restart the server.",
        "HEAD each of the three.",
        "  expects a 2xx and at least the offset that was acknowledged; else a fail"
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
