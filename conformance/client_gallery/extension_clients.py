"""Clients that break a requirement of checksum or concatenation."""

from __future__ import annotations

import base64

from client_gallery.right_client import RightClient
from client_gallery.wrong_client import WrongClient


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


EXTENSION_CLIENTS = (
    WrongClient(ChecksumInHex, "checksum/sha1", "client.checksum.format"),
    WrongClient(ChecksumInUpperCase, "checksum/sha1", "client.checksum.algorithm-name"),
    WrongClient(PartialInCapitals, "parallel", "client.concatenation.partial.value"),
    WrongClient(UnmarkedPartials, "parallel", "client.concatenation.header-set"),
    WrongClient(FinalWithCommas, "parallel", "client.concatenation.final.value"),
    WrongClient(FinalWithLength, "parallel", "client.concatenation.final.no-upload-length"),
    WrongClient(NeverJoins, "parallel", "client.concatenation.final.header"),
    WrongClient(FinalWithoutMetadata, "parallel", "client.concatenation.final.metadata"),
    WrongClient(DecodesUrls, "parallel.location/escaped", "client.concatenation.urls.no-spaces"),
)
