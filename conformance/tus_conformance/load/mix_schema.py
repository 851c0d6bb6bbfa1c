"""The JSON Schema of mixes, for editors, made from the types.

Regenerate it after a change of the types with `python -m tus_conformance.load.mix_schema`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tus_conformance.load.mix import Mix
from tus_scenarios.scenario_schema import format_schema

SCHEMA_PATH = Path(__file__).with_name("mix.schema.json")


def build_schema() -> dict[str, Any]:
    """Return the schema of a mix."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What the users of a load do, for tus-conformance load",
        **msgspec.json.schema(Mix),
    }


def schema_text() -> str:
    """Return the schema as it is in the package."""
    return format_schema(build_schema())


if __name__ == "__main__":
    SCHEMA_PATH.write_text(schema_text(), "utf-8")
