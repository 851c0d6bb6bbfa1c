"""`proxies.trial`: the configurations are whole, and docs/proxies.md shows the good ones."""

from __future__ import annotations

import pytest

from proxies.documentation import documented_configuration, documented_lines
from proxies.trial import HOME, configuration, product_names, read_cases
from tus_conformance.doctor.finding import finding_kinds

FEWEST = 60


def good_lines(name: str) -> set[str]:
    text = (HOME / name / "good.conf").read_text("utf-8")
    text = text.replace("{port}", "8080").replace("{upstream}", "1080")
    return {line.strip() for line in text.splitlines()}


@pytest.mark.parametrize("name", product_names())
def test_the_page_shows_lines_of_the_good_configuration(name: str) -> None:
    shown = {line.strip() for line in documented_lines(name).splitlines()}
    assert shown - good_lines(name) <= {""}


@pytest.mark.parametrize("name", product_names())
def test_the_documented_configuration_has_a_place_for_both_ports(name: str) -> None:
    text = documented_configuration(name)
    assert text.count("{port}") >= (name != "varnish")
    assert text.count("{upstream}") == 1


@pytest.mark.parametrize("name", product_names())
def test_every_case_changes_the_good_configuration(name: str) -> None:
    cases = read_cases(name)
    assert len({case.id for case in cases}) == len(cases)
    for case in cases:
        assert set(case.findings) <= set(finding_kinds())
        configuration(name, case)


def test_there_are_many_bad_configurations_and_harmless_ones() -> None:
    cases = [case for name in product_names() for case in read_cases(name)]
    assert sum(bool(case.findings) for case in cases) >= FEWEST
    assert sum(not case.findings for case in cases) > len(product_names())
