"""Unusual responses and choices that take more than a rule: other URLs, lists, locks, delays."""

from dataclasses import replace

import anyio

from tus_defects.call import Call, created_id
from tus_defects.kinds import is_creation
from tus_defects.message_edits import (
    answer,
    rewrite,
    set_header,
    set_status,
    succeeded,
    with_body,
    with_request_headers,
)
from tus_defects.rule import Match
from tus_defects.variant import quirk
from tus_reference.model import BodyEndedEarly, EarlyEnd, FileInfo, Response

OTHER_PATH = "/storage/v2/"
QUERY = "?ticket=b5a9"
LONGEST = 2**63 - 1
OPTIONS = Match(method="OPTIONS")


@quirk("uploads-at-other-path", client=True)
async def move_uploads_to_other_path(call: Call) -> Response:
    """Uploads have URLs at another path than the creation URL, with a query that belongs to it."""
    request, path, texts = call.request, call.server.urls.path, call.memory.texts
    name = request.path.removeprefix(OTHER_PATH)
    if name != request.path:
        if QUERY not in request.target:
            return answer(404, ("Cache-Control", "no-store"))
        request = replace(request, target=f"{path}{name}")
    listed = request.headers.joined("Upload-Concat")
    if listed is not None and is_creation(request):
        inside = listed.replace(OTHER_PATH, path).replace(QUERY, "")
        response = await call.respond(with_request_headers(request, {"Upload-Concat": inside}))
        texts[created_id(response)] = listed
    else:
        response = await call.respond(request)
    text = texts.get(request.path.rpartition("/")[2])
    if text is not None:
        response = rewrite(response, "Upload-Concat", lambda _: text)
    return rewrite(response, "Location", lambda url: url.replace(path, OTHER_PATH) + QUERY)


@quirk("headers-in-lower-case", client=True)
async def lower_header_names(call: Call) -> Response:
    """Header names are in lower case, and values have space around them."""
    response = await call.respond()
    headers = tuple((name.lower(), f" {text}\t ") for name, text in response.headers)
    return replace(response, headers=headers)


@quirk("lists-in-reverse", OPTIONS)
async def reverse_lists(call: Call) -> Response:
    """OPTIONS lists extensions and algorithms in reverse order."""
    response = await call.respond()
    for name in ("Tus-Extension", "Tus-Checksum-Algorithm"):
        response = rewrite(response, name, lambda text: ",".join(reversed(text.split(","))))
    return response


@quirk("lists-in-several-headers", OPTIONS, client=True)
async def split_lists(call: Call) -> Response:
    """OPTIONS spreads its lists over several headers of the same name."""
    response, spread = await call.respond(), []
    for name, text in response.headers:
        first, comma, rest = text.partition(",")
        spread += [(name, first), (name, rest)] if comma else [(name, text)]
    return replace(response, headers=tuple(spread))


@quirk("errors-as-pages", client=True)
async def send_errors_as_pages(call: Call) -> Response:
    """Errors have a page of HTML as their body."""
    response = await call.respond()
    if succeeded(response):
        return response
    page = b"<!doctype html><title>No</title><p>" + b"This cannot be done. " * 200
    return set_header(replace(response, body=page), "Content-Type", "text/html")


@quirk("slow", client=True)
async def delay_responses(call: Call) -> Response:
    """Every response takes a second."""
    await anyio.sleep(1)
    return await call.respond()


@quirk("first-override-wins", Match(header={"X-HTTP-Method-Override": True}))
async def use_first_override(call: Call) -> Response:
    """Of several X-HTTP-Method-Override the first one counts."""
    first = call.header("X-HTTP-Method-Override").partition(",")[0]
    return await call.respond(X_HTTP_Method_Override=first)


@quirk("checksum-errors-409", Match(method="PATCH"), client=True)
async def respond_409_to_checksum_errors(call: Call) -> Response:
    """Wrong checksums and unknown algorithms get 409, not the statuses that are recommended."""
    response = await call.respond()
    checked = call.has("Upload-Checksum") or call.request.body.length is None
    unknown = call.header("Upload-Checksum").partition(" ")[0] == "nosuchalgorithm"
    refused = response.status == 460 or (checked and unknown)
    return set_status(response, 409) if refused else response


