"""The stage `login`: whether the same methods need the user's credentials.

Only where the user gave some: each request is sent once without them.
"""

from __future__ import annotations

from tus_conformance.discovery.composed_request import OFFSET_TYPE
from tus_conformance.doctor.examination import Examination, describe_answer
from tus_conformance.transport import HttpRequest, HttpResponse

_REFUSED = frozenset({401, 403, 407})


async def examine_login(examination: Examination) -> None:
    """Compare which methods are refused without credentials."""
    if not examination.target.headers:
        return
    _, url = await examination.create(5)
    if url is None:
        return
    answers = {
        "POST": await _send_bare(examination, "POST", examination.target.url),
        "HEAD": await _send_bare(examination, "HEAD", url),
        "PATCH": await _send_bare(examination, "PATCH", url),
    }
    if "termination" in examination.extensions:
        answers["DELETE"] = await _send_bare(examination, "DELETE", url)
    refused = [method for method, each in answers.items() if each.status in _REFUSED]
    open_methods = [method for method, each in answers.items() if each.status not in _REFUSED]
    if refused and open_methods:
        values = {"refused": " and ".join(refused), "open": " and ".join(open_methods)}
        kept = [answers[method] for method in open_methods]
        examination.report("login.open-methods", *kept, values=values)
    preflight = await _send_bare(examination, "OPTIONS", examination.target.url)
    if refused and preflight.status in _REFUSED:
        values = {"answer": describe_answer(preflight)}
        examination.report("login.preflight", preflight, values=values)


async def _send_bare(examination: Examination, method: str, url: str) -> HttpResponse:
    """Send a request without the user's headers."""
    headers: tuple[tuple[str, str], ...] = ()
    if method != "OPTIONS":
        headers = (("Tus-Resumable", "1.0.0"),)
    if method == "POST":
        headers = (*headers, ("Upload-Length", "5"), ("Content-Length", "0"))
    if method == "PATCH":
        headers = (*headers, OFFSET_TYPE, ("Upload-Offset", "0"), ("Content-Length", "0"))
    return await examination.prober.transport.send(
        HttpRequest(method=method, url=url, headers=headers)
    )
