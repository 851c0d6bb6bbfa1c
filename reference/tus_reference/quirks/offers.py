"""Servers that offer less: the core alone, or with one extension and what it needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tus_reference.defects.modification import Modification
from tus_reference.defects.response_edits import (
    Untrailed,
    asking,
    bringing,
    brings_bytes,
    is_creation,
    known,
    part,
    refusal,
    rewritten,
    to,
    value,
    whole,
    without,
)
from tus_reference.quirks.quirk import Quirk, QuirkSpec

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext, ModifiedHandler
    from tus_reference.handler import Config
    from tus_reference.model import Request, Response


def only(identifier: str, sentence: str, *extensions: str, warns: str = "") -> Quirk:
    """Return a server that offers these extensions and refuses or ignores all the others."""

    def settings(config: Config) -> Config:
        return replace(
            config,
            expire_after=config.expire_after if "expiration" in extensions else 0.0,
            disable_termination="termination" not in extensions,
            disable_concatenation="concatenation" not in extensions,
        )

    def listing(_: Request, response: Response) -> Response:
        def left(text: str) -> str:
            return ",".join(name for name in text.split(",") if name in extensions)

        if "checksum" not in extensions:
            response = without(response, "Tus-Checksum-Algorithm")
        if not extensions:
            return without(response, "Tus-Extension")
        return rewritten(response, "Tus-Extension", left)

    wrap_handler = _Without(frozenset(extensions)).answer
    return QuirkSpec(warns).build(
        identifier,
        sentence,
        Modification(change_config=settings, wrap_handler=wrap_handler),
        Modification(to("OPTIONS"), edit_response=listing),
    )


class _Without:
    """Refuses or ignores what is not among the extensions offered."""

    def __init__(self, offered: frozenset[str]) -> None:
        self._offered = offered

    async def answer(
        self, handler: ModifiedHandler, request: Request, respond: CallNext
    ) -> Response:
        """Answer a request as a server does that never heard of the other extensions."""
        if is_creation(request):
            refused = await self._refused(handler, request)
            if refused is not None:
                return refused
            if brings_bytes(request) and "creation-with-upload" not in self._offered:
                await whole(request)
                request = bringing(asking(request, Content_Type=None), b"")
        if "checksum" not in self._offered:
            request = asking(request, Upload_Checksum=None)
        if "checksum-trailer" not in self._offered:
            body = Untrailed(request.body)
            request = replace(asking(request, Trailer=None), body=body)
        return await respond(request)

    async def _refused(self, handler: ModifiedHandler, request: Request) -> Response | None:
        """Return the refusal of a creation that needs what is not offered."""
        if "creation" not in self._offered:
            return refusal(405)
        deferred = "Upload-Defer-Length" in request.headers
        if deferred and "creation-defer-length" not in self._offered:
            return refusal(400)
        early = part(request, "final") and await self._has_open_parts(handler, request)
        if early and "concatenation-unfinished" not in self._offered:
            return refusal(400)
        return None

    async def _has_open_parts(self, handler: ModifiedHandler, request: Request) -> bool:
        urls = value(request, "Upload-Concat")[6:].split(" ")
        ids = [handler.upload_urls.id_from_url(request, url) for url in urls]
        found = [await known(handler, each) for each in ids if each is not None]
        return any(each is not None and not each.is_complete for each in found)


core_only = only(
    "core-only",
    "Nothing but the core protocol is offered; uploads come into being by other means.",
    warns="creation.supported",
)
creation_only = only("creation-only", "Of the extensions, only creation is offered.", "creation")


async def _without_bytes(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    return refusal(400)


bare_creation_only = QuirkSpec().build(
    "bare-creation-only",
    "Of the extensions, only creation is offered, and one that brings bytes is refused.",
    *creation_only.modifications,
    Modification(brings_bytes, wrap_handler=_without_bytes),
)
with_upload_only = only(
    "with-upload-only",
    "Of the extensions, only creation, with bytes, is offered.",
    *("creation", "creation-with-upload"),
)
defer_length_only = only(
    "defer-length-only",
    "Of the extensions, only creation, with deferred lengths, is offered.",
    *("creation", "creation-defer-length"),
)
expiration_only = only(
    "expiration-only",
    "Of the extensions, only creation and expiration are offered.",
    *("creation", "expiration"),
)
checksum_only = only(
    "checksum-only",
    "Of the extensions, only creation and checksum are offered.",
    *("creation", "checksum"),
)
checksum_trailer_only = only(
    "checksum-trailer-only",
    "Of the extensions, only creation and both ways of checksums are offered.",
    *("creation", "checksum", "checksum-trailer"),
)
termination_only = only(
    "termination-only",
    "Of the extensions, only creation and termination are offered.",
    *("creation", "termination"),
)
concatenation_only = only(
    "concatenation-only",
    "Of the extensions, only creation and concatenation are offered.",
    *("creation", "concatenation"),
)
unfinished_only = only(
    "unfinished-only",
    "Of the extensions, only creation and both ways of concatenation are offered.",
    *("creation", "concatenation", "concatenation-unfinished"),
)
