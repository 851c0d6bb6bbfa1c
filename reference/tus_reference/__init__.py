"""A tus 1.0.0 server, modelled on tusd: handler, stores, lockers, a trio server and an ASGI app.

Everything that programs around the server need can be imported from here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from tus_reference.asgi import Message, Receive, Scope, Send, TusApp
from tus_reference.handler import Config, Handler, UnroutedHandler, error_response
from tus_reference.lockers import FileLocker, MemoryLocker
from tus_reference.middleware import (
    AccessLog,
    Cors,
    Health,
    Layer,
    LayeredService,
    Respond,
    Service,
)
from tus_reference.model import (
    Body,
    BodyEndedEarly,
    ByteSource,
    ConfigError,
    DataStore,
    Download,
    EarlyEnd,
    FileInfo,
    Headers,
    Refused,
    Request,
    Response,
    StoreComposer,
    TusError,
    errors,
)
from tus_reference.model.datastore import (
    Concater,
    Finisher,
    GetReader,
    InfoSaver,
    InfoStore,
    LengthDeferrer,
    Lock,
    Locker,
    Terminater,
)
from tus_reference.notifications import (
    EventStream,
    FileInfoChanges,
    HookEvent,
    HTTPRequest,
    HTTPResponse,
)
from tus_reference.protocol import new_upload_id
from tus_reference.stores import FileStore, MemoryStore

if TYPE_CHECKING:
    from tus_reference.lockers.redis_locker import RedisLocker
    from tus_reference.middleware.metrics import Metrics
    from tus_reference.server import Certificate, Limits, TLSListener, serve, serve_stream
    from tus_reference.stores.s3 import S3Store, connect

__all__ = [  # noqa: RUF022 - in groups
    # A handler and its settings
    "Config",
    "ConfigError",
    "Handler",
    "UnroutedHandler",
    # Stores and lockers, and what collects them
    "FileLocker",
    "FileStore",
    "MemoryLocker",
    "MemoryStore",
    "RedisLocker",
    "S3Store",
    "StoreComposer",
    "connect",
    # Serve it: as an ASGI application, or over trio
    "Certificate",
    "Limits",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "TLSListener",
    "TusApp",
    "serve",
    "serve_stream",
    # Layers around a handler
    "AccessLog",
    "Cors",
    "Health",
    "Layer",
    "LayeredService",
    "Metrics",
    "Respond",
    "Service",
    # Requests, responses and errors, for layers and callbacks
    "Body",
    "BodyEndedEarly",
    "Download",
    "EarlyEnd",
    "Headers",
    "Refused",
    "Request",
    "Response",
    "TusError",
    "error_response",
    "errors",
    # Events and what callbacks return
    "EventStream",
    "FileInfoChanges",
    "HTTPRequest",
    "HTTPResponse",
    "HookEvent",
    # For a store or locker of your own
    "ByteSource",
    "Concater",
    "DataStore",
    "FileInfo",
    "Finisher",
    "GetReader",
    "InfoSaver",
    "InfoStore",
    "LengthDeferrer",
    "Lock",
    "Locker",
    "Terminater",
    "new_upload_id",
]

# Loaded at first use: asyncio applications do without trio, and few need S3, Redis or Prometheus.
_LAZY: Final = {
    "Certificate": "server",
    "Limits": "server",
    "Metrics": "middleware.metrics",
    "RedisLocker": "lockers.redis_locker",
    "S3Store": "stores.s3",
    "TLSListener": "server",
    "connect": "stores.s3",
    "serve": "server",
    "serve_stream": "server",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(f"tus_reference.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
