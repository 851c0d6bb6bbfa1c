"""Exchanges in few words, and what an invariant says of them."""

from __future__ import annotations

from collections.abc import Sequence

from scripted_server import URL, scenario_from_toml

from tus_conformance.evaluation.invariant import Invariant
from tus_conformance.evaluation.invariant_monitor import InvariantMonitor
from tus_conformance.state.content import GeneratedContent
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.transport import HttpRequest, HttpResponse, NetworkFailure
from tus_conformance.transport.fault_actions import InjectedFault
from tus_conformance.transport.request import Framing, Payload
from tus_reports import Exchange, RecordedResponse, ScenarioResult
from tus_reports.record import ConnectionEvent

STORY = scenario_from_toml(
    '{ options = {}, expect = [{ status = 200, checks = "core.options.status" }] }'
)
UPLOAD = URL + "1"
VERSION = "Tus-Resumable: 1.0.0"


def exchange_from(
    line: str,
    *headers: str,
    started: float = 0.0,
    took: float | None = None,
    framing: Framing = "sized",
    faults: tuple[InjectedFault, ...] = (),
    sent: Sequence[str] = (),
    body: bytes | None = None,
    acknowledged: int = 0,
) -> ExchangeText:
    """Return an exchange: "METHOD status" about the upload, answered with these header lines.

    The version and the override that the request states stand before the method, as in
    "9.9.9 PATCH 412" or "DELETE>HEAD 200"; a status of 0 is no answer. Of an exchange that `took`
    so many seconds the end is an event. `sent` are further header lines of the
    request, and `acknowledged` the offset before it.
    """
    words = line.split()
    status = int(words[-1])
    method, _, override = words[-2].partition(">")
    version = words[0] if len(words) == 3 else "1.0.0"
    request_headers = [("Tus-Resumable", version)] if version != "none" else []
    request_headers += [("X-HTTP-Method-Override", override)] if override else []
    sent_lines = (line.partition(":") for line in sent)
    request_headers += [(name, value.strip()) for name, _, value in sent_lines]
    url = URL if method == "POST" and not override else UPLOAD
    pairs = tuple((name, value.strip()) for name, _, value in (h.partition(":") for h in headers))
    head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{each}\r\n" for each in headers)
    exchange = Exchange(
        method=method,
        url=url,
        at=started,
        request_head="",
        response=RecordedResponse(status=status, head=head) if status else None,
        events=()
        if took is None
        else (ConnectionEvent(at=0, event="sent"), ConnectionEvent(at=took, event="closed")),
    )
    failure = None if status else NetworkFailure("closed", "It closed.")
    answer = HttpResponse(exchange=exchange, status=status or None, headers=pairs, failure=failure)
    upload = UploadState("upload", UPLOAD, GeneratedContent("k"), length=100)
    about = upload if url == UPLOAD else None
    http_request = HttpRequest(
        method=method,
        url=url,
        headers=tuple(request_headers),
        payload=None if body is None else Payload.literal(body),
        framing=framing,
        faults=faults,
    )
    return http_request, StepResponse(
        answer, method, url, 0, about, offsets_before={"upload": acknowledged}
    )


ExchangeText = tuple[HttpRequest, StepResponse]


def invariant_result_of(name: str, *exchanges: ExchangeText) -> ScenarioResult:
    """Return what an invariant says of a run of these exchanges."""
    watch = InvariantMonitor()
    for http_request, reply in exchanges:
        watch.observe(STORY, http_request, reply)
    found: Invariant = next(each for each in watch.invariants if each.id == f"always.{name}")
    return found.result(lambda scenario: f"--only {scenario}")


def exchange_of(said: str) -> Exchange:
    return exchange_from(said)[1].http_response.exchange
