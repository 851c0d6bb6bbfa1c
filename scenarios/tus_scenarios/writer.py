"""Writing scenarios as TOML, in the manner of the files they are read from: a step to a line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tus_scenarios.scenario import ScenarioFile, ScenarioSource

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_MAX_LINE = 100


def format_scenarios(file: ScenarioFile, comments: Sequence[str] = ()) -> str:
    """Return a file of scenarios as TOML, with remarks for people at its top."""
    head = [f"# {comment}".rstrip() for comment in comments]
    head += [
        f"section = {_format_value(file.section)}",
        f"extension = {_format_value(file.extension)}",
    ]
    return "\n".join(["\n".join(head), *map(_format_scenario, file.scenario)]) + "\n"


def _format_scenario(source: ScenarioSource) -> str:
    parts: dict[str, Any] = msgspec.to_builtins(source)
    steps = parts.pop("step")
    lines = ["", "[[scenario]]"]
    lines += [f"{_format_key(name)} = {_format_value(value)}" for name, value in parts.items()]
    return "\n".join([*lines, "step = [", *map(_format_step, steps), "]"])


def _format_step(step: Mapping[str, Any]) -> str:
    """Return a step on one line, or with a line to each expectation where that is too long."""
    line = f"  {_format_value(step)},"
    expected = step.get("expect")
    if len(line) <= _MAX_LINE or not expected:
        return line
    without_expectations = _format_value(
        {name: value for name, value in step.items() if name != "expect"}
    )
    each = [f"    {_format_value(expectation)}," for expectation in expected]
    return "\n".join([f"  {without_expectations[:-2]}, expect = [", *each, "  ] },"])


def _format_value(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_format_key(name)} = {_format_value(child)}" for name, child in value.items())
        fields = ", ".join(pairs)
        return f"{{ {fields} }}" if fields else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_format_value, value))}]"
    if isinstance(value, str):
        # JSON escapes what TOML wants escaped, save for the delete character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)


def _format_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _format_value(name)
