"""`discovery`: a difference between what a server lists and what it does is a failure."""

from __future__ import annotations

import pytest
from memory_run import RunLines, run_suite_in_memory
from minimal_server import EVERYTHING, MinimalServer, StrictMinimalServer
from scripted_server import ReceivedRequest, ScriptedAnswer, ScriptedResponse

from tus_scenarios import EXTENSIONS, scenarios

NAMES = frozenset(EXTENSIONS)
ADVERTISE = {name: f"{name}.advertise" for name in EXTENSIONS} | {
    "creation-defer-length": "creation.defer-length.advertise"
}


def about(extension: str) -> tuple[str, ...]:
    """Return the scenarios in data that need an extension, but those of megabytes."""
    return tuple(
        each.id
        for each in scenarios()
        if (extension in each.needs or each.extension == extension)
        and each.run is None
        and not each.id.endswith(".large")
    )


async def told(extension: str, able: frozenset[str], lists: frozenset[str]) -> RunLines:
    """Run what is about an extension."""
    return await run_suite_in_memory(
        StrictMinimalServer(able=able, lists=lists), only=about(extension)
    )


_told: dict[str, RunLines] = {}


async def in_order(extension: str) -> RunLines:
    """Run what is about an extension, once, on a server that does what it lists."""
    if extension not in _told:
        _told[extension] = await told(extension, EVERYTHING, NAMES)
    return _told[extension]


@pytest.mark.parametrize("name", EXTENSIONS)
async def test_an_unlisted_capability_fails_the_requirement_to_list_it(name: str) -> None:
    row = ADVERTISE[name]
    only = tuple(each.id for each in scenarios() if row in each.requirements)
    modest = await run_suite_in_memory(StrictMinimalServer(lists=NAMES - {name}), only=only)
    assert modest.requirements[row].verdict == "fail"
    honest = await run_suite_in_memory(StrictMinimalServer(lists=NAMES), only=only)
    assert honest.requirements[row].verdict in {"pass", "note"}


@pytest.mark.parametrize("name", sorted(NAMES - {"expiration"}))
async def test_a_listed_but_refused_capability_fails_a_requirement_of_it(name: str) -> None:
    implied = {"concatenation-unfinished"} if name == "concatenation" else set()
    boastful = await told(name, EVERYTHING - {name} - implied, NAMES)
    honest = await in_order(name)
    failing = boastful.failed_requirements() - honest.failed_requirements()
    assert failing, {name: row.verdict for name, row in boastful.requirements.items()}
    assert boastful.footer.exit_code == 1


async def test_what_is_listed_and_has_no_time_is_warned_of_since_uploads_may_not_expire() -> None:
    boastful = await told("expiration", EVERYTHING - {"expiration"}, NAMES)
    assert boastful.requirements["expiration.patch-header"].verdict == "warn"


@pytest.mark.parametrize("name", sorted(NAMES - {"creation"}))
async def test_what_is_neither_listed_nor_done_fails_nothing_of_it(name: str) -> None:
    implied = {"concatenation-unfinished"} if name == "concatenation" else set()
    plain = await told(name, EVERYTHING - {name} - implied, NAMES - {name} - implied)
    honest = await in_order(name)
    assert plain.failed_requirements() - honest.failed_requirements() == set()
    needing = [each for each in plain.scenarios.values() if each.id in about(name)]
    assert "unsupported" in {each.verdict for each in needing}


def strict(refused: dict[str, int]) -> tuple[MinimalServer, list[ReceivedRequest]]:
    """Return a server that answers what it does not know with these statuses."""
    heard: list[ReceivedRequest] = []

    class Strict(MinimalServer):
        def __call__(self, asked: ReceivedRequest) -> ScriptedAnswer:
            heard.append(asked)
            if "method" in refused and asked.method not in {"OPTIONS", "POST", "HEAD", "PATCH"}:
                return ScriptedResponse(refused["method"])
            if "header" in refused and asked.header("Upload-Flavour") is not None:
                return ScriptedResponse(refused["header"])
            if "version" in refused and asked.header("Tus-Resumable") == "999.0.0":
                return ScriptedResponse(refused["version"])
            return super().__call__(asked)

    return Strict(), heard


async def test_how_a_server_refuses_is_learnt_before_anything_is_probed() -> None:
    server, heard = strict({"header": 422, "version": 412, "method": 405})
    found = await run_suite_in_memory(server, only=("core.options.answer",))
    assert found.discovery.refusal_baseline == (
        "A creation with a made-up header got 422.",
        "A creation in a made-up version got 412.",
        "A made-up method got 405.",
    )
    methods = [asked.method for asked in heard[:4]]
    assert methods == ["OPTIONS", "POST", "POST", "INVENT"]
    assert len(found.discovery.exchanges) >= 4


async def test_a_refusal_like_that_of_a_made_up_method_is_one_even_as_a_500() -> None:
    server, _ = strict({"method": 500})
    found = await run_suite_in_memory(server, only=("core.options.answer",))
    seen = {each.name: each for each in found.discovery.capabilities}["termination"]
    assert seen.observed == "refused"
    assert "as a made-up method does" in seen.reason


async def test_server_that_requires_authentication_is_not_evaluated() -> None:
    def locked(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(401, {"WWW-Authenticate": "Bearer"})

    found = await run_suite_in_memory(locked)
    assert found.footer.exit_code == 3
    assert "refuses access: POST got 401" in found.footer.error
    assert found.scenarios == {}


async def test_a_blocked_requirement_names_what_blocks_it() -> None:
    tiny = MinimalServer()

    def full(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(507) if asked.method == "POST" else tiny(asked)

    found = await run_suite_in_memory(full, only=("core.head.*",))
    blocked = {name: row for name, row in found.requirements.items() if row.verdict == "blocked"}
    assert "core.head.upload-offset" in blocked
    for row in blocked.values():
        assert "(creation.post.201)" in row.reason


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "POST"])
async def test_429_leaves_a_capability_unknown(method: str) -> None:
    tiny = MinimalServer()

    def busy(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(429) if asked.method == method else tiny(asked)

    found = await run_suite_in_memory(
        busy, only=("core.patch.success*", "core.head.upload-offset/*")
    )
    assert found.footer.exit_code == 3
    assert "fail" not in {each.verdict for each in found.scenarios.values()}
    reasons = {each.reason for each in found.scenarios.values() if each.verdict == "inconclusive"}
    assert {"set `rate` in the profile" in reason for reason in reasons} == {True}
