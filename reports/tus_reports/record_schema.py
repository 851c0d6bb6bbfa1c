"""The JSON Schema of a record's lines, made from their types.

`python -m tus_reports.record_schema` prints it; with `--write` it replaces `record.schema.json`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec

from tus_reports.record import RecordLine

SCHEMA_PATH = Path(__file__).with_name("record.schema.json")


def build_schema() -> dict[str, Any]:
    """Return the JSON Schema that every line of a record satisfies."""
    schema_ = msgspec.json.schema(RecordLine)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of a tus-conformance run record",
        **schema_,
    }


def schema_text() -> str:
    """Return the schema as it stands in the file."""
    text = json.dumps(build_schema(), indent=2) + "\n"
    # Python 3.13 and newer cut the indents of docstrings, which are the descriptions.
    return re.sub(r"\\n +", r"\\n", text)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        SCHEMA_PATH.write_text(schema_text(), "utf-8")
    else:
        sys.stdout.write(schema_text())
