"""What a tus server refuses, as values: a stable code, a status and one sentence.

Codes and statuses follow tusd wherever it has one, because clients and operators
already know them. A function that must refuse raises `Refused` with one of these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class TusError:
    """One way to be refused; `code` never changes once released."""

    code: str
    status: int
    message: str

    def because(self, message: str) -> TusError:
        """Return the same error with a sentence for this particular case."""
        return replace(self, message=message)


class Refused(Exception):  # noqa: N818 - says what happened to the request
    """The request is answered with `error`; `headers` are added to the answer."""

    def __init__(self, error: TusError, *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{error.code}: {error.message}")
        self.error = error
        self.headers = headers


def _error(code: str, status: int, message: str) -> TusError:
    return TusError(code, status, message)


UNSUPPORTED_VERSION = _error(
    "ERR_UNSUPPORTED_VERSION", 412, "send Tus-Resumable: 1.0.0 with every request but OPTIONS"
)
INVALID_HEADER = _error("ERR_INVALID_HEADER", 400, "a header is given more than once")
INVALID_CONTENT_TYPE = _error(
    "ERR_INVALID_CONTENT_TYPE", 415, "Content-Type must be application/offset+octet-stream"
)
INVALID_OFFSET = _error(
    "ERR_INVALID_OFFSET", 400, "Upload-Offset is missing or not a non-negative integer"
)
MISMATCHED_OFFSET = _error(
    "ERR_MISMATCHED_OFFSET", 409, "Upload-Offset is not the offset of the upload; ask with HEAD"
)
INVALID_UPLOAD_LENGTH = _error(
    "ERR_INVALID_UPLOAD_LENGTH", 400, "Upload-Length is missing or not an integer up to 2^63-1"
)
INVALID_UPLOAD_LENGTH_DEFER = _error(
    "ERR_INVALID_UPLOAD_LENGTH_DEFER", 400, "the only value of Upload-Defer-Length is 1"
)
AMBIGUOUS_UPLOAD_LENGTH = _error(
    "ERR_AMBIGUOUS_UPLOAD_LENGTH", 400, "send Upload-Length or Upload-Defer-Length, not both"
)
LENGTH_MISMATCH = _error(
    "ERR_UPLOAD_LENGTH_MISMATCH", 400, "the length of an upload cannot change once it is set"
)
MAX_SIZE_EXCEEDED = _error(
    "ERR_MAX_SIZE_EXCEEDED", 413, "the upload is larger than Tus-Max-Size allows"
)
UPLOAD_SIZE_EXCEEDED = _error(
    "ERR_UPLOAD_SIZE_EXCEEDED", 413, "the body goes past the length of the upload"
)
INVALID_METADATA = _error(
    "ERR_INVALID_METADATA", 400, "Upload-Metadata must be pairs 'key base64', joined by commas"
)
INVALID_CHECKSUM = _error(
    "ERR_INVALID_CHECKSUM", 400, "Upload-Checksum must be 'algorithm base64-of-the-digest'"
)
UNSUPPORTED_CHECKSUM_ALGORITHM = _error(
    "ERR_UNSUPPORTED_CHECKSUM_ALGORITHM", 400, "Tus-Checksum-Algorithm lists the algorithms"
)
CHECKSUM_MISMATCH = _error(
    "ERR_CHECKSUM_MISMATCH", 460, "the body does not match its checksum and was discarded"
)
INVALID_CONCAT = _error(
    "ERR_INVALID_CONCAT", 400, "Upload-Concat must be 'partial' or 'final;' and upload URLs"
)
MODIFY_FINAL = _error("ERR_MODIFY_FINAL", 403, "a final upload consists of its partial uploads")
UPLOAD_NOT_FINISHED = _error("ERR_UPLOAD_NOT_FINISHED", 400, "a partial upload is not finished")
INCOMPLETE_UPLOAD = _error(
    "ERR_INCOMPLETE_UPLOAD", 400, "the upload is not complete yet and cannot be downloaded"
)
NOT_FOUND = _error("ERR_UPLOAD_NOT_FOUND", 404, "there is no such upload")
GONE = _error("ERR_UPLOAD_GONE", 410, "the upload was terminated or has expired")
UPLOAD_EXISTS = _error("ERR_UPLOAD_EXISTS", 409, "an upload with this id exists already")
METHOD_NOT_ALLOWED = _error("ERR_METHOD_NOT_ALLOWED", 405, "this URL does not know the method")
NOT_IMPLEMENTED = _error("ERR_NOT_IMPLEMENTED", 501, "this server does not offer that extension")
UPLOAD_LOCKED = _error(
    "ERR_UPLOAD_LOCKED", 423, "another request is still using the upload; try again"
)
UPLOAD_INTERRUPTED = _error(
    "ERR_UPLOAD_INTERRUPTED", 400, "a newer request for the upload took over"
)
UPLOAD_REJECTED = _error("ERR_UPLOAD_REJECTED", 400, "the server rejects this upload")
TERMINATION_REJECTED = _error(
    "ERR_UPLOAD_TERMINATION_REJECTED", 400, "the server rejects this termination"
)
READ_TIMEOUT = _error("ERR_READ_TIMEOUT", 408, "no data came for too long; resume the upload")
UNEXPECTED_EOF = _error("ERR_UNEXPECTED_EOF", 400, "the body ended before its stated length")
BAD_REQUEST = _error("ERR_BAD_REQUEST", 400, "the request is not well-formed HTTP")
SERVER_SHUTDOWN = _error(
    "ERR_SERVER_SHUTDOWN", 503, "the server is stopping; resume the upload later"
)
INSUFFICIENT_STORAGE = _error(
    "ERR_INSUFFICIENT_STORAGE", 507, "the storage is full; resume the upload later"
)
INTERNAL_SERVER_ERROR = _error(
    "ERR_INTERNAL_SERVER_ERROR", 500, "the server failed; its log says why"
)
