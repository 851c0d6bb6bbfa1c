"""Upload-Concat (Concatenation extension).

Upload-Concat = "partial" / ( "final;" upload-url *( SP upload-url ) )
"""

from __future__ import annotations

from dataclasses import dataclass

from tus_reference.model.errors import Refused, errors


@dataclass(frozen=True, slots=True)
class UploadConcat:
    """A partial upload (no URLs), or a final one with its partial URLs in order."""

    urls: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether this describes a final upload."""
        return bool(self.urls)


def parse_concat(text: str) -> UploadConcat:
    """Return what the header says; raise `Refused` (400) if malformed."""
    if text == "partial":
        return UploadConcat()
    kind, semicolon, rest = text.partition(";")
    urls = tuple(url for url in rest.split(" ") if url)
    if kind != "final" or not semicolon or not urls:
        raise Refused(errors.INVALID_CONCAT)
    return UploadConcat(urls)
