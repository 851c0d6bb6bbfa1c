"""Completion: what the end of a `finish` says of an upload."""

from __future__ import annotations

from tus_conformance.state.step_response import StepResponse

_INTACT = frozenset({"verified", "unverified"})
_DATA_LOSS = frozenset({"unreadable", "wrong-byte", "wrong-length", "offset-beyond-length"})


def is_intact(reply: StepResponse) -> bool | None:
    """Return whether an upload was completed, and every byte that could be read was right.

    None for the reply to anything but a `finish`.
    """
    return None if reply.finish_state is None else reply.finish_state in _INTACT


def shows_data_loss(reply: StepResponse) -> bool:
    """Return whether bytes of an upload were lost, mixed or doubled."""
    return reply.finish_state in _DATA_LOSS


def shows_refused_completion(reply: StepResponse) -> bool:
    """Return whether an upload counts as complete although its last request was refused."""
    return reply.finish_state == "completion-refused"
