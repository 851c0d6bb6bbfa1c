"""Writing scenarios as TOML, in the manner of the files they are read from: a step to a line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tus_scenarios.scenario import ScenarioFile, ScenarioSource

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_WIDE = 100


def written(file: ScenarioFile, remarks: Sequence[str] = ()) -> str:
    """Return a file of scenarios as TOML, with remarks for people at its top."""
    head = [f"# {remark}".rstrip() for remark in remarks]
    head += [f"section = {_value(file.section)}", f"extension = {_value(file.extension)}"]
    return "\n".join(["\n".join(head), *map(_scenario, file.scenario)]) + "\n"


def _scenario(source: ScenarioSource) -> str:
    parts: dict[str, Any] = msgspec.to_builtins(source)
    steps = parts.pop("step")
    lines = ["", "[[scenario]]"]
    lines += [f"{_key(name)} = {_value(value)}" for name, value in parts.items()]
    return "\n".join([*lines, "step = [", *map(_step, steps), "]"])


def _step(step: Mapping[str, Any]) -> str:
    """Return a step on one line, or with a line to each expectation where that is too long."""
    whole = f"  {_value(step)},"
    expected = step.get("expect")
    if len(whole) <= _WIDE or not expected:
        return whole
    rest = _value({name: value for name, value in step.items() if name != "expect"})
    each = [f"    {_value(one)}," for one in expected]
    return "\n".join([f"  {rest[:-2]}, expect = [", *each, "  ] },"])


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_key(name)} = {_value(inner)}" for name, inner in value.items())
        inside = ", ".join(pairs)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        # JSON escapes what TOML wants escaped, save for the delete character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)
