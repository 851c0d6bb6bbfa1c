"""The JSON Schema of rule files, for editors, generated from the types.

After a change of the types write it with `python -m tus_defects.rule_schema`.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from tus_defects.rule import RuleFile

PATH = Path(__file__).with_name("rules.schema.json")


def new_schema() -> dict[str, Any]:
    """Return the schema."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Defects and quirks of the tus reference server",
        **msgspec.json.schema(RuleFile),
    }


def format_schema() -> str:
    """Return the schema as the package holds it."""
    return json.dumps(new_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(format_schema(), "utf-8")
