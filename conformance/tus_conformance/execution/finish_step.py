"""Finish an upload as a client would: ask for its offset, send the rest, compare every byte."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote, urlsplit

from tus_conformance.discovery.prober import NO_UPLOAD_STATUSES
from tus_conformance.execution.scenario_requests import ScenarioRequests
from tus_conformance.state.content import ContentComparison
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.targets import program
from tus_conformance.transport.header_values import is_integer
from tus_scenarios import RequestSpec

_SUPERSEDED_STATUSES = frozenset({400, 409, 423})
"""Answers to a PATCH in whose place one goes on that was given up, and arrives late."""


async def finish_upload(requests: ScenarioRequests, upload: UploadState) -> StepResponse:
    """Resume an upload by what HEAD says and complete it; the reply has the `finish_state`."""
    head, stored = await _head_offset(requests, upload)
    forgets = requests.session.discovery.forgets_complete_uploads
    if forgets and _is_complete_and_removed(upload, head):
        return await _verify_content(requests, upload, head)
    if stored is None:
        return _incomplete_reply(
            head, f"HEAD got {_describe_reply(head)}, so the upload cannot be resumed"
        )
    if upload.length is None:
        return _incomplete_reply(head, "its length is unknown")
    if stored > upload.length:
        return _beyond_length_reply(head, stored, upload.length)
    if stored < upload.length or not upload.length_declared:
        head = await _send_rest(requests, upload, stored, upload.length)
    return head if head.finish_state else await _verify_content(requests, upload, head)


async def _send_rest(
    requests: ScenarioRequests, upload: UploadState, stored: int, length: int
) -> StepResponse:
    """Send what is missing, as often as the server is then further on; return the last HEAD."""
    while True:
        declared = None if upload.length_declared else length
        rest = RequestSpec(of=upload.name, offset=stored, send="rest", length=declared)
        sent = await requests.send("PATCH", rest)
        if not sent.succeeded and sent.status not in _SUPERSEDED_STATUSES:
            return _refused_reply(sent, stored)
        head, now = await _head_offset(requests, upload)
        if not sent.succeeded and not (now is not None and stored < now < length):
            return _refused_reply(sent, stored)
        if now == length or _is_complete_and_removed(upload, head):
            return head
        if now is not None and now > length:
            return _beyond_length_reply(head, now, length)
        if now is None or now <= stored:
            return _incomplete_reply(
                head, f"after the rest was sent from {stored}, HEAD got {_describe_reply(head)}"
            )
        stored = now


def _is_complete_and_removed(upload: UploadState, head: StepResponse) -> bool:
    """Return whether it was acknowledged as complete, and HEAD does not find it any more."""
    return upload.offset == upload.length and head.status in NO_UPLOAD_STATUSES


async def _head_offset(
    requests: ScenarioRequests, upload: UploadState
) -> tuple[StepResponse, int | None]:
    head = await requests.send("HEAD", RequestSpec(of=upload.name))
    offset = head.header("Upload-Offset")
    if not head.succeeded or offset is None or not is_integer(offset):
        return head, None
    return head, int(offset)


async def _verify_content(
    requests: ScenarioRequests, upload: UploadState, head: StepResponse
) -> StepResponse:
    if upload.has_foreign_bytes:
        return _unverified_reply(head, "bytes of another request were accepted")
    comparison = ContentComparison(upload.body)
    if not requests.session.discovery.accepts("download"):
        return await _read_by_command(requests, upload, head, comparison)
    reply = await requests.download_upload(upload, comparison)
    if not reply.succeeded:
        return _unverified_reply(head, f"GET got {_describe_reply(reply)}")
    return _verify_download(reply, comparison, upload.length or 0)


async def _read_by_command(
    requests: ScenarioRequests,
    upload: UploadState,
    head: StepResponse,
    comparison: ContentComparison,
) -> StepResponse:
    """Compare what the profile's `read` command prints, where there is no download."""
    command = requests.session.target.profile.commands.read
    if command is None:
        return _unverified_reply(head, "the server does not offer downloads")
    last = unquote(urlsplit(upload.url).path.rstrip("/").rpartition("/")[2])
    try:
        comparison.feed(await requests.session.target.run_program(command, url=upload.url, id=last))
    except program.ProgramError as failed:
        raise StopScenario("command", str(failed)) from None
    received, length = comparison.position, upload.length or 0
    if comparison.first_difference is not None:
        wrong = f"byte {comparison.first_difference} of the stored bytes differs from the byte sent"
        return replace(head, finish_state="wrong-byte", finding=wrong)
    if received != length:
        wrong = f"{received} bytes are stored of {length}"
        return replace(head, finish_state="wrong-length", finding=wrong)
    right = "complete, and every stored byte is correct"
    return replace(head, finish_state="verified", finding=right)


def _verify_download(
    download: StepResponse, comparison: ContentComparison, length: int
) -> StepResponse:
    received = comparison.position
    if comparison.first_difference is not None:
        wrong = f"byte {comparison.first_difference} of the download differs from the byte sent"
        return replace(download, finish_state="wrong-byte", finding=wrong)
    if not download.http_response.complete:
        return _incomplete_reply(
            download, f"the download broke off after {received} of {length} bytes"
        )
    if received != length:
        wrong = f"the download has {received} bytes of {length}"
        return replace(download, finish_state="wrong-length", finding=wrong)
    right = "complete, and every byte of the download is correct"
    return replace(download, finish_state="verified", finding=right)


def _describe_reply(reply: StepResponse) -> str:
    if reply.status is None:
        return "nothing"
    offset = reply.header("Upload-Offset")
    return f"{reply.status}" + (f" and Upload-Offset {offset}" if offset is not None else "")


def _refused_reply(sent: StepResponse, stored: int) -> StepResponse:
    return _incomplete_reply(sent, f"the PATCH of the rest at {stored} got {_describe_reply(sent)}")


def _unverified_reply(head: StepResponse, why: str) -> StepResponse:
    finding = f"complete; content unverified, because {why}"
    return replace(head, finish_state="unverified", finding=finding)


def _incomplete_reply(reply: StepResponse, finding: str) -> StepResponse:
    return replace(reply, finish_state="unfinished", finding=finding)


def _beyond_length_reply(head: StepResponse, offset: int, length: int) -> StepResponse:
    finding = f"HEAD returns offset {offset} for an upload of {length}"
    return replace(head, finish_state="offset-beyond-length", finding=finding)
