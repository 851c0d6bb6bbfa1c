"""The second read: complete uploads are asked for and read again when all scenarios have ended.

What is lost later than a scenario lasts shows only here: bytes that were never flushed, uploads
that a clean-up takes for old, a cache in place of a store. The `settle` command of the profile
makes a server do such work at once; everything is read again after it.
"""

from __future__ import annotations

import time
from dataclasses import replace

from tus_conformance.execution.read_back import read_back
from tus_conformance.execution.scenario_execution import ScenarioExecution
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.kept_uploads import KeptUpload, KeptUploads
from tus_conformance.state.step_response import StepResponse
from tus_conformance.targets import program
from tus_conformance.transport.header_values import read_integer
from tus_scenarios import Expectation, RequestSpec, Scenario

SECOND_READ = "always.complete-uploads-stay"
"""The id of its result."""

REQUIREMENT = "core.head.offset-accurate"

_EXPECTED = Expectation(
    intact=True,
    checks=REQUIREMENT,
    otherwise="warn",
    says="the upload was complete and intact earlier in the run",
)
_TITLE = "A complete upload is still stored when all scenarios have ended"


def second_read_scenario(kept: KeptUploads, settle: str | None) -> Scenario:
    """Return the second read as a scenario on the uploads that were kept."""
    steps = [
        f"HEAD and GET the {len(kept.uploads)} complete uploads that the run kept.",
        f"  expects every byte in place; else a failure [{REQUIREMENT}].",
    ]
    if settle is not None:
        steps += [
            "Run the `settle` command of the profile, then HEAD and GET all of them again.",
            f"  expects every byte in place; else a failure [{REQUIREMENT}].",
        ]

    async def run(execution: ScenarioExecution) -> None:
        await _read_all(execution, kept, "at the end of the run")
        if settle is not None:
            await _run_settle_command(execution, settle)
            await _read_all(execution, kept, "after the `settle` command")

    return Scenario(
        id=SECOND_READ,
        title=_TITLE,
        section="Core/HEAD",
        extension="core",
        requirements=(REQUIREMENT,),
        prose=tuple(steps),
        run=run,  # type: ignore[arg-type]  # it is given the execution that it is made for
    )


async def _run_settle_command(execution: ScenarioExecution, command: str) -> None:
    try:
        await execution.session.target.run_program(command)
    except program.ProgramError as failed:
        raise StopScenario("command", str(failed)) from None
    if not await execution.session.wait_until_responsive():
        raise StopScenario("command", "The server does not respond after the `settle` command.")


async def _read_all(execution: ScenarioExecution, kept: KeptUploads, when: str) -> None:
    for each in kept.uploads:
        if _may_be_gone(each, execution.session.target.profile.retention):
            continue
        # The references of an execution go by name, and two scenarios may use the same.
        execution.uploads.clear()
        execution.uploads[each.upload.name] = each.upload
        reply = await _read_again(execution, each)
        finding = f"{when}, {each.age:.0f} s after it was complete: {reply.finding}"
        named = f"upload of {each.scenario}, {finding}"
        execution.expect(replace(reply, finding=named), _EXPECTED)


def _may_be_gone(kept: KeptUpload, retention: float | None) -> bool:
    """Return whether the server, or its maintainer, says that the upload goes by now."""
    expires = kept.upload.expires_at
    is_expired = expires is not None and expires <= time.time() + 1
    return is_expired or (retention is not None and kept.age >= retention)


async def _read_again(execution: ScenarioExecution, kept: KeptUpload) -> StepResponse:
    """Ask for the offset of an upload and compare its bytes; the reply has the `finish_state`."""
    upload, session = kept.upload, execution.session
    length = upload.length or 0
    head = await execution.send("HEAD", RequestSpec(of=upload.name))
    offset = read_integer(head.header("Upload-Offset"))
    if head.succeeded and offset is not None and offset != length:
        wrong = f"HEAD returns offset {offset}, and the upload of {length} bytes was complete"
        return replace(head, finish_state="wrong-length", finding=wrong)
    outcome = await read_back(execution, upload, head)
    if outcome.finish_state not in {"verified", "unverified"} or head.succeeded:
        return outcome
    if session.discovery.forgets_complete_uploads:
        return outcome
    got = "no response" if head.status is None else str(head.status)
    return replace(head, finish_state="unfinished", finding=f"HEAD got {got}")
