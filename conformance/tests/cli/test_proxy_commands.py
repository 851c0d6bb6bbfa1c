"""`cli`: `record`, `fault-proxy` and `explore` as users call them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from loopback import closed_port, run_module, serve_in_thread
from minimal_server import MinimalServer
from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse, serve_answers

from tus_scenarios import read_file

TYPE = "application/offset+octet-stream"
NOWHERE = f"http://127.0.0.1:{closed_port()}/files/"


@contextmanager
def run_proxy(tmp_path: Path, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a proxy until the block ends, and yield the URL for clients."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tus_conformance", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    try:
        assert process.stdout is not None
        found = None
        while found is None:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            found = re.search(r"Give the client (http://\S+)", line)
        yield found[1], process
    finally:
        process.kill()
        process.communicate()


def interrupt_proxy(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """End a proxy by Ctrl-C; return its exit code and what it said since."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def send_request(method: str, url: str, body: bytes = b"", **headers: str) -> str | None:
    """Send a request and return the Location of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body or None, named, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: str | None = answer.headers["Location"]
        return found


def test_a_recorded_session_runs_against_another_server(tmp_path: Path) -> None:
    with serve_in_thread(serve_answers(MinimalServer())) as upstream:
        words = ("record", "--upstream", upstream, "--out", "it.toml")
        with run_proxy(tmp_path, *words) as (url, process):
            place = send_request("POST", url, Upload_Length="5", Tus_Resumable="1.0.0") or ""
            upload = url.removesuffix("/files/") + place
            send_request("PATCH", upload, b"hello", Upload_Offset="0", Content_Type=TYPE)
            code, out, err = interrupt_proxy(process)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].startswith("Replay it: tus-conformance run")
    assert [scenario.id for scenario in read_file(tmp_path / "it.toml")] == ["recorded.it"]
    with serve_in_thread(serve_answers(MinimalServer())) as other:
        told = run_module(
            ["tus_conformance", "run", "--target", other, "--scenarios", "it.toml"],
            cwd=str(tmp_path),
        )
    assert told.code == 0, told.out
    assert "A recorded client session" in told.out


def test_a_recording_of_nothing_writes_nothing(tmp_path: Path) -> None:
    with serve_in_thread(serve_answers(MinimalServer())) as upstream:
        words = ("record", "--upstream", upstream, "--out", "it.toml")
        with run_proxy(tmp_path, *words) as (_, process):
            code, _, err = interrupt_proxy(process)
    assert (code, err) == (4, "tus-conformance: No upload was made, so nothing was written.\n")
    assert not (tmp_path / "it.toml").exists()


def page(asked: ReceivedRequest) -> ScriptedAnswer:
    return ScriptedResponse(200, {"Content-Type": "text/html"}, version=False)


@pytest.mark.parametrize("command", ["record", "fault-proxy"])
def test_what_is_no_tus_server_is_not_relayed(tmp_path: Path, command: str) -> None:
    (tmp_path / "plan.toml").write_text("[[rule]]\nchance = 1\nanswer = 503\n", "utf-8")
    more = {"record": ("--out", "it.toml"), "fault-proxy": ("--plan", "plan.toml")}[command]
    with serve_in_thread(serve_answers(page)) as url:
        for upstream, what in ((url, "is not a tus endpoint"), (NOWHERE, "No connection to")):
            words = ["tus_conformance", command, "--upstream", upstream, *more]
            said = run_module(words, cwd=str(tmp_path))
            assert said.code == 3
            assert what in said.err
            assert said.err.endswith("Nothing was relayed.\n")


def login(asked: ReceivedRequest) -> ScriptedAnswer:
    return ScriptedResponse(401, version=False)


def test_a_server_that_needs_a_login_is_relayed(tmp_path: Path) -> None:
    with serve_in_thread(serve_answers(login)) as upstream:
        words = ("record", "--upstream", upstream, "--out", "it.toml")
        with run_proxy(tmp_path, *words) as (url, process):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                send_request("POST", url, Upload_Length="5", Tus_Resumable="1.0.0")
            code, _, _ = interrupt_proxy(process)
    assert code == 4


def test_the_fault_proxy_prints_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(
        '[[rule]]\nchance = 1\nmethods = ["PATCH"]\nanswer = 503\n', "utf-8"
    )
    with serve_in_thread(serve_answers(MinimalServer())) as upstream:
        words = ("fault-proxy", "--upstream", upstream, "--plan", "plan.toml", "--seed", "7")
        with run_proxy(tmp_path, *words) as (url, process):
            place = send_request("POST", url, Upload_Length="5", Tus_Resumable="1.0.0") or ""
            with pytest.raises(urllib.error.HTTPError, match="503"):
                send_request(
                    "PATCH", url.removesuffix("/files/") + place, b"hello", Upload_Offset="0"
                )
            code, out, err = interrupt_proxy(process)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["1", "POST", "/files/:", "201"]
    assert lines[1].endswith(": no response; the proxy responded with 503")
    assert lines[-2:] == [
        "2 requests, 1 of them with faults.",
        "Uploads not seen to be complete: 1 of 1.",
    ]


MISTAKES = [
    (["fault-proxy", "--upstream", NOWHERE, "--plan", "none.toml"], "none.toml cannot be read"),
    (["record", "--upstream", "files", "--out", "x"], "'files' is not the URL of a tus endpoint"),
    (["explore", "--target", "files"], "'files' is not the URL of a tus endpoint"),
    (["explore", "--server-command", "x"], "--server-command needs the URL where it serves"),
    (["run", "--scenarios", "none.toml"], "none.toml cannot be read"),
]


@pytest.mark.parametrize(("words", "sentence"), MISTAKES, ids=[each[1] for each in MISTAKES])
def test_profile_error_names_the_value(tmp_path: Path, words: list[str], sentence: str) -> None:
    said = run_module(["tus_conformance", *words], cwd=str(tmp_path))
    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
    assert "Traceback" not in said.err


def test_exploring_an_unreachable_server_is_undetermined(tmp_path: Path) -> None:
    said = run_module(["tus_conformance", "explore", "--target", NOWHERE], cwd=str(tmp_path))
    assert said.code == 3
    assert "Nothing was tested." in said.err


def test_a_search_writes_files_that_run_replays(tmp_path: Path) -> None:
    serve = f"{sys.executable} -m tus_reference --host 127.0.0.1 --port {{port}} --store memory"
    faulty = f"{serve} --defect head-without-offset"
    target = ["--target", "http://127.0.0.1:{port}/files/"]
    words = ["explore", *target, "--server-command", faulty, "--seed", "3", "--examples", "20"]
    said = run_module(["tus_conformance", *words], cwd=str(tmp_path))
    files = sorted((tmp_path / "sequences").glob("*.toml"))
    assert (said.code, len(files)) == (1, 1), said.out + said.err
    for command, code in ((faulty, 1), (serve, 0)):
        replay = ["run", *target, "--server-command", command, "--scenarios", str(files[0])]
        assert run_module(["tus_conformance", *replay], cwd=str(tmp_path)).code == code
