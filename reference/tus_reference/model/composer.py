"""`StoreComposer`: the store, and which optional capabilities come with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tus_reference.model.datastore import (
        Cleaner,
        Concater,
        DataStore,
        Finisher,
        GetReader,
        HealthCheck,
        InfoSaver,
        InfoStore,
        KnownUploads,
        LengthDeferrer,
        Locker,
        Terminater,
    )


@dataclass(slots=True)
class StoreComposer:
    """A store and its capabilities, each registered by name; None is a missing capability.

    The server neither offers nor accepts what needs a missing one. Stores and lockers register
    themselves: `FileStore(path).use_in(composer)`.
    """

    core: DataStore | None = None
    """Creates uploads, stores bytes, and returns what is stored. Required."""

    terminater: Terminater | None = None
    """Removes uploads: the extension termination, and the removal of expired uploads."""

    finisher: Finisher | None = None
    """Completes uploads in the store, such as an object in S3, before the last response."""

    locker: Locker | None = None
    """Locks uploads, so that one request at a time writes to each."""

    get_reader: GetReader | None = None
    """Reads uploads: GET."""

    concater: Concater | None = None
    """Joins partial uploads: the extension concatenation."""

    length_deferrer: LengthDeferrer | None = None
    """Declares a length later: the extension creation-defer-length."""

    info_saver: InfoSaver | None = None
    """Stores expiration times and finish marks: the extension expiration."""

    info_store: InfoStore | None = None
    """Does the work of `core` on a known upload, which saves looking it up again."""

    known_uploads: KnownUploads | None = None
    """Remembers uploads for the next process, so that its start reads only what is new."""

    cleaner: Cleaner | None = None
    """Removes what crashes leave: files of no upload, and damaged records."""

    health_check: HealthCheck | None = None
    """Checks the storage: `/healthz`."""

    locker_check: HealthCheck | None = None
    """Checks the service that a locker needs: `/healthz`."""

    @property
    def uses_core(self) -> bool:
        """Whether a store is registered; a handler raises `ConfigError` without one."""
        return self.core is not None

    @property
    def uses_terminater(self) -> bool:
        """Whether Tus-Extension may list termination."""
        return self.terminater is not None

    @property
    def uses_finisher(self) -> bool:
        """Whether completing an upload calls the store."""
        return self.finisher is not None

    @property
    def uses_locker(self) -> bool:
        """Whether concurrent requests for one upload are safe."""
        return self.locker is not None

    @property
    def uses_get_reader(self) -> bool:
        """Whether GET may be answered."""
        return self.get_reader is not None

    @property
    def uses_concater(self) -> bool:
        """Whether Tus-Extension may list concatenation and concatenation-unfinished."""
        return self.concater is not None

    @property
    def uses_length_deferrer(self) -> bool:
        """Whether Tus-Extension may list creation-defer-length."""
        return self.length_deferrer is not None

    @property
    def uses_info_saver(self) -> bool:
        """Whether Tus-Extension may list expiration, which needs a terminater too."""
        return self.info_saver is not None
