"""Defects of final uploads that touch bytes, compute or remember something (Concatenation)."""

from tus_defects.call import Call, created_id
from tus_defects.messages import find_header, rewrite, set_header, strip, succeeded
from tus_defects.rule import Match
from tus_defects.server import invert_last
from tus_defects.variant import defect
from tus_reference.model import Response

FINAL_CREATION = Match(request=("final-creation",))
HEAD_OF_FINAL = Match(method="HEAD", upload=("final",))
HEAD_OFFSET = "concatenation.final.head-offset-equals-length"
ORDER = "concatenation.final.order"
FINISHES = "concatenation-unfinished.finishes"


@defect("concatenation.final.length-sum", HEAD_OF_FINAL, client=True)
async def final_length_counts_partials(call: Call) -> Response:
    """HEAD of a final upload returns its length plus one for each partial upload."""
    count = len(call.info.partial_uploads)
    return rewrite(await call.respond(), "Upload-Length", lambda text: str(int(text) + count))


@defect(ORDER, FINAL_CREATION, client=True)
async def partials_joined_in_reverse(call: Call) -> Response:
    """Partial uploads are joined in reverse order, and HEAD returns them as they were named."""
    response = await call.respond()
    info = await call.created(response)
    if info and info.is_final and info.offset:
        partials = [await call.server.read(each) for each in await call.server.find_partials(info)]
        await call.server.rewrite(info, lambda _: b"".join(reversed(partials)))
    return response


@defect(ORDER, FINAL_CREATION, client=True)
async def last_byte_of_final_corrupted(call: Call) -> Response:
    """The last byte of a final upload is inverted."""
    response = await call.respond()
    info = await call.created(response)
    if info and info.is_final and info.offset:
        await call.server.rewrite(info, invert_last)
    return response


@defect(ORDER, Match(method="HEAD"), client=True)
async def partials_listed_in_reverse(call: Call) -> Response:
    """HEAD of a final upload returns its partial uploads in reverse order."""

    def turn(text: str) -> str:
        kind, _, urls = text.partition(";")
        return f"{kind};{' '.join(reversed(urls.split(' ')))}" if urls else text

    return rewrite(await call.respond(), "Upload-Concat", turn)


@defect(HEAD_OFFSET, Match(method="POST|HEAD"), on="final-ignores-length-and-body", client=True)
async def final_with_body_never_finishes(call: Call) -> Response:
    """HEAD of a final upload whose creation had a body never returns an offset."""
    response = await call.respond()
    if call.method == "HEAD":
        unfinished = call.is_marked
        return strip(response, "Upload-Offset") if unfinished else response
    final = call.header("Upload-Concat").startswith("final")
    if final and call.request.body.length != 0 and response.status == 201:
        call.memory.marked.add(created_id(response))
    return response


@defect(FINISHES, Match(method="HEAD|GET"), client=True)
async def unfinished_final_never_finishes(call: Call) -> Response:
    """HEAD of a final upload that was unfinished once never returns an offset."""
    response, info = await call.respond(), await call.upload()
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
        if each.is_partial and not each.is_complete:
            await call.server.set_length(each.id, each.offset)
    return await call.respond()


@defect("concatenation.final.metadata-not-transferred", HEAD_OF_FINAL)
async def final_inherits_metadata(call: Call) -> Response:
    """A final upload also has the metadata of its partial uploads."""
    response, partials = await call.respond(), await call.server.find_partials(call.info)
    text = ",".join(filter(None, (each.metadata_header for each in (call.info, *partials))))
    return set_header(response, "Upload-Metadata", text) if text else response
