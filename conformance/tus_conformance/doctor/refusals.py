"""The stage `refusals`: whether the refusals of the server arrive as it sent them."""

from __future__ import annotations

from tus_conformance.discovery.discovery import unknown_upload_url
from tus_conformance.discovery.intermediary import recognise_page
from tus_conformance.doctor.examination import Examination, describe_answer
from tus_conformance.transport import HttpResponse

_UNKNOWN_UPLOAD = frozenset({403, 404, 410})


async def examine_refusals(examination: Examination) -> None:
    """Ask for an upload that does not exist, and send a PATCH at a wrong offset."""
    unknown = unknown_upload_url(examination.upload_url, created=True)
    head = await examination.send("HEAD", unknown)
    _compare(examination, head, "HEAD of an unknown upload", _UNKNOWN_UPLOAD)
    patch = await examination.patch(examination.upload_url, 9, b"1")
    _compare(examination, patch, "a PATCH at a wrong offset", frozenset({409}))


def _compare(
    examination: Examination, response: HttpResponse, what: str, expected: frozenset[int]
) -> None:
    """Report a refusal that something else has replaced.

    One that only lacks Tus-Resumable is a matter of the server: clients do not look at that.
    """
    foreign = examination.is_foreign(response)
    page = recognise_page(response)
    if not foreign or (response.status in expected and not page):
        return
    values = {
        "what": what,
        "answer": describe_answer(response),
        "expected": " or ".join(map(str, sorted(expected))),
    }
    harmless = response.status in expected
    examination.report(
        "refusals.replaced", response, values=values, severity="limits" if harmless else "breaks"
    )
