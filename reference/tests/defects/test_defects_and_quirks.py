"""Faults and eccentrics as a table, and one of each served for real."""

from __future__ import annotations

import re

import h11
import pytest
import trio
from trio.testing import memory_stream_pair

from tus_reference import Config, MemoryLocker, MemoryStore, StoreComposer, serve_stream
from tus_reference.cli import main
from tus_reference.defects import defects
from tus_reference.handler import ConfigError
from tus_reference.quirks import quirks
from tus_reference.quirks.modified_server import new_modified_handler

REQUIREMENT_ID = re.compile(r"[a-z]+(-[a-z]+)*(\.[a-z0-9-]+)+")


@pytest.mark.parametrize("known", [defects(), quirks()], ids=["faults", "eccentrics"])
def test_each_has_an_id_and_a_sentence(known: dict[str, object]) -> None:
    assert known
    for identifier, each in known.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", identifier)
        sentence = getattr(each, "sentence", "")
        assert sentence[:1].isalnum(), identifier
        assert sentence.endswith("."), identifier
        assert "\n\n" not in sentence, identifier


def test_each_fault_breaks_what_it_is_about() -> None:
    for defect in defects().values():
        assert REQUIREMENT_ID.fullmatch(defect.breaks), defect.id
        assert defect.breaks in defect.violates, defect.id
        assert defect.quirk in {"", *quirks()}, defect.id


def config() -> Config:
    composer = StoreComposer()
    MemoryStore().use_in(composer)
    MemoryLocker().use_in(composer)
    return Config(store_composer=composer)


async def options(misbehave: str | None, eccentric: str | None) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of OPTIONS, their names as they were written."""
    handler = new_modified_handler(config(), misbehave=misbehave, eccentric=eccentric)
    near, far = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve_stream, handler, handler.wrap_stream(far))
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
    ("versions-without-ours", None, 204, "0.2.2"),
    (None, "options-with-200", 200, "1.0.0"),
    (None, "early-hints", 204, "1.0.0"),
    ("versions-without-ours", "byte-by-byte", 204, "0.2.2"),
]


@pytest.mark.parametrize(("misbehave", "eccentric", "status", "versions"), SERVED_CASES)
async def test_a_server_behaves_as_it_is_asked_to(
    misbehave: str | None, eccentric: str | None, status: int, versions: str
) -> None:
    answered, headers = await options(misbehave, eccentric)
    assert (answered, headers["tus-version"]) == (status, versions)


async def test_a_fault_brings_along_the_server_that_it_shows_on() -> None:
    _, headers = await options("maximum-of-zero", None)
    assert headers["tus-max-size"] == "0"


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"misbehave": "ofset-ignored", "eccentric": None}, "Did you mean offset-ignored?"),
        ({"misbehave": None, "eccentric": "zzz"}, "See them all by --eccentric list."),
    ],
)
def test_an_unknown_id_is_told_with_what_to_do(flags: dict[str, str | None], sentence: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        new_modified_handler(config(), **flags)


@pytest.mark.parametrize(("flag", "known"), [("--misbehave", defects()), ("--eccentric", quirks())])
def test_the_command_line_lists_them(
    flag: str, known: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([flag, "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == list(known)
