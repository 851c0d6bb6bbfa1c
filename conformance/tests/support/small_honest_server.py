"""An honest server that keeps uploads in memory, as far as tests of the scripted one need it."""

from __future__ import annotations

from tus_conformance.clients.honest_server import HonestResponse, HonestServer, HonestServers
from tus_conformance.clients.seen_request import HeaderPairs, value_of


class SmallServer(HonestServer):
    """Keeps uploads in memory, as far as these tests need it."""

    def __init__(self) -> None:
        super().__init__("http://honest/files/")
        self.uploads: dict[str, bytes] = {}
        self.lengths: dict[str, str] = {}

    async def send(
        self, method: str, path: str, headers: HeaderPairs = (), body: bytes = b""
    ) -> HonestResponse:
        """Carry a request out."""
        name = path.rsplit("/", 1)[-1]
        if method == "OPTIONS":
            return HonestResponse(204, (("Tus-Extension", "creation,termination"),), b"")
        if method == "GET":
            return HonestResponse(200, (), self.uploads[name])
        if method == "POST":
            name = f"u{len(self.uploads) + 1}"
            self.uploads[name] = b""
            self.lengths[name] = value_of(headers, "Upload-Length") or ""
            return HonestResponse(201, (("Location", f"/files/{name}"),), b"")
        if name not in self.uploads:
            return HonestResponse(404, (), b"")
        if method == "DELETE":
            del self.uploads[name]
            return HonestResponse(204, (), b"")
        if method == "PATCH":
            if value_of(headers, "Upload-Offset") != str(len(self.uploads[name])):
                return HonestResponse(409, (), b"")
            self.uploads[name] += body
        offset = ("Upload-Offset", str(len(self.uploads[name])))
        length = ("Upload-Length", self.lengths[name])
        return HonestResponse(200 if method == "HEAD" else 204, (offset, length), b"")


class SmallServers(HonestServers):
    """Starts one such server, whatever its flags."""

    def __init__(self) -> None:
        super().__init__()
        self.server = SmallServer()

    async def start(self, flags: tuple[str, ...]) -> HonestServer:
        """Return the server."""
        return self.server
