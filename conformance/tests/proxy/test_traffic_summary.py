"""`proxy.traffic_summary`: what was sent twice, begun again and lost."""

from __future__ import annotations

from tus_conformance.proxy import ProxiedRequest, TrafficSummary


def add(
    summary: TrafficSummary,
    method: str,
    path: str = "/files/a",
    sent: int = 0,
    status: int | None = 204,
    faults: tuple[str, ...] = (),
    **headers: str,
) -> None:
    """Add a request; headers whose names begin with `response_` are those of the response."""
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    request = ProxiedRequest(
        summary.requests + 1,
        method,
        path,
        tuple(pair for pair in pairs if not pair[0].startswith("response-")),
        received=sent,
        status=status,
        response_headers=tuple(
            (name.removeprefix("response-"), value)
            for name, value in pairs
            if name.startswith("response-")
        ),
        faults_done=list(faults),
        answered_by_proxy="the proxy responded" in faults,
        response_lost="the response was lost" in faults,
    )
    summary.add(request)


def create(summary: TrafficSummary, path: str = "/files/a") -> None:
    """Add a creation."""
    add(summary, "POST", "/files/", status=201, upload_length="10", response_location=path)


def test_a_session_without_faults() -> None:
    summary = TrafficSummary()
    create(summary)
    add(summary, "PATCH", sent=10, upload_offset="0", response_upload_offset="10")
    assert list(summary.sentences()) == ["2 requests, 0 of them with faults."]


def test_bytes_that_were_sent_again() -> None:
    summary = TrafficSummary()
    create(summary)
    add(summary, "PATCH", sent=8, status=None, faults=("cut",), upload_offset="0")
    add(summary, "HEAD", status=200, response_upload_offset="4")
    add(summary, "PATCH", sent=6, upload_offset="4", response_upload_offset="10")
    assert list(summary.sentences()) == [
        "4 requests, 1 of them with faults.",
        "Requests without a response that reached the client: 1.",
        "Bytes sent again: 4 of 14, in 1 request.",
    ]


def test_an_upload_that_was_created_again() -> None:
    summary = TrafficSummary()
    create(summary)
    add(summary, "PATCH", sent=4, faults=("the response was lost",), upload_offset="0")
    create(summary, "/files/b")
    add(summary, "PATCH", "/files/b", sent=10, upload_offset="0", response_upload_offset="10")
    assert list(summary.sentences())[1:] == [
        "Requests without a response that reached the client: 1.",
        "Uploads created again with the same length and metadata: 1.",
        "Uploads not seen to be complete: 1 of 2.",
    ]


def test_what_the_proxy_answers_is_not_lost() -> None:
    summary = TrafficSummary()
    add(summary, "PATCH", status=None, faults=("the proxy responded",))
    assert list(summary.sentences()) == ["1 request, 1 of them with faults."]
