"""Clients that write Upload-Metadata in a wrong way."""

from __future__ import annotations

import base64

import httpx

from client_gallery.right_client import RightClient
from client_gallery.wrong_client import WrongClient


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


METADATA_CLIENTS = (
    WrongClient(EmptyMetadata, "metadata.none", "client.creation.metadata.pairs"),
    WrongClient(MetadataWithTwoSpaces, "plain", "client.creation.metadata.separator"),
    WrongClient(_SendsAnyKey, "metadata.key/with-space", "client.creation.metadata.key-chars"),
    WrongClient(_SendsAnyKey, "metadata.key/empty", "client.creation.metadata.key-nonempty"),
    WrongClient(KeysInUtf8, "metadata.key/non-ascii", "client.creation.metadata.key-ascii"),
    WrongClient(MetadataAsText, "plain", "client.creation.metadata.base64"),
    WrongClient(MetadataInLatin1, "metadata.unicode", "client.creation.metadata.base64"),
    WrongClient(MetadataTwice, "plain", "client.creation.metadata.unique"),
)
