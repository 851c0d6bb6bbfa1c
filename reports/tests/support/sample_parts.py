"""Parts of the sample run: responses, exchanges, scenarios and requirements in few words."""

from __future__ import annotations

from tus_reports import (
    Attempt,
    Check,
    ConnectionEvent,
    Exchange,
    RecordedBody,
    RecordedResponse,
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
