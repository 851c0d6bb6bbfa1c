"""Clients that are unusual, and right."""

from __future__ import annotations

from client_gallery.right_client import RightClient, UploadError


class AsksOften(RightClient):
    """Asks for the offset before every PATCH."""

    def patch(self, url: str, headers: dict[str, str], body: bytes) -> int | None:
        """Ask, then send one PATCH."""
        offset = self.ask_offset(url)
        if offset is None or str(offset) != headers["Upload-Offset"]:
            return offset
        return super().patch(url, headers, body)


class NeverRetries(RightClient):
    """Reports the first thing that goes wrong."""

    def ask_offset(self, url: str) -> int | None:
        """Ask what an upload holds, for an upload that is resumed on request."""
        if url != self.job.resume:
            raise UploadError("something went wrong, and this client does not try again")
        return super().ask_offset(url)


class RelativeUrls(RightClient):
    """Names partial uploads by their paths, and sends empty metadata with a space."""

    def final_headers(self, urls: list[str]) -> dict[str, str]:
        """Return what asks for a final upload."""
        return super().final_headers(["/" + url.split("/", 3)[3] for url in urls])


ODD: tuple[type[RightClient], ...] = (AsksOften, NeverRetries, RelativeUrls)
