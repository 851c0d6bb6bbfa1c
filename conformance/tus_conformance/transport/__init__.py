"""Recorded connections: sending requests, receiving responses, and the record of both."""

from tus_conformance.transport.fault_actions import (
    BodyCut,
    Break,
    InjectedFault,
    SplitWrite,
    Stall,
    Throttle,
)
from tus_conformance.transport.http1_transport import Http1Transport
from tus_conformance.transport.pending_request import PendingRequest
from tus_conformance.transport.persistent import PersistentConnection
from tus_conformance.transport.redaction import Redaction
from tus_conformance.transport.request import HttpRequest, Payload, UnsendableError
from tus_conformance.transport.response import FailureKind, HttpResponse, NetworkFailure

__all__ = [
    "BodyCut",
    "Break",
    "FailureKind",
    "Http1Transport",
    "HttpRequest",
    "HttpResponse",
    "InjectedFault",
    "NetworkFailure",
    "Payload",
    "PendingRequest",
    "PersistentConnection",
    "Redaction",
    "SplitWrite",
    "Stall",
    "Throttle",
    "UnsendableError",
]
