"""Execute a scenario: its steps in order, each response evaluated, all of it recorded."""

from __future__ import annotations

import traceback
from pathlib import Path

import trio

from tus_conformance.evaluation.attempt import evaluate_attempt
from tus_conformance.evaluation.preconditions import ensure_precondition
from tus_conformance.execution.request_faults import split_waiting_fault
from tus_conformance.execution.scenario_execution import ScenarioExecution
from tus_conformance.execution.settling_poll import SettlingPoll, wait_key
from tus_conformance.execution.stalled_step import StalledStep, open_stalled_step
from tus_conformance.state.early_exit import StopScenario, UnresolvedReference
from tus_conformance.state.session import Session
from tus_conformance.state.step_response import StepResponse
from tus_reports import Attempt
from tus_scenarios import RequestSpec, Scenario, Step


async def execute_scenario(scenario: Scenario, session: Session, attempt: int = 1) -> Attempt:
    """Execute a scenario once, on uploads of its own, and return the attempt."""
    began = trio.current_time()
    stop: StopScenario | None = None
    async with ScenarioExecution(session, scenario, attempt) as execution:
        try:
            await _run_steps(execution)
        except StopScenario as stopped:
            stop = stopped
            if stopped.server_error is not None:
                session.on_server_error(scenario, stopped.server_error)
        except UnresolvedReference as missing:
            stop = StopScenario("unresolved", f"The scenario could not continue: {missing}.")
        except Exception as bug:  # a bug of ours must not count against the server
            stop = StopScenario("suite-bug", _describe_bug(bug))
    duration = round(trio.current_time() - began, 6)
    return evaluate_attempt(scenario, execution.checks, execution.exchanges, stop, duration)


async def _run_steps(execution: ScenarioExecution) -> None:
    if execution.scenario.run is not None:
        await execution.scenario.run(execution)
        return
    stalled: StalledStep | None = None
    for number, step in enumerate(execution.scenario.steps, 1):
        execution.step = number
        released = stalled if stalled is not None and stalled.until == step.name else None
        try:
            if (stall := split_waiting_fault(step)) is not None:
                stalled = await open_stalled_step(execution, step, *stall)
                continue
            reply = await _perform_step(execution, step, released)
        except UnresolvedReference as missing:
            if step.setup:
                raise
            execution.skip_expectations(step.expect, str(missing))
            continue
        if step.within:
            reply = await _retry_until_passing(execution, step, reply)
        if not _evaluate_step(execution, step, reply):
            break
        if released is not None and not _evaluate_stalled(execution, released):
            break


def _evaluate_stalled(execution: ScenarioExecution, stalled: StalledStep) -> bool:
    """Evaluate a step that stalled until now; return whether the scenario goes on."""
    execution.step = stalled.number
    return _evaluate_step(execution, stalled.step, stalled.reply)


async def _perform_step(
    execution: ScenarioExecution, step: Step, released: StalledStep | None = None
) -> StepResponse | None:
    if step.given is not None:
        await execution.create_upload(step.given)
        return None
    if step.finish is not None:
        return await execution.complete_upload(step.finish)
    request = step.message
    assert request is not None
    method = request.method or step.act.upper()
    if released is None:
        reply = await execution.send(method, request)
    else:
        reply = await released.finish_while_sending(
            execution, lambda: execution.send(method, request)
        )
    if step.name:
        execution.replies[step.name] = reply
    return reply


async def _retry_until_passing(
    execution: ScenarioExecution, step: Step, reply: StepResponse | None
) -> StepResponse | None:
    """Perform a step again until its expectations pass, its time is over, or there is no hope.

    The bytes of a request that broke off may still be on their way to the store, so a PATCH that
    has no offset of its own asks for the offset before it is sent again.
    """
    retried_patch = step.patch if step.patch is not None and step.patch.offset is None else None
    waits = execution.session.vain_waits
    poll = SettlingPoll(step.expect, is_hopeless=wait_key(step) in waits)

    def passes(reply: StepResponse) -> bool:
        checks = execution.evaluate(reply, *step.expect, after_waiting=True)
        return all(check.grade == "pass" for check in checks)

    async def is_settled() -> bool:
        nonlocal reply
        if poll.is_over(reply) or (reply is not None and passes(reply)):
            return True
        if retried_patch is not None:
            await execution.send("HEAD", RequestSpec(of=retried_patch.of))
        reply = await _perform_step(execution, step)
        return False

    if not await execution.wait_until(is_settled, seconds=step.within):
        waits.add(wait_key(step))
    return reply


def _evaluate_step(execution: ScenarioExecution, step: Step, reply: StepResponse | None) -> bool:
    """Evaluate a step; return whether the scenario goes on."""
    if reply is None:
        return True
    if step.setup:
        _ensure_precondition(execution, step, reply)
        return True
    checks = execution.evaluate(reply, *step.expect, after_waiting=bool(step.within))
    execution.checks += checks
    return not (step.needed and any(check.outcome == "violated" for check in checks))


def _ensure_precondition(execution: ScenarioExecution, step: Step, reply: StepResponse) -> None:
    """Raise StopScenario where a precondition does not hold; its expectations are not checks."""
    checks = execution.evaluate(reply, *step.expect)
    ensure_precondition(reply, checks if step.expect else None)


def _describe_bug(bug: Exception) -> str:
    while isinstance(bug, ExceptionGroup):
        bug = bug.exceptions[0]
    frame = traceback.extract_tb(bug.__traceback__)[-1]
    return (
        "This is an error of the suite, not of the server; please report it:"
        f" {type(bug).__name__}: {bug} ({Path(frame.filename).name}, line {frame.lineno}, in"
        f" {frame.name})."
    )
