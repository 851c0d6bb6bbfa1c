"""`docs/fault-plans.md`: the page says what the types say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tus_scenarios import scenarios
from tus_scenarios.lint import ensure_valid
from tus_scenarios.network_fault import FAULT_ACTIONS
from tus_scenarios.reader import parse_scenarios

PAGE = (Path(__file__).parents[2] / "docs" / "fault-plans.md").read_text("utf-8")
FAMILIES = re.findall(r"`(interruption\.[a-z*.-]+|interruption\.concatenation\*\.\*)`", PAGE)


def test_its_example_is_a_scenario() -> None:
    """Whoever copies it must not have to mend it."""
    examples = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 1
    ensure_valid(parse_scenarios(examples[0], "the example"))


@pytest.mark.parametrize("act", FAULT_ACTIONS)
def test_every_act_is_explained(act: str) -> None:
    """An act that nobody knows of is not used."""
    assert re.search(rf"^\| `{act} = ", PAGE, re.MULTILINE)


def test_every_family_is_listed() -> None:
    """And none that does not exist."""
    listed_families = {name.split(".")[1].rstrip("*") for name in FAMILIES} - {""}
    documented = {
        each.id.split(".")[1] for each in scenarios() if each.id.startswith("interruption.")
    }
    assert documented == listed_families | {
        name for name in documented if name.startswith("concatenation")
    }
