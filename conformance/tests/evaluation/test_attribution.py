"""`evaluation.attribution`: a failure is charged to the requirement that it breaks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from memory_run import run_suite_in_memory
from minimal_server import EVERYTHING, UNLISTED, StrictMinimalServer
from reference_in_memory import defect, quirk, serve_reference
from scripted_server import (
    CloseWithoutReply,
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    creation_response,
    discovered_with,
    open_session,
    scenario_from_toml,
    script_answers,
)

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.targets.profile import Profile
from tus_defects import Change
from tus_defects.call import Call
from tus_defects.message_edits import answer
from tus_defects.rule import Edit, Match
from tus_defects.variant import change_by_rule
from tus_reference.model import Response

FORGOTTEN = defect("complete-upload-forgotten")
LISTED = EVERYTHING - UNLISTED


async def test_a_final_refused_over_unfinished_parts_breaks_what_the_list_promises() -> None:
    """The creation of uploads is in order; that finals may come early is listed, and not so."""
    server = StrictMinimalServer(able=EVERYTHING - {"concatenation-unfinished"}, lists=LISTED)
    found = await run_suite_in_memory(
        server, only=("*concatenation-unfinished.*", "creation.post.201")
    )
    charged = {row for row in found.failed_requirements() if not row.startswith("core.")}
    assert charged == {"concatenation-unfinished.advertise"}
    blocked = found.scenarios["interruption.concatenation-unfinished.cut/half"]
    assert blocked.verdict == "blocked"
    assert "(concatenation-unfinished.advertise)" in blocked.reason


async def test_a_requirement_without_its_response_names_the_response_received() -> None:
    server = serve_reference(*defect("version-refused-with-400"))
    found = await run_suite_in_memory(serve=server, only=("core.tus-resumable.unsupported.*",))
    row = found.requirements["core.tus-resumable.unsupported-tus-version"]
    assert row.verdict == "blocked"
    assert row.reason == "It was not reached: status 400, Tus-Version: 1.0.0 arrived instead."


async def test_metadata_that_a_server_requires_goes_along_with_that_of_a_scenario() -> None:
    """What the profile names is the server's right to ask for, and no scenario leaves it out."""
    server = serve_reference(*quirk("tenant-required"))
    profile = Profile(metadata="tenant YWNtZQ==")
    found = await run_suite_in_memory(serve=server, profile=profile, only=("*metadata*",))
    told = {name: each.verdict for name, each in found.scenarios.items() if each.attempts}
    assert {name for name, verdict in told.items() if verdict in {"pass", "note"}} == {
        name for name, verdict in told.items() if verdict != "not-applicable"
    }
    assert len([name for name in told if name.startswith("creation.metadata.")]) > 30


@pytest.mark.parametrize(("known", "verdict"), [(None, "warn"), (3600.0, "fail")])
async def test_a_list_without_a_date_is_a_fail_where_uploads_are_known_to_expire(
    known: float | None, verdict: str
) -> None:
    """Only the profile can say that the date is owed; else nothing may be going to expire."""
    server = StrictMinimalServer(able=EVERYTHING - {"expiration"}, lists=LISTED)
    dates = ("expiration.patch-header*", "expiration.post-header", "expiration.completing")
    found = await run_suite_in_memory(server, profile=Profile(expiration=known), only=dates)
    assert found.requirements["expiration.patch-header"].verdict == verdict
    assert found.requirements["expiration.post-header"].verdict == "warn"


@pytest.mark.parametrize("identifier", ["head-without-offset", "offset-as-fraction"])
async def test_a_head_without_a_valid_offset_is_charged_to_the_rows_about_that(
    identifier: str,
) -> None:
    """Nothing else can be said of how many bytes are stored, and says so."""
    some = ("core.head.*", "core.patch.*", "core.upload-offset.*", "interruption.patch.cut-fin/*")
    found = await run_suite_in_memory(serve=serve_reference(*defect(identifier)), only=some)
    about_offset = {"core.implemented", "core.head.upload-offset", "core.upload-offset.format"}
    assert found.failed_requirements() & about_offset
    assert found.failed_requirements() <= about_offset
    assert found.requirements["core.head.offset-accurate"].verdict == "blocked"
    interrupted = found.scenarios["interruption.patch.cut-fin/half"]
    assert interrupted.verdict == "blocked"
    assert "(core.head.upload-offset, core.upload-offset.format)" in interrupted.reason


