"""A tiny tus server in memory, whose every ability can be taken away or go wrong."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse

EVERYTHING = frozenset(
    {"creation", "creation-with-upload", "creation-defer-length", "expiration", "checksum"}
    | {"checksum-trailer", "termination", "concatenation", "concatenation-unfinished", "download"}
    | {"complete-uploads", "chunked-bodies", "deferred-bytes"}
)
UNLISTED = frozenset({"download", "complete-uploads", "chunked-bodies", "deferred-bytes"})

DISCOVERY_CREATIONS = 13
"""How many uploads discovery creates on a server that has everything, before any scenario."""


@dataclass
class MinimalUpload:
    """An upload: its bytes, its length if that is known, and its Upload-Concat."""

    length: int | None
    concat: str | None = None
    data: bytes = b""
    forgotten: bool = False


@dataclass
class MinimalServer:
    """Does what is in `able`, says what is in `lists` (by default the same).

    `no_store` is False where HEAD is to break a requirement: it comes without Cache-Control.
    """

    able: frozenset[str] = EVERYTHING
    lists: frozenset[str] | None = None
    no_store: bool = True
    uploads: dict[str, MinimalUpload] = field(default_factory=dict)
    made: int = 0

    def __call__(self, asked: ReceivedRequest) -> ScriptedAnswer:
        """Answer one request."""
        name = asked.target.removeprefix("/files/")
        if asked.method == "OPTIONS":
            return self._options()
        if asked.method == "POST" and not name:
            return self._post(asked)
        if name not in self.uploads:
            return ScriptedResponse(404)
        return self._about(asked, self.uploads[name], name)

    def _options(self) -> ScriptedResponse:
        names = self.able - UNLISTED if self.lists is None else self.lists
        listed = {"Tus-Extension": ",".join(sorted(names))} if names else {}
        return ScriptedResponse(204, {"Tus-Version": "1.0.0"} | listed)

    def _post(self, asked: ReceivedRequest) -> ScriptedResponse:
        length, concat = asked.header("Upload-Length"), asked.header("Upload-Concat")
        final = concat is not None and concat.startswith("final;")
        if "creation" not in self.able:
            return ScriptedResponse(405)
        if final and "concatenation-unfinished" not in self.able:
            return ScriptedResponse(400)
        if length is None and not final and "creation-defer-length" not in self.able:
            return ScriptedResponse(400)
        kept = concat if "concatenation" in self.able else None
        made = MinimalUpload(None if length is None else int(length), kept)
        if "creation-with-upload" in self.able:
            made.data = asked.body
        self.made += 1
        name = str(self.made)
        self.uploads[name] = made
        return ScriptedResponse(201, {"Location": f"/files/{name}"} | self._expiry())

    def _about(self, asked: ReceivedRequest, upload: MinimalUpload, name: str) -> ScriptedResponse:
        if upload.forgotten and asked.method != "GET":
            return ScriptedResponse(404)
        if asked.method == "HEAD":
            length = {"Upload-Length": str(upload.length)}
            if upload.length is None:
                deferred = "creation-defer-length" in self.able and upload.concat is None
                length = {"Upload-Defer-Length": "1"} if deferred else {}
            concat = {} if upload.concat is None else {"Upload-Concat": upload.concat}
            offset = {"Upload-Offset": str(len(upload.data))}
            caching = {"Cache-Control": "no-store"} if self.no_store else {}
            return ScriptedResponse(200, offset | caching | length | concat)
        if asked.method == "GET" and "download" in self.able:
            return ScriptedResponse(200, body=upload.data)
        if asked.method == "DELETE" and "termination" in self.able:
            del self.uploads[name]
            return ScriptedResponse(204)
        if asked.method == "PATCH":
            return self._patch(asked, upload)
        return ScriptedResponse(405)

    def _patch(self, asked: ReceivedRequest, upload: MinimalUpload) -> ScriptedResponse:
        if "chunked-bodies" not in self.able and asked.header("Transfer-Encoding"):
            return ScriptedResponse(411)
        declared = asked.header("Upload-Length")
        if upload.length is None and declared is None and "deferred-bytes" not in self.able:
            return ScriptedResponse(400)
        if asked.header("Upload-Offset") != str(len(upload.data)):
            return ScriptedResponse(409)
        if not self._verified(asked):
            return ScriptedResponse(460)
        upload.data += asked.body
        if upload.length is None and declared is not None:
            upload.length = int(declared)
        if len(upload.data) == upload.length and "complete-uploads" not in self.able:
            upload.forgotten = True
        return ScriptedResponse(204, {"Upload-Offset": str(len(upload.data))} | self._expiry())

    def _verified(self, asked: ReceivedRequest) -> bool:
        trailers = {name.lower(): value for name, value in asked.trailers}
        ahead, behind = asked.header("Upload-Checksum"), trailers.get("upload-checksum")
        checked = [ahead] if "checksum" in self.able else []
        checked += [behind] if "checksum-trailer" in self.able else []
        right = base64.b64encode(hashlib.sha1(asked.body, usedforsecurity=False).digest()).decode()
        return all(each is None or each == f"sha1 {right}" for each in checked)

    def _expiry(self) -> dict[str, str]:
        there = "expiration" in self.able
        return {"Upload-Expires": "Wed, 25 Jun 2059 16:00:00 GMT"} if there else {}


class StrictMinimalServer(MinimalServer):
    """Tells how much it took with a creation, and refuses lengths that are no numbers."""

    def __call__(self, asked: ReceivedRequest) -> ScriptedAnswer:
        try:
            answer = super().__call__(asked)
        except ValueError:
            return ScriptedResponse(400)
        took = asked.method == "POST" and asked.body and "creation-with-upload" in self.able
        if took and isinstance(answer, ScriptedResponse) and answer.status == 201:
            return ScriptedResponse(201, answer.headers | {"Upload-Offset": str(len(asked.body))})
        return answer
