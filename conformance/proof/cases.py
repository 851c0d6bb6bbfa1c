"""The servers that are evaluated: the reference, every quirk, every defect on one of these."""

from __future__ import annotations

import msgspec

from proof.memory_evaluation import PROFILE, ServerCase
from proof.operated_server import NEW_UPLOAD
from tus_defects import changes, quirks

REFERENCE = ""
"""The id of the server without a quirk, among the quirks."""


def server_case(identifier: str) -> ServerCase:
    """Return the case of a quirk, or of the reference."""
    if identifier == REFERENCE:
        return ServerCase()
    quirk = quirks()[identifier]
    required_headers = dict(quirk.requires)
    metadata = required_headers.pop("Upload-Metadata", None)
    profile = msgspec.structs.replace(PROFILE, headers=required_headers, metadata=metadata)
    if quirk.id != "core-only":
        return ServerCase(changes(quirk), profile)
    commands = msgspec.structs.replace(profile.commands, upload=NEW_UPLOAD)
    return ServerCase(changes(quirk), msgspec.structs.replace(profile, commands=commands))
