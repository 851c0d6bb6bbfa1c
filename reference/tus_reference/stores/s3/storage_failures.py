"""What S3 answers when it does not do as it is asked, and what clients are told then.

Clients of tus try again after 409, 423 and every 5xx, and give up after any other 4xx. But
after a HEAD that fails, the usual ones start the upload over, unless it is 423: so a look-up
that fails, for whatever reason, is answered 423, and the client comes back to what is stored.

    S3                                     look-ups   everything else
    slow-down, time-out, 5xx, no answer    423        503 ERR_STORAGE_BUSY
    credentials that have expired          423        503 ERR_STORAGE_CREDENTIALS_EXPIRED
    access denied, credentials unknown     423        403 ERR_STORAGE_DENIED
    no such bucket                         423        403 ERR_STORAGE_BUCKET_MISSING
    404 for what was there                 423        503 ERR_STORAGE_NOT_FOUND
    anything else                          423        500 ERR_STORAGE_FAILED

What S3 says goes to the log only; not even that has a secret in it, but it has names of
accounts and keys.
"""

from __future__ import annotations

import errno
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from botocore import exceptions

from tus_reference.model.errors import Refused, TusError

if TYPE_CHECKING:
    from collections.abc import Iterable

LOGGER: Final = logging.getLogger("tus_reference.s3")

ABSENT: Final = frozenset({"NoSuchKey", "NoSuchUpload", "NotFound", "404"})
NO_KEY: Final = frozenset({"NoSuchKey"})
NO_UPLOAD: Final = frozenset({"NoSuchUpload"})
UNSUPPORTED: Final = frozenset({"NotImplemented", "MethodNotAllowed", "501", "405"})
FORBIDDEN: Final = frozenset({"AccessDenied", "Forbidden", "403", "AllAccessDisabled"})


class storage_errors:  # noqa: N801 - a table, not a type
    """Every way in which the storage fails a request."""

    STORAGE_BUSY = TusError(503, "the storage does not answer or is overloaded; try again")
    STORAGE_CREDENTIALS_EXPIRED = TusError(
        503, "the server's access to the storage has expired and must be renewed; try again later"
    )
    STORAGE_DENIED = TusError(403, "the storage denies access to the server; contact its operator")
    STORAGE_BUCKET_MISSING = TusError(
        403, "the server's bucket does not exist; ask its operator to create it"
    )
    STORAGE_NOT_FOUND = TusError(503, "the storage does not find what it has; try again")
    STORAGE_FAILED = TusError(500, "the storage refused the server's request; its log says why")


MAY_BE_ABSENT: Final = (storage_errors.STORAGE_DENIED, storage_errors.STORAGE_NOT_FOUND)
"""The failures of a look-up with which some services answer for what does not exist."""

_BY_CODE: Final = {
    **dict.fromkeys(ABSENT, storage_errors.STORAGE_NOT_FOUND),
    **dict.fromkeys(
        (
            *("SlowDown", "ServiceUnavailable", "InternalError", "InternalFailure"),
            *("RequestTimeout", "RequestTimeTooSkewed", "Throttling", "ThrottlingException"),
            *("RequestLimitExceeded", "BandwidthLimitExceeded", "OperationAborted"),
            *("RequestThrottled", "TooManyRequests", "ConditionalRequestConflict"),
        ),
        storage_errors.STORAGE_BUSY,
    ),
    **dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"),
        storage_errors.STORAGE_CREDENTIALS_EXPIRED,
    ),
    **dict.fromkeys(
        (
            *FORBIDDEN,
            *("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AccountProblem"),
            *("InvalidClientTokenId", "UnrecognizedClientException", "NotSignedUp"),
        ),
        storage_errors.STORAGE_DENIED,
    ),
    "NoSuchBucket": storage_errors.STORAGE_BUCKET_MISSING,
}

# No answer, a broken one, or credentials that could not be had in time: try again.
_TRANSIENT: Final = (
    exceptions.HTTPClientError,
    exceptions.ConnectionError,
    exceptions.IncompleteReadError,
    exceptions.ResponseStreamingError,
    exceptions.CredentialRetrievalError,
    exceptions.MetadataRetrievalError,
    TimeoutError,
    ConnectionError,
)


def error_code(failure: BaseException) -> str:
    """Return S3's error code, or nothing if S3 did not answer."""
    if not isinstance(failure, exceptions.ClientError):
        return ""
    return str(failure.response.get("Error", {}).get("Code", ""))


def is_forbidden(failure: BaseException) -> bool:
    """Return whether S3 denies access, as it does for absent objects without ListBucket."""
    return error_code(failure) in FORBIDDEN


def tus_error_for(failure: BaseException) -> TusError:
    """Return what clients are told about a failed call."""
    if isinstance(failure, exceptions.ClientError):
        known = _BY_CODE.get(error_code(failure))
        if known is not None:
            return known
        status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return (
            storage_errors.STORAGE_BUSY
            if status >= 500 or status == 429
            else storage_errors.STORAGE_FAILED
        )
    if isinstance(failure, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return storage_errors.STORAGE_DENIED
    return (
        storage_errors.STORAGE_BUSY
        if isinstance(failure, _TRANSIENT)
        else storage_errors.STORAGE_FAILED
    )


def log_and_convert(failure: BaseException, operation: str) -> BaseException:
    """Return the exception to raise for a failed call, and log what S3 said.

    A full or broken disk of ours stays what it is, and so does a mistake in the program.
    """
    disk_full = isinstance(failure, OSError) and failure.errno in {errno.ENOSPC, errno.EDQUOT}
    is_bug = not isinstance(
        failure, (exceptions.ClientError, exceptions.BotoCoreError, *_TRANSIENT)
    )
    if disk_full or is_bug:
        return failure
    LOGGER.warning("%s failed: %s", operation, describe(failure))
    return Refused(tus_error_for(failure))


def describe(failure: BaseException) -> str:
    """Return a failure in words, without anything that it quotes from the request."""
    if isinstance(failure, exceptions.ClientError):
        metadata: dict[str, Any] = failure.response.get("ResponseMetadata", {})
        return (
            f"{error_code(failure)} (status {metadata.get('HTTPStatusCode', '?')}, "
            f"request {metadata.get('RequestId', 'unknown')})"
        )
    return type(failure).__name__


def as_lookup_failure(refused: Refused) -> Refused:
    """Return a failure of the storage as it is told while looking an upload up: 423."""
    if refused.error.code in _CODES:
        return Refused(replace(refused.error, status=423), headers=refused.headers)
    return refused


def _codes(errors: Iterable[object]) -> frozenset[str]:
    return frozenset(error.code for error in errors if isinstance(error, TusError))


_CODES: Final = _codes(vars(storage_errors).values())


def no_response() -> Refused:
    """Return the failure of an S3 that does not answer in time, and log it."""
    LOGGER.warning("the storage did not answer a look-up in time")
    return Refused(storage_errors.STORAGE_BUSY)


def stale_response(operation: str) -> Refused:
    """Return the failure of an answer with something older than what was stored, and log it."""
    LOGGER.warning("%s returned something older than what was stored", operation)
    return Refused(storage_errors.STORAGE_BUSY)


def truncated_response() -> Refused:
    """Return the failure of an answer that ended too early."""
    return Refused(storage_errors.STORAGE_BUSY)
