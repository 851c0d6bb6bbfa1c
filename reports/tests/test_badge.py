"""`badge`: what a badge claims, as text, SVG and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from tus_reports import Record
from tus_reports.badge import badge, badge_json, badge_svg

Golden = Callable[[str, str], None]


@pytest.mark.parametrize(
    ("name", "view"),
    [
        ("badge.json", badge_json),
        ("badge.svg", badge_svg),
    ],
)
def test_golden(name: str, view: Callable[[Record], str], sample: Record, golden: Golden) -> None:
    """Each view of the sample run is the stored one."""
    golden(name, view(sample))


@pytest.mark.parametrize(
    ("extension", "label", "message"),
    [
        pytest.param(None, "tus 1.0.0", "2 of 10 violated", id="the run"),
        pytest.param("core", "tus core", "2 of 6 violated", id="violated"),
        pytest.param("creation", "tus creation", "undetermined", id="undetermined"),
        pytest.param("checksum", "tus checksum", "not offered", id="not offered"),
    ],
)
def test_badge(extension: str | None, label: str, message: str, sample: Record) -> None:
    """A badge says what the verdict is."""
    made = badge(sample, extension)
    assert (made.label, made.message) == (label, message)
    assert json.loads(badge_json(sample, extension))["message"] == message
    image = ET.fromstring(badge_svg(sample, extension))
    assert image.get("aria-label") == f"{label}: {message}"


def test_a_badge_never_claims_more_than_is_known(sample: Record) -> None:
    """Only a whole run without doubt says conformant; its warnings are counted."""
    good = tuple(row for row in sample.requirements if row.verdict in {"pass", "warn"})
    assert badge(replace(sample, requirements=good)).message == "conformant, 1 warning"
    assert badge(replace(sample, requirements=good, footer=None)).message == "undetermined"
    assert badge(replace(sample, requirements=())).message == "undetermined"


def test_a_badge_of_an_unknown_extension_is_refused(sample: Record) -> None:
    """The error names the extensions there are."""
    with pytest.raises(KeyError, match="core, creation, checksum, termination"):
        badge(sample, "teleportation")
