"""What every layer speaks of: uploads, requests, responses, errors and the interfaces of stores."""

from tus_reference.model import datastore
from tus_reference.model.byte_source import CHUNK_SIZE, ByteSource, iter_chunks
from tus_reference.model.composer import StoreComposer
from tus_reference.model.datastore import DataStore
from tus_reference.model.early_end import BodyEndedEarly, EarlyEnd
from tus_reference.model.errors import ConfigError, Refused, TusError, errors
from tus_reference.model.file_info import FileInfo
from tus_reference.model.headers import Headers
from tus_reference.model.http_messages import (
    Body,
    Download,
    Request,
    Response,
)
from tus_reference.model.lease import Lease, check_lease, current_lease, use_lease

__all__ = [
    "CHUNK_SIZE",
    "Body",
    "BodyEndedEarly",
    "ByteSource",
    "ConfigError",
    "DataStore",
    "Download",
    "EarlyEnd",
    "FileInfo",
    "Headers",
    "Lease",
    "Refused",
    "Request",
    "Response",
    "StoreComposer",
    "TusError",
    "check_lease",
    "current_lease",
    "datastore",
    "errors",
    "iter_chunks",
    "use_lease",
]
