"""From the faults of a scenario's request to those that the wire does."""

from __future__ import annotations

import msgspec

from tus_conformance.dialogue.references import References
from tus_conformance.wire import Break, Fault, Pace, Payload, Split, Stall
from tus_conformance.wire.outgoing import Act
from tus_scenarios import Fault as Written
from tus_scenarios import Request, Step
from tus_scenarios.fault import position


def faults(request: Request, references: References) -> tuple[Fault, ...]:
    """Return what is to be done on the way; raise Unbound for a reference to nothing."""
    return tuple(
        Fault(act, references.text(str(fault.at)), fault.inside)
        for fault in request.faults
        if (act := act_of(fault)) is not None
    )


def lost(request: Request) -> bool:
    """Tell whether the answer is to be dropped."""
    return any(fault.lose is not None for fault in request.faults)


def doubled(request: Request) -> bool:
    """Tell whether the request is to be sent twice at once."""
    return any(fault.duplicate is not None for fault in request.faults)


def place(at: int | str, references: References, payload: Payload | None) -> int:
    """Return where a position lies in a body, in bytes."""
    return position(references.text(str(at)), payload.length if payload else 0)


def parted(step: Step) -> tuple[Written, Request] | None:
    """Return the fault that waits for a later step, and the request without it; None without."""
    request = step.message
    waits = next((fault for fault in request.faults if fault.until), None) if request else None
    if request is None or waits is None:
        return None
    others = tuple(fault for fault in request.faults if fault is not waits)
    return waits, msgspec.structs.replace(request, faults=others)


def act_of(fault: Written) -> Act | None:
    """Return what a fault does to the bytes; None where it is about the whole request."""
    if fault.cut is not None:
        return Break(fault.cut)
    if fault.stall is not None:
        return Stall(fault.stall)
    if fault.throttle is not None or fault.pieces is not None:
        return Pace(fault.pieces, fault.throttle)
    return Split() if fault.split is not None else None
