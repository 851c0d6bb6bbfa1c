"""`StoreComposer`: the store, and which optional capabilities come with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tus_reference.model.datastore import (
        Concater,
        DataStore,
        Finisher,
        GetReader,
        InfoSaver,
        InfoStore,
        LengthDeferrer,
        Locker,
        Terminater,
    )


@dataclass(slots=True)
class StoreComposer:
    """A core store and its capabilities; what is None is neither offered nor accepted.

    Stores and lockers fill it in themselves: `FileStore(path).use_in(composer)`.
    """

    core: DataStore | None = None
    terminater: Terminater | None = None
    finisher: Finisher | None = None
    locker: Locker | None = None
    get_reader: GetReader | None = None
    concater: Concater | None = None
    length_deferrer: LengthDeferrer | None = None
    info_saver: InfoSaver | None = None
    info_store: InfoStore | None = None

    @property
    def uses_core(self) -> bool:
        """Whether there is a store at all."""
        return self.core is not None

    @property
    def uses_terminater(self) -> bool:
        """Whether uploads can be removed."""
        return self.terminater is not None

    @property
    def uses_finisher(self) -> bool:
        """Whether the store has work to do at completion."""
        return self.finisher is not None

    @property
    def uses_locker(self) -> bool:
        """Whether requests for one upload exclude each other."""
        return self.locker is not None

    @property
    def uses_get_reader(self) -> bool:
        """Whether uploads can be downloaded."""
        return self.get_reader is not None

    @property
    def uses_concater(self) -> bool:
        """Whether uploads can be joined."""
        return self.concater is not None

    @property
    def uses_length_deferrer(self) -> bool:
        """Whether the length may come later."""
        return self.length_deferrer is not None

    @property
    def uses_info_saver(self) -> bool:
        """Whether expiry and finish marks can be kept."""
        return self.info_saver is not None
