"""`docs/settings.md`: the flags in the documentation and those of the parser."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from tus_reference.cli import new_parser

DOCS = Path(__file__).parents[3] / "docs"
KNOWN = {name for action in new_parser()._actions for name in action.option_strings}


@pytest.mark.parametrize("page", ["reference-server.md", "running.md", "settings.md"])
def test_every_flag_of_the_page_exists(page: str) -> None:
    told = set(re.findall(r"--[a-z][a-z0-9-]*", (DOCS / page).read_text()))
    assert len(told) > 5
    assert told <= KNOWN


def test_what_operators_may_set_is_on_their_page() -> None:
    text = (DOCS / "running.md").read_text()
    wanted = [name for name in KNOWN if name.startswith(("--cors", "--tls", "--access", "--metr"))]
    wanted += ["--workers", "--unix-sock", "--max-connections", "--relative-location"]
    assert [name for name in wanted if name not in text] == []


def test_help_is_brief() -> None:
    """One line for each flag; what needs more stands below, and in the documentation."""
    helps = [each.help % vars(each) for each in new_parser()._actions if each.help]
    assert [text for text in helps if len(text) >= 70] == []


def test_every_flag_is_in_the_table() -> None:
    listed = set(re.findall(r"`(--[a-z][a-z0-9-]*)`", (DOCS / "settings.md").read_text()))
    visible = [each for each in new_parser()._actions if each.help != argparse.SUPPRESS]
    flags = {name for each in visible for name in each.option_strings if name.startswith("--")}
    assert flags - listed == set()
