"""`doctor.diagnosis`: what builds on a broken stage, exit codes, secrets, views."""

from __future__ import annotations

from faulty_proxy import FaultyProxy, diagnose_in_memory
from scripted_server import ScriptedResponse, serve_answers

from tus_conformance.doctor.annotations_report import format_annotations
from tus_conformance.doctor.html_report import format_html
from tus_conformance.doctor.markdown_report import format_markdown
from tus_conformance.doctor.text_report import format_diagnosis, format_stage

SECRET = "Bearer hunter2hunter2"


def test_what_builds_on_a_broken_stage_is_not_examined() -> None:
    found = diagnose_in_memory(lambda servers: FaultyProxy(servers, blocked={"PATCH": 403}))
    states = {stage.name: stage.state for stage in found.stages}
    assert states["methods"] == "findings"
    assert states["streaming"] == states["cache"] == states["limits"] == "not-examined"
    assert states["servers"] == "clean"
    reasons = {stage.reason for stage in found.stages if stage.state == "not-examined"}
    assert all("PATCH does not reach the server" in reason for reason in reasons)


def test_a_server_that_is_not_tus_is_undetermined() -> None:
    found = diagnose_in_memory(
        lambda _servers: _NotTus(),  # type: ignore[arg-type, return-value]
    )
    assert found.exit_code == 3
    assert "not a tus endpoint" in found.problem
    assert found.findings == ()


class _NotTus:
    """A server that answers everything with a page."""

    serve = staticmethod(
        serve_answers(lambda _request: ScriptedResponse(200, {}, b"<html>", version=False))
    )


def test_limitations_do_not_break_resuming() -> None:
    found = diagnose_in_memory(lambda servers: FaultyProxy(servers, drops_trailers=True))
    assert (found.exit_code, [each.severity for each in found.findings]) == (0, ["limits"])


def test_what_breaks_resuming_exits_with_1() -> None:
    found = diagnose_in_memory(lambda servers: FaultyProxy(servers, buffers=True))
    assert found.exit_code == 1


def test_no_view_has_a_secret_of_the_user() -> None:
    found = diagnose_in_memory(
        lambda servers: FaultyProxy(servers, buffers=True, drop_response=("tus-version",)),
        headers=(("Authorization", SECRET),),
    )
    assert found.findings
    for view in (format_diagnosis, format_markdown, format_html, format_annotations):
        assert "hunter2" not in view(found)


def test_uploads_are_removed_through_a_proxy_that_cuts_the_prefix() -> None:
    found = diagnose_in_memory(
        lambda servers: FaultyProxy(servers, served_path="/api/files/"),
        url="http://tus.test/api/files/",
    )
    assert found.remaining_uploads == ()


def test_every_view_has_the_finding_its_cause_and_its_cure() -> None:
    found = diagnose_in_memory(lambda servers: FaultyProxy(servers, blocked={"PATCH": 405}))
    for view in (format_diagnosis, format_markdown, format_html):
        text = view(found)
        assert "PATCH does not reach the server" in text
        assert "the proxy (nginx)" in text
        assert "limit_except GET POST PATCH" in text
        assert "405" in text
    assert format_annotations(found).startswith("::error title=methods.patch-blocked::PATCH got")
    assert any("not examined" in format_stage(stage) for stage in found.stages)


def test_no_line_is_longer_than_a_terminal_is_wide() -> None:
    found = diagnose_in_memory(lambda servers: FaultyProxy(servers, buffers=True, header_limit=300))
    text = "\n".join([*map(format_stage, found.stages), format_diagnosis(found)])
    assert [line for line in text.splitlines() if len(line) > 80] == []
