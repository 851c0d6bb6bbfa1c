"""`targets.program`: programs for headers, uploads, stored bytes and restarts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from memory_run import run_suite_in_memory
from minimal_server import EVERYTHING, MinimalServer
from scripted_server import (
    URL,
    KeepOpen,
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    creation_response,
    discovered_with,
    head_response,
    open_session,
    patch_response,
    scenario_from_toml,
    script_answers,
)

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.state.content import GeneratedContent, read_content
from tus_conformance.targets import program
from tus_conformance.targets.profile import Commands, Profile, ProfileError
from tus_conformance.targets.program import ProgramError, run_program, split_command
from tus_conformance.targets.target import TargetError, resolve_target

ROW = "core.head.upload-offset"
BYTES = read_content(GeneratedContent("7:a.story:1:upload"), 0, 10)
REAL_TIME = pytest.mark.parametrize("anyio_backend", ["trio"])
"""Programs take the time they take: these tests run on the usual clock."""


def python(folder: Path, code: str) -> str:
    """Return a command that runs this code."""
    path = folder / "program.py"
    path.write_text(code)
    return f"{sys.executable} {path}"


@REAL_TIME
async def test_a_program_is_run_for_what_it_prints(tmp_path: Path) -> None:
    code = "import sys; print(sys.argv[1:], end='')"
    command = python(tmp_path, code) + " 'a b' {url} x{id}x"
    said = await run_program(command, url="http://x/; rm -rf", id="$(id) '")
    assert said.decode() == "['a b', 'http://x/; rm -rf', \"x$(id) 'x\"]"


TROUBLE = [
    ("import sys; sys.exit('no such key')", "exited with 1: no such key"),
    ("import sys; sys.exit(3)", "exited with 3 and printed nothing."),
]


@REAL_TIME
@pytest.mark.parametrize(("code", "says"), TROUBLE)
async def test_a_program_that_fails_is_reported_in_a_sentence(
    tmp_path: Path, code: str, says: str
) -> None:
    with pytest.raises(ProgramError) as raised:
        await run_program(python(tmp_path, code))
    assert str(raised.value).startswith("The command '")
    assert str(raised.value).endswith(says)


@REAL_TIME
async def test_a_program_that_hangs_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "PROGRAM_TIMEOUT", 0.2)
    with pytest.raises(ProgramError, match=r"did not exit within 0.2 seconds\."):
        await run_program(python(tmp_path, "import time; time.sleep(60)"))


@pytest.mark.parametrize(
    ("command", "says"),
    [("'a", "No closing quotation"), (" ", "is empty"), ("", "is empty")],
)
def test_a_command_that_cannot_be_read_is_reported(command: str, says: str) -> None:
    with pytest.raises(ProgramError, match=says):
        split_command(command)


@REAL_TIME
async def test_a_program_that_is_not_there_is_reported() -> None:
    with pytest.raises(ProgramError, match="cannot be started: No such file or directory"):
        await run_program("/nowhere/at-all")


@REAL_TIME
async def test_headers_are_printed_by_the_auth_command(tmp_path: Path) -> None:
    command = python(tmp_path, r"print('Authorization: Bearer s3cr3t-of-all\r\nX-Who: me')")
    profile = Profile(headers={"X-A": "usual"}, commands=Commands(auth=command))
    target = await resolve_target(profile, URL, (("X-C", "given"),))
    assert target.headers == (
        ("X-A", "usual"),
        ("Authorization", "Bearer s3cr3t-of-all"),
        ("X-Who", "me"),
        ("X-C", "given"),
    )
    assert "s3cr3t" not in target.redaction.redact_text("you said Bearer s3cr3t-of-all")


@REAL_TIME
@pytest.mark.parametrize("printed", ["Bearer abc", "X Y: a", ""])
async def test_what_is_no_header_is_refused_and_not_shown(tmp_path: Path, printed: str) -> None:
    profile = Profile(commands=Commands(auth=python(tmp_path, f"print({printed!r})")))
    with pytest.raises(ProfileError, match="prints") as raised:
        await resolve_target(profile, URL)
    assert "abc" not in str(raised.value)


async def test_without_a_url_there_is_no_target() -> None:
    with pytest.raises(TargetError, match="`url` in the profile"):
        await resolve_target(Profile(), None)
    assert (await resolve_target(Profile(url=URL), None)).url == URL


@REAL_TIME
async def test_uploads_are_made_by_a_command_where_clients_cannot(tmp_path: Path) -> None:
    """The very server makes them, which has no creation; nothing is blocked for want of one."""
    tiny = MinimalServer(able=EVERYTHING - {"creation"})

    class Made(MinimalServer):
        """Has every upload of 100 bytes that anybody may name."""

        def __call__(self, asked: ReceivedRequest) -> ScriptedAnswer:
            name = asked.target.removeprefix("/files/")
            if name.startswith("made-") and name not in tiny.uploads and name not in gone:
                maker = MinimalServer()
                maker(
                    ReceivedRequest(
                        "POST", "/files/", (("Upload-Length", name.split("-")[1]),), b""
                    )
                )
                tiny.uploads[name] = maker.uploads["1"]
            if asked.method == "DELETE":
                gone.add(name)
            return tiny(asked)

    gone: set[str] = set()
    counter = tmp_path / "count"
    code = (
        "import sys, pathlib; p = pathlib.Path(sys.argv[2])\n"
        "n = int(p.read_text()) + 1 if p.exists() else 1; p.write_text(str(n))\n"
        f"print('{URL}made-' + sys.argv[1] + '-' + str(n))"
    )
    command = f"{python(tmp_path, code)} {{length}} {counter}"
    only = ("core.patch.accept*", "core.head.upload-offset/*", "core.patch.offset-mismatch*")
    found = await run_suite_in_memory(
        Made(), only=only, profile=Profile(commands=Commands(upload=command))
    )
    told = {each.verdict for name, each in found.scenarios.items() if not name.startswith("always")}
    assert told == {"pass"}
    assert int(counter.read_text()) >= 3
    assert found.footer.remaining_uploads == ()
    without = await run_suite_in_memory(Made(), only=only)
    blocked = {each.verdict: each.reason for each in without.scenarios.values() if each.attempts}
    assert "set an `upload` command in the profile" in blocked["blocked"]


def finishing(code: str, folder: Path) -> tuple[Profile, str]:
    """Return a profile that reads by this code, and a story that finishes an upload."""
    command = python(folder, f"import sys; {code}") + " {id} {url}"
    expect = f'expect = [{{ intact = true, checks = "{ROW}" }}]'
    steps = f"{{ given = {{ length = 10 }} }}, {{ finish = {{}}, {expect} }}"
    return Profile(commands=Commands(read=command)), steps


READS = [
    (
        f"sys.stdout.buffer.write(bytes({list(BYTES)}))",
        "pass",
        "every byte of the stored upload is correct",
    ),
    ("print(end='0123456789')", "fail", "byte 0 of the stored upload differs from the byte sent"),
    (
        f"sys.stdout.buffer.write(bytes({list(BYTES[:7])}))",
        "fail",
        "the stored upload has 7 bytes of 10",
    ),
    ("sys.exit('gone')", "error", "exited with 1: gone"),
    (
        "assert sys.argv[1:] == ['a b', 'http://tus.test/files/a%20b'], sys.argv",
        "fail",
        "has 0 bytes",
    ),
]


@REAL_TIME
@pytest.mark.parametrize(("code", "outcome", "says"), READS)
async def test_stored_bytes_are_read_where_there_is_no_download(
    tmp_path: Path, code: str, outcome: str, says: str
) -> None:
    profile, steps = finishing(code, tmp_path)
    answering, _ = script_answers(
        creation_response("a%20b"), head_response(0, 10), patch_response(10), head_response(10, 10)
    )
    async with open_session(answering, profile=profile) as here:
        attempt = await execute_scenario(scenario_from_toml(steps), here)
    assert attempt.verdict == outcome
    assert says in (attempt.reason or attempt.checks[0].actual)


@REAL_TIME
async def test_a_download_is_preferred_to_a_command(tmp_path: Path) -> None:
    profile, steps = finishing("sys.exit('not asked')", tmp_path)
    answering, _ = script_answers(
        creation_response(),
        head_response(0, 10),
        patch_response(10),
        head_response(10, 10),
        ScriptedResponse(200, body=BYTES),
    )
    async with open_session(
        answering, profile=profile, discovery=discovered_with("download")
    ) as here:
        attempt = await execute_scenario(scenario_from_toml(steps), here)
    assert attempt.verdict == "pass"


RESTART = ("core.head.offset-after-restart",)


class Forgetful(MinimalServer):
    """Keeps what it has, or loses `lost` bytes of each upload, when it is started again."""

    lost = 0
    starts = 0

    @property
    def has_exited(self) -> bool:
        return False

    async def restart(self) -> str:
        self.starts += 1
        for upload in self.uploads.values():
            upload.data = upload.data[: max(len(upload.data) - self.lost, 0)]
        return "restarted"


@pytest.mark.parametrize(("lost", "outcome"), [(0, "pass"), (1, "fail"), (100, "fail")])
async def test_what_was_acknowledged_is_there_after_a_restart(lost: int, outcome: str) -> None:
    server = Forgetful()
    server.lost = lost
    found = await run_suite_in_memory(
        server, only=RESTART, known=server, profile=Profile(commands=Commands(restart=True))
    )
    assert found.scenarios[RESTART[0]].verdict == outcome
    assert server.starts == (1 if outcome == "pass" else 2)


async def test_nothing_is_restarted_unless_the_profile_says_so() -> None:
    server = Forgetful()
    found = await run_suite_in_memory(server, only=RESTART, known=server)
    told = found.scenarios[RESTART[0]]
    assert (told.verdict, told.reason) == (
        "not-applicable",
        "it needs a `restart` command in the profile",
    )
    assert server.starts == 0


@REAL_TIME
async def test_a_restart_by_a_command(tmp_path: Path) -> None:
    flag = tmp_path / "restarted"
    command = python(tmp_path, f"open({str(flag)!r}, 'w')")
    profile = Profile(commands=Commands(restart=command))
    found = await run_suite_in_memory(MinimalServer(), only=RESTART, profile=profile)
    assert found.scenarios[RESTART[0]].verdict == "pass"
    assert flag.exists()


@REAL_TIME
@pytest.mark.parametrize(("code", "says"), [("raise SystemExit('busy')", "exited with 1: busy")])
async def test_a_restart_that_fails_says_nothing_of_the_server(
    tmp_path: Path, code: str, says: str
) -> None:
    profile = Profile(commands=Commands(restart=python(tmp_path, code)))
    found = await run_suite_in_memory(MinimalServer(), only=RESTART, profile=profile)
    told = found.scenarios[RESTART[0]]
    assert told.verdict == "error"
    assert says in told.attempts[0].reason
    assert found.footer.exit_code == 3


async def test_a_server_that_does_not_come_back_is_an_error() -> None:
    tiny, stopped = MinimalServer(), list[str]()

    async def stop(command: str, **_: str) -> bytes:
        stopped.append(command)
        return b""

    def answering(asked: ReceivedRequest) -> ScriptedAnswer:
        return KeepOpen() if stopped else tiny(asked)

    profile = Profile(commands=Commands(restart="stop it"))
    found = await run_suite_in_memory(answering, only=RESTART, profile=profile, run_program=stop)
    told = found.scenarios[RESTART[0]]
    assert stopped == ["stop it"]
    assert told.verdict == "error"
    assert "does not respond after the restart" in told.attempts[0].reason
    assert found.footer.exit_code == 3
