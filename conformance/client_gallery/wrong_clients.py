"""Clients that are wrong on purpose: each breaks one requirement, or comes to one bad end.

`WRONG` maps a name to the client, the requirement or outcome that shows it, and a situation that
does.
"""

from __future__ import annotations

import base64
import os
import signal
import time
from dataclasses import dataclass
from typing import NoReturn

import httpx

from client_gallery.right_client import OCTETS, RightClient, UploadError


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


class Hangs(RightClient):
    """Waits for ever when a request breaks."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH; wait for ever if it breaks."""
        reached = super().patch(url, headers, body)
        while reached is None:
            time.sleep(1)
        return reached


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


class PutsInsteadOfPosts(RightClient):
    """Creates uploads with PUT."""

    def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes = b""
    ) -> httpx.Response:
        """Send a request."""
        return super().request("PUT" if method == "POST" else method, url, headers, body)


class PostsElsewhere(RightClient):
    """Creates uploads below the endpoint."""

    def run(self) -> str:
        """Upload the file elsewhere."""
        self.job.endpoint = self.job.endpoint.rstrip("/") + "/new"
        return super().run()


class LengthTwice(RightClient):
    """Declares and defers the length at once."""

    def length_headers(self) -> dict[str, str]:
        """Return what says how long the upload is."""
        return {"Upload-Length": str(len(self.data)), "Upload-Defer-Length": "1"}


class DefersWithTrue(RightClient):
    """Writes true where 1 belongs."""

    def length_headers(self) -> dict[str, str]:
        """Return what says how long the upload is."""
        if self.job.defer:
            return {"Upload-Defer-Length": "true"}
        return super().length_headers()


class AlwaysDefers(RightClient):
    """Defers a length that it knows."""

    def length_headers(self) -> dict[str, str]:
        """Return what says how long the upload is."""
        return {"Upload-Defer-Length": "1"}


class NeverDeclares(RightClient):
    """Never says how long a deferred upload is."""

    def patch_headers(self, offset: int, body: bytes) -> dict[str, str]:
        """Return the headers of a PATCH."""
        headers = super().patch_headers(offset, body)
        return _WithoutLength(headers)


class _WithoutLength(dict[str, str]):
    """Headers that take no Upload-Length."""

    def __setitem__(self, name: str, value: str) -> None:
        if name != "Upload-Length":
            super().__setitem__(name, value)