@quirk("partials-used-once", Match(request=("final-creation",)), client=True)
async def refuse_reused_partials(call: Call) -> Response:
    """A partial upload cannot be used for a second final one."""
    listed = {each.id for each in await call.server.find_listed(call.request)}
    if listed & call.memory.marked:
        return answer(400)
    response = await call.respond()
    if response.status == 201:
        call.memory.marked.update(listed)
    return response


@quirk("any-length", Match(method="POST|HEAD"), on="no-maximum")
async def accept_any_length(call: Call) -> Response:
    """There is no maximum size, and lengths may have more than eight bytes."""
    long = (call.number("Upload-Length") or 0) > LONGEST
    return await call.echo("Upload-Length", str(LONGEST), unusual=long)


@quirk("creation-returns-concat", Match(request=("creation",)))
async def return_concat_on_creation(call: Call) -> Response:
    """The creation of a partial or final upload returns Upload-Concat."""
    response, concat = await call.respond(), call.header("Upload-Concat")
    if not succeeded(response) or not concat.startswith(("p", "f")):
        return response
    return response.with_headers(("Upload-Concat", concat))


@quirk("excess-ignored", Match(request=("creation-with-excess",)), client=True)
async def ignore_excess(call: Call) -> Response:
    """Bytes of a creation beyond its length are ignored."""
    data = await call.read_body()
    return await call.respond_to(data[: call.number("Upload-Length")])


@quirk("offset-checked-before-type", Match(method="PATCH", upload=("known",)))
async def check_offset_before_type(call: Call) -> Response:
    """The offset of a PATCH is checked before its media type."""
    response, offset = await call.respond(), call.number("Upload-Offset")
    wrong = offset is not None and offset != call.info.offset
    return answer(409) if wrong and response.status == 415 else response


@quirk("deletion-ends-patch-unanswered", Match(method="PATCH|DELETE"))
async def end_patch_on_deletion(call: Call) -> Response:
    """A PATCH that meets a DELETE gets no response; both take a moment."""
    deleted = call.memory.marked
    if call.method == "DELETE":
        deleted.add(call.upload_id)
        await anyio.sleep(0.01)
        response = await call.respond()
        if not succeeded(response):
            deleted.discard(call.upload_id)
        return response
    response = await call.respond()
    if succeeded(response):
        await anyio.sleep(0.01)
        if call.upload_id in deleted:
            raise BodyEndedEarly(EarlyEnd.DISCONNECTED)
    return response


@quirk("joined-partials-removed", Match(request=("final-creation",)), client=True)
async def remove_joined_partials(call: Call) -> Response:
    """Partial uploads are removed as soon as they are joined."""
    response = await call.respond()
    info = await call.find_created(response)
    if info and info.is_complete:
        await _delete_partials(call, info)
    return response


@quirk("partials-deleted-with-final", Match(method="DELETE", upload=("final",)), client=True)
async def delete_partials_with_final(call: Call) -> Response:
    """DELETE of a final upload deletes its partial uploads as well."""
    response = await call.respond()
    if succeeded(response):
        await _delete_partials(call, call.info)
    return response


async def _delete_partials(call: Call, info: FileInfo) -> None:
    """Delete the partial uploads of a final one as a client would."""
    for each in dict.fromkeys(info.partial_uploads):
        target = f"{call.server.urls.path}{each}"
        request = replace(with_body(call.request, b""), method="DELETE", target=target)
        await call.respond(request, X_HTTP_Method_Override=None)


@quirk("locks-by-waiting", Match(method="PATCH|POST", path="upload"), client=True)
async def lock_by_waiting(call: Call) -> Response:
    """A PATCH waits until the one before it has ended."""
    while call.is_marked:
        await anyio.sleep(0.05)
    with call.marking():
        return await call.respond()


@quirk("locks-by-423", Match(method="PATCH|DELETE", path="upload"), client=True)
async def lock_by_423(call: Call) -> Response:
    """A PATCH or DELETE of an upload that is in use gets 423."""
    if call.is_marked:
        return answer(423)
    with call.marking():
        return await call.respond()
