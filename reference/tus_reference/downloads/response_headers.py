"""How a stored upload is given back: type and name come from its metadata, made harmless.

The uploader chooses the type of a file, and a browser opens it in the server's origin. So
only types that cannot run scripts are shown; all others are offered for saving, as bytes. A
policy forbids scripts and forms again, for browsers that see more in a file than its type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from tus_reference.model import FileInfo

_MEDIA_TYPE = re.compile(
    r"""([a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+)                 # RFC 6838, 4.2
        (?:[ \t]*;[ \t]*charset=("?)([a-z0-9_.:+-]+)\2)?        # RFC 9110, 8.3.2
        (?:[ \t]*;[\x20-\x7e]*)?""",
    re.VERBOSE,
)
_HARMLESS = re.compile(
    r"(audio|video)/.*|image/(png|jpeg|gif|webp|avif|bmp)|text/plain|application/pdf"
)
_BYTES: Final = "application/octet-stream"

# Viewers of images, sound and video are pages of the browser's own with a style and the file
# itself. Its viewer of PDF is a plug-in, and none runs in a sandbox.
_POLICY: Final = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
_SANDBOXED: Final = f"{_POLICY}; sandbox"
_UNBOXED: Final = f"{_POLICY}; object-src 'self'; form-action 'none'"


def content_headers(info: FileInfo) -> tuple[tuple[str, str], ...]:
    """Return Content-Type, Content-Disposition and what keeps browsers from running anything."""
    metadata = info.metadata
    media_type, charset = _media_type(metadata.get("filetype", b""))
    harmless = _HARMLESS.fullmatch(media_type) is not None
    disposition = "inline" if harmless else "attachment"
    name = metadata.get("filename", metadata.get("name", b""))
    return (
        ("Content-Type", media_type + charset if harmless else _BYTES),
        ("Content-Disposition", disposition + _file_name(name.decode("utf-8", errors="replace"))),
        ("Content-Security-Policy", _UNBOXED if media_type == "application/pdf" else _SANDBOXED),
        ("X-Content-Type-Options", "nosniff"),
    )


def _media_type(declared: bytes) -> tuple[str, str]:
    """Return the type, and the parameter for the character set if text has one."""
    match = _MEDIA_TYPE.fullmatch(declared.decode("latin-1").strip().lower())
    if match is None:
        return _BYTES, ""
    textual = match[3] is not None and match[1].startswith("text/")
    return match[1], f"; charset={match[3]}" if textual else ""


def _file_name(name: str) -> str:
    """Return the parameters of RFC 6266: a plain name, and the exact one if that differs."""
    name = "".join(c for c in re.split(r"[/\\]", name)[-1] if c.isprintable())
    if not name.strip(". "):
        return ""
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    parameters = f'; filename="{plain}"'
    if plain != name:
        parameters += f"; filename*=UTF-8''{quote(name, safe='')}"
    return parameters
