"""Clients that break a requirement of the core protocol."""

from __future__ import annotations

import httpx

from client_gallery.right_client import RightClient, UploadError
from client_gallery.wrong_client import WrongClient


class OffsetWithPlus(RightClient):
    """Writes offsets with a sign."""

    def patch_headers(self, offset: int, body: bytes) -> dict[str, str]:
        """Return the headers of a PATCH."""
        return {**super().patch_headers(offset, body), "Upload-Offset": f"+{offset}"}


class LengthAsFraction(RightClient):
    """Writes lengths as fractions."""

    def length_headers(self) -> dict[str, str]:
        """Return what says how long the upload is."""
        return {"Upload-Length": f"{len(self.data)}.0"}


class NoVersion(RightClient):
    """Does not say which version it speaks."""

    def version_header(self) -> dict[str, str]:
        """Return nothing."""
        return {}


class OldVersion(RightClient):
    """Speaks an old version."""

    def version_header(self) -> dict[str, str]:
        """Return another version."""
        return {"Tus-Resumable": "0.2.2"}


class OptionsWithVersion(RightClient):
    """Sends Tus-Resumable with OPTIONS."""

    def options_headers(self) -> dict[str, str]:
        """Return the headers of OPTIONS."""
        return self.version_header()


class NeverAsks(RightClient):
    """Uses extensions without asking for them."""

    def discover(self) -> None:
        """Believe that there is everything."""
        self.extensions = {"concatenation", "checksum", "termination"}
        self.extensions |= {"creation-defer-length", "creation-with-upload"}


class OverrideInLowerCase(RightClient):
    """Writes the overriding method in lower case."""

    def override_header(self) -> dict[str, str]:
        """Return what makes a POST stand for a PATCH."""
        return {"X-HTTP-Method-Override": "patch"}


class IgnoresOverride(RightClient):
    """Sends PATCH though it was asked for POST with an override."""

    def send_patch(self, url: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        """Send a PATCH."""
        return self.http.request("PATCH", url, headers=headers, content=body)


class ResumesWithoutAsking(RightClient):
    """Sends a broken PATCH again without asking what is stored."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH, again if it breaks."""
        for _ in range(3):
            try:
                return self.read_offset(self.send_patch(url, headers, body))
            except httpx.HTTPError:
                continue
            except UploadError:
                break
        return None


class WrongMediaType(RightClient):
    """Sends data as application/octet-stream."""

    def patch_headers(self, offset: int, body: bytes) -> dict[str, str]:
        """Return the headers of a PATCH."""
        return {**super().patch_headers(offset, body), "Content-Type": "application/octet-stream"}


class CountsWhatItSent(RightClient):
    """Goes on where it stopped sending, whatever the server stored."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH; count its bytes."""
        reached = super().patch(url, headers, body)
        return None if reached is None else int(headers["Upload-Offset"]) + len(body)


class SendsInSmallPieces(RightClient):
    """Sends chunks though nobody asked for them."""

    def send_rest(self, url: str, offset: int, data: bytes) -> str:
        """Send what is missing in chunks."""
        self.job.chunk = self.job.chunk or 200_000
        return super().send_rest(url, offset, data)


class KeepsConnectionOpen(RightClient):
    """Gives up on a request without closing its connection."""

    kept: list[httpx.Client]

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH over raw bytes; give up after three seconds."""
        import socket
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        connection = socket.create_connection((parts.hostname or "", parts.port or 80))
        lines = [f"PATCH {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n"
        connection.sendall(head.encode() + body)
        connection.settimeout(3)
        try:
            answer = connection.recv(65536)
        except TimeoutError:
            self.open_connections = [*getattr(self, "open_connections", []), connection]
            return None
        found = answer.lower().partition(b"upload-offset:")[2].split(b"\r\n")[0].strip()
        return int(found) if found else None


CORE_CLIENTS = (
    WrongClient(OffsetWithPlus, "plain", "client.core.upload-offset.format"),
    WrongClient(LengthAsFraction, "plain", "client.core.upload-length.format"),
    WrongClient(NoVersion, "plain", "client.core.tus-resumable.present"),
    WrongClient(OldVersion, "plain", "client.core.tus-resumable.value"),
    WrongClient(OptionsWithVersion, "plain", "client.core.options.no-tus-resumable"),
    WrongClient(NeverAsks, "checksum/sha1", "client.ext.feature-detection"),
    WrongClient(NeverAsks, "with-upload", "client.creation-with-upload.verify-support"),
    WrongClient(IgnoresOverride, "plain.override", "client.core.method-override"),
    WrongClient(OverrideInLowerCase, "plain.override", "client.core.method-override.value"),
    WrongClient(ResumesWithoutAsking, "cut.patch/rst,part", "client.core.head-before-resume"),
    WrongClient(WrongMediaType, "plain", "client.core.patch.content-type"),
    WrongClient(CountsWhatItSent, "store.half-chunk", "client.core.patch.offset-matches"),
    WrongClient(SendsInSmallPieces, "plain", "client.core.patch.single-request"),
    WrongClient(KeepsConnectionOpen, "stall.patch", "client.core.net.timeout-close"),
)
