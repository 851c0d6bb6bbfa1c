"""Stores: where the bytes of uploads live."""

from tus_reference.stores.file import FileStore

__all__ = ["FileStore"]
