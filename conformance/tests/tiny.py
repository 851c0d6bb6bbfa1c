"""A tiny tus server in memory, whose every ability can be taken away or go wrong."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from in_memory import Answer, Asked, Says

EVERYTHING = frozenset(
    {"creation", "creation-with-upload", "creation-defer-length", "expiration", "checksum"}
    | {"checksum-trailer", "termination", "concatenation", "concatenation-unfinished", "download"}
    | {"complete-uploads"}
)
UNLISTED = frozenset({"download", "complete-uploads"})


@dataclass
class Stored:
    """An upload: its bytes, its length if that is known, and its Upload-Concat."""

    length: int | None
    concat: str | None = None
    data: bytes = b""
    forgotten: bool = False


@dataclass
class Tiny:
    """Does what is in `able`, says what is in `lists` (by default the same)."""

    able: frozenset[str] = EVERYTHING
    lists: frozenset[str] | None = None
    uploads: dict[str, Stored] = field(default_factory=dict)
    made: int = 0

    def __call__(self, asked: Asked) -> Answer:
        """Answer one request."""
        name = asked.target.removeprefix("/files/")
        if asked.method == "OPTIONS":
            return self._options()
        if asked.method == "POST" and not name:
            return self._post(asked)
        if name not in self.uploads:
            return Says(404)
        return self._about(asked, self.uploads[name], name)

    def _options(self) -> Says:
        names = self.able - UNLISTED if self.lists is None else self.lists
        listed = {"Tus-Extension": ",".join(sorted(names))} if names else {}
        return Says(204, {"Tus-Version": "1.0.0"} | listed)

    def _post(self, asked: Asked) -> Says:
        length, concat = asked.header("Upload-Length"), asked.header("Upload-Concat")
        final = concat is not None and concat.startswith("final;")
        if "creation" not in self.able:
            return Says(405)
        if final and "concatenation-unfinished" not in self.able:
            return Says(400)
        if length is None and not final and "creation-defer-length" not in self.able:
            return Says(400)
        kept = concat if "concatenation" in self.able else None
        made = Stored(None if length is None else int(length), kept)
        if "creation-with-upload" in self.able:
            made.data = asked.body
        self.made += 1
        name = str(self.made)
        self.uploads[name] = made
        return Says(201, {"Location": f"/files/{name}"} | self._expiry())

    def _about(self, asked: Asked, upload: Stored, name: str) -> Says:
        if upload.forgotten and asked.method != "GET":
            return Says(404)
        if asked.method == "HEAD":
            length = {} if upload.length is None else {"Upload-Length": str(upload.length)}
            concat = {} if upload.concat is None else {"Upload-Concat": upload.concat}
            return Says(200, {"Upload-Offset": str(len(upload.data))} | length | concat)
        if asked.method == "GET" and "download" in self.able:
            return Says(200, body=upload.data)
        if asked.method == "DELETE" and "termination" in self.able:
            del self.uploads[name]
            return Says(204)
        if asked.method == "PATCH":
            return self._patch(asked, upload)
        return Says(405)

    def _patch(self, asked: Asked, upload: Stored) -> Says:
        if asked.header("Upload-Offset") != str(len(upload.data)):
            return Says(409)
        if not self._verified(asked):
            return Says(460)
        upload.data += asked.body
        if len(upload.data) == upload.length and "complete-uploads" not in self.able:
            upload.forgotten = True
        return Says(204, {"Upload-Offset": str(len(upload.data))} | self._expiry())

    def _verified(self, asked: Asked) -> bool:
        trailers = {name.lower(): value for name, value in asked.trailers}
        ahead, behind = asked.header("Upload-Checksum"), trailers.get("upload-checksum")
        checked = [ahead] if "checksum" in self.able else []
        checked += [behind] if "checksum-trailer" in self.able else []
        right = base64.b64encode(hashlib.sha1(asked.body, usedforsecurity=False).digest()).decode()
        return all(each is None or each == f"sha1 {right}" for each in checked)

    def _expiry(self) -> dict[str, str]:
        there = "expiration" in self.able
        return {"Upload-Expires": "Wed, 25 Jun 2059 16:00:00 GMT"} if there else {}


class Sound(Tiny):
    """Tells how much it took with a creation, and refuses lengths that are no numbers."""

    def __call__(self, asked: Asked) -> Answer:
        try:
            answer = super().__call__(asked)
        except ValueError:
            return Says(400)
        took = asked.method == "POST" and asked.body and "creation-with-upload" in self.able
        if took and isinstance(answer, Says) and answer.status == 201:
            return Says(201, answer.headers | {"Upload-Offset": str(len(asked.body))})
        return answer
