"""`Health`: an answer for those who only want to know whether somebody answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tus_reference.model import Response

if TYPE_CHECKING:
    from tus_reference.middleware.layers import Respond
    from tus_reference.model import Request


@dataclass(frozen=True, slots=True)
class Health:
    """A layer that answers GET and HEAD of `path` with 200, whatever the layers within do."""

    path: str = "/healthz"

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Answer the question, or let others answer theirs."""
        if request.path != self.path or request.method not in {"GET", "HEAD"}:
            return await respond(request)
        headers = (("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store"))
        return Response(200, headers, b"ok\n")
