"""The JSON Schema of the unreliable proxy's plans, for editors, made from the types.

Write it anew after a change with `python -m tus_conformance.proxying.rules_schema`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from tus_conformance.proxying.rules import PlanFile
from tus_conformance.target.profile_schema import without_null

PLACE = Path(__file__).with_name("plan.schema.json")


def schema() -> dict[str, Any]:
    """Return the schema of a plan; TOML has no null, so what may be left out has no default."""
    made = msgspec.json.schema(PlanFile)
    for definition in made["$defs"].values():
        for key in definition["properties"].values():
            without_null(key)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What tus-conformance unreliable does to requests",
        **made,
    }


def text() -> str:
    """Return the schema as it stands in the package."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PLACE.write_text(text(), "utf-8")
