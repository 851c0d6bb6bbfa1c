"""The profile of a target: facts about a server that cannot be discovered over HTTP.

Knowledge about a server lives here, in the user's file, never in the suite. The descriptions and
examples below are what `tus-conformance init` writes and what `profile.schema.json` says.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from tus_scenarios.reader import explain_choice
from tus_scenarios.toml_errors import explain_mismatch

_POSITIVE = {"exclusiveMinimum": 0}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class ProfileError(ValueError):
    """The profile cannot be used; the message says where and what to do."""


def _key(description: str, example: Any, **schema: Any) -> Meta:
    return Meta(description=description, examples=[example], extra_json_schema=schema or None)


class Exclusion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Scenarios that are left out, since the deviation is known."""

    scenario: Annotated[
        str, _key("A glob pattern for scenario ids.", "core.method-override.*", minLength=1)
    ]
    reason: Annotated[
        str,
        _key(
            "The reason for the exclusion; the report shows it.",
            "the proxy removes the header",
            minLength=1,
        ),
    ]


class Tls(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How to speak TLS; files are found from the folder of the profile."""

    ca: Annotated[
        str | None, _key("Trusted certificates in addition to the system's, in PEM.", "ca.pem")
    ] = None
    certificate: Annotated[str | None, _key("The client certificate, in PEM.", "client.pem")] = None
    key: Annotated[
        str | None,
        _key("The key of the client certificate, if it is in a separate file.", "client.key"),
    ] = None
    insecure: Annotated[bool, _key("Accept any certificate, for any host name.", example=True)] = (
        False
    )


class Commands(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Commands for what HTTP cannot do. They are run without a shell."""

    auth: Annotated[
        str | None,
        _key(
            "Prints headers to send with every request, one 'Name: value' per line.",
            "./token --header",
        ),
    ] = None
    upload: Annotated[
        str | None,
        _key(
            "Creates an upload of {length} bytes and prints its URL: for a server that does not let"
            " clients create uploads.",
            "./new-upload {length}",
        ),
    ] = None
    read: Annotated[
        str | None,
        _key(
            "Prints the stored bytes of the upload {id}, the last part of its {url}: for a server"
            " that offers no download.",
            "cat uploads/{id}",
        ),
    ] = None
    settle: Annotated[
        str | None,
        _key(
            "Makes the server do what it otherwise does later, such as garbage collection or a"
            " move to other storage; complete uploads are read again afterwards.",
            "./vacuum --now",
        ),
    ] = None
    restart: Annotated[
        str | bool | None,
        _key(
            "Restarts the server; acknowledged bytes must be stored afterwards. true restarts"
            " the one that --server-command started.",
            "systemctl restart tusd",
        ),
    ] = None


class Profile(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What to know about a target; every key is optional."""

    name: Annotated[
        str | None,
        _key("What reports call the server.", "my-tus-server", minLength=1),
    ] = None
    server_version: Annotated[
        str | None,
        _key("The version of the server, for reports.", "2.10.0", minLength=1),
    ] = None
    url: Annotated[
        str | None,
        _key("The creation URL, instead of the command line's.", "http://127.0.0.1:1080/"),
    ] = None
    headers: Annotated[
        dict[str, str],
        _key(
            "Headers to send with every request; their values are kept out of the record.",
            {"Authorization": "Bearer ..."},
        ),
    ] = {}
    metadata: Annotated[
        str | None,
        _key(
            "The Upload-Metadata that creations need; added to the metadata of a scenario.",
            "filename dXBsb2FkLmJpbg==",
        ),
    ] = None
    creation_headers: Annotated[
        dict[str, str],
        _key(
            "Headers that creations need, besides those of tus.",
            {"Content-Type": "application/offset+octet-stream"},
        ),
    ] = {}
    max_size: Annotated[
        int | None,
        _key("The size of the largest upload to create, in bytes.", 1048576, **_POSITIVE),
    ] = None
    max_body: Annotated[
        int | None,
        _key(
            "The largest request body that the server takes, in bytes: more is sent in several"
            " requests. By default a probe finds it.",
            1048576,
            **_POSITIVE,
        ),
    ] = None
    origins: Annotated[
        tuple[str, ...],
        _key(
            "Other origins that Location may name, and that requests with the headers above may go"
            " to. Nothing is sent to any other origin.",
            ["https://uploads.example.com"],
        ),
    ] = ()
    origin: Annotated[
        str | None,
        _key(
            "The origin of a web page that uploads: checks what browsers need (CORS).",
            "https://app.example.com",
        ),
    ] = None
    rate: Annotated[
        float | None,
        _key("The highest request rate, in requests per second.", 10.0, **_POSITIVE),
    ] = None
    timeout: Annotated[
        float | None,
        _key("Seconds to wait for a server that makes no progress.", 10.0, **_POSITIVE),
    ] = None
    network_timeout: Annotated[
        float | None,
        _key("Seconds after which the server closes a stalled request.", 20.0, **_POSITIVE),
    ] = None
    expiration: Annotated[
        float | None,
        _key(
            "Seconds after which an unfinished upload expires. The run waits twice as long, and"
            " more, so give it for a server that is set to a short time.",
            5.0,
            **_POSITIVE,
        ),
    ] = None
    downloads: Annotated[
        bool | None,
        _key(
            "Whether GET returns complete uploads: true makes every one that cannot be read a"
            " failure, false keeps the suite from reading any. By default a probe decides.",
            example=True,
        ),
    ] = None
    download_delay: Annotated[
        float | None,
        _key(
            "Seconds until a complete upload can be read, for a server that processes it first;"
            " by default 5.",
            30.0,
            **_POSITIVE,
        ),
    ] = None
    retention: Annotated[
        float | None,
        _key(
            "Seconds for which the server keeps a complete upload; older ones are not read again"
            " at the end of the run.",
            60.0,
            **_POSITIVE,
        ),
    ] = None
    cleanup: Annotated[
        Literal["remove", "keep"],
        _key("What to do with the uploads of a run; remove needs termination.", "keep"),
    ] = "remove"
    http2: Annotated[
        bool,
        _key(
            "Use HTTP/2. Scenarios that need raw bytes, trailers or a held body do not apply.",
            example=True,
        ),
    ] = False
    proxy: Annotated[
        str | None,
        _key(
            "The URL of an HTTP proxy to go through, with its user if it wants one. The same"
            " scenarios are left out.",
            "http://127.0.0.1:3128",
        ),
    ] = None
    secret_headers: Annotated[
        tuple[str, ...],
        _key(
            "Headers, in requests and responses, whose values must not be recorded, besides"
            " Authorization and cookies.",
            ["X-Api-Key"],
        ),
    ] = ()
    secret_query: Annotated[
        tuple[str, ...],
        _key(
            "Query parameters whose values must not be recorded, in addition to the common ones.",
            ["ticket"],
        ),
    ] = ()
    tls: Annotated[Tls, Meta(description="TLS settings.")] = Tls()
    commands: Annotated[Commands, Meta(description="Commands for what HTTP cannot do.")] = (
        Commands()
    )
    exclude: Annotated[
        tuple[Exclusion, ...], Meta(description="Excluded scenarios, with the reason.")
    ] = ()

    def has(self, name: str) -> bool:
        """Return whether the profile has something optional, by its name in a scenario's needs."""
        if name in Commands.__struct_fields__:
            return bool(getattr(self.commands, name))
        return getattr(self, name.replace("-", "_"), None) is not None

    def seconds(self, name: str) -> float:
        """Return a number of seconds that the profile knows."""
        return float(getattr(self, name.replace("-", "_")))


PROFILE_NAME = "tus-conformance.toml"
"""The name of a profile that is used without being given."""

PYPROJECT, TOOL_TABLE = "pyproject.toml", "tus-conformance"
"""The file and the table of it, below `tool`, where a profile may be instead."""


def find_profile(folder: Path) -> Path | None:
    """Return tus-conformance.toml in a folder, or its pyproject.toml if that has the table."""
    own, project = folder / PROFILE_NAME, folder / PYPROJECT
    if own.is_file():
        return own
    try:
        tools = tomllib.loads(project.read_text("utf-8")).get("tool", {})
    except (OSError, ValueError):
        return None
    return project if TOOL_TABLE in tools else None


def read_profile(path: Path) -> Profile:
    """Read a profile from a TOML file; raise ProfileError with the line and the known keys."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ProfileError(f"The profile {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise ProfileError(f"The profile {path} is not UTF-8 text.") from None
    try:
        table = tomllib.loads(text)
        if path.name == PYPROJECT:
            table = table.get("tool", {}).get(TOOL_TABLE, {})
        profile = msgspec.convert(table, Profile)
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"The profile {path} is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        raise ProfileError(_explain_error(path, text, str(error))) from None
    for key, error_message in _value_errors(profile):
        raise ProfileError(
            f"The profile {path}{_line_reference(text, key)} is wrong: {error_message}"
        )
    return msgspec.structs.replace(profile, tls=_resolve_tls_paths(path.parent, profile.tls))


def _value_errors(profile: Profile) -> list[tuple[str, str]]:
    """Return what is wrong with values that are of the right type, each with its key."""
    what = {"max_size": "bytes", "max_body": "bytes", "rate": "requests per second"}
    numbers = (
        "max_size",
        "max_body",
        "rate",
        "timeout",
        "network_timeout",
        "expiration",
        "download_delay",
        "retention",
    )
    found = [
        (
            key,
            f"`{key}` must be a number of {what.get(key, 'seconds')} above 0,"
            f" got {getattr(profile, key):g}.",
        )
        for key in numbers
        if profile.has(key) and not getattr(profile, key) > 0
    ]
    found += [
        (key, error)
        for key in ("headers", "creation_headers")
        for name, value in getattr(profile, key).items()
        if (error := header_error(name, value))
    ]
    found += [("origins", error) for one in profile.origins if (error := origin_error(one))]
    found += _command_errors(profile.commands)
    if profile.origin is not None and (error := origin_error(profile.origin)):
        found.append(("origin", error))
    if profile.tls.key and not profile.tls.certificate:
        found.append(("key", "`key` in `tls` needs `certificate` too."))
    return found


def _command_errors(commands: Commands) -> list[tuple[str, str]]:
    """Return what is wrong with the placeholders of commands, each with its key."""
    found = []
    for key, allowed in (("read", ("id", "url")), ("upload", ("length",))):
        command = getattr(commands, key)
        if command is None:
            continue
        used = re.findall(r"\{(\w+)\}", command)
        places = " or ".join(f"{{{name}}}" for name in allowed)
        # A program may have braces of its own, as awk has; these are misspelt ones.
        wrong = [each for each in used if difflib.get_close_matches(each, allowed)]
        wrong = [each for each in wrong if each not in allowed]
        if wrong:
            found.append((key, f"`{key}` has {{{wrong[0]}}}, which is not {places}."))
        elif key == "read" and not set(used) & set(allowed):
            found.append((key, f"`{key}` must name the upload to read, by {places}."))
    return found


def origin_error(origin: str) -> str:
    """Return what is wrong with an origin, as a sentence, or nothing."""
    try:
        parts = urlsplit(origin)
        _ = parts.port
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if usable and parts.path in {"", "/"} and not parts.query:
        return ""
    return f"{origin!r} is not an origin: write it as https://uploads.example.com."


def header_error(name: str, value: str) -> str:
    """Return what is wrong with a header, as a sentence, or nothing."""
    if not _TOKEN.fullmatch(name):
        return f"{name!r} is not a valid header name."
    broken = any(character in value for character in "\r\n\0")
    return f"the value of {name} contains a line break." if broken else ""


def _resolve_tls_paths(folder: Path, tls: Tls) -> Tls:
    places = {name: getattr(tls, name) for name in ("ca", "certificate", "key")}
    return msgspec.structs.replace(
        tls, **{name: str(folder / place) for name, place in places.items() if place is not None}
    )


def _explain_error(path: Path, text: str, message: str) -> str:
    unknown = re.search(r"unknown field `([^`]+)`(?: - at `\$\.?([^`]*)`)?", message)
    if unknown is None:
        key = re.search(r"`\$\.(\w+)(?:\.(\w+))?", message)
        inner = (key[2] or key[1]) if key else ""
        sentence = explain_choice(message, Profile) or explain_mismatch(message)
        return f"The profile {path}{_line_reference(text, inner)} is wrong: {sentence}"
    name, inside = unknown[1], (unknown[2] or "").split("[")[0]
    known = _KNOWN_KEYS[inside]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    where = f" in `{inside}`" if inside else ""
    line = _line_reference(text, name)
    return (
        f"The profile {path}{line} has the unknown key `{name}`{where}.{hint}"
        f" Known keys: {', '.join(known)}."
    )


_KNOWN_KEYS = {
    "": Profile.__struct_fields__,
    "tls": Tls.__struct_fields__,
    "commands": Commands.__struct_fields__,
    "exclude": Exclusion.__struct_fields__,
}


def _line_reference(text: str, key: str) -> str:
    if not key:
        return ""
    pattern = re.compile(rf"^\s*(?:\[+\s*)?['\"]?{re.escape(key)}\b|[{{,]\s*{re.escape(key)}\s*=")
    lines = (at for at, line in enumerate(text.splitlines(), 1) if pattern.search(line))
    found = next(lines, None)
    return f", line {found}," if found else ""
