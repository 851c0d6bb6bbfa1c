"""The servers that are judged: the reference, every eccentric, every fault on one of these."""

from __future__ import annotations

import msgspec

from proof.memory_evaluation import PROFILE, ServerCase
from proof.operated_server import NEW_UPLOAD
from tus_reference.quirks import quirks

REFERENCE = ""
"""The id of the plain server among the eccentrics."""


def server_case(identifier: str) -> ServerCase:
    """Return the case of an eccentric, or of the reference."""
    if identifier == REFERENCE:
        return ServerCase()
    quirk = quirks()[identifier]
    required_headers = dict(quirk.required_headers)
    metadata = required_headers.pop("Upload-Metadata", None)
    profile = msgspec.structs.replace(PROFILE, headers=required_headers, metadata=metadata)
    if quirk.id != "core-only":
        return ServerCase(quirk.modifications, profile)
    commands = msgspec.structs.replace(profile.commands, upload=NEW_UPLOAD)
    return ServerCase(quirk.modifications, msgspec.structs.replace(profile, commands=commands))
