"""Defects that show only for bodies of some size, at borders of buffers, for many parts."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

from tus_defects.broken.body import _store_excess
from tus_defects.call import Call
from tus_defects.message_edits import answer, succeeded
from tus_defects.rule import Match
from tus_defects.server import invert_last, listed_urls
from tus_defects.variant import defect
from tus_reference.model import Download, Response

PATCH = Match(method="PATCH", upload=("known",))
APPLY = "core.patch.apply-at-offset"
EXCEEDS = "core.patch.exceeds-length"
FINAL_CREATION = Match(request=("final-creation",))
ORDER = "concatenation.final.order"


async def _change_body(call: Call, change: Callable[[bytes], bytes]) -> Response:
    """Respond to a body with another content of the same length; leave broken ones alone."""
    length = call.request.body.length
    if call.has("Upload-Checksum") or not length or length < 2:
        return await call.respond()
    return await call.respond_to(change(await call.read_body()))


def _exchange(data: bytes, at: int) -> bytes:
    """Return the data with the bytes around a position exchanged."""
    if len(data) <= at:
        return data
    return data[: at - 1] + data[at : at + 1] + data[at - 1 : at] + data[at + 1 :]


@defect("bytes-at-64-kib-of-a-body-exchanged", APPLY, PATCH, client=True)
async def exchange_bytes_at_64_kib(call: Call) -> Response:
    """The bytes before and after the first 64 KiB of a body are stored in each other's place."""
    return await _change_body(call, lambda data: _exchange(data, 65536))


@defect("bytes-at-32-kib-of-a-body-exchanged", APPLY, PATCH, client=True)
async def exchange_bytes_at_32_kib(call: Call) -> Response:
    """The bytes before and after the first 32 KiB of a body are stored in each other's place."""
    return await _change_body(call, lambda data: _exchange(data, 32768))


@defect("body-of-whole-pages-corrupted", APPLY, PATCH, client=True)
async def corrupt_whole_pages(call: Call) -> Response:
    """A body of a multiple of 4,096 bytes is stored with its last byte inverted."""
    return await _change_body(call, lambda data: data if len(data) % 4096 else invert_last(data))


@defect("body-one-beyond-a-page-corrupted", APPLY, PATCH, client=True)
async def corrupt_one_beyond_a_page(call: Call) -> Response:
    """A body of one byte more than a power of two from 1,024 on has its last byte inverted."""

    def change(data: bytes) -> bytes:
        before = len(data) - 1
        return invert_last(data) if before >= 1024 and not before & (before - 1) else data

    return await _change_body(call, change)


@defect("body-of-one-byte-corrupted", APPLY, PATCH, client=True)
async def corrupt_one_byte(call: Call) -> Response:
    """A PATCH of a single byte stores it inverted."""
    length = call.request.body.length
    if length != 1 or call.has("Upload-Checksum"):
        return await call.respond()
    return await call.respond_to(invert_last(await call.read_body()))


@defect("zero-bytes-end-a-body", APPLY, PATCH, client=True)
async def end_body_at_zero(call: Call) -> Response:
    """What follows a byte of zero in a body is stored as zeros."""

    def change(data: bytes) -> bytes:
        start, end, rest = data.partition(b"\0")
        return start + end + bytes(len(rest))

    return await _change_body(call, change)


@defect("bytes-over-127-become-question-marks", APPLY, PATCH, client=True)
async def replace_bytes_over_127(call: Call) -> Response:
    """Bytes over 127 are stored as question marks where the body is not UTF-8."""

    def change(data: bytes) -> bytes:
        return bytes(byte if byte < 128 else 63 for byte in data)

    return await _change_body(call, change)


@defect("download-breaks-off", APPLY, Match(method="GET"), client=True)
async def break_off_download(call: Call) -> Response:
    """The connection closes before the last byte of a download of more than 4 KiB."""
    response = await call.respond()
    if not isinstance(response.body, Download) or response.body.length <= 4096:
        return response
    data = b"".join([chunk async for chunk in response.body.chunks])

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield data[:-1]

    return replace(response, body=Download(len(data), chunks()))


