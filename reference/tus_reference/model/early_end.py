"""`BodyEndedEarly`: the one exception for a request body that ends before it should.

It comes from the shell that receives the body, or from the reader that waits for it. A store
never sees it, so what came before is stored; then the handler raises it again and answers.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tus_reference.model.errors import errors

if TYPE_CHECKING:
    from tus_reference.model.errors import TusError


class EarlyEnd(Enum):
    """Why a body ended early; the value is the error that reports it."""

    DISCONNECTED = errors.UNEXPECTED_EOF
    STALLED = errors.READ_TIMEOUT
    TAKEN_OVER = errors.UPLOAD_INTERRUPTED
    STOPPING = errors.SERVER_SHUTDOWN
    MALFORMED = errors.BAD_REQUEST


class BodyEndedEarly(Exception):  # noqa: N818 - an event, not a fault of ours
    """A request body ended early for `cause`; `problem` says more about this case.

    The handler answers it, with the exception of two cases that depend on the shell and reach it:
    a client that stalled, and a layer around the handler that read the body itself.
    """

    def __init__(self, cause: EarlyEnd, problem: str = "") -> None:
        super().__init__(cause.name if not problem else f"{cause.name}: {problem}")
        self.cause = cause
        self.problem = problem

    @property
    def error(self) -> TusError:
        """The error that reports it."""
        error = self.cause.value
        return error.because(self.problem) if self.problem else error
