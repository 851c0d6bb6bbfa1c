"""Stores: where the bytes of uploads live."""

from tus_reference.stores.file_store import FileStore
from tus_reference.stores.memory_store import MemoryStore

__all__ = ["FileStore", "MemoryStore"]
