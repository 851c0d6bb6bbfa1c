"""Offsets beyond what 32 bits hold, told only with --large.

An upload of that length costs nothing until its bytes are sent; only one scenario sends them.
"""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.interruption_cuts import wait_until_available
from tus_scenarios.network_fault import Cut
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_4_GIB = 2**32
_COPY_TIMEOUT = 180.0
"""Seconds that a server may take to copy so many bytes."""

_MISMATCH = "core.patch.offset-mismatch-409"
_UNCHANGED = "core.patch.offset-mismatch-no-change"


@function_scenario(
    id="interruption.large.wrapped-offset",
    title="An offset of 4 GiB is not treated as offset 0",
    section="Core/PATCH",
    extension="core",
    checks=(_MISMATCH, _UNCHANGED, "core.head.upload-length"),
    needs=("large",),
    why=(
        "4 GiB truncated to 32 bits is 0. The server then overwrites the start of a large"
        " file with its middle."
    ),
    steps=(
        "Given an upload of 6442450944 bytes (6 GiB).",
        "HEAD the upload.",
        "  expects Upload-Length: 6442450944 [core.head.upload-length].",
        "PATCH 10 bytes at offset 4294967296, and at 2147483648 and 4294967297.",
        "  expects status 409 of each [core.patch.offset-mismatch-409].",
        "HEAD the upload.",
        "  expects Upload-Offset: 0; else a fail [core.patch.offset-mismatch-no-change].",
    ),
)
async def wrapped_offset(context: ScenarioContext) -> None:
    """Send to offsets that wrap around."""
    length = 6 * 2**30
    await context.create_upload(GivenUpload(length=length))
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(header={"Upload-Length": str(length)}, checks="core.head.upload-length"),
    )
    for offset in (_4_GIB, _4_GIB // 2, _4_GIB + 1):
        context.expect(
            await context.send("PATCH", RequestSpec(offset=offset, at=0, send=10)),
            Expectation(status=409, checks=_MISMATCH, otherwise="fail"),
        )
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(header={"Upload-Offset": "0"}, checks=_UNCHANGED, otherwise="fail"),
    )


@function_scenario(
    id="interruption.large.across",
    title="An upload interrupted at 4 GiB can be resumed there",
    section="Core/PATCH",
    extension="core",
    checks=("core.head.offset-accurate", "core.net.detect-errors"),
    needs=("large",),
    why="Video files are this large, and users do not want to upload one twice.",
    steps=(
        "Given an upload of 4294967396 bytes, 4294967246 of them stored.",
        "PATCH the rest, with the connection reset after 100 bytes, 50 beyond 4 GiB.",
        "HEAD the upload, repeated for up to 30 seconds.",
        "  expects an Upload-Offset from 4294967246 to 4294967346; a fail for another, else a"
        " warning [core.head.offset-accurate].",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.net.detect-errors].",
    ),
)
async def cut_across_4_gib(context: ScenarioContext) -> None:
    """Break an upload off just beyond 4 GiB."""
    stored = _4_GIB - 50
    await context.create_upload(GivenUpload(length=_4_GIB + 100, stored=stored))
    await context.send(
        "PATCH", RequestSpec(offset=stored, send="rest", cut=Cut(after=100, by="rst"))
    )
    context.expect(
        await wait_until_available(context),
        Expectation(
            status="2xx",
            header={"Upload-Offset": HeaderMatcher(least=stored, most=stored + 100)},
            checks="core.head.offset-accurate",
            fail=(Condition(status="2xx", says="the offset went back, or beyond what was sent"),),
            otherwise="warn",
        ),
    )
    await context.finish(
        FinishUpload(), Expectation(intact=True, checks="core.net.detect-errors", otherwise="fail")
    )


@function_scenario(
    id="interruption.large.concatenation",
    title="A final upload larger than 4 GiB has the length of its partial uploads",
    section="Concatenation",
    extension="concatenation",
    checks=("concatenation.final.length-sum", "concatenation.final.head-offset-equals-length"),
    needs=("large", "concatenation"),
    why=(
        "Clients use parallel uploads for large files, and the sum of the lengths may"
        " overflow 32 bits."
    ),
    steps=(
        "Given a partial upload of 67108864 bytes (64 MiB), all of them stored.",
        "POST a final upload of 65 times that one, and wait up to 180 seconds for the response.",
        "  expects status 201; a note for a 4xx [concatenation.final.length-sum].",
        "HEAD the final upload.",
        "  expects Upload-Length: 4362076160 [concatenation.final.length-sum].",
        "  expects Upload-Offset: 4362076160 [concatenation.final.head-offset-equals-length].",
    ),
)
async def concatenation(context: ScenarioContext) -> None:
    """Join one partial upload many times."""
    size = 64 * 2**20
    total_length = str(65 * size)
    header = {"Upload-Concat": "partial"}
    await context.create_upload(GivenUpload(name="a", length=size, stored=size, header=header))
    final = await context.open_request("POST", RequestSpec(of="f", parts=("a",) * 65))
    final_response = await final.wait_for_reply(_COPY_TIMEOUT)
    refused = (
        Condition(status="4xx", says="the server rejects repeated partial uploads or this length"),
    )
    requirement = "concatenation.final.length-sum"
    if context.expect(final_response, Expectation(status=201, checks=requirement, note=refused)):
        context.expect(
            await context.send("HEAD", RequestSpec(of="f")),
            Expectation(header={"Upload-Length": total_length}, checks=requirement),
            Expectation(
                header={"Upload-Offset": total_length},
                checks="concatenation.final.head-offset-equals-length",
            ),
        )
