"""`Handler`: `UnroutedHandler` with routing, method override and OPTIONS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tus_reference.handler.unrouted import UnroutedHandler
from tus_reference.model import Refused, TusError, errors
from tus_reference.protocol.fields import effective_method

if TYPE_CHECKING:
    from tus_reference.model import Request, Response

# Only these require Tus-Resumable; a stranger to tus learns first that he is in the wrong place.
_TUS_METHODS: Final = frozenset({"POST", "HEAD", "PATCH", "DELETE"})


class Handler(UnroutedHandler):
    """Answers every request; paths outside of the base path get 404."""

    async def handle(self, request: Request) -> Response:
        """Return the response to a request; every failure is a response too."""
        try:
            method = effective_method(request.method, request.headers)
        except Refused as refusal:
            return await self._refuse(request, refusal.error, "")
        response = await self._route(request, method)
        if method == "HEAD":
            return response.with_headers(("Cache-Control", "no-store"))
        return response

    async def check_health(self) -> str:
        """Return what keeps this handler from doing its work; empty if nothing does."""
        composer = self.config.composer
        checks = (composer.health_check, composer.locker_check)
        found = [self.uploads.completions.describe()]
        found += [await check.check_health() for check in checks if check is not None]
        return "; ".join(failure for failure in found if failure)

    async def run_maintenance(self) -> None:
        """Remove expired uploads and complete waiting final ones; run it next to the server."""
        await self.maintenance.run()

    async def _route(self, request: Request, method: str) -> Response:
        path = request.path
        if path == "*" or self.upload_urls.is_endpoint(path):
            return await self._answer_endpoint(request, method)
        upload_id = self.upload_urls.id_from_path(path)
        if upload_id is None:
            return await self._refuse(request, errors.UPLOAD_NOT_FOUND, method)
        allowed = self._upload_methods()
        if method not in allowed:
            return await self._refuse(request, errors.METHOD_NOT_ALLOWED, method, allowed)
        if method == "OPTIONS":
            return self.options()
        methods_by_name = {
            "HEAD": self.head_file,
            "PATCH": self.patch_file,
            "DELETE": self.del_file,
            "GET": self.get_file,
        }
        return await methods_by_name[method](request, upload_id)

    async def _answer_endpoint(self, request: Request, method: str) -> Response:
        if method == "OPTIONS":
            return self.options()
        if method == "POST" and request.path != "*":
            return await self.post_file(request)
        if method in self._upload_methods():
            # The method needs an upload, and the path names none.
            return await self._refuse(request, errors.UPLOAD_NOT_FOUND, method)
        return await self._refuse(request, errors.METHOD_NOT_ALLOWED, method, ("OPTIONS", "POST"))

    def _upload_methods(self) -> tuple[str, ...]:
        """Return what an upload's URL answers, given what the store is able to do."""
        methods = ["OPTIONS", "HEAD", "PATCH"]
        if "termination" in self.extensions:
            methods.append("DELETE")
        if self.config.composer.uses_get_reader and not self.config.disable_download:
            methods.append("GET")
        return tuple(methods)

    async def _refuse(
        self, request: Request, error: TusError, method: str, allowed: tuple[str, ...] = ()
    ) -> Response:
        headers = (("Allow", ", ".join(allowed)),) if allowed else ()

        async def raise_refused() -> Response:
            raise Refused(error, headers=headers)

        return await self.answer(request, raise_refused, version_required=method in _TUS_METHODS)
