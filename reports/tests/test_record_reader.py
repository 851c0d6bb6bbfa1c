"""`record_reader`: records are read back complete; broken ones are rejected by name."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import tus_reports
from tus_reports import (
    DuplicateError,
    EmptyRecordError,
    MisplacedLineError,
    NoHeaderError,
    NotARecordError,
    Record,
    TruncatedRecordError,
    UnknownFormatError,
    read,
)

Write = Callable[..., Path]
RECORDS = Path(__file__).with_name("records")


HEADER = (
    b'{"kind":"header","format":2,"suite_version":"0","target":"t","seed":1,"arguments":[],'
    b'"spec_edition":"tus 1.0.0","started_at":"s"}\n'
)
SCENARIO = (
    b'{"kind":"scenario","id":"a","title":"t","verdict":"pass","section":"s","extension":"core"}\n'
)
REQUIREMENT = (
    b'{"kind":"requirement","id":"a","level":"MUST","section":"s","extension":"core",'
    b'"statement":"s","verdict":"pass","scenarios":[]}\n'
)
DISCOVERY = b'{"kind":"discovery"}\n'
FOOTER = b'{"kind":"footer","counts":{"scenarios":{},"requirements":{}},"exit_code":0}\n'


@pytest.mark.parametrize("number", [1, 2])
def test_a_stored_record_stays_readable(number: int, sample: Record) -> None:
    """A record that was stored when its format was new is read like a fresh one."""
    assert read(RECORDS / f"format-{number}.ndjson") == sample


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        pytest.param(b"", EmptyRecordError, "is empty", id="empty"),
        pytest.param(b"\n\n", EmptyRecordError, "is empty", id="blank"),
        pytest.param(b"hello\n", NotARecordError, "line 1, is not", id="prose"),
        pytest.param(b"[1]\n", NotARecordError, "line 1, is not", id="JSON, but no object"),
        pytest.param(b"\xff\xfe\n", NotARecordError, "line 1, is not", id="no UTF-8"),
        pytest.param(HEADER + b"{]\n" + FOOTER, NotARecordError, "line 2, is not", id="bad line"),
        pytest.param(
            HEADER + b'{"kind":"joke"}\n' + FOOTER, NotARecordError, "line 2", id="unknown kind"
        ),
        pytest.param(
            HEADER + SCENARIO.replace(b'"pass"', b'"maybe"') + FOOTER,
            NotARecordError,
            "line 2",
            id="unknown verdict",
        ),
        pytest.param(SCENARIO + FOOTER, NoHeaderError, "does not begin", id="no header"),
        pytest.param(b"{}\n", NoHeaderError, "does not begin", id="an object without kind"),
        pytest.param(
            HEADER.replace(b":2,", b":3,", 1), UnknownFormatError, "of format 3", id="format 3"
        ),
        pytest.param(HEADER + SCENARIO, TruncatedRecordError, "no footer", id="truncated"),
        pytest.param(
            HEADER + SCENARIO + SCENARIO[:40], TruncatedRecordError, "after 1 scen", id="mid-line"
        ),
        pytest.param(
            HEADER + HEADER + FOOTER, MisplacedLineError, "line 2, is a second h", id="two headers"
        ),
        pytest.param(
            HEADER + DISCOVERY * 2, MisplacedLineError, "is a second disc", id="two discoveries"
        ),
        pytest.param(
            HEADER + FOOTER + SCENARIO, MisplacedLineError, "line 3, is after", id="line after"
        ),
        pytest.param(
            (HEADER + FOOTER) * 2, MisplacedLineError, "line 3, is after", id="two records"
        ),
        pytest.param(
            HEADER + SCENARIO * 2 + FOOTER, DuplicateError, "scenario a;", id="scenario twice"
        ),
        pytest.param(
            HEADER + REQUIREMENT * 2 + FOOTER, DuplicateError, "requirement a;", id="row twice"
        ),
    ],
)
def test_the_reader_refuses(text: bytes, error: type, says: str, tmp_path: Path) -> None:
    """Each way of not being a record has an error of its own, whose sentence names the file."""
    path = tmp_path / "given.ndjson"
    path.write_bytes(text)
    with pytest.raises(error, match=says) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_truncated_record_is_kept(sample: Record, write: Write) -> None:
    """The error of a truncated record carries what could be read, and a flag asks for it."""
    cut_short = replace(sample, footer=None)
    path = write(cut_short)
    with pytest.raises(TruncatedRecordError) as caught:
        read(path)
    assert caught.value.record == cut_short
    assert read(path, allow_truncated=True) == cut_short


def test_a_packed_record_is_read(sample: Record, write: Write, tmp_path: Path) -> None:
    """A record that gzip has made smaller is as good as any."""
    packed = tmp_path / "run.ndjson.gz"
    packed.write_bytes(gzip.compress(write(sample).read_bytes()))
    assert read(packed) == sample


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda whole: whole[:-30], "is truncated"),
        (lambda whole: b"\x1f\x8b" + whole, "decompressed"),
    ],
    ids=["cut short", "no gzip"],
)
def test_a_packed_record_that_is_spoilt_is_named(
    spoil: Callable[[bytes], bytes], says: str, sample: Record, write: Write, tmp_path: Path
) -> None:
    """It is no record, rather than one that was cut short."""
    packed = tmp_path / "run.ndjson.gz"
    packed.write_bytes(spoil(gzip.compress(write(sample).read_bytes())))
    with pytest.raises(NotARecordError, match=says):
        read(packed, allow_truncated=True)


def test_a_newer_field_is_passed_over(tmp_path: Path) -> None:
    """A field that a later version added to a line does not make the record unreadable."""
    path = tmp_path / "run.ndjson"
    path.write_bytes(HEADER + SCENARIO.replace(b"}", b',"mood":"fine"}') + FOOTER)
    assert [scenario.id for scenario in read(path).scenarios] == ["a"]


def test_verdicts_round_trip() -> None:
    """Every verdict word is read back as itself."""
    for verdict in tus_reports.VERDICTS:
        assert (
            msgspec.json.decode(msgspec.json.encode(verdict), type=tus_reports.Verdict) == verdict
        )


FORMAT_1 = HEADER.replace(b'"format":2', b'"format":1').replace(b"started_at", b"started")


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        pytest.param(b"{]\n" + FOOTER, NotARecordError, "line 2, is not", id="bad line"),
        pytest.param(
            b"[1]\n" + FOOTER, NotARecordError, "line 2, is not", id="JSON, but no object"
        ),
        pytest.param(b'{"kind":"scenario"}\n' + FOOTER, NotARecordError, "line 2", id="no fields"),
        pytest.param(SCENARIO + SCENARIO[:40], TruncatedRecordError, "after 1 scen", id="mid-line"),
        pytest.param(SCENARIO * 2 + FOOTER, DuplicateError, "scenario a;", id="scenario twice"),
    ],
)
def test_the_reader_refuses_in_format_1_too(
    text: bytes, error: type, says: str, tmp_path: Path
) -> None:
    """What is wrong with a line is said of it as it is converted."""
    path = tmp_path / "given.ndjson"
    path.write_bytes(FORMAT_1 + text)
    with pytest.raises(error, match=says):
        read(path)
