"""One run in which every verdict occurs, as a maintainer might be shown it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tus_reports import (
    FORMAT,
    Attempt,
    Capability,
    Check,
    ConnectionEvent,
    Counts,
    Discovery,
    Exchange,
    Footer,
    Header,
    Record,
    RecordedBody,
    RecordedResponse,
    RecordLine,
    RecordWriter,
    RequirementResult,
    ScenarioResult,
    Verdict,
)

TARGET = "http://127.0.0.1:1080/files/"
SPEC = "https://tus.io/protocols/resumable-upload"


def make_response(status: int, reason: str, body: str = "", **headers: str) -> RecordedResponse:
    """Make a response as a server would write it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    head = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in named.items())]
    return RecordedResponse(
        status=status,
        head="\r\n".join(head) + "\r\n\r\n",
        headers=tuple(named.items()),
        body=RecordedBody(size=len(body), text=body) if body else None,
    )


def make_exchange(
    request: str,
    *responses: RecordedResponse,
    body: RecordedBody | None = None,
    started: float = 0.1,
    act: str = "",
    failure: str | None = None,
) -> Exchange:
    """Make an exchange; of several responses the last is final."""
    method, url, *_ = request.split(" ")
    events = [
        ConnectionEvent(at=0.0, event="connect", text="127.0.0.1:1080"),
        ConnectionEvent(at=0.001, event="sent", size=len(request), text="head"),
    ]
    if act:
        events.append(ConnectionEvent(at=0.0123, event="action", text=act))
    events += [
        ConnectionEvent(
            at=0.002 + place / 1000, event="received", size=len(each.head), text=str(each.status)
        )
        for place, each in enumerate(responses)
    ]
    return Exchange(
        method=method,
        url="http://127.0.0.1:1080" + url,
        at=started,
        request_head=request.replace("\n", "\r\n") + "\r\n\r\n",
        body=body,
        interim_responses=responses[:-1],
        response=responses[-1] if responses else None,
        events=tuple(events),
        failure=failure,
    )


def make_patch(
    offset: int, *responses: RecordedResponse, body: RecordedBody | None = None, act: str = ""
) -> Exchange:
    """Make a PATCH of the sample's upload."""
    body = body or RecordedBody(size=5, text="hello")
    return make_exchange(
        "PATCH /files/24e533e02ec3bc40c387f1a0e460e216 HTTP/1.1\n"
        "Host: 127.0.0.1:1080\n"
        "User-Agent: tus-conformance/0.1.0\n"
        "Accept: */*\n"
        "Tus-Resumable: 1.0.0\n"
        f"Upload-Offset: {offset}\n"
        "Content-Type: application/offset+octet-stream\n"
        f"Content-Length: {body.size}",
        *responses,
        body=body,
        act=act,
    )


def make_scenario(
    name: str,
    title: str,
    verdict: Verdict,
    *attempts: Attempt,
    section: str = "Core/PATCH",
    extension: str = "core",
    requirements: tuple[str, ...] = (),
    steps: tuple[str, ...] = (),
    reason: str = "",
) -> ScenarioResult:
    """Make a scenario; the requirements are those its checks name unless given."""
    named = dict.fromkeys(check.requirement for each in attempts for check in each.checks)
    return ScenarioResult(
        id=name,
        title=title,
        verdict=verdict,
        section=section,
        extension=extension,
        reason=reason,
        steps=steps,
        requirements=requirements or tuple(named),
        attempts=attempts,
        command=f"tus-conformance run --target {TARGET} --seed 4711 --only {name}",
    )


def make_requirement(
    name: str,
    level: str,
    statement: str,
    verdict: Verdict,
    *scenarios: str,
    section: str = "Core/PATCH",
    extension: str = "core",
    ambiguity: str = "",
) -> RequirementResult:
    """Make a requirement."""
    anchor = section.rsplit("/", 1)[-1].lower().replace(" ", "-")
    return RequirementResult(
        id=name,
        level=level,
        section=section,
        extension=extension,
        statement=statement,
        verdict=verdict,
        scenarios=scenarios,
        link=f"{SPEC}#{anchor}",
        ambiguity=ambiguity,
    )