class ChangesLength(RightClient):
    """Declares the length so far with every PATCH."""

    def patch_headers(self, offset: int, body: bytes) -> dict[str, str]:
        """Return the headers of a PATCH."""
        headers = super().patch_headers(offset, body)
        if self.job.defer:
            headers["Upload-Length"] = str(len(self.data) + 5 - offset // 300_000)
        return headers


class PatchesEmpty(RightClient):
    """Sends a PATCH for an empty file."""

    def send_rest(self, url: str, offset: int, data: bytes) -> str:
        """Send what is missing, and nothing if nothing is."""
        if not data:
            self.patch(url, self.patch_headers(0, b""), b"")
        return super().send_rest(url, offset, data)


class EmptyMetadata(RightClient):
    """Sends an empty Upload-Metadata."""

    def create(
        self, headers: dict[str, str], body: bytes, *, metadata: bool = True
    ) -> tuple[str, int]:
        """Create an upload."""
        if not self.job.meta:
            headers = {**headers, "Upload-Metadata": ""}
        return super().create(headers, body, metadata=metadata)


class MetadataWithTwoSpaces(RightClient):
    """Writes two spaces between key and value."""

    def metadata_pair(self, key: str, value: str) -> str:
        """Return one pair of metadata."""
        return super().metadata_pair(key, value).replace(" ", "  ")


class _SendsAnyKey(RightClient):
    """Sends keys as they are given."""

    def check_metadata(self) -> None:
        """Accept every key."""

    def metadata_pair(self, key: str, value: str) -> str:
        """Return one pair of metadata."""
        return f"{key} {base64.b64encode(value.encode()).decode()}"


class KeysInUtf8(_SendsAnyKey):
    """Sends keys in UTF-8."""

    def request(
        self, method: str, url: str, headers: dict[str, str], body: bytes = b""
    ) -> httpx.Response:
        """Send a request whose headers are UTF-8."""
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        return self.http.request(method, url, headers=encoded, content=body)


class MetadataAsText(RightClient):
    """Sends values that are not in Base64."""

    def metadata_pair(self, key: str, value: str) -> str:
        """Return one pair of metadata."""
        return f"{key} {value.encode('ascii', 'ignore').decode().replace(' ', '_')}?"


class MetadataInLatin1(RightClient):
    """Encodes values as Latin-1."""

    def metadata_pair(self, key: str, value: str) -> str:
        """Return one pair of metadata."""
        return f"{key} {base64.b64encode(value.encode('latin-1', 'replace')).decode()}".strip()


class MetadataTwice(RightClient):
    """Sends a key twice."""

    def metadata(self) -> str:
        """Return the value of Upload-Metadata."""
        return f"{super().metadata()},{super().metadata()}"


class LocationAsPath(RightClient):
    """Takes every Location for the name of the upload."""

    def create(
        self, headers: dict[str, str], body: bytes, *, metadata: bool = True
    ) -> tuple[str, int]:
        """Create an upload."""
        url, offset = super().create(headers, body, metadata=metadata)
        return self.job.endpoint.rstrip("/") + "/" + url.rsplit("/", 1)[-1].partition("?")[
            0
        ], offset


class BodyWithoutType(RightClient):
    """Sends data with the creation without its media type."""

    def body_headers(self) -> dict[str, str]:
        """Return what goes with a body that is sent with a creation."""
        return {"Expect": "100-continue"}


class NeverExpects(RightClient):
    """Sends data with the creation at once."""

    def body_headers(self) -> dict[str, str]:
        """Return what goes with a body that is sent with a creation."""
        return {"Content-Type": OCTETS}


class IgnoresCreatedOffset(RightClient):
    """Sends again what came with the creation."""

    def created_offset(self, response: httpx.Response) -> int:  # noqa: ARG002
        """Return 0, whatever the response says."""
        return 0


class NeverStartsAgain(RightClient):
    """Gives up on an upload that is gone."""

    def ask_offset(self, url: str) -> int | None:
        """Ask what an upload holds."""
        offset = super().ask_offset(url)
        if offset is None:
            raise UploadError("the upload is gone")
        return offset


class ChecksumInHex(RightClient):
    """Encodes the digest in hexadecimal before Base64."""

    def checksum(self, body: bytes) -> str:
        """Return the value of Upload-Checksum."""
        name, _, digest = super().checksum(body).partition(" ")
        return f"{name} {base64.b64encode(base64.b64decode(digest).hex().encode()).decode()}"


class ChecksumInUpperCase(RightClient):
    """Writes the algorithm in upper case."""

    def checksum(self, body: bytes) -> str:
        """Return the value of Upload-Checksum."""
        name, _, digest = super().checksum(body).partition(" ")
        return f"{name.upper()} {digest}"


class PartialInCapitals(RightClient):
    """Writes Partial instead of partial."""

    def partial_header(self) -> dict[str, str]:
        """Return what marks a partial upload."""
        return {"Upload-Concat": "Partial"}


class UnmarkedPartials(RightClient):
    """Marks all partial uploads but the last."""

    marked = 0

    def partial_header(self) -> dict[str, str]:
        """Return what marks a partial upload."""
        self.marked += 1
        return {} if self.marked == 3 else super().partial_header()


class FinalWithCommas(RightClient):
    """Separates the partial uploads by commas."""

    def final_headers(self, urls: list[str]) -> dict[str, str]:
        """Return what asks for a final upload."""
        return {"Upload-Concat": "final;" + ",".join(urls)}


class FinalWithLength(RightClient):
    """Says how long a final upload is."""

    def final_headers(self, urls: list[str]) -> dict[str, str]:
        """Return what asks for a final upload."""
        return {**super().final_headers(urls), "Upload-Length": str(len(self.data))}


class NeverJoins(RightClient):
    """Sends the parts and forgets to join them."""

    def join(self, urls: list[str]) -> str:
        """Return the first part."""
        return urls[0]


class FinalWithoutMetadata(RightClient):
    """Sends the metadata with the parts alone."""

    def create(
        self,
        headers: dict[str, str],
        body: bytes,
        *,
        metadata: bool = True,  # noqa: ARG002
    ) -> tuple[str, int]:
        """Create an upload."""
        final = headers.get("Upload-Concat", "").startswith("final")
        return super().create(headers, body, metadata=not final)


class DecodesUrls(RightClient):
    """Decodes the URLs of partial uploads."""

    def final_headers(self, urls: list[str]) -> dict[str, str]:
        """Return what asks for a final upload."""
        return super().final_headers([url.replace("%20", " ") for url in urls])


class BelievesEverySuccess(RightClient):
    """Takes every 2xx for success."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH; believe that it worked."""
        try:
            response = self.send_patch(url, headers, body)
        except httpx.HTTPError:
            return None
        if response.is_success:
            return int(headers["Upload-Offset"]) + len(body)
        return None


class SaysNothing(RightClient):
    """Ends without a word when something goes wrong."""

    def run(self) -> str:
        """Upload the file."""
        try:
            return super().run()
        except UploadError:
            os._exit(0)


class Crashes(RightClient):
    """Dies when something goes wrong."""

    def run(self) -> str:
        """Upload the file."""
        try:
            return super().run()
        except UploadError:
            self.die()

    def die(self) -> NoReturn:
        """End this process by a signal."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise SystemExit


class NeverGivesUp(RightClient):
    """Tries again for ever."""

    def send_rest(self, url: str, offset: int, data: bytes) -> str:
        """Send what is missing, for ever."""
        while True:
            try:
                return super().send_rest(url, offset, data)
            except UploadError:
                continue


class MixesBytes(RightClient):
    """Sends the beginning of the file where the rest belongs."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Send one PATCH with the wrong bytes."""
        return super().patch(url, headers, self.data[: len(body)])


@dataclass(frozen=True)
class WrongClient:
    """A wrong client, a situation that shows it, and the requirement or outcome that it breaks."""

    client: type[RightClient]
    situation: str
    shows_at: str


WRONG = tuple(
    WrongClient(client, situation, shows_at)
    for client, situation, shows_at in (
        (OffsetWithPlus, "plain", "client.core.upload-offset.format"),
        (LengthAsFraction, "plain", "client.core.upload-length.format"),
        (NoVersion, "plain", "client.core.tus-resumable.present"),
        (OldVersion, "plain", "client.core.tus-resumable.value"),
        (OptionsWithVersion, "plain", "client.core.options.no-tus-resumable"),
        (NeverAsks, "checksum/sha1", "client.ext.feature-detection"),
        (NeverAsks, "with-upload", "client.creation-with-upload.verify-support"),
        (IgnoresOverride, "plain.override", "client.core.method-override"),
        (OverrideInLowerCase, "plain.override", "client.core.method-override.value"),
        (ResumesWithoutAsking, "cut.patch/rst,part", "client.core.head-before-resume"),
        (WrongMediaType, "plain", "client.core.patch.content-type"),
        (CountsWhatItSent, "store.half-chunk", "client.core.patch.offset-matches"),
        (SendsInSmallPieces, "plain", "client.core.patch.single-request"),
        (Hangs, "cut.patch/rst,part", "client.core.net.detect-errors"),
        (KeepsConnectionOpen, "stall.patch", "client.core.net.timeout-close"),
        (PutsInsteadOfPosts, "plain", "client.creation.supported"),
        (PostsElsewhere, "plain", "client.creation.post"),
        (LengthTwice, "plain", "client.creation.length-header"),
        (DefersWithTrue, "defer", "client.creation.defer-length.value"),
        (AlwaysDefers, "plain", "client.creation.defer-length.omit"),
        (NeverDeclares, "defer", "client.creation.defer-length.declare"),
        (ChangesLength, "defer", "client.creation.defer-length.immutable"),
        (PatchesEmpty, "empty", "client.creation.zero-length.no-patch"),
        (EmptyMetadata, "metadata.none", "client.creation.metadata.pairs"),
        (MetadataWithTwoSpaces, "plain", "client.creation.metadata.separator"),
        (_SendsAnyKey, "metadata.key/with-space", "client.creation.metadata.key-chars"),
        (_SendsAnyKey, "metadata.key/empty", "client.creation.metadata.key-nonempty"),
        (KeysInUtf8, "metadata.key/non-ascii", "client.creation.metadata.key-ascii"),
        (MetadataAsText, "plain", "client.creation.metadata.base64"),
        (MetadataInLatin1, "metadata.unicode", "client.creation.metadata.base64"),
        (MetadataTwice, "plain", "client.creation.metadata.unique"),
        (LocationAsPath, "location/other-path", "client.creation.location"),
        (BodyWithoutType, "with-upload", "client.creation-with-upload.content-type"),
        (NeverExpects, "with-upload", "client.creation-with-upload.expect-100"),
        (IgnoresCreatedOffset, "with-upload.half", "client.creation-with-upload.use-offset"),
        (NeverStartsAgain, "resume.gone", "client.expiration.restart"),
        (ChecksumInHex, "checksum/sha1", "client.checksum.format"),
        (ChecksumInUpperCase, "checksum/sha1", "client.checksum.algorithm-name"),
        (PartialInCapitals, "parallel", "client.concatenation.partial.value"),
        (UnmarkedPartials, "parallel", "client.concatenation.header-set"),
        (FinalWithCommas, "parallel", "client.concatenation.final.value"),
        (FinalWithLength, "parallel", "client.concatenation.final.no-upload-length"),
        (NeverJoins, "parallel", "client.concatenation.final.header"),
        (FinalWithoutMetadata, "parallel", "client.concatenation.final.metadata"),
        (DecodesUrls, "parallel.location/escaped", "client.concatenation.urls.no-spaces"),
        (BelievesEverySuccess, "patch.captive-portal", "client.core.unknown-2xx"),
        (BelievesEverySuccess, "patch.200-nothing", "lied"),
        (SaysNothing, "patch.status-always/403", "silent"),
        (Crashes, "patch.status-always/403", "crashed"),
        (NeverGivesUp, "store.nothing-always", "endless"),
        (Hangs, "cut.patch/fin,part", "hangs"),
        (MixesBytes, "plain.chunks", "damaged"),
        (NeverGivesUp, "patch.status-always/413", "endless"),
    )
)
