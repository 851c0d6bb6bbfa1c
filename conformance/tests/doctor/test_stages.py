"""`doctor.stages`: each fault of a proxy gives just its finding, harmless things none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from faulty_proxy import FaultyProxy, diagnose_in_memory

from tus_conformance.doctor.examination import DoctorSettings

MIB = 1024 * 1024
ORIGIN = DoctorSettings(origin="https://app.example")


@dataclass(frozen=True)
class Case:
    """A fault of a proxy, and the finding that it must have; nothing for a harmless one."""

    name: str
    expected: tuple[str, ...]
    fault: dict[str, Any] = field(default_factory=dict)
    settings: DoctorSettings | None = None
    url: str = "http://tus.test/files/"
    upstreams: int = 1


CASES = (
    Case("passes all on", ()),
    Case("buffering", ("streaming.buffered",), {"buffers": True}),
    Case("chunked-buffering", ("streaming.chunked-buffered",), {"buffers_chunked": True}),
    Case("body-limit", ("limits.body-size",), {"body_limit": MIB}),
    Case("small-body-limit", ("limits.body-size",), {"body_limit": 100_000}),
    Case("head-limit", ("limits.head-size",), {"head_limit": 2000}),
    Case("parallel", ("limits.requests-at-once",), {"parallel": 4}),
    Case("post", ("methods.post-blocked",), {"blocked": {"POST": 403}}),
    Case("patch", ("methods.patch-blocked",), {"blocked": {"PATCH": 405}}),
    Case("head", ("methods.head-blocked",), {"blocked": {"HEAD": 403}}),
    Case("delete", ("methods.delete-blocked",), {"blocked": {"DELETE": 405}}),
    Case("options", ("methods.options-blocked",), {"blocked": {"OPTIONS": 405}}),
    Case("head-as-get", ("methods.head-as-get",), {"sends_get": True}),
    Case("login", ("login.some-methods",), {"blocked": {"PATCH": 401}}),
    *(
        Case(f"request {name}", (finding,), {"drop_request": (name,)})
        for name, finding in {
            "tus-resumable": "headers.request.tus-resumable",
            "upload-length": "headers.request.upload-length",
            "upload-offset": "headers.request.upload-offset",
            "content-type": "headers.request.content-type",
            "upload-checksum": "headers.request.upload-checksum",
            "upload-defer-length": "headers.request.upload-defer-length",
            "upload-metadata": "headers.upload-metadata",
            "upload-concat": "headers.upload-concat",
            "x-http-method-override": "methods.override",
        }.items()
    ),
    *(
        Case(f"response {name}", (finding,), {"drop_response": (name,)})
        for name, finding in {
            "location": "location.missing",
            "tus-resumable": "headers.response.tus-resumable",
            "tus-version": "headers.response.tus-version",
            "tus-extension": "headers.response.tus-extension",
            "tus-checksum-algorithm": "headers.response.tus-checksum-algorithm",
            "upload-offset": "headers.response.upload-offset",
            "upload-length": "headers.response.upload-length",
            "cache-control": "headers.response.cache-control",
            "upload-metadata": "headers.upload-metadata",
            "upload-concat": "headers.upload-concat",
            "upload-defer-length": "headers.response.upload-defer-length",
        }.items()
    ),
    Case("scheme", ("location.scheme",), {"location": ("http:", "https:")}),
    Case("host", ("location.host",), {"location": ("tus.test", "backend")}),
    Case("port", ("location.port",), {"location": ("tus.test", "tus.test:8080")}),
    Case(
        "prefix",
        ("location.prefix",),
        {"served_path": "/api/files/"},
        url="http://tus.test/api/files/",
    ),
    Case(
        "prefix-known",
        (),
        {"served_path": "/api/files/", "location": ("/files/", "/api/files/")},
        url="http://tus.test/api/files/",
    ),
    Case("slash", ("location.slash",), {"location": ("$", "/")}),
    Case("relative", (), {"location": ("http://tus.test", "")}),
    Case("cached-head", ("cache.head",), {"caches_head": True}),
    Case("two-servers", ("servers.no-common-state",), upstreams=2),
    Case("lost-heads", (), {"drops_every": 8}),
    Case("three-servers", ("servers.no-common-state",), upstreams=3),
    Case("errors", ("refusals.replaced",), {"replaces_errors": 404}),
    Case(
        "hidden-errors",
        ("refusals.replaced",),
        {"hides_errors": True, "page": b"<html>Oops %d</html>"},
    ),
    Case("login-page", ("login.some-methods",), {"redirects": {"PATCH": "https://sso.test/"}}),
    Case("login-page-head", ("login.some-methods",), {"redirects": {"HEAD": "/login?a=b"}}),
    Case("login-page-options", ("login.preflight",), {"redirects": {"OPTIONS": "/login"}}),
    Case("redirect", ("methods.patch-blocked",), {"redirects": {"PATCH": "/elsewhere"}}),
    Case(
        "redirect-all",
        ("location.redirected",),
        {"redirects": {"HEAD": "/files/a/", "PATCH": "/files/a/"}},
    ),
    Case(
        "login-page-all",
        ("login.some-methods",),
        {"redirects": {"HEAD": "/login", "PATCH": "/login"}},
    ),
    Case("patch-as-post", ("methods.changed",), {"sends_as": {"PATCH": "POST"}}),
    Case("head-as-post", ("methods.changed",), {"sends_as": {"HEAD": "POST"}}),
    Case("all-as-post", ("methods.changed",), {"sends_as": {"HEAD": "POST", "PATCH": "POST"}}),
    Case("body-lost", ("methods.patch-body-lost",), {"drops_body_of": ("PATCH",)}),
    Case("inspection", ("content.inspected",), {"inspects": b"<script>"}),
    Case(
        "inspection-by-another-product",
        ("content.inspected",),
        {"inspects": b"/etc/passwd", "page": b"<html>Blocked: %d</html>", "server": "waf"},
    ),
    Case("line-ends", ("content.changed",), {"changes_content": (b"\r\n", b"\n\n")}),
    Case("response-head", ("limits.response-head",), {"response_head_limit": 4096}),
    Case("longer-metadata", ("headers.upload-metadata",), {"header_limit": 5000}),
    Case("refusals-as-200", ("headers.response.status",), {"replace_status": {460: 200}}),
    Case("fails-once", (), {"fails_at": 40}),
    Case("rate", ("limits.request-rate",), {"rate": 5.0}),
    Case(
        "every header of uploads",
        ("headers.request.upload-length",),
        {"drop_request": ("upload-length", "upload-defer-length", "upload-metadata")},
    ),
    Case("long-metadata", ("headers.upload-metadata",), {"header_limit": 300}),
    Case("lower-case-metadata", ("headers.upload-metadata",), {"lower_metadata": True}),
    Case("status-204", ("headers.response.status",), {"replace_status": {204: 200}}),
    Case("status-201", ("headers.response.status",), {"replace_status": {201: 200}}),
    Case(
        "version-twice",
        ("headers.response.doubled",),
        {"add_response": (("Tus-Resumable", "1.0.0"),)},
    ),
    Case(
        "offset-twice",
        ("headers.response.doubled",),
        {"add_response": (("Upload-Offset", "0"),)},
    ),
    Case("early", ("early.lost",), {"loses_early_answers": True}),
    Case("late", (), {"reads_whole_body": True}),
    Case("pause", ("timeouts.paused-body",), {"body_pause": 3.0}),
    Case("long", ("timeouts.long-request",), {"request_time": 7.0}),
    Case("chunked", ("framing.chunked-refused",), {"refuses_chunked": 411}),
    Case("trailers", ("framing.trailers-dropped",), {"drops_trailers": True}),
    Case("expect", ("framing.expect-swallowed",), {"swallows_expect": True}),
    Case("compression", ("framing.compressed-download",), {"compresses": True}),
    Case("added header", (), {"add_response": (("X-Frame-Options", "DENY"), ("Via", "1.1 x"))}),
    Case("cors", (), settings=ORIGIN),
    Case(
        "cors-doubled",
        ("cors.doubled",),
        {"add_response": (("Access-Control-Allow-Origin", "*"),)},
        settings=ORIGIN,
    ),
    Case(
        "cors-dropped",
        ("cors.origin",),
        {"drop_response": ("access-control-allow-origin",)},
        settings=ORIGIN,
    ),
    Case(
        "cors-methods",
        ("cors.methods",),
        {"drop_response": ("access-control-allow-methods",)},
        settings=ORIGIN,
    ),
    Case(
        "cors-headers",
        ("cors.headers",),
        {"drop_response": ("access-control-allow-headers",)},
        settings=ORIGIN,
    ),
    Case(
        "cors-exposed",
        ("cors.exposed",),
        {"drop_response": ("access-control-expose-headers",)},
        settings=ORIGIN,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fault_gives_just_its_finding(case: Case) -> None:
    diagnosis = diagnose_in_memory(
        lambda servers: FaultyProxy(servers, **case.fault),
        url=case.url,
        settings=case.settings,
        upstreams=case.upstreams,
    )
    assert diagnosis.problem == ""
    assert tuple(finding.id for finding in diagnosis.findings) == case.expected
    undetermined = [stage for stage in diagnosis.stages if stage.state == "undetermined"]
    assert undetermined == []


def test_the_reference_itself_is_clean() -> None:
    diagnosis = diagnose_in_memory()
    assert diagnosis.findings == ()
    assert {stage.state for stage in diagnosis.stages} == {"clean"}
    assert diagnosis.exit_code == 0
    assert diagnosis.remaining_uploads == ()
