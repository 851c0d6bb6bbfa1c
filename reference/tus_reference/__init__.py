"""A tus 1.0.0 server, modelled on tusd: handler, stores, lockers and a trio server."""

from tus_reference.handler import (
    Config,
    ConfigError,
    FileInfo,
    Handler,
    StoreComposer,
    UnroutedHandler,
)
from tus_reference.lockers import MemoryLocker
from tus_reference.server import Limits, serve, serve_stream
from tus_reference.stores import FileStore

__all__ = [
    "Config",
    "ConfigError",
    "FileInfo",
    "FileStore",
    "Handler",
    "Limits",
    "MemoryLocker",
    "StoreComposer",
    "UnroutedHandler",
    "serve",
    "serve_stream",
]
