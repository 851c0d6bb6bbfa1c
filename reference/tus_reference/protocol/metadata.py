"""Upload-Metadata.

    Upload-Metadata = pair *( "," pair )
    pair            = key [ SP [ base64 ] ]
    key             = 1*( any character but space and comma )

Spaces around commas are tolerated, as in every HTTP list. Base64 is the padded
standard alphabet. Keys are compared exactly: `a` and `A` are two keys.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Final

from tus_reference.model.errors import Refused, errors

if TYPE_CHECKING:
    from collections.abc import Mapping


_KEY: Final = re.compile(r"[\x21-\x2b\x2d-\x7e\x80-\xff]+")
"""A key that a header field can have: no control characters, nothing beyond Latin-1."""


def decode_base64(text: str) -> bytes | None:
    """Return the bytes that padded standard Base64 stands for, or None if it is malformed."""
    try:
        return binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        return None


def encode_base64(value: bytes) -> str:
    """Return padded standard Base64."""
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def parse_metadata(text: str) -> dict[str, bytes]:
    """Return the pairs in order; raise `Refused` (400) with the reason (Creation)."""
    pairs: dict[str, bytes] = {}
    for element in text.split(","):
        key, *values = element.strip(" \t").split(" ")
        if not key or "\t" in key:
            raise Refused(errors.INVALID_METADATA.because("Upload-Metadata has an empty key"))
        if len(values) > 1:
            raise Refused(errors.INVALID_METADATA)
        if key in pairs:
            raise Refused(errors.INVALID_METADATA.because("Upload-Metadata has a key twice"))
        value = decode_base64(values[0]) if values else b""
        if value is None:
            raise Refused(errors.INVALID_METADATA.because("a metadata value is not Base64"))
        pairs[key] = value
    return pairs


def format_metadata(pairs: Mapping[str, bytes]) -> str:
    """Return the header value for metadata that did not come from a client.

    Keys that no header can have are left out.
    """
    return ",".join(
        f"{key} {encode_base64(value)}" if value else key
        for key, value in pairs.items()
        if _KEY.fullmatch(key)
    )
