"""`cli.load_command`: options, exit codes and what is said; real runs are in tests/load."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from loopback import closed_port

from tus_conformance.cli import load_command
from tus_conformance.cli.main import main
from tus_conformance.load.load_record import exit_code_of
from tus_conformance.load.mix import Mix
from tus_reports import (
    FORMAT,
    Counts,
    Footer,
    Header,
    LoadCounts,
    LoadResult,
    RecordWriter,
    RequestTimes,
)

DURATIONS = {"90": 90, "30s": 30, "5m": 300, "1h30m": 5400, "1m5s": 65}


@pytest.mark.parametrize("text", DURATIONS)
def test_a_duration_is_seconds(text: str) -> None:
    assert load_command.parse_duration(text) == DURATIONS[text]


@pytest.mark.parametrize("text", ["", "0", "5x", "-1", "1.5m", "m"])
def test_another_text_is_not_a_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="30s, 5m or 1h30m"):
        load_command.parse_duration(text)


def test_without_locust_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(load_command, "find_spec", lambda _name: None)
    assert main(["load", "--target", "http://127.0.0.1:1/"]) == 2
    assert "pip install '.[load]'" in capsys.readouterr().err


def test_a_port_where_nothing_listens_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{closed_port()}/files/"
    assert main(["load", "--no-profile", "--target", url]) == 3
    assert "No connection to 127.0.0.1" in capsys.readouterr().err


def test_a_wrong_mix_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mix.toml").write_text("user = 5", "utf-8")
    mix = ("--mix", str(tmp_path / "mix.toml"))
    assert main(["load", "--no-profile", "--target", "http://127.0.0.1:1/", *mix]) == 2
    assert "`user` is not a key" in capsys.readouterr().err


WRONG_OPTIONS = (
    ("--users", "0"),
    ("--spawn-rate", "fast"),
    ("--time", "soon"),
    ("--max-error-share", "2"),
    ("--max-error-share", "nan"),
    ("--master", "--worker"),
    ("--processes", "2", "--master"),
)


@pytest.mark.parametrize("words", WRONG_OPTIONS)
def test_a_wrong_option_exits_with_2(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["load", "--target", "http://127.0.0.1:1/", *words])
    assert raised.value.code == 2


def test_options_of_locust_that_cannot_be_read_exit_with_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["load", "--no-profile", "http://127.0.0.1:1/", "--locust", "'"]) == 2
    assert "--locust cannot be read" in capsys.readouterr().err


def test_an_origin_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    origin = ("--origin", "https://app.example.org")
    assert main(["load", "--no-profile", "http://127.0.0.1:1/", *origin]) == 2
    assert "--origin is for run and doctor" in capsys.readouterr().err


def test_a_report_folder_that_is_a_file_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    place = ("--report-dir", str(tmp_path / "file"))
    assert main(["load", "--no-profile", "http://127.0.0.1:1/", *place]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_help_states_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["load", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    for words in ("The exit code is 0", "1 if bytes are lost", "2 if the command", "and 3 if"):
        assert words in printed


def result_of(counts: LoadCounts, failures: int = 0, mix: str = '{"verify":1.0}') -> LoadResult:
    return LoadResult(
        users=1,
        spawn_rate=1,
        duration=1,
        workers=1,
        engine="locust",
        mix=mix,
        max_error_share=0.01,
        total=RequestTimes(name="all requests", count=1000, failures=failures),
        requests=(),
        counts=counts,
    )


GOOD = LoadCounts(uploads_verified=5)
EXIT_CODES = (
    (result_of(GOOD), 0, 0),
    (result_of(GOOD, failures=10), 0, 0),
    (result_of(GOOD, failures=11), 0, 1),
    (result_of(LoadCounts(uploads_verified=5, uploads_lost=1)), 0, 1),
    (result_of(LoadCounts(uploads_verified=5, uploads_mixed=1)), 2, 1),
    (result_of(LoadCounts(uploads_verified=5, uploads_unverified=1)), 0, 3),
    (result_of(LoadCounts()), 0, 3),
    (result_of(LoadCounts(), mix='{"verify":0.0}'), 0, 0),
    (result_of(GOOD), 1, 3),
)


@pytest.mark.parametrize(("result", "missing", "code"), EXIT_CODES)
def test_the_exit_code_follows_from_the_result(result: LoadResult, missing: int, code: int) -> None:
    """A worker that is missing may have seen what the others did not."""
    assert exit_code_of(result, missing) == code


def write_load(folder: Path, counts: LoadCounts, code: int) -> str:
    """Write the record of a load; return its path."""
    folder.mkdir()
    header = Header(
        format=FORMAT,
        suite_version="1",
        target="http://127.0.0.1:1/files/",
        seed=1,
        arguments=("load",),
        spec_edition="1.0.0",
        started_at="2026-01-01T00:00:00+00:00",
    )
    footer = Footer(counts=Counts(scenarios={}, requirements={}), exit_code=code)
    with RecordWriter(folder / "run.ndjson") as writer:
        for line in (header, result_of(counts), footer):
            writer.write(line)
    return str(folder)


def test_report_and_compare_understand_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_load(tmp_path / "good", GOOD, 0)
    bad = write_load(tmp_path / "bad", LoadCounts(uploads_lost=1, bytes_lost=1), 1)
    assert main(["report", bad]) == 0
    assert "1 byte lost in 1 upload." in capsys.readouterr().out
    for kind, sign in (("html", "<!doctype html>"), ("markdown", "## Load on"), ("json", "{")):
        assert main(["report", bad, "--format", kind]) == 0
        assert capsys.readouterr().out.startswith(sign)
    assert main(["report", good, bad, "--format", "markdown"]) == 0
    assert "| bytes lost | 0 bytes | 1 byte |" in capsys.readouterr().out
    assert main(["compare", good, bad]) == 1
    assert main(["compare", bad, good]) == 0
    assert "now / before" in capsys.readouterr().out


def test_views_that_a_load_does_not_have_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_load(tmp_path / "good", GOOD, 0)
    assert main(["report", good, "--format", "junit"]) == 2
    assert "A load has no report as junit" in capsys.readouterr().err
    assert main(["compare", good, good, good]) == 2
    assert "compare needs two loads" in capsys.readouterr().err


def test_processes_listen_on_the_loopback_interface_at_a_port_of_their_own() -> None:
    words = build_words("--processes", "2")
    assert words[words.index("--master-bind-host") + 1] == "127.0.0.1"
    assert words[words.index("--master-bind-port") + 1] == words[words.index("--master-port") + 1]
    assert "--master-bind-host" not in build_words("--master")


def build_words(*words: str) -> list[str]:
    parser = argparse.ArgumentParser()
    load_command.add_arguments(parser)
    options = parser.parse_args(["http://127.0.0.1:1/", *words])
    return load_command.build_arguments(options, Mix(), Path("run.ndjson"))
