"""Finding and reading the records that a command names: files, or folders that have one."""

from __future__ import annotations

from pathlib import Path

import tus_reports
from tus_reports import Record, RecordError

RECORD = "run.ndjson"
"""The name of a record in the folder that --report-dir names."""


def find_record(place: Path) -> Path:
    """Return the record that a path names: the file itself, or the one in a folder.

    Raises RecordError for a folder without a record, or with several.
    """
    if not place.is_dir():
        return place
    for name in (RECORD, f"{RECORD}.gz"):
        if (place / name).is_file():
            return place / name
    found = sorted([*place.glob("*.ndjson"), *place.glob("*.ndjson.gz")])
    if len(found) == 1:
        return found[0]
    what = "has several records" if found else f"has no record ({RECORD})"
    raise RecordError(f"The folder {place} {what}: name the file that a run wrote.")


def read_record(place: Path, *, allow_truncated: bool = False) -> Record:
    """Read the record that a path names; raise RecordError or OSError."""
    return tus_reports.read(find_record(place), allow_truncated=allow_truncated)
