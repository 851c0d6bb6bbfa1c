"""`load`: real runs of Locust in a process of its own, on the reference and on servers that lie."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil
import pytest
from loopback import closed_port
from lying_server import Lie, lose_one_byte_in, mix_up_one_in, run_lying_server

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
[tasks]
upload = 3
upload_at_creation = 1
parallel = 3
abandon = 0.3
download = 2
"""


@dataclass(frozen=True)
class Ended:
    """How a load ended, and what it printed."""

    code: int
    out: str
    err: str


def load(folder: Path, *words: str, until: Callable[[], bool] | None = None) -> Ended:
    """Run `tus-conformance load` to its end, with a record in a folder.

    With `until` it has no other end than SIGINT, once that holds: a loaded machine is slow.
    """
    endless = ("--time", "10m") if until is not None else ()
    process = subprocess.Popen(
        command(folder, *words, *endless),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if until is not None:
        wait_until(lambda: until() or process.poll() is not None)
        process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT)
    return Ended(process.returncode, out, err)


def command(folder: Path, *words: str) -> list[str]:
    file = folder / "mix.toml"
    file.write_text(SMALL_MIX, "utf-8")
    program = [sys.executable, "-m", "tus_conformance", "load", "--no-profile"]
    record = ("--mix", str(file), "--report-dir", str(folder))
    return [*program, *record, "--users", "6", "--spawn-rate", "50", *words]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
    done = load(tmp_path, "--reference", "file", "--time", "5s", "--seed", "5")
    assert (done.code, done.err) == (0, "")
    assert "No byte lost or mixed up." in done.out
    record, result, counts = read_record(tmp_path)
    assert result.total.failures == counts.uploads_failed == 0
    assert min(counts.uploads_completed, counts.cuts, counts.uploads_concatenated) > 0
    assert min(counts.bytes_verified, counts.bytes_acknowledged) > 0
    assert (counts.bytes_lost, counts.bytes_mixed, counts.bytes_unverified) == (0, 0, 0)
    assert counts.uploads_removed == counts.uploads_created
    check_sums(result)
    assert record.header.seed == 5
    assert (tmp_path / "index.html").read_text("utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("lie", "kind", "says"),
    [
        (lose_one_byte_in(17), "lost", "1 byte is missing at"),
        (mix_up_one_in(19), "mixed", "there are bytes of upload"),
    ],
)
def test_one_wrong_upload_of_many_is_found(lie: Lie, kind: str, says: str, tmp_path: Path) -> None:
    with run_lying_server(lie) as server:
        done = load(tmp_path, "--target", server.url, until=lambda: len(server.lengths) > 40)
    assert done.code == 1, done.err
    assert says in done.out
    _, result, counts = read_record(tmp_path)
    assert {each.kind for each in result.findings} == {kind}
    assert counts.uploads_verified > 20
    assert (counts.uploads_lost > 0, counts.uploads_mixed > 0) == (kind == "lost", kind == "mixed")


def test_a_cut_closes_the_connection_within_a_body(tmp_path: Path) -> None:
    """The server sees bodies that end before their announced length, and each is resumed."""
    with run_lying_server() as server:
        done = load(tmp_path, "--target", server.url, until=lambda: len(server.broken_bodies) > 8)
    assert done.code == 0, done.err
    _, _, counts = read_record(tmp_path)
    assert counts.cuts == len(server.broken_bodies)
    assert all(received < announced for announced, received in server.broken_bodies)
    assert any(received for _, received in server.broken_bodies)


def test_a_server_without_downloads_is_undetermined(tmp_path: Path) -> None:
    with run_lying_server(downloads=False) as server:
        done = load(tmp_path, "--target", server.url, until=lambda: len(server.lengths) > 5)
    assert done.code == 3
    assert "not verified" in done.out
    _, result, counts = read_record(tmp_path)
    assert counts.uploads_unverified >= counts.uploads_completed > 0
    assert any("`read` command" in reason for reason in result.unverified)


def test_three_worker_processes_add_up(tmp_path: Path) -> None:
    words = ("--time", "4s", "--processes", "3", "--master-port", str(closed_port()))
    done = load(tmp_path, "--reference", "file", *words)
    assert done.code == 0, done.err
    _, result, counts = read_record(tmp_path)
    assert result.workers == 3
    assert counts.uploads_verified > 5
    check_sums(result)


def test_a_signal_ends_the_run_in_order(tmp_path: Path) -> None:
    """The users finish what they do, and what they kept is compared once more."""
    with run_lying_server() as server:
        enough = partial(is_over, server.methods, "GET", 10)
        done = load(tmp_path, "--target", server.url, until=enough)
    assert (done.code, done.err) == (0, "")
    assert "No byte lost or mixed up." in done.out
    assert "verify at the end" in done.out


def is_over(methods: list[str], method: str, count: int) -> bool:
    return methods.count(method) > count


def test_a_worker_that_is_killed_is_noticed(tmp_path: Path) -> None:
    """What it did since its last report is unknown, so the run cannot tell."""
    words = ("--time", "10s", "--processes", "2", "--master-port", str(closed_port()))
    with run_lying_server() as server:
        process = subprocess.Popen(
            command(tmp_path, "--target", server.url, *words), stdout=subprocess.PIPE, text=True
        )
        wait_until(partial(is_over, server.methods, "GET", 10))
        (locust,) = psutil.Process(process.pid).children()
        locust.children()[0].kill()
        out, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 3
    assert "1 worker ended without a last report" in out


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
    with run_lying_server(lose_one_byte_in(4)) as server:
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
