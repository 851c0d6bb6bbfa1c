"""Defects of concatenation that touch uploads, compute or remember (Concatenation)."""

from collections.abc import Callable

from tus_defects.call import Call, created_id
from tus_defects.message_edits import answer, find_header, rewrite, set_header, strip, succeeded
from tus_defects.rule import Match
from tus_defects.server import drop_last, invert_last, listed_urls
from tus_defects.variant import defect
from tus_reference.model import FileInfo, Response

PARTIAL_REPEAT_IN_ONE = "concatenation.partial.repeat-in-one"
PARTIAL_REUSE_ACROSS = "concatenation.partial.reuse-across"
HEADER_RESPONSE_FORMAT = "concatenation.header.response-format"
FINAL_BODY = "concatenation.final.body"
NOT_SUPPORTED = "concatenation-unfinished.not-supported"
FINAL_LENGTH_SUM = "concatenation.final.length-sum"
ADVERTISE = "concatenation-unfinished.advertise"
FINAL_CREATION = Match(request=("final-creation",))
REPEATED = Match(method="POST", header={"Upload-Concat": "final;(.* )?(\\S+) (.* )?\\2( .*)?"})
WITH_LENGTH = Match(request=("final-creation",), header={"Upload-Length": "\\d+"})
PATCH_OF_PARTIAL = Match(method="PATCH", upload=("partial",))
PATCH_OF_FINAL = Match(method="PATCH", upload=("final",))
MALFORMED = Match(method="POST", header={"Upload-Concat": "(?!partial$|final;.).*"})
AFTER_CONCAT = "concatenation.partial.patch-after-concat"
NO_MODIFY = "concatenation.final.patch-no-modify"
BAD_PARTIALS = "concatenation.final.bad-partials"
HEAD_OF_FINAL = Match(method="HEAD", upload=("final",))
HEAD_OFFSET = "concatenation.final.head-offset-equals-length"
ORDER = "concatenation.final.order"
FINISHES = "concatenation-unfinished.finishes"


@defect("repeated-partial-joined-once", PARTIAL_REPEAT_IN_ONE, REPEATED, client=True)
async def join_repeated_partial_once(call: Call) -> Response:
    """A partial upload that a final one names twice is joined once."""
    urls = " ".join(dict.fromkeys(listed_urls(call.request)))
    return await call.respond(Upload_Concat=f"final;{urls}")


@defect("fails-on-reused-partial", PARTIAL_REUSE_ACROSS, FINAL_CREATION, client=True)
async def fail_on_reused_partial(call: Call) -> Response:
    """A second final upload over the same partial upload gets 500."""
    listed = {each.id for each in await call.server.find_listed(call.request)}
    if listed & call.memory.marked:
        return answer(500)
    response = await call.respond()
    if response.status == 201:
        call.memory.marked.update(listed)
    return response


async def _find_finals(call: Call) -> list[FileInfo]:
    """Return the final uploads that the upload of the request is a part of."""
    uploads = await call.server.find_all()
    return [each for each in uploads if call.upload_id in each.partial_uploads]


@defect("fails-on-patch-of-joined-partial", AFTER_CONCAT, PATCH_OF_PARTIAL)
async def fail_on_patch_of_joined_partial(call: Call) -> Response:
    """PATCH of a partial upload that has been joined gets 500."""
    joined = any(each.is_complete for each in await _find_finals(call))
    return answer(500) if joined else await call.respond()


async def _change_finals(
    call: Call, change: Callable[[bytes], bytes], *, longer: int = 0
) -> Response:
    """Respond to a PATCH of a partial upload, and change the final uploads it is joined to."""
    finals = await _find_finals(call)
    response = await call.respond()
    for each in finals:
        if each.is_complete:
            await call.server.rewrite(each, change, size=each.offset + longer)
    return response


@defect("patch-of-joined-partial-reverses-final", AFTER_CONCAT, PATCH_OF_PARTIAL)
async def reverse_final(call: Call) -> Response:
    """PATCH of a joined partial upload is refused, but the final upload is reversed."""
    return await _change_finals(call, lambda data: data[::-1])


