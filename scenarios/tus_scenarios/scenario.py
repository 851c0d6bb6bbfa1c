"""A scenario: steps in order, as data, or as a function where TOML cannot express it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import msgspec

from tus_scenarios.combination import Combination
from tus_scenarios.context import ScenarioContext
from tus_scenarios.network_fault import describe_position as position
from tus_scenarios.prose import quote_value, step_sentences
from tus_scenarios.step import Step

ParameterValue = str | int

_PARAMETER = re.compile(r"\{([a-z][a-z0-9-]*?)([+-][0-9]+)?\}")


class ScenarioSource(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A scenario as it stands in a file.

    `needs` names capabilities (extensions, "download", "max-size", "checksum:md5"); where one is
    missing the scenario does not apply. `lacks` is the opposite. Each parameter of `each` maps
    labels, which become part of the id, to values; several parameters multiply. In the title a
    parameter such as `cut` that is a position can stand as {cut-in-words}.

    `cross` names rows, or a group of rows, of the tables in `combinations.toml`, by axis. Of all
    combinations of the rows those run that hold every pair at least once, over all scenarios of the
    file with a `cross`; the others need "thorough".

    `section` and `extension` are those of the file unless it says otherwise.
    """

    id: str
    title: str
    step: tuple[Step, ...]
    why: str = ""
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    each: dict[str, dict[str, ParameterValue]] = {}
    cross: dict[str, str | tuple[str, ...]] = {}
    section: str = ""
    extension: str = ""
    serial: bool = False


class ScenarioFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scenarios of one section of the specification."""

    section: str
    extension: str
    scenario: tuple[ScenarioSource, ...]


@dataclass(frozen=True)
class Scenario:
    """A scenario ready to run: one value for each parameter.

    `waits` says that it mostly waits, so that it can run next to others at no cost. `steps` is
    empty and `run` is set where the scenario is a function.
    """

    id: str
    title: str
    section: str
    extension: str
    requirements: tuple[str, ...]
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    serial: bool = False
    waits: bool = False
    why: str = ""
    parameters: dict[str, ParameterValue] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    prose: tuple[str, ...] = ()
    run: Callable[[ScenarioContext], Awaitable[None]] | None = None


def unfold(
    source: ScenarioSource, file: ScenarioFile, combination: Combination | None = None
) -> list[Scenario]:
    """Make one scenario for each combination of the source's parameters, these filled in.

    `combination` are the rows of its `cross`; they come first in the id.
    """
    scenarios = []
    rows = combination or Combination()
    names = list(source.each)
    for labels in product(*(source.each[name] for name in names)):
        chosen_labels = dict(zip(names, labels, strict=True))
        parameters = {name: source.each[name][label] for name, label in chosen_labels.items()}
        in_words: dict[str, ParameterValue] = {
            f"{name}-in-words": position(value) for name, value in parameters.items()
        }
        parameters |= rows.parameters
        in_words |= rows.words
        names_of_rows = (*rows.names, *labels)
        suffix = "/" + ",".join(names_of_rows) if names_of_rows else ""
        steps = _fill_parameters(rows.apply(source.step), parameters)
        scenarios.append(
            Scenario(
                id=source.id + suffix,
                title=_replace_parameters(source.title, parameters | in_words, quote_value),
                section=source.section or file.section,
                extension=source.extension or file.extension,
                requirements=checked_requirements(steps),
                needs=tuple(
                    dict.fromkeys(
                        _replace_parameters(need, parameters)
                        for need in (*source.needs, *rows.needs)
                    )
                ),
                lacks=source.lacks,
                serial=source.serial,
                why=source.why,
                parameters=parameters,
                steps=steps,
                prose=step_sentences(steps),
            )
        )
    return scenarios


def checked_requirements(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return the ids of the requirements that steps check, each once, in order.

    A precondition checks nothing: the row that it names is the one to blame where it fails.
    """
    return tuple(dict.fromkeys(_requirement_ids(step for step in steps if not step.setup)))


def blamed_requirements(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Return the ids of the requirements to blame where a precondition fails."""
    return tuple(dict.fromkeys(_requirement_ids(step for step in steps if step.setup)))


def _requirement_ids(steps: Iterable[Step]) -> Iterator[str]:
    return (
        requirement
        for step in steps
        for expectation in step.expect
        for requirement in expectation.requirements
    )


def _fill_parameters(
    steps: tuple[Step, ...], parameters: dict[str, ParameterValue]
) -> tuple[Step, ...]:
    """Return the steps with every parameter in their texts replaced by its value."""
    if not parameters:
        return steps

    def replace(value: Any) -> Any:
        if isinstance(value, str):
            whole = value[1:-1] if value.startswith("{") and value.endswith("}") else ""
            return (
                parameters.get(whole)
                if whole in parameters
                else _replace_parameters(value, parameters)
            )
        if isinstance(value, dict):
            return {key: replace(child) for key, child in value.items()}
        return [replace(child) for child in value] if isinstance(value, list | tuple) else value

    return msgspec.convert(replace(msgspec.to_builtins(steps)), tuple[Step, ...])


def _replace_parameters(
    text: str, parameters: dict[str, ParameterValue], format_value: Callable[[str], str] = str
) -> str:
    def value_of(match: re.Match[str]) -> str:
        name, offset = match[1], match[2]
        value = parameters.get(name)
        if value is None:
            return match[0]
        if offset is None:
            return format_value(str(value))
        try:
            return format_value(str(int(value) + int(offset)))
        except ValueError:
            raise ValueError(f"{match[0]} needs a number, and {name} is {value!r}.") from None

    return _PARAMETER.sub(value_of, text)
