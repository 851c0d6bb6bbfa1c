"""Clients that create uploads in a wrong way, with data or without, or do not create them again."""

from __future__ import annotations

import httpx

from client_gallery.right_client import OCTETS, RightClient, UploadError
from client_gallery.wrong_client import WrongClient


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


CREATION_CLIENTS = (
    WrongClient(PutsInsteadOfPosts, "plain", "client.creation.supported"),
    WrongClient(PostsElsewhere, "plain", "client.creation.post"),
    WrongClient(LengthTwice, "plain", "client.creation.length-header"),
    WrongClient(DefersWithTrue, "defer", "client.creation.defer-length.value"),
    WrongClient(AlwaysDefers, "plain", "client.creation.defer-length.omit"),
    WrongClient(NeverDeclares, "defer", "client.creation.defer-length.declare"),
    WrongClient(ChangesLength, "defer", "client.creation.defer-length.immutable"),
    WrongClient(PatchesEmpty, "empty", "client.creation.zero-length.no-patch"),
    WrongClient(LocationAsPath, "location/other-path", "client.creation.location"),
    WrongClient(BodyWithoutType, "with-upload", "client.creation-with-upload.content-type"),
    WrongClient(NeverExpects, "with-upload", "client.creation-with-upload.expect-100"),
    WrongClient(IgnoresCreatedOffset, "with-upload.half", "client.creation-with-upload.use-offset"),
    WrongClient(NeverStartsAgain, "resume.gone", "client.expiration.restart"),
)
