"""Defects that show when two requests for one upload meet (Core, PATCH; Termination)."""

from dataclasses import replace

import anyio

from tus_defects.call import Call
from tus_defects.messages import OFFSET_TYPE, answer, set_header, succeeded
from tus_defects.rule import Match
from tus_defects.server import drop_last
from tus_defects.variant import defect
from tus_reference.model import Response

PATCH = Match(method="PATCH")
UPLOAD = Match(method="HEAD|PATCH|DELETE")
ENDING = Match(method="PATCH|DELETE")
CONCURRENT = "core.patch.concurrent"
IN_FLIGHT = "termination.in-flight"


@defect(CONCURRENT, UPLOAD)
async def concurrent_request_500(call: Call) -> Response:
    """A request for an upload that is in use gets 500."""
    if call.is_marked:
        return answer(500)
    with call.marking():
        return await call.respond()


@defect(CONCURRENT, UPLOAD)
async def one_upload_at_a_time(call: Call) -> Response:
    """Requests for an upload wait while another upload is in use."""
    while call.memory.marked - {call.upload_id}:
        await anyio.sleep(0.1)
    if call.is_marked:
        return await call.respond()
    with call.marking():
        return await call.respond()


@defect(CONCURRENT, UPLOAD)
async def concurrent_patches_block_others(call: Call) -> Response:
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


@defect(CONCURRENT, UPLOAD)
async def silent_after_concurrent_patches(call: Call) -> Response:
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


@defect(CONCURRENT, PATCH)
async def concurrent_patches_all_500(call: Call) -> Response:
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


@defect(CONCURRENT, PATCH, on="locks-by-423")
async def locked_patch_costs_a_byte(call: Call) -> Response:
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


@defect("core.head.offset-accurate", Match(method="HEAD|PATCH"), client=True)
async def head_anticipates_patch(call: Call) -> Response:
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


@defect(IN_FLIGHT, ENDING, client=True)
async def deleted_upload_returns(call: Call) -> Response:
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


@defect(IN_FLIGHT, ENDING, client=True)
async def busy_upload_not_deletable(call: Call) -> Response:
    """DELETE gets 423 until a body that the upload receives has come to its end."""
    if call.method == "DELETE":
        return answer(423) if call.is_marked else await call.respond()
    call.memory.marked.add(call.upload_id)
    response = await call.respond()
    if succeeded(response):
        call.memory.marked.discard(call.upload_id)
    return response


@defect(IN_FLIGHT, ENDING, client=True)
async def busy_upload_never_deletable(call: Call) -> Response:
    """DELETE of an upload while it receives a body gets 423, and so does every later one."""
    if call.method == "PATCH":
        with call.marking():
            return await call.respond()
    if call.is_marked:
        call.memory.texts[call.upload_id] = "not deletable"
    return answer(423) if call.upload_id in call.memory.texts else await call.respond()


@defect(IN_FLIGHT, Match(method="DELETE"))
async def concurrent_delete_500(call: Call) -> Response:
    """The second of two concurrent deletions gets 500."""
    if call.is_marked:
        return answer(500)
    with call.marking():
        await anyio.sleep(0.01)
        return await call.respond()
