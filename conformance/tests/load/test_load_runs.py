"""`load`: real runs of Locust in a process of its own, on the reference and on servers that lie."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from loopback import closed_port
from lying_server import lose_one_byte_of, mix_up, run_lying_server

import tus_reports
from tus_reports import LoadCounts, LoadResult, Record

TIMEOUT = 120
SMALL_MIX = """
[[sizes]]
smallest = 600
largest = 300_000
[pause]
shortest = 0
longest = 0.02
[cuts]
share = 0.4
longest_wait = 0.05
"""


def load(folder: Path, *words: str, mix: str = SMALL_MIX) -> subprocess.CompletedProcess[str]:
    """Run `tus-conformance load` to its end, with a record in a folder."""
    return subprocess.run(
        command(folder, *words, mix=mix),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def command(folder: Path, *words: str, mix: str = SMALL_MIX) -> list[str]:
    file = folder / "mix.toml"
    file.write_text(mix, "utf-8")
    program = [sys.executable, "-m", "tus_conformance", "load", "--no-profile"]
    record = ("--mix", str(file), "--report-dir", str(folder))
    return [*program, *record, "--users", "6", "--spawn-rate", "50", *words]


def read_record(folder: Path) -> tuple[Record, LoadResult, LoadCounts]:
    record = tus_reports.read(folder / "run.ndjson")
    assert record.load is not None
    return record, record.load, record.load.counts


def count_of(result: LoadResult, *names: str) -> int:
    return sum(each.count for each in result.requests if each.name in names)


def check_sums(result: LoadResult) -> None:
    """What the users counted is what Locust measured, however many processes there were."""
    counts = result.counts
    creations = ("POST create", "POST create partial", "POST create with upload")
    assert counts.uploads_created == count_of(result, *creations, "POST concatenate")
    assert counts.resumes == count_of(result, "HEAD resume")
    assert counts.cuts == count_of(result, "PATCH cut")
    reads = ("GET verify", "GET verify at the end", "GET download", "GET range")
    assert counts.uploads_verified == count_of(result, *reads)
    assert result.total.count == sum(each.count for each in result.requests)


def test_the_reference_loses_nothing(tmp_path: Path) -> None:
    done = load(tmp_path, "--reference", "file", "--time", "4s", "--seed", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert "No byte lost or mixed up." in done.stdout
    record, result, counts = read_record(tmp_path)
    assert result.total.failures == counts.uploads_failed == 0
    assert min(counts.uploads_completed, counts.cuts, counts.uploads_concatenated) > 0
    assert min(counts.bytes_verified, counts.bytes_acknowledged, counts.downloads) > 0
    assert (counts.bytes_lost, counts.bytes_mixed, counts.bytes_unverified) == (0, 0, 0)
    assert counts.uploads_removed == counts.uploads_created
    check_sums(result)
    assert record.header.seed == 5
    assert (tmp_path / "index.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("lie", "kind", "says"),
    [
        (lose_one_byte_of(17), "lost", "1 byte is missing at"),
        (mix_up(19, 5), "mixed", "there are bytes of upload"),
    ],
)
def test_one_wrong_byte_in_many_uploads_is_found(
    lie: object, kind: str, says: str, tmp_path: Path
) -> None:
    with run_lying_server(lie) as server:  # type: ignore[arg-type]
        done = load(tmp_path, "--target", server.url, "--time", "4s")
    assert done.returncode == 1, done.stderr
    assert len(server.lengths) > 30
    assert says in done.stdout
    _, result, counts = read_record(tmp_path)
    assert {each.kind for each in result.findings} == {kind}
    assert counts.uploads_verified > 30
    assert (counts.uploads_lost > 0, counts.uploads_mixed > 0) == (kind == "lost", kind == "mixed")


def test_a_cut_closes_the_connection_within_a_body(tmp_path: Path) -> None:
    """The server sees bodies that end before their announced length, and each is resumed."""
    with run_lying_server() as server:
        done = load(tmp_path, "--target", server.url, "--time", "3s")
    assert done.returncode == 0, done.stderr
    _, _, counts = read_record(tmp_path)
    assert counts.cuts == len(server.broken_bodies) > 3
    assert all(received < announced for announced, received in server.broken_bodies)
    assert any(received for _, received in server.broken_bodies)


def test_a_server_without_downloads_is_undetermined(tmp_path: Path) -> None:
    with run_lying_server(downloads=False) as server:
        done = load(tmp_path, "--target", server.url, "--time", "2s")
    assert done.returncode == 3
    assert "not verified" in done.stdout
    _, result, counts = read_record(tmp_path)
    assert counts.uploads_unverified >= counts.uploads_completed > 0
    assert any("`read` command" in reason for reason in result.unverified)


def test_three_worker_processes_add_up(tmp_path: Path) -> None:
    words = ("--time", "4s", "--processes", "3", "--master-port", str(closed_port()))
    done = load(tmp_path, "--reference", "file", *words)
    assert done.returncode == 0, done.stderr
    _, result, counts = read_record(tmp_path)
    assert result.workers == 3
    assert counts.uploads_verified > 20
    check_sums(result)


def test_a_signal_ends_the_run_in_order(tmp_path: Path) -> None:
    with run_lying_server() as server:
        process = subprocess.Popen(
            command(tmp_path, "--target", server.url, "--time", "10m"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + TIMEOUT
        while server.methods.count("GET") < 10 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, err) == (0, "")
    assert "No byte lost or mixed up." in out
    assert read_record(tmp_path)[2].uploads_verified > 5


LOCUSTFILE = """
import sys
from tus_conformance.load import TusUser

class Uploader(TusUser):
    host = {url!r}

assert not {{"trio", "anyio"}} & set(sys.modules)
"""


def test_a_locustfile_can_use_the_user(tmp_path: Path) -> None:
    """Locust's own command runs it, writes the record, and exits by it."""
    record, file = tmp_path / "run.ndjson", tmp_path / "uploads.py"
    with run_lying_server(lose_one_byte_of(4)) as server:
        file.write_text(LOCUSTFILE.format(url=server.url), "utf-8")
        (tmp_path / "mix.toml").write_text(SMALL_MIX, "utf-8")
        words = ["--headless", "--users", "4", "--spawn-rate", "50", "--run-time", "3s"]
        options = ["--tus-mix", str(tmp_path / "mix.toml"), "--tus-record", str(record)]
        done = subprocess.run(
            [sys.executable, "-m", "locust", "-f", str(file), *words, *options],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            env={**os.environ, "NO_COLOR": "1"},
        )
    assert done.returncode == 1, done.stderr
    _, result, _ = read_record(tmp_path)
    assert result.findings[0].sentence.startswith("1 byte is missing")
