"""Defects that show when bodies break off or stall, or when requests meet (Core; Termination)."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio
import trio

from tus_defects.call import Call
from tus_defects.changed_stream import ChangedStream
from tus_defects.message_edits import OFFSET_TYPE, ComposedBody, answer, set_header, succeeded
from tus_defects.rule import Match
from tus_defects.server import Server, drop_last
from tus_defects.variant import defect, stream_defect
from tus_reference.model import BodyEndedEarly, EarlyEnd, Response

HEAD_OFFSET_ACCURATE = "core.head.offset-accurate"
PATCH_OF_KNOWN = Match(method="PATCH", upload=("known",))
UPLOAD = Match(method="HEAD|PATCH|DELETE")
DEFERRED = Match(method="PATCH", header={"Upload-Length": True}, upload=("deferred-length",))
DECLARE = "creation.defer-length.declare-in-patch"
DETECT_ERRORS = "core.net.detect-errors"
PATCH = Match(method="PATCH")
ENDING = Match(method="PATCH|DELETE")
CONCURRENT = "core.patch.concurrent"
IN_FLIGHT = "termination.in-flight"


@defect("locked-after-broken-patch", DETECT_ERRORS, UPLOAD, client=True)
async def keep_lock_after_broken_patch(call: Call) -> Response:
    """An upload whose PATCH broke off stays locked."""
    if call.is_marked and call.method != "HEAD":
        return answer(423)
    return await (call.respond_or_mark() if call.method == "PATCH" else call.respond())


@defect("fails-after-broken-patch", DETECT_ERRORS, UPLOAD, client=True)
async def fail_after_broken_patch(call: Call) -> Response:
    """Every request for an upload whose PATCH broke off gets 500."""
    if call.is_marked:
        return answer(500)
    return await (call.respond_or_mark() if call.method == "PATCH" else call.respond())


@defect("broken-patch-filled-with-zeros", DETECT_ERRORS, PATCH_OF_KNOWN, client=True)
async def fill_broken_patch_with_zeros(call: Call) -> Response:
    """A PATCH that broke off counts with its whole Content-Length, what is missing as zeros."""
    if response := await call.respond_unless_broken():
        return response
    info, length = await call.upload(), call.request.body.length
    if info and length:
        await call.server.append(info, bytes(call.info.offset + length - info.offset))
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect("end-of-broken-patch-zeroed", "core.patch.store-partial", PATCH_OF_KNOWN, client=True)
async def zero_end_of_broken_patch(call: Call) -> Response:
    """The last four bytes of a PATCH that broke off are stored as zeros."""
    if response := await call.respond_unless_broken():
        return response
    info, start = await call.upload(), call.info.offset
    if info and info.offset > start:
        kept = max(start, info.offset - 4)
        await call.server.rewrite(info, lambda data: data[:kept] + bytes(len(data) - kept))
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect("broken-patch-adds-a-byte", DETECT_ERRORS, PATCH_OF_KNOWN, client=True)
async def add_byte_to_broken_patch(call: Call) -> Response:
    """A PATCH that broke off counts with one byte more than arrived."""
    if response := await call.respond_unless_broken():
        return response
    if info := await call.upload():
        await call.server.append(info, b"?")
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect("broken-patch-erases-upload", "core.patch.store-partial", PATCH_OF_KNOWN, client=True)
async def erase_upload_on_broken_patch(call: Call) -> Response:
    """A PATCH that broke off removes all bytes of its upload."""
    if response := await call.respond_unless_broken():
        return response
    await call.server.rewrite(call.info, lambda _: b"")
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@defect("broken-patch-sets-length", DECLARE, DEFERRED, client=True)
async def set_length_to_broken_patch(call: Call) -> Response:
    """The length of an upload becomes what arrived when the PATCH that declares it breaks off."""
    if response := await call.respond_unless_broken():
        return response
    if info := await call.upload():
        await call.server.set_length(info.id, info.offset)
    raise BodyEndedEarly(EarlyEnd.DISCONNECTED)


@stream_defect("half-request-costs-a-byte", HEAD_OFFSET_ACCURATE, client=True)
def drop_byte_on_half_request(stream: trio.abc.Stream, server: Server) -> trio.abc.Stream:
    """A request whose head breaks off makes every upload lose its last byte."""
    head = bytearray()

    async def receive(data: bytes) -> None:
        head.extend(data)
        if not data and head and b"\r\n\r\n" not in head:
            for each in reversed(await server.find_all()):
                await server.rewrite(each, drop_last)

    return ChangedStream(stream, receive=receive)


@stream_defect("request-after-error-400", "core.head.success-status")
def reject_request_after_error(stream: trio.abc.Stream, _: Server) -> trio.abc.Stream:
    """The request after an error on a connection gets 400, as if the body were that request."""
    refused = False

    async def rewrite(data: bytes) -> AsyncGenerator[bytes, None]:
        nonlocal refused
        final = data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 1")
        refused, before = data.startswith((b"HTTP/1.1 409", b"HTTP/1.1 415")), refused
        yield data[:9] + b"400" + data[12:] if final and before else data

    return ChangedStream(stream, rewrite)


@defect("reads-of-one-byte-lost", "core.patch.apply-at-offset", Match(method="PATCH"), client=True)
async def lose_reads_of_one_byte(call: Call) -> Response:
    """A byte of a PATCH that is received alone is lost."""
    body = call.request.body
    return await call.respond(replace(call.request, body=_LossyBody(b"", body, length=body.length)))


class _LossyBody(ComposedBody):
    async def read_into(self, buffer: memoryview) -> int:
        while (count := await super().read_into(buffer)) == 1:
            pass
        return count


@defect("stalled-body-never-times-out", "core.net.timeout-close", Match(method="PATCH"))
async def wait_for_stalled_body(call: Call) -> Response:
    """A body that stalls is waited for without end."""
    body = call.request.body
    return await call.respond(
        replace(call.request, body=_PatientBody(b"", body, length=body.length))
    )


class _PatientBody(ComposedBody):
    """A body whose reader cannot be cancelled."""

    async def read_into(self, buffer: memoryview) -> int:
        count = 0
        with anyio.CancelScope(shield=True):
            count = await super().read_into(buffer)
        return count  # noqa: RET504 - mypy assumes that the scope may end without a value


@defect("stalled-body-500", "core.net.timeout-close", Match(method="PATCH"), client=True)
async def fail_on_stalled_body(call: Call) -> Response:
    """A body that stalls gets 500, and nothing of it is stored."""
    data: bytes | None = None
    with anyio.move_on_after(call.server.config.network_timeout):
        data = await call.read_body()
    return answer(500) if data is None else await call.respond_to(data)


@defect("concurrent-request-500", CONCURRENT, UPLOAD)
async def fail_on_concurrent_request(call: Call) -> Response:
    """A request for an upload that is in use gets 500."""
    if call.is_marked:
        return answer(500)
    with call.marking():
        return await call.respond()


@defect("one-upload-at-a-time", CONCURRENT, UPLOAD)
async def serialize_uploads(call: Call) -> Response:
    """Requests for an upload wait while another upload is in use."""
    while call.memory.marked - {call.upload_id}:
        await anyio.sleep(0.1)
    if call.is_marked:
        return await call.respond()
    with call.marking():
        return await call.respond()


@defect("concurrent-patches-block-others", CONCURRENT, UPLOAD)
async def block_others_on_concurrent_patches(call: Call) -> Response:
    """While a PATCH waits for another one of its upload, all other uploads wait as well."""
    upload_id, texts = call.upload_id, call.memory.texts
    while texts.get("contended", upload_id) != upload_id:
        await anyio.sleep(0.1)
    if call.method != "PATCH":
        return await call.respond()
    while call.is_marked:
        texts["contended"] = upload_id
        await anyio.sleep(0.1)
    texts.pop("contended", None)
    with call.marking():
        return await call.respond()


@defect("silent-after-concurrent-patches", CONCURRENT, UPLOAD)
async def stop_responding_after_concurrent_patches(call: Call) -> Response:
    """After two concurrent PATCHes an upload is never responded for again."""
    texts = call.memory.texts
    if call.method == "PATCH":
        if call.is_marked:
            texts[call.upload_id] = "contended"
        call.memory.marked.add(call.upload_id)
    if call.upload_id in texts:
        await anyio.sleep_forever()
    try:
        response = await call.respond()
    finally:
        call.memory.marked.discard(call.upload_id)
    if call.upload_id in texts:
        await anyio.sleep_forever()
    return response


@defect("concurrent-patches-all-500", CONCURRENT, PATCH)
async def fail_all_concurrent_patches(call: Call) -> Response:
    """Concurrent PATCHes of one upload all get 500."""
    upload_id, texts = call.upload_id, call.memory.texts
    if call.is_marked:
        texts[upload_id] = "contended"
        return answer(500)
    with call.marking():
        try:
            # Short bodies would be done before the next request is there.
            await anyio.sleep(0.01)
            response = answer(500) if upload_id in texts else await call.respond()
            return answer(500) if upload_id in texts else response
        finally:
            texts.pop(upload_id, None)


@defect("locked-patch-costs-a-byte", CONCURRENT, PATCH, on="locks-by-423")
async def drop_byte_on_locked_patch(call: Call) -> Response:
    """A PATCH that gets 423 makes the one that holds the lock lose its last byte."""
    refused = call.memory.texts
    response = await call.respond()
    if response.status == 423:
        refused[call.upload_id] = "423"
    elif refused.pop(call.upload_id, None):
        info = await call.upload()
        if info is not None and info.offset:
            await call.server.rewrite(info, drop_last)
    return response


@defect("head-anticipates-patch", HEAD_OFFSET_ACCURATE, Match(method="HEAD|PATCH"), client=True)
async def return_anticipated_offset(call: Call) -> Response:
    """While a PATCH is under way, HEAD returns the offset that it will reach."""
    texts = call.memory.texts
    if call.method == "HEAD":
        response, reached = await call.respond(), texts.get(call.upload_id)
        return response if reached is None else set_header(response, "Upload-Offset", reached)
    offset, length = call.number("Upload-Offset"), call.request.body.length
    if offset is None or not length:
        return await call.respond()
    texts[call.upload_id] = str(offset + length)
    try:
        return await call.respond()
    finally:
        texts.pop(call.upload_id, None)


@defect("deleted-upload-returns", IN_FLIGHT, ENDING, client=True)
async def restore_deleted_upload(call: Call) -> Response:
    """An upload that is deleted while it receives a body exists again afterwards, empty."""
    if call.method == "PATCH":
        with call.marking():
            return await call.respond()
    info = await call.upload()
    if info is None or not call.is_marked:
        return await call.respond()
    # A PATCH at a wrong offset ends the one under way, and changes nothing itself.
    wrong = str(info.offset + 1_000_000)
    ending = replace(call.request, method="PATCH")
    headers = {"Upload_Offset": wrong, "Content_Type": OFFSET_TYPE}
    await call.respond(ending, X_HTTP_Method_Override=None, **headers)
    await call.server.rewrite(info, lambda _: b"")
    return answer(204)


@defect("busy-upload-not-deletable", IN_FLIGHT, ENDING, client=True)
async def refuse_deletion_of_busy_upload(call: Call) -> Response:
    """DELETE gets 423 until a body that the upload receives has come to its end."""
    if call.method == "DELETE":
        return answer(423) if call.is_marked else await call.respond()
    call.memory.marked.add(call.upload_id)
    response = await call.respond()
    if succeeded(response):
        call.memory.marked.discard(call.upload_id)
    return response


@defect("busy-upload-never-deletable", IN_FLIGHT, ENDING, client=True)
async def refuse_deletion_forever(call: Call) -> Response:
    """DELETE of an upload while it receives a body gets 423, and so does every later one."""
    if call.method == "PATCH":
        with call.marking():
            return await call.respond()
    if call.is_marked:
        call.memory.texts[call.upload_id] = "not deletable"
    return answer(423) if call.upload_id in call.memory.texts else await call.respond()


@defect("concurrent-delete-500", IN_FLIGHT, Match(method="DELETE"))
async def fail_on_concurrent_delete(call: Call) -> Response:
    """The second of two concurrent deletions gets 500."""
    if call.is_marked:
        return answer(500)
    with call.marking():
        await anyio.sleep(0.01)
        return await call.respond()
