"""tus semantics over abstract requests and body streams: no sockets, any event loop."""

from tus_reference.handler.answers import refuse
from tus_reference.handler.composer import StoreComposer
from tus_reference.handler.config import Config, ConfigError
from tus_reference.handler.datastore import (
    ByteSource,
    Concater,
    DataStore,
    Finisher,
    GetReader,
    LengthDeferrer,
    Lock,
    Locker,
    Recorder,
    Terminater,
)
from tus_reference.handler.exchange import (
    Body,
    ClientDisconnected,
    Download,
    EmptyBody,
    Request,
    Response,
)
from tus_reference.handler.hooks import FileInfoChanges, HookEvent, HTTPRequest, HTTPResponse
from tus_reference.handler.info import FileInfo
from tus_reference.handler.notifications import EventStream
from tus_reference.handler.routing import Handler
from tus_reference.handler.unrouted import UnroutedHandler

__all__ = [
    "Body",
    "ByteSource",
    "ClientDisconnected",
    "Concater",
    "Config",
    "ConfigError",
    "DataStore",
    "Download",
    "EmptyBody",
    "EventStream",
    "FileInfo",
    "FileInfoChanges",
    "Finisher",
    "GetReader",
    "HTTPRequest",
    "HTTPResponse",
    "Handler",
    "HookEvent",
    "LengthDeferrer",
    "Lock",
    "Locker",
    "Recorder",
    "Request",
    "Response",
    "StoreComposer",
    "Terminater",
    "UnroutedHandler",
    "refuse",
]
