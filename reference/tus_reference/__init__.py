"""A tus 1.0.0 server, modelled on tusd: handler, stores, lockers and a trio server."""

from tus_reference.handler import (
    Config,
    ConfigError,
    FileInfo,
    Handler,
    StoreComposer,
    UnroutedHandler,
)
from tus_reference.lockers import FileLocker, MemoryLocker
from tus_reference.server import Limits, serve, serve_stream
from tus_reference.stores import FileStore, MemoryStore

__all__ = [
    "Config",
    "ConfigError",
    "FileInfo",
    "FileLocker",
    "FileStore",
    "Handler",
    "Limits",
    "MemoryLocker",
    "MemoryStore",
    "StoreComposer",
    "UnroutedHandler",
    "serve",
    "serve_stream",
]