@defect("patch-of-joined-partial-extends-final", AFTER_CONCAT, PATCH_OF_PARTIAL)
async def extend_final(call: Call) -> Response:
    """PATCH of a joined partial upload is refused, but the final upload gets another byte."""
    return await _change_finals(call, lambda data: data + b"?", longer=1)


@defect("patch-of-final-cuts-partials", NO_MODIFY, PATCH_OF_FINAL)
async def cut_partials(call: Call) -> Response:
    """PATCH of a final upload is refused, but its partial uploads lose their last byte."""
    response = await call.respond()
    for each in await call.server.find_partials(call.info):
        if each.offset:
            await call.server.rewrite(each, drop_last)
    return response


@defect("patch-of-final-cuts-it", NO_MODIFY, PATCH_OF_FINAL)
async def cut_final(call: Call) -> Response:
    """PATCH of a final upload is refused, but the upload ends one byte earlier."""
    response = await call.respond()
    if call.info.offset:
        await call.server.rewrite(call.info, drop_last, size=call.info.offset - 1)
    return response


@defect("unknown-partials-skipped", BAD_PARTIALS, FINAL_CREATION)
async def skip_unknown_partials(call: Call) -> Response:
    """Partial uploads that do not exist, or are elsewhere, are left out of a final upload."""
    urls, find_url = listed_urls(call.request), call.server.find_url
    known = [url for url in urls if await find_url(call.request, url) is not None]
    if len(known) == len(urls):
        return await call.respond()
    response = await call.respond(Upload_Concat=f"final;{' '.join(known)}")
    return response if known else await call.respond(Upload_Concat=None, Upload_Length="0")


@defect("any-upload-accepted-as-partial", BAD_PARTIALS, FINAL_CREATION)
async def accept_any_upload_as_partial(call: Call) -> Response:
    """Uploads that are not partial are accepted in the list of a final upload."""
    for each in await call.server.find_listed(call.request):
        if not each.is_partial:
            await call.server.rewrite(each, lambda data: data, is_partial=True)
    return await call.respond()


@defect("refused-final-removes-partials", BAD_PARTIALS, FINAL_CREATION)
async def remove_partials_of_refused_final(call: Call) -> Response:
    """When a final upload is refused, the partial uploads that it names are removed."""
    response = await call.respond()
    if response.status == 400:
        for each in await call.server.find_listed(call.request):
            await call.server.remove(each.id)
    return response


@defect("malformed-concat-ignored", BAD_PARTIALS, MALFORMED)
async def ignore_malformed_concat(call: Call) -> Response:
    """A malformed Upload-Concat is ignored."""
    length = call.header("Upload-Length") or "0"
    return await call.respond(Upload_Concat=None, Upload_Length=length)


@defect("capitalized-concat-repeated", HEADER_RESPONSE_FORMAT, Match(method="POST|HEAD"))
async def echo_capitalized_concat(call: Call) -> Response:
    """Upload-Concat: Partial is accepted, and HEAD returns it as it came."""
    odd = call.header("Upload-Concat") == "Partial"
    return await call.echo("Upload-Concat", "partial", unusual=odd)


@defect("given-length-of-final-kept", "concatenation.final.upload-length-given", WITH_LENGTH)
async def keep_given_length_of_final(call: Call) -> Response:
    """The Upload-Length of the creation of a final upload is kept, one byte higher."""
    response = await call.respond(Upload_Length=None)
    await call.server.set_length(created_id(response), int(call.header("Upload-Length")) + 1)
    return response


@defect("body-of-final-appended", FINAL_BODY, Match(request=("final-creation",), body="sized"))
async def append_body_of_final(call: Call) -> Response:
    """Bytes that come with a final upload are appended to it."""
    data = await call.read_body()
    response = await call.respond_to(b"")
    info = await call.find_created(response)
    if info and info.size is not None:
        await call.server.append(info, data)
        await call.server.set_length(info.id, info.size + len(data))
    return response


