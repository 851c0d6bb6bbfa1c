"""The recorded wire: how requests go out, how answers come back, and what is kept of both."""

from tus_conformance.wire.answer import Answer, Failure, Trouble
from tus_conformance.wire.held import Held
from tus_conformance.wire.outgoing import Cut, Outgoing, Payload, UnsendableError
from tus_conformance.wire.redaction import Redaction
from tus_conformance.wire.wire import Wire

__all__ = [
    "Answer",
    "Cut",
    "Failure",
    "Held",
    "Outgoing",
    "Payload",
    "Redaction",
    "Trouble",
    "UnsendableError",
    "Wire",
]
