"""Published records of clients: a folder for each driver, and the matrix of all."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RECORD = "run.ndjson"
PACKED = f"{RECORD}.gz"
PLACE_OPTION = "--report-dir"


def publish_record(report: Path, published: Path) -> Path:
    """Pack the record of a driver into the folder of its name, with a report next to it.

    Where the record had been written is left out of it. Returns the folder.
    """
    folder = published / report.name
    folder.mkdir(parents=True, exist_ok=True)
    header, rest = (report / RECORD).read_text("utf-8").split("\n", 1)
    packed = folder / PACKED
    packed.write_bytes(gzip.compress(f"{remove_place(header)}\n{rest}".encode(), mtime=0))
    _write_report(packed, formats=("html", "--brief"), out=folder / "index.html")
    return folder


def remove_place(header: str) -> str:
    """Return the first line of a record without the folder that it was written to."""
    line = json.loads(header)
    words = line.get("arguments", [])
    if PLACE_OPTION in words:
        at = words.index(PLACE_OPTION)
        line["arguments"] = words[:at] + words[at + 2 :]
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def published_records(published: Path) -> list[Path]:
    """Return every published record of a client, by the name of its driver."""
    return sorted(published.glob(f"*/{PACKED}"))


def write_matrix(published: Path) -> None:
    """Write the matrix of all that are published, by requirement and by situation."""
    records = published_records(published)
    _write_report(*records, formats=("html",), out=published / "matrix.html")
    _write_report(*records, formats=("markdown",), out=published / "matrix.md")


def _write_report(*records: Path, formats: Sequence[str], out: Path) -> None:
    command = [sys.executable, "-m", "tus_conformance", "report", *map(str, records)]
    subprocess.run([*command, "--format", *formats, "--out", str(out)], check=True)
