"""Defects that keep on a connection what belongs to one request."""

from tus_defects.call import Call
from tus_defects.connection_facts import read_facts
from tus_defects.message_edits import OFFSET_TYPE, answer, find_header, set_header, succeeded
from tus_defects.rule import ConnectionMatch, Match
from tus_defects.variant import defect
from tus_reference.model import Response

ANY = ConnectionMatch(http="1.1")
KEPT = ConnectionMatch(requests=1)
PATCH = Match(method="PATCH", upload=("known",), connection=ANY)
POST = Match(method="POST|PATCH", connection=ANY)
CREATION = Match(request=("creation",), connection=ANY)


def _key(call: Call) -> str:
    facts = read_facts(call.request)
    return "" if facts is None else str(facts.connection)


@defect("checksum-of-last-request-expected", "core.patch.accept", PATCH, client=True)
async def expect_last_checksum(call: Call) -> Response:
    """A PATCH without a checksum gets 460 after one with a checksum on its connection."""
    key = _key(call)
    if call.has("Upload-Checksum"):
        call.memory.texts[key] = call.header("Upload-Checksum")
        return await call.respond()
    if not call.memory.texts.get(key) or call.request.body.length is None:
        return await call.respond()
    return await call.respond(Upload_Checksum=call.memory.texts[key])


@defect("override-kept-on-connection", "creation.post.201", POST, client=True)
async def keep_override(call: Call) -> Response:
    """A creation after an overridden PATCH on its connection is handled as a PATCH."""
    key = _key(call)
    if call.has("X-HTTP-Method-Override"):
        call.memory.marked.add(key)
        return await call.respond()
    if call.request.method == "POST" and key in call.memory.marked:
        return await call.respond(X_HTTP_Method_Override="PATCH")
    return await call.respond()


@defect("media-type-kept-on-connection", "core.patch.content-type-not-applied", PATCH)
async def keep_media_type(call: Call) -> Response:
    """A PATCH without a media type is stored after one with it on its connection."""
    key = _key(call)
    if call.header("Content-Type") == OFFSET_TYPE:
        call.memory.marked.add(key)
    elif key in call.memory.marked and not call.has("Content-Type"):
        return await call.respond(Content_Type=OFFSET_TYPE)
    return await call.respond()


@defect("offset-kept-on-connection", "core.patch.missing-offset", PATCH)
async def keep_offset(call: Call) -> Response:
    """A PATCH without an offset is appended after one with it on its connection."""
    key = _key(call)
    if call.has("Upload-Offset"):
        call.memory.marked.add(key)
    elif key in call.memory.marked:
        return await call.respond(Upload_Offset=str(call.info.offset))
    return await call.respond()


@defect("metadata-kept-on-connection", "creation.metadata.head-echo", CREATION, client=True)
async def keep_metadata(call: Call) -> Response:
    """A creation without metadata gets those of the one before on its connection."""
    key = _key(call)
    if call.has("Upload-Metadata"):
        call.memory.texts[key] = call.header("Upload-Metadata")
    elif key in call.memory.texts:
        return await call.respond(Upload_Metadata=call.memory.texts[key])
    return await call.respond()


@defect(
    "head-answered-from-memory",
    "core.head.offset-accurate",
    Match(method="HEAD|PATCH", path="upload", connection=ANY),
    client=True,
)
async def answer_head_from_memory(call: Call) -> Response:
    """HEAD returns again what it returned before to the same connection."""
    response, key = await call.respond(), f"{_key(call)} {call.upload_id}"
    if call.method != "HEAD" or not succeeded(response):
        return response
    offset = call.memory.texts.setdefault(key, find_header(response, "Upload-Offset") or "0")
    return set_header(response, "Upload-Offset", offset)


@defect(
    "deleted-upload-found-on-its-connection",
    "termination.gone",
    Match(method="HEAD|DELETE", path="upload", connection=ANY),
    client=True,
)
async def find_deleted_upload(call: Call) -> Response:
    """A deleted upload is found by the next requests of the connection that deleted it."""
    key = f"{_key(call)} {call.upload_id}"
    response = await call.respond()
    if call.method == "DELETE" and succeeded(response):
        call.memory.marked.add(key)
    if call.method == "HEAD" and key in call.memory.marked:
        headers = (("Upload-Offset", "0"), ("Upload-Length", "9"), ("Cache-Control", "no-store"))
        return answer(200, *headers)
    return response
