"""`cli.monitoring_sockets`: health and metrics apart from the uploads."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from server_process import UnixHTTPConnection, run_failing_server, run_server

from interop.server_response import send_request

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("workers", [1, 2])
def test_health_and_metrics_are_not_where_clients_upload(tmp_path: Path, workers: int) -> None:
    flags = ("--upload-dir", str(tmp_path), "--expose-metrics", "--workers", str(workers))
    with run_server(*flags) as server:
        for path in ("/healthz", "/metrics", "/files//healthz", "/files/a://b/metrics"):
            for target in (path, f"http://x{path}"):
                assert server.request("GET", target).status == 404, target
        server.create(5)
        assert server.request_monitoring("/healthz").status == 200
        assert server.request_monitoring("/files/").status == 404
        answer = server.request_monitoring("/metrics")
        assert b"tusd_uploads_created 1.0" in answer.content


def test_the_listener_for_monitoring_is_on_a_port_that_follows_from_that_of_uploads() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    flags = ("--store", "memory", "--port", str(port - 1000))
    with run_server(*flags) as server:
        line = server.wait_for_line("monitoring on")
        assert line.endswith(f"monitoring on http://127.0.0.1:{port}/\n")


def test_a_port_that_is_not_free_for_monitoring_keeps_no_uploads_from_being_served() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with run_server("--store", "memory", "--port", str(port - 1000)) as server:
            server.wait_for_line(f"port {port} is not free for monitoring")
            assert server.request_monitoring("/healthz").status == 200
        code, err = run_failing_server("--store", "memory", "--monitoring-listen", str(port))
    assert (code, "for monitoring" in err) == (1, True)


def test_monitoring_can_be_where_clients_upload() -> None:
    flags = ("--store", "memory", "--expose-metrics", "--monitoring-listen", "uploads")
    with run_server(*flags) as server:
        assert server.request("GET", "/healthz").status == 200
        assert server.request("GET", "/metrics").status == 200


@pytest.mark.parametrize("named", [False, True])
def test_monitoring_has_a_socket_of_its_own(tmp_path: Path, named: bool) -> None:
    uploads = tmp_path / "tus.sock"
    place = tmp_path / ("monitoring" if named else "tus.sock.monitoring")
    flags = ("--monitoring-listen", str(place)) if named else ()
    with run_server("--store", "memory", "--unix-sock", str(uploads), *flags) as server:
        assert send_request(UnixHTTPConnection(place), "GET", "/healthz").status == 200
        assert send_request(UnixHTTPConnection(uploads), "GET", "/healthz").status == 404
        assert server.stop()[0] == 0
    assert not list(tmp_path.iterdir())
