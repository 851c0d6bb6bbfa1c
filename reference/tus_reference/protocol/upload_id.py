"""Upload ids: one path segment, harmless as a file name.

    id = ( ALPHA / DIGIT / other ) *239( ALPHA / DIGIT / other / "." )

Ids from tusd and from callbacks pass; dots in front, slashes, spaces and control
characters do not, so no id leaves the folder or names a hidden file. 240 characters leave
room for a suffix in a file name.
"""

from __future__ import annotations

import re
import secrets

_ID = re.compile(r"[A-Za-z0-9\-_~!$'()*+,;=:@][A-Za-z0-9\-_~!$'()*+,;=:@.]{0,239}")


def is_upload_id(text: str) -> bool:
    """Return whether `text` can be the id of an upload."""
    return _ID.fullmatch(text) is not None


def new_upload_id() -> str:
    """Return a fresh id: 16 random bytes in hexadecimal, as tusd makes them."""
    return secrets.token_hex(16)
