"""How an execution of a scenario can end before its last step."""

from __future__ import annotations

from typing import Literal

from tus_conformance.state.step_response import StepResponse

StopCause = Literal[
    "network",
    "no-response",
    "rate-limited",
    "precondition",
    "forgotten-upload",
    "impossible",
    "other-origin",
    "command",
    "unresolved",
    "suite-bug",
]
"""What stopped a scenario; `evaluation.verdicts` says how each counts.

- `network`: no connection, or no TLS.
- `no-response`: none in time, and the scenario does not expect that.
- `rate-limited`: the server asks for fewer requests (429).
- `precondition`: the state that the scenario begins with was not reached.
- `forgotten-upload`: the server does not know a complete upload any more.
- `impossible`: neither the server nor the profile allows what the scenario needs.
- `other-origin`: the upload is at an origin that the user has not named, or where nothing answers.
- `command`: a command of the profile failed.
- `unresolved`: a reference has no value.
- `suite-bug`: an unexpected exception.
"""


class UnresolvedReference(Exception):  # noqa: N818  it is an outcome of a scenario, not an error
    """A reference to something that does not exist in this execution, such as a refused upload."""


class StopScenario(Exception):  # noqa: N818  it is an outcome of a scenario, not an error
    """The scenario cannot go on: `cause` is the kind of obstacle, and `reason` says it.

    `server_error` is the response, where a request that should succeed got a server error.
    """

    def __init__(
        self, cause: StopCause, reason: str, server_error: StepResponse | None = None
    ) -> None:
        super().__init__(reason)
        self.cause: StopCause = cause
        self.reason = reason
        self.server_error = server_error
