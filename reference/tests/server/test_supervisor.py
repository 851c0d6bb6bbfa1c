"""`server.supervisor`: TLS, Unix sockets, several processes."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trustme
from server_process import (
    OFFSET_CONTENT_TYPE,
    ReferenceProcess,
    UnixHTTPConnection,
    has_exited,
    run_failing_server,
    run_server,
    wait_until,
)

from interop.server_response import send_request

if TYPE_CHECKING:
    from pathlib import Path


class CertificateAuthority:
    """Issues certificates, into the two files that the server reads."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self.chain, self.key = folder / "chain.pem", folder / "key.pem"
        self.flags = ("--tls-certificate", str(self.chain), "--tls-key", str(self.key))

    def issue(self, name: str) -> str:
        """Write a certificate for 127.0.0.1 with a further name, which is returned."""
        issued = self.ca.issue_cert("127.0.0.1", name)
        self.key.write_bytes(issued.private_key_pem.bytes())
        self.chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        return name

    def trust(self, server: ReferenceProcess) -> ReferenceProcess:
        """Let the client of a server believe in this authority."""
        server.trust = ssl.create_default_context()
        self.ca.configure_trust(server.trust)
        return server

    def names(self, server: ReferenceProcess) -> str:
        """Return the names in the certificate that a new connection is shown."""
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain,
            (server.trust or ssl.create_default_context()).wrap_socket(
                plain, server_hostname="127.0.0.1"
            ) as stream,
        ):
            shown = stream.getpeercert()
            assert shown is not None
            return str(shown["subjectAltName"])


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    return CertificateAuthority(tmp_path)


def test_uploads_go_over_tls(tmp_path: Path, authority: CertificateAuthority) -> None:
    authority.issue("a.test")
    content = os.urandom(3_000_000)
    with run_server("--upload-dir", str(tmp_path / "up"), *authority.flags) as server:
        authority.trust(server)
        answer = server.request("POST", "/files/", {"Upload-Length": str(len(content))})
        assert (answer.headers["Location"] or "").startswith(server.url)
        path = "/files/" + (answer.headers["Location"] or "").rpartition("/")[2]
        assert server.patch(path, 0, content) == 204
        assert server.request("GET", path).content == content
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"HTTP/1.1 200" not in plain.recv(4096)
        assert server.request("HEAD", path).status == 200
        code, said = server.stop()
    assert (code, "Traceback" in said) == (0, False)


