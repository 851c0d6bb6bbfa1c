"""A scenario: a story in steps, as data, or as a function where data cannot say it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import product

import msgspec

from tus_scenarios.prose import prose, shown
from tus_scenarios.step import Step
from tus_scenarios.story import Story

Value = str | int


class ScenarioSource(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A scenario as it stands in a file.

    `needs` names capabilities (extensions, "download", "max-size"); where one is missing the
    scenario does not apply. `lacks` is the opposite. Each parameter of `each` maps labels, which
    become part of the id, to values; several parameters multiply.
    """

    id: str
    title: str
    step: tuple[Step, ...]
    why: str = ""
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    each: dict[str, dict[str, Value]] = {}
    serial: bool = False


class ScenarioFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scenarios of one section of the specification."""

    section: str
    extension: str
    scenario: tuple[ScenarioSource, ...]


@dataclass(frozen=True)
class Scenario:
    """A scenario ready to be told: one value for each parameter.

    `steps` is empty and `tell` is set where the scenario is a function.
    """

    id: str
    title: str
    section: str
    extension: str
    requirements: tuple[str, ...]
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    serial: bool = False
    why: str = ""
    parameters: dict[str, Value] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    prose: tuple[str, ...] = ()
    tell: Callable[[Story], Awaitable[None]] | None = None


def unfold(source: ScenarioSource, file: ScenarioFile) -> list[Scenario]:
    """Make one scenario for each combination of the source's parameters."""
    scenarios = []
    names = list(source.each)
    for labels in product(*(source.each[name] for name in names)):
        parameters = {
            name: source.each[name][label] for name, label in zip(names, labels, strict=True)
        }
        suffix = "/" + ",".join(labels) if labels else ""
        scenarios.append(
            Scenario(
                id=source.id + suffix,
                title=_filled(source.title, parameters),
                section=file.section,
                extension=file.extension,
                requirements=checked(source.step),
                needs=source.needs,
                lacks=source.lacks,
                serial=source.serial,
                why=source.why,
                parameters=parameters,
                steps=source.step,
                prose=prose(source.step, parameters),
            )
        )
    return scenarios


def checked(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return the ids of the requirements that steps check, each once, in order."""
    found = [row for step in steps for expected in step.expect for row in expected.requirements]
    return tuple(dict.fromkeys(found))


def _filled(title: str, parameters: dict[str, Value]) -> str:
    for name, value in parameters.items():
        title = title.replace("{" + name + "}", shown(str(value)))
    return title