@defect("final-not-limited", "concatenation.final.max-size", FINAL_CREATION)
async def allow_final_beyond_maximum(call: Call) -> Response:
    """A final upload may be larger than Tus-Max-Size."""
    listed = await call.server.find_listed(call.request)
    total = sum(each.size or 0 for each in listed)
    if not 0 < call.server.config.max_size < total:
        return await call.respond()
    return answer(201, ("Location", f"{call.server.urls.path}too-large"))


@defect(
    "final-loses-bytes-of-deleted-partial",
    "termination.final-and-partials",
    Match(method="DELETE", upload=("partial",)),
    client=True,
)
async def remove_bytes_of_deleted_partial(call: Call) -> Response:
    """DELETE of a partial upload removes as many bytes from the start of its final upload."""
    finals, removed = await _find_finals(call), call.info.offset
    response = await call.respond()
    for each in finals:
        await call.server.rewrite(each, lambda data: data[removed:])
    return response


@defect("refused-final-closes-partials", NOT_SUPPORTED, FINAL_CREATION, on="concatenation-only")
async def close_partials_of_refused_final(call: Call) -> Response:
    """A final upload over unfinished partial uploads gets 400, and these end where they are."""
    response = await call.respond()
    if response.status == 400:
        for each in await call.server.find_listed(call.request):
            if each.is_partial:
                await call.server.set_length(each.id, each.offset)
    return response


CREATE = "concatenation.partial.create"


@defect("patch-of-partial-refused", CREATE, Match(method="PATCH", upload=("partial",)), client=True)
async def refuse_patch_of_partial(call: Call) -> Response:
    """PATCH of an empty partial upload of 100 bytes gets 403."""
    refused = call.info.size == 100 and call.info.offset == 0
    return answer(403) if refused else await call.respond()


@defect("partial-begins-with-a-byte", CREATE, Match(request=("partial-creation",)), client=True)
async def add_byte_to_new_partial(call: Call) -> Response:
    """A partial upload of 100 bytes has a byte as soon as it is created."""
    response = await call.respond()
    info = await call.find_created(response)
    if info and info.offset == 0 and info.size == 100:
        await call.server.append(info, b"?")
    return response


@defect("concat-urls-in-other-form", "concatenation.head.upload-concat", Match(method="HEAD"))
async def rewrite_concat_urls(call: Call) -> Response:
    """HEAD returns absolute URLs of partial uploads as paths, and paths as absolute URLs."""
    origin = f"{call.request.scheme}://{call.header('Host')}/"

    def turn(text: str) -> str:
        if origin in text:
            return text.replace(origin, "/")
        return text.replace(";/", f";{origin}").replace(" /", f" {origin}")

    return rewrite(await call.respond(), "Upload-Concat", turn)


@defect("final-length-counts-partials", FINAL_LENGTH_SUM, HEAD_OF_FINAL, client=True)
async def add_partial_count_to_length(call: Call) -> Response:
    """HEAD of a final upload returns its length plus one for each partial upload."""
    count = len(call.info.partial_uploads)
    return rewrite(await call.respond(), "Upload-Length", lambda text: str(int(text) + count))


@defect("partials-joined-in-reverse", ORDER, FINAL_CREATION, client=True)
async def join_in_reverse(call: Call) -> Response:
    """Partial uploads are joined in reverse order, and HEAD returns them as they were named."""
    response = await call.respond()
    info = await call.find_created(response)
    if info and info.is_final and info.offset:
        partials = [await call.server.read(each) for each in await call.server.find_partials(info)]
        await call.server.rewrite(info, lambda _: b"".join(reversed(partials)))
    return response


@defect("last-byte-of-final-corrupted", ORDER, FINAL_CREATION, client=True)
async def corrupt_last_byte_of_final(call: Call) -> Response:
    """The last byte of a final upload is inverted."""
    response = await call.respond()
    info = await call.find_created(response)
    if info and info.is_final and info.offset:
        await call.server.rewrite(info, invert_last)
    return response


