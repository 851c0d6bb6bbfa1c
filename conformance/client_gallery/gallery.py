"""Every client of the gallery by its name."""

from __future__ import annotations

from client_gallery.right_client import RightClient

CLIENTS: dict[str, type[RightClient]] = {"right": RightClient}
