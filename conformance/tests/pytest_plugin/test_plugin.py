"""`pytest_plugin`: inactive without its option, the engine's verdicts with it."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
from interrupting_server import InterruptingServer
from loopback import closed_port, serve_in_thread
from minimal_server import DISCOVERY_CREATIONS, EVERYTHING, MinimalServer
from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse, serve_answers

from tus_conformance.cli.main import main
from tus_conformance.evaluation.invariants import invariants
from tus_conformance.execution.second_read import SECOND_READ
from tus_conformance.pytest_plugin import pytest_addoption
from tus_scenarios import scenarios

SUITE = ("--pyargs", "tus_conformance")
FEW = ("--tus-only", "core.head.*", "--tus-seed", "7")
CHOSEN = ("-k", "cache-control or success-status")
FAILING = {f"core.head.cache-control/{each}" for each in ("none", "some", "all")}
FAILING |= {"always.head-cache-control"}
PASSING = {"core.head.success-status", "always.head-success-status", "always.patch-success-status"}


@dataclass(frozen=True)
class PytestResult:
    """How a session of pytest ended: its exit code, what it printed, the outcome of each item."""

    code: int
    out: str
    outcomes: dict[str, str]
    verdicts: dict[str, str]

    @property
    def failed(self) -> set[str]:
        """Return the names of the items that failed."""
        return {name for name, outcome in self.outcomes.items() if outcome == "failure"}


def run_pytest(folder: Path, *words: str, ini: str = "", apart: bool = False) -> PytestResult:
    """Run pytest in a folder, with settings of its own and none of this project's.

    It runs within this process, which saves seconds, unless it has to stand `apart`.
    """
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
    junit = folder / "junit.xml"
    junit.unlink(missing_ok=True)
    line = ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder), f"--junitxml={junit}"]
    code, out = (_run_in_subprocess if apart else _run_in_process)(folder, [*line, *words])
    outcomes, verdicts = {}, {}
    for case in ET.parse(junit).iter("testcase") if junit.exists() else ():
        found = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
        name = case.get("name", "")
        outcomes[name] = found[0] if found else "passed"
        told = case.find(".//property[@name='tus_verdict']")
        if told is not None:
            verdicts[name] = told.attrib["value"]
    return PytestResult(code, out, outcomes, verdicts)


def _run_in_subprocess(folder: Path, words: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
    )
    return done.returncode, done.stdout + done.stderr


def _run_in_process(folder: Path, words: list[str]) -> tuple[int, str]:
    told = io.StringIO()
    others = ("-p", "no:anyio", "-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:timeout")
    with chdir(folder), redirect_stdout(told), redirect_stderr(told):
        code = int(pytest.main([*words, *others]))
    return code, told.getvalue()


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    """Serve a tiny tus server that forgets Cache-Control and has no limits."""
    with serve_in_thread(serve_answers(MinimalServer(no_store=False))) as url:
        yield url


INERT = """
import sys

def test_nothing_heavy_is_loaded():
    assert "tus_conformance.pytest_plugin" in sys.modules
    heavy = ("trio", "httpx", "httpcore", "h11", "msgspec", "rich", "tus_scenarios", "tus_reports")
    assert [name for name in heavy if name in sys.modules] == []
    ours = {name for name in sys.modules if name.startswith("tus_")}
    assert ours == {"tus_conformance", "tus_conformance.pytest_plugin"}