def passing_attempt(name: str, *requirements: str) -> Attempt:
    """Make an attempt in which everything held."""
    checks = tuple(Check(requirement=each, outcome="held", grade="pass") for each in requirements)
    return Attempt(verdict="pass", checks=checks, duration=0.01)


def offset_mismatch(label: str, offset: int) -> ScenarioResult:
    """Make one of the scenarios that fail alike: a PATCH at a wrong offset is accepted."""
    reply = make_response(
        204, "No Content", Tus_Resumable="1.0.0", Upload_Offset=str(offset + 5), Date="today"
    )
    check = Check(
        requirement="core.patch.offset-mismatch-409",
        outcome="violated",
        grade="fail",
        expected="status 409",
        actual="status 204",
        evidence="HTTP/1.1 204 No Content",
        step=2,
        exchange=1,
    )
    create = make_exchange(
        "POST /files/ HTTP/1.1\nHost: 127.0.0.1:1080\nTus-Resumable: 1.0.0\nUpload-Length: 10",
        make_response(201, "Created", Location=TARGET + "24e533e02ec3bc40c387f1a0e460e216"),
    )
    failed = Attempt(
        verdict="fail",
        checks=(check,),
        exchanges=(create, make_patch(offset, reply)),
        duration=0.02,
    )
    return make_scenario(
        f"core.patch.offset-mismatch/{label}",
        "A PATCH at the wrong offset is refused and changes nothing",
        "fail",
        failed,
        failed,
        steps=(
            "Given an upload of 10 bytes.",
            f"PATCH the upload with Upload-Offset: {offset}, sending 5 bytes.",
            "  expects status 409; else a fail [core.patch.offset-mismatch-409].",
        ),
    )


def lost_bytes_scenario() -> ScenarioResult:
    """Make the scenario of a cut connection after which what was sent is gone."""
    length = RecordedBody(size=40960, generator="bytes 0 to 40960 of seed 4711", sha256="0" * 64)
    cut = make_patch(0, body=length, act="cut after 40960 body bytes by RST")
    cut = Exchange(
        **{name: getattr(cut, name) for name in cut.__struct_fields__ if name != "failure"},
        failure="We cut the connection; no answer was awaited.",
    )
    head = make_exchange(
        "HEAD /files/24e533e02ec3bc40c387f1a0e460e216 HTTP/1.1\nHost: 127.0.0.1:1080\n"
        "Tus-Resumable: 1.0.0",
        make_response(
            200, "OK", Tus_Resumable="1.0.0", Upload_Offset="0", Upload_Length="81920", Server="x"
        ),
        started=1.204,
    )
    check = Check(
        requirement="core.patch.keep-partial",
        outcome="violated",
        grade="warn",
        expected="status 200, Upload-Offset of 1 at least",
        actual="status 200, Upload-Offset: 0",
        evidence="HTTP/1.1 200 OK\nUpload-Offset: 0",
        explanation="what arrived before the cut was thrown away, so clients behind a bad network "
        "never get on",
        step=3,
        exchange=1,
    )
    return make_scenario(
        "core.patch.cut/50%",
        "A PATCH whose connection breaks keeps what has arrived",
        "warn",
        Attempt(verdict="warn", checks=(check,), exchanges=(cut, head), duration=1.3),
        steps=(
            "Given an upload of 81920 bytes.",
            "PATCH the upload, the connection reset after 40960 bytes of it.",
            "HEAD the upload.",
        ),
    )


