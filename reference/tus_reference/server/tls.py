"""TLS: a certificate that can be renewed while connections go on, and listeners that speak it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from pathlib import Path


class Certificate:
    """A chain of certificates and its key, in PEM files; raise `OSError` if they are no use."""

    def __init__(self, chain: Path, key: Path) -> None:
        self._chain = chain
        self._key = key
        self.context = self._load()

    def reload(self) -> None:
        """Read the files again, for connections to come; if that fails, nothing changes."""
        self.context = self._load()

    def _load(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        for path in (self._chain, self._key):
            # The error of the next call does not say which file is missing.
            path.open("rb").close()
        context.load_cert_chain(self._chain, self._key, _refuse_passphrase)
        return context


def _refuse_passphrase() -> str:
    raise ssl.SSLError("the key is encrypted; give a key without a passphrase")


class TLSListener(trio.abc.Listener[trio.SSLStream[trio.SocketStream]]):
    """A listener whose connections are encrypted with the certificate of the day."""

    def __init__(self, listener: trio.SocketListener, certificate: Certificate) -> None:
        self._listener = listener
        self._certificate = certificate

    async def accept(self) -> trio.SSLStream[trio.SocketStream]:
        """Wait for a connection; its handshake happens when it is first used."""
        stream = await self._listener.accept()
        context = self._certificate.context
        return trio.SSLStream(stream, context, server_side=True)

    async def aclose(self) -> None:
        """Stop listening."""
        await self._listener.aclose()
