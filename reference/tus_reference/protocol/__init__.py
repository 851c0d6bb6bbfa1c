"""The grammar of tus 1.0.0 headers: pure functions and values, no input or output."""

from tus_reference.model.errors import Refused, TusError, errors
from tus_reference.model.headers import Headers
from tus_reference.protocol.fields import TUS_VERSION, http_date
from tus_reference.protocol.metadata import format_metadata, parse_metadata
from tus_reference.protocol.upload_id import is_upload_id, new_upload_id

__all__ = [
    "TUS_VERSION",
    "Headers",
    "Refused",
    "TusError",
    "errors",
    "format_metadata",
    "http_date",
    "is_upload_id",
    "new_upload_id",
    "parse_metadata",
]