def missing_header_invariant() -> ScenarioResult:
    """Make the invariant that some answers lack a header, with evidence as wide as the head."""
    gone = make_response(
        404, "Not Found", "404 page not found\x1b[31m\n", Content_Type="text/plain"
    )
    check = Check(
        requirement="core.tus-resumable.response-present",
        outcome="violated",
        grade="fail",
        expected="Tus-Resumable",
        actual="no Tus-Resumable",
        evidence=gone.head.rstrip(),
        exchange=0,
    )
    asked = make_exchange(
        "HEAD /files/nothing-here HTTP/1.1\nHost: 127.0.0.1:1080\nTus-Resumable: 1.0.0\n"
        "Authorization: [redacted]",
        gone,
    )
    return make_scenario(
        "core.tus-resumable.response-present",
        "Every answer, an error too, says which version of the protocol it speaks",
        "fail",
        Attempt(verdict="fail", checks=(check,), exchanges=(asked,)),
        section="Core/Headers/Tus-Resumable",
        reason="Broken in 12 of 803 exchanges, in: core.head.unknown, core.patch.unknown, ...",
        steps=("Look at every exchange of every scenario of the run.",),
    )


def sample_scenarios() -> tuple[ScenarioResult, ...]:
    """Make the scenarios of the sample: each verdict occurs."""
    disagreeing = Check(
        requirement="core.patch.concurrent",
        outcome="violated",
        grade="fail",
        expected="status 409 or 423",
        actual="status 500",
        rule="server-error",
        evidence="HTTP/1.1 500 Internal Server Error",
        step=2,
        exchange=0,
    )
    broken = make_response(500, "Internal Server Error", "lock not held", Tus_Resumable="1.0.0")
    noted = Check(
        requirement="creation.post.body-without-type",
        outcome="held",
        grade="note",
        actual="status 201, Upload-Offset: 0",
        explanation="the body of a creation without a Content-Type is ignored",
        exchange=0,
        step=1,
    )
    unanswered = make_exchange(
        "POST /files/ HTTP/1.1\nHost: 127.0.0.1:1080\nTus-Resumable: 1.0.0\nUpload-Length: 0",
        failure="No answer came within 10 seconds.",
    )
    return (
        make_scenario(
            "core.head.no-store",
            "An answer to HEAD is never stored by a cache",
            "pass",
            passing_attempt("core.head.no-store", "core.head.cache-control"),
            section="Core/HEAD",
        ),
        missing_header_invariant(),
        make_scenario(
            "core.patch.appends",
            "A PATCH at the right offset appends its bytes",
            "pass",
            passing_attempt("core.patch.appends", "core.patch.appends"),
        ),
        offset_mismatch("behind", 0),
        offset_mismatch("ahead", 7),
        offset_mismatch("far", 9223372036854775807),
        lost_bytes_scenario(),
        make_scenario(
            "core.patch.concurrent",
            "Of two PATCH requests at the same offset one wins and the bytes are its own",
            "inconclusive",
            Attempt(verdict="fail", checks=(disagreeing,), exchanges=(make_patch(0, broken),)),
            passing_attempt("core.patch.concurrent", "core.patch.concurrent"),
            steps=("Given an upload of 10 bytes.", "PATCH the upload twice at once."),
            reason="A first attempt failed, and a second one did not fail in the same way.",
        ),
        make_scenario(
            "creation.post.location",
            "A creation answers 201 with the Location of the new upload",
            "pass",
            passing_attempt("creation.post.location", "creation.post.location-201"),
            section="Creation/POST",
            extension="creation",
        ),
        make_scenario(
            "creation.post.body-without-type",
            "A creation with a body but no Content-Type",
            "note",
            Attempt(verdict="note", checks=(noted,), exchanges=(unanswered,)),
            section="Creation/POST",
            extension="creation",
        ),
        make_scenario(
            "creation.post.empty",
            "An empty upload is complete as soon as it is created",
            "error",
            Attempt(
                verdict="error",
                reason="http://127.0.0.1:1080/files/ did not answer within 10 seconds.",
                exchanges=(unanswered,),
            ),
            requirements=("creation.post.empty-complete",),
            section="Creation/POST",
            extension="creation",
        ),
        make_scenario(
            "creation.max-size.413",
            "A creation beyond the largest size is refused with 413",
            "not-applicable",
            requirements=("creation.max-size.413",),
            reason="The server names no largest size (Tus-Max-Size).",
            section="Creation/POST",
            extension="creation",
        ),
        *(
            make_scenario(
                f"checksum.{name}",
                title,
                "unsupported",
                requirements=(f"checksum.{name}",),
                reason="checksum is not advertised, and a probe saw it refused.",
                section="Checksum",
                extension="checksum",
            )
            for name, title in (
                ("mismatch-460", "A chunk whose checksum does not match is refused with 460"),
                ("mismatch-discard", "A chunk whose checksum does not match is discarded"),
                ("algorithm-400", "A checksum of an unknown algorithm is refused with 400"),
            )
        ),
        make_scenario(
            "termination.delete",
            "A terminated upload is gone: HEAD and PATCH answer 404 or 410",
            "blocked",
            Attempt(verdict="blocked", reason="An upload could not be created: POST answered 503."),
            requirements=("termination.delete.gone",),
            section="Termination",
            extension="termination",
            reason="An upload could not be created: POST answered 503.",
        ),
        make_scenario(
            "termination.delete-during-patch",
            "A DELETE during a PATCH ends it",
            "excluded",
            requirements=("termination.delete-during-patch",),
            section="Termination",
            extension="termination",
            reason="deselected by --skip 'termination.delete-during-*'",
        ),
    )


