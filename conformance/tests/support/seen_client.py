"""A client as a scripted server saw it, written down request by request."""

from __future__ import annotations

from collections.abc import Iterable

from tus_conformance.clients.client_log import ClientLog
from tus_conformance.clients.client_program import ClientReport, Said
from tus_conformance.clients.client_rule import ClientView
from tus_conformance.clients.outcome import FoundOutcome
from tus_conformance.clients.seen_request import SeenRequest, SeenResponse, SeenUpload
from tus_reports import Check
from tus_scenarios import Grade
from tus_scenarios.server_rule import Outcome
from tus_scenarios.situation import Situation
from tus_scenarios.situation_registry import parse_situations

VERSION = {"Tus-Resumable": "1.0.0"}
OCTETS = {"Content-Type": "application/offset+octet-stream"}


def make_situation(text: str = "", **changes: object) -> Situation:
    """Return the situation that a TOML text describes, after its id and title."""
    head = 'section = "Core"\nextension = "core"\n[[situation]]\nid = "tried"\ntitle = "A test"\n'
    more = "".join(f"{name} = {value}\n" for name, value in changes.items())
    return parse_situations(f"{head}{more}{text}", "test.toml")[0]


class SeenClient:
    """Collects the requests of a client; each comes one second after the one before."""

    def __init__(self, *, offered: Iterable[str] = ("creation", "checksum", "termination")) -> None:
        self.log = ClientLog(lambda: float(len(self.log.requests)))
        self.log.endpoint = "/files/"
        self.log.offered = tuple(offered)

    def send(
        self,
        method: str,
        target: str = "/files/",
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        *,
        status: int | None = 204,
        response: dict[str, str] | None = None,
        upload: str = "",
        version: bool = True,
        **more: object,
    ) -> SeenRequest:
        """Add a request and its response; `status` None stands for a broken connection."""
        sent = {**(VERSION if version else {}), **(headers or {})}
        began = float(len(self.log.requests))
        request = SeenRequest(
            number=len(self.log.requests) + 1,
            method=method,
            target=target,
            headers=tuple(sent.items()),
            began=began,
            body=body,
            complete=status is not None,
            ended=began + 0.1,
            responded=began + 0.1 if status is not None else None,
            upload=upload,
            response=None
            if status is None
            else SeenResponse(status, tuple((response or {}).items())),
        )
        for name, value in more.items():
            setattr(request, name, value)
        self.log.requests.append(request)
        return request

    def create(self, length: int = 10, headers: dict[str, str] | None = None) -> SeenRequest:
        """Add a creation that succeeds, and its upload, "u"."""
        sent = {"Upload-Length": str(length), **(headers or {})}
        self.log.add_upload(SeenUpload("u", 1, length=length, url="http://x/files/u"))
        location = {"Location": "/files/u"}
        return self.send("POST", headers=sent, status=201, response=location, upload="u")

    def patch(
        self,
        offset: int,
        body: bytes = b"",
        *,
        status: int | None = 204,
        told: dict[str, str] | None = None,
    ) -> SeenRequest:
        """Add a PATCH of the upload "u"."""
        if status == 204 and told is None:
            told = {"Upload-Offset": str(offset + len(body))}
        headers = {"Upload-Offset": str(offset), **OCTETS}
        return self.send(
            "PATCH", "/files/u", headers, body, status=status, response=told, upload="u"
        )

    def view(
        self,
        situation: Situation | None = None,
        outcome: Outcome = "whole",
        size: int = 10,
        **more: bool,
    ) -> ClientView:
        """Return what a rule looks at."""
        found = FoundOutcome(outcome, "because")
        return ClientView(self.log, situation or make_situation(), found, size, **more)


def grades(checks: Iterable[Check]) -> list[Grade | None]:
    """Return the grade of each check."""
    return [check.grade for check in checks]


def ended(said: Said = "done", code: int | None = 0, url: str = "") -> ClientReport:
    """Return the report of a client that ended."""
    return ClientReport(code, said, url, "no" if said == "error" else "")
