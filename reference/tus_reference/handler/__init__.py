"""tus semantics over abstract requests and body streams: no sockets, any event loop."""

from tus_reference.handler.config import Config
from tus_reference.handler.responses import error_response
from tus_reference.handler.routing import Handler
from tus_reference.handler.unrouted import UnroutedHandler
from tus_reference.model import datastore
from tus_reference.model.byte_source import ByteSource
from tus_reference.model.composer import StoreComposer
from tus_reference.model.datastore import DataStore
from tus_reference.model.early_end import BodyEndedEarly, EarlyEnd
from tus_reference.model.errors import ConfigError
from tus_reference.model.file_info import FileInfo
from tus_reference.model.http_messages import Body, Download, Request, Response

__all__ = [
    "Body",
    "BodyEndedEarly",
    "ByteSource",
    "Config",
    "ConfigError",
    "DataStore",
    "Download",
    "EarlyEnd",
    "FileInfo",
    "Handler",
    "Request",
    "Response",
    "StoreComposer",
    "UnroutedHandler",
    "datastore",
    "error_response",
]
