"""Defects that show later: after other creations, after a while, after a DELETE."""

import time
from dataclasses import replace

from tus_defects.call import Call, created_id
from tus_defects.message_edits import answer, set_header, succeeded
from tus_defects.rule import Match
from tus_defects.server import invert_last
from tus_defects.variant import defect
from tus_reference.model import FileInfo, Response

CREATION = Match(request=("creation",))
APPLY = "core.patch.apply-at-offset"
ACCURATE = "core.head.offset-accurate"
GONE = "termination.gone"
LATER = Match(method="PATCH|HEAD", upload=("known",))


async def _find_earlier(call: Call, response: Response, count: int) -> FileInfo | None:
    """Remember a created upload; return the one that was created so many creations before."""
    created, texts = created_id(response), call.memory.texts
    if response.status != 201 or not created:
        return None
    texts[str(len(texts))] = created
    return await call.server.find(texts.get(str(len(texts) - 1 - count), ""))


@defect("upload-vanishes-after-ten-creations", ACCURATE, CREATION, client=True)
async def remove_after_ten_creations(call: Call) -> Response:
    """An upload is removed as soon as ten others were created after it."""
    response = await call.respond()
    earlier = await _find_earlier(call, response, 10)
    if earlier is not None:
        await call.server.remove(earlier.id)
    return response


@defect("complete-upload-corrupted-by-third-creation", APPLY, CREATION, client=True)
async def corrupt_at_third_creation(call: Call) -> Response:
    """The third creation after that of a complete upload inverts its last byte."""
    response = await call.respond()
    earlier = await _find_earlier(call, response, 3)
    if earlier is not None and earlier.is_complete and earlier.offset:
        await call.server.rewrite(earlier, invert_last)
    return response


@defect("unfinished-upload-emptied-by-next-creation", ACCURATE, CREATION, client=True)
async def empty_at_next_creation(call: Call) -> Response:
    """A creation with bytes removes what is stored of the unfinished upload created before it."""
    response = await call.respond()
    earlier = await _find_earlier(call, response, 1)
    if earlier is not None and not earlier.is_complete and earlier.offset:
        await call.server.rewrite(earlier, lambda _: b"")
    return response


@defect("metadata-lost-after-two-creations", "creation.metadata.head-echo", CREATION, client=True)
async def drop_metadata_after_two_creations(call: Call) -> Response:
    """The metadata of an upload is dropped when two others have been created."""
    response = await call.respond()
    earlier = await _find_earlier(call, response, 2)
    if earlier is not None and earlier.metadata_header:
        await call.server.rewrite(earlier, lambda d: d, metadata={}, metadata_header=None)
    return response


@defect(
    "complete-upload-corrupted-after-a-second",
    APPLY,
    Match(method="PATCH|GET", upload=("known",)),
    client=True,
)
async def corrupt_after_a_second(call: Call) -> Response:
    """A complete upload has its last byte inverted a second after its last PATCH."""
    texts = call.memory.texts
    since = texts.get(call.upload_id)
    aged = since is not None and time.monotonic() - float(since) > 1
    if call.method == "GET" and aged and call.info.offset and not call.is_marked:
        call.memory.marked.add(call.upload_id)
        await call.server.rewrite(call.info, invert_last)
    if call.method == "PATCH":
        texts[call.upload_id] = str(time.monotonic())
    return await call.respond()


async def _store_later(call: Call, status: int) -> Response:
    """Append a byte to an upload a second after a PATCH of it got this status."""
    rejected, info = call.memory.texts, call.info
    if time.time() - float(rejected.get(info.id, "inf")) > 1 and not info.is_complete:
        del rejected[info.id]
        await call.server.append(info, b"?")
    response = await call.respond()
    if call.method == "PATCH" and response.status == status:
        rejected[info.id] = str(time.time())
    return response


@defect("rejected-media-type-stored-a-second-later", "core.patch.content-type-not-applied", LATER)
async def store_rejected_media_type_later(call: Call) -> Response:
    """A second after a PATCH was rejected for its media type, a byte of it is stored."""
    return await _store_later(call, 415)


@defect("rejected-checksum-stored-a-second-later", "checksum.mismatch-offset", LATER)
async def store_rejected_checksum_later(call: Call) -> Response:
    """A second after a PATCH was rejected for its checksum, a byte of it is stored."""
    return await _store_later(call, 460)


@defect("rejected-offset-stored-a-second-later", "core.patch.offset-mismatch-no-change", LATER)
async def store_rejected_offset_later(call: Call) -> Response:
    """A second after a PATCH was rejected for its offset, a byte of it is stored."""
    return await _store_later(call, 409)


@defect(
    "deleted-url-reused",
    GONE,
    Match(method="POST|DELETE", header={"Upload-Concat": False}),
    client=True,
)
async def reuse_deleted_url(call: Call) -> Response:
    """An upload that is created after a DELETE gets the URL of the deleted one."""
    response = await call.respond()
    if call.method == "DELETE" and succeeded(response):
        call.memory.texts["deleted"] = call.upload_id
    created = await call.find_created(response)
    if call.method != "POST" or created is None or not call.memory.texts.get("deleted"):
        return response
    old = call.memory.texts.pop("deleted")
    data = await call.server.read(created)
    await call.server.remove(created.id)
    await call.server.store(replace(created, id=old), data)
    return set_header(response, "Location", _rename(response, created.id, old))


def _rename(response: Response, name: str, other: str) -> str:
    location = next(text for key, text in response.headers if key.lower() == "location")
    return location.replace(name, other)


@defect(
    "deleted-upload-returns-at-third-head",
    GONE,
    Match(method="HEAD|DELETE", path="upload"),
    client=True,
)
async def return_deleted_upload(call: Call) -> Response:
    """A deleted upload exists again when it is asked for the third time."""
    if call.method == "DELETE":
        info, response = await call.upload(), await call.respond()
        if info is not None and succeeded(response):
            call.memory.texts[info.id] = "0"
        return response
    asked = call.memory.texts.get(call.upload_id)
    if asked is None:
        return await call.respond()
    call.memory.texts[call.upload_id] = str(int(asked) + 1)
    if int(asked) < 2:
        return await call.respond()
    headers = (("Upload-Offset", "0"), ("Upload-Length", "1"), ("Cache-Control", "no-store"))
    return answer(200, *headers)


@defect(
    "fails-on-creation-after-delete", "creation.post.201", Match(method="POST|DELETE"), client=True
)
async def fail_on_creation_after_delete(call: Call) -> Response:
    """The creation after a DELETE gets 500."""
    if call.method == "DELETE":
        call.memory.marked.add("deleted")
        return await call.respond()
    if "deleted" in call.memory.marked:
        call.memory.marked.discard("deleted")
        return answer(500)
    return await call.respond()


@defect(
    "partials-with-upload-join-as-zeros",
    "concatenation.final.order",
    Match(request=("creation-with-upload",)),
    client=True,
)
async def zero_partials_with_upload(call: Call) -> Response:
    """Bytes that a partial upload is created with are joined as zeros, and read back right."""
    response = await call.respond()
    info = await call.find_created(response)
    if info is not None and info.is_partial and info.is_complete:
        await call.server.rewrite(info, lambda data: bytes(len(data)))
    return response
