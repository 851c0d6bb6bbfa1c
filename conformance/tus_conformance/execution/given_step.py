"""Putting preconditions in place: an upload to begin with, of which some bytes are stored."""

from __future__ import annotations

from tus_conformance.evaluation.applicability import ensure_within_max_size
from tus_conformance.evaluation.preconditions import setup_failure
from tus_conformance.execution.scenario_requests import ScenarioRequests
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.upload import UploadState
from tus_conformance.targets import program
from tus_scenarios import GivenUpload, RequestSpec

_UPLOAD_COMMAND_ADVICE = (
    "If clients cannot create uploads on this server, set an `upload` command in the profile."
)


async def create_given_upload(requests: ScenarioRequests, given: GivenUpload) -> UploadState:
    """Create an upload and store its first bytes; raise StopScenario where the server does not."""
    length = requests.references.resolve_number(given.length)
    ensure_within_max_size(requests.session, length)
    upload = await _create_upload(requests, given, length)
    upload.length = length
    wanted = requests.references.resolve_number(given.stored)
    while upload.offset < wanted:
        before = upload.offset
        reply = await requests.send("PATCH", RequestSpec(of=given.name, send=wanted - before))
        if reply.succeeded and reply.header("Upload-Offset") is None:
            # That a PATCH response has the offset is a requirement of its own; here HEAD will do.
            await requests.send("HEAD", RequestSpec(of=given.name))
        if not reply.succeeded or upload.offset <= before:
            raise setup_failure("The initial bytes could not be stored", reply)
    return upload


async def _create_upload(
    requests: ScenarioRequests, given: GivenUpload, length: int
) -> UploadState:
    command = requests.session.target.profile.commands.upload
    creation = requests.session.discovery.capabilities.get("creation")
    closed = creation is not None and creation.observed == "refused"
    if command is not None and closed:
        return await _create_by_command(requests, given, length, command)
    reply = await requests.send("POST", _creation_request(given))
    if reply.succeeded and given.name in requests.uploads:
        return requests.uploads[given.name]
    failure = setup_failure("The initial upload could not be created", reply)
    if closed and failure.cause == "precondition":
        failure.reason += f" {_UPLOAD_COMMAND_ADVICE}"
    raise failure


async def _create_by_command(
    requests: ScenarioRequests, given: GivenUpload, length: int, command: str
) -> UploadState:
    """Have an upload made by the command of the profile."""
    if given.deferred or given.metadata or given.header:
        raise StopScenario(
            "impossible", "It needs a kind of upload that the `upload` command cannot create."
        )
    try:
        url = await requests.creations.run_upload_command(command, length=length)
    except program.ProgramError as failed:
        raise StopScenario("command", str(failed)) from None
    return requests.adopt_upload(given, url)


def _creation_request(given: GivenUpload) -> RequestSpec:
    return RequestSpec(
        of=given.name,
        length=None if given.deferred else given.length,
        defer="1" if given.deferred else None,
        metadata=given.metadata,
        header=dict(given.header),
    )
