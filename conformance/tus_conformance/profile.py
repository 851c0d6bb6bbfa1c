"""The target profile: what its maintainer knows about a server and HTTP does not tell.

Knowledge about a server lives here, in the user's file, never in the suite.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path

import msgspec


class ProfileError(ValueError):
    """The profile cannot be used; the message says where and what to do."""


class Exclusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scenarios, by glob of their ids, that are left out for a stated reason."""

    scenario: str
    reason: str


class Profile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What to know about a target; every key is optional.

    `headers` go with every request. `metadata` is the Upload-Metadata of uploads for which a
    scenario gives none. `timeout` is how long to wait for progress and `network_timeout` after what
    time the server gives up on a stalled body, `expiration` after what time an unfinished upload
    expires, all in seconds. `secret_headers` and `secret_query`
    name what must not appear in a record, beside what never does (Authorization, cookies, tokens).
    `exclude` lists known deviations.
    """

    headers: dict[str, str] = {}
    metadata: str | None = None
    timeout: float | None = None
    network_timeout: float | None = None
    expiration: float | None = None
    secret_headers: tuple[str, ...] = ()
    secret_query: tuple[str, ...] = ()
    exclude: tuple[Exclusion, ...] = ()

    def knows(self, name: str) -> bool:
        """Tell whether the profile has an optional number, by its name in a scenario's needs."""
        return getattr(self, name.replace("-", "_"), None) is not None

    def seconds(self, name: str) -> float:
        """Return a number of seconds that the profile knows."""
        return float(getattr(self, name.replace("-", "_")))


def read_profile(path: Path) -> Profile:
    """Read a profile from a TOML file; raise ProfileError with the line and the known keys."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ProfileError(f"The profile {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ProfileError(f"The profile {path} is not UTF-8 text.") from None
    try:
        return msgspec.convert(tomllib.loads(text), Profile)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"The profile {path} is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        raise ProfileError(_explained(path, text, str(error))) from None


def _explained(path: Path, text: str, message: str) -> str:
    unknown = re.search(r"unknown field `([^`]+)`(?: - at `\$\.?([^`]*)`)?", message)
    if unknown is None:
        key = re.search(r"`\$\.(\w+)", message)
        return f"The profile {path}{_line(text, key[1] if key else '')} is wrong: {message}."
    name, inside = unknown[1], unknown[2]
    known = Exclusion.__struct_fields__ if inside else Profile.__struct_fields__
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    where = f" in `{inside.split('[')[0]}`" if inside else ""
    return (
        f"The profile {path}{_line(text, name)} has the unknown key `{name}`{where}.{hint}"
        f" Known keys: {', '.join(known)}."
    )


def _line(text: str, key: str) -> str:
    if not key:
        return ""
    pattern = re.compile(rf"^\s*(?:\[+\s*)?['\"]?{re.escape(key)}\b|[{{,]\s*{re.escape(key)}\s*=")
    lines = (at for at, line in enumerate(text.splitlines(), 1) if pattern.search(line))
    found = next(lines, None)
    return f", line {found}," if found else ""
