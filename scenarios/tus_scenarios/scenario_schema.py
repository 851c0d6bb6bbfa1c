"""The JSON Schema of scenario files, for editors, made from the types.

Write it anew after a change of the types with `python -m tus_scenarios.scenario_schema`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from tus_scenarios.scenario import ScenarioFile
from tus_scenarios.step import STEP_ACTIONS

SCHEMA_PATH = Path(__file__).with_name("scenario.schema.json")


def build_schema() -> dict[str, Any]:
    """Return the schema; a step has exactly one act, and a `request` names its method."""
    schema_ = msgspec.json.schema(ScenarioFile)
    definitions = schema_["$defs"]
    definitions["Step"]["oneOf"] = [{"required": [act]} for act in STEP_ACTIONS]
    definitions["Step"]["properties"]["request"] = {
        "allOf": [{"$ref": "#/$defs/RequestSpec"}, {"required": ["method"]}]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenarios of the tus conformance suite",
        **schema_,
    }


def schema_text() -> str:
    """Return the schema as it stands in the package."""
    return format_schema(build_schema())


def format_schema(schema: dict[str, Any]) -> str:
    """Return a schema as text, the same on every Python: 3.13 and newer cut docstrings' indents."""
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return re.sub(r"\\n +", r"\\n", text)


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema_text(), "utf-8")
