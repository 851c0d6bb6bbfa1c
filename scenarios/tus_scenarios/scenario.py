"""A scenario: a story in steps, as data, or as a function where data cannot say it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import msgspec

from tus_scenarios.fault import shown as position
from tus_scenarios.prose import prose, shown
from tus_scenarios.step import Step
from tus_scenarios.story import Story

Value = str | int

_PARAMETER = re.compile(r"\{([a-z][a-z0-9-]*?)([+-][0-9]+)?\}")


class ScenarioSource(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A scenario as it stands in a file.

    `needs` names capabilities (extensions, "download", "max-size", "checksum:md5"); where one is
    missing the scenario does not apply. `lacks` is the opposite. Each parameter of `each` maps
    labels, which become part of the id, to values; several parameters multiply. In the title a
    parameter such as `cut` that is a position can stand as {cut-in-words}.
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
    """Make one scenario for each combination of the source's parameters, these filled in."""
    scenarios = []
    names = list(source.each)
    for labels in product(*(source.each[name] for name in names)):
        chosen = dict(zip(names, labels, strict=True))
        parameters = {name: source.each[name][label] for name, label in chosen.items()}
        in_words: dict[str, Value] = {
            f"{name}-in-words": position(value) for name, value in parameters.items()
        }
        suffix = "/" + ",".join(labels) if labels else ""
        steps = _filled(source.step, parameters)
        scenarios.append(
            Scenario(
                id=source.id + suffix,
                title=_replaced(source.title, parameters | in_words, shown),
                section=file.section,
                extension=file.extension,
                requirements=checked(steps),
                needs=tuple(_replaced(need, parameters) for need in source.needs),
                lacks=source.lacks,
                serial=source.serial,
                why=source.why,
                parameters=parameters,
                steps=steps,
                prose=prose(steps),
            )
        )
    return scenarios


def checked(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return the ids of the requirements that steps check, each once, in order.

    A precondition checks nothing: the row that it names is the one to blame where it fails.
    """
    return tuple(dict.fromkeys(_rows(step for step in steps if not step.setup)))


def blamed(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return the ids of the requirements to blame where a precondition fails."""
    return tuple(dict.fromkeys(_rows(step for step in steps if step.setup)))


def _rows(steps: Iterable[Step]) -> Iterator[str]:
    return (row for step in steps for expected in step.expect for row in expected.requirements)


def _filled(steps: tuple[Step, ...], parameters: dict[str, Value]) -> tuple[Step, ...]:
    """Return the steps with every parameter in their texts replaced by its value."""
    if not parameters:
        return steps

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            whole = value[1:-1] if value.startswith("{") and value.endswith("}") else ""
            return parameters.get(whole) if whole in parameters else _replaced(value, parameters)
        if isinstance(value, dict):
            return {key: fill(inner) for key, inner in value.items()}
        return [fill(inner) for inner in value] if isinstance(value, list | tuple) else value

    return msgspec.convert(fill(msgspec.to_builtins(steps)), tuple[Step, ...])


def _replaced(text: str, parameters: dict[str, Value], written: Callable[[str], str] = str) -> str:
    def value_of(match: re.Match[str]) -> str:
        name, shift = match[1], match[2]
        value = parameters.get(name)
        if value is None:
            return match[0]
        if shift is None:
            return written(str(value))
        try:
            return written(str(int(value) + int(shift)))
        except ValueError:
            raise ValueError(f"{match[0]} takes a number, and {name} is {value!r}.") from None

    return _PARAMETER.sub(value_of, text)
