"""Lockers: one request at a time may change an upload.

`RedisLocker` is imported from its module, since few need redis-py.
"""

from tus_reference.lockers.file_locker import FileLocker
from tus_reference.lockers.memory_locker import MemoryLocker

__all__ = ["FileLocker", "MemoryLocker"]
