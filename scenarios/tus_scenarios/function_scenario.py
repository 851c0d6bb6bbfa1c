"""Scenarios written as functions: the header that makes one of an async function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tus_scenarios.context import ScenarioContext
from tus_scenarios.scenario import Scenario

ScenarioFunction = Callable[[ScenarioContext], Awaitable[None]]


def function_scenario(
    *,
    id: str,  # noqa: A002  it is called that in the data files too
    title: str,
    section: str,
    extension: str,
    checks: tuple[str, ...],
    steps: tuple[str, ...],
    why: str,
    needs: tuple[str, ...] = (),
    lacks: tuple[str, ...] = (),
    serial: bool = False,
    waits: bool = False,
) -> Callable[[ScenarioFunction], Scenario]:
    """Make a scenario of a function; `steps` says in prose what it does and expects."""

    def decorate(function: ScenarioFunction) -> Scenario:
        return Scenario(
            id=id,
            title=title,
            section=section,
            extension=extension,
            requirements=checks,
            needs=needs,
            lacks=lacks,
            serial=serial,
            waits=waits,
            why=why,
            prose=steps,
            run=function,
        )

    return decorate
