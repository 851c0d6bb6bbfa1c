"""What went wrong on the network, in sentences that say what to do."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator

from tus_conformance.wire.answer import Failure
from tus_conformance.wire.faults import Spot


def unreachable(place: str, error: BaseException) -> Failure:
    """Nothing accepted the connection."""
    causes = [_reason(one) for one in _causes(error) if isinstance(one, OSError)]
    why = causes[-1] if causes else str(error) or type(error).__name__
    return Failure(
        "unreachable",
        f"No connection to {place} ({why}):"
        " check that the server runs, and the host and port of its URL.",
    )


def slow_to_accept(place: str, timeout: float) -> Failure:
    """The connection was neither accepted nor refused."""
    return Failure(
        "unreachable",
        f"{place} accepted no connection within {timeout:g} seconds:"
        " check that the server runs and that no firewall drops its packets.",
    )


def untrusted(place: str, error: BaseException) -> Failure:
    """TLS could not be agreed on."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(
                "tls",
                f"The certificate of {place} is not trusted ({cause.verify_message}):"
                " give its authority in the target's profile, or correct the host of the URL.",
            )
        if isinstance(cause, ssl.SSLError):
            return Failure(
                "tls",
                f"TLS with {place} failed ({cause.reason or cause}):"
                " if the server speaks plain HTTP, use http:// in its URL.",
            )
    return Failure(
        "tls",
        f"{place} ended the connection during the TLS handshake:"
        " check that it speaks TLS, and its own log.",
    )


def refused_by_proxy(why: str) -> Failure:
    """The proxy made no tunnel to the server."""
    return Failure(
        "unreachable",
        f"The proxy did not connect to the server ({why}):"
        " check its URL, the user it wants, and whether it may reach that host and port.",
    )


def silent(timeout: float, *, begun: bool) -> Failure:
    """Nothing moved for too long."""
    what = "The answer did not go on" if begun else "No answer came"
    return Failure(
        "timeout",
        f"{what} within {timeout:g} seconds: look for this request in the server's log,"
        " or allow it more time if it is only slow.",
    )


def ended(sent: int, *, begun: bool, reset: bool) -> Failure:
    """The server ended the connection before its answer was whole."""
    how = "reset" if reset else "closed"
    when = "in the middle of its answer" if begun else "without an answer"
    return Failure(
        "reset" if reset else "closed",
        f"The server {how} the connection {when}, {Spot('body', sent)} having been sent:"
        " look for this request in its log.",
    )


def malformed(why: str) -> Failure:
    """What came back is no HTTP response."""
    return Failure(
        "malformed",
        f"What came back is not an HTTP response ({why}): compare the bytes that were received"
        " with RFC 9112 or 9113, and check that no other protocol is spoken on that port.",
    )


def _reason(error: OSError) -> str:
    # asyncio and trio put the address into the text; the sentence around it has that already.
    if error.errno is None or isinstance(error, socket.gaierror):
        return str(error.strerror or error)
    return os.strerror(error.errno)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that led to it, the outermost first."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _causes(each)
        error = error.__cause__ or error.__context__
