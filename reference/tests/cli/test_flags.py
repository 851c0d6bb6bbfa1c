"""`cli.flags`: what `tus-reference` prints, how it stops, what it keeps."""

from __future__ import annotations

import argparse
import signal
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from server_process import run_failing_server, run_server

from tus_reference.cli import new_parser, parse_seconds

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1024 * 1024


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_and_what_arrived_is_kept(tmp_path: Path, number: int) -> None:
    with run_server("--upload-dir", str(tmp_path / "made")) as server:
        path = server.create(10)
        with server.begin_patch(path, 10) as connection:
            connection.sendall(b"hello")
            while server.request("HEAD", path).headers["Upload-Offset"] != "5":
                pass
            code, err = server.stop(number)
            answer = connection.recv(65536)
    assert code == 0
    assert "stopping on" in err
    assert "Traceback" not in err
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"ERR_SERVER_SHUTDOWN" in answer
    assert (tmp_path / "made" / path.removeprefix("/files/")).read_bytes() == b"hello"


@pytest.mark.parametrize("port", ["80888", "65536", "-1", "http", ""])
def test_a_port_that_does_not_exist_is_an_error(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        new_parser().parse_args([f"--port={port}"])
    assert ended.value.code == 2
    assert f"{port!r} is not a port; give a number from 0 to 65535" in capsys.readouterr().err


def test_a_long_upload_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    size = 512 * MIB
    with run_server("--upload-dir", str(tmp_path)) as server:
        path = server.create(size)
        with server.begin_patch(path, size) as connection:
            piece = bytes(MIB)
            for _ in range(size // MIB):
                connection.sendall(piece)
            assert connection.recv(65536).startswith(b"HTTP/1.1 204 ")
        assert (tmp_path / path.removeprefix("/files/")).stat().st_size == size
        assert server.peak_memory() < 60 * MIB


def test_a_disk_that_hangs_does_not_stop_other_uploads(tmp_path: Path) -> None:
    with run_server("--upload-dir", str(tmp_path)) as server:
        hanging, other = server.create(5), server.create(5)
        file = tmp_path / hanging.removeprefix("/files/")
        file.unlink()
        # Opening a pipe for writing waits for a reader, as a disk may wait for its network.
        subprocess.run(["mkfifo", str(file)], check=True)
        with server.begin_patch(hanging, 5) as connection:
            connection.sendall(b"hello")
            for _ in range(3):
                assert server.request("HEAD", other).status == 200
            assert server.patch(other, 0, b"hello") == 204
        reader = threading.Thread(target=file.read_bytes, daemon=True)
        reader.start()
        reader.join(10)
        assert not reader.is_alive()


def test_a_second_signal_stops_even_a_server_that_waits_for_a_disk(tmp_path: Path) -> None:
    with run_server("--upload-dir", str(tmp_path)) as server:
        path = server.create(5)
        file = tmp_path / path.removeprefix("/files/")
        file.unlink()
        subprocess.run(["mkfifo", str(file)], check=True)
        with server.begin_patch(path, 5) as connection:
            connection.sendall(b"hello")
            server.wait_for_line("tus-reference: store")
            server.request("HEAD", "/files/x")
            server.process.send_signal(signal.SIGTERM)
            server.wait_for_line("stopping")
            code, err = server.stop()
    assert (code, "Traceback" in err) == (1, False)


def test_the_memory_store_and_all_extensions_are_a_flag_away(tmp_path: Path) -> None:
    with run_server("--store", "memory", "--expire-after", "1h", "--max-size", "1000") as server:
        response = server.request("OPTIONS", "/files/")
        assert response.headers["Tus-Max-Size"] == "1000"
        assert len(response.headers["Tus-Extension"].split(",")) == 9
        assert server.stop()[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--port", "x"], 2, "is not a port; give a number from 0 to 65535"),
        (["--max-size", "10MB"], 2, "is not a number of bytes; write digits only, such as"),
        (["--workers", "0"], 2, "--workers: '0' is not a whole number of 1 or more"),
        (["--defect", "a", "--defect", "b"], 2, "--defect can be given once"),
        (["--hooks-enabled-events", "pre-x"], 2, "'pre-x' is not an event; they are pre-create,"),
        (["--hooks-http", "x"], 2, "--hooks-http: 'x' is not an http or https URL"),
        (["--hooks-http", "http://x:99999"], 2, "'http://x:99999' is not an http or https URL"),
        (["--s3-endpoint", "http://x:99999"], 2, "'http://x:99999' is not an http or https URL"),
        (["--behind-poxy"], 2, "--behind-poxy is not a flag. Did you mean --behind-proxy?"),
        (["--expire-after", "soon"], 2, "is not a duration; write 90, 90s or 1m30s"),
        (["--file-perms", "9"], 2, "is not an octal mode"),
        (["--base-path", "a b"], 2, "--base-path must be a path or an http(s) URL, got 'a b'."),
        (
            ["--network-timeout", "0"],
            2,
            "--network-timeout must be a number of seconds above 0, got 0.",
        ),
        (["--store", "memory", "--locker", "file"], 2, "--locker file needs --store file"),
        (["--locker", "redis"], 2, "--locker redis needs --redis-url URL"),
        (["--redis-lease", "2"], 2, "--redis-url and --redis-lease need --locker redis"),
        (
            ["--store", "memory", "--locker", "redis", "--redis-url", "redis://127.0.0.1"],
            2,
            "--locker redis needs --store file or s3",
        ),
        (
            ["--locker", "redis", "--redis-url", "http://127.0.0.1"],
            2,
            "The URL of Redis cannot be used",
        ),
        (["--upload-dir", "/dev/null/x"], 2, "cannot use /dev/null/x: Not a directory"),
        (["--host", "192.0.2.1"], 1, "cannot listen on 192.0.2.1 port 0"),
        (["--unknown"], 2, "--unknown is not a flag"),
    ],
)
def test_a_mistake_costs_one_sentence(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    found, said = run_failing_server("--upload-dir", str(tmp_path), *arguments)
    assert found == code
    assert sentence in said


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90), ("0.5", 0.5), ("90s", 90), ("1m30s", 90), ("500ms", 0.5), ("24h", 86400)],
)
def test_durations(text: str, value: float) -> None:
    assert parse_seconds(text) == value


@pytest.mark.parametrize("text", ["", "s", "-1", "1d", "1 s", "1h30", "inf"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_seconds(text)


def test_every_flag_is_explained() -> None:
    flags = [action for action in new_parser()._actions if action.option_strings]
    assert len(flags) >= 20
    hidden = [f for f in flags if f.help == argparse.SUPPRESS]
    assert [f.option_strings for f in hidden] == [["--misbehave"], ["--eccentric"]]
    assert [f.option_strings for f in flags if not f.help or len(f.help) < 15] == [
        f.option_strings for f in hidden
    ]
    assert "--dir" in new_parser().format_help()


def test_the_manual_fits_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert [line for line in new_parser().format_help().splitlines() if len(line) > 80] == []
