"""Resolving the target of a command: a URL, a server that a command starts, or the reference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from tus_conformance.targets.profile import Profile
from tus_conformance.targets.server_process import (
    ServerError,
    ServerProcess,
    run_reference_server,
    run_server_command,
)
from tus_conformance.targets.target import Target, resolve_target


@dataclass(frozen=True)
class TargetOptions:
    """What the user says about the target.

    Without `url`, the URL of the profile counts, unless `reference` names a store of the reference
    server, which is also the default. `timeout` is in seconds; None leaves it to the profile.
    """

    url: str | None = None
    profile: Profile = field(default_factory=Profile)
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float | None = None
    server_command: str | None = None
    reference: str | None = None
    large: bool = False
    name: str | None = None
    version: str | None = None
    origins: tuple[str, ...] = ()


@asynccontextmanager
async def open_target(
    options: TargetOptions,
) -> AsyncIterator[tuple[Target, ServerProcess | None]]:
    """Start the server if the options say so, yield the target and that server, and stop it.

    Raises ServerError for a server that cannot be started; TargetError, ProfileError or
    ProgramError for options that name no usable target.
    """
    url = options.url
    if url is None and not options.reference:
        url = options.profile.url
    if options.server_command is not None:
        if url is None and "{port}" not in options.server_command:
            raise ServerError(
                "--server-command needs the URL where it serves: give it as an argument, or put"
                " {port} into the command to have it serve at http://127.0.0.1:{port}/files/."
            )
        place = url or "http://127.0.0.1:{port}/files/"
        async with run_server_command(options.server_command, place) as server:
            yield await _resolve(options, server.url), server
    elif url is not None:
        yield await _resolve(options, url), None
    else:
        store = options.reference or "file"
        async with run_reference_server(store, large=options.large) as reference_url:
            named = replace(
                options, name=options.name or "tus-reference", version=options.version or _version()
            )
            yield await _resolve(named, reference_url), None


async def _resolve(options: TargetOptions, url: str) -> Target:
    target = await resolve_target(
        options.profile,
        url,
        options.headers,
        options.timeout,
        name=options.name,
        version=options.version,
    )
    target.named_origins.update(options.origins)
    return target


def _version() -> str:
    """Return the version of the reference server, which is that of the distribution."""
    return version("tus-conformance")
