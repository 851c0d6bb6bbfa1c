"""The JSON Schema of situation files, for editors, made from the types.

Write it anew after a change of the types with `python -m tus_scenarios.situation_schema`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tus_scenarios.scenario_schema import format_schema
from tus_scenarios.server_rule import ServerRule
from tus_scenarios.situation import SituationFile

SCHEMA_PATH = Path(__file__).with_name("situation.schema.json")

PARAMETER = {"type": "string", "pattern": r"^\{[a-z_]+\}$"}
"""What stands for a value of `each`, such as "{status}"."""


def build_schema() -> dict[str, Any]:
    """Return the schema: rules are those of a server, and a parameter may stand for any value."""
    (file, rule), definitions = msgspec.json.schema_components(
        (SituationFile, ServerRule), ref_template="#/$defs/{name}"
    )
    for name, definition in definitions.items():
        if name != "SituationFile":
            properties = definition.get("properties", {})
            definition["properties"] = {
                field: _allow_parameter(value) for field, value in properties.items()
            }
    definitions["SituationSource"]["properties"]["rule"] = {
        "type": "array",
        "items": rule,
        "default": [],
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Situations for clients of the tus conformance suite",
        **file,
        "$defs": definitions,
    }


def _allow_parameter(value: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a field that takes a parameter as well; texts do anyway."""
    if "items" in value:
        return {**value, "items": _allow_parameter(value["items"])}
    kinds = value.get("anyOf", [value])
    if any("$ref" in kind or kind.get("type") in {"string", "object"} for kind in kinds):
        return value
    default = {"default": value["default"]} if "default" in value else {}
    kinds = [{key: item for key, item in kind.items() if key != "default"} for kind in kinds]
    return {"anyOf": [*kinds, PARAMETER], **default}


def schema_text() -> str:
    """Return the schema as it stands in the package."""
    return format_schema(build_schema())


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema_text(), "utf-8")
