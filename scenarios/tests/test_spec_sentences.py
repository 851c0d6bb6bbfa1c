"""`spec_sentences`: each sentence with a keyword has its requirements."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tus_scenarios import Requirement, ledger
from tus_scenarios.requirement import Level
from tus_scenarios.spec_sentences import (
    KeywordSentence,
    LedgerComparison,
    compare_sentences,
    find_sentences,
    read_recorded_sentences,
)

TEXT = """# A protocol

Whoever writes "MUST" here MUST know what it means.

## Core

### Speed

The `Speed` header MUST be a number. It is polite
to be slow, and servers
SHOULD be ([slow](https://example.org/MAY)). Nobody may notice.

```
A server in an example MAY do anything.
```

#### Limits

It MAY be 0.

## End

Clients must not shout. They SHOULD NOT.
"""

SENTENCES = [
    ("Core/Speed", 1, "The Speed header MUST be a number."),
    ("Core/Speed", 2, "It is polite to be slow, and servers SHOULD be (slow)."),
    ("Core/Speed/Limits", 1, "It MAY be 0."),
    ("End", 1, "They SHOULD NOT."),
]


def make_requirement(name: str, level: Level) -> Requirement:
    """Return a row of a ledger."""
    return replace(next(iter(ledger().values())), id=name, level=level)


REQUIREMENTS = {
    "speed.number": make_requirement("speed.number", "MUST"),
    "speed.slow": make_requirement("speed.slow", "SHOULD"),
    "speed.zero": make_requirement("speed.zero", "MAY"),
    "end.quiet": make_requirement("end.quiet", "SHOULD NOT"),
    "end.open": make_requirement("end.open", "UNSPECIFIED"),
}
REQUIREMENT_IDS = (("speed.number",), ("speed.slow",), ("speed.zero",), ("end.quiet",))
RECORDED = tuple(
    replace(sentence, text="", requirement_ids=names)
    for sentence, names in zip(find_sentences(TEXT), REQUIREMENT_IDS, strict=True)
)


def test_the_sentences_with_a_keyword_are_found() -> None:
    """The preamble, examples, addresses and lower case do not count."""
    assert [(each.section, each.place, each.text) for each in find_sentences(TEXT)] == SENTENCES


def test_a_text_that_is_the_same_agrees() -> None:
    """However its lines are broken."""
    comparison = compare_sentences(
        find_sentences(TEXT.replace("servers\nSHOULD", "servers SHOULD")), RECORDED, REQUIREMENTS
    )
    assert comparison == LedgerComparison(matched=4)
    assert comparison.agrees


def places_of(sentences: tuple[KeywordSentence, ...]) -> list[str]:
    """Return where sentences stand."""
    return [each.name for each in sentences]


def test_a_changed_sentence_is_reported() -> None:
    """One word is enough."""
    comparison = compare_sentences(
        find_sentences(TEXT.replace("polite", "rude")), RECORDED, REQUIREMENTS
    )
    assert places_of(comparison.changed) == ["Core/Speed 2"]
    assert not comparison.agrees
    assert (comparison.added, comparison.removed, comparison.moved) == ((), (), ())


def test_a_new_sentence_is_reported() -> None:
    """It has no row yet."""
    comparison = compare_sentences(
        find_sentences(TEXT + "\nThey MAY sing.\n"), RECORDED, REQUIREMENTS
    )
    assert places_of(comparison.added) == ["End 2"]
    assert not comparison.agrees


def test_a_sentence_that_is_gone_is_reported() -> None:
    """Its rows may have to go as well."""
    comparison = compare_sentences(
        find_sentences(TEXT.replace("They SHOULD NOT.", "")), RECORDED, REQUIREMENTS
    )
    assert places_of(comparison.removed) == ["End 1"]
    assert not comparison.agrees


def test_a_sentence_that_moved_is_reported() -> None:
    """A link to its section would lead astray."""
    moved = TEXT.replace("\nIt MAY be 0.\n", "\n").replace(
        "shout. They", "shout. It MAY be 0. They"
    )
    comparison = compare_sentences(find_sentences(moved), RECORDED, REQUIREMENTS)
    assert places_of(comparison.moved) == ["End 1", "End 2"]
    assert not comparison.agrees


@pytest.mark.parametrize("name", [name for name in REQUIREMENTS if name != "end.open"])
def test_a_requirement_without_a_sentence_is_reported(name: str) -> None:
    """Its level says that there is a sentence."""
    recorded = tuple(
        replace(each, requirement_ids=tuple(set(each.requirement_ids) - {name}))
        for each in RECORDED
    )
    comparison = compare_sentences(find_sentences(TEXT), recorded, REQUIREMENTS)
    assert comparison.unreferenced_requirements == (name,)
    assert len(comparison.without_requirement) == 1
    assert not comparison.agrees


def test_a_requirement_missing_from_the_ledger_is_reported() -> None:
    """It was mistyped, or removed."""
    rows = {name: recorded for name, recorded in REQUIREMENTS.items() if name != "speed.zero"}
    comparison = compare_sentences(find_sentences(TEXT), RECORDED, rows)
    assert comparison.unknown_requirements == ("speed.zero",)
    assert not comparison.agrees


def test_every_kept_sentence_has_requirements_and_each_of_those_a_sentence() -> None:
    """This needs no text: 127 sentences, each with rows that the ledger has."""
    recorded = read_recorded_sentences()
    comparison = compare_sentences(recorded, recorded, ledger())
    assert comparison == LedgerComparison(matched=127)


@pytest.mark.skipif("TUS_SPEC_TEXT" not in os.environ, reason="TUS_SPEC_TEXT names no file")
def test_the_text_of_the_specification_agrees() -> None:
    """Every sentence, at its place, word for word."""
    text = Path(os.environ["TUS_SPEC_TEXT"]).read_text("utf-8")
    assert compare_sentences(
        find_sentences(text), read_recorded_sentences(), ledger()
    ) == LedgerComparison(matched=127)
