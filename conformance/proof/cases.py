"""The servers that are judged: the reference, every eccentric, every fault on one of these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from proof.memory import PROFILE, URL, Case
from tus_reference.eccentrics import Eccentric, eccentrics
from tus_reference.faults import Behaving
from tus_reference.handler import FileInfo

REFERENCE = ""
"""The id of the plain server among the eccentrics."""


def case_of(identifier: str) -> Case:
    """Return the case of an eccentric, or of the reference."""
    if identifier == REFERENCE:
        return Case()
    eccentric = eccentrics()[identifier]
    asked = dict(eccentric.asks_for)
    metadata = asked.pop("Upload-Metadata", None)
    profile = msgspec.structs.replace(PROFILE, headers=asked, metadata=metadata)
    if _creates(eccentric):
        return Case(eccentric.behaviours, profile)
    commands = msgspec.structs.replace(profile.commands, upload="new-upload {length}")
    profile = msgspec.structs.replace(profile, commands=commands)
    return Case(eccentric.behaviours, profile, upload_command=_new_upload)


def _creates(eccentric: Eccentric) -> bool:
    return eccentric.id != "core-only"


def _new_upload(server: Behaving) -> Callable[..., Awaitable[bytes]]:
    """Play the program of the profile that makes uploads where clients cannot."""

    async def output(command: str, **values: str) -> bytes:
        assert command == "new-upload {length}", command
        info = FileInfo(size=int(values["length"]))
        made: Any = await server.uploads.store.new_upload(info)
        return f"{URL}{made}\n".encode()

    return output
