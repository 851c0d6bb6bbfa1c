"""`proxies.trial`: the configurations are whole, and docs/proxies.md shows the good ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxies.trial import HOME, configuration, product_names, read_cases, read_product
from tus_conformance.doctor.finding import finding_kinds

PAGE = Path(__file__).parents[2] / "docs" / "proxies.md"
LANGUAGES = {
    "nginx": "nginx",
    "haproxy": "haproxy",
    "apache": "apache",
    "caddy": "caddy",
    "varnish": "vcl",
    "lighttpd": "lighttpd",
    "squid": "squid",
}
"""The products, and the language of their code blocks in the page."""

FEWEST = 60


def good_lines(name: str) -> set[str]:
    text = (HOME / name / "good.conf").read_text("utf-8")
    text = text.replace("{port}", "8080").replace("{upstream}", "1080")
    return {line.strip() for line in text.splitlines()}


def test_every_product_has_a_block_in_the_page() -> None:
    assert product_names() == sorted(LANGUAGES)


@pytest.mark.parametrize("name", sorted(LANGUAGES))
def test_the_page_shows_lines_of_the_good_configuration(name: str) -> None:
    block = re.search(rf"^```{LANGUAGES[name]}\n(.*?)^```", PAGE.read_text("utf-8"), re.S | re.M)
    assert block is not None
    shown = {line.strip() for line in block[1].splitlines()}
    assert shown - good_lines(name) <= {""}


@pytest.mark.parametrize("name", sorted(LANGUAGES))
def test_every_case_changes_the_good_configuration(name: str) -> None:
    cases = read_cases(name)
    assert len({case.id for case in cases}) == len(cases)
    assert read_product(name).name in PAGE.read_text("utf-8")
    for case in cases:
        assert set(case.findings) <= set(finding_kinds())
        configuration(name, case)


def test_there_are_many_bad_configurations_and_harmless_ones() -> None:
    cases = [case for name in product_names() for case in read_cases(name)]
    assert sum(bool(case.findings) for case in cases) >= FEWEST
    assert sum(not case.findings for case in cases) > len(product_names())
