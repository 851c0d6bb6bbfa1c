"""`Config`: the settings of a handler, checked before anything starts."""

from __future__ import annotations

import logging
import re
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tus_reference.model.composer import StoreComposer
from tus_reference.model.errors import ConfigError

if TYPE_CHECKING:
    from tus_reference.notifications import (
        PreCreateCallback,
        PreFinishCallback,
        PreTerminateCallback,
    )


class UsableStore(Protocol):
    """A store that knows its own capabilities."""

    def use_in(self, composer: StoreComposer) -> None:
        """Enter the store and its capabilities into `composer`."""


@dataclass(frozen=True, slots=True)
class Config:
    """Settings under tusd's names; sizes in bytes, durations in seconds.

    Give either `store_composer` or `data_store`. `max_size` 0 means no limit.
    `expire_after` 0 means that uploads never expire; with `expire_sliding` each PATCH
    starts the time anew. `trailers` says whether the shell around the handler can receive
    them.
    """

    store_composer: StoreComposer | None = None
    data_store: UsableStore | None = None
    max_size: int = 0
    base_path: str = "/files/"
    disable_download: bool = False
    disable_termination: bool = False
    disable_concatenation: bool = False
    trailers: bool = True
    respect_forwarded_headers: bool = False
    relative_location: bool = False
    notify_created_uploads: bool = False
    notify_upload_progress: bool = False
    notify_complete_uploads: bool = False
    notify_terminated_uploads: bool = False
    pre_upload_create_callback: PreCreateCallback | None = None
    pre_finish_response_callback: PreFinishCallback | None = None
    pre_upload_terminate_callback: PreTerminateCallback | None = None
    network_timeout: float = 60.0
    acquire_lock_timeout: float = 20.0
    shutdown_timeout: float = 10.0
    upload_progress_interval: float = 1.0
    idle_timeout: float = 5.0
    expire_after: float = 0.0
    expire_sliding: bool = True
    spool_directory: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("tus_reference"))

    @property
    def composer(self) -> StoreComposer:
        """The composer in use; one made from `data_store` if that was given."""
        if self.store_composer is not None:
            return self.store_composer
        composer = StoreComposer()
        if self.data_store is not None:
            self.data_store.use_in(composer)
        return composer

    def validate(self) -> Config:
        """Return the settings with composer and base path settled; raise `ConfigError`."""
        composer = self.composer
        keeps = composer.uses_info_saver and composer.uses_terminater
        rules = {
            "Give exactly one of store_composer and data_store.": (
                (self.store_composer is None) != (self.data_store is None)
            ),
            "The store composer has no core: use a store in it.": composer.uses_core,
            "max_size is a number of bytes, 0 for no limit.": self.max_size >= 0,
            "expire_after is a number of seconds, 0 for never.": self.expire_after >= 0,
            "expire_after needs a store that can record and terminate uploads.": (
                self.expire_after <= 0 or keeps
            ),
            "base_path is a path or an http(s) URL.": _BASE_PATH.fullmatch(self.base_path),
        }
        for name in _DURATIONS:
            rules[f"{name} is a number of seconds above 0."] = getattr(self, name) > 0
        mistakes = [sentence for sentence, holds in rules.items() if not holds]
        if mistakes:
            raise ConfigError("\n".join(mistakes))
        base_path = self.base_path.rstrip("/") + "/"
        if "://" not in base_path:
            base_path = "/" + base_path.lstrip("/")
        return replace(self, store_composer=composer, data_store=None, base_path=base_path)


# A path, with or without its first slash, or an absolute URL; no query, no fragment.
_BASE_PATH = re.compile(r"https?://[^\s?#/]+(/[^\s?#]*)?|(?!.*://)[^\s?#]*")

_DURATIONS = ("network_timeout", "acquire_lock_timeout", "shutdown_timeout", "idle_timeout")
