"""Published records: a folder for each server and version, and what all of them make."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from peers.peer_run import RECORD

PACKED = f"{RECORD}.gz"
BEGIN, END = "<!-- servers -->\n", "<!-- end of servers -->"


def publish_record(published: Path, name: str, version: str) -> Path:
    """Move a server's record, packed, to where its version is published, with a report next to it.

    An earlier version of the server is removed. Returns the folder.
    """
    for earlier in published.glob(f"{name}-[0-9]*"):
        shutil.rmtree(earlier)
    folder = (published / name).rename(published / f"{name}-{version}")
    (folder / "output.txt").unlink(missing_ok=True)
    plain, packed = folder / RECORD, folder / PACKED
    packed.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    plain.unlink()
    _write_report(str(packed), *("--format", "html", "--brief"), out=folder / "index.html")
    return folder


def published_records(published: Path, names: Sequence[str]) -> list[Path]:
    """Return the published records of servers, in the order of their names."""
    return [path for name in names for path in sorted(published.glob(f"{name}-[0-9]*/{PACKED}"))]


def write_matrix(published: Path, names: Sequence[str], readme: Path) -> list[Path]:
    """Write the matrix of all that is published, and its table into the readme."""
    records = published_records(published, names)
    paths = [str(path) for path in records]
    _write_report(*paths, "--format", "html", out=published / "matrix.html")
    _write_report(*paths, "--format", "markdown", out=published / "matrix.md")
    table = subprocess.run(
        [sys.executable, "-m", "tus_conformance", "report", *paths, "--format", "markdown"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    readme.write_text(insert_table(readme.read_text("utf-8"), table), "utf-8")
    return records


def insert_table(text: str, table: str) -> str:
    """Return a page with the table of the servers between the two lines that mark its place."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{table}\n{end}{after}" if begin and end else text


def take_pictures(published: Path, records: Sequence[Path]) -> None:
    """Make pictures of the matrix and of the report on the second record; needs Chromium."""
    report = (list(records)[1:] or list(records))[0].with_name("index.html")
    pages = {"matrix": published / "matrix.html", "report": report}
    pairs = [f"{page.resolve()}={published.resolve() / name}.png" for name, page in pages.items()]
    command = [sys.executable, "-m", "browser.screenshots", *pairs]
    subprocess.run(command, cwd="reports", check=True)


def _write_report(*arguments: str, out: Path) -> None:
    command = [sys.executable, "-m", "tus_conformance", "report", *arguments, "--out", str(out)]
    subprocess.run(command, check=True)
