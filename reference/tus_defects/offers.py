"""`Offer`: a server that has only some of the extensions, and does not know the others."""

from dataclasses import dataclass, replace

from tus_defects.call import Call
from tus_defects.kinds import REQUESTS, brings_bytes, is_creation
from tus_defects.message_edits import (
    answer,
    rewrite,
    strip,
    with_body,
    with_request_headers,
    without_trailers,
)
from tus_reference.handler import Config
from tus_reference.model import Request, Response


@dataclass(frozen=True)
class Offer:
    """Refuses or ignores what belongs to extensions that are not among those offered."""

    offered: frozenset[str]

    def configure(self, config: Config) -> Config:
        """Switch off what the server itself can leave out."""
        return replace(
            config,
            expire_after=config.expire_after if "expiration" in self.offered else 0.0,
            disable_termination="termination" not in self.offered,
            disable_concatenation="concatenation" not in self.offered,
        )

    async def respond(self, call: Call) -> Response:
        """Respond as a server does that has never heard of the other extensions."""
        if call.method == "OPTIONS":
            return self._list(await call.respond())
        request = call.request
        if is_creation(request):
            refused = await self._refuse(call)
            if refused is not None:
                return refused
            if brings_bytes(request) and "creation-with-upload" not in self.offered:
                await call.read_body()
                request = with_body(with_request_headers(request, {"Content-Type": None}), b"")
        return await call.respond(self._hide(request))

    def _list(self, response: Response) -> Response:
        """Return a response to OPTIONS that lists only what is offered."""
        if "checksum" not in self.offered:
            response = strip(response, "Tus-Checksum-Algorithm")
        if not self.offered:
            return strip(response, "Tus-Extension")
        keep = self.offered.__contains__
        return rewrite(response, "Tus-Extension", lambda t: ",".join(filter(keep, t.split(","))))

    def _hide(self, request: Request) -> Request:
        """Return the request without the checksums that are not offered."""
        if "checksum" not in self.offered:
            request = with_request_headers(request, {"Upload-Checksum": None})
        if "checksum-trailer" not in self.offered:
            request = without_trailers(with_request_headers(request, {"Trailer": None}))
        return request

    async def _refuse(self, call: Call) -> Response | None:
        """Return the refusal of a creation that needs what is not offered, or None."""
        if "creation" not in self.offered:
            return answer(405)
        if call.has("Upload-Defer-Length") and "creation-defer-length" not in self.offered:
            return answer(400)
        final = REQUESTS["final-creation"](call.request)
        if not final or "concatenation-unfinished" in self.offered:
            return None
        listed = await call.server.find_listed(call.request)
        return None if all(each.is_complete for each in listed) else answer(400)
