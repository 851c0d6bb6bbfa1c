"""Published records: a folder for each server and version, and what all of them make.

A folder has the packed record, a report in Markdown and a badge. Pages in HTML are many times
larger, and are made from the records where they are needed: by the documentation site.
"""

from __future__ import annotations

import dataclasses
import gzip
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

import tus_reports
from peers.history import HISTORY, add_entry, entry_of, history_lines, read_history
from peers.peer_run import RECORD
from tus_reports import MatrixServer

PACKED = f"{RECORD}.gz"
REPORT = "README.md"
BEGIN, END = "<!-- servers -->\n", "<!-- end of servers -->"
LEGEND = (
    "✗ requirements violated, ▲ followed in a way that is warned about, ? no verdict; ✓ none of"
    " these, ○ not offered."
)


class UnfinishedRunError(Exception):
    """The record of a run that ended early says too little of its server to be published."""


def publish_record(published: Path, name: str, version: str, source: Path) -> Path:
    """Publish a server's record from the folder of its run; return where it is published.

    An earlier version of the server is removed, and stays in the history. The working folder is
    written as `.`, wherever the record has it. Raises UnfinishedRunError
    for a run that ended early, and changes nothing then.
    """
    footer = tus_reports.read(source / RECORD, allow_truncated=True).footer
    if footer is None or footer.error:
        reason = footer.error if footer is not None else "it was interrupted."
        raise UnfinishedRunError(f"{name} is not published, its run ended early: {reason}")
    for earlier in published.glob(f"{name}-[0-9]*"):
        shutil.rmtree(earlier)
    folder = published / f"{name}-{version}"
    folder.mkdir(parents=True)
    packed = folder / PACKED
    # Servers quote the paths of their files; those of one machine mean nothing elsewhere.
    record_bytes = (source / RECORD).read_bytes().replace(f"{Path.cwd()}/".encode(), b"./")
    packed.write_bytes(gzip.compress(record_bytes, mtime=0))
    record = read_published(packed)
    (folder / REPORT).write_text(tus_reports.markdown(record), "utf-8")
    (folder / "badge.svg").write_text(tus_reports.badge_svg(record, None), "utf-8")
    add_entry(published / HISTORY, entry_of(name, version, record))
    return folder


def published_records(published: Path, names: Sequence[str]) -> list[Path]:
    """Return the published records of servers, in the order of their names."""
    return [path for name in names for path in sorted(published.glob(f"{name}-[0-9]*/{PACKED}"))]


def write_matrix(published: Path, names: Sequence[str], readme: Path) -> list[Path]:
    """Write the tables of all that is published, and the table of servers into the readme."""
    paths = published_records(published, names)
    records = list(map(read_published, paths))
    titles = list(map(_title, records))

    def servers_from(folder: Path) -> list[MatrixServer]:
        links = [str((path.parent / REPORT).relative_to(folder)) for path in paths]
        return list(map(MatrixServer, titles, records, links))

    near = servers_from(published)
    history = "\n".join(history_lines(read_history(published / HISTORY)))
    parts = ["# Tested servers", LEGEND, tus_reports.server_table(near)]
    parts += ["## Violated requirements", tus_reports.violation_table(near)]
    parts += ["## History", history] if history else []
    (published / "matrix.md").write_text("\n\n".join(parts).rstrip() + "\n", "utf-8")
    table = tus_reports.server_table(servers_from(readme.parent))
    readme.write_text(insert_table(readme.read_text("utf-8"), f"{table}\n{LEGEND}\n"), "utf-8")
    return paths


def read_published(path: Path) -> tus_reports.Record:
    """Return a published record; a server that it does not name is called as its folder is."""
    record = tus_reports.read(path)
    if record.header.side == "client" or record.header.server_name:
        return record
    named = msgspec.structs.replace(record.header, server_name=path.parent.name)
    return dataclasses.replace(record, header=named)


def _title(record: tus_reports.Record) -> str:
    """Return what the record calls the client or the server."""
    header = record.header
    return header.target if header.side == "client" else tus_reports.server_title(header)


def insert_table(text: str, table: str) -> str:
    """Return a page with the table of the servers between the two lines that mark its place."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{table}\n{end}{after}" if begin and end else text


def write_pages(paths: Sequence[Path], target: Path) -> None:
    """Write the pages in HTML: the matrix, and for each record its report in its own folder."""
    servers = []
    for path in paths:
        record = read_published(path)
        page = target / path.parent.name / "index.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(tus_reports.html(record), "utf-8")
        servers.append(MatrixServer(_title(record), record, f"{path.parent.name}/index.html"))
    (target / "matrix.html").write_text(tus_reports.matrix_html(servers), "utf-8")


def take_pictures(published: Path, paths: Sequence[Path]) -> int:
    """Make pictures of the matrix and of the report on the last server; return the exit code.

    It needs Chromium.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_pages(paths, Path(folder))
        pages = {"matrix": "matrix.html", "report": f"{paths[-1].parent.name}/index.html"}
        pairs = [
            f"{folder}/{page}={published.resolve() / name}.png" for name, page in pages.items()
        ]
        command = [sys.executable, "-m", "browser.screenshots", *pairs]
        return subprocess.run(command, cwd="reports", check=False).returncode
