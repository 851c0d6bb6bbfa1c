"""Lockers: one request at a time may change an upload."""

from tus_reference.lockers.file_locker import FileLocker
from tus_reference.lockers.memory_locker import MemoryLocker

__all__ = ["FileLocker", "MemoryLocker"]
