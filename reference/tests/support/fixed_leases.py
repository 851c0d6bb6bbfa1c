"""A lease that is held, or that is lost."""

from __future__ import annotations

from tus_reference import Refused, errors


class FixedLease:
    """A lease whose state the test decides."""

    def __init__(self, *, held: bool) -> None:
        self.held = held
        self.unsettled = 0.0

    def check_held(self) -> None:
        if not self.held:
            raise Refused(errors.LOCK_LOST)

    def leave_unsettled(self, seconds: float) -> None:
        self.unsettled = seconds
