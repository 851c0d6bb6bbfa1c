"""Finish an upload as a client would: ask for its offset, send the rest, compare every byte."""

from __future__ import annotations

from dataclasses import replace

from tus_conformance.discovery.prober import NO_UPLOAD_STATUSES
from tus_conformance.evaluation.finish_outcome import is_intact
from tus_conformance.execution.read_back import read_back
from tus_conformance.execution.scenario_requests import ScenarioRequests
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.transport.header_values import is_integer, parse_integer
from tus_scenarios import RequestSpec

_SUPERSEDED_STATUSES = frozenset({400, 409, 423})
"""Answers to a PATCH in whose place one goes on that was given up, and arrives late."""


async def finish_upload(requests: ScenarioRequests, upload: UploadState) -> StepResponse:
    """Resume an upload by what HEAD says and complete it; the reply has the `finish_state`."""
    head, stored = await _head_offset(requests, upload, requests.latest_head(upload))
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
        if not sent.succeeded and sent.status is not None:
            requests.refused_completions[upload.name] = sent
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
    requests: ScenarioRequests, upload: UploadState, head: StepResponse | None = None
) -> tuple[StepResponse, int | None]:
    """Return where the upload stands by HEAD, or by one that was sent just before."""
    head = head or await requests.send("HEAD", RequestSpec(of=upload.name))
    offset = head.header("Upload-Offset")
    if not head.succeeded or offset is None or not is_integer(offset):
        return head, None
    return head, parse_integer(offset)


async def _verify_content(
    requests: ScenarioRequests, upload: UploadState, head: StepResponse
) -> StepResponse:
    """Return what became of a complete upload: its bytes, and whether it was called complete."""
    outcome = await read_back(requests, upload, head)
    refusal = requests.refused_completion(upload)
    if refusal is None or not is_intact(outcome):
        upload.found_intact = bool(is_intact(outcome))
        return outcome
    finding = (
        f"HEAD says that it is complete, but the request that sent its last byte got"
        f" {_describe_reply(refusal)}"
    )
    return replace(refusal, finish_state="completion-refused", finding=finding)


def _describe_reply(reply: StepResponse) -> str:
    if reply.status is None:
        return "nothing"
    offset = reply.header("Upload-Offset")
    return f"{reply.status}" + (f" and Upload-Offset {offset}" if offset is not None else "")


def _refused_reply(sent: StepResponse, stored: int) -> StepResponse:
    return _incomplete_reply(sent, f"the PATCH of the rest at {stored} got {_describe_reply(sent)}")


def _incomplete_reply(reply: StepResponse, finding: str) -> StepResponse:
    return replace(reply, finish_state="unfinished", finding=finding)


def _beyond_length_reply(head: StepResponse, offset: int, length: int) -> StepResponse:
    finding = f"HEAD returns offset {offset} for an upload of {length}"
    return replace(head, finish_state="offset-beyond-length", finding=finding)
