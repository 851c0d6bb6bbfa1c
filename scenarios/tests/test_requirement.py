"""`requirement`: an id of the ledger never changes its meaning."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256

import pytest

from tus_scenarios import Requirement, ledger
from tus_scenarios.requirement import OWN_SUBJECTS

HTTP_DIGEST = "13d291f1c6e7914e67f62dd19066fc8a39a49ab3565d687644902b6f123e0b34"
"""The same of the rows about HTTP."""

CORS_DIGEST = "1078d947bd7c91a3421cc5f2964ba80f8c78df7a4f886d9edf4399dd56c45cd5"
"""The same of the rows about CORS."""

LEDGER_DIGEST = "ab0ac6fc443699dfc69e94fa755b201fcc0ea5b1e4f235af9a555c0387d2a2dc"
"""The digest of every id with its level. Rows may be added, at a new edition; none may change."""


def test_the_number_of_requirements() -> None:
    """169 duties of servers, of which 5 cannot be observed, and 67 of clients."""
    rows = [row for row in ledger().values() if row.extension not in OWN_SUBJECTS]
    assert Counter(row.side for row in rows) == {"server": 169, "client": 67}
    servers = Counter(row.observable for row in rows if row.side == "server")
    assert servers == {"yes": 140, "partly": 24, "no": 5}


def test_rows_about_http_and_cors_are_told_apart() -> None:
    """They are in ledgers of their own, and servers' duties all."""
    for row in ledger().values():
        for subject in OWN_SUBJECTS:
            assert row.id.startswith(f"{subject}.") == (row.extension == subject)
        own = row.extension in OWN_SUBJECTS
        assert not own or (row.side, row.observable) == ("server", "yes")


def test_ids_and_levels_are_frozen() -> None:
    """Baselines and reports of old refer to them."""
    digests = {"http": HTTP_DIGEST, "cors": CORS_DIGEST, "": LEDGER_DIGEST}
    for subject, digest in digests.items():
        rows = [
            row
            for row in ledger().values()
            if row.extension == subject or not (subject or row.extension in OWN_SUBJECTS)
        ]
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
    fetch = r"https://fetch\.spec\.whatwg\.org/#[a-z-]+"
    assert re.fullmatch(rf"{tus}|{rfc}#section-[0-9.]+|{fetch}", row.link)
