"""Stores: where the bytes of uploads live."""

from tus_reference.stores.file import FileStore
from tus_reference.stores.memory import MemoryStore

__all__ = ["FileStore", "MemoryStore"]
