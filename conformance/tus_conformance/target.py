"""The target: a tus endpoint, and the profile of what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tus_conformance.profile import Profile


class TargetError(ValueError):
    """The target's URL cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Target:
    """Where uploads are created, and how to speak to the server there.

    `timeout` is how long, in seconds, the suite waits for a server that shows no progress.
    """

    url: str
    profile: Profile = field(default_factory=Profile)
    headers: tuple[tuple[str, str], ...] = ()
    timeout: float = 10.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            raise TargetError(
                f"{self.url!r} is not a URL of a tus endpoint."
                " Give it whole, such as http://127.0.0.1:1080/files/."
            )
