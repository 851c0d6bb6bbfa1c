"""`peers.publication`: where a record is published, and the table in the readme."""

from __future__ import annotations

from pathlib import Path

from peers.publication import BEGIN, END, insert_table, published_records


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
