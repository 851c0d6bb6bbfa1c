"""`Handler`: `UnroutedHandler` with routing, method override and OPTIONS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tus_reference.handler.unrouted import UnroutedHandler
from tus_reference.handler.upkeep import keep_up
from tus_reference.protocol import Refused, effective_method, errors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tus_reference.handler.exchange import Request, Response


class Handler(UnroutedHandler):
    """Answers every request; paths outside of the base path get 404."""

    async def handle(self, request: Request) -> Response:
        """Return the answer to `request`, whatever it asks for."""
        try:
            method = effective_method(request.method, request.headers)
        except Refused as refusal:
            return await self.answer(request, _refusing(refusal), version_required=False)
        path = request.path
        if path != "*" and not path.startswith(self.locator.path):
            known = self.locator.is_endpoint(path)
        else:
            known = True
        if method == "OPTIONS" and known:
            return self.options()
        response = await self._route(request, method)
        return (
            response.with_headers(("Cache-Control", "no-store")) if method == "HEAD" else response
        )

    async def keep_up(self) -> None:
        """Look after expiry and waiting final uploads; run it beside the server."""
        await keep_up(self)

    async def _route(self, request: Request, method: str) -> Response:
        if self.locator.is_endpoint(request.path):
            if method == "POST":
                return await self.post_file(request)
            return await self._refuse_method(request, method, ("OPTIONS", "POST"))
        upload_id = self.locator.upload_id(request.path)
        if upload_id is None:
            missing = _refusing(Refused(errors.NOT_FOUND))
            return await self.answer(request, missing, version_required=method in _TUS_METHODS)
        operations = {
            "HEAD": self.head_file,
            "PATCH": self.patch_file,
            "DELETE": self.del_file,
            "GET": self.get_file,
        }
        allowed = self._allowed()
        if method not in allowed:
            return await self._refuse_method(request, method, ("OPTIONS", *allowed))
        return await operations[method](request, upload_id)

    def _allowed(self) -> tuple[str, ...]:
        """Return what an upload URL answers, given what is disabled."""
        download = self.config.composer.uses_get_reader and not self.config.disable_download
        return (
            "HEAD",
            "PATCH",
            *(("DELETE",) if "termination" in self.extensions else ()),
            *(("GET",) if download else ()),
        )

    async def _refuse_method(
        self, request: Request, method: str, allowed: tuple[str, ...]
    ) -> Response:
        """Answer 404 to what needs an upload and names none, 405 to any other method."""
        lacks_id = self.locator.is_endpoint(request.path) and method in self._allowed()
        refusal = Refused(errors.NOT_FOUND if lacks_id else errors.METHOD_NOT_ALLOWED)
        response = await self.answer(
            request, _refusing(refusal), version_required=method in _TUS_METHODS
        )
        return response.with_headers(("Allow", ", ".join(allowed)))


_TUS_METHODS = frozenset({"POST", "HEAD", "PATCH", "DELETE"})


def _refusing(refusal: Refused) -> Callable[[], Awaitable[Response]]:
    async def operation() -> Response:
        raise refusal

    return operation
