"""Badges: the verdict on the run, or on one extension, as data for a badge service or as SVG."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape

from tus_reports.findings import UNDETERMINED
from tus_reports.record import RequirementResult
from tus_reports.record_reader import Record
from tus_reports.totals import GroupTotals, count_verdicts, pluralize

# Dark enough for white text at a contrast of 4.5 to 1.
_GREEN, _RED, _PURPLE, _GREY = "#2a7a3b", "#b3261e", "#7b3fa0", "#5f6368"
_AMBER = "#8a5a00"


@dataclass(frozen=True)
class Badge:
    """What a badge says, and its colour."""

    label: str
    message: str
    colour: str


def badge(record: Record, extension: str | None = None) -> Badge:
    """Return the badge of the run, or of one extension.

    Raises `KeyError` for an extension of which the record has no requirement.
    """
    chosen = [
        requirement
        for requirement in record.requirements
        if extension in {None, requirement.extension}
    ]
    if extension is not None and not chosen:
        known = ", ".join(
            dict.fromkeys(requirement.extension for requirement in record.requirements)
        )
        raise KeyError(f"The record has no extension {extension!r}; it has: {known}.")
    label = "tus 1.0.0" if extension is None else f"tus {extension}"
    return Badge(label, *_message(record, chosen))


def badge_json(record: Record, extension: str | None = None) -> str:
    """Return a badge as the JSON that badge services read from an endpoint."""
    made = badge(record, extension)
    known = {"schemaVersion": 1, "label": made.label, "message": made.message, "color": made.colour}
    return json.dumps(known, indent=2) + "\n"


def badge_svg(record: Record, extension: str | None = None) -> str:
    """Return a badge as an SVG image, with its text as its accessible name."""
    made = badge(record, extension)
    left, right = _text_width(made.label) + 12, _text_width(made.message) + 12
    name = escape(f"{made.label}: {made.message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{name}">\n'
        f"  <title>{name}</title>\n"
        f'  <rect width="{left + right}" height="20" rx="3" fill="{made.colour}"/>\n'
        f'  <path d="M3 0h{left - 3}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="#3c4043"/>\n'
        f'  <g fill="#fff" text-anchor="middle" font-size="11" '
        f'font-family="Verdana,DejaVu Sans,Geneva,sans-serif">\n'
        f"    {_format_svg_text(made.label, left / 2, left - 12)}\n"
        f"    {_format_svg_text(made.message, left + right / 2, right - 12)}\n"
        f"  </g>\n"
        f"</svg>\n"
    )


def _message(record: Record, chosen: list[RequirementResult]) -> tuple[str, str]:
    counts = count_verdicts(chosen)
    totals = GroupTotals("", counts)
    whole = record.footer is not None and not record.footer.error
    doubtful = sum(counts.get(verdict, 0) for verdict in UNDETERMINED)
    known = sum(line.verdict == "fail" and line.is_known for line in chosen)
    if known and known == sum(line.verdict == "fail" for line in chosen) and whole:
        return f"{counts['fail']} of {totals.evaluated} violated, known", _AMBER
    if counts.get("fail"):
        return f"{counts['fail']} of {totals.evaluated} violated", _RED
    if doubtful or not whole or not chosen:
        return "undetermined", _PURPLE
    if not totals.is_offered:
        return "not offered", _GREY
    if not totals.evaluated:
        return "not tested", _GREY
    warned, left_out = counts.get("warn", 0), counts.get("excluded", 0)
    also = f", {pluralize(warned, 'warning')}" if warned else ""
    also += f", {left_out} excluded" if left_out else ""
    return f"conformant{also}", _GREEN


def _format_svg_text(text: str, middle: float, width: int) -> str:
    return f'<text x="{middle:g}" y="14" textLength="{width}">{escape(text)}</text>'


def _text_width(text: str) -> int:
    """Return about how many pixels a text takes in Verdana of 11 pixels."""
    narrow = sum(char in "fijlrt1 ,.:-" for char in text)
    wide = sum(char in "mwMW" for char in text)
    return round(7 * len(text) - 2.6 * narrow + 3 * wide)
