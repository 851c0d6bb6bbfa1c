"""From the faults of a scenario's request to those that the wire does."""

from __future__ import annotations

import msgspec

from tus_conformance.discovery.connection_passing import HALF_CLOSED_AFTER, HALF_CLOSED_WITHIN
from tus_conformance.state.references import References
from tus_conformance.transport import (
    Break,
    HttpRequest,
    InjectedFault,
    Payload,
    SplitWrite,
    Stall,
    Throttle,
)
from tus_conformance.transport.fault_actions import FaultAction
from tus_scenarios import NetworkFault, RequestSpec, Step
from tus_scenarios.network_fault import resolve_position


def resolve_faults(request: RequestSpec, references: References) -> tuple[InjectedFault, ...]:
    """Return what is to be done on the way; raise Unbound for a reference to nothing."""
    return tuple(
        InjectedFault(action, references.resolve_text(str(fault.at)), fault.inside)
        for fault in request.faults
        if (action := fault_action(fault)) is not None
    )


def drops_response(request: RequestSpec) -> bool:
    """Return whether the answer is to be dropped."""
    return any(fault.lose is not None for fault in request.faults)


def is_duplicated(request: RequestSpec) -> bool:
    """Return whether the request is to be sent twice at once."""
    return any(fault.duplicate is not None for fault in request.faults)


def body_position(at: int | str, references: References, payload: Payload | None) -> int:
    """Return where a position lies in a body, in bytes."""
    return resolve_position(references.resolve_text(str(at)), payload.length if payload else 0)


def half_closes(http_request: HttpRequest) -> str:
    """Return where a request half-closes its connection, as `connection_passing` has it."""
    breaks = [each for each in http_request.all_faults if each.action == Break("half")]
    if not breaks:
        return ""
    return HALF_CLOSED_WITHIN if ends_within_body(http_request) else HALF_CLOSED_AFTER


def ends_within_body(http_request: HttpRequest) -> bool:
    """Return whether a request breaks off before all of its body is sent."""
    length = http_request.payload.length if http_request.payload is not None else 0
    return any(
        isinstance(fault.action, Break)
        and (
            (fault.inside == "body" and resolve_position(fault.at, length) < length)
            or (fault.inside == "end" and http_request.framing == "chunked")
        )
        for fault in http_request.all_faults
    )


def split_waiting_fault(step: Step) -> tuple[NetworkFault, RequestSpec] | None:
    """Return the fault that waits for a later step, and the request without it; None without."""
    request = step.message
    waits = next((fault for fault in request.faults if fault.until), None) if request else None
    if request is None or waits is None:
        return None
    others = tuple(fault for fault in request.faults if fault is not waits)
    return waits, msgspec.structs.replace(request, faults=others)


def fault_action(fault: NetworkFault) -> FaultAction | None:
    """Return what a fault does to the bytes; None where it is about the whole request."""
    if fault.cut is not None:
        return Break(fault.cut)
    if fault.stall is not None:
        return Stall(fault.stall)
    if fault.throttle is not None or fault.pieces is not None:
        return Throttle(fault.pieces, fault.throttle)
    return SplitWrite() if fault.split is not None else None
