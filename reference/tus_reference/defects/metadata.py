"""Faults about Upload-Metadata (Creation)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.defects.defect import DefectSpec
from tus_reference.defects.response_edits import (
    asking,
    created_id,
    failure,
    having,
    header,
    id_of,
    is_creation,
    known,
    method_of,
    refusal,
    rewritten,
    saying,
    succeeded,
    to,
    value,
    without,
)
from tus_reference.model import Refused
from tus_reference.protocol import parse_metadata
from tus_reference.protocol.metadata import encode_base64

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.model import Request, Response

_HEAD = to("HEAD")
_METADATA = having("Upload-Metadata", "POST")


def _told(response: Response, change: Callable[[str], str]) -> Response:
    return rewritten(response, "Upload-Metadata", change)


@DefectSpec(
    "creation.metadata.head-echo", warns="creation.metadata.head-echo", matches=_HEAD
).edit_response
def metadata_not_told(request: Request, response: Response) -> Response:
    """HEAD does not tell the metadata."""
    return without(response, "Upload-Metadata")


@DefectSpec("creation.metadata.head-echo", matches=_HEAD).edit_response
def metadata_forgotten_at_the_end(request: Request, response: Response) -> Response:
    """HEAD tells the metadata only as long as nothing is stored."""
    begun = header(response, "Upload-Offset") != "0"
    return without(response, "Upload-Metadata") if begun else response


@DefectSpec(
    "creation.metadata.head-echo", warns="creation.metadata.head-echo", matches=_HEAD
).edit_response
def metadata_in_small_letters(request: Request, response: Response) -> Response:
    """HEAD tells the keys in lower case."""

    def lowered(text: str) -> str:
        pairs = [pair.split(" ") for pair in text.split(",")]
        unique = {key.lower(): rest for key, *rest in pairs}
        return ",".join(" ".join([key, *rest]) for key, rest in unique.items())

    return _told(response, lowered)


@DefectSpec(
    "creation.metadata.head-echo", warns="creation.metadata.empty-value", matches=_HEAD
).edit_response
def metadata_cut_short(request: Request, response: Response) -> Response:
    """HEAD tells only the first pair of the metadata."""
    return _told(response, lambda text: text.partition(",")[0])


@DefectSpec("creation.metadata.head-echo", matches=_HEAD).edit_response
def metadata_decoded_as_text(request: Request, response: Response) -> Response:
    """HEAD tells values that have passed through UTF-8, and keys that are numbers in order."""

    def passed(text: str) -> str:
        try:
            pairs = parse_metadata(text)
        except Refused:
            return text
        known = {
            key: value.decode("utf-8", "replace").encode()
            for key, value in pairs.items()
            if not key.startswith("__")
        }
        return ",".join(f"{k} {encode_base64(v[:60])}" if v else k for k, v in known.items())

    return _told(response, passed)


@DefectSpec(
    "creation.metadata.head-echo", warns="creation.metadata.head-echo", matches=_HEAD
).edit_response
def metadata_in_another_order(request: Request, response: Response) -> Response:
    """HEAD tells the same pairs in other words: reordered, with a second space."""
    return _told(response, lambda text: ", ".join(reversed(text.split(","))))


@DefectSpec(
    "creation.metadata.empty-value",
    fails="creation.metadata.head-echo",
    warns="creation.metadata.empty-value",
    matches=_HEAD,
).edit_response
def keys_without_value_dropped(request: Request, response: Response) -> Response:
    """HEAD leaves out keys that have no value."""

    def valued(text: str) -> str:
        kept = [pair for pair in text.split(",") if len(pair.strip().split(" ")) > 1]
        return ",".join(pair for pair in kept if not pair.endswith(" ")) or "none bm9uZQ=="

    return _told(response, valued)


@DefectSpec(
    "creation.metadata.empty-value", warns="creation.metadata.empty-value", matches=_METADATA
).edit_response
def keys_without_value_refused(request: Request, response: Response) -> Response:
    """Metadata with a key that has no value is refused."""
    pairs = [pair.strip() for pair in value(request, "Upload-Metadata").split(",")]
    return refusal(400) if any(pair and " " not in pair for pair in pairs) else response


@DefectSpec("creation.metadata.empty-value", matches=_METADATA).edit_response
def trips_over_keys_without_value(request: Request, response: Response) -> Response:
    """Metadata with a key that has no value makes the server fail."""
    pairs = [pair.strip() for pair in value(request, "Upload-Metadata").split(",")]
    return failure() if any(pair and " " not in pair for pair in pairs) else response


@DefectSpec(
    "creation.metadata.response-format",
    fails="creation.metadata.response-base64 creation.metadata.head-echo",
    warns="creation.metadata.empty-value",
    matches=_HEAD,
).edit_response
def metadata_with_colons(request: Request, response: Response) -> Response:
    """HEAD tells the metadata with a word too many in its pairs."""
    return _told(response, lambda text: text.replace(" ", " = "))


@DefectSpec("creation.metadata.response-format", matches=_HEAD).edit_response
def metadata_always_told(request: Request, response: Response) -> Response:
    """HEAD tells empty metadata of an upload that has none."""
    return response.with_headers(("Upload-Metadata", "")) if succeeded(response) else response


@DefectSpec(
    "creation.metadata.response-keys",
    fails="creation.metadata.response-format creation.metadata.head-echo",
    warns="creation.metadata.empty-value",
    matches=_HEAD,
).edit_response
def metadata_with_an_empty_key(request: Request, response: Response) -> Response:
    """HEAD adds an empty pair, and so a key that is empty."""
    return _told(response, lambda text: f"{text},,x eA==")


@DefectSpec(
    "creation.metadata.response-key-ascii",
    fails="creation.metadata.head-echo",
    warns="creation.metadata.response-key-ascii creation.metadata.empty-value",
    matches=_HEAD,
).edit_response
def metadata_with_a_foreign_key(request: Request, response: Response) -> Response:
    """HEAD adds a key beyond ASCII."""
    return _told(response, lambda text: f"{text},gr\xf6\xdfe eA==")


@DefectSpec(
    "creation.metadata.response-base64",
    fails="creation.metadata.response-format creation.metadata.head-echo",
    warns="creation.metadata.empty-value",
    matches=_HEAD,
).edit_response
def metadata_in_plain_words(request: Request, response: Response) -> Response:
    """HEAD tells the values as they are, not in Base64."""
    return _told(response, lambda text: text.replace("=", "").replace(" ", " ~"))


@DefectSpec(
    "creation.metadata.response-unique",
    fails="creation.metadata.response-format creation.metadata.head-echo",
    warns="creation.metadata.empty-value",
    matches=_HEAD,
).edit_response
def metadata_told_twice(request: Request, response: Response) -> Response:
    """HEAD tells the first pair twice."""
    return _told(response, lambda text: f"{text},{text.partition(',')[0]}")


@DefectSpec("creation.metadata.invalid", matches=_METADATA).edit_response
def trips_over_malformed_metadata(request: Request, response: Response) -> Response:
    """Metadata that is malformed makes the server fail."""
    return failure() if response.status == 400 else response


def _malformed(request: Request) -> bool:
    if not _METADATA(request):
        return False
    try:
        parse_metadata(value(request, "Upload-Metadata"))
    except Refused:
        return True
    return False


@DefectSpec(
    "creation.metadata.invalid", warns="creation.metadata.invalid", matches=_malformed
).edit_response
def malformed_metadata_not_acceptable(request: Request, response: Response) -> Response:
    """Malformed metadata is refused with 406."""
    return refusal(406)


@DefectSpec(
    "creation.metadata.invalid",
    fails="creation.metadata.response-format",
    matches=to("POST", "HEAD"),
).wrap_handler
async def malformed_metadata_told_again(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """Malformed metadata is accepted, and told again as it came."""
    memory = handler.memory
    if method_of(request) == "HEAD":
        response = await respond(request)
        told = memory.texts.get(id_of(handler, request))
        return response if told is None else saying(response, "Upload-Metadata", told)
    if not _malformed(request):
        return await respond(request)
    response = await respond(asking(request, Upload_Metadata=None))
    memory.texts[created_id(handler, response)] = value(request, "Upload-Metadata")
    return response


@DefectSpec("creation.metadata.sanitize", matches=to("HEAD", "GET")).wrap_handler
async def header_from_metadata(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """A value of the metadata is made a header as it is, line breaks and all."""
    response = await respond(request)
    info = await known(handler, id_of(handler, request))
    values = [] if info is None else [each.decode("latin-1") for each in info.metadata.values()]
    # The shell refuses line breaks in headers; what follows one is what a client would see.
    for line in "\r\n".join(values).split("\r\n")[1:]:
        name, colon, text = line.partition(": ")
        if colon and name.startswith("X-"):
            response = replace(response, headers=(*response.headers, (name, text)))
    return response


@DefectSpec("creation.metadata.sanitize", matches=to("HEAD", "GET")).wrap_handler
async def trips_over_line_breaks(
    handler: ModifiedHandler, request: Request, respond: CallNext
) -> Response:
    """An upload with a line break in its metadata is answered with 500."""
    info = await known(handler, id_of(handler, request))
    broken = info is not None and any(b"\r\n" in each for each in info.metadata.values())
    return failure() if broken else await respond(request)


@DefectSpec(
    "creation.post.201",
    fails=(
        "core.tus-resumable.unsupported-412 creation.max-size.413 creation.post.location "
        "creation-with-upload.upload-offset-present creation-with-upload.upload-offset-value "
        "creation-with-upload.patch-rules concatenation.partial.create"
    ),
    warns=(
        "creation.supported creation.zero-length.accept creation-with-upload.interrupted "
        "creation-with-upload.expect-continue"
    ),
    matches=is_creation,
).edit_response
def nameless_uploads_refused(request: Request, response: Response) -> Response:
    """An upload without metadata is refused, and no profile says why."""
    return response if "Upload-Metadata" in request.headers else refusal(400)
