"""A tus 1.0.0 server, modelled on tusd: handler, stores, lockers and a trio server."""

from typing import TYPE_CHECKING

from tus_reference.handler import Config, ConfigError, Handler, UnroutedHandler
from tus_reference.lockers import FileLocker, MemoryLocker
from tus_reference.model import FileInfo, StoreComposer
from tus_reference.stores import FileStore, MemoryStore

if TYPE_CHECKING:
    from tus_reference.server import Limits, serve, serve_stream

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


def __getattr__(name: str) -> object:
    # The trio server comes when it is asked for: asyncio applications do without trio.
    if name in {"Limits", "serve", "serve_stream"}:
        from tus_reference import server

        return getattr(server, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
