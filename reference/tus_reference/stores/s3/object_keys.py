"""`UploadKeys`: where the pieces of one upload are, told from its id alone.

    id = object "+" multipart-upload-id, divided at the last "+"

Prefixes are folders: a slash is added where it is missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tus_reference.model import Refused, errors
from tus_reference.protocol import is_upload_id

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA_LIMIT: Final = 2048
_NOT_A_TOKEN: Final = re.compile(r"[^A-Za-z0-9!#$&'*+.^_`|~-]")
_NOT_PRINTABLE: Final = re.compile(r"[^\x20-\x7e]")
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(;[\x20-\x7e]*)?")


@dataclass(frozen=True, slots=True)
class UploadKeys:
    """The keys of one upload's objects, and the id of its multipart upload."""

    id: str
    object: str
    info: str
    tail: str
    multipart_id: str


@dataclass(frozen=True, slots=True)
class KeyNaming:
    """The folders of one store; `metadata_prefix` is for records and tails if given."""

    prefix: str = ""
    metadata_prefix: str = ""

    def keys_of_id(self, upload_id: str) -> UploadKeys:
        """Return the upload's keys; raise `Refused` (404) if it cannot be one of ours."""
        name, _, multipart_id = upload_id.rpartition("+")
        if not name or not multipart_id or not is_upload_id(upload_id):
            raise Refused(errors.UPLOAD_NOT_FOUND)
        return self.keys_of_name(name, multipart_id)

    def keys_of_name(self, name: str, multipart_id: str = "") -> UploadKeys:
        """Return the keys of an upload by the name of its object."""
        sidecar = _folder(self.metadata_prefix or self.prefix) + name
        return UploadKeys(
            id=f"{name}+{multipart_id}",
            object=_folder(self.prefix) + name,
            info=f"{sidecar}.info",
            tail=f"{sidecar}.part",
            multipart_id=multipart_id,
        )

    @property
    def folder(self) -> str:
        """What the keys of all finished uploads begin with."""
        return _folder(self.prefix)

    def upload_id_of(self, key: str, multipart_id: str) -> str | None:
        """Return the id of the upload whose object has this key; None if it is none of ours."""
        name = key.removeprefix(self.folder)
        found = f"{name}+{multipart_id}"
        return found if key.startswith(self.folder) and is_upload_id(found) else None


def _folder(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def object_metadata(metadata: Mapping[str, bytes]) -> dict[str, str]:
    """Return what S3 can keep of an upload's metadata; the record has all of it.

    S3 sends metadata as headers: names are tokens whose case does not count, values are
    printable ASCII, and all together have 2 KiB. What does not fit is left out.
    """
    kept: dict[str, str] = {}
    room = METADATA_LIMIT
    for key, value in metadata.items():
        name = _NOT_A_TOKEN.sub("-", key).lower()
        text = _NOT_PRINTABLE.sub("?", value.decode("utf-8", "replace")).strip()
        if name not in kept and len(name) + len(text) <= room:
            kept[name] = text
            room -= len(name) + len(text)
    return kept


def content_type(metadata: Mapping[str, bytes]) -> str | None:
    """Return the media type that the metadata declares, if it is one."""
    declared = metadata.get("filetype", b"").decode("latin-1").strip()
    return declared if _MEDIA_TYPE.fullmatch(declared) else None
