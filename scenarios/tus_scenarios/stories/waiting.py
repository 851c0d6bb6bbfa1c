"""Bodies that are held back until the server has said that it wants them."""

from __future__ import annotations

from tus_scenarios.expectation import Condition, Expectation, Matcher
from tus_scenarios.functions import scenario
from tus_scenarios.step import Finish, Given, Request
from tus_scenarios.stories.overlap import LIVENESS
from tus_scenarios.story import Paced, Story

_ROW = "creation-with-upload.expect-continue"
_SECTION = "Creation With Upload"
INTERIM = 10
"""How many interim answers are waited through."""

_HEADERS: dict[str, str | tuple[str, ...]] = {
    "Content-Type": "application/offset+octet-stream",
    "Expect": "100-continue",
}


async def _heard(paced: Paced) -> int | None:
    """Return 100 or the final status, whichever comes first; other interim answers say nothing."""
    for _ in range(INTERIM):
        heard = await paced.hear(LIVENESS)
        if heard is None or heard == 100 or heard >= 200:
            return heard
    return None


@scenario(
    id="creation-with-upload.expect-continue",
    title="A creation with Expect: 100-continue receives 100 Continue",
    section=_SECTION,
    extension="creation-with-upload",
    checks=(_ROW, "creation-with-upload.upload-offset-value"),
    needs=("creation-with-upload",),
    why="Clients that send the header wait for the interim response, often for a second per file.",
    steps=(
        "POST a new upload of 100 bytes with Expect: 100-continue, without sending its 40 bytes.",
        "Wait up to 8 seconds for a response, then send the bytes.",
        "  expects an interim 100 and then status 201; a warning for no 100"
        " [creation-with-upload.expect-continue].",
        "HEAD the upload.",
        "  expects an Upload-Offset of 40 at most [creation-with-upload.upload-offset-value].",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place [creation-with-upload.upload-offset-value].",
    ),
)
async def told_to_go_on(story: Story) -> None:
    """Hold the body of a creation back until 100 comes."""
    paced = await story.hold("POST", Request(length=100, send=40, header=_HEADERS))
    await _heard(paced)
    reply = await paced.reply()
    story.expect(
        reply,
        Expectation(
            status=201,
            interim=100,
            checks=_ROW,
            warn=(
                Condition(
                    status=201, says="the server let the client wait, and then accepted the body"
                ),
            ),
        ),
    )
    if reply.status != 201 or reply.header("Location") is None:
        return
    story.expect(
        await story.send("HEAD", Request()),
        Expectation(
            status="2xx",
            header={"Upload-Offset": Matcher(most=40)},
            checks="creation-with-upload.upload-offset-value",
        ),
    )
    await story.finish(
        Finish(),
        Expectation(intact=True, checks="creation-with-upload.upload-offset-value"),
    )


@scenario(
    id="creation-with-upload.expect-refused",
    title="A creation that is too large, with Expect: 100-continue, is rejected before its body",
    section=_SECTION,
    extension="creation-with-upload",
    checks=(_ROW, "creation.max-size.413"),
    needs=("creation-with-upload", "max-size"),
    why="The client sends the header to learn of the limit before it sends the data.",
    steps=(
        "POST a new upload of Tus-Max-Size + 1 bytes with Expect: 100-continue, without sending"
        " its 40 bytes.",
        "  expects status 413 within 8 seconds; a warning for anything else"
        " [creation-with-upload.expect-continue].",
        "Send the bytes, if there is no response.",
        "  expects status 413; else a fail [creation.max-size.413].",
    ),
)
async def refused_before_sending(story: Story) -> None:
    """Hold the body of a creation back that is refused."""
    paced = await story.hold("POST", Request(length="{max-size+1}", send=40, header=_HEADERS))
    heard = await _heard(paced)
    final = heard is not None and heard >= 200
    reply = await (paced.answer() if final else paced.reply())
    if final:
        story.expect(reply, Expectation(status=413, checks=_ROW, otherwise="warn"))
    else:
        waited = "the server requested the body of an upload that it rejects"
        story.expect(
            reply,
            Expectation(
                status="2xx",
                checks=_ROW,
                warn=(Condition(status="4xx", says=waited),),
            ),
        )
    story.expect(reply, Expectation(status=413, checks="creation.max-size.413"))


@scenario(
    id="core.patch.expect-refused",
    title="A PATCH at a wrong offset, with Expect: 100-continue, is rejected before its body",
    section="Core/PATCH",
    extension="core",
    checks=("core.patch.offset-mismatch-409", "core.patch.offset-mismatch-no-change"),
    why="A client that sends a gigabyte to be rejected loses an hour on a slow connection.",
    steps=(
        "Given an upload of 100 bytes.",
        "PATCH 10 bytes at offset 50 with Expect: 100-continue, without sending the body; send"
        " it after 100 Continue, or after 8 seconds without a response.",
        "  expects status 409; else a fail [core.patch.offset-mismatch-409].",
        "HEAD the upload.",
        "  expects Upload-Offset: 0; else a fail [core.patch.offset-mismatch-no-change].",
        "Resume the upload where HEAD says, complete it, compare every byte.",
        "  expects every byte in place; else a fail [core.patch.offset-mismatch-no-change].",
    ),
)
async def patch_refused_before_sending(story: Story) -> None:
    """Hold the body of a PATCH back that is refused."""
    await story.given(Given(length=100))
    request = Request(offset=50, send=10, header={"Expect": "100-continue"})
    paced = await story.hold("PATCH", request)
    heard = await _heard(paced)
    reply = await (paced.answer() if heard is not None and heard >= 200 else paced.reply())
    story.expect(reply, Expectation(status=409, checks="core.patch.offset-mismatch-409"))
    row = "core.patch.offset-mismatch-no-change"
    story.expect(
        await story.send("HEAD", Request()),
        Expectation(header={"Upload-Offset": "0"}, checks=row),
    )
    await story.finish(Finish(), Expectation(intact=True, checks=row))
