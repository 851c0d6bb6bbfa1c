"""What hooks are sent and what they return: tusd's JSON.

Names of fields are tusd's. Metadata values are text: bytes that are not UTF-8 become U+FFFD.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tus_reference.notifications import FileInfoChanges, HTTPResponse

if TYPE_CHECKING:
    from tus_reference.notifications import HookEvent


class HookError(Exception):
    """A hook failed: it cannot be reached, or what it returned makes no sense."""


class ResponseChanges(msgspec.Struct, frozen=True, rename="pascal"):
    """What a hook wants of the response to the client."""

    status_code: int = 0
    body: str = ""
    header: dict[str, str] = {}


class UploadChanges(msgspec.Struct, frozen=True):
    """What a hook wants of an upload that is about to be created."""

    id: str = msgspec.field(name="ID", default="")
    metadata: dict[str, str] | None = msgspec.field(name="MetaData", default=None)


class HookResponse(msgspec.Struct, frozen=True):
    """What a hook returns; all of it may be left out."""

    http_response: ResponseChanges = msgspec.field(
        name="HTTPResponse", default_factory=ResponseChanges
    )
    reject_upload: bool = msgspec.field(name="RejectUpload", default=False)
    reject_termination: bool = msgspec.field(name="RejectTermination", default=False)
    change_file_info: UploadChanges = msgspec.field(
        name="ChangeFileInfo", default_factory=UploadChanges
    )

    @property
    def response(self) -> HTTPResponse:
        """Return the changes to the response to the client."""
        changes = self.http_response
        return HTTPResponse(
            changes.status_code, tuple(changes.header.items()), changes.body.encode()
        )

    @property
    def changes(self) -> FileInfoChanges:
        """Return the changes to the upload."""
        changes, metadata = self.change_file_info, None
        if changes.metadata is not None:
            metadata = {key: value.encode() for key, value in changes.metadata.items()}
        return FileInfoChanges(changes.id or None, metadata)


def encode_event(name: str, event: HookEvent) -> bytes:
    """Return an event as the JSON that a hook is sent."""
    upload, request = event.upload, event.request
    headers: dict[str, list[str]] = {}
    for field, value in request.headers.items():
        headers.setdefault(field.title(), []).append(value)
    return msgspec.json.encode(
        {
            "Type": name,
            "Event": {
                "Upload": {
                    "ID": upload.id,
                    "Size": upload.size or 0,
                    "SizeIsDeferred": upload.size is None,
                    "Offset": upload.offset,
                    "MetaData": {
                        key: value.decode("utf-8", "replace")
                        for key, value in upload.metadata.items()
                    },
                    "IsPartial": upload.is_partial,
                    "IsFinal": upload.is_final,
                    "PartialUploads": list(upload.partial_uploads) or None,
                    "Storage": dict(upload.storage) or None,
                },
                "HTTPRequest": {
                    "Method": request.method,
                    "URI": request.uri,
                    "RemoteAddr": request.remote_addr,
                    "Header": headers,
                },
            },
        }
    )


def decode_response(data: bytes) -> HookResponse:
    """Return what a hook returned; raise `HookError` if that is not its JSON."""
    if not data.strip():
        return HookResponse()
    try:
        return msgspec.json.decode(data, type=HookResponse)
    except msgspec.DecodeError as error:
        raise HookError(f"what it returned cannot be read: {error}") from None
