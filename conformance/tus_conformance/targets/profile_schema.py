"""The JSON Schema of profiles, for editors, made from the types.

Regenerate it after a change of the types with `python -m tus_conformance.targets.profile_schema`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tus_conformance.targets.profile import Profile
from tus_scenarios.scenario_schema import format_schema

SCHEMA_PATH = Path(__file__).with_name("profile.schema.json")


def build_schema() -> dict[str, Any]:
    """Return the schema of a profile; TOML has no null, so what may be left out has no default."""
    made = msgspec.json.schema(Profile)
    for definition in made["$defs"].values():
        for key in definition["properties"].values():
            remove_null(key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Facts about a server, for the tus conformance suite",
        **made,
    }


def remove_null(key: dict[str, Any]) -> None:
    """Take null out of what a key of a schema may be, and out of its defaults."""
    kinds = [kind for kind in key.pop("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        key.update(kinds[0])
    elif kinds:
        key["anyOf"] = kinds
    if key.get("default", ...) is None:
        del key["default"]


def schema_text() -> str:
    """Return the schema as it stands in the package."""
    return format_schema(build_schema())


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema_text(), "utf-8")
