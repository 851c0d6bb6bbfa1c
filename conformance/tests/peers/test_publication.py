"""`peers.publication`: what a record leaves where it is published, and the tables of all."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import tus_reports
from peers.history import HISTORY, read_history
from peers.publication import (
    BEGIN,
    END,
    UnfinishedRunError,
    insert_table,
    publish_record,
    published_records,
    write_matrix,
    write_pages,
)

SAMPLE = Path(__file__).parents[3] / "reports/tests/records/format-2.ndjson"


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Return the folder of a run, with its record."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.ndjson").write_bytes(SAMPLE.read_bytes())
    return folder


def test_the_table_replaces_what_is_between_the_marks() -> None:
    page = f"before\n{BEGIN}old\n{END}after\n"
    assert insert_table(page, "new\n") == f"before\n{BEGIN}\nnew\n\n{END}after\n"
    assert insert_table("no marks", "new\n") == "no marks"


def test_a_server_whose_name_begins_with_that_of_another_has_its_own_record(tmp_path: Path) -> None:
    for folder in ("tusd-2.0.0", "tusd-s3-2.0.0"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "run.ndjson.gz").touch()
    found = published_records(tmp_path, ["tusd-s3", "tusd"])
    assert [path.parent.name for path in found] == ["tusd-s3-2.0.0", "tusd-2.0.0"]


def test_paths_of_the_machine_are_not_published(
    tmp_path: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = run_folder / "run.ndjson"
    url = tus_reports.read(SAMPLE).header.target
    record.write_bytes(SAMPLE.read_bytes().replace(url.encode(), f"{tmp_path}/uploads/".encode()))
    folder = publish_record(tmp_path / "published", "one", "1.0.0", run_folder)
    published = gzip.decompress((folder / "run.ndjson.gz").read_bytes()).decode()
    assert str(tmp_path) not in published
    assert "./uploads/" in published


def test_a_new_version_replaces_the_earlier_one_and_both_are_in_the_history(
    tmp_path: Path, run_folder: Path
) -> None:
    published = tmp_path / "published"
    for version in ("1.0.0", "1.0.0", "1.1.0"):
        folder = publish_record(published, "one", version, run_folder)
    assert [path.name for path in published.iterdir() if path.is_dir()] == ["one-1.1.0"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "badge.svg",
        "run.ndjson.gz",
    ]
    assert gzip.decompress((folder / "run.ndjson.gz").read_bytes()) == SAMPLE.read_bytes()
    entries = read_history(published / HISTORY)
    assert [(each.server, each.version) for each in entries] == [("one", "1.0.0"), ("one", "1.1.0")]
    assert entries[0].violated == tuple(
        sorted(
            line.id
            for line in tus_reports.read(SAMPLE).requirements
            if line.verdict == "fail" and not line.is_aggregate
        )
    )


def test_a_run_that_ended_early_is_not_published(tmp_path: Path, run_folder: Path) -> None:
    published = tmp_path / "published"
    kept = publish_record(published, "one", "1.0.0", run_folder)
    *lines, footer = (run_folder / "run.ndjson").read_text("utf-8").splitlines()
    ended = json.dumps({**json.loads(footer), "error": "The time limit ended the run."})
    for last, reason in (([ended], "The time limit ended the run."), ([], "it was interrupted.")):
        (run_folder / "run.ndjson").write_text("\n".join([*lines, *last, ""]), "utf-8")
        with pytest.raises(UnfinishedRunError, match=reason):
            publish_record(published, "one", "1.1.0", run_folder)
    assert [path for path in published.iterdir() if path.is_dir()] == [kept]


def test_the_tables_and_pages_lead_to_the_report_of_each_server(
    tmp_path: Path, run_folder: Path
) -> None:
    published, readme = tmp_path / "published", tmp_path / "README.md"
    readme.write_text(f"{BEGIN}{END}\n", "utf-8")
    for name in ("one", "two"):
        publish_record(published, name, "1.0.0", run_folder)
    # The sample calls its server nothing, so that the folders are the names.
    paths = write_matrix(published, ["two", "one", "three"], readme)
    assert [path.parent.name for path in paths] == ["two-1.0.0", "one-1.0.0"]
    assert "(published/one-1.0.0/README.md)" in readme.read_text("utf-8")
    matrix = (published / "matrix.md").read_text("utf-8")
    assert "(one-1.0.0/README.md)" in matrix
    assert "## Violated requirements" in matrix
    write_pages(paths, tmp_path / "pages")
    assert 'href="one-1.0.0/index.html' in (tmp_path / "pages/matrix.html").read_text("utf-8")
    page = (tmp_path / "pages/two-1.0.0/index.html").read_text("utf-8")
    assert "<h1>two-1.0.0</h1>" in page
    summary = (published / "two-1.0.0/README.md").read_text("utf-8")
    assert summary.startswith("## tus conformance of two-1.0.0\n")
