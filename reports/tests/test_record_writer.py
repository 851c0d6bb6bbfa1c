"""`record_writer`: records are written line by line, each in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tus_reports import Record, RecordLine, RecordOrderError, RecordWriter, read

Write = Callable[..., Path]


def test_what_was_written_is_read(sample: Record, write: Write) -> None:
    """A record survives the way to the file and back, to the last field."""
    assert read(write(sample)) == sample


def test_each_line_is_on_disk_once_written(sample: Record, tmp_path: Path) -> None:
    """A run that dies loses nothing it had written."""
    path = tmp_path / "run.ndjson"
    with RecordWriter(path) as writer:
        writer.write(sample.header)
        writer.write(sample.scenarios[0])
        found = read(path, allow_truncated=True)
    assert found.scenarios == (sample.scenarios[0],)
    assert found.footer is None


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        pytest.param("hh", "a second header", id="two headers"),
        pytest.param("s", "before the header", id="no header"),
        pytest.param(
            "hfs", "Cannot write a scenario to .* after the footer", id="a line after the end"
        ),
        pytest.param("hff", "Cannot write a footer to .* after the footer", id="two footers"),
    ],
)
def test_the_writer_refuses(kinds: str, says: str, sample: Record, tmp_path: Path) -> None:
    """A line out of place is a mistake of the program, and nothing of it reaches the file."""
    assert sample.footer is not None
    lines: dict[str, RecordLine] = {
        "h": sample.header,
        "s": sample.scenarios[0],
        "f": sample.footer,
    }
    path = tmp_path / "run.ndjson"
    with RecordWriter(path) as writer:
        for kind in kinds[:-1]:
            writer.write(lines[kind])
        before = path.read_bytes()
        with pytest.raises(RecordOrderError, match=says):
            writer.write(lines[kinds[-1]])
        assert path.read_bytes() == before
