"""`drivers.publication`: the records of clients, packed, and the matrix of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from drivers.publication import (
    PACKED,
    RECORD,
    REPORT,
    publish_record,
    published_records,
    remove_place,
    write_matrix,
)
from tus_conformance.clients.client_run import make_footer, make_header
from tus_reports import Discovery, RecordWriter, read


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["clients", "--report-dir", "/somewhere", "--jobs", "4"], ["clients", "--jobs", "4"]),
        (["clients", "--jobs", "4", "--report-dir", "/x"], ["clients", "--jobs", "4"]),
        (["clients"], ["clients"]),
    ],
)
def test_a_published_record_does_not_say_where_it_was_written(
    arguments: list[str], kept: list[str]
) -> None:
    header = json.dumps({"kind": "header", "arguments": arguments, "seed": 1})
    assert json.loads(remove_place(header)) == {"kind": "header", "arguments": kept, "seed": 1}


def test_a_record_is_packed_with_its_report_and_joins_the_matrix(tmp_path: Path) -> None:
    published = tmp_path / "published"
    for name in ("two", "one"):
        report = tmp_path / "report" / name
        report.mkdir(parents=True)
        with RecordWriter(report / RECORD) as writer:
            writer.write(make_header(f"{name} 1.0", 1, ("clients", "--report-dir", str(report))))
            writer.write(Discovery())
            writer.write(make_footer([], [], 0, 1.0))
        folder = publish_record(report, published)
        assert folder == published / name
        assert str(tmp_path) not in gzip.decompress((folder / PACKED).read_bytes()).decode()
        assert read(folder / PACKED).header.target == f"{name} 1.0"
        assert f"{name} 1.0" in (folder / REPORT).read_text("utf-8")
    assert [path.parent.name for path in published_records(published)] == ["one", "two"]
    write_matrix(published)
    matrix = (published / "matrix.md").read_text("utf-8")
    assert "[one 1.0](one/README.md)" in matrix
    assert "[two 1.0](two/README.md)" in matrix
