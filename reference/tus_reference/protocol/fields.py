"""The remaining fields: protocol version, media type, method override, dates."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from tus_reference.model.errors import Refused, errors

if TYPE_CHECKING:
    from tus_reference.model.headers import Headers

TUS_VERSION: Final = "1.0.0"
OFFSET_MEDIA_TYPE: Final = "application/offset+octet-stream"


def check_version(headers: Headers, *, required: bool) -> None:
    """Raise `Refused` (412 with Tus-Version) unless Tus-Resumable names our version."""
    versions = headers.joined("Tus-Resumable")
    if versions == TUS_VERSION or (versions is None and not required):
        return
    raise Refused(errors.UNSUPPORTED_VERSION, headers=(("Tus-Version", TUS_VERSION),))


def is_offset_media_type(headers: Headers) -> bool:
    """Return whether the body is of the type that uploads need; parameters do not matter."""
    media_type = headers.one("Content-Type")
    if media_type is None:
        return False
    return media_type.partition(";")[0].strip().lower() == OFFSET_MEDIA_TYPE


def effective_method(method: str, headers: Headers) -> str:
    """Return the method that counts: X-HTTP-Method-Override wins over any real one."""
    override = headers.one("X-HTTP-Method-Override")
    return method if override is None else override.strip().upper()


def announces_trailer(headers: Headers, name: str) -> bool:
    """Return whether the Trailer field announces `name` (RFC 9110, 6.6.2)."""
    announced = headers.joined("Trailer") or ""
    return name.lower() in {part.strip().lower() for part in announced.split(",")}


def http_date(timestamp: float) -> str:
    """Return an IMF-fixdate for seconds since the epoch (RFC 9110, 5.6.7)."""
    return formatdate(timestamp, usegmt=True)
