"""What a tus server refuses, as values: a stable code, a status and one sentence.

Codes and statuses follow tusd wherever it has one, because clients and operators
already know them. A function that must refuse raises `Refused` with one of these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class TusError:
    """One way to be refused; `code` never changes once released."""

    status: int
    """The status code of the response."""

    message: str
    """A sentence for the body of the response."""

    code: str = ""
    """The stable code at the beginning of the body, such as ERR_UPLOAD_NOT_FOUND."""

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the code from the name in the table below, so that they cannot differ."""
        object.__setattr__(self, "code", f"ERR_{name}")

    def because(self, message: str) -> TusError:
        """Return the same error with a sentence for this particular case."""
        return replace(self, message=message)


class ConfigError(ValueError):
    """Settings that cannot work; its text has one sentence per mistake."""


class Refused(Exception):  # noqa: N818 - says what happened to the request
    """The request is answered with `error`; `headers` are added to the answer."""

    def __init__(self, error: TusError, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error
        self.headers = headers


class errors:  # noqa: N801 - a table, not a type
    """Every error of this server."""

    UNSUPPORTED_VERSION = TusError(412, "send Tus-Resumable: 1.0.0 with every request but OPTIONS")
    INVALID_HEADER = TusError(400, "a header is given more than once")
    INVALID_CONTENT_TYPE = TusError(415, "Content-Type must be application/offset+octet-stream")
    INVALID_OFFSET = TusError(400, "Upload-Offset is missing or not a non-negative integer")
    MISMATCHED_OFFSET = TusError(409, "Upload-Offset is not the upload's offset; ask with HEAD")
    INVALID_UPLOAD_LENGTH = TusError(400, "Upload-Length is missing or not an integer up to 2^63-1")
    INVALID_UPLOAD_LENGTH_DEFER = TusError(400, "the only value of Upload-Defer-Length is 1")
    AMBIGUOUS_UPLOAD_LENGTH = TusError(400, "send Upload-Length or Upload-Defer-Length, not both")
    UPLOAD_LENGTH_MISMATCH = TusError(400, "the length of an upload cannot change once it is set")
    MAX_SIZE_EXCEEDED = TusError(413, "the upload is larger than Tus-Max-Size allows")
    UPLOAD_SIZE_EXCEEDED = TusError(413, "the body goes past the length of the upload")
    INVALID_METADATA = TusError(400, "Upload-Metadata must be pairs 'key base64', joined by commas")
    INVALID_CHECKSUM = TusError(400, "Upload-Checksum must be 'algorithm base64-of-the-digest'")
    UNSUPPORTED_CHECKSUM_ALGORITHM = TusError(400, "Tus-Checksum-Algorithm lists the algorithms")
    CHECKSUM_MISMATCH = TusError(460, "the body does not match its checksum and was discarded")
    INVALID_CONCAT = TusError(400, "Upload-Concat must be 'partial' or 'final;' and upload URLs")
    MODIFY_FINAL = TusError(403, "a final upload consists of its partial uploads")
    INCOMPLETE_UPLOAD = TusError(400, "the upload is not complete yet and cannot be downloaded")
    UPLOAD_NOT_FOUND = TusError(404, "there is no such upload")
    UPLOAD_GONE = TusError(410, "the upload was terminated or has expired")
    UPLOAD_EXISTS = TusError(409, "an upload with this id exists already")
    PRECONDITION_FAILED = TusError(412, "the upload is none of those that If-Match lists")
    RANGE_NOT_SATISFIABLE = TusError(416, "the upload has no bytes in the range that is asked for")
    METHOD_NOT_ALLOWED = TusError(405, "this URL does not know the method")
    NOT_IMPLEMENTED = TusError(501, "this server does not offer that extension")
    UPLOAD_LOCKED = TusError(423, "another request is still using the upload; try again")
    LOCK_LOST = TusError(503, "the server lost its lock on the upload; resume the upload")
    LOCKS_UNAVAILABLE = TusError(503, "uploads cannot be locked now; resume the upload later")
    UPLOAD_NOT_ASSEMBLED = TusError(
        423, "all bytes are stored, but the storage has not made them one object yet; try again"
    )
    UPLOAD_DAMAGED = TusError(404, "the record of the upload is damaged; only DELETE can use it")
    UPLOAD_INTERRUPTED = TusError(400, "a newer request for the upload took over")
    READ_TIMEOUT = TusError(408, "no data came for too long; resume the upload")
    UNEXPECTED_EOF = TusError(400, "the body ended before its stated length")
    BAD_REQUEST = TusError(400, "the request is not well-formed HTTP")
    SERVER_SHUTDOWN = TusError(503, "the server is stopping; resume the upload later")
    INSUFFICIENT_STORAGE = TusError(507, "the storage is full; resume the upload later")
    STORAGE_MISSING = TusError(503, "the upload folder is missing; resume the upload later")
    STORAGE_UNUSABLE = TusError(503, "the storage cannot be used now; resume the upload later")
    STORAGE_STALLED = TusError(423, "the disk does not answer for this upload; try again later")
    INTERNAL_SERVER_ERROR = TusError(500, "the server failed; its log says why")
