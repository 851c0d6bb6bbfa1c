"""Every client that is wrong on purpose: each breaks one requirement, or comes to a bad end."""

from __future__ import annotations

from client_gallery.core_clients import CORE_CLIENTS
from client_gallery.creation_clients import CREATION_CLIENTS
from client_gallery.extension_clients import EXTENSION_CLIENTS
from client_gallery.failing_clients import FAILING_CLIENTS
from client_gallery.metadata_clients import METADATA_CLIENTS
from client_gallery.wrong_client import WrongClient

WRONG: tuple[WrongClient, ...] = (
    *CORE_CLIENTS,
    *CREATION_CLIENTS,
    *METADATA_CLIENTS,
    *EXTENSION_CLIENTS,
    *FAILING_CLIENTS,
)
