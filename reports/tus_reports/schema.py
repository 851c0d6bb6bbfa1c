"""The JSON Schema of a record's lines, made from their types.

`python -m tus_reports.schema` prints it; with `--write` it replaces `record.schema.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from tus_reports.record import Line

PATH = Path(__file__).with_name("record.schema.json")


def schema() -> dict[str, Any]:
    """Return the JSON Schema that every line of a record satisfies."""
    made = msgspec.json.schema(Line)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a tus-conformance run record",
        **made,
    }


def text() -> str:
    """Return the schema as it stands in the file."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PATH.write_text(text(), "utf-8")
    else:
        sys.stdout.write(text())
