"""The servers that are judged: the reference, every eccentric, every fault on one of these."""

from __future__ import annotations

import msgspec

from proof.memory import PROFILE, Case
from proof.operated import NEW_UPLOAD
from tus_reference.eccentrics import eccentrics

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
    if eccentric.id != "core-only":
        return Case(eccentric.behaviours, profile)
    commands = msgspec.structs.replace(profile.commands, upload=NEW_UPLOAD)
    return Case(eccentric.behaviours, msgspec.structs.replace(profile, commands=commands))
