"""A client that is wrong on purpose, and where it shows."""

from __future__ import annotations

from dataclasses import dataclass

from client_gallery.right_client import RightClient


@dataclass(frozen=True)
class WrongClient:
    """A wrong client, a situation that shows it, and the requirement or outcome that it breaks."""

    client: type[RightClient]
    situation: str
    shows_at: str
