"""The target: a tus endpoint, and the profile of what is known about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import urlsplit

from tus_conformance.targets.profile import Profile, ProfileError, header_error
from tus_conformance.targets.program import ProgramRunner, run_program
from tus_conformance.transport import Redaction
from tus_conformance.transport.redaction import decode_basic_credential, secret_parts

_AUTHENTICATION_SCHEMES = frozenset({"basic", "bearer", "digest", "token", "negotiate", "apikey"})

DEFAULT_TIMEOUT = 10.0
"""How long to wait for a server that shows no progress, in seconds, unless someone says."""


class TargetError(ValueError):
    """The target's URL cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """Where uploads are created, and how to speak to the server there.

    `timeout` is how long, in seconds, the suite waits for a server that shows no progress. Reports
    call the server by its `name` and `version`, or else by its URL.
    `named_origins` are URLs of other origins that requests may go to: those of the profile, and
    those of the uploads that its command creates. `run_program` runs the commands of the profile.
    """

    url: str
    profile: Profile = field(default_factory=Profile)
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = DEFAULT_TIMEOUT
    run_program: ProgramRunner = field(default=run_program, repr=False, compare=False)
    name: str = ""
    version: str = ""
    named_origins: set[str] = field(default_factory=set, compare=False)

    def __post_init__(self) -> None:
        mistake = _url_mistake(self.url)
        if mistake:
            raise TargetError(f"{self.url!r} is not the URL of a tus endpoint{mistake}")

    @cached_property
    def redaction(self) -> Redaction:
        """Return what must not appear in the record of this target."""
        return Redaction.with_defaults(
            headers=(*(name for name, _ in self.headers), *self.profile.secret_headers),
            secrets=(part for _, value in self.headers for part in header_secrets(value)),
            parameters=self.profile.secret_query,
            words=(decode_basic_credential(value).partition(":")[0] for _, value in self.headers),
        )


def _url_mistake(url: str) -> str:
    """Return what is wrong with a URL and what to do, as the end of a sentence, or nothing."""
    whole = " Give the whole URL, such as http://127.0.0.1:1080/files/."
    if any(character <= " " for character in url):
        return f": it contains a space or a control character.{whole}"
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return f".{whole}"
    if parts.scheme not in {"http", "https"}:
        bare = _SCHEMELESS.match(url)
        return f": it has no scheme. Use http://{url}." if bare else f".{whole}"
    if not host:
        return f": it names no host.{whole}"
    try:
        _ = parts.port
    except ValueError:
        return f": its port must be a number from 0 to 65535.{whole}"
    return f": remove #{parts.fragment}, which is never sent." if parts.fragment else ""


_SCHEMELESS = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?(/|$)")


def header_secrets(value: str) -> tuple[str, ...]:
    """Return what must not be recorded of a header that the user gave: its value, and its parts.

    A scheme such as Bearer is no secret.
    """
    return tuple(
        part
        for part in (value, *secret_parts(value))
        if part.lower() not in _AUTHENTICATION_SCHEMES
    )


async def resolve_target(
    profile: Profile,
    url: str | None,
    headers: tuple[tuple[str, str], ...] = (),
    response_timeout: float | None = None,
    *,
    name: str | None = None,
    version: str | None = None,
) -> Target:
    """Return the target of a run, with the headers that the profile's `auth` command prints.

    Raises TargetError, ProfileError or ProgramError, with what to do.
    """
    # An empty URL is a variable that was not set, not a wish for another target.
    place = profile.url if url is None else url
    if place is None:
        raise TargetError("There is no target: give its URL, or set `url` in the profile.")
    authority = await _run_auth_command(profile.commands.auth) if profile.commands.auth else ()
    return Target(
        url=place,
        profile=profile,
        headers=(*profile.headers.items(), *authority, *headers),
        timeout=response_timeout or profile.timeout or DEFAULT_TIMEOUT,
        name=name or profile.name or "",
        version=version or profile.server_version or "",
        named_origins=set(profile.origins),
    )


async def _run_auth_command(command: str) -> tuple[tuple[str, str], ...]:
    printed = (await run_program(command)).decode("latin-1")
    found = []
    for line in printed.splitlines():
        name, colon, value = (part.strip() for part in line.partition(":"))
        if line.strip() and (not colon or header_error(name, value)):
            raise ProfileError(
                f"The command {command!r} prints a line that is not a header:"
                " print one 'Name: value' per line."
            )
        if line.strip():
            found.append((name, value))
    if not found:
        raise ProfileError(f"The command {command!r} prints no headers.")
    return tuple(found)