def sample_requirements() -> tuple[RequirementResult, ...]:
    """Make the requirements of the sample."""
    creation = {"section": "Creation/POST", "extension": "creation"}
    checksum = {"section": "Checksum", "extension": "checksum"}
    termination = {"section": "Termination", "extension": "termination"}
    mismatches = tuple(f"core.patch.offset-mismatch/{each}" for each in ("behind", "ahead", "far"))
    return (
        make_requirement(
            "core.tus-resumable.response-present",
            "MUST",
            "Every response other than replies to OPTIONS carries Tus-Resumable, including error "
            "responses.",
            "fail",
            "core.tus-resumable.response-present",
            section="Core/Headers/Tus-Resumable",
        ),
        make_requirement(
            "core.head.cache-control",
            "MUST",
            "An answer to HEAD carries Cache-Control: no-store.",
            "pass",
            "core.head.no-store",
            section="Core/HEAD",
        ),
        make_requirement(
            "core.patch.appends",
            "MUST",
            "A PATCH at the current offset appends the bytes of its body to the upload.",
            "pass",
            "core.patch.appends",
        ),
        make_requirement(
            "core.patch.offset-mismatch-409",
            "MUST",
            "A PATCH whose Upload-Offset is not the current offset of the upload is answered 409.",
            "fail",
            *mismatches,
        ),
        make_requirement(
            "core.patch.keep-partial",
            "SHOULD",
            "A server keeps as much of an interrupted PATCH as it can.",
            "warn",
            "core.patch.cut/50%",
            ambiguity="How much is possible is the server's own knowledge; nothing at all is "
            "treated as a warning.",
        ),
        make_requirement(
            "core.patch.concurrent",
            "IMPLIED",
            "Two PATCH requests at the same offset never both take effect.",
            "inconclusive",
            "core.patch.concurrent",
        ),
        make_requirement(
            "creation.post.location-201",
            "MUST",
            "A successful creation is answered 201 and names the upload in Location.",
            "pass",
            "creation.post.location",
            **creation,
        ),
        make_requirement(
            "creation.post.body-without-type",
            "UNSPECIFIED",
            "What becomes of the body of a creation that has no Content-Type.",
            "note",
            "creation.post.body-without-type",
            **creation,
        ),
        make_requirement(
            "creation.post.empty-complete",
            "MUST",
            "An upload of length 0 is complete once it is created.",
            "error",
            "creation.post.empty",
            **creation,
        ),
        make_requirement(
            "creation.max-size.413",
            "MUST",
            "A creation whose Upload-Length is beyond Tus-Max-Size is answered 413.",
            "not-applicable",
            "creation.max-size.413",
            **creation,
        ),
        *(
            make_requirement(name, "MUST", statement, "unsupported", name, **checksum)
            for name, statement in (
                ("checksum.mismatch-460", "A mismatch may be answered 460."),
                ("checksum.mismatch-discard", "A chunk that does not match is discarded."),
                ("checksum.algorithm-400", "An unknown algorithm may be answered 400."),
            )
        ),
        make_requirement(
            "termination.delete.gone",
            "SHOULD",
            "An upload that was terminated is answered 404 or 410.",
            "blocked",
            "termination.delete",
            **termination,
        ),
        make_requirement(
            "termination.delete-during-patch",
            "UNSPECIFIED",
            "What becomes of a PATCH during which its upload is terminated.",
            "excluded",
            "termination.delete-during-patch",
            **termination,
        ),
    )


