"""The diagnosis as one HTML file: no network, no script, in light and in dark."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from tus_conformance.doctor.culprit_text import (
    SEVERITIES,
    chosen_lines,
    conclude,
    describe_culprit,
    offer_direct,
)
from tus_conformance.doctor.diagnosis import Diagnosis
from tus_reports.transcript import escape_controls, format_exchange

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup


def format_html(diagnosis: Diagnosis) -> str:
    """Return an HTML document."""
    return _template().render(
        diagnosis=diagnosis,
        conclusion=conclude(diagnosis),
        offer=offer_direct(diagnosis),
        severities=SEVERITIES,
        describe_culprit=describe_culprit,
        chosen_lines=chosen_lines,
        format_exchange=format_exchange,
    )


def _mark_code(text: str) -> Markup:
    """Return a text with what is in backticks as code."""
    from markupsafe import Markup, escape

    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  it is escaped


_CODE = re.compile("`([^`]+)`")


@cache
def _template() -> Template:
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["controls"] = escape_controls
    environment.filters["code"] = _mark_code
    text = (files(__package__) / "data" / "report.html.j2").read_text("utf-8")
    return environment.from_string(text)
