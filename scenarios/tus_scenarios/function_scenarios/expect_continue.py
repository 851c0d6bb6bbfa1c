"""Bodies that are held back until the server has said that it wants them."""

from __future__ import annotations

from tus_scenarios.context import PausedRequest, ScenarioContext
from tus_scenarios.expectation import Condition, Expectation, HeaderMatcher
from tus_scenarios.function_scenario import function_scenario
from tus_scenarios.function_scenarios.paused_patch import RESPONSE_TIMEOUT
from tus_scenarios.step import FinishUpload, GivenUpload, RequestSpec

_REQUIREMENT = "creation-with-upload.expect-continue"
_SECTION = "Creation With Upload"
LENGTH, SENT = 100, 40
"""Bytes: of the upload, and of the body of its creation."""

WRONG_OFFSET, AHEAD = 50, 10
"""The offset, of an empty upload, and the length in bytes of the PATCH to refuse."""

MAX_INTERIM_RESPONSES = 10
"""How many interim answers are waited through."""

_HEADERS: dict[str, str | tuple[str, ...]] = {
    "Content-Type": "application/offset+octet-stream",
    "Expect": "100-continue",
}


async def _receive_final_or_continue(paused: PausedRequest) -> int | None:
    """Return 100 or the final status, whichever comes first; other interim answers say nothing."""
    for _ in range(MAX_INTERIM_RESPONSES):
        status = await paused.wait_for_status(RESPONSE_TIMEOUT)
        if status is None or status == 100 or status >= 200:
            return status
    return None


@function_scenario(
    id="creation-with-upload.expect-continue",
    title="A creation with Expect: 100-continue receives 100 Continue",
    section=_SECTION,
    extension="creation-with-upload",
    checks=(_REQUIREMENT, "creation-with-upload.upload-offset-value"),
    needs=("creation-with-upload",),
    why="Clients that send the header wait for the interim response, often for a second per file.",
    steps=(
        f"POST a new upload of {LENGTH} bytes with Expect: 100-continue, without sending its"
        f" {SENT} bytes.",
        f"Wait up to {RESPONSE_TIMEOUT:g} seconds for a response, then send the bytes.",
        "  expects an interim 100 and then status 2xx; a warning for no 100"
        " [creation-with-upload.expect-continue].",
        "HEAD the upload.",
        f"  expects an Upload-Offset of {SENT} at most [creation-with-upload.upload-offset-value].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place [creation-with-upload.upload-offset-value].",
    ),
)
async def continue_when_asked(context: ScenarioContext) -> None:
    """Hold the body of a creation back until 100 comes."""
    paused = await context.open_request(
        "POST", RequestSpec(length=LENGTH, send=SENT, header=_HEADERS)
    )
    await _receive_final_or_continue(paused)
    response = await paused.send_rest()
    context.expect(
        response,
        Expectation(
            status="2xx",
            interim=100,
            checks=_REQUIREMENT,
            warn=(
                Condition(
                    status="2xx", says="the server let the client wait, and then accepted the body"
                ),
            ),
        ),
    )
    if response.header("Location") is None:
        return
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(
            status="2xx",
            header={"Upload-Offset": HeaderMatcher(most=SENT)},
            checks="creation-with-upload.upload-offset-value",
        ),
    )
    await context.finish(
        FinishUpload(),
        Expectation(intact=True, checks="creation-with-upload.upload-offset-value"),
    )


@function_scenario(
    id="creation-with-upload.expect-refused",
    title="A creation that is too large, with Expect: 100-continue, is rejected before its body",
    section=_SECTION,
    extension="creation-with-upload",
    checks=(_REQUIREMENT, "creation.max-size.413"),
    needs=("creation-with-upload", "max-size"),
    why="The client sends the header to learn of the limit before it sends the data.",
    steps=(
        "POST a new upload one byte larger than Tus-Max-Size with Expect: 100-continue, without"
        f" sending its {SENT} bytes.",
        f"  expects status 413 within {RESPONSE_TIMEOUT:g} seconds; a warning for anything else"
        " [creation-with-upload.expect-continue].",
        "Send the bytes, if there is no response.",
        "  expects status 413; else a failure [creation.max-size.413].",
    ),
)
async def reject_before_sending(context: ScenarioContext) -> None:
    """Hold the body of a creation back that is refused."""
    paused = await context.open_request(
        "POST", RequestSpec(length="{max-size+1}", send=SENT, header=_HEADERS)
    )
    status = await _receive_final_or_continue(paused)
    final = status is not None and status >= 200
    response = await (paused.wait_for_reply() if final else paused.send_rest())
    if final:
        context.expect(response, Expectation(status=413, checks=_REQUIREMENT, otherwise="warn"))
    else:
        waited = "the server requested the body of an upload that it rejects"
        context.expect(
            response,
            Expectation(
                status="2xx",
                checks=_REQUIREMENT,
                warn=(Condition(status="4xx", says=waited),),
            ),
        )
    context.expect(response, Expectation(status=413, checks="creation.max-size.413"))


@function_scenario(
    id="core.patch.expect-refused",
    title="A PATCH at a wrong offset, with Expect: 100-continue, is rejected before its body",
    section="Core/PATCH",
    extension="core",
    checks=("core.patch.offset-mismatch-409", "core.patch.offset-mismatch-no-change"),
    why="A client that sends a gigabyte to be rejected loses an hour on a slow connection.",
    steps=(
        f"Given an upload of {LENGTH} bytes.",
        f"PATCH {AHEAD} bytes at offset {WRONG_OFFSET} with Expect: 100-continue, without sending"
        " the body; send"
        f" it after 100 Continue, or after {RESPONSE_TIMEOUT:g} seconds without a response.",
        "  expects status 409; else a failure [core.patch.offset-mismatch-409].",
        "HEAD the upload.",
        "  expects an unchanged Upload-Offset; else a failure"
        " [core.patch.offset-mismatch-no-change].",
        "Resume the upload at the offset from HEAD, complete it, compare every byte.",
        "  expects every byte in place; else a failure [core.patch.offset-mismatch-no-change].",
    ),
)
async def reject_patch_before_sending(context: ScenarioContext) -> None:
    """Hold the body of a PATCH back that is refused."""
    await context.create_upload(GivenUpload(length=LENGTH))
    request = RequestSpec(offset=WRONG_OFFSET, send=AHEAD, header={"Expect": "100-continue"})
    paused = await context.open_request("PATCH", request)
    status = await _receive_final_or_continue(paused)
    response = await (
        paused.wait_for_reply() if status is not None and status >= 200 else paused.send_rest()
    )
    context.expect(response, Expectation(status=409, checks="core.patch.offset-mismatch-409"))
    requirement = "core.patch.offset-mismatch-no-change"
    context.expect(
        await context.send("HEAD", RequestSpec()),
        Expectation(header={"Upload-Offset": "0"}, checks=requirement),
    )
    await context.finish(FinishUpload(), Expectation(intact=True, checks=requirement))
