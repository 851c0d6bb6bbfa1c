"""`benchmarks`: each mode measures what it says, and refuses a server that stores other bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.__main__ import MODES, parse_options
from benchmarks.targets import BenchmarkTarget, verify


@pytest.mark.parametrize(
    ("mode", "words", "row"),
    [
        ("small", ["--cycles", "2"], "| tus_reference | 1 KiB, 32 connections |"),
        ("creation", ["--cycles", "2"], "| tus_reference | 64 KiB, 1 connection |"),
        ("concatenate", ["--partials", "2"], "| tus_reference | 0."),
        ("large", ["--size", "2"], "| PATCH in chunks | 0."),
    ],
)
def test_a_mode_has_a_row_for_the_reference(
    mode: str, words: list[str], row: str, tmp_path: Path
) -> None:
    options = parse_options([f"--{mode}", "--rounds", "1", *words])
    results = MODES[options.mode][0](options.server, tmp_path, options)
    assert any(line.startswith(row) for line in results.lines()), results.lines()


def test_other_bytes_are_no_measurement(tmp_path: Path) -> None:
    stored = tmp_path / "stored"
    stored.write_bytes(b"aab")
    with pytest.raises(AssertionError, match="differs from what was sent"):
        verify(stored, b"a", 3)
    stored.write_bytes(b"aaaa")
    with pytest.raises(AssertionError, match="is too long"):
        verify(stored, b"a", 3)


def test_a_server_needs_its_port_and_where_it_stores(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (server,) = parse_options(["--server", "x=run PORT FOLDER"]).server
    assert server == BenchmarkTarget("x", ("run", "PORT", "FOLDER"))
    program = tmp_path / "run"
    program.touch()
    target = BenchmarkTarget("x", (str(program), "-base-path", "/files/", "PORT", "FOLDER"))
    assert target.describe() == "run -base-path /files/ PORT FOLDER"
    with pytest.raises(SystemExit):
        parse_options(["--server", "x=run PORT"])
    assert "write NAME='command PORT FOLDER' (of --s3 ENDPOINT)" in capsys.readouterr().err
