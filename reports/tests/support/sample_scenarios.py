"""The scenarios of the sample run: each verdict occurs."""

from __future__ import annotations

from sample_parts import (
    TARGET,
    make_exchange,
    make_patch,
    make_response,
    make_scenario,
    passing_attempt,
)

from tus_reports import Attempt, Check, Exchange, RecordedBody, ScenarioResult


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
