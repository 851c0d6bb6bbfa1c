"""Fixtures of the views: a sample run, the stored renderings, and records in files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_record import record_lines, sample_record

from tus_reports import Record, RecordWriter


@pytest.fixture
def sample() -> Record:
    """A run in which every verdict occurs."""
    return sample_record()


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a stored one; with REGENERATE_GOLDEN set, store it instead."""
    folder = Path(__file__).with_name("golden")

    def compare(name: str, text: str) -> None:
        path = folder / name
        if os.environ.get("REGENERATE_GOLDEN"):
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8"), f"{name} changed; see golden/README.md"

    return compare


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Record], Path]:
    """Write a record to a file and return its path."""

    def written(record: Record, name: str = "run.ndjson") -> Path:
        path = tmp_path / name
        with RecordWriter(path) as writer:
            for line in record_lines(record):
                writer.write(line)
        return path

    return written
