"""Published records of clients: a folder for each driver, and the matrix of all.

As for servers, the pages in HTML are many times larger, and only the documentation site has them.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import tus_reports
from tus_reports import MatrixServer

RECORD = "run.ndjson"
PACKED = f"{RECORD}.gz"
REPORT = "README.md"
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
    (folder / REPORT).write_text(tus_reports.markdown(tus_reports.read(packed)), "utf-8")
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
    clients = [
        MatrixServer(record.header.target, record, f"{path.parent.name}/{REPORT}")
        for path in published_records(published)
        for record in [tus_reports.read(path)]
    ]
    (published / "matrix.md").write_text(tus_reports.matrix_markdown(clients), "utf-8")
