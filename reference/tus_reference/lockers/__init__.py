"""Lockers: one request at a time may change an upload."""

from tus_reference.lockers.file import FileLocker
from tus_reference.lockers.memory import MemoryLocker

__all__ = ["FileLocker", "MemoryLocker"]
