"""`cli`: what a new user types first: URLs, profiles in the folder, reports at once, records."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from loopback import run_module, serve_in_thread
from minimal_server import MinimalServer
from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse, serve_answers

import tus_conformance
from tus_conformance.cli.main import COMMANDS, build_parser, main

ONE = ("--only", "core.options.answer")


@pytest.fixture(scope="module")
def tiny() -> Iterator[str]:
    with serve_in_thread(serve_answers(MinimalServer())) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def header(folder: Path) -> dict[str, object]:
    first = (folder / "run.ndjson").read_bytes().split(b"\n", 1)[0]
    found: dict[str, object] = json.loads(first)
    return found


def test_a_url_needs_no_option(tiny: str, folder: Path) -> None:
    assert main(["run", tiny, *ONE]) == 0


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["list"], ["rnu"]])
def test_what_needs_no_engine_does_not_load_it(words: list[str]) -> None:
    """Loading trio and what is above it takes three times as long as all the rest."""
    code = (
        "import sys\nfrom tus_conformance.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('trio' in sys.modules, file=sys.stderr)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    assert ended.stderr.splitlines()[-1] == "False"


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"tus-conformance {tus_conformance.__version__}\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("tus-conformance.toml", 'url = "{url}"\nname = "tiny"\nserver_version = "3"\n'),
        (
            "pyproject.toml",
            '[tool.tus-conformance]\nurl = "{url}"\nname = "tiny"\nserver_version = "3"\n',
        ),
    ],
)
def test_a_profile_in_the_folder_is_used(tiny: str, folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text.replace("{url}", tiny))
    assert main(["run", *ONE, "--report-dir", "out"]) == 0
    assert header(folder / "out")["server_name"] == "tiny"
    assert header(folder / "out")["server_version"] == "3"
    assert main(["run", tiny, "--no-profile", *ONE, "--report-dir", "out"]) == 0
    assert "server_name" not in header(folder / "out")


def test_a_profile_for_another_server_keeps_its_secrets(
    tiny: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'url = "http://127.0.0.1:9/files/"\nname = "other"\nheaders = { X = "secret" }\n'
    (folder / "tus-conformance.toml").write_text(text)
    assert main(["run", tiny, *ONE, "--report-dir", "out"]) == 0
    assert "server_name" not in header(folder / "out")
    assert "is of another server" in capsys.readouterr().err


def test_reports_are_written_at_once_and_found_later(
    tiny: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--html", "out/a.html", "--junit", "out/b.xml", "--badge", "out/c.svg"]
    assert main(["run", tiny, *ONE, "--report-dir", "report", "--name", "mine", *words]) == 0
    assert "<h1>mine</h1>" in Path("out/a.html").read_text()
    assert "<testsuites>" in Path("out/b.xml").read_text()
    capsys.readouterr()
    assert main(["report"]) == 0
    assert main(["report", "report", "--out", "x.html"]) == 0
    assert Path("x.html").read_text().startswith("<!doctype html>")
    assert main(["compare", "report", "report"]) == 0
    assert main(["report", "out"]) == 2
    assert "has no record (run.ndjson)" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_an_error_before_the_run(
    tiny: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").touch()
    assert main(["run", tiny, "--html", "file/x.html"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "file" in said.err


def test_one_scenario_prints_what_ran(
    tiny: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", tiny, *ONE]) == 0
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 40
    assert "skipped" not in out
    assert "excluded" not in out
    assert "selected     1 of " in out


def test_strict_is_named_only_where_it_was_asked_for(
    tiny: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", tiny, "--only", "core.head.not-found"]) == 0
    assert "strict" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:1080/files/", "Use http://127.0.0.1:1080/files/."),
        ("localhost/files", "Use http://localhost/files."),
        ("http://127.0.0.1:80888/files/", "its port must be a number from 0 to 65535"),
        ("http://127.0.0.1/fi les/", "it contains a space"),
        ("http:///files/", "it names no host"),
        ("http://127.0.0.1/files/#top", "remove #top"),
        ("", "'' is not the URL of a tus endpoint"),
    ],
)
@pytest.mark.parametrize("command", ["run", "init", "doctor", "explore"])
def test_a_url_with_a_mistake_is_explained(
    url: str, said: str, command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, url]) == 2
    assert said in capsys.readouterr().err


def plain_files(asked: ReceivedRequest) -> ScriptedAnswer:
    return ScriptedResponse(200 if asked.method == "GET" else 405, version=False)


@pytest.mark.parametrize("command", ["run", "init", "explore", "doctor"])
def test_a_plain_file_server_gets_no_verdict(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve_in_thread(serve_answers(plain_files)) as url:
        assert main([command, url]) == 3
    said = capsys.readouterr()
    text = " ".join((said.out + said.err).split())
    assert "does not accept POST (405), as a plain web server does not." in text
    assert "violated" not in text
    assert len((said.out + said.err).splitlines()) < 20


def test_the_plugin_says_so_too(folder: Path) -> None:
    with serve_in_thread(serve_answers(plain_files)) as url:
        words = ["--pyargs", "tus_conformance", "--tus-target", url, "-p", "no:cacheprovider"]
        ended = run_module(["pytest", *words], cwd=str(folder))
    assert ended.code == 3
    assert "does not accept POST (405)" in ended.out + ended.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_code_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert "tus-conformance" in capsys.readouterr().out


def test_options_are_completed() -> None:
    """Argcomplete is asked as a shell asks it: by variables, with the answer on descriptor 8."""
    line = "tus-conformance run --repo"
    environment = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line))}
    environment |= {"_ARGCOMPLETE_IFS": " ", "_ARGCOMPLETE_STDOUT_FILENAME": "/dev/stdout"}
    ended = subprocess.run(
        [sys.executable, "-m", "tus_conformance"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.split() == ["--report-dir"]


def test_no_page_names_an_address_that_is_not_there_yet() -> None:
    """The project is on no index: nothing may tell users to install it from one."""
    root = Path(__file__).parents[3]
    pages = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("reports/*.md")]
    for room in ("conformance/tus_conformance", "reference", "reports/tus_reports"):
        pages += (root / room).rglob("*.py")
    for page in pages:
        text = page.read_text("utf-8")
        assert "pip install tus-conformance" not in text, page
        assert "pip install 'tus-conformance" not in text, page


MISTAKES = [
    (["rnu", "URL"], "'rnu' is not a command. Did you mean run?"),
    (["frobnicate"], "The commands are run, doctor, clients, load, list,"),
    (["run", "--repot-dir", "x"], "--repot-dir is not an option. Did you mean --report-dir?"),
    (["run", "--frobnicate"], "--frobnicate is not an option. `tus-conformance run --help`"),
    (["run", "--target", "http://127.0.0.1:9/", "--output", "x"], "--output is not an option"),
    (["run", "one", "two"], "'two' is one argument too many"),
    (["run", "--jobs", "0"], "--jobs: must be a whole number from 1 to 64, got '0'"),
    (["report", "no.ndjson"], "no.ndjson cannot be read: No such file or directory."),
    (["report", "--out", "x.pdf"], "'x.pdf' does not name a format: end it with .html"),
    (["explain", "core.options.answr"], "Did you mean core.options.answer or "),
    (
        ["record", "--upstream", "http://127.0.0.1:9/", "--out", "file/x.toml"],
        "file/x.toml cannot be written",
    ),
    (["init", "http://127.0.0.1:9/", "--out", "file/x.toml"], "file/x.toml cannot be written"),
]


@pytest.mark.parametrize(
    ("words", "said"), MISTAKES, ids=[" ".join(words) for words, _ in MISTAKES]
)
def test_a_mistake_is_one_sentence_with_the_way_out(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").touch()
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(str(ended.code))
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    assert said in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("command", ["record", "clients", "fault-proxy"])
def test_a_port_in_use_is_named(
    command: str, tiny: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = str(urlsplit(tiny).port)
    (folder / "plan.toml").write_text("[[rule]]\nchance = 1\nanswer = 503\n")
    more = {
        "record": ["--upstream", tiny, "--out", "x.toml"],
        "clients": [],
        "fault-proxy": ["--upstream", tiny, "--plan", "plan.toml"],
    }[command]
    assert main([command, "--listen", port, *more]) == 2
    assert f"Cannot listen on port {port} of 127.0.0.1: " in capsys.readouterr().err


def test_a_glob_that_matches_nothing_is_reported(
    tiny: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ("--only", "core.optoins.answer")
    assert main(["run", tiny, *wrong]) == 4
    printed = capsys.readouterr()
    assert "--only 'core.optoins.answer' matches nothing. Did you mean core.opti" in printed.err
    assert main(["run", tiny, *ONE, *wrong]) == 0
    assert "'core.optoins.answer' matches nothing" in capsys.readouterr().err


def test_runs_of_one_server_are_columns_of_their_own(tiny: str, folder: Path) -> None:
    for name in ("old", "new"):
        assert main(["run", tiny, *ONE, "--name", "mine", "--report-dir", name]) == 0
    assert main(["report", "old", "new", "--out", "matrix.html"]) == 0
    page = Path("matrix.html").read_text()
    assert "mine (old/run.ndjson)" in page
    assert "mine (new/run.ndjson)" in page
    assert main(["report", "old", "old/run.ndjson", "--out", "matrix.html"]) == 2


@pytest.mark.parametrize("command", [each.name for each in COMMANDS if not each.alias_of])
def test_help_is_brief(command: str) -> None:
    """One line for each option; what needs more is in the description, and in the guides."""
    parsers = next(
        each
        for each in build_parser([command])._actions
        if isinstance(each, argparse._SubParsersAction)
    )
    helps = [each.help % vars(each) for each in parsers.choices[command]._actions if each.help]
    assert helps
    assert [text for text in helps if len(text) >= 70] == []
