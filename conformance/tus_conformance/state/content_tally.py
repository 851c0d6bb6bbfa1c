"""What a run could compare: how many complete uploads were read back, and how many were not."""

from __future__ import annotations

from dataclasses import dataclass, field

from tus_conformance.state.upload import UploadState


@dataclass
class ContentTally:
    """Counts complete uploads, each once, and those whose bytes were compared.

    `fruitless_waits` counts the downloads that did not succeed although the suite waited; after
    `MAX_FRUITLESS_WAITS` of them nothing is waited for any more. `download_trials` counts the
    downloads that were tried although a probe was refused, and `downloads_seen` says that one of
    them returned the bytes of its upload. `partial_downloads_seen` says that a partial upload
    could be downloaded; a server may offer only those of others.
    """

    fruitless_waits: int = 0
    download_trials: int = 0
    downloads_seen: bool = False
    partial_downloads_seen: bool = False
    _compared: dict[tuple[str, str], bool] = field(default_factory=dict)

    def record(self, upload: UploadState, *, compared: bool) -> None:
        """Count a complete upload."""
        key = upload.url, upload.body.key
        self._compared[key] = compared or self._compared.get(key, False)

    @property
    def complete(self) -> int:
        """Return how many uploads were completed and looked at."""
        return len(self._compared)

    @property
    def compared(self) -> int:
        """Return how many of them were read back and compared."""
        return sum(self._compared.values())


MAX_FRUITLESS_WAITS = 3
"""After so many downloads that waiting did not help, a run no longer waits for any."""
