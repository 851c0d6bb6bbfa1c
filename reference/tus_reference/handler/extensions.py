"""Which extensions of tus a handler offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tus_reference.handler.config import Config


def offered_extensions(config: Config) -> tuple[str, ...]:
    """Return what Tus-Extension lists: what the store is able to do and nothing disables."""
    composer = config.composer
    concatenation = composer.uses_concater and not config.disable_concatenation
    offered = (
        ("creation", True),
        ("creation-with-upload", True),
        ("creation-defer-length", composer.uses_length_deferrer),
        ("expiration", config.expire_after > 0),
        ("checksum", True),
        ("checksum-trailer", config.trailers),
        ("termination", composer.uses_terminater and not config.disable_termination),
        ("concatenation", concatenation),
        ("concatenation-unfinished", concatenation),
    )
    return tuple(name for name, there in offered if there)
