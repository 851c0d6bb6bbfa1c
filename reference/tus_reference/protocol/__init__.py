"""The grammar of tus 1.0.0 headers: pure functions and values, no input or output."""

from tus_reference.protocol import errors
from tus_reference.protocol.checksum import ALGORITHMS, Checksum, Hash, parse_checksum
from tus_reference.protocol.concat import Concat, parse_concat
from tus_reference.protocol.errors import Refused, TusError
from tus_reference.protocol.fields import (
    OFFSET_MEDIA_TYPE,
    TUS_VERSION,
    announces_trailer,
    check_version,
    effective_method,
    http_date,
    is_offset_media_type,
)
from tus_reference.protocol.headers import Headers
from tus_reference.protocol.integers import (
    MAX_LENGTH,
    parse_integer,
    upload_defer_length,
    upload_length,
    upload_offset,
)
from tus_reference.protocol.metadata import format_metadata, parse_metadata
from tus_reference.protocol.upload_id import is_upload_id, new_upload_id

__all__ = [
    "ALGORITHMS",
    "MAX_LENGTH",
    "OFFSET_MEDIA_TYPE",
    "TUS_VERSION",
    "Checksum",
    "Concat",
    "Hash",
    "Headers",
    "Refused",
    "TusError",
    "announces_trailer",
    "check_version",
    "effective_method",
    "errors",
    "format_metadata",
    "http_date",
    "is_offset_media_type",
    "is_upload_id",
    "new_upload_id",
    "parse_checksum",
    "parse_concat",
    "parse_integer",
    "parse_metadata",
    "upload_defer_length",
    "upload_length",
    "upload_offset",
]
