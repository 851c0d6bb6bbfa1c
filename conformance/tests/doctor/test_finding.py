"""`doctor.finding`: the data of findings and cures are whole and refer to each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tus_conformance.discovery.intermediary import intermediaries
from tus_conformance.doctor import finding, stages
from tus_conformance.doctor.finding import cure_files, cure_lines, finding_kinds
from tus_conformance.doctor.stages import STAGES

ROOM = Path(finding.__file__).parent
PRODUCTS_WITHOUT_PAGES = {"Kubernetes ingress-nginx"}
"""They answer as another product does."""


def reported_ids() -> set[str]:
    """Return every text in the code of the room that is the id of a finding."""
    found = set()
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def test_every_kind_of_finding_is_reported_somewhere() -> None:
    texts = reported_ids()
    patterns = {"location.scheme", "location.host", "location.port"}
    patterns |= {"headers.upload-metadata", "headers.request.changed", "headers.response.changed"}
    # Their names are put together.
    assert set(finding_kinds()) - texts - patterns == set()


@pytest.mark.parametrize("product", sorted(cure_files()))
def test_cures_are_for_findings_that_exist(product: str) -> None:
    assert set(cure_files()[product].lines) <= set(finding_kinds())


def test_cures_are_for_products_that_can_be_recognised() -> None:
    names = {product.name for product in cure_files().values()}
    assert names - {each.name for each in intermediaries()} == PRODUCTS_WITHOUT_PAGES


def test_buffering_has_lines_for_the_products_that_buffer() -> None:
    assert {"nginx", "lighttpd", "Caddy", "Kubernetes ingress-nginx"} <= set(
        cure_lines("streaming.buffered")
    )


def test_stages_need_conditions_that_a_finding_prevents() -> None:
    prevented = {name for kind in finding_kinds().values() for name in kind.prevents}
    needed = {name for stage in STAGES for name in stage.needs}
    assert needed <= prevented
    assert prevented <= needed | {"upload"}


def test_the_first_stage_needs_nothing() -> None:
    assert stages.STAGES[0].needs == ()
