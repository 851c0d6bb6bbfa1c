"""Writing a profile for a server at hand: every key explained, and what was found filled in."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from tus_conformance.dialogue.discovery import EXTENSIONS, Discovered
from tus_conformance.target.profile_schema import schema

WIDTH = 88
SOON = 60.0
"""Seconds of expiry that a run can be asked to wait for, more than twice over."""

Known = Mapping[str, Any]


def profile_text(found: Discovered, known: Known) -> str:
    """Return a profile in TOML with the keys of `known` set, and all others in comments.

    A value of `known` that is None is not set either, but its key is told to be needed.
    """
    definitions = schema()["$defs"]
    lines = [*_said("\n".join(_summary(found))), ""]
    keys = definitions["Profile"]["properties"]
    plain = [name for name in keys if name not in {"tls", "commands", "exclude"}]
    for name in plain:
        lines += [*_key(name, keys[name], known), ""]
    for table, definition, head in (
        ("tls", "Tls", "[tls]"),
        ("commands", "Commands", "[commands]"),
        ("exclude", "Exclusion", "[[exclude]]"),
    ):
        lines += [*_said(keys[table]["description"]), f"#{head}"]
        for name, each in definitions[definition]["properties"].items():
            lines += _key(name, each, {})
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _key(name: str, described: Mapping[str, Any], known: Known) -> Iterator[str]:
    yield from _said(described["description"])
    value = known.get(name)
    if value is not None:
        yield f"{name} = {_toml(value)}"
    else:
        yield f"#{name} = {_toml(described['examples'][0])}"


def _summary(found: Discovered) -> Iterator[str]:
    """Yield what was found, a sentence each."""
    yield "What is known of a server, for `tus-conformance run --profile FILE`."
    yield "A line that begins with # and no space after it is a key that is not set."
    yield f"The server lists {', '.join(found.extensions) or 'no extensions'}."
    for name in EXTENSIONS:
        seen = found.capabilities.get(name)
        if seen is None or seen.advertised is (seen.observed == "accepted"):
            continue
        if seen.advertised and seen.observed == "refused":
            yield f"It lists {name}, but refused it. {seen.because}"
        elif not seen.advertised and seen.observed == "accepted":
            yield f"It does {name} without listing it. {seen.because}"
    if found.max_size is not None:
        yield f"Tus-Max-Size is {found.max_size}."
    if found.expires_in is not None:
        yield f"An upload expires {ceil(found.expires_in)} seconds after its creation."
    yield from found.manners.sentences


def _said(text: str) -> list[str]:
    return [
        f"# {line}"
        for paragraph in text.splitlines()
        for line in textwrap.wrap(paragraph, WIDTH, break_long_words=False, break_on_hyphens=False)
    ]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
