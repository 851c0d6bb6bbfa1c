"""Writing a profile for a server at hand: every key explained, and what was found filled in."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from tus_conformance.discovery.discovery import DiscoveryResult
from tus_conformance.targets.profile_schema import build_schema
from tus_reports.transcript import escape_controls
from tus_scenarios import EXTENSIONS

COMMENT_WIDTH = 88
MAX_EXPIRY_WAIT = 60.0
"""Seconds of expiry that a run can be asked to wait for, more than twice over."""

Known = Mapping[str, Any]


def format_profile(found: DiscoveryResult, known: Known) -> str:
    """Return a profile in TOML with the keys of `known` set, and all others in comments.

    A value of `known` that is None is not set either, but its key is described as needed.
    """
    definitions = build_schema()["$defs"]
    lines = [*_comment_lines("\n".join(_summary_lines(found))), ""]
    keys = definitions["Profile"]["properties"]
    plain = [name for name in keys if name not in {"tls", "commands", "exclude"}]
    for name in plain:
        lines += [*_key_lines(name, keys[name], known), ""]
    for table, definition, head in (
        ("tls", "Tls", "[tls]"),
        ("commands", "Commands", "[commands]"),
        ("exclude", "Exclusion", "[[exclude]]"),
    ):
        lines += [*_comment_lines(keys[table]["description"]), f"#{head}"]
        for name, each in definitions[definition]["properties"].items():
            lines += _key_lines(name, each, {})
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _key_lines(name: str, described: Mapping[str, Any], known: Known) -> Iterator[str]:
    yield from _comment_lines(described["description"])
    value = known.get(name)
    if value is not None:
        yield f"{name} = {_format_toml(value)}"
    else:
        yield f"#{name} = {_format_toml(described['examples'][0])}"


def _summary_lines(found: DiscoveryResult) -> Iterator[str]:
    """Yield what was found, a sentence each."""
    yield "A profile: facts about a server, for `tus-conformance run --profile FILE`."
    yield "A line that starts with # without a space is a key that is not set."
    yield f"The server lists {', '.join(found.extensions) or 'no extensions'}."
    for name in EXTENSIONS:
        seen = found.capabilities.get(name)
        if seen is None or seen.advertised is (seen.observed == "accepted"):
            continue
        if seen.advertised and seen.observed == "refused":
            yield f"It lists {name}, but the probe was refused. {seen.reason}"
        elif not seen.advertised and seen.observed == "accepted":
            yield f"It supports {name} without listing it. {seen.reason}"
    if found.needs is not None:
        yield found.needs.sentence
    limit = found.body_limit
    if limit.refused is not None:
        yield f"A body of {limit.refused} bytes is refused with 413; {limit.accepted} are accepted."
    if found.origin_obstacle:
        yield found.origin_obstacle
    if found.max_size is not None:
        yield f"Tus-Max-Size is {found.max_size}."
    if found.expires_in is not None:
        yield f"An upload expires {ceil(found.expires_in)} seconds after its creation."
    yield from found.refusal_baseline.sentences


def _comment_lines(text: str) -> list[str]:
    return [
        f"# {line}"
        for paragraph in map(escape_controls, text.split("\n"))
        for line in textwrap.wrap(
            paragraph, COMMENT_WIDTH, break_long_words=False, break_on_hyphens=False
        )
    ]


def _format_toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(f"{json.dumps(k)} = {_format_toml(v)}" for k, v in value.items())
            + " }"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_format_toml(each) for each in value) + "]"
    if not isinstance(value, str):
        return repr(value)
    # TOML takes no control characters, and json leaves those beyond ASCII alone.
    quoted = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", quoted)
