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
    """The settings of a handler, under tusd's names; sizes in bytes, durations in seconds.

    Give either `store_composer` or `data_store`; everything else has a default. A handler
    validates its settings and raises `ConfigError` with a sentence for each mistake.
    """

    # Storage

    store_composer: StoreComposer | None = None
    """The store, its capabilities and the locker."""

    data_store: UsableStore | None = None
    """A store by itself, without a locker: two requests may write to one upload at once."""

    spool_directory: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    """The folder for bodies with a checksum, beyond 1 MiB each, until they are verified; the
    system's temporary folder by default. Its disk must have room for them. Nothing remains
    there after a crash."""

    # What the server offers

    max_size: int = 0
    """The largest upload in bytes, 0 for no limit (the default). Clients see it in Tus-Max-Size;
    a longer upload gets 413, at its creation if its length is known (Core, OPTIONS; Creation)."""

    disable_download: bool = False
    """Do not answer GET, which is not part of tus: clients get 405 from `Handler`, 501 from
    `UnroutedHandler`."""

    disable_termination: bool = False
    """Do not offer termination: DELETE gets 405 from `Handler`, 501 from `UnroutedHandler`."""

    disable_concatenation: bool = False
    """Do not offer concatenation: a POST with Upload-Concat gets 501."""

    max_partial_uploads: int = 1000
    """How many partial uploads a final upload may name; with more its creation gets 400."""

    max_repeated_bytes: int = 64 * 1024 * 1024
    """How many bytes a final upload may have because it names partial uploads more than once;
    with more its creation gets 413. Otherwise a request of 64 KiB could fill a disk. `max_size`
    limits the sum of all."""

    trailers: bool = True
    """Whether the shell around the handler can receive trailers; if not, Tus-Extension does not
    list checksum-trailer (Checksum). `TusApp` sets it to False."""

    expire_after: float = 0.0
    """Remove an unfinished upload after so many seconds, 0 for never (the default). Clients see
    the time in Upload-Expires, and get 410 after it (Expiration). Needs a store with the
    capabilities `InfoSaver` and `Terminater`, and `Handler.run_maintenance` to free the space."""

    expire_sliding: bool = True
    """Whether each PATCH extends the time of expiry (the default), or it counts from the creation
    of the upload alone."""

    # URLs

    base_path: str = "/files/"
    """The URL to which clients send POST: a path, or a whole http(s) URL if clients see a
    host or path that the server does not. Uploads are below it."""

    relative_location: bool = False
    """Send only the path of a new upload in Location; some clients cannot follow that."""

    respect_forwarded_headers: bool = False
    """Take scheme, host and prefix of Location from Forwarded and X-Forwarded-*. Only safe behind
    a proxy that sets them, because anyone else can send them too."""

    # Callbacks: what they raise or return changes the response

    pre_upload_create_callback: PreCreateCallback | None = None
    """Called before an upload is created; may change its id and metadata and the response, or
    raise `Refused`. No upload exists then."""

    pre_finish_response_callback: PreFinishCallback | None = None
    """Called when an upload is complete, before the response; not for partial uploads. If it
    raises, the next request for the upload calls it again. A crash may repeat it."""

    pre_upload_terminate_callback: PreTerminateCallback | None = None
    """Called before DELETE removes an upload; `Refused` keeps it. Not called for expiry."""

    # Streams of events, each off by default: an unread stream with its flag set grows

    notify_created_uploads: bool = False
    """Put an event into `handler.created_uploads` for each new upload."""

    notify_upload_progress: bool = False
    """Put the offset into `handler.upload_progress` while a body is received; of each upload only
    the newest event waits."""

    notify_complete_uploads: bool = False
    """Put an event into `handler.complete_uploads` for each complete upload, partial uploads
    excepted."""

    notify_terminated_uploads: bool = False
    """Put an event into `handler.terminated_uploads` for each upload that a DELETE or its expiry
    removed."""

    upload_progress_interval: float = 1.0
    """The shortest time between two progress events of one body, in seconds."""

    # Durations, all above 0

    network_timeout: float = 60.0
    """The longest wait for the next byte of a body, in seconds. After it, what came is stored
    and the client has to resume: the trio server closes the connection, ASGI sends 503."""

    acquire_lock_timeout: float = 20.0
    """The longest wait for the lock of an upload, in seconds; after it the client gets 423."""

    idle_timeout: float = 5.0
    """HEAD stops a PATCH that has not received a byte for so many seconds, so that its connection,
    which is most likely dead, does not keep the client from resuming. A PATCH or DELETE stops
    it at once, idle or not."""

    shutdown_timeout: float = 10.0
    """When the server stops, how long it waits for received bytes to be stored, in seconds.
    Clients whose body is cut short by that get 503."""

    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("tus_reference"))
    """Where failures go that clients see as 500 or do not see at all."""

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
            "Set exactly one of store_composer and data_store.": (
                (self.store_composer is None) != (self.data_store is None)
            ),
            "The store composer has no core: use a store in it.": composer.uses_core,
            f"max_size must be a number of bytes, 0 for no limit, got {self.max_size}.": (
                self.max_size >= 0
            ),
            f"max_partial_uploads must be at least 1, got {self.max_partial_uploads}.": (
                self.max_partial_uploads >= 1
            ),
            f"max_repeated_bytes must not be negative, got {self.max_repeated_bytes}.": (
                self.max_repeated_bytes >= 0
            ),
            f"expire_after must be a number of seconds, 0 for never, got {self.expire_after}.": (
                self.expire_after >= 0
            ),
            "expire_after needs a store that can record and terminate uploads.": (
                self.expire_after <= 0 or keeps
            ),
            f"base_path must be a path or an http(s) URL, got {self.base_path!r}.": (
                _BASE_PATH.fullmatch(self.base_path)
            ),
        }
        for name in _DURATIONS:
            value = getattr(self, name)
            rules[f"{name} must be a number of seconds above 0, got {value:g}."] = value > 0
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
