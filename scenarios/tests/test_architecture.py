"""`ARCHITECTURE.md`: it lists every module of the packages, so that a reader finds its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BY_FOLDER = ("function_scenarios", "broken", "unusual")
"""Folders whose modules are named by the section or the subject, and listed by the folder."""


@pytest.mark.parametrize(
    "package",
    [
        "scenarios/tus_scenarios",
        "reports/tus_reports",
        "conformance/tus_conformance",
        "reference/tus_reference",
        "reference/tus_defects",
    ],
)
def test_every_module_is_listed(package: str) -> None:
    listed = set(re.findall(r"`(\w+)`", (ROOT / "ARCHITECTURE.md").read_text("utf-8")))
    missing = [
        str(module.relative_to(ROOT))
        for module in (ROOT / package).rglob("*.py")
        if not module.stem.startswith("__")
        and not module.stem.endswith("_command")
        and module.parent.name not in BY_FOLDER
        and module.stem not in listed
    ]
    assert missing == []
