"""`load_views`: a load in words, in every format, and what its first sentence says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hostile_text import HOSTILE
from load_records import load_record

from tus_reports import (
    LoadCounts,
    LoadError,
    LoadFinding,
    RecordWriter,
    load_html,
    load_json,
    load_markdown,
    load_text,
    read,
)
from tus_reports.load_views import format_bytes, format_seconds, load_sentence

SENTENCES = (
    (LoadCounts(uploads_verified=2, bytes_verified=500), 0, "", "No byte lost or mixed up. 500"),
    (LoadCounts(uploads_lost=1, bytes_lost=1), 0, "", "1 byte lost in 1 upload."),
    (LoadCounts(uploads_mixed=2, bytes_mixed=70), 0, "", "70 bytes mixed up in 2 uploads."),
    (LoadCounts(uploads_verified=2), 50, "", "5 % of the requests failed; 1 % are tolerated."),
    (LoadCounts(uploads_verified=2), 0, "1 worker ended.", "1 worker ended."),
    (LoadCounts(uploads_verified=2, uploads_unverified=3), 0, "", "3 uploads not verified."),
    (LoadCounts(), 0, "", "No upload was verified."),
)


@pytest.mark.parametrize(("counts", "failures", "error", "sentence"), SENTENCES)
def test_the_sentence_has_the_gravest_first(
    counts: LoadCounts, failures: int, error: str, sentence: str
) -> None:
    assert sentence in load_sentence(load_record(counts, failures=failures, error=error))


def test_a_record_of_a_load_is_read_back(tmp_path: Path) -> None:
    written = load_record(LoadCounts(uploads_verified=2, cuts=5))
    with RecordWriter(tmp_path / "run.ndjson") as writer:
        assert written.load is not None
        assert written.footer is not None
        for line in (written.header, written.load, written.footer):
            writer.write(line)
    assert read(tmp_path / "run.ndjson") == written


def test_every_view_has_the_requests_and_the_counts() -> None:
    record = load_record(LoadCounts(uploads_verified=2, cuts=5))
    for view in (load_text, load_markdown, load_html):
        text = view(record)
        assert "PATCH upload" in text
        assert "5 connections cut" in text
        assert "20 ms" in text


def test_the_text_fits_a_terminal_of_100_columns() -> None:
    assert max(map(len, load_text(load_record()).splitlines())) <= 100


def test_json_has_the_conclusion_and_every_count() -> None:
    document = json.loads(load_json(load_record(LoadCounts(uploads_lost=1, bytes_lost=1), code=1)))
    assert document["exit_code"] == 1
    assert document["counts"]["bytes_lost"] == 1
    assert document["counts"]["bytes_mixed"] == 0
    assert document["conclusion"].startswith("1 byte lost")


def test_hostile_text_cannot_break_out() -> None:
    """A server decides what a URL in a finding and an error message say."""
    plain = load_record()
    assert plain.load is not None
    load = msgspec.structs.replace(
        plain.load,
        findings=(LoadFinding("lost", "upload 1", HOSTILE, HOSTILE),),
        errors=(LoadError("PATCH upload", HOSTILE, 3),),
        unverified={HOSTILE: 1},
    )
    record = replace(plain, load=load)
    assert "\x1b" not in load_text(record)
    assert "<script" not in load_html(record)
    assert "<script" not in load_markdown(record)


def test_units() -> None:
    assert [format_bytes(each) for each in (0, 1, 5000, 20480, 3 * 1024**2, 5 * 1024**3)] == [
        "0 bytes",
        "1 byte",
        "5000 bytes",
        "20.0 KiB",
        "3.0 MiB",
        "5.0 GiB",
    ]
    assert [format_seconds(each) for each in (0, 0.0045, 0.25, 1.25)] == [
        "0.0 ms",
        "4.5 ms",
        "250 ms",
        "1.2 s",
    ]
