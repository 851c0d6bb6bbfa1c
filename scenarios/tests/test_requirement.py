"""`requirement`: an id of the ledger never changes its meaning."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256

import pytest

from tus_scenarios import Requirement, ledger

HTTP_DIGEST = "13d291f1c6e7914e67f62dd19066fc8a39a49ab3565d687644902b6f123e0b34"
"""The same of the rows about HTTP."""

LEDGER_DIGEST = "ab0ac6fc443699dfc69e94fa755b201fcc0ea5b1e4f235af9a555c0387d2a2dc"
"""The digest of every id with its level. Rows may be added, at a new edition; none may change."""


def test_the_number_of_requirements() -> None:
    """169 duties of servers, of which 5 cannot be observed, and 67 of clients."""
    rows = [row for row in ledger().values() if row.extension != "http"]
    assert Counter(row.side for row in rows) == {"server": 169, "client": 67}
    servers = Counter(row.observable for row in rows if row.side == "server")
    assert servers == {"yes": 140, "partly": 24, "no": 5}


def test_rows_about_http_are_told_apart() -> None:
    """They are in a ledger of their own, and servers' duties all."""
    for row in ledger().values():
        assert row.id.startswith("http.") == (row.extension == "http")
        assert row.extension != "http" or (row.side, row.observable) == ("server", "yes")


def test_ids_and_levels_are_frozen() -> None:
    """Baselines and reports of old refer to them."""
    for is_http, digest in ((False, LEDGER_DIGEST), (True, HTTP_DIGEST)):
        rows = [row for row in ledger().values() if (row.extension == "http") is is_http]
        text = "\n".join(f"{row.id}\t{row.level}" for row in rows)
        assert sha256(text.encode()).hexdigest() == digest


@pytest.mark.parametrize("row", ledger().values(), ids=lambda row: row.id)
def test_a_requirement_is_complete(row: Requirement) -> None:
    """It has a statement, and says why where it cannot be observed in full."""
    assert row.id.startswith("client.") == (row.side == "client")
    assert row.statement.endswith(".")
    assert bool(row.why_not) == (row.observable != "yes")
    for text in (row.why_not, row.ambiguity):
        assert not text or re.fullmatch(r"[A-Z0-9\"].*\.", text)
        assert not re.search(r"\[pre|U\(|https?://", text)


@pytest.mark.parametrize("row", ledger().values(), ids=lambda row: row.id)
def test_a_requirement_links_to_its_section(row: Requirement) -> None:
    """The link has the anchor of a heading."""
    tus, rfc = r"https://tus\.io/[a-z/-]+#[a-z-]+", r"https://www\.rfc-editor\.org/rfc/rfc\d+\.html"
    assert re.fullmatch(rf"{tus}|{rfc}#section-[0-9.]+", row.link)