"""


def test_without_a_target_the_plugin_is_inert(tmp_path: Path) -> None:
    (tmp_path / "test_inert.py").write_text(INERT)
    # The plugin of anyio, which is there for our own tests, imports trio.
    told = run_pytest(tmp_path, "-p", "no:anyio", apart=True)
    assert (told.code, told.outcomes) == (0, {"test_nothing_heavy_is_loaded": "passed"}), told.out


def test_without_a_target_the_package_has_no_tests(tmp_path: Path) -> None:
    told = run_pytest(tmp_path, *SUITE)
    assert (told.code, told.outcomes) == (5, {}), told.out


def test_every_option_of_the_plugin_begins_with_its_name() -> None:
    names: list[str] = []

    class Group:
        def addoption(self, name: str, **_: object) -> None:
            names.append(name)

    class Parser:
        def getgroup(self, *_: str) -> Group:
            return Group()

    pytest_addoption(cast("pytest.Parser", Parser()))
    assert "--tus-target" in names
    assert all(name.startswith("--tus-") for name in names)


def test_the_verdicts_are_those_of_a_run(
    tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["run", "--target", target, "--only", "core.head.*", "--report-dir", str(tmp_path)])
    record = (tmp_path / "run.ndjson").read_bytes()
    lines = [json.loads(line) for line in record.split(b"\n") if line]
    recorded = {line["id"]: line["verdict"] for line in lines if line["kind"] == "scenario"}
    del recorded[SECOND_READ]  # pytest may end before its last item, so it keeps no uploads
    told = run_pytest(tmp_path, *SUITE, "--tus-target", target, *FEW)
    assert told.code == 1
    assert told.verdicts == recorded
    assert set(recorded.values()) >= {"pass", "fail", "excluded"}
    names = [each.id for each in scenarios()] + [each.id for each in invariants()]
    assert list(told.outcomes) == names
    fails = {name for name, verdict in recorded.items() if verdict == "fail"}
    assert told.failed == fails
    assert fails >= FAILING
    assert (recorded["core.head.not-found"], told.outcomes["core.head.not-found"]) == (
        "warn",
        "passed",
    )
    assert "Traceback" not in told.out


WITH_OTHER_TESTS: list[tuple[str, tuple[str, ...], str]] = [
    (
        "addopts = -q --strict-markers --import-mode=importlib -p no:cacheprovider\n"
        "python_files = check_*.py\nfilterwarnings = error\ntimeout = 30",
        (),
        "settings of their own",
    ),
    ("python_files = *.py", (), "a pattern that matches every file"),
    ("", ("-n", "2", "-p", "no:anyio", "-p", "no:hypothesispytest"), "pytest-xdist"),
]


@pytest.mark.parametrize(
    ("ini", "words"), [pytest.param(*c[:2], id=c[2]) for c in WITH_OTHER_TESTS]
)
def test_the_plugin_works_with_other_plugins(
    tmp_path: Path, target: str, ini: str, words: tuple[str, ...]
) -> None:
    apart = bool(words) or "addopts" in ini
    told = run_pytest(
        tmp_path, *SUITE, "--tus-target", target, *CHOSEN, *words, ini=ini, apart=apart
    )
    assert told.code == 1, told.out
    assert told.failed == FAILING
    assert set(told.outcomes) == FAILING | PASSING


def test_what_the_invariants_of_several_workers_saw_is_put_together(tmp_path: Path) -> None:
    """One worker has the only scenario; what is wrong in it must not get lost with the others."""
    tiny = MinimalServer()

    def bare(asked: ReceivedRequest) -> ScriptedAnswer:
        answer = tiny(asked)
        return replace(answer, version=False) if isinstance(answer, ScriptedResponse) else answer

    spread = ("-n", "2", "-p", "no:anyio", "-p", "no:hypothesispytest")
    chosen = ("-k", "core.head.success-status or always", "-rA", "-q")
    with serve_in_thread(serve_answers(bare)) as url:
        told = run_pytest(tmp_path, *SUITE, "--tus-target", url, *chosen, *spread, apart=True)
        alone = run_pytest(tmp_path, *SUITE, "--tus-target", url, *chosen, apart=True)
    assert told.code == 1, told.out
    assert told.failed == {"always.tus-resumable-on-success"}
    assert (told.outcomes, told.verdicts) == (alone.outcomes, alone.verdicts)
    assert "no Tus-Resumable" in told.out
    assert max(int(share) for share in re.findall(r"\[ *(\d+)%\]", told.out)) == 100


def test_x_and_lf_work_on_scenarios(tmp_path: Path, target: str) -> None:
    first = run_pytest(tmp_path, *SUITE, "--tus-target", target, *CHOSEN, "-x")
    assert len(first.failed) == 1
    again = run_pytest(tmp_path, *SUITE, "--tus-target", target, "--lf")
    assert set(again.outcomes) == again.failed == first.failed


def test_collecting_needs_no_server(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{closed_port()}/files/"
    told = run_pytest(tmp_path, *SUITE, "--tus-target", url, "--collect-only", "-q")
    assert told.code == 0
    listed = [line.rpartition("::")[2] for line in told.out.splitlines() if "::" in line]
    assert listed == [each.id for each in scenarios()] + [each.id for each in invariants()]


def test_a_warn_fails_where_the_user_is_strict(tmp_path: Path, target: str) -> None:
    told = run_pytest(
        tmp_path, *SUITE, "--tus-target", target, "-k", "core.head.not-found", "--tus-strict"
    )
    assert (told.code, told.failed) == (1, {"core.head.not-found"})


def test_a_closed_port_ends_the_session_with_3_and_a_sentence(tmp_path: Path) -> None:
    told = run_pytest(tmp_path, *SUITE, "--tus-target", f"http://127.0.0.1:{closed_port()}/files/")
    assert told.code == 3
    assert "check that the server runs" in told.out
    assert "Nothing was tested." in told.out
    assert "Traceback" not in told.out


MISTAKES: list[tuple[tuple[str, ...], str, str]] = [
    (("--tus-target", "tus.test"), "is not the URL of a tus endpoint", "a URL that is none"),
    (("--tus-header", "no colon"), "write it as 'Name: value'", "a header that is none"),
    (("--tus-profile", "typo.toml"), "has the unknown key `metdata`", "a typo in the profile"),
    (("--tus-timeout", "0"), "must be a number of seconds above 0", "no time"),
]


@pytest.mark.parametrize(("words", "said"), [pytest.param(*c[:2], id=c[2]) for c in MISTAKES])
def test_profile_error_names_the_value(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "typo.toml").write_text("metdata = 'x'\n")
    told = run_pytest(tmp_path, *SUITE, "--tus-target", "http://127.0.0.1:1/files/", *words)
    assert told.code == 4, told.out
    assert len([line for line in told.out.splitlines() if said in line]) == 1
    assert "Traceback" not in told.out
    assert "INTERNALERROR" not in told.out


CREATES = ("-k", "core.head.cache-control or core.head.upload-offset")
WITHOUT_TERMINATION = EVERYTHING - {"termination"}


@pytest.mark.parametrize("at", [2, DISCOVERY_CREATIONS + 1], ids=["discovery", "a scenario"])
@pytest.mark.parametrize("able", [EVERYTHING, WITHOUT_TERMINATION], ids=["removed", "listed"])
def test_ctrl_c_during_a_creation_leaves_nothing_unnoticed(
    tmp_path: Path, able: frozenset[str], at: int
) -> None:
    server = MinimalServer(able=able)
    interrupting = InterruptingServer(server, at)
    with serve_in_thread(serve_answers(interrupting)) as url:
        ended = run_pytest(tmp_path, *SUITE, "--tus-target", url, *CREATES)
    assert interrupting.interrupted
    assert ended.code == pytest.ExitCode.INTERRUPTED
    assert "KeyboardInterrupt" in ended.out
    assert [name for name in server.uploads if f"  {url}{name}\n" not in ended.out] == []
    assert bool(server.uploads) == (able == WITHOUT_TERMINATION)
    assert "may be left behind" not in ended.out


def test_ctrl_c_names_a_creation_that_gets_no_response(tmp_path: Path) -> None:
    interrupting = InterruptingServer(MinimalServer(), DISCOVERY_CREATIONS + 4, responds=False)
    with serve_in_thread(serve_answers(interrupting)) as url:
        ended = run_pytest(tmp_path, *SUITE, "--tus-target", url, *CREATES)
    assert ended.code == pytest.ExitCode.INTERRUPTED
    assert "1 upload may be left behind: no response named the created upload in core." in ended.out


@pytest.mark.parametrize(
    "words",
    [("-x",), ("-n", "2", "-p", "no:anyio", "-p", "no:hypothesispytest")],
    ids=["-x", "pytest-xdist"],
)
def test_what_a_session_cannot_remove_is_listed(tmp_path: Path, words: tuple[str, ...]) -> None:
    server = MinimalServer(able=WITHOUT_TERMINATION, no_store=False)
    with serve_in_thread(serve_answers(server)) as url:
        ended = run_pytest(tmp_path, *SUITE, "--tus-target", url, *CHOSEN, *words, apart=True)
    assert ended.code == 1
    assert f"{len(server.uploads)} uploads that the server did not remove:" in ended.out


def test_what_was_locked_at_first_is_removed_when_a_session_ends_by_x(tmp_path: Path) -> None:
    server, refused = MinimalServer(no_store=False), set[str]()

    def locked_at_first(request: ReceivedRequest) -> ScriptedAnswer:
        if (
            request.method == "DELETE"
            and server.made > DISCOVERY_CREATIONS
            and request.target not in refused
        ):
            refused.add(request.target)
            return ScriptedResponse(423)
        return server(request)

    with serve_in_thread(serve_answers(locked_at_first)) as url:
        ended = run_pytest(tmp_path, *SUITE, "--tus-target", url, *CHOSEN, "-x")
    assert len(ended.failed) == 1
    assert refused
    assert server.uploads == {}
    assert "would not remove" not in ended.out


def test_known_failures_are_expected_and_fixed_ones_fail(tmp_path: Path) -> None:
    """--tus-baseline: known failures are xfail, an entry that passes now fails its item."""
    known = tmp_path / "known.txt"
    with serve_in_thread(serve_answers(MinimalServer(no_store=False))) as url:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            main(
                [
                    "run",
                    url,
                    "--no-profile",
                    "--only",
                    "core.head.*",
                    "--write-baseline",
                    str(known),
                ]
            )
        words = [*SUITE, *FEW, *CHOSEN, "--tus-target", url, "--tus-baseline", str(known)]
        expected = run_pytest(tmp_path, *words)
        known.write_text("core.head.success-status core.head.success-status\n")
        fixed = run_pytest(tmp_path, *words)
    assert expected.failed == set(), expected.out
    assert {name for name, outcome in expected.outcomes.items() if outcome == "skipped"} >= FAILING
    assert "delete line 1" in fixed.out


def test_the_server_of_a_command_is_started_and_stopped(tmp_path: Path) -> None:
    """--tus-server-command alone names the target."""
    command = f"{sys.executable} -m tus_reference --store memory --port {{port}}"
    ended = run_pytest(tmp_path, *SUITE, *FEW, *CHOSEN, "--tus-server-command", command)
    assert ended.code == 0, ended.out
    assert "passed" in ended.out
    broken = run_pytest(tmp_path, *SUITE, "--tus-server-command", "no-such-program {port}")
    assert broken.code == 4
    assert "no-such-program cannot be started" in broken.out
