"""`ProgramHooks`: programs in a folder, one for each event, named as the event."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from tus_reference.hooks.hook_messages import HookError, HookResponse, decode_response, encode_event

if TYPE_CHECKING:
    from pathlib import Path

    from tus_reference.notifications import HookEvent


@dataclass(frozen=True)
class ProgramHooks:
    """Runs the programs of `directory`; one that takes longer than `timeout` seconds is killed.

    A program gets the event as JSON on standard input, and TUS_ID, TUS_SIZE and TUS_OFFSET in its
    environment. What it prints is its response, as JSON or nothing. An exit code other than 0 is a
    failure.
    """

    directory: Path
    timeout: float = 15.0

    async def call(self, name: str, event: HookEvent) -> HookResponse:
        """Run the program of an event, if there is one; raise `HookError`."""
        program = self.directory / name
        if not await run_sync(program.is_file):
            return HookResponse()
        environment = {
            **os.environ,
            "TUS_ID": event.upload.id,
            "TUS_SIZE": str(event.upload.size or 0),
            "TUS_OFFSET": str(event.upload.offset),
        }
        try:
            # A file, not a pipe: a program may end without having read its input.
            with tempfile.TemporaryFile() as stdin, anyio.fail_after(self.timeout):
                stdin.write(encode_event(name, event))
                stdin.seek(0)
                completed = await anyio.run_process(
                    [str(program)],
                    stdin=stdin,
                    check=False,
                    stderr=None,
                    env=environment,
                )
        except TimeoutError:
            raise HookError(f"{program} took more than {self.timeout:g} seconds") from None
        except OSError as error:
            raise HookError(f"{program} cannot be started: {error.strerror}") from None
        if completed.returncode != 0:
            raise HookError(f"{program} ended with {completed.returncode}")
        return decode_response(completed.stdout)