@defect("partials-listed-in-reverse", ORDER, Match(method="HEAD"), client=True)
async def list_partials_in_reverse(call: Call) -> Response:
    """HEAD of a final upload returns its partial uploads in reverse order."""

    def turn(text: str) -> str:
        kind, _, urls = text.partition(";")
        return f"{kind};{' '.join(reversed(urls.split(' ')))}" if urls else text

    return rewrite(await call.respond(), "Upload-Concat", turn)


@defect(
    "final-with-body-never-finishes",
    HEAD_OFFSET,
    Match(method="POST|HEAD"),
    on="final-ignores-length-and-body",
    client=True,
)
async def hide_offset_of_final_with_body(call: Call) -> Response:
    """HEAD of a final upload whose creation had a body never returns an offset."""
    response = await call.respond()
    if call.method == "HEAD":
        unfinished = call.is_marked
        return strip(response, "Upload-Offset") if unfinished else response
    final = call.header("Upload-Concat").startswith("final")
    if final and call.request.body.length != 0 and response.status == 201:
        call.memory.marked.add(created_id(response))
    return response


@defect("unfinished-final-never-finishes", FINISHES, Match(method="HEAD|GET"), client=True)
async def hide_offset_of_unfinished_final(call: Call) -> Response:
    """HEAD of a final upload that was unfinished once never returns an offset."""
    response, info = await call.respond(), await call.upload()
    if info is None or not info.is_final or not succeeded(response):
        return response
    if info.is_complete and info.id not in call.memory.marked:
        return response
    call.memory.marked.add(info.id)
    return strip(response, "Upload-Offset")


@defect("unfinished-final-offset-beyond-length", FINISHES, HEAD_OF_FINAL, client=True)
async def return_offset_beyond_length(call: Call) -> Response:
    """HEAD of an unfinished final upload returns an offset beyond its length."""
    response = await call.respond()
    length = find_header(response, "Upload-Length")
    if length is None or find_header(response, "Upload-Offset") is not None:
        return response
    return set_header(response, "Upload-Offset", str(int(length) + 1))


@defect("final-cuts-unfinished-partials", ADVERTISE, FINAL_CREATION, on="concatenation-only")
async def complete_unfinished_partials(call: Call) -> Response:
    """A final upload is made of the bytes that its partial uploads have, which end there."""
    for each in await call.server.find_listed(call.request):
        if each.is_partial and not each.is_complete:
            await call.server.set_length(each.id, each.offset)
    return await call.respond()


@defect("final-inherits-metadata", "concatenation.final.metadata-not-transferred", HEAD_OF_FINAL)
async def merge_metadata_of_partials(call: Call) -> Response:
    """A final upload also has the metadata of its partial uploads."""
    response, partials = await call.respond(), await call.server.find_partials(call.info)
    text = ",".join(filter(None, (each.metadata_header for each in (call.info, *partials))))
    return set_header(response, "Upload-Metadata", text) if text else response


@defect(
    "final-of-many-inherits-metadata",
    "concatenation.final.metadata-not-transferred",
    HEAD_OF_FINAL,
    client=True,
)
async def inherit_metadata_of_many(call: Call) -> Response:
    """A final upload of three or more partial uploads has the metadata of the last of them."""
    response, partials = await call.respond(), await call.server.find_partials(call.info)
    text = partials[-1].metadata_header if len(partials) > 2 else None
    return set_header(response, "Upload-Metadata", text) if text else response


@defect(
    "early-final-inherits-metadata",
    "concatenation.final.metadata-not-transferred",
    HEAD_OF_FINAL,
    client=True,
)
async def inherit_metadata_early(call: Call) -> Response:
    """A final upload that was unfinished has the metadata of its first partial upload later."""
    if not call.info.is_complete:
        call.memory.marked.add(call.upload_id)
        return await call.respond()
    response, partials = await call.respond(), await call.server.find_partials(call.info)
    text = partials[0].metadata_header if partials and call.is_marked else None
    return set_header(response, "Upload-Metadata", text) if text else response