@defect(
    "excess-of-partial-stored", EXCEEDS, Match(method="PATCH", upload=("partial", "unfinished"))
)
async def store_excess_of_partial(call: Call) -> Response:
    """Bytes beyond the length of a partial upload are stored and acknowledged."""
    return await _store_excess(call, acknowledged=True)


@defect(
    "excess-of-overridden-patch-stored",
    EXCEEDS,
    Match(method="PATCH", sent="POST", upload=("unfinished", "not-final")),
)
async def store_excess_of_overridden_patch(call: Call) -> Response:
    """Bytes beyond the length that an overridden PATCH brings are stored and acknowledged."""
    return await _store_excess(call, acknowledged=True)


@defect(
    "excess-of-begun-refused-and-stored",
    EXCEEDS,
    Match(method="PATCH", upload=("begun", "not-final")),
)
async def refuse_and_store_excess_of_begun(call: Call) -> Response:
    """Bytes beyond the length are refused, but stored, unless it is the first PATCH."""
    return await _store_excess(call, acknowledged=False)


@defect("ten-partials-sorted-as-text", ORDER, FINAL_CREATION, client=True)
async def sort_partials_as_text(call: Call) -> Response:
    """Ten and more partial uploads are joined in the order of their numbers as text."""
    urls = listed_urls(call.request)
    if len(urls) < 10:
        return await call.respond()
    order = sorted(range(len(urls)), key=str)
    return await _keep_concat(call, [urls[index] for index in order])


async def _keep_concat(call: Call, urls: list[str]) -> Response:
    """Create a final upload of other partials, without a trace of that in Upload-Concat."""
    response = await call.respond(Upload_Concat=f"final;{' '.join(urls)}")
    info = await call.find_created(response)
    if info is not None:
        await call.server.rewrite(
            info, lambda data: data, concat_header=call.header("Upload-Concat")
        )
    return response


@defect("partials-after-the-second-reversed", ORDER, FINAL_CREATION, client=True)
async def reverse_later_partials(call: Call) -> Response:
    """The third and later partial uploads are joined in reverse order."""
    urls = list(listed_urls(call.request))
    if len(urls) < 4:
        return await call.respond()
    return await _keep_concat(call, urls[:2] + urls[2:][::-1])


@defect(
    "only-thirty-two-partials-joined", "concatenation.final.length-sum", FINAL_CREATION, client=True
)
async def join_thirty_two_partials(call: Call) -> Response:
    """Partial uploads after the thirty-second are not joined."""
    urls = list(listed_urls(call.request))
    return await (call.respond() if len(urls) <= 32 else _keep_concat(call, urls[:32]))


@defect(
    "partial-joined-twice-at-most",
    "concatenation.partial.repeat-in-one",
    FINAL_CREATION,
    client=True,
)
async def join_partial_twice_at_most(call: Call) -> Response:
    """A partial upload that is listed three times is joined twice."""
    urls = list(listed_urls(call.request))
    kept = [url for index, url in enumerate(urls) if urls[:index].count(url) < 2]
    return await (call.respond() if kept == urls else _keep_concat(call, kept))


@defect("mixed-partial-urls-refused", "concatenation.header.urls", FINAL_CREATION, client=True)
async def refuse_mixed_urls(call: Call) -> Response:
    """A list of absolute and relative URLs of partial uploads gets 400."""
    absolute = {"://" in url for url in listed_urls(call.request)}
    return answer(400) if len(absolute) > 1 else await call.respond()


@defect("odd-offsets-lose-order", APPLY, Match(method="PATCH", upload=("begun",)), client=True)
async def exchange_bytes_at_odd_offset(call: Call) -> Response:
    """A PATCH at an odd offset stores its first two bytes in each other's place."""
    if call.info.offset % 2 == 0:
        return await call.respond()
    return await _change_body(call, lambda data: _exchange(data, 1))


@defect("second-patch-repeats-a-byte", APPLY, Match(method="PATCH", upload=("begun",)), client=True)
async def repeat_a_byte(call: Call) -> Response:
    """A PATCH that is not the first begins with the last byte of the one before."""
    response, start = await call.respond(), call.info.offset
    info = await call.upload()
    if info is not None and succeeded(response) and info.offset > start:
        await call.server.rewrite(
            info, lambda data: data[:start] + data[start - 1 : start] + data[start + 1 :]
        )
    return response
