"""The good configurations of docs/proxies.md, each inside what its product needs to start.

The frame of a product (`frame.conf`) has only what depends on the machine: folders, process ids,
modules of an installation. What a proxy needs to serve uploads has to be in the page.
"""

from __future__ import annotations

import re

from proxies.trial import HOME, read_product

PAGE = HOME.parents[1] / "docs" / "proxies.md"
PLACE = "# the documented lines\n"


def documented_lines(name: str) -> str:
    """Return the configuration that the section of a product shows; raise ValueError without."""
    heading = re.escape(read_product(name).name)
    pattern = rf"^### {heading}\n(?:(?!^#).*\n)*?```\w+\n((?:.*\n)*?)```$"
    block = re.search(pattern, PAGE.read_text("utf-8"), re.MULTILINE)
    if block is None:
        raise ValueError(f"{PAGE.name} has no section with a configuration of {name}")
    return block[1]


def documented_configuration(name: str) -> str:
    """Return the documented lines in the frame, with the placeholders of `fill_in`."""
    lines = documented_lines(name).replace("8080", "{port}").replace("1080", "{upstream}")
    frame = (HOME / name / "frame.conf").read_text("utf-8")
    if frame.count(PLACE) != 1:
        raise ValueError(f"frame.conf of {name} must have the line {PLACE.strip()!r} once")
    return frame.replace(PLACE, lines)
