"""`gallery`: every defect and quirk by its id; some are served."""

from __future__ import annotations

import re
import sys
from subprocess import run

import h11
import pytest
import trio
from trio.testing import memory_stream_pair

from tus_defects import ChangedService, Variant, changes, defects, quirks
from tus_defects.gallery import format_list, select_changes
from tus_defects.rule import EVERY_REQUEST
from tus_reference import Config, MemoryLocker, MemoryStore, StoreComposer, serve_stream
from tus_reference.cli import main
from tus_reference.handler import ConfigError

IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
REQUIREMENT_ID = re.compile(r"[a-z]+(-[a-z]+)*(\.[a-z0-9-]+)+")
EVERY = [*defects().values(), *quirks().values()]


@pytest.mark.parametrize("each", EVERY, ids=lambda each: each.id)
def test_each_has_an_id_a_sentence_and_does_something(each: Variant) -> None:
    assert IDENTIFIER.fullmatch(each.id)
    assert re.fullmatch(r"[A-Z0-9][^\n]{3,98}\.", each.sentence)
    assert each.on in {"", *quirks()}
    assert each.change.act or each.change.configure or each.change.wrap_stream


@pytest.mark.parametrize("each", defects().values(), ids=lambda each: each.id)
def test_each_defect_breaks_one_requirement(each: Variant) -> None:
    assert REQUIREMENT_ID.fullmatch(each.breaks)


def test_ids_are_unique() -> None:
    assert len({each.id for each in EVERY}) == len(EVERY)


def test_functions_match_requests_and_uploads_only() -> None:
    """What a function does with a response it decides itself."""
    functions = [each for each in EVERY if not hasattr(each.change.act, "args")]
    assert len(functions) > 100
    assert not any(each.change.match.concerns_response for each in functions)


def new_config() -> Config:
    composer = StoreComposer()
    MemoryStore().use_in(composer)
    MemoryLocker().use_in(composer)
    return Config(store_composer=composer)


async def request_options(defect: str | None, quirk: str | None) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of OPTIONS, their names as they were sent."""
    service = ChangedService(new_config(), *select_changes(defect, quirk))
    near, far = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_stream, service, service.wrap(far))
        await near.send_all(b"OPTIONS /files/ HTTP/1.1\r\nHost: tus.test\r\n\r\n")
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method="OPTIONS", target="/", headers=[("Host", "x")]))
        while not isinstance(event := parser.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                parser.receive_data(bytes(await near.receive_some()))
        nursery.cancel_scope.cancel()
    headers = {name.decode(): value.decode() for name, value in event.headers}
    return event.status_code, headers


SERVED_CASES = [
    (None, None, 204, "1.0.0"),
    ("versions-without-own", None, 204, "0.2.2"),
    (None, "options-with-200", 200, "1.0.0"),
    (None, "early-hints", 204, "1.0.0"),
    ("versions-without-own", "byte-by-byte", 204, "0.2.2"),
]


@pytest.mark.parametrize(("defect", "quirk", "status", "versions"), SERVED_CASES)
async def test_a_server_has_the_defect_and_the_quirk_that_were_selected(
    defect: str | None, quirk: str | None, status: int, versions: str
) -> None:
    answered, headers = await request_options(defect, quirk)
    assert (answered, headers["tus-version"]) == (status, versions)


async def test_a_defect_brings_the_quirk_that_it_shows_on() -> None:
    _, headers = await request_options("maximum-of-zero", None)
    assert headers["tus-max-size"] == "0"


def test_a_quirk_replaces_the_one_that_a_defect_is_on() -> None:
    defect, quirk = defects()["maximum-of-zero"], quirks()["small-maximum"]
    assert changes(defect) == (quirks()["no-maximum"].change, defect.change)
    assert changes(defect, quirk) == (quirk.change, defect.change)
    assert changes(None) == ()


async def test_a_quirk_brings_the_quirk_that_it_adds_to() -> None:
    _, headers = await request_options(None, "creation-only-without-body")
    assert headers["tus-extension"] == "creation"


@pytest.mark.parametrize(
    ("defect", "quirk", "sentence"),
    [
        ("ofset-ignored", None, "Did you mean offset-ignored?"),
        (None, "zzz", "List all of them with --quirk list."),
    ],
)
def test_an_unknown_id_is_refused_with_what_to_do(
    defect: str | None, quirk: str | None, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        select_changes(defect, quirk)


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--defect", format_list(defects())),
        ("--quirk", format_list(quirks())),
        ("--misbehave", format_list(defects())),
        ("--eccentric", format_list(quirks())),
    ],
)
def test_the_command_line_lists_them(
    flag: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([flag, "list"]) == 0
    assert capsys.readouterr().out == text


def test_the_list_marks_what_clients_meet() -> None:
    lines = format_list(defects()).splitlines()
    assert "* head-without-offset: HEAD lacks Upload-Offset." in lines
    assert any(line.startswith("  version-ignored: ") for line in lines)


def test_a_server_without_defects_does_not_load_them() -> None:
    code = (
        "import sys; from tus_reference.cli.factories import new_handler, new_service; "
        "from tus_reference.cli.flags import new_parser; "
        "options = new_parser().parse_args(['--store', 'memory']); "
        "new_service(options, new_handler(options)); "
        "assert not [name for name in sys.modules if name.startswith('tus_defects')]"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_match_without_keys_matches_every_request() -> None:
    assert not EVERY_REQUEST.concerns_response
    assert quirks()["slow"].change.match == EVERY_REQUEST
