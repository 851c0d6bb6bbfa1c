"""What went wrong on the network, in sentences that say what to do."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator

from tus_conformance.transport.pending_faults import Position
from tus_conformance.transport.response import NetworkFailure


def unreachable(address: str, error: BaseException) -> NetworkFailure:
    """Nothing accepted the connection."""
    causes = [_os_error_text(one) for one in _causes(error) if isinstance(one, OSError)]
    why = causes[-1] if causes else str(error) or type(error).__name__
    return NetworkFailure(
        "unreachable",
        f"No connection to {address} ({why}):"
        " check that the server runs, and the host and port of its URL.",
    )


def connect_timeout(address: str, timeout: float) -> NetworkFailure:
    """The connection was neither accepted nor refused."""
    return NetworkFailure(
        "unreachable",
        f"{address} did not accept a connection within {timeout:g} seconds:"
        " check that the server runs and that no firewall drops its packets.",
    )


def tls_failure(address: str, error: BaseException) -> NetworkFailure:
    """TLS could not be agreed on."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return NetworkFailure(
                "tls",
                f"The certificate of {address} is not trusted ({cause.verify_message}):"
                " give its authority in the target's profile, or correct the host of the URL.",
            )
        if isinstance(cause, ssl.SSLError):
            return NetworkFailure(
                "tls",
                f"TLS with {address} failed ({cause.reason or cause}):"
                " if the server speaks plain HTTP, use http:// in its URL.",
            )
    return NetworkFailure(
        "tls",
        f"{address} closed the connection during the TLS handshake:"
        " check that it speaks TLS, and its log.",
    )


def proxy_refusal(why: str) -> NetworkFailure:
    """The proxy made no tunnel to the server."""
    return NetworkFailure(
        "unreachable",
        f"The proxy did not connect to the server ({why}):"
        " check its URL, its credentials, and whether it may reach that host and port.",
    )


def response_timeout(timeout: float, *, begun: bool) -> NetworkFailure:
    """Nothing moved for too long."""
    what = "The response did not continue" if begun else "No response arrived"
    return NetworkFailure(
        "timeout",
        f"{what} within {timeout:g} seconds: search the server's log for this request,"
        " or raise the timeout if it is only slow.",
    )


def endless_response(seconds: float) -> NetworkFailure:
    """The server went on sending, and the response did not end."""
    return NetworkFailure(
        "endless",
        f"The response did not end within {seconds:.0f} seconds, although bytes went on arriving:"
        " search the server's log for this request.",
    )


def response_too_large(what: str) -> NetworkFailure:
    """There is more of the response than the suite reads."""
    return NetworkFailure(
        "endless",
        f"The response has {what}, and the suite stopped reading it:"
        " search the server's log for this request.",
    )


def connection_lost(sent: int, *, begun: bool, reset: bool) -> NetworkFailure:
    """The server ended the connection before its answer was whole."""
    how = "reset" if reset else "closed"
    when = "in the middle of its response" if begun else "without a response"
    return NetworkFailure(
        "reset" if reset else "closed",
        f"The server {how} the connection {when}, {Position('body', sent)} sent:"
        " search its log for this request.",
    )


def malformed_response(why: str) -> NetworkFailure:
    """What was received is not an HTTP response."""
    return NetworkFailure(
        "malformed",
        f"The response is not valid HTTP ({why}): compare the received bytes with"
        " RFC 9112 or 9113, and check that the port uses no other protocol.",
    )


def _os_error_text(error: OSError) -> str:
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
