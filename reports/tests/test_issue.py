"""`issue`: a text for each violated requirement that its reader can follow without the suite."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_parts import TARGET, make_exchange, make_response, make_scenario

from tus_reports import (
    Attempt,
    Check,
    DecidingRule,
    Exchange,
    Record,
    RecordedBody,
    RecordError,
    RequirementResult,
    issue,
    issues,
)


def test_each_violated_requirement_has_a_text(sample: Record) -> None:
    failed = {each.id for each in sample.requirements if each.verdict == "fail"}
    texts = issues(sample)
    assert set(texts) <= failed
    assert "core.patch.offset-mismatch-409" in texts
    assert issue(sample).count("## Reproduction") == len(texts)


def test_a_text_has_the_sentence_the_bytes_a_reproduction_and_the_versions(sample: Record) -> None:
    text = issue(make_record(sample, CREATE, patch("abc")))
    assert "](https://tus.io/x#core), MUST)" in text
    assert "- expected: status 409" in text
    assert "**actual: status 204**" in text
    assert "> HTTP/1.1 204 No Content" in text
    assert "SERVER=http://127.0.0.1:1080\n" in text
    assert "UPLOAD_1=$(curl" in text
    assert '"${SERVER}/files/"' in text
    assert f"tus-conformance {sample.header.suite_version}" in text


def test_the_rule_that_makes_it_a_failure_is_said_once(sample: Record) -> None:
    text = issue(make_record(sample, CREATE, patch("abc"), rule="server-error"))
    assert "- meaning: a server error (5xx), which is a failure at every level\n" in text
    assert text.count("a failure at every level") == 1


def test_a_requirement_is_chosen_by_its_id(sample: Record) -> None:
    assert list(issues(sample, ["core.patch.offset-*"])) == ["core.patch.offset-mismatch-409"]
    warned = [each.id for each in sample.requirements if each.verdict == "warn"]
    assert list(issues(sample, warned)) != []
    with pytest.raises(RecordError, match="No violated requirement matches no-such"):
        issue(sample, ["no-such"])


def make_record(
    sample: Record,
    *exchanges: Exchange,
    command: str = "",
    rule: DecidingRule = "expectation",
) -> Record:
    """Make a record with one violated requirement, shown by the last exchange."""
    check = Check(
        requirement="core.x",
        outcome="violated",
        grade="fail",
        expected="status 409",
        actual="status 204",
        exchange=len(exchanges) - 1,
        rule=rule,
    )
    attempt = Attempt(verdict="fail", checks=(check,), exchanges=exchanges)
    scenario = make_scenario("core.x/one", "A request is refused", "fail", attempt)
    requirement = RequirementResult(
        id="core.x",
        level="MUST",
        section="Core",
        extension="core",
        statement="The request is refused.",
        verdict="fail",
        scenarios=("core.x/one",),
        link="https://tus.io/x#core",
    )
    return replace(sample, scenarios=(scenario,), requirements=(requirement,))


def patch(url: str, *, header: str = "", transport: str = "h11") -> Exchange:
    made = make_exchange(
        f"PATCH /files/{url} HTTP/1.1\nHost: 127.0.0.1:1080\nUpload-Offset: 1{header}",
        make_response(204, "No Content"),
        body=RecordedBody(size=3, generator="bytes 0 to 2 of the content 'a'"),
        started=5.0,
    )
    fields = {name: getattr(made, name) for name in made.__struct_fields__}
    return Exchange(**{**fields, "transport": transport})


CREATE = make_exchange(
    "POST /files/ HTTP/1.1\nHost: 127.0.0.1:1080\nUpload-Length: 10",
    make_response(201, "Created", Location=TARGET + "abc"),
)


@pytest.mark.parametrize(
    ("exchanges", "language"),
    [
        ([CREATE, patch("abc")], "sh"),
        ([patch("unknown")], "sh"),
        ([CREATE, patch("abc", transport="raw")], "python"),
        # Zeros for the body would make the checksum a wrong one.
        ([CREATE, patch("abc", header="\nUpload-Checksum: sha1 abc")], "python"),
        ([CREATE, patch("abc", header="\nUpload-Metadata: a \xe9")], "python"),
        # curl would shorten the path.
        ([CREATE, patch("../files/abc")], "python"),
        # curl names the host of the URL.
        ([CREATE, patch("abc", header="\nHost: elsewhere")], "python"),
    ],
)
def test_curl_is_used_where_it_sends_the_same(
    sample: Record, exchanges: list[Exchange], language: str
) -> None:
    text = issue(make_record(sample, *exchanges))
    assert f"```{language}\n" in text
    assert ("SERVER=http" in text) == (language == "sh")


def test_a_chunked_body_is_sent_in_chunks_by_curl_too(sample: Record) -> None:
    record = make_record(sample, CREATE, patch("abc", header="\nTransfer-Encoding: chunked"))
    assert "-H 'Transfer-Encoding: chunked'" in issue(record)


def test_the_last_response_is_shown_also_if_it_creates_an_upload(sample: Record) -> None:
    text = issue(make_record(sample, CREATE))
    assert "curl -sS -i -X POST" in text
    assert "UPLOAD_1" not in text


def test_requests_at_once_are_not_sent_one_after_the_other(sample: Record) -> None:
    fields = {name: getattr(CREATE, name) for name in CREATE.__struct_fields__}
    meanwhile = Exchange(**{**fields, "at": CREATE.at + 0.001})
    assert "this is a command of the suite" in issue(make_record(sample, CREATE, meanwhile))


def test_reads_that_only_waited_are_left_out(sample: Record) -> None:
    request = "GET /files/abc HTTP/1.1\nHost: 127.0.0.1:1080"
    reads = [make_exchange(request, make_response(404, "No"), started=at) for at in (1.0, 2.0, 3.0)]
    text = issue(make_record(sample, CREATE, *reads))
    assert text.count("# GET: 404") == 1


def test_an_upload_of_another_scenario_is_never_used(sample: Record) -> None:
    """The reader does not have it, so the suite's own command is all that is left."""
    record = make_record(sample, patch("abc"))
    other = make_scenario("core.y", "Another", "pass", Attempt(verdict="pass", exchanges=(CREATE,)))
    record = replace(record, scenarios=(*record.scenarios, other))
    text = issue(record)
    assert "this is a command of the suite" in text
    assert "curl" not in text
