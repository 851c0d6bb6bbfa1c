"""Every client of the gallery by its name."""

from __future__ import annotations

from client_gallery.odd_clients import ODD
from client_gallery.right_client import RightClient
from client_gallery.wrong_clients import WRONG

_ALL: tuple[type[RightClient], ...] = (RightClient, *ODD, *(each.client for each in WRONG))

CLIENTS = {client.__name__.lstrip("_"): client for client in _ALL}
