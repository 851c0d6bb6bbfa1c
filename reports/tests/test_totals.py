"""`totals`: the totals claim nothing that was not seen."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from tus_reports import Capability, Record, Verdict
from tus_reports.capability import is_contradiction
from tus_reports.spec_text import find_section, split_sections
from tus_reports.totals import GroupTotals, conclusion_sentence


@pytest.mark.parametrize(
    ("counts", "verdict", "sentence"),
    [
        pytest.param({"pass": 8}, "pass", "conformant in all 8 requirements", id="all held"),
        pytest.param({"pass": 1}, "pass", "conformant in its one requirement", id="one"),
        pytest.param(
            {"pass": 6, "note": 2, "not-applicable": 3},
            "pass",
            "conformant in all 8 requirements; 3 do not apply",
            id="notes hold, what does not apply is not counted",
        ),
        pytest.param(
            {"warn": 2, "pass": 6},
            "warn",
            "conformant in all 8 requirements; 2 warnings",
            id="warnings",
        ),
        pytest.param(
            {"pass": 11, "excluded": 44},
            "pass",
            "conformant in all 11 requirements; 44 excluded",
            id="a selection",
        ),
        pytest.param(
            {"fail": 1, "warn": 1, "pass": 2, "blocked": 1},
            "fail",
            "violates 1 of 5 requirements; 1 warning, 1 undetermined",
            id="violated",
        ),
        pytest.param(
            {"blocked": 1, "pass": 3},
            "blocked",
            "undetermined: 1 of 4 requirements could not be evaluated",
            id="some undetermined",
        ),
        pytest.param(
            {"error": 4},
            "error",
            "undetermined: none of 4 requirements could be evaluated",
            id="all undetermined",
        ),
        pytest.param({"unsupported": 3}, "unsupported", "not offered", id="not offered"),
        pytest.param(
            {"note": 1, "unsupported": 17},
            "unsupported",
            "not offered",
            id="not offered, though a row speaks of that",
        ),
        pytest.param(
            {"fail": 1, "unsupported": 17},
            "fail",
            "violates 1 of 1 requirement; 17 do not apply",
            id="not offered, and wrong about it",
        ),
        pytest.param(
            {"pass": 9, "unsupported": 2},
            "pass",
            "conformant in all 9 requirements; 2 do not apply",
            id="offered for the most part",
        ),
        pytest.param({"not-applicable": 2}, "not-applicable", "nothing applies", id="n/a"),
        pytest.param({"excluded": 2}, "excluded", "excluded", id="excluded"),
    ],
)
def test_shares(counts: dict[Verdict, int], verdict: Verdict, sentence: str) -> None:
    """An extension's verdict and sentence follow from its counts."""
    share = GroupTotals("an extension", counts)
    assert (share.verdict, share.sentence) == (verdict, sentence)


def test_an_extension_that_a_server_neither_lists_nor_has_is_not_offered() -> None:
    """One row may hold for it: that it is not listed without what it builds on, say."""
    share = GroupTotals("an extension", {"pass": 1, "not-applicable": 8}, is_absent=True)
    assert (share.verdict, share.sentence) == ("unsupported", "not offered")
    wrong = GroupTotals("an extension", {"fail": 1, "not-applicable": 8}, is_absent=True)
    assert wrong.sentence.startswith("violates 1 of 1 requirement")


@pytest.mark.parametrize(
    ("kept", "exit_code", "sentence"),
    [
        pytest.param({"pass"}, 0, "Conformant in all 3 requirements.", id="all held"),
        pytest.param(
            {"pass", "warn"}, 0, "Conformant in all 4 requirements, with 1 warning.", id="warns"
        ),
        pytest.param(
            {"pass", "excluded"}, 0, "Conformant in all 3 requirements, with 1 excluded.", id="x"
        ),
        pytest.param(
            {"pass", "warn"},
            1,
            "Conformant, but --strict counts 1 warning as failures.",
            id="strict",
        ),
        pytest.param(
            {"pass", "blocked"},
            3,
            "Undetermined: 1 of 4 requirements could not be evaluated.",
            id="blocked",
        ),
        pytest.param(
            {"fail", "pass", "warn", "excluded"},
            1,
            "Not conformant: 2 of 6 requirements violated, with 1 warning and 1 excluded.",
            id="violated",
        ),
        pytest.param(set(), 4, "Nothing was tested: no scenario was selected.", id="nothing"),
    ],
)
def test_conclusions(kept: set[Verdict], exit_code: int, sentence: str, sample: Record) -> None:
    """The conclusion follows from the verdicts and the exit code."""
    assert sample.footer is not None
    footer = msgspec.structs.replace(sample.footer, exit_code=exit_code)
    rows = tuple(row for row in sample.requirements if row.verdict in kept)
    scenarios = tuple(each for each in sample.scenarios if each.verdict in kept)
    header = msgspec.structs.replace(sample.header, strict=exit_code == 1)
    found = replace(sample, header=header, footer=footer, requirements=rows, scenarios=scenarios)
    assert conclusion_sentence(found) == sentence


@pytest.mark.parametrize(
    ("name", "advertised", "observed", "expected"),
    [
        ("creation", True, "accepted", False),
        ("creation", True, "refused", True),
        ("creation", False, "accepted", True),
        ("creation", False, "refused", False),
        ("creation", True, "unknown", False),
        ("creation", False, "unknown", False),
        ("download", False, "accepted", False),
    ],
)
def test_contradictions(name: str, advertised: bool, observed: str, expected: bool) -> None:
    """A server contradicts itself where a probe saw other than it says."""
    found = {"name": name, "advertised": advertised, "observed": observed}
    assert is_contradiction(msgspec.convert(found, Capability)) is expected


SPEC = """# The protocol
## Core Protocol
The core. Servers MUST implement it.
### Requests
#### POST
Not that one.
### Headers
#### Offset
An `Offset` is a number. It MUST be positive. A client
MAY send it twice.

```
# no heading: GET / MUST stay code
```
## Creation
### Requests
#### POST
To create. The Server SHOULD answer.
"""


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("Core Protocol", ("The protocol", "Core Protocol")),
        ("Core/Headers/Offset", ("The protocol", "Core Protocol", "Headers", "Offset")),
        ("Creation/POST; Core/Headers", ("The protocol", "Creation", "Requests", "POST")),
        ("Core/POST (a rule)", ("The protocol", "Core Protocol", "Requests", "POST")),
        ("Elsewhere", None),
    ],
)
def test_a_place_leads_to_its_section(place: str, path: tuple[str, ...] | None) -> None:
    """The section of the specification is found by the ledger's name for it."""
    found = find_section(place, split_sections(SPEC))
    assert (found.path if found else None) == path


def test_the_normative_sentences_are_distinguished() -> None:
    """Sentences with a word of RFC 2119 are normative; what stands between fences is code."""
    found = find_section("Core/Headers/Offset", split_sections(SPEC))
    assert found is not None
    said, example = found.blocks
    assert [(each.text, each.normative) for each in said.sentences] == [
        ("An `Offset` is a number.", False),
        ("It MUST be positive.", True),
        ("A client MAY send it twice.", True),
    ]
    assert example.code == "# no heading: GET / MUST stay code"
