"""The words of the rule language: kinds of requests and of uploads, each a predicate."""

from collections.abc import Callable

from tus_defects.message_edits import OFFSET_TYPE, method_of
from tus_defects.rule import RequestKind, UploadKind
from tus_reference.model import FileInfo, Refused, Request
from tus_reference.protocol import TUS_VERSION, parse_metadata
from tus_reference.protocol.checksum import ALGORITHMS, parse_checksum

TUS_METHODS = frozenset({"POST", "HEAD", "PATCH", "DELETE"})


def _value(request: Request, name: str) -> str:
    return request.headers.joined(name) or ""


def is_creation(request: Request) -> bool:
    """Return whether a request creates an upload."""
    return method_of(request) == "POST"


def brings_bytes(request: Request) -> bool:
    """Return whether a request creates an upload with its first bytes."""
    return is_creation(request) and _value(request, "Content-Type").startswith(OFFSET_TYPE)


def _creates_part(request: Request) -> bool:
    return is_creation(request) and _value(request, "Upload-Concat").startswith(("p", "f"))


def _brings_other_body(request: Request) -> bool:
    plain = is_creation(request) and not brings_bytes(request) and not _creates_part(request)
    return plain and bool(request.body.length)


def _brings_excess(request: Request) -> bool:
    length, size = _value(request, "Upload-Length"), request.body.length
    return brings_bytes(request) and length.isdecimal() and (size is None or size > int(length))


def _has_malformed_metadata(request: Request) -> bool:
    if "Upload-Metadata" not in request.headers:
        return False
    try:
        parse_metadata(request.headers.joined("Upload-Metadata") or "")
    except Refused:
        return True
    return False


def is_malformed_checksum(text: str) -> bool:
    """Return whether a checksum is malformed, which one of an unknown algorithm is not."""
    try:
        parse_checksum(text)
    except Refused:
        algorithm = text.partition(" ")[0]
        return algorithm in ALGORITHMS or not (algorithm.isalnum() and " " in text)
    return False


def _has_malformed_checksum(request: Request) -> bool:
    text = request.headers.joined("Upload-Checksum")
    return text is not None and is_malformed_checksum(text)


def _names_unknown_algorithm(request: Request) -> bool:
    algorithm, space, _ = _value(request, "Upload-Checksum").partition(" ")
    plain = bool(space) and algorithm.islower() and algorithm.isalnum()
    return plain and algorithm not in ALGORITHMS


def has_other_media_type(request: Request) -> bool:
    """Return whether the media type is not the one that PATCH needs."""
    media_type = _value(request, "Content-Type").partition(";")[0].strip().lower()
    return media_type != OFFSET_TYPE


REQUESTS: dict[RequestKind, Callable[[Request], bool]] = {
    "tus-method": lambda r: method_of(r) in TUS_METHODS,
    "creation": is_creation,
    "creation-with-upload": brings_bytes,
    "partial-creation": lambda r: (
        is_creation(r) and _value(r, "Upload-Concat").startswith("partial")
    ),
    "final-creation": lambda r: is_creation(r) and _value(r, "Upload-Concat").startswith("final"),
    "creation-with-other-body": _brings_other_body,
    "creation-with-excess": _brings_excess,
    "other-version": lambda r: (
        method_of(r) in TUS_METHODS and _value(r, "Tus-Resumable") not in {TUS_VERSION, ""}
    ),
    "no-version": lambda r: method_of(r) in TUS_METHODS and not _value(r, "Tus-Resumable"),
    "malformed-metadata": _has_malformed_metadata,
    "malformed-checksum": _has_malformed_checksum,
    "unknown-algorithm": _names_unknown_algorithm,
    "other-media-type": has_other_media_type,
    "media-type-variant": lambda r: (
        not has_other_media_type(r) and _value(r, "Content-Type") != OFFSET_TYPE
    ),
}
"""What a rule may say of a request, with `request`."""

UPLOADS: dict[UploadKind, Callable[[FileInfo], bool]] = {
    "known": lambda _: True,
    "regular": lambda info: not info.is_partial and not info.is_final,
    "partial": lambda info: info.is_partial,
    "final": lambda info: info.is_final,
    "not-final": lambda info: not info.is_final,
    "complete": lambda info: info.is_complete,
    "unfinished": lambda info: not info.is_complete,
    "deferred-length": lambda info: info.size is None,
    "with-filename": lambda info: "filename" in info.metadata,
    "without-filename": lambda info: bool(info.metadata_header) and "filename" not in info.metadata,
    "empty": lambda info: info.size == 0,
    "fresh": lambda info: info.offset == 0 and info.size != 0,
    "begun": lambda info: info.offset > 0 and not info.is_complete,
    "with-metadata": lambda info: bool(info.metadata_header),
    "with-line-break": lambda info: any(b"\r\n" in text for text in info.metadata.values()),
}
"""What a rule may say of an upload, with `upload`, `after` and `partials`."""
