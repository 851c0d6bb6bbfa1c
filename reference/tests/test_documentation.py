"""The flags in the documentation: they exist."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference-server.md"


def test_every_flag_of_the_page_exists() -> None:
    from tus_reference.commandline import parser

    known = {name for action in parser()._actions for name in action.option_strings}
    assert set(re.findall(r"--[a-z][a-z0-9-]*", PAGE.read_text())) <= known
