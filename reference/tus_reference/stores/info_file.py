"""The `.info` file: tusd's JSON, and one key of ours for what tusd does not know.

A file that tusd wrote lacks our key, and tusd drops it when it rewrites one of ours; the
rest serves then: the headers are rebuilt from the metadata, and nothing expires.
"""

from __future__ import annotations

import re

import msgspec

from tus_reference.model import FileInfo
from tus_reference.protocol import format_metadata, is_upload_id


class ReferenceFields(msgspec.Struct, frozen=True, omit_defaults=True):
    """What only this server keeps; names are part of the format."""

    upload_metadata: str | None = msgspec.field(default=None, name="UploadMetadata")
    upload_concat: str | None = msgspec.field(default=None, name="UploadConcat")
    expires: float | None = msgspec.field(default=None, name="Expires")
    finished: bool = msgspec.field(default=False, name="Finished")
    revision: int = msgspec.field(default=0, name="Revision")


class InfoFile(msgspec.Struct, frozen=True):
    """One `.info` file; `Offset` is always 0 there, the data file's size counts."""

    id: str = msgspec.field(name="ID")
    size: int = msgspec.field(name="Size")
    size_is_deferred: bool = msgspec.field(name="SizeIsDeferred")
    offset: int = msgspec.field(name="Offset", default=0)
    metadata: dict[str, str] | None = msgspec.field(name="MetaData", default=None)
    is_partial: bool = msgspec.field(name="IsPartial", default=False)
    is_final: bool = msgspec.field(name="IsFinal", default=False)
    partial_uploads: list[str] | None = msgspec.field(name="PartialUploads", default=None)
    storage: dict[str, str] | None = msgspec.field(name="Storage", default=None)
    ours: ReferenceFields | None = msgspec.field(name="TusReference", default=None)


# The last second of the year 9999, the last that a date in HTTP can have.
_LAST_SECOND = 253402300799.0

# Bytes beyond ASCII are legal in a header field (RFC 9110, 5.5); anything else cannot be sent.
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_DECODER = msgspec.json.Decoder(InfoFile)
_ENCODER = msgspec.json.Encoder()


def encode(info: FileInfo) -> bytes:
    """Return the content of the `.info` file."""
    record = InfoFile(
        id=info.id,
        size=info.size or 0,
        size_is_deferred=info.size is None,
        # JSON has no bytes; our own key keeps the header that tells them exactly.
        metadata={k: v.decode("utf-8", "replace") for k, v in info.metadata.items()},
        is_partial=info.is_partial,
        is_final=info.is_final,
        partial_uploads=list(info.partial_uploads) or None,
        storage=dict(info.storage),
        ours=ReferenceFields(
            info.metadata_header, info.concat_header, info.expires, info.finished, info.revision
        ),
    )
    return _ENCODER.encode(record)


def keeps_all(info: FileInfo) -> bool:
    """Return whether `decode` returns what `encode` was given: metadata may be no text."""
    try:
        for value in info.metadata.values():
            value.decode()
    except UnicodeDecodeError:
        return False
    return True


def decode(
    content: bytes, offset: int, modified: float | None = None, upload_id: str | None = None
) -> FileInfo:
    """Return the upload; raise `ValueError` if `content` is not such a file.

    The id is what the record says, which proves nothing: who knows the file's name gives
    `upload_id`.
    """
    try:
        record = _DECODER.decode(content)
    except RecursionError:
        raise ValueError("the record is nested too deeply") from None
    _check(record)
    metadata = {k: v.encode() for k, v in (record.metadata or {}).items()}
    partial_uploads = tuple(record.partial_uploads or ())
    ours = record.ours
    if ours is None:
        ours = ReferenceFields(
            format_metadata(metadata) or None, _concat_header(record, partial_uploads)
        )
    return FileInfo(
        id=record.id if upload_id is None else upload_id,
        size=None if record.size_is_deferred else record.size,
        offset=offset,
        metadata=metadata,
        metadata_header=ours.upload_metadata,
        is_partial=record.is_partial,
        is_final=record.is_final,
        partial_uploads=partial_uploads,
        concat_header=ours.upload_concat,
        expires=ours.expires,
        finished=ours.finished,
        revision=ours.revision,
        modified=modified,
        storage=record.storage or {},
    )


def _check(record: InfoFile) -> None:
    """Raise `ValueError` for what would leave the folder or break a response."""
    if not 0 <= record.size < 1 << 63:
        raise ValueError("the length is not a valid one")
    if not all(is_upload_id(partial_id) for partial_id in record.partial_uploads or ()):
        raise ValueError("a partial upload has a name that cannot be an id")
    ours = record.ours or ReferenceFields()
    if ours.expires is not None and not 0 <= ours.expires <= _LAST_SECOND:
        raise ValueError("the time of expiry is not a valid date")
    for field in (ours.upload_metadata, ours.upload_concat):
        if field is not None and not _FIELD_VALUE.fullmatch(field):
            raise ValueError("a header field has characters that none may have")


def _concat_header(record: InfoFile, partial_uploads: tuple[str, ...]) -> str | None:
    if record.is_final:
        return "final;" + " ".join(partial_uploads)
    return "partial" if record.is_partial else None
