"""`cli.doctor_command`: exit codes, forms of output, the mirror and its errors, over sockets."""

from __future__ import annotations

import json
import socket

import pytest
from loopback import closed_port, serve_in_thread
from reference_in_memory import serve_reference
from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse, serve_answers

from tus_conformance.cli.main import main


def test_a_port_where_nothing_listens_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"http://127.0.0.1:{closed_port()}/files/"
    assert main(["doctor", "--no-profile", "--target", url, "--json"]) == 3
    diagnosis = json.loads(capsys.readouterr().out)
    assert "No connection to" in diagnosis["problem"]
    assert {stage["state"] for stage in diagnosis["stages"]} == {"undetermined", "not-examined"}


def test_what_is_no_tus_server_is_two_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(404, version=False)

    with serve_in_thread(serve_answers(answer)) as url:
        assert main(["doctor", "--no-profile", "--target", url]) == 3
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith(f"Undetermined. {url} does not exist on this server: POST got 404. Give")
    assert said.count(". ") == 2


def test_a_wrong_url_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--no-profile", "--target", "nowhere"]) == 2
    assert "is not the URL of a tus endpoint" in capsys.readouterr().err


def test_a_port_that_is_taken_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        url = f"http://127.0.0.1:{closed_port()}/files/"
        assert main(["doctor", "--no-profile", "--target", url, "--mirror", port]) == 2
    assert "Cannot listen on port" in capsys.readouterr().err


def test_a_fit_server_is_examined_in_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    with serve_in_thread(serve_reference()) as url:
        assert main(["doctor", "--no-profile", "--target", url]) == 0
    printed = capsys.readouterr().out
    assert "Fit for resumable uploads." in printed
    assert "FOUND" not in printed
