"""The recorded wire: how requests go out, how answers come back, and what is kept of both."""

from tus_conformance.wire.answer import Answer, Failure, Trouble
from tus_conformance.wire.held import Held
from tus_conformance.wire.line import Line
from tus_conformance.wire.outgoing import (
    Break,
    Cut,
    Fault,
    Outgoing,
    Pace,
    Payload,
    Split,
    Stall,
    UnsendableError,
)
from tus_conformance.wire.redaction import Redaction
from tus_conformance.wire.wire import Wire

__all__ = [
    "Answer",
    "Break",
    "Cut",
    "Failure",
    "Fault",
    "Held",
    "Line",
    "Outgoing",
    "Pace",
    "Payload",
    "Redaction",
    "Split",
    "Stall",
    "Trouble",
    "UnsendableError",
    "Wire",
]
