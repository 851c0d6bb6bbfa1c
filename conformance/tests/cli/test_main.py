"""`cli.main`: exit codes, one sentence for each mistake, and no secret in the output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from loopback import closed_port, run_module, serve_in_thread
from minimal_server import MinimalServer
from scripted_server import (
    KeepOpen,
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    serve_answers,
)

from tus_conformance.cli.main import main

SECRET = "s3cr3t-of-nobody"
REFERENCE = f"{sys.executable} -m tus_reference --store memory --base-path /files/"


@dataclass(frozen=True)
class CommandResult:
    """How a command ended: its exit code, and what it said on either stream."""

    code: int
    out: str
    err: str


RunCommand = Callable[..., CommandResult]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Run the command in this process."""

    def command(*words: str) -> CommandResult:
        try:
            code = main(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return CommandResult(code, said.out, said.err)

    return command


@pytest.fixture(scope="module")
def tiny() -> Iterator[str]:
    """Serve a tiny tus server that forgets Cache-Control, for one."""
    with serve_in_thread(serve_answers(MinimalServer(no_store=False))) as url:
        yield url


def record(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the record in a folder."""
    # Text of a record may hold what Python takes for a line break; only LF ends a line of it.
    return [json.loads(line) for line in (folder / "run.ndjson").read_bytes().split(b"\n") if line]


def sentences(text: str) -> list[str]:
    """Return the lines that the command says in its own name."""
    return [line for line in text.splitlines() if line.startswith("tus-conformance")]


def test_a_closed_port_is_an_error_in_a_sentence_and_never_a_fail(
    run: RunCommand, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{closed_port()}/files/"
    ended = run("run", "--target", url, "--report-dir", str(tmp_path))
    lines = record(tmp_path)
    assert ended.code == 3
    assert [line["kind"] for line in lines] == ["header", "discovery", "footer"]
    assert lines[-1]["exit_code"] == 3
    assert lines[-1]["counts"] == {"scenarios": {}, "requirements": {}}
    assert "check that the server runs" in lines[-1]["error"]
    assert "check that the server runs" in " ".join(ended.out.split())
    assert "fail" not in ended.out.lower()
    assert "Traceback" not in ended.out + ended.err


CODES: list[tuple[list[str], int, str]] = [
    (["--only", "core.options.answer"], 0, "a scenario that passes"),
    (["--only", "core.head.cache-control/none"], 1, "one that fails"),
    (["--only", "core.head.not-found"], 0, "one that warns"),
    (["--only", "core.head.not-found", "--strict"], 1, "one that warns, strictly"),
    (["--only", "nothing*"], 4, "nothing at all"),
    (["--only", "core.options.answer", "--skip", "core.*"], 4, "nothing that is not skipped"),
    (["--only", "core.net.timeouts"], 0, "one that does not apply"),
]


@pytest.mark.parametrize(("words", "code"), [pytest.param(*c[:2], id=c[2]) for c in CODES])
def test_the_exit_code_says_how_it_went(
    run: RunCommand, tiny: str, tmp_path: Path, words: list[str], code: int
) -> None:
    ended = run("run", "--target", tiny, "--report-dir", str(tmp_path), *words)
    assert ended.code == code, ended.out + ended.err
    assert record(tmp_path)[-1]["exit_code"] == code


def test_an_empty_selection_names_the_page_of_ids(run: RunCommand, tiny: str) -> None:
    ended = run("run", "--target", tiny, "--only", "nothing*")
    assert sentences(ended.err) == [
        "tus-conformance: --only 'nothing*' matches nothing.",
        "tus-conformance: No scenario was selected;"
        " `tus-conformance list --scenarios` names them all.",
    ]


@pytest.fixture
def profile_with_typo(tmp_path: Path) -> str:
    """Write a profile with a typo in its second line."""
    path = tmp_path / "typo.toml"
    path.write_text("# ours\nmetdata = 'x'\n")
    return str(path)


MISTAKES: list[tuple[list[str], str, str]] = [
    (
        ["--target", "127.0.0.1:1080"],
        "'127.0.0.1:1080' is not the URL of a tus endpoint",
        "no scheme",
    ),
    (["--target", "ftp://h/"], "Give the whole URL, such as http://", "another scheme"),
    (["--target", "http://h:port/"], "is not the URL of a tus endpoint", "a port that is a word"),
    (["--target", "http:///files/"], "is not the URL of a tus endpoint", "no host"),
    (["-H", "no colon"], "'no colon' is not a header; write it as 'Name: value'", "no header"),
    (["-H", "A B: c"], "'A B: c' is not a header", "a space in the name of a header"),
    (["-H", "A: b\nC: d"], "the value of A contains a line break", "two headers in one"),
    (["--jobs", "0"], "must be a whole number from 1 to 64, got '0'", "no job"),
    (["--jobs", "many"], "must be a whole number from 1 to 64, got 'many'", "jobs in words"),
    (
        ["--seed", "x"],
        "must be a whole number from 0 to 9223372036854775807, got 'x'",
        "a seed in words",
    ),
    (["--timeout", "0"], "must be a number of seconds above 0, got '0'", "no time"),
    (
        ["--timeout", "nan"],
        "must be a number of seconds above 0, got 'nan'",
        "no number of seconds",
    ),
    (["--reference", "s4"], "invalid choice: 's4'", "a store that nobody knows"),
    (["--reference", "file", "--target", "http://h/"], "not allowed with", "two targets"),
    (
        ["--server-command", "x"],
        "--server-command needs the URL where it serves",
        "a command without its URL",
    ),
    (
        ["--server-command", "", "--target", "http://127.0.0.1:{port}/"],
        "--server-command is empty; name the command that starts the server.",
        "an empty command",
    ),
    (
        ["--server-command", "it's", "--target", "http://127.0.0.1:{port}/"],
        "--server-command cannot be read: No closing quotation.",
        "a command with a quote too few",
    ),
    (
        ["--server-command", "/nowhere/tusd", "--target", "http://127.0.0.1:{port}/"],
        "/nowhere/tusd cannot be started: No such file or directory.",
        "a command that is not there",
    ),
    (["--profile", "none.toml", "--target", "http://h/"], "cannot be read: No such", "no profile"),
    (["--frobnicate"], "--frobnicate is not an option", "an option that nobody knows"),
]


@pytest.mark.parametrize(("words", "said"), [pytest.param(*c[:2], id=c[2]) for c in MISTAKES])
def test_profile_error_names_the_value(run: RunCommand, words: list[str], said: str) -> None:
    ended = run("run", *words)
    assert ended.code == 2
    assert said in ended.err
    assert "Traceback" not in ended.out + ended.err


def test_a_typo_in_the_profile_is_reported_with_its_line_and_the_known_keys(
    run: RunCommand, profile_with_typo: str
) -> None:
    ended = run("run", "--target", "http://127.0.0.1:1/", "--profile", profile_with_typo)
    assert ended.code == 2
    assert (
        f"{profile_with_typo}, line 2, has the unknown key `metdata`. Did you mean `metadata`?"
        in ended.err
    )
    assert "Known keys: " in ended.err
    assert ended.out == ""


def test_a_folder_that_cannot_be_written_to_is_reported_in_a_sentence(
    run: RunCommand, tiny: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    folder = str(tmp_path / "file" / "inside")
    ended = run("run", "--target", tiny, "--report-dir", folder)
    assert (ended.code, ended.out) == (2, "")
    assert f"{folder} cannot be written: Not a directory." in ended.err


def test_fail_fast_leaves_the_rest_out_and_says_why(
    run: RunCommand, tiny: str, tmp_path: Path
) -> None:
    words = ["--only", "core.head.*", "--fail-fast", "--report-dir", str(tmp_path)]
    ended = run("run", "--target", tiny, *words)
    told = [line for line in record(tmp_path) if line["kind"] == "scenario"]
    verdicts = [line["verdict"] for line in told if not line["id"].startswith("always.")]
    first = verdicts.index("fail")
    assert ended.code == 1
    assert verdicts.count("fail") == 1
    assert set(verdicts[first + 1 :]) == {"excluded"}
    reason = f"not run, because {told[first]['id']} failed (--fail-fast)"
    after = [line for line in told[first + 1 :] if line["id"].startswith("core.head")]
    assert {line["reason"] for line in after} == {reason}


def test_no_secret_is_printed(run: RunCommand, tmp_path: Path) -> None:
    heard: list[ReceivedRequest] = []
    tiny = MinimalServer(no_store=False)

    def answering(asked: ReceivedRequest) -> ScriptedAnswer:
        heard.append(asked)
        path, _, _ = asked.target.partition("?")
        said = tiny(ReceivedRequest(asked.method, path, asked.headers, asked.body, asked.trailers))
        echo = {"X-Echo": asked.header("Authorization") or "", "X-Target": asked.target}
        return (
            ScriptedResponse(said.status, said.headers | echo)
            if isinstance(said, ScriptedResponse)
            else said
        )

    profile = tmp_path / "profile.toml"
    profile.write_text(f'headers = {{ X-Key = "{SECRET}-4" }}\n')
    with serve_in_thread(serve_answers(answering)) as url:
        target = url.replace("http://", f"http://me:{SECRET}-1@") + f"?token={SECRET}-2"
        words = ["--target", target, "-H", f"Authorization: Bearer {SECRET}-3"]
        words += ["--profile", str(profile), "--report-dir", str(tmp_path), "--only", "core.head.*"]
        ended = run("run", *words)
    assert ended.code == 1
    assert {asked.header("Authorization") for asked in heard} == {f"Bearer {SECRET}-3"}
    assert {asked.header("X-Key") for asked in heard} == {f"{SECRET}-4"}
    assert f"token={SECRET}-2" in heard[0].target
    told = ended.out + ended.err + (tmp_path / "run.ndjson").read_text()
    assert SECRET not in told
    assert "[redacted]" in told


def test_the_command_to_reproduce_a_fail_reproduces_it(
    run: RunCommand, tiny: str, tmp_path: Path
) -> None:
    run("run", "--target", tiny, "--only", "core.head.cache*", "--report-dir", str(tmp_path))
    told = next(line for line in record(tmp_path) if line.get("verdict") == "fail")
    program, *words = told["command"].split()
    assert program == "tus-conformance"
    again = run(*(word.strip("'") for word in words), "--report-dir", str(tmp_path / "again"))
    assert again.code == 1
    repeated = [line for line in record(tmp_path / "again") if line.get("id") == told["id"]]
    assert [line["verdict"] for line in repeated] == ["fail"]


def is_running(pid: int) -> bool:
    """Return whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    "how",
    [
        pytest.param("exec {server}", id="the command is the server"),
        pytest.param("{server} & echo $! > {child}; wait", id="the command starts the server"),
    ],
)
def test_a_server_that_the_suite_started_is_stopped_with_all_its_children(
    run: RunCommand, tmp_path: Path, how: str
) -> None:
    script = tmp_path / "server.sh"
    serve = f"{REFERENCE} --port $1"
    body = how.format(server=serve, child=tmp_path / "child")
    script.write_text(f"echo $$ > {tmp_path}/parent\n{body}\n")
    words = ["--server-command", f"sh {script} {{port}}", "--only", "core.options.answer"]
    ended = run("run", "--target", "http://127.0.0.1:{port}/files/", *words)
    assert ended.code == 0, ended.out + ended.err
    pids = [int(path.read_text()) for path in tmp_path.iterdir() if path.suffix == ""]
    assert len(pids) == ("child" in how) + 1
    deadline = time.monotonic() + 10
    while any(is_running(pid) for pid in pids):
        assert time.monotonic() < deadline, "a process was left behind"


def test_a_command_that_exits_is_reported_with_its_last_log_line(run: RunCommand) -> None:
    command = "sh -c 'echo starting; echo no disk left >&2; exit 7'"
    ended = run("run", "--server-command", command, "--target", "http://127.0.0.1:{port}/files/")
    assert ended.code == 2
    assert "The server exited with 7: no disk left" in ended.err


def test_an_interrupt_ends_the_run_without_a_traceback(tmp_path: Path) -> None:
    asked = threading.Event()
    tiny = MinimalServer()

    def answering(request: ReceivedRequest) -> ScriptedAnswer:
        if request.method == "HEAD" and request.target != "/files/1":
            asked.set()
            return KeepOpen()
        return tiny(request)

    with serve_in_thread(serve_answers(answering)) as url:
        words = [sys.executable, "-m", "tus_conformance", "run", "--target", url]
        process = subprocess.Popen(
            [*words, "--report-dir", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert "Traceback" not in out + err
    assert err.strip().splitlines()[-1].startswith("tus-conformance: Interrupted")
    assert process.returncode == 130


def test_a_closed_output_ends_the_run_without_a_traceback(tiny: str) -> None:
    words = [sys.executable, "-u", "-m", "tus_conformance", "run", "--target", tiny]
    process = subprocess.Popen(
        [*words, "--only", "core.*"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.wait(timeout=30)
    process.stderr.close()
    assert err == ""
    assert process.returncode == 141


def test_the_command_can_be_run_as_a_module() -> None:
    said = run_module(["tus_conformance", "list", "--scenarios"])
    assert (said.code, said.err) == (0, "")
    assert "core.options.answer\t" in said.out


COMMANDS = ("run", "doctor", "list", "init", "coverage", "explain", "report", "compare")
INTERRUPTING = ("explore", "record", "fault-proxy")


@pytest.mark.parametrize("command", COMMANDS + INTERRUPTING)
def test_help_fits_a_terminal_of_80_columns(
    run: RunCommand, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = run(command, "--help")
    assert told.code == 0
    assert [line for line in told.out.splitlines() if len(line) > 80] == []
