"""`Hooks`: the callbacks and events of a handler, passed on to programs or a web service.

Hooks before something happens (pre-create, pre-finish, pre-terminate) are waited for and may
refuse; if one fails, the client gets 500 and can try again. Hooks after it (post-create,
post-receive, post-finish, post-terminate) are called in the order of the events of their kind; if
one fails, the log says so.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from tus_reference.hooks.hook_messages import HookError, HookResponse
from tus_reference.model import Refused, TusError, errors

if TYPE_CHECKING:
    from collections.abc import Collection

    from tus_reference.handler import Config, UnroutedHandler
    from tus_reference.notifications import EventStream, FileInfoChanges, HookEvent, HTTPResponse

_logger = logging.getLogger(__name__)

HOOK_NAMES: Final = (
    "pre-create",
    "post-create",
    "post-receive",
    "pre-finish",
    "post-finish",
    "pre-terminate",
    "post-terminate",
)

_REJECTED = TusError(400, "the upload was rejected by the server", "ERR_UPLOAD_REJECTED")
_KEPT = TusError(400, "the server keeps the upload", "ERR_UPLOAD_TERMINATION_REJECTED")


class HookCaller(Protocol):
    """What passes an event on."""

    async def call(self, name: str, event: HookEvent) -> HookResponse:
        """Pass an event on and return the response; raise `HookError`."""
        ...


class Hooks:
    """Passes the events named in `enabled` on to `caller`."""

    def __init__(self, caller: HookCaller, enabled: Collection[str] = HOOK_NAMES) -> None:
        self._caller = caller
        self._enabled = frozenset(enabled)

    def add_to(self, config: Config) -> Config:
        """Return settings with the hooks as their callbacks, and the events that they need."""
        enabled = self._enabled
        return replace(
            config,
            pre_upload_create_callback=self.pre_create if "pre-create" in enabled else None,
            pre_finish_response_callback=self.pre_finish if "pre-finish" in enabled else None,
            pre_upload_terminate_callback=(
                self.pre_terminate if "pre-terminate" in enabled else None
            ),
            notify_created_uploads="post-create" in enabled,
            notify_upload_progress="post-receive" in enabled,
            notify_complete_uploads="post-finish" in enabled,
            notify_terminated_uploads="post-terminate" in enabled,
        )

    async def pre_create(self, event: HookEvent) -> tuple[HTTPResponse, FileInfoChanges]:
        """Ask whether an upload may be created."""
        response = await self._ask("pre-create", event)
        if response.reject_upload:
            raise _refusal(_REJECTED, response)
        return response.response, response.changes

    async def pre_finish(self, event: HookEvent) -> HTTPResponse:
        """Announce that an upload is complete, before the client has its response."""
        return (await self._ask("pre-finish", event)).response

    async def pre_terminate(self, event: HookEvent) -> HTTPResponse:
        """Ask whether an upload may be removed."""
        response = await self._ask("pre-terminate", event)
        if response.reject_termination:
            raise _refusal(_KEPT, response)
        return response.response

    async def _ask(self, name: str, event: HookEvent) -> HookResponse:
        """Return the response of a hook; raise `Refused` (500) if it fails."""
        try:
            return await self._caller.call(name, event)
        except HookError as failure:
            _log_failure(name, event, failure)
            raise Refused(errors.INTERNAL_SERVER_ERROR.because(f"the hook {name} failed")) from None

    async def run(self, handler: UnroutedHandler) -> None:
        """Pass events on as they come, until cancelled."""
        streams = {
            "post-create": handler.created_uploads,
            "post-receive": handler.upload_progress,
            "post-finish": handler.complete_uploads,
            "post-terminate": handler.terminated_uploads,
        }
        async with anyio.create_task_group() as tasks:
            for name in self._enabled & streams.keys():
                tasks.start_soon(self._pass_on, name, streams[name])

    async def _pass_on(self, name: str, stream: EventStream) -> None:
        async for event in stream:
            try:
                await self._caller.call(name, event)
            except HookError as failure:
                _log_failure(name, event, failure)
            except Exception:
                _logger.exception("hook %s of upload %s failed", name, event.upload.id)


def _log_failure(name: str, event: HookEvent, failure: HookError) -> None:
    _logger.error("hook %s of upload %s: %s", name, event.upload.id or "to be created", failure)


def _refusal(error: TusError, response: HookResponse) -> Refused:
    changes = response.http_response
    error = TusError(changes.status_code or error.status, changes.body or error.message, error.code)
    return Refused(error, headers=tuple(changes.header.items()))
