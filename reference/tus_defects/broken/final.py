"""Defects of final uploads that touch bytes, compute or remember something (Concatenation)."""

from __future__ import annotations

from tus_defects.call import Call, created_id
from tus_defects.messages import find_header, rewrite, set_header, strip, succeeded
from tus_defects.registry import defect
from tus_defects.rule import Match
from tus_reference.model import FileInfo, Response

FINAL_CREATION = Match(request=("final-creation",))
HEAD_OF_FINAL = Match(method="HEAD", upload=("final",))
LENGTH_SUM = "concatenation.final.length-sum"
ORDER = "concatenation.final.order"
FINISHES = "concatenation-unfinished.finishes"


@defect(LENGTH_SUM, HEAD_OF_FINAL, client=True)
async def final_length_counts_partials(call: Call) -> Response:
    """HEAD of a final upload returns its length plus one for each partial upload."""
    info = await call.upload()
    response = await call.respond()
    count = 0 if info is None else len(info.partial_uploads)
    return rewrite(response, "Upload-Length", lambda text: str(int(text) + count))


async def _find_joined(call: Call, response: Response) -> FileInfo | None:
    """Return the final upload that was created, if it has been joined."""
    info = await call.created(response)
    return info if info is not None and info.is_final and info.offset else None


@defect(ORDER, FINAL_CREATION, client=True)
async def partials_joined_in_reverse(call: Call) -> Response:
    """Partial uploads are joined in reverse order, and HEAD returns them as they were named."""
    response = await call.respond()
    info = await _find_joined(call, response)
    if info is not None:
        parts = [await call.server.find(each) for each in reversed(info.partial_uploads)]
        data = [await call.server.read(each) for each in parts if each is not None]
        await call.server.rewrite(info, b"".join(data))
    return response


@defect(ORDER, FINAL_CREATION, client=True)
async def last_byte_of_final_corrupted(call: Call) -> Response:
    """The last byte of a final upload is inverted."""
    response = await call.respond()
    info = await _find_joined(call, response)
    if info is not None:
        data = bytearray(await call.server.read(info))
        data[-1] ^= 0xFF
        await call.server.rewrite(info, bytes(data))
    return response


@defect(ORDER, Match(method="HEAD"), client=True)
async def partials_listed_in_reverse(call: Call) -> Response:
    """HEAD of a final upload returns its partial uploads in reverse order."""

    def turn(text: str) -> str:
        kind, _, urls = text.partition(";")
        return f"{kind};{' '.join(reversed(urls.split(' ')))}" if urls else text

    return rewrite(await call.respond(), "Upload-Concat", turn)


@defect(
    "concatenation.final.head-offset-equals-length",
    Match(method="POST|HEAD"),
    on="final-ignores-length-and-body",
    client=True,
)
async def final_with_body_never_finishes(call: Call) -> Response:
    """HEAD of a final upload whose creation had a body never returns an offset."""
    response = await call.respond()
    if call.method == "HEAD":
        unfinished = call.upload_id in call.memory.marked
        return strip(response, "Upload-Offset") if unfinished else response
    final = call.header("Upload-Concat").startswith("final")
    if final and call.request.body.length != 0 and response.status == 201:
        call.memory.marked.add(created_id(response))
    return response


@defect(FINISHES, Match(method="HEAD|GET"), client=True)
async def unfinished_final_never_finishes(call: Call) -> Response:
    """HEAD of a final upload that was unfinished once never returns an offset."""
    response = await call.respond()
    info = await call.upload()
    if info is None or not info.is_final or not succeeded(response):
        return response
    if info.is_complete and info.id not in call.memory.marked:
        return response
    call.memory.marked.add(info.id)
    return strip(response, "Upload-Offset")


@defect(FINISHES, HEAD_OF_FINAL, client=True)
async def unfinished_final_offset_beyond_length(call: Call) -> Response:
    """HEAD of an unfinished final upload returns an offset beyond its length."""
    response = await call.respond()
    length = find_header(response, "Upload-Length")
    if length is None or find_header(response, "Upload-Offset") is not None:
        return response
    return set_header(response, "Upload-Offset", str(int(length) + 1))


@defect("concatenation-unfinished.advertise", FINAL_CREATION, on="concatenation-only")
async def final_cuts_unfinished_partials(call: Call) -> Response:
    """A final upload is made of the bytes that its partial uploads have, which end there."""
    for each in await call.server.find_listed(call.request):
        if each is not None and each.is_partial and not each.is_complete:
            await call.server.set_length(each.id, each.offset)
    return await call.respond()


@defect("concatenation.final.metadata-not-transferred", HEAD_OF_FINAL)
async def final_inherits_metadata(call: Call) -> Response:
    """A final upload also has the metadata of its partial uploads."""
    info = await call.upload()
    response = await call.respond()
    if info is None or not succeeded(response):
        return response
    parts = [await call.server.find(each) for each in info.partial_uploads]
    headers = [each.metadata_header for each in (info, *parts) if each is not None]
    text = ",".join(header for header in headers if header)
    return set_header(response, "Upload-Metadata", text) if text else response
