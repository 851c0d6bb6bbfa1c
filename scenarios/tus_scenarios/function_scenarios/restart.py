"""A server that is restarted: told only where the profile says how."""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext
from tus_scenarios.expectation import Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_REQUIREMENT = "core.head.offset-accurate"
LENGTH, BEGUN = 100, 40
"""Bytes: of each upload, and of those stored of the one that is begun."""

_LOST_BYTES = "acknowledged bytes were lost in the restart"


@function_scenario(
    id="core.head.offset-after-restart",
    title="Acknowledged bytes are still stored after a restart of the server",
    section="Core/HEAD",
    extension="core",
    checks=(_REQUIREMENT,),
    needs=("profile:restart",),
    serial=True,
    why=(
        "The client has discarded the bytes before the acknowledged offset. If a deployment"
        " or a crash loses them, the upload must start over or has a gap."
    ),
    steps=(
        f"Given three uploads of {LENGTH} bytes: one without bytes, one with {BEGUN} bytes stored,"
        " and one that is complete.",
        "Restart the server.",
        "HEAD each of the three.",
        "  expects a 2xx and at least the acknowledged offset; else a failure"
        " [core.head.offset-accurate].",
        "Resume each at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.head.offset-accurate].",
    ),
)
async def after_restart(context: ScenarioContext) -> None:
    """Restart the server amid uploads."""
    stored = {"empty": 0, "begun": BEGUN, "complete": LENGTH}
    for name, size in stored.items():
        await context.create_upload(GivenUpload(name=name, length=LENGTH, stored=size))
    await context.restart()
    for name, size in stored.items():
        context.expect(
            await context.send("HEAD", RequestSpec(of=name)),
            Expectation(
                status="2xx",
                header={"Upload-Offset": HeaderMatcher(least=size, most=LENGTH)},
                checks=_REQUIREMENT,
                otherwise="fail",
                says=_LOST_BYTES,
            ),
        )
        intact = Expectation(intact=True, checks=_REQUIREMENT, otherwise="fail")
        await context.finish(FinishUpload(of=name), intact)
