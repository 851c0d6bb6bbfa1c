"""Reading a complete upload back: by GET, or by the `read` command of the profile.

A server that offers downloads and cannot return one of its complete uploads has lost it. Some
servers process an upload before it can be read, so the suite asks again for a while before it says
so. A response that forbids the download, or sends the client elsewhere, shows no loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import trio

from tus_conformance.discovery.prober import NO_UPLOAD_STATUSES
from tus_conformance.execution.scenario_requests import ScenarioRequests
from tus_conformance.state.content import ContentComparison
from tus_conformance.state.content_tally import MAX_FRUITLESS_WAITS
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.session import Session
from tus_conformance.state.step_response import FinishState, StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.targets import program
from tus_conformance.transport.content_coding import decoder_for, is_encoded

DOWNLOAD_DELAY = 5.0
"""Seconds until a complete upload must be readable, unless the profile says otherwise."""

_FIRST_PAUSE = 0.1
_PAUSE_FACTOR = 3
_NO_DOWNLOAD_STATUSES = frozenset({401, 403, 405, 406, 407, 451, 501})
"""Responses to a GET that say who may read or how, and nothing of the bytes."""


async def read_back(
    requests: ScenarioRequests, upload: UploadState, head: StepResponse
) -> StepResponse:
    """Read a complete upload and compare it; the reply has the `finish_state`."""
    outcome = await _read(requests, upload, head)
    compared = outcome.finish_state in {"verified", "wrong-byte", "wrong-length"}
    requests.session.contents.record(upload, compared=compared)
    return outcome


async def _read(
    requests: ScenarioRequests, upload: UploadState, head: StepResponse
) -> StepResponse:
    if upload.has_foreign_bytes:
        return _unverified_reply(head, "bytes of another request were accepted")
    if requests.session.offers_downloads:
        return await _download(requests, upload, head)
    if requests.session.may_offer_downloads and upload.length:
        tried = await _try_download(requests, upload, head)
        if tried is not None:
            return tried
    return await _read_by_command(requests, upload, head)


async def _try_download(
    requests: ScenarioRequests, upload: UploadState, head: StepResponse
) -> StepResponse | None:
    """Ask for an upload although a probe was refused; return None where that shows nothing."""
    tally, comparison = requests.session.contents, ContentComparison(upload.body)
    tally.download_trials += 1
    reply = await requests.download_upload(upload, comparison)
    outcome = _evaluate_download(reply, comparison, upload.length or 0, head)
    tally.downloads_seen |= outcome.finish_state == "verified"
    return outcome if tally.downloads_seen else None


async def _download(
    requests: ScenarioRequests, upload: UploadState, head: StepResponse
) -> StepResponse:
    """Download an upload, again and again for a while if it cannot be read at first."""
    waited = False
    pauses = _pauses(requests.session)
    while True:
        comparison = ContentComparison(upload.body)
        reply = await requests.download_upload(upload, comparison)
        outcome = _evaluate_download(reply, comparison, upload.length or 0, head)
        if upload.is_partial:
            outcome = _consider_partial(requests.session, reply, outcome, head)
        if outcome.finish_state != "unreadable":
            return outcome
        pause = next(pauses, None)
        if pause is None or requests.session.server_exited:
            requests.session.contents.fruitless_waits += waited
            return outcome
        waited = True
        await trio.sleep(pause)


def _consider_partial(
    session: Session, download: StepResponse, outcome: StepResponse, head: StepResponse
) -> StepResponse:
    """Return the outcome for a partial upload: a server need not offer the download of any."""
    tally = session.contents
    tally.partial_downloads_seen |= outcome.finish_state == "verified"
    if download.status not in NO_UPLOAD_STATUSES or tally.partial_downloads_seen:
        return outcome
    return _unverified_reply(head, f"GET of a partial upload got {download.status}")


def _pauses(session: Session) -> Iterator[float]:
    """Yield the seconds to wait before each further download, less often as time passes."""
    if session.contents.fruitless_waits >= MAX_FRUITLESS_WAITS:
        return
    left, pause = session.target.profile.download_delay or DOWNLOAD_DELAY, _FIRST_PAUSE
    while left > 0:
        yield min(pause, left)
        left, pause = left - pause, pause * _PAUSE_FACTOR


def _evaluate_download(
    download: StepResponse, comparison: ContentComparison, length: int, head: StepResponse
) -> StepResponse:
    status, received = download.status, comparison.position
    if status in _NO_DOWNLOAD_STATUSES or (status is not None and 300 <= status < 400):
        return _unverified_reply(head, f"GET got {status}")
    if status == 416 and length == 0:
        right = "complete, and there is no byte to download"
        return replace(download, finish_state="verified", finding=right)
    if not download.succeeded:
        got = "no response" if status is None else str(status)
        lost = f"complete, but it cannot be read on a server that offers downloads: GET got {got}"
        is_lost = status is not None or download.closed
        state: FinishState = "unreadable" if is_lost else "unfinished"
        return replace(download, finish_state=state, finding=lost)
    coding = download.header("Content-Encoding")
    if coding is not None and is_encoded(coding) and decoder_for(coding) is None:
        return _unverified_reply(head, f"GET returned Content-Encoding: {coding}, not undone here")
    if not download.http_response.complete and comparison.first_difference is None:
        short = f"the download broke off after {received} of {length} bytes"
        return replace(download, finish_state="unreadable", finding=short)
    return _compare_content(download, comparison, length, "download")


async def _read_by_command(
    requests: ScenarioRequests, upload: UploadState, head: StepResponse
) -> StepResponse:
    """Compare what the profile's `read` command prints, where there is no download."""
    command = requests.session.target.profile.commands.read
    if command is None:
        return _unverified_reply(head, "the server does not offer downloads")
    comparison = ContentComparison(upload.body)
    last = unquote(urlsplit(upload.url).path.rstrip("/").rpartition("/")[2])
    try:
        comparison.feed(await requests.session.target.run_program(command, url=upload.url, id=last))
    except program.ProgramError as failed:
        raise StopScenario("command", str(failed)) from None
    return _compare_content(head, comparison, upload.length or 0, "stored upload")


def _compare_content(
    reply: StepResponse, comparison: ContentComparison, length: int, what: str
) -> StepResponse:
    """Return the outcome of a comparison of all bytes that could be read."""
    if comparison.first_difference is not None:
        wrong = f"byte {comparison.first_difference} of the {what} differs from the byte sent"
        return replace(reply, finish_state="wrong-byte", finding=wrong)
    if comparison.position != length:
        wrong = f"the {what} has {comparison.position} bytes of {length}"
        return replace(reply, finish_state="wrong-length", finding=wrong)
    right = f"complete, and every byte of the {what} is correct"
    return replace(reply, finish_state="verified", finding=right)


def _unverified_reply(head: StepResponse, why: str) -> StepResponse:
    finding = f"complete; content unverified, because {why}"
    return replace(head, finish_state="unverified", finding=finding)
