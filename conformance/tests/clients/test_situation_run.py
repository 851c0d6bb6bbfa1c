"""`clients.situation_run`: a program in one situation, and a run of several."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import trio
from seen_client import make_situation
from small_honest_server import SmallServers

from tus_conformance.clients.client_profile import ClientProfile
from tus_conformance.clients.client_program import ClientCommand, ClientCommandError
from tus_conformance.clients.client_run import ClientRun
from tus_conformance.clients.situation_run import SituationRun, file_content, server_flags
from tus_reports import RecordLine, ScenarioResult
from tus_scenarios.situation import Situation

pytestmark = pytest.mark.anyio

UPLOAD = """\
import sys, urllib.request as http
endpoint, name, *options = sys.argv[1:]
data = open(name, "rb").read()
def send(method, url, body, **headers):
    headers = {k.replace("_", "-"): v for k, v in {"Tus_Resumable": "1.0.0", **headers}.items()}
    return http.urlopen(http.Request(url, body, headers, method=method))
try:
    url = send("POST", endpoint, b"", Upload_Length=str(len(data))).headers["Location"]
    kind = "application/offset+octet-stream"
    send("PATCH", url, data, Upload_Offset="0", Content_Type=kind)
except OSError as error:
    print("error", error)
    sys.exit(1)
print("done", url)
"""


SAY = 'print("done", url)'


@pytest.fixture
def anyio_backend() -> str:
    """Run on the clock of the machine: clients are processes."""
    return "trio"


def make_run(program: str, time_limit: float | None = None) -> SituationRun:
    words = (sys.executable, "-c", program, "{endpoint}", "{file}", "{options}")
    return SituationRun(
        ClientCommand(words, {}), ClientProfile(time_limit=time_limit), SmallServers(), seed=1
    )


def named(name: str, text: str = "") -> Situation:
    return replace(make_situation(f"{text}\n", size="10"), id=name)


async def run_one(
    program: str, situation: Situation, time_limit: float | None = None
) -> ScenarioResult:
    return await make_run(program, time_limit).run(situation)


@pytest.mark.parametrize(
    ("program", "text", "outcome"),
    [
        (UPLOAD, "", "whole"),
        (UPLOAD, 'rule = [{ on = "PATCH", store = "50%" }]', "lied"),
        (UPLOAD, 'rule = [{ on = "PATCH", answer = { status = 500 } }]', "reported"),
        (UPLOAD.replace('print("done", url)', ""), "", "silent"),
        (UPLOAD.replace("data, Upload", "data[::-1], Upload"), "", "damaged"),
        (
            UPLOAD.replace("except OSError", "except KeyError"),
            'rule = [{ on = "PATCH", lose = "fin" }]',
            "crashed",
        ),
    ],
)
async def test_what_a_program_says_is_compared_with_what_is_stored(
    program: str, text: str, outcome: str
) -> None:
    result = await run_one(program, make_situation(f"{text}\n", size="10"))
    assert result.outcome == outcome, result.reason


@pytest.mark.parametrize("code", [64, 127])
async def test_a_program_that_cannot_do_it_is_not_judged(code: int) -> None:
    result = await run_one(f"import sys; sys.exit({code})", make_situation(size="10"))
    assert (result.verdict, result.outcome) == ("not-applicable", None)
    assert str(code) in result.reason


async def test_a_program_that_sends_nothing_is_an_error() -> None:
    result = await run_one("print('hello')", make_situation(size="10"))
    assert result.verdict == "error"


async def test_a_program_that_does_not_end_is_stopped() -> None:
    text = UPLOAD.replace('print("done", url)', "import time; time.sleep(60)")
    result = await run_one(text, make_situation(size="10"), time_limit=1.5)
    assert result.outcome == "hangs", result.reason


async def test_a_program_that_does_not_exist_is_named() -> None:
    run = SituationRun(ClientCommand(("no-such-program",), {}), ClientProfile(), SmallServers(), 1)
    wrong = pytest.RaisesExc(ClientCommandError, match="no-such-program cannot be started")
    with pytest.RaisesGroup(wrong):
        await run.run(make_situation(size="10"))


async def test_a_command_without_options_does_not_get_situations_that_need_some() -> None:
    run = SituationRun(ClientCommand(("true",), {}), ClientProfile(), SmallServers(), 1)
    result = await run.run(make_situation(options='["--chunk", "3"]'))
    assert result.verdict == "not-applicable"


async def test_results_are_emitted_in_the_order_of_the_situations() -> None:
    chosen = [
        named("slow", 'rule = [{ on = "PATCH", pause = 0.5 }]'),
        named("quick"),
    ]
    lines: list[RecordLine] = []
    footer = await ClientRun(make_run(UPLOAD), chosen, lines.append, jobs=2)()
    assert [each.id for each in lines if isinstance(each, ScenarioResult)] == ["slow", "quick"]
    assert lines[-1] is footer
    assert footer.exchange_count == 4
    assert sum(footer.counts.scenarios.values()) == 2


@pytest.mark.parametrize(("options", "code"), [("", 3), ('options = ["--checksum", "sha1"]', 0)])
async def test_a_program_that_cannot_do_anything_is_not_conformant(options: str, code: int) -> None:
    run = make_run("raise SystemExit(127)")
    footer = await ClientRun(run, [named("one", options)], lambda _line: None)()
    assert footer.exit_code == code
    assert ("its exit code was 127. Check its command." in footer.error) is (code == 3)


async def test_a_client_that_only_waits_makes_room_for_another() -> None:
    places: list[str] = []
    both = trio.Event()
    run = make_run(UPLOAD)

    class Waiting(SituationRun):
        async def run(self, situation, on_idle=lambda: None):  # type: ignore[no-untyped-def]
            places.append(situation.id)
            on_idle()
            on_idle()
            if len(places) == 2:
                both.set()
            await both.wait()
            return await run.run(situation)

    chosen = [named("one"), named("two")]
    waiting = Waiting(run.command, run.profile, run.servers, 1)
    with trio.fail_after(60):
        await ClientRun(waiting, chosen, lambda _line: None, jobs=1)()
    assert sorted(places) == ["one", "two"]


def test_the_content_of_a_file_depends_on_the_seed_and_the_situation() -> None:
    one, two = make_situation(size="10", grows="5"), named("two")
    assert len(file_content(1, one)) == 15
    assert file_content(1, one) == file_content(1, one)
    assert file_content(1, one)[:10] != file_content(2, one)[:10]
    assert file_content(1, one)[:10] != file_content(1, two)


def test_the_flags_of_the_reference() -> None:
    situation = make_situation('server = { quirks = ["head-with-204"], max_size = 9 }\n')
    assert server_flags(situation) == ("--quirk", "head-with-204", "--max-size", "9")
    assert server_flags(make_situation()) == ()


READ = 'data = open(name, "rb").read()\n'


@pytest.mark.parametrize(
    ("place", "outcome"), [("    url = send(", "whole"), ("    kind =", "lied")]
)
async def test_a_file_that_changes_does_so_once_its_upload_is_created(
    place: str, outcome: str
) -> None:
    asks = UPLOAD.replace("try:", 'try:\n    send("OPTIONS", endpoint, None)')
    result = await run_one(
        asks.replace(place, f"    {READ}{place}"), make_situation(size="10", grows="-4")
    )
    assert result.outcome == outcome, result.reason
