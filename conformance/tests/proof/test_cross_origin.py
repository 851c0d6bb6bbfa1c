"""`proof.cases`: servers for pages of other origins, evaluated by the scenarios about these."""

from __future__ import annotations

import pytest

from proof.cases import REFERENCE, server_case
from proof.memory_evaluation import evaluate_server
from tus_defects import defects
from tus_defects.variant import Variant
from tus_scenarios import scenarios

NAMES = frozenset(each.id for each in scenarios() if each.id.startswith("cors."))
ROWS = frozenset(row for each in scenarios() for row in each.requirements if row[:5] == "cors.")
DEFECTS = [each for each in defects().values() if each.breaks.startswith("cors.")]


@pytest.mark.parametrize("quirk", [REFERENCE, "asterisks-for-pages", "preflight-in-lower-case"])
def test_what_the_fetch_standard_permits_passes(quirk: str) -> None:
    found = evaluate_server(server_case(quirk), scenario_ids=NAMES)
    assert {row: each for row, each in found.violations().items() if row in ROWS} == {}
    passed = {row for row in ROWS if found.requirements[row] == "pass"}
    assert passed >= ROWS - {"cors.credentials.no-wildcard"}


BROAD = frozenset({"successes-without-allow-origin", "nothing-exposed"})
"""Defects that remove a header everywhere, and so break several requirements."""


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda each: each.id)
def test_each_defect_is_found_at_its_requirement_alone(defect: Variant) -> None:
    found = evaluate_server(server_case(REFERENCE), change=defect.change, scenario_ids=NAMES)
    violated = {row for row in found.violations() if row in ROWS}
    assert defect.breaks in violated
    assert len(violated) == 1 or defect.id in BROAD
