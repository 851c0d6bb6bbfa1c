"""Offsets beyond what 32 bits hold, told only with --large.

An upload of that length costs nothing until its bytes are sent; only one scenario sends them.
"""

from __future__ import annotations

from tus_scenarios.context import ScenarioContext
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.interruption_cuts import (
    AVAILABLE_TIMEOUT,
    wait_until_available,
)
from tus_scenarios.network_fault import Cut
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_4_GIB = 2**32
SPARSE_LENGTH, SMALL = 6 * 2**30, 10
"""Bytes: of the upload that stays empty, and of each PATCH at a wrong offset."""

BEFORE, AFTER, LAST = 50, 50, 50
"""Bytes: stored short of 4 GiB, sent beyond it before the cut, and left after that."""

PART_LENGTH, PART_COUNT = 64 * 2**20, 65
"""The partial upload and how often the final upload contains it."""

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
        f"Given an upload of {SPARSE_LENGTH} bytes ({SPARSE_LENGTH // 2**30} GiB).",
        "HEAD the upload.",
        f"  expects Upload-Length: {SPARSE_LENGTH} [core.head.upload-length].",
        f"PATCH {SMALL} bytes at offset {_4_GIB}, and at {_4_GIB // 2} and {_4_GIB + 1}.",
        "  expects status 409 of each [core.patch.offset-mismatch-409].",
        "HEAD the upload.",
        "  expects an unchanged Upload-Offset; else a failure"
        " [core.patch.offset-mismatch-no-change].",
    ),
)
async def reject_wrapped_offset(context: ScenarioContext) -> None:
    """Send to offsets that wrap around."""
    length = SPARSE_LENGTH
    await context.create_upload(GivenUpload(length=length))
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(header={"Upload-Length": str(length)}, checks="core.head.upload-length"),
    )
    for offset in (_4_GIB, _4_GIB // 2, _4_GIB + 1):
        context.expect(
            await context.send("PATCH", RequestSpec(offset=offset, at=0, send=SMALL)),
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
        f"Given an upload of {_4_GIB + AFTER + LAST} bytes, {_4_GIB - BEFORE} of them stored.",
        f"PATCH the rest, with the connection reset after {BEFORE + AFTER} bytes, {AFTER}"
        f" beyond offset {_4_GIB}.",
        f"HEAD the upload, repeated for up to {AVAILABLE_TIMEOUT:g} seconds.",
        f"  expects an Upload-Offset from {_4_GIB - BEFORE} to {_4_GIB + AFTER}; a failure for"
        " another, else a"
        " warning [core.head.offset-accurate].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.net.detect-errors].",
    ),
)
async def cut_across_4_gib(context: ScenarioContext) -> None:
    """Break an upload off just beyond 4 GiB."""
    stored = _4_GIB - BEFORE
    await context.create_upload(GivenUpload(length=_4_GIB + AFTER + LAST, stored=stored))
    await context.send(
        "PATCH", RequestSpec(offset=stored, send="rest", cut=Cut(after=BEFORE + AFTER, by="rst"))
    )
    context.expect(
        await wait_until_available(context),
        Expectation(
            status="2xx",
            header={"Upload-Offset": HeaderMatcher(least=stored, most=stored + BEFORE + AFTER)},
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
        f"Given a partial upload of {PART_LENGTH} bytes ({PART_LENGTH // 2**20} MiB), all of them"
        " stored.",
        f"POST a final upload of {PART_COUNT} times that one, and wait up to {_COPY_TIMEOUT:g}"
        " seconds for the response.",
        "  expects status 201; a note for a 4xx [concatenation.final.length-sum].",
        "HEAD the final upload.",
        f"  expects Upload-Length: {PART_COUNT * PART_LENGTH} [concatenation.final.length-sum].",
        f"  expects Upload-Offset: {PART_COUNT * PART_LENGTH}"
        " [concatenation.final.head-offset-equals-length].",
    ),
)
async def concatenation(context: ScenarioContext) -> None:
    """Join one partial upload many times."""
    size = PART_LENGTH
    total_length = str(PART_COUNT * size)
    header = {"Upload-Concat": "partial"}
    await context.create_upload(GivenUpload(name="a", length=size, stored=size, header=header))
    final = await context.open_request("POST", RequestSpec(of="f", parts=("a",) * PART_COUNT))
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