async def test_complete_uploads_that_are_forgotten_are_charged_once() -> None:
    """Whatever else is asked of them cannot be told, and says why."""
    server = serve_reference(*FORGOTTEN)
    told = ("core.head.*", "core.patch.*", "concatenation*", "termination.*")
    more = ("interruption.patch.*", "interruption.race.*", "interruption.concatenation*")
    found = await run_suite_in_memory(serve=server, only=told + more)
    assert found.failed_requirements() == {
        "core.implemented",
        "core.head.upload-offset",
        "concatenation.final.head-offset-equals-length",
    }
    charged = {name for name, told in found.scenarios.items() if told.verdict == "fail"}
    assert charged == {"core.head.upload-offset/all", "concatenation.final"}
    blocked = found.scenarios["interruption.patch.lost-reply/all"]
    assert blocked.verdict == "blocked"
    assert "(core.head.upload-offset)" in blocked.reason
    held = found.requirements["core.patch.offset-mismatch-409"]
    assert held.verdict == "pass"
    assert re.fullmatch(r"Held in \d+ scenarios, not reached in \d+\.", held.reason)
    assert found.requirements["core.patch.after-complete"].verdict == "blocked"
    # That the PATCH was refused is a beginning; what it left behind cannot be looked at.
    after = found.scenarios["core.patch.after-complete/some"]
    assert [check.outcome for check in after.attempts[0].checks][-1] == "not-reached"
    assert found.requirements["core.patch.after-complete"].verdict == "blocked"


async def report_large_uploads_unfinished(call: Call) -> Response:
    """HEAD of a complete upload of 200,000 bytes returns one byte less."""
    info = await call.upload()
    if info is None or not info.size == 200_000 == info.offset:
        return await call.respond()
    return answer(200, ("Upload-Offset", "199999"), ("Upload-Length", "200000"))


async def forget_started_upload(call: Call) -> Response:
    """HEAD and PATCH of an upload with one byte get 404."""
    info = await call.upload()
    return answer(404) if info is not None and info.offset == 1 else await call.respond()


LARGE_UNFINISHED = Change(Match(method="HEAD"), report_large_uploads_unfinished)
STARTED_FORGOTTEN = Change(Match(method="HEAD|PATCH"), forget_started_upload)


@pytest.mark.parametrize("changes", [FORGOTTEN, (*FORGOTTEN, LARGE_UNFINISHED)])
async def test_whether_an_upload_was_complete_before_it_was_forgotten_decides_nothing(
    changes: tuple[Change, ...],
) -> None:
    """It is chance, and a run comes out as the one before."""
    story = "interruption.patch.cut-fin/last"
    found = await run_suite_in_memory(serve=serve_reference(*changes), only=(story,))
    assert found.scenarios[story].verdict == "blocked"
    assert "it is unknown whether this one was complete" in found.scenarios[story].reason


async def test_an_upload_that_was_not_complete_may_not_be_forgotten() -> None:
    server = serve_reference(*FORGOTTEN, STARTED_FORGOTTEN)
    story = "interruption.patch.cut-fin/first"
    found = await run_suite_in_memory(serve=server, only=(story,))
    assert found.scenarios[story].verdict == "fail"


async def test_every_listed_algorithm_is_tried_or_reported_as_untried() -> None:
    """A crc32 in another order breaks no sentence, but clients; of xxh3 nothing is known."""
    server = serve_reference(*quirk("unknown-names-listed"), *defect("crc32-in-little-endian"))
    found = await run_suite_in_memory(serve=server, only=("checksum.crc32", "checksum.untried"))
    crc32, untried = found.scenarios["checksum.crc32"], found.scenarios["checksum.untried"]
    assert crc32.verdict == "warn"
    assert [check.explanation for check in crc32.attempts[0].checks if check.grade == "warn"] == [
        "the server does not compute crc32 as IEEE 802.3 with the most significant byte first"
    ] * 2
    assert untried.verdict == "note"
    assert "xxh3" in untried.attempts[0].checks[0].actual


@pytest.mark.parametrize("name", ["core.patch.concurrent.at-once", "interruption.race.one-winner"])
async def test_an_offset_that_is_no_number_is_no_failure_of_the_suite(name: str) -> None:
    """It is a failure of the server, and the story goes on to its end."""
    edit = Edit(replace={"Upload-Offset": {".+": "forty"}})
    server = serve_reference(change_by_rule(Match(method="PATCH"), edit))
    found = await run_suite_in_memory(serve=server, only=(name,))
    assert found.scenarios[name].verdict in {"pass", "note"}
    assert found.requirements["core.upload-offset.format"].verdict == "fail"


ODD_METADATA = """
{ post = { length = 10, metadata = "flag" }, expect = [
  { status = 201, checks = "creation.metadata.empty-value" },
] },
{ head = {}, expect = [
  { EXPECTED, checks = "creation.metadata.empty-value" },
] },
"""


@pytest.mark.parametrize(
    ("answer", "rule"),
    [(CloseWithoutReply(), "unanswered"), (ScriptedResponse(500), "server-error")],
)
@pytest.mark.parametrize(
    "expected", ['when.header.Upload-Metadata = true, status = "2xx"', "header.X = false"]
)
async def test_a_head_that_breaks_fails_in_any_row_whatever_else_of_the_scenario_held(
    answer: ScriptedAnswer, rule: str, expected: str
) -> None:
    answering, _ = script_answers(creation_response(), answer)
    async with open_session(answering, discovery=discovered_with()) as session:
        scenario = scenario_from_toml(ODD_METADATA.replace("EXPECTED", expected))
        attempt = await execute_scenario(scenario, session)
    assert attempt.verdict == "fail"
    assert attempt.checks[-1].grade == "fail"
    assert attempt.checks[-1].rule == rule


