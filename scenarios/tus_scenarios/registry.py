"""Every scenario there is, in the order of the specification."""

from __future__ import annotations

from functools import cache
from importlib import resources

from tus_scenarios import reader
from tus_scenarios.function_scenarios import function_scenarios
from tus_scenarios.lint import ensure_valid
from tus_scenarios.scenario import Scenario

FILES = (
    "core-headers",
    "core-version",
    "core-method-override",
    "core-head",
    "core-patch",
    "core-patch-invalid",
    "core-history",
    "core-network",
    "interruption-patch",
    "core-options",
    "creation",
    "creation-length",
    "creation-history",
    "creation-metadata",
    "interruption-creation",
    "creation-defer-length",
    "interruption-defer-length",
    "creation-with-upload",
    "interruption-creation-with-upload",
    "expiration",
    "checksum",
    "interruption-checksum",
    "checksum-trailer",
    "interruption-checksum-trailer",
    "termination",
    "interruption-termination",
    "concatenation",
    "interruption-concatenation",
    "concatenation-unfinished",
    "interruption-concatenation-unfinished",
    "http",
    "cors",
)
"""The data files, in the order of the sections they are about."""

CROSS_FILES = ("pairs", "kinds", "values")
"""The data files about several sections; their scenarios follow those of their sections."""


@cache
def scenarios(*, thorough: bool = False) -> tuple[Scenario, ...]:
    """Return every scenario, each checked; raise ScenarioError where one is not sound.

    With `thorough` they include every combination of a `cross`, not only those that hold each pair.
    """
    folder = resources.files(__package__).joinpath("data")
    found: list[Scenario] = []
    for name in FILES:
        file = folder.joinpath(f"{name}.toml")
        found += reader.parse_scenarios(file.read_text("utf-8"), f"{name}.toml", thorough=thorough)
    for name in CROSS_FILES:
        file = folder.joinpath(f"{name}.toml")
        for each in reader.parse_scenarios(
            file.read_text("utf-8"), f"{name}.toml", thorough=thorough
        ):
            found.insert(_insert_index(each, found), each)
    for function_scenario in function_scenarios():
        found.insert(_insert_index(function_scenario, found), function_scenario)
    ensure_valid(found)
    return tuple(found)


def _insert_index(function_scenario: Scenario, found: list[Scenario]) -> int:
    """Return where a scenario belongs: after the last of its section, else at the end."""
    place = function_scenario.extension, function_scenario.section
    same_section = [
        at for at, other in enumerate(found, 1) if (other.extension, other.section) == place
    ]
    return same_section[-1] if same_section else len(found)
