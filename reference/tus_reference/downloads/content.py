"""How a stored upload is given back: type and name come from its metadata, made harmless."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from tus_reference.handler import FileInfo

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")

# Shown in the browser; everything else is only offered for saving, because an upload that
# runs as a script in our origin would act in the name of whoever opens it.
_HARMLESS = re.compile(
    r"(audio|video)/.*|image/(png|jpeg|gif|webp|avif|bmp)|text/plain|application/pdf"
)


def content_headers(info: FileInfo) -> tuple[tuple[str, str], ...]:
    """Return Content-Type, Content-Disposition and what keeps browsers from guessing."""
    metadata = info.metadata
    declared = metadata.get("filetype", b"").decode("latin-1").strip().lower()
    media_type = declared if _MEDIA_TYPE.fullmatch(declared) else "application/octet-stream"
    harmless = _HARMLESS.fullmatch(media_type) is not None
    disposition = "inline" if harmless else "attachment"
    name = metadata.get("filename", metadata.get("name", b""))
    if name:
        disposition += _file_name(name.decode("utf-8", errors="replace"))
    return (
        ("Content-Type", media_type if harmless else "application/octet-stream"),
        ("Content-Disposition", disposition),
        ("X-Content-Type-Options", "nosniff"),
    )


def _file_name(name: str) -> str:
    """Return the parameters of RFC 6266: a plain name, and the exact one if that differs."""
    name = "".join(c for c in re.split(r"[/\\]", name)[-1] if c.isprintable())
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", name)
    parameters = f'; filename="{plain}"'
    if plain != name:
        parameters += f"; filename*=UTF-8''{quote(name, safe='')}"
    return parameters
