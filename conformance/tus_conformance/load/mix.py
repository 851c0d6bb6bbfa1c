"""The mix: what the users of a load do, how often, and with which sizes; a TOML file.

The descriptions and examples are what `mix.schema.json` says.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from tus_scenarios.toml_errors import explain_mismatch


class MixError(ValueError):
    """The mix cannot be used; the message says where and what to do."""


def _key(description: str, example: Any, **limits: Any) -> Meta:
    return Meta(description=description, examples=[example], **limits)


class Sizes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A range of sizes of uploads, in bytes, and how often it occurs."""

    weight: Annotated[float, _key("How often, relative to the other ranges.", 60, ge=0)] = 1.0
    smallest: Annotated[int, _key("The smallest size, in bytes.", 1024, ge=0)]
    largest: Annotated[int, _key("The largest size, in bytes.", 65536, ge=0)]
    spread: Annotated[
        Literal["log-uniform", "uniform"],
        Meta(
            description="log-uniform: as many from 1 to 2 KiB as from 32 to 64; uniform: every size"
            " is as likely as any other."
        ),
    ] = "log-uniform"


class Tasks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user does next: a weight for each task."""

    upload: Annotated[float, _key("POST, then PATCH until complete.", 68, ge=0)] = 68.0
    upload_at_creation: Annotated[
        float, _key("Send the first bytes with POST (creation-with-upload).", 10, ge=0)
    ] = 10.0
    parallel: Annotated[
        float, _key("Several partial uploads at once, then concatenate them.", 6, ge=0)
    ] = 6.0
    abandon: Annotated[float, _key("Begin an upload and never complete it.", 4, ge=0)] = 4.0
    download: Annotated[
        float, _key("Read an earlier upload of this user again, or a range of it.", 12, ge=0)
    ] = 12.0


class Chunks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much of an upload one request sends."""

    whole: Annotated[
        float,
        _key("The share of uploads that send all in one request, from 0 to 1.", 0.6, ge=0, le=1),
    ] = 0.6
    smallest: Annotated[int, _key("The smallest chunk of the others, in bytes.", 65536, ge=1)] = (
        65536
    )
    largest: Annotated[int, _key("The largest chunk, in bytes.", 8388608, ge=1)] = 8 * 1024 * 1024


class Cuts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Connections that are closed in the middle of a body; the upload is resumed by HEAD."""

    share: Annotated[
        float, _key("The share of uploads that are cut, from 0 to 1.", 0.15, ge=0, le=1)
    ] = 0.15
    most: Annotated[int, _key("How often such an upload is cut at most.", 2, ge=1)] = 2
    shortest_wait: Annotated[float, _key("Seconds until the client resumes.", 0, ge=0)] = 0.0
    longest_wait: Annotated[float, _key("The same, at most.", 0.5, ge=0)] = 0.5


class Parts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many partial uploads a parallel upload has."""

    fewest: Annotated[int, _key("The fewest partial uploads.", 2, ge=2, le=8)] = 2
    most: Annotated[int, _key("The most partial uploads.", 4, ge=2, le=8)] = 4


class Pause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a user rests between two tasks, in seconds."""

    shortest: Annotated[float, _key("Seconds at least.", 0.1, ge=0)] = 0.1
    longest: Annotated[float, _key("Seconds at most.", 1, ge=0)] = 1.0


_KIB, _MIB = 1024, 1024 * 1024
_SIZES = (
    Sizes(weight=60, smallest=_KIB, largest=64 * _KIB),
    Sizes(weight=30, smallest=64 * _KIB, largest=_MIB),
    Sizes(weight=9, smallest=_MIB, largest=8 * _MIB),
    Sizes(weight=1, smallest=8 * _MIB, largest=32 * _MIB),
)


class Mix(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the users of a load do; every key is optional."""

    sizes: Annotated[
        tuple[Sizes, ...], Meta(description="Ranges of sizes, one [[sizes]] for each.")
    ] = _SIZES
    tasks: Annotated[Tasks, Meta(description="What users do, by weight.")] = Tasks()
    chunks: Annotated[Chunks, Meta(description="How much one request sends.")] = Chunks()
    cuts: Annotated[Cuts, Meta(description="Connections closed in mid-body.")] = Cuts()
    parts: Annotated[Parts, Meta(description="Partial uploads of a parallel upload.")] = Parts()
    pause: Annotated[Pause, Meta(description="The rest between two tasks.")] = Pause()
    checksums: Annotated[
        float,
        _key("The share of uploads that send Upload-Checksum, from 0 to 1.", 0.1, ge=0, le=1),
    ] = 0.1
    verify: Annotated[
        float,
        _key(
            "The share of complete uploads that are read back and compared, from 0 to 1.",
            1.0,
            ge=0,
            le=1,
        ),
    ] = 1.0
    keep: Annotated[
        int,
        _key(
            "How many complete uploads a user keeps for later downloads. They are compared once"
            " more when the run ends.",
            8,
            ge=0,
        ),
    ] = 8
    retries: Annotated[
        int, _key("How often a client resumes after an error before it gives up.", 5, ge=0)
    ] = 5


def read_mix(path: Path | str) -> Mix:
    """Read a mix from a TOML file; raise MixError with the line and the known keys."""
    try:
        text = Path(path).read_text("utf-8")
    except OSError as error:
        raise MixError(f"The mix {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise MixError(f"The mix {path} is not UTF-8 text.") from None
    try:
        mix = msgspec.convert(tomllib.loads(text), Mix)
    except tomllib.TOMLDecodeError as error:
        raise MixError(f"The mix {path} is not TOML: {error}.") from None
    except msgspec.ValidationError as error:
        raise MixError(f"The mix {path} is wrong: {_explain(str(error))}") from None
    if mistake := find_mistake(mix):
        raise MixError(f"The mix {path} is wrong: {mistake}")
    return mix


def find_mistake(mix: Mix) -> str:
    """Return what is wrong with values that are right each for itself, as a sentence, or ""."""
    if not any(getattr(mix.tasks, name) for name in Tasks.__struct_fields__ if name != "download"):
        return "every task of `tasks` but `download` has the weight 0; nothing would be uploaded."
    if not any(each.weight for each in mix.sizes):
        return "`sizes` needs at least one range with a weight above 0."
    pairs = [
        *((f"sizes[{at}]", each, "smallest", "largest") for at, each in enumerate(mix.sizes, 1)),
        ("chunks", mix.chunks, "smallest", "largest"),
        ("cuts", mix.cuts, "shortest_wait", "longest_wait"),
        ("parts", mix.parts, "fewest", "most"),
        ("pause", mix.pause, "shortest", "longest"),
    ]
    for place, table, low, high in pairs:
        if getattr(table, low) > getattr(table, high):
            return f"in `{place}`, `{low}` is more than `{high}`."
    return ""


_TABLES = {
    "": Mix,
    "sizes": Sizes,
    "tasks": Tasks,
    "chunks": Chunks,
    "cuts": Cuts,
    "parts": Parts,
    "pause": Pause,
}


def _explain(message: str) -> str:
    unknown = re.search(r"unknown field `([^`]+)`(?: - at `\$\.?([^`\[]*))?", message)
    if unknown is None:
        return explain_mismatch(message)
    name, table = unknown[1], unknown[2] or ""
    known = _TABLES[table].__struct_fields__
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    where = f" in `{table}`" if table else ""
    return f"`{name}`{where} is not a key.{hint} Known keys: {', '.join(known)}."