def sample_record() -> Record:
    """Make the whole record."""
    scenarios, requirements = sample_scenarios(), sample_requirements()
    footer = Footer(
        counts=Counts(scenarios=count_slowly(scenarios), requirements=count_slowly(requirements)),
        exit_code=1,
        duration=12.345,
        exchange_count=803,
        remaining_uploads=(TARGET + "24e533e02ec3bc40c387f1a0e460e216",),
    )
    header = Header(
        format=FORMAT,
        suite_version="0.1.0",
        target=TARGET,
        seed=4711,
        arguments=("--target", TARGET, "-H", "Authorization: [redacted]", "--seed", "4711"),
        spec_edition="tus 1.0.0",
        started_at="2016-11-17T10:00:00+00:00",
    )
    discovery = Discovery(
        versions=("1.0.0",),
        extensions=("creation", "creation-with-upload", "termination", "concatenation"),
        capabilities=(
            Capability(name="creation", advertised=True, observed="accepted"),
            Capability(
                name="concatenation",
                advertised=True,
                observed="refused",
                reason="POST of a partial upload answered 400",
            ),
            Capability(name="checksum", advertised=False, observed="refused"),
            Capability(name="download", advertised=False, observed="accepted"),
        ),
    )
    return Record(header, discovery, scenarios, requirements, footer)


def count_slowly(
    lines: tuple[ScenarioResult, ...] | tuple[RequirementResult, ...],
) -> dict[Verdict, int]:
    """Count verdicts the slow and obvious way, as a check on the quick one."""
    counts: dict[Verdict, int] = {}
    for line in lines:
        counts[line.verdict] = counts.get(line.verdict, 0) + 1
    return counts


@pytest.fixture
def sample() -> Record:
    """A run in which every verdict occurs."""
    return sample_record()


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compare a text with a stored one; with REGENERATE_GOLDEN set, store it instead."""
    folder = Path(__file__).with_name("golden")

    def compare(name: str, text: str) -> None:
        path = folder / name
        if os.environ.get("REGENERATE_GOLDEN"):
            path.write_text(text, "utf-8")
        assert text == path.read_text("utf-8"), f"{name} changed; see golden/README.md"

    return compare


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Record], Path]:
    """Write a record to a file and return its path."""

    def written(record: Record, name: str = "run.ndjson") -> Path:
        path = tmp_path / name
        with RecordWriter(path) as writer:
            for line in record_lines(record):
                writer.write(line)
        return path

    return written


def record_lines(record: Record) -> tuple[RecordLine, ...]:
    """Return the lines of a record in their order."""
    discovery = (record.discovery,) if record.discovery else ()
    footer = (record.footer,) if record.footer else ()
    return (record.header, *discovery, *record.scenarios, *record.requirements, *footer)
