"""The JSON Schema of the unreliable proxy's plans, for editors, made from the types.

Regenerate it after a change with `python -m tus_conformance.proxy.fault_rules_schema`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tus_conformance.proxy.fault_rules import FaultPlan
from tus_conformance.targets.profile_schema import remove_null
from tus_scenarios.scenario_schema import format_schema

SCHEMA_FILE = Path(__file__).with_name("plan.schema.json")


def plan_schema() -> dict[str, Any]:
    """Return the schema of a plan; TOML has no null, so what may be left out has no default."""
    made = msgspec.json.schema(FaultPlan)
    for definition in made["$defs"].values():
        for key in definition["properties"].values():
            remove_null(key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What tus-conformance fault-proxy does to requests",
        **made,
    }


def schema_text() -> str:
    """Return the schema as it stands in the package."""
    return format_schema(plan_schema())


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), "utf-8")
