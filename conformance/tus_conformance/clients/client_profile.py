"""What the author of a client says about it, in TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec


class ClientProfileError(ValueError):
    """A profile cannot be used; the message says what to mend."""


class ExcludedSituation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Situations that are not run: a glob of their ids, and the reason."""

    situation: str
    reason: str


class ClientProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facts about a client.

    `name` and `version` stand in reports. `run` is the command of its program. `environment` is
    added to that of the program. `options` are given to it in every situation. `resends` says that
    its HTTP library repeats a broken request by itself, as browsers do. `time_limit` replaces that
    of every situation, in seconds. `install` names the packages that a driver needs, by the program
    that installs them; the suite itself does not read it.
    """

    name: str = ""
    version: str = ""
    run: str = ""
    environment: dict[str, str] = {}
    options: tuple[str, ...] = ()
    resends: bool = False
    time_limit: float | None = None
    exclude: tuple[ExcludedSituation, ...] = ()
    install: dict[str, tuple[str, ...]] = {}


def read_client_profile(path: Path) -> ClientProfile:
    """Read a profile; raise ClientProfileError where it cannot be read or makes no sense."""
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), ClientProfile)
    except OSError as error:
        raise ClientProfileError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ClientProfileError(f"{path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise ClientProfileError(f"{path} is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        raise ClientProfileError(f"{path}: {str(error).rstrip('.')}.") from None
