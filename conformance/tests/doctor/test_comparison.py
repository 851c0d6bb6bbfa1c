"""`doctor.comparison`: what the server does itself is its own, the rest is the proxy's."""

from __future__ import annotations

from faulty_proxy import FaultyProxy, diagnose_in_memory
from reference_in_memory import defect

from tus_conformance.doctor.diagnosis import Diagnosis


def culprits(diagnosis: Diagnosis) -> dict[str, str]:
    return {finding.id: finding.culprit for finding in diagnosis.findings}


def test_without_comparison_nobody_is_blamed_for_a_lost_header() -> None:
    found = diagnose_in_memory(lambda servers: FaultyProxy(servers, drop_response=("location",)))
    assert culprits(found) == {"location.missing": "unknown"}


def test_an_error_page_shows_who_it_is() -> None:
    found = diagnose_in_memory(lambda servers: FaultyProxy(servers, blocked={"PATCH": 405}))
    (finding,) = found.findings
    assert (finding.culprit, finding.culprit_name) == ("proxy", "nginx")


def test_the_proxy_is_blamed_for_what_the_server_does_not_do() -> None:
    found = diagnose_in_memory(lambda servers: FaultyProxy(servers, buffers=True), is_compared=True)
    assert culprits(found) == {"streaming.buffered": "proxy"}


def test_the_server_is_blamed_for_what_it_does_itself() -> None:
    found = diagnose_in_memory(FaultyProxy, *defect("head-without-length"), is_compared=True)
    assert culprits(found) == {"headers.response.upload-length": "server"}


def test_a_clean_proxy_is_not_blamed() -> None:
    assert diagnose_in_memory(FaultyProxy, is_compared=True).findings == ()


def test_a_header_that_only_the_server_sends_is_lost_on_the_way() -> None:
    found = diagnose_in_memory(
        lambda servers: FaultyProxy(servers, drop_response=("upload-expires", "tus-max-size")),
        is_compared=True,
    )
    (finding,) = found.findings
    assert (finding.id, finding.culprit) == ("headers.response.changed", "proxy")
    assert "upload-expires (POST)" in finding.sentence
    assert "tus-max-size (OPTIONS)" in finding.sentence


def test_a_location_that_is_right_without_the_proxy_is_the_proxys() -> None:
    found = diagnose_in_memory(
        lambda servers: FaultyProxy(servers, location=("http:", "https:")), is_compared=True
    )
    assert culprits(found) == {"location.scheme": "proxy"}
