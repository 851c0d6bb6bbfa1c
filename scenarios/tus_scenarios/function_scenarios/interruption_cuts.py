"""Uploads that break off again and again, one after the other and side by side."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tus_scenarios.context import ScenarioContext, ScenarioResponse, ScenarioUpload
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.network_fault import Cut
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

LENGTH, CUTS, CUT_EVERY = 1_000_000, 10, 9973
"""The upload that is cut: its length, the number of cuts, and the bytes added to each."""

PARTIAL_LENGTH, PARTIAL_CUT = 100_000, 20_000
"""Bytes: of each partial upload, and of those sent before a cut."""

PARTIAL_NAMES, PARTIAL_CUTS = ("a", "b", "c", "d"), 2
"""The partial uploads, and how often each of them is cut."""

AVAILABLE_TIMEOUT = 30.0
"""Seconds in which an upload must be usable again after a break."""

_ACCURATE = "core.head.offset-accurate"


async def wait_until_available(context: ScenarioContext, name: str = "upload") -> ScenarioResponse:
    """Ask with HEAD until the upload can be had again, for 30 seconds at most."""
    return await context.wait_for_upload(name, seconds=AVAILABLE_TIMEOUT)


async def _cut_patch(context: ScenarioContext, upload: ScenarioUpload, name: str, cut: Cut) -> None:
    """Break a PATCH of the rest off, and judge what HEAD says then."""
    known_offset = upload.offset
    assert isinstance(cut.after, int)
    await context.send("PATCH", RequestSpec(of=name, offset=known_offset, send="rest", cut=cut))
    context.expect(
        await wait_until_available(context, name),
        Expectation(
            status="2xx",
            header={
                "Upload-Offset": HeaderMatcher(least=known_offset, most=known_offset + cut.after)
            },
            checks=_ACCURATE,
            fail=(Condition(status="2xx", says="the offset went back, or beyond what was sent"),),
            otherwise="warn",
        ),
    )


@function_scenario(
    id="interruption.cuts.ten",
    title="An upload that is interrupted ten times is stored completely",
    section="Core/PATCH",
    extension="core",
    checks=(_ACCURATE, "core.net.detect-errors"),
    why="A phone on a train is interrupted this often with every large file.",
    steps=(
        f"Given an upload of {LENGTH} bytes.",
        f"{CUTS} times: PATCH the rest at the offset from HEAD, with the connection reset or closed"
        " in turn, each time after more bytes; then HEAD the upload, repeated for up to"
        f" {AVAILABLE_TIMEOUT:g} seconds.",
        "  expects a 2xx with an Upload-Offset from the previous one to what was sent; a failure"
        " for another offset, else a warning [core.head.offset-accurate].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.net.detect-errors].",
    ),
)
async def resume_after_cuts(context: ScenarioContext) -> None:
    """Break one upload off ten times."""
    upload = await context.create_upload(GivenUpload(length=LENGTH))
    for attempt in range(CUTS):
        after = CUT_EVERY * (attempt + 1)
        await _cut_patch(
            context, upload, "upload", Cut(after=after, by="fin" if attempt % 2 else "rst")
        )
    await context.finish(
        FinishUpload(), Expectation(intact=True, checks="core.net.detect-errors", otherwise="fail")
    )


@function_scenario(
    id="interruption.cuts.parallel-parts",
    title=(
        "Four partial uploads that are interrupted in parallel are concatenated without"
        " losing a byte"
    ),
    section="Concatenation",
    extension="concatenation",
    checks=(_ACCURATE, "creation.post.201", "concatenation.final.order"),
    needs=("concatenation",),
    why="Clients upload in parallel on fast but unreliable connections.",
    steps=(
        f"Given {len(PARTIAL_NAMES)} partial uploads of {PARTIAL_LENGTH} bytes.",
        f"All of them at the same time, {PARTIAL_CUTS} times: PATCH the rest, with the connection"
        f" reset after {PARTIAL_CUT} bytes or more; then HEAD it.",
        "  expects a 2xx with an Upload-Offset from the previous one to what was sent; a failure"
        " for another offset, else a warning [core.head.offset-accurate].",
        "Resume each at the offset from HEAD, and complete it.",
        "  expects every byte in place; else a failure [concatenation.final.order].",
        "POST a final upload of all of them.",
        "  expects status 201 [creation.post.201].",
        "HEAD the final upload, compare every byte.",
        "  expects every byte in place; else a failure [concatenation.final.order].",
    ),
)
async def parallel_parts(context: ScenarioContext) -> None:
    """Break partial uploads off at the same time."""
    all_intact = Expectation(intact=True, checks="concatenation.final.order", otherwise="fail")

    async def upload_partial(name: str, number: int) -> None:
        header = {"Upload-Concat": "partial"}
        upload = await context.create_upload(
            GivenUpload(name=name, length=PARTIAL_LENGTH, header=header)
        )
        for attempt in range(1, PARTIAL_CUTS + 1):
            cut = Cut(after=PARTIAL_CUT * attempt + number, by="rst")
            await _cut_patch(context, upload, name, cut)
        await context.finish(FinishUpload(of=name), all_intact)

    await context.run_concurrently(
        *(_bind_branch(upload_partial, name, at) for at, name in enumerate(PARTIAL_NAMES))
    )
    final_response = await context.send("POST", RequestSpec(of="f", parts=PARTIAL_NAMES))
    if context.expect(final_response, Expectation(status=201, checks="creation.post.201")):
        await context.finish(FinishUpload(of="f"), all_intact)


def _bind_branch(
    branch: Callable[[str, int], Awaitable[None]], name: str, number: int
) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        await branch(name, number)

    return run
