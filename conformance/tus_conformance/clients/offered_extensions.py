"""A server that offers fewer extensions: what it does not know, it ignores."""

from __future__ import annotations

from tus_conformance.clients.seen_request import HeaderPairs

_HEADERS = {
    "creation-defer-length": ("Upload-Defer-Length",),
    "checksum": ("Upload-Checksum",),
    "concatenation": ("Upload-Concat",),
    "expiration": ("Upload-Expires",),
}


class OfferedExtensions:
    """Takes from requests and responses what belongs to extensions that are not offered.

    `names` are the extensions that are; None stands for those of the reference.
    """

    def __init__(self, names: tuple[str, ...] | None) -> None:
        self._names = names
        missing = () if names is None else tuple(set(_HEADERS) - set(names))
        self._unknown = {header.lower() for name in missing for header in _HEADERS[name]}

    def limit_request(self, headers: HeaderPairs, body: bytes) -> tuple[HeaderPairs, bytes]:
        """Return a request as a server understands it that knows only what is offered."""
        if self._names is None:
            return headers, body
        kept = tuple(pair for pair in headers if pair[0].lower() not in self._unknown)
        creates = not any(name.lower() == "upload-offset" for name, _ in headers)
        if creates and body and "creation-with-upload" not in self._names:
            kept = tuple(pair for pair in kept if pair[0].lower() != "content-type")
            body = b""
        return kept, body

    def limit_response(self, method: str, headers: HeaderPairs) -> HeaderPairs:
        """Return the headers of a response as such a server sends them."""
        if self._names is None:
            return headers
        unknown = set(self._unknown)
        if "checksum" not in self._names:
            unknown.add("tus-checksum-algorithm")
        if "creation-with-upload" not in self._names and method == "POST":
            unknown.add("upload-offset")
        kept = [pair for pair in headers if pair[0].lower() not in {*unknown, "tus-extension"}]
        listed = any(name.lower() == "tus-extension" for name, _ in headers)
        if listed and self._names:
            kept.append(("Tus-Extension", ",".join(self._names)))
        return tuple(kept)