def test_a_connection_over_tls_ends_with_a_goodbye(
    tmp_path: Path, authority: CertificateAuthority
) -> None:
    authority.issue("a.test")
    with run_server("--store", "memory", *authority.flags) as server:
        trust = authority.trust(server).trust
        assert trust is not None
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        with trust.wrap_socket(
            plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False
        ) as stream:
            stream.sendall(b"OPTIONS /files/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received = b""
            while piece := stream.recv(4096):
                received += piece
        assert received.startswith(b"HTTP/1.1 204 ")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_new_certificate_drops_no_connection(
    tmp_path: Path, authority: CertificateAuthority, workers: int
) -> None:
    authority.issue("old.test")
    flags = ("--upload-dir", str(tmp_path / "up"), "--workers", str(workers), *authority.flags)
    with run_server(*flags) as server:
        authority.trust(server)
        path = server.create(10)
        kept = server.open_connection()
        kept.putrequest("PATCH", path)
        fields = {
            **OFFSET_CONTENT_TYPE,
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Length": "10",
        }
        for name, value in fields.items():
            kept.putheader(name, value)
        kept.endheaders(b"hello")
        assert "old.test" in authority.names(server)
        authority.key.write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        for _ in range(workers):
            server.wait_for_line("the old certificate stays")
        assert "old.test" in authority.names(server)
        authority.issue("new.test")
        server.process.send_signal(signal.SIGHUP)
        for _ in range(workers):
            server.wait_for_line("reloaded the TLS certificate")
        for _ in range(4):
            assert "new.test" in authority.names(server)
        kept.send(b" tus!")
        assert kept.getresponse().status == 204
        kept.close()
        assert server.stop()[0] == 0


@pytest.mark.parametrize(
    ("flags", "code", "sentence"),
    [
        (["--tls-key", "k"], 2, "TLS needs both --tls-certificate and --tls-key."),
        (["--tls-certificate", "none.pem", "--tls-key", "none.pem"], 2, "none.pem"),
        (
            ["--tls-certificate", "/dev/null", "--tls-key", "/dev/null"],
            2,
            "Cannot load the TLS certificate",
        ),
        (["--unix-sock", "/nowhere/s"], 1, "cannot listen on /nowhere/s: No such file"),
        (["--unix-sock", "/dev/null"], 1, "cannot listen on /dev/null: File exists"),
        (["--workers", "two"], 2, "is not a whole number of 1 or more"),
        (["--workers", "2", "--store", "memory"], 2, "--workers needs --store file or s3"),
        (["--workers", "2", "--locker", "memory"], 2, "--workers needs --locker file"),
        (["--cors-allow-origin", "("], 2, "is not a regular expression"),
        (["--cors-allow-credentials"], 2, "need a pattern of allowed origins"),
        (["--cors-expose-headers", "X Y"], 2, "is not a valid method or header name"),
        (["--health-path", "x"], 2, "is not a path such as /metrics"),
    ],
)
def test_a_mistake_costs_one_sentence(
    tmp_path: Path, flags: list[str], code: int, sentence: str
) -> None:
    found, said = run_failing_server("--upload-dir", str(tmp_path), *flags)
    assert found == code
    assert sentence in said


def test_a_socket_of_the_file_system(tmp_path: Path) -> None:
    place = tmp_path / "tus.sock"
    flags = ("--upload-dir", str(tmp_path / "up"), "--unix-sock", str(place))
    with run_server(*flags) as server:
        assert server.url == f"http://unix:{place}:/files/"
        answer = send_request(
            UnixHTTPConnection(place), "POST", "/files/", {"Upload-Length": "0", "Host": "t.test"}
        )
        assert answer.status == 201
        assert (answer.headers["Location"] or "").startswith("http://t.test/files/")
        second = subprocess.run(
            [sys.executable, "-m", "tus_reference", *flags],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert (second.returncode, "Address already in use" in second.stderr) == (1, True)
        assert send_request(UnixHTTPConnection(place), "OPTIONS", "/files/").status == 204
        assert server.stop()[0] == 0
        assert not place.exists()


def test_a_socket_that_a_killed_server_left_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "tus.sock"
    for _ in range(2):
        with run_server("--store", "memory", "--unix-sock", str(place)) as server:
            assert send_request(UnixHTTPConnection(place), "OPTIONS", "/files/").status == 204
            server.process.kill()
        assert place.exists()


def test_health_and_origins_are_there_unless_refused(tmp_path: Path) -> None:
    page = {"Origin": "https://app.test"}
    with run_server("--store", "memory") as server:
        answer = server.request_monitoring("/healthz", page)
        assert (answer.status, answer.content) == (200, b"ok\n")
        answer = server.request("OPTIONS", "/files/", page)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://app.test"
    with run_server(
        *("--store", "memory", "--disable-cors", "--expose-metrics", "--health-path", "")
    ) as server:
        assert server.request_monitoring("/healthz", page).status == 404
        answer = server.request("OPTIONS", "/files/", page)
        assert answer.headers["Access-Control-Allow-Origin"] is None


def run_with_workers(tmp_path: Path, *more: str) -> tuple[str, ...]:
    return ("--upload-dir", str(tmp_path / "up"), "--workers", "2", *more)


def test_workers_share_the_port_and_the_uploads(tmp_path: Path) -> None:
    with run_server(*run_with_workers(tmp_path)) as server:
        wait_until(lambda: len(server.worker_pids()) == 2)
        path = server.create(400)
        for offset in range(0, 400, 10):
            assert server.patch(path, offset, b"0123456789") == 204
            assert server.request("HEAD", path).headers["Upload-Offset"] == str(offset + 10)
        assert server.request("GET", path).content == b"0123456789" * 40
        code, said = server.stop()
    assert (code, "Traceback" in said) == (0, False)
    assert said.count("stopping on SIGTERM") == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_listening_server_handles_signals(tmp_path: Path, workers: int) -> None:
    for _ in range(3):
        with run_server("--upload-dir", str(tmp_path), "--workers", str(workers)) as server:
            code, said = server.stop()
        assert (code, "Traceback" in said) == (0, False)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_all_workers_save_what_arrived_before_they_stop(tmp_path: Path, number: int) -> None:
    with run_server(*run_with_workers(tmp_path)) as server:
        paths = [server.create(10) for _ in range(6)]
        open_patches = []
        for path in paths:
            connection = server.open_connection()
            connection.putrequest("PATCH", path)
            for name, value in {
                **OFFSET_CONTENT_TYPE,
                "Tus-Resumable": "1.0.0",
                "Upload-Offset": "0",
            }.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", "10")
            connection.endheaders(b"hello")
            open_patches.append(connection)
        files = [tmp_path / "up" / path.rpartition("/")[2] for path in paths]
        wait_until(lambda: all(file.read_bytes() == b"hello" for file in files))
        # A terminal signals every process of the group, and then the supervisor does.
        for pid in server.worker_pids():
            os.kill(pid, number)
        code, said = server.stop(number)
        answers = [connection.getresponse() for connection in open_patches]
        assert [answer.status for answer in answers] == [503] * 6
        for connection in open_patches:
            connection.close()
    assert (code, "Traceback" in said) == (0, False)


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    with run_server(*run_with_workers(tmp_path)) as server:
        wait_until(lambda: len(server.worker_pids()) == 2)
        victim, survivor = server.worker_pids()
        os.kill(victim, signal.SIGKILL)
        assert f"worker {victim} exited (signal 9) and is replaced" in server.wait_for_line(
            "exited"
        )
        wait_until(lambda: len(server.worker_pids()) == 2)
        assert survivor in server.worker_pids()
        for _ in range(10):
            assert server.request("OPTIONS", "/files/").status == 204
        assert server.stop()[0] == 0


def test_workers_that_die_and_die_end_the_server(tmp_path: Path) -> None:
    with run_server(*run_with_workers(tmp_path)) as server:
        for _ in range(5):
            wait_until(lambda: len(server.worker_pids()) == 2)
            os.kill(server.worker_pids()[0], signal.SIGKILL)
            server.wait_for_line("exited")
        assert server.process.wait(20) == 1


def test_workers_do_not_outlive_their_supervisor(tmp_path: Path) -> None:
    with run_server(*run_with_workers(tmp_path)) as server:
        wait_until(lambda: len(server.worker_pids()) == 2)
        workers = server.worker_pids()
        server.process.kill()
        server.process.wait()
        wait_until(lambda: all(has_exited(pid) for pid in workers))


def test_a_missing_folder_is_unhealthy(tmp_path: Path) -> None:
    folder = tmp_path / "up"
    with run_server("--upload-dir", str(folder)) as server:
        assert server.request_monitoring("/healthz").status == 200
        folder.rmdir()
        assert server.request_monitoring("/healthz").status == 503
        folder.mkdir()
        assert server.request_monitoring("/healthz").status == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_a_disk_that_hangs_is_unhealthy_and_keeps_no_server_from_stopping(
    tmp_path: Path, workers: int
) -> None:
    flags = ("--upload-dir", str(tmp_path), "--shutdown-timeout", "0.5")
    with run_server(*flags, "--workers", str(workers)) as server:
        path, other = server.create(5), server.create(5)
        file = tmp_path / path.rpartition("/")[2]
        file.unlink()
        # Opening a pipe for writing waits for a reader, as a disk may wait for its network.
        os.mkfifo(file)
        with server.begin_patch(path, 5) as connection:
            connection.sendall(b"hello")
            wait_until(lambda: server.request_monitoring("/healthz").status == 503, 30)
            assert server.request("HEAD", other).status == 200
            code, err = server.stop()
    assert (code, "Traceback" in err) == (1, False)
    assert "exiting without waiting for storage" in err


def test_the_folder_of_a_killed_supervisor_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    flags = ("--upload-dir", str(tmp_path / "up"), "--workers", "2")

    def folders() -> list[str]:
        return sorted(each.name for each in tmp_path.glob("tus-workers-*"))

    with run_server(*flags) as server:
        workers, left = server.worker_pids(), folders()
        server.process.kill()
        server.process.wait(10)
        wait_until(lambda: all(has_exited(pid) for pid in workers))
    assert folders() == left
    with run_server(*flags) as first:
        used = folders()
        assert (len(used), set(used) & set(left)) == (1, set())
        with run_server("--upload-dir", str(tmp_path / "up2"), "--workers", "2") as second:
            assert set(used) < set(folders())
            assert second.stop()[0] == 0
        assert first.stop()[0] == 0
    assert folders() == []


def test_a_second_signal_ends_workers_that_wait_for_a_disk(tmp_path: Path) -> None:
    with run_server(*run_with_workers(tmp_path)) as server:
        path = server.create(5)
        file = tmp_path / "up" / path.rpartition("/")[2]
        file.unlink()
        os.mkfifo(file)
        workers = server.worker_pids()
        connection = server.open_connection()
        headers = {**OFFSET_CONTENT_TYPE, "Tus-Resumable": "1.0.0", "Upload-Offset": "0"}
        connection.request("PATCH", path, b"hello", headers)
        wait_until(lambda: server.request("HEAD", "/files/x").status == 404)
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_line("stopping")
        assert server.stop()[0] == 1
        wait_until(lambda: all(has_exited(pid) for pid in workers))
        connection.close()