EXPIRY = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "verdict"),
    [
        (EXPIRY - timedelta(seconds=1), "warn"),
        (EXPIRY, "blocked"),
        (None, "warn"),
    ],
    ids=["before it expires", "when it has expired", "a server without a clock"],
)
async def test_an_upload_that_expired_is_not_lost(date: datetime | None, verdict: str) -> None:
    """By the server's own clock, whatever ours says."""
    expires = {"Upload-Expires": format_datetime(EXPIRY, usegmt=True)}
    dated = {} if date is None else {"Date": format_datetime(date, usegmt=True)}
    answering, _ = script_answers(creation_response(**expires), ScriptedResponse(404, dated))
    steps = """
        { post = { length = 10 } },
        { head = {}, expect = [{ status = "2xx", checks = "core.head.success-status" }] },
    """
    async with open_session(answering, discovery=discovered_with()) as session:
        attempt = await execute_scenario(scenario_from_toml(steps), session)
    assert attempt.verdict == verdict


async def test_a_server_whose_options_is_broken_is_judged_for_the_rest() -> None:
    """Its own rows are charged with it, and no other; nobody takes the server for gone."""
    server = StrictMinimalServer()

    def answer(asked: ReceivedRequest) -> ScriptedAnswer:
        return CloseWithoutReply() if asked.method == "OPTIONS" else server(asked)

    only = ("core.head.upload-offset/*", "core.options.*", "core.tus-*", "*.advertise")
    found = await run_suite_in_memory(answer, only=only)
    assert found.footer.error == ""
    assert found.scenarios["core.head.upload-offset/some"].verdict == "pass"
    assert found.failed_requirements() >= {"core.options.status"}
    assert not any(row.endswith((".format", ".advertise")) for row in found.failed_requirements())


@pytest.mark.parametrize("status", [400, 411, 501])
async def test_a_server_that_takes_no_chunked_bodies_is_charged_with_that_alone(
    status: int,
) -> None:
    """What else a scenario asks of such a request is not reached, held or not."""
    tiny = StrictMinimalServer(lists=LISTED - {"checksum-trailer"})

    def refusing(asked: ReceivedRequest) -> ScriptedAnswer:
        return ScriptedResponse(status) if asked.header("Transfer-Encoding") else tiny(asked)

    only = ("core.patch.no-content-length", "checksum.chunked*", "values.empty-body-checksum*")
    found = await run_suite_in_memory(refusing, only=only)
    charged = {name: row.verdict for name, row in found.requirements.items()}
    assert charged["core.patch.no-content-length"] == "warn"
    assert {name for name, verdict in charged.items() if verdict in {"fail", "warn"}} == {
        "core.patch.no-content-length"
    }
    refused = found.scenarios["checksum.chunked-mismatch"].attempts[0].checks[0]
    assert (refused.requirement, refused.outcome) == ("checksum.verify", "not-reached")
    assert "(core.patch.no-content-length)" in refused.explanation


async def test_a_listed_checksum_trailer_needs_bodies_without_content_length() -> None:
    tiny = StrictMinimalServer(able=EVERYTHING - {"chunked-bodies"}, lists=LISTED)
    found = await run_suite_in_memory(tiny, only=("checksum-trailer.*",))
    assert "checksum-trailer.verify" in found.failed_requirements()


async def test_a_server_that_takes_no_bytes_before_the_length_is_charged_with_that_alone() -> None:
    tiny = StrictMinimalServer(able=EVERYTHING - {"deferred-bytes"}, lists=LISTED)
    deferring = tuple(f"creation.defer-length.{name}" for name in ("usable", "many-chunks"))
    only = (*deferring, "kinds.trailer*", "pairs.empty-patch*")
    found = await run_suite_in_memory(tiny, only=only)
    failed = {name for name, row in found.requirements.items() if row.verdict in {"fail", "warn"}}
    assert "creation.defer-length.advertise" in failed
    assert not {name for name in failed if not name.startswith("creation.defer-length.")}


async def test_a_server_that_refuses_every_delete_is_charged_with_that_alone() -> None:
    tiny = StrictMinimalServer(able=EVERYTHING - {"termination"}, lists=LISTED)
    only = ("termination.*", "core.method-override.delete", "interruption.termination.after-cut/*")
    found = await run_suite_in_memory(tiny, only=only)
    charged = {name for name, row in found.requirements.items() if row.verdict in {"fail", "warn"}}
    assert charged == {"termination.204"}
    assert found.footer.duration < 5
