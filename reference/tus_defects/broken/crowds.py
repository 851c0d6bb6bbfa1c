"""Defects that show only while several requests are under way at once."""

import anyio

from tus_defects.call import Call
from tus_defects.message_edits import answer, find_header, set_header, succeeded
from tus_defects.rule import Match
from tus_defects.server import invert_last
from tus_defects.variant import defect
from tus_reference.model import BodyEndedEarly, Response

APPLY = "core.patch.apply-at-offset"
UNFINISHED = Match(method="PATCH", upload=("unfinished",))
OVER_64_KIB = Match(method="PATCH", upload=("unfinished",), above={"Content-Length": 65536})
OVER_1_MIB = Match(method="PATCH", upload=("unfinished",), above={"Content-Length": 1048576})
PARTIAL = Match(method="PATCH", upload=("partial", "unfinished"))
CREATION = Match(request=("creation",))
OVERLAP = 0.01
"""How long a request waits for another one to come, in seconds."""


async def _corrupt_in_a_crowd(call: Call, others: int) -> Response:
    """Invert the last byte of a PATCH that as many of other uploads have been under way with."""
    with call.marking():
        await anyio.sleep(OVERLAP)
        crowded = len(call.memory.marked - {call.upload_id}) >= others
        response = await call.respond()
        crowded |= len(call.memory.marked - {call.upload_id}) >= others
    info = await call.upload()
    if crowded and succeeded(response) and info is not None and info.offset > call.info.offset:
        await call.server.rewrite(info, invert_last)
    return response


@defect("two-patches-at-once-corrupt", APPLY, UNFINISHED, client=True)
async def corrupt_two_at_once(call: Call) -> Response:
    """A PATCH during one of another upload is stored with its last byte inverted."""
    return await _corrupt_in_a_crowd(call, 1)


@defect("large-patches-at-once-corrupt", APPLY, OVER_64_KIB, client=True)
async def corrupt_large_at_once(call: Call) -> Response:
    """Of PATCHes over 64 KiB at once, the last byte is stored inverted."""
    return await _corrupt_in_a_crowd(call, 1)


@defect("patches-over-1-mib-at-once-corrupt", APPLY, OVER_1_MIB, client=True)
async def corrupt_over_1_mib_at_once(call: Call) -> Response:
    """Of PATCHes over 1 MiB at once, the last byte is stored inverted."""
    return await _corrupt_in_a_crowd(call, 1)


@defect("six-patches-at-once-corrupt", APPLY, UNFINISHED, client=True)
async def corrupt_six_at_once(call: Call) -> Response:
    """Of six PATCHes at once, the last byte is stored inverted."""
    return await _corrupt_in_a_crowd(call, 5)


@defect("partials-at-once-corrupt", APPLY, PARTIAL, client=True)
async def corrupt_partials_at_once(call: Call) -> Response:
    """Of PATCHes of partial uploads at once, the last byte is stored inverted."""
    return await _corrupt_in_a_crowd(call, 1)


@defect("bodies-of-one-size-swapped", APPLY, UNFINISHED, client=True)
async def swap_bodies_of_one_size(call: Call) -> Response:
    """Of two PATCHes at once with bodies of the same size, one stores the body of the other."""
    try:
        data = await call.read_body()
    except BodyEndedEarly:
        return await call.respond()
    if not data or call.has("Upload-Checksum"):
        return await call.respond_to(data)
    key = str(len(data))
    call.memory.texts[key] = data.decode("latin-1")
    await anyio.sleep(OVERLAP)
    return await call.respond_to(call.memory.texts.get(key, "").encode("latin-1") or data)


@defect("creations-at-once-share-an-upload", "creation.post.location", CREATION, client=True)
async def share_upload_of_creations(call: Call) -> Response:
    """Of two creations at once, both get the Location of the first."""
    texts = call.memory.texts
    if call.memory.marked and not call.request.body.length and not call.has("Upload-Concat"):
        while call.memory.marked and "last" not in texts:
            await anyio.sleep(OVERLAP)
        if "last" in texts:
            return set_header(await call.respond(), "Location", texts["last"])
    with call.marking():
        texts.pop("last", None)
        response = await call.respond()
        texts["last"] = find_header(response, "Location") or ""
        await anyio.sleep(OVERLAP)
    return response


@defect("fails-on-three-creations-at-once", "creation.post.201", CREATION, client=True)
async def fail_on_three_creations(call: Call) -> Response:
    """A creation during two others gets 500."""
    key = str(id(call.request))
    call.memory.marked.add(key)
    try:
        await anyio.sleep(OVERLAP)
        if len(call.memory.marked) > 2:
            return answer(500)
        return await call.respond()
    finally:
        call.memory.marked.discard(key)


@defect(
    "head-during-patch-returns-other-offset",
    "core.head.offset-accurate",
    Match(method="HEAD|PATCH", path="upload"),
    client=True,
)
async def return_other_offset(call: Call) -> Response:
    """HEAD during a PATCH of another upload returns the offset of that."""
    if call.method == "PATCH":
        with call.marking():
            return await call.respond()
    response = await call.respond()
    others = [await call.server.find(each) for each in call.memory.marked - {call.upload_id}]
    offset = next((each.offset for each in others if each is not None), None)
    if offset is None or response.status != 200:
        return response
    return set_header(response, "Upload-Offset", str(offset))


@defect(
    "fails-on-finals-at-once", "creation.post.201", Match(request=("final-creation",)), client=True
)
async def fail_on_finals_at_once(call: Call) -> Response:
    """The creation of a final upload during another one gets 500."""
    if call.memory.marked:
        return answer(500)
    with call.marking():
        await anyio.sleep(OVERLAP)
        return await call.respond()


@defect(
    "fails-on-deletes-at-once",
    "termination.204",
    Match(method="DELETE", upload=("known",)),
    client=True,
)
async def fail_on_deletes_at_once(call: Call) -> Response:
    """A DELETE during one of another upload gets 500."""
    if call.memory.marked:
        return answer(500)
    with call.marking():
        await anyio.sleep(OVERLAP)
        return await call.respond()
