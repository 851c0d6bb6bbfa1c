"""tus semantics over abstract requests and body streams: no sockets, any event loop."""

from tus_reference.handler import datastore
from tus_reference.handler.answers import refuse
from tus_reference.handler.composer import StoreComposer
from tus_reference.handler.config import Config, ConfigError
from tus_reference.handler.datastore import ByteSource, DataStore
from tus_reference.handler.exchange import Body, ClientDisconnected, Download, Request, Response
from tus_reference.handler.info import FileInfo
from tus_reference.handler.routing import Handler
from tus_reference.handler.unrouted import UnroutedHandler

__all__ = [
    "Body",
    "ByteSource",
    "ClientDisconnected",
    "Config",
    "ConfigError",
    "DataStore",
    "Download",
    "FileInfo",
    "Handler",
    "Request",
    "Response",
    "StoreComposer",
    "UnroutedHandler",
    "datastore",
    "refuse",
]
