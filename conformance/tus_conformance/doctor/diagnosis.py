"""The diagnosis: every stage in order, and what it comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import trio

from tus_conformance.discovery.prober import TargetUnreachable
from tus_conformance.doctor.comparison import attribute_findings, attribute_to_proxy
from tus_conformance.doctor.examination import Examination, describe_answer
from tus_conformance.doctor.finding import DoctorFinding
from tus_conformance.doctor.stage import Stage, StageResult, StageState, UndeterminedError
from tus_conformance.doctor.stages import STAGES
from tus_conformance.targets.creation_tracker import LeftBehind
from tus_conformance.targets.origin_guard import OtherOriginError
from tus_conformance.targets.target_transport import UnsupportedByTransportError
from tus_conformance.transport import HttpResponse

FIT, BROKEN, UNDETERMINED = 0, 1, 3
"""Exit codes: fit for resuming, resuming breaks, undetermined; 2 is a usage error."""

_CONDITIONS = {
    "upload": "there is no upload that can be reached",
    "common-state": "the servers behind the name do not know each other's uploads",
}


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the examination of a target found; `problem` says why it could not be examined.

    What breaks resuming comes first.
    """

    target: str
    facts: dict[str, str]
    stages: tuple[StageResult, ...]
    findings: tuple[DoctorFinding, ...]
    problem: str = ""
    direct: str = ""
    remaining_uploads: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """Return the exit code."""
        if any(finding.severity == "breaks" for finding in self.findings):
            return BROKEN
        undetermined = any(stage.state == "undetermined" for stage in self.stages)
        return UNDETERMINED if self.problem or undetermined else FIT


async def examine(
    examination: Examination,
    stages: Sequence[Stage] = STAGES,
    notify: Callable[[StageResult], None] = lambda _result: None,
) -> tuple[list[StageResult], str]:
    """Examine every stage; return how each ended, and why nothing more could be examined.

    `notify` is given each result as soon as it is there.
    """
    results: list[StageResult] = []
    problem = ""
    for stage in stages:
        result = await _examine_stage(stage, examination, problem)
        if stage is stages[0] and result.state == "undetermined":
            problem = result.reason
        results.append(result)
        if not problem:  # the conclusion says what is wrong with the target
            notify(result)
    return results, problem


async def _examine_stage(stage: Stage, examination: Examination, problem: str) -> StageResult:
    name, title = stage.name, stage.title
    if problem:
        reason = "the target could not be examined"
        return StageResult(name=name, title=title, state="not-examined", reason=reason)
    lacking = [need for need in stage.needs if need in examination.prevented]
    if lacking:
        reason = f"because of this: {examination.prevented[lacking[0]]}"
        return StageResult(name=name, title=title, state="not-examined", reason=reason)
    earlier = len(examination.findings)
    began = trio.current_time()
    reason = ""
    try:
        await _examine_at_pace(stage, examination)
    except (
        TargetUnreachable,
        UndeterminedError,
        OtherOriginError,
        UnsupportedByTransportError,
    ) as error:
        reason = examination.target.redaction.redact_text(str(error))
        if not examination.upload_url:
            examination.prevented.setdefault("upload", _CONDITIONS["upload"])
    found = tuple(finding.id for finding in examination.findings[earlier:])
    state: StageState = "findings" if found else "undetermined" if reason else "clean"
    return StageResult(
        name=name,
        title=title,
        state=state,
        reason=reason,
        findings=found,
        seconds=round(trio.current_time() - began, 3),
    )


async def _examine_at_pace(stage: Stage, examination: Examination) -> None:
    """Examine a stage, a second time and slower where the rate of its requests was refused."""
    findings, prevented = list(examination.findings), dict(examination.prevented)
    await stage.examine(examination)
    pace = examination.pace
    if pace.take_late_refusals():
        examination.findings[:], examination.prevented = findings, prevented
        await stage.examine(examination)
    if pace.refusals:
        await _report_rate(examination, pace.refusals[0])


async def _report_rate(examination: Examination, refusal: HttpResponse) -> None:
    """Report a limited rate; one failure that quick requests do not repeat is only noted."""
    pace = examination.pace
    method, answer = refusal.exchange.method, describe_answer(refusal)
    if len(pace.refusals) == 1 and not await pace.is_limited(examination.target):
        examination.note("Failed once", f"{method} got {answer}; sent again, it was answered")
        return
    values = {"method": method, "answer": answer, "refused": len(pace.refusals), "sent": pace.sent}
    examination.report("limits.request-rate", refusal, values=values)


async def diagnose(
    examination: Examination,
    left_behind: LeftBehind,
    direct: Examination | None = None,
    notify: Callable[[StageResult], None] = lambda _result: None,
) -> Diagnosis:
    """Examine a target, and next to it the server itself, if that is given; remove the uploads."""
    direct_stages: list[StageResult] = []
    stages: list[StageResult] = []
    problem = ""
    try:
        async with trio.open_nursery() as nursery:
            if direct is not None:
                nursery.start_soon(_examine_direct, direct, direct_stages)
            stages, problem = await examine(examination, notify=notify)
    finally:
        with trio.CancelScope(shield=True):
            await examination.clean_up(left_behind)
            if direct is not None:
                await direct.clean_up(left_behind)
    if direct is not None:
        attribute_findings(examination, direct, direct_stages)
    elif examination.upstream is not None:
        attribute_to_proxy(examination)
    redact = examination.target.redaction.redact_text
    return Diagnosis(
        target=redact(examination.target.url),
        direct="" if direct is None else direct.target.redaction.redact_text(direct.target.url),
        facts=examination.facts,
        stages=tuple(stages),
        findings=tuple(sorted(examination.findings, key=lambda each: each.severity != "breaks")),
        problem=problem,
        remaining_uploads=tuple(map(redact, left_behind.urls)),
    )


async def _examine_direct(direct: Examination, results: list[StageResult]) -> None:
    found, problem = await examine(direct)
    results += found
    if problem:
        direct.note("Problem", problem)
