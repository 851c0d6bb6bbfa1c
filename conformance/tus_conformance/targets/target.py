"""The target: a tus endpoint, and the profile of what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tus_conformance.targets.profile import Profile, ProfileError, header_error
from tus_conformance.targets.program import ProgramRunner, run_program
from tus_conformance.transport import Redaction

DEFAULT_TIMEOUT = 10.0
"""How long to wait for a server that shows no progress, in seconds, unless someone says."""


class TargetError(ValueError):
    """The target's URL cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """Where uploads are created, and how to speak to the server there.

    `timeout` is how long, in seconds, the suite waits for a server that shows no progress.
    `run_program` runs the commands of the profile.
    """

    url: str
    profile: Profile = field(default_factory=Profile)
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = DEFAULT_TIMEOUT
    run_program: ProgramRunner = field(default=run_program, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            raise TargetError(
                f"{self.url!r} is not the URL of a tus endpoint."
                " Give the whole URL, such as http://127.0.0.1:1080/files/."
            )

    @property
    def redaction(self) -> Redaction:
        """Return what must not appear in the record of this target."""
        return Redaction.with_defaults(
            headers=(*(name for name, _ in self.headers), *self.profile.secret_headers),
            secrets=(value for _, value in self.headers),
            parameters=self.profile.secret_query,
        )


async def resolve_target(
    profile: Profile,
    url: str | None,
    headers: tuple[tuple[str, str], ...] = (),
    response_timeout: float | None = None,
) -> Target:
    """Return the target of a run, with the headers that the profile's `auth` command prints.

    Raises TargetError, ProfileError or ProgramError, with what to do.
    """
    place = url or profile.url
    if place is None:
        raise TargetError("There is no target: give its URL, or set `url` in the profile.")
    authority = await _run_auth_command(profile.commands.auth) if profile.commands.auth else ()
    return Target(
        url=place,
        profile=profile,
        headers=(*profile.headers.items(), *authority, *headers),
        timeout=response_timeout or profile.timeout or DEFAULT_TIMEOUT,
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
