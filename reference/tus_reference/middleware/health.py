"""`Health`: whether the server can do its work, for load balancers and supervisors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tus_reference.model import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tus_reference.middleware.layers import Respond
    from tus_reference.model import Request


@dataclass(frozen=True, slots=True)
class Health:
    """A layer that answers GET and HEAD of `path` with 200, or with 503 and what is wrong.

    `check` returns what is wrong, empty if nothing is; without it, only silence is unhealthy.
    """

    path: str = "/healthz"
    check: Callable[[], Awaitable[str]] | None = None

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Answer the question, or let others answer theirs."""
        if request.path != self.path or request.method not in {"GET", "HEAD"}:
            return await respond(request)
        headers = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"))
        failure = "" if self.check is None else await self.check()
        if failure:
            return Response(503, headers, f"failing: {failure}\n".encode())
        return Response(200, headers, b"ok\n")
